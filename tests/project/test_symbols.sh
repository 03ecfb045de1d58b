#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a library exports carries the project's prefix; and none of them reads
# the environment of a program that has more rights than its user, which only
# secure_getenv() does not.  TAP on standard output.
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

check_environment() { # NM_OUTPUT
  readers=$(echo "$1" | awk 'NF { sub(/@.*/, "", $NF); print $NF }' \
    | grep -Ex 'getenv|g_getenv|g_get_environ|g_get_home_dir|g_get_user_.*|_?_?environ' | sort -u)
  if [ -z "$readers" ]; then
    echo "ok - the environment is read by secure_getenv alone"
  elif [ "$(uname)" != Linux ]; then
    echo "ok - the environment is read by secure_getenv alone # SKIP it is Linux's"
  else
    echo "not ok - the environment is read by secure_getenv alone"
    echo "# but by" $readers
    failed=1
  fi
}

echo "1..4"
check "the metadata library" "$(nm -D --defined-only "$1")" \
  '^(gst_vit_|gst_buffer_[a-z]+_vit_)'
check "the plugin" "$(nm -D --defined-only "$2")" '^gst_plugin_vit_'
check "the library" "$(nm -g --defined-only "$3" | grep ' [A-Z] ')" '^(__odr_asan\.)?vit_'
check_environment "$(nm -D --undefined-only "$1"; nm -D --undefined-only "$2"
  nm -g --undefined-only "$3")"
exit $failed
