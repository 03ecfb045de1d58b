#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a library exports carries the project's prefix.  TAP on standard output.
#
#     test_symbols.sh METADATA_LIBRARY PLUGIN STATIC_LIBRARY
set -u
failed=0

check() { # WHAT NM_OUTPUT ALLOWED
  stray=$(echo "$2" | awk 'NF { print $NF }' | grep -Ev "$3")
  count=$(echo "$2" | grep -c .)
  if [ -z "$stray" ] && [ "$count" -gt 0 ]; then
    echo "ok - $1 exports nothing without the prefix ($count symbols)"
  else
    echo "not ok - $1 exports nothing without the prefix"
    echo "# of $count symbols: $stray"
    failed=1
  fi
}

echo "1..3"
check "the metadata library" "$(nm -D --defined-only "$1")" \
  '^(gst_vit_|gst_buffer_[a-z]+_vit_)'
check "the plugin" "$(nm -D --defined-only "$2")" '^gst_plugin_vit_'
check "the library" "$(nm -g --defined-only "$3" | grep ' [A-Z] ')" '^(__odr_asan\.)?vit_'
exit $failed
