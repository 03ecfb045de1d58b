#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What is installed works from the folder it is installed into.  TAP on
# standard output.
#
#     test_install.sh BUILD_ROOT COMPILER... -- MESON...
set -u
build=$1
shift
compiler=
while [ "$1" != -- ]; do compiler="$compiler $1"; shift; done
shift
unset GST_PLUGIN_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH

root=$(mktemp -d "$build/install-XXXXXX") || exit 1
trap 'rm -rf "$root"' EXIT
export GST_REGISTRY="$root/registry.bin"
failed=0

report() { # STATUS NAME
  if [ "$1" = 0 ]; then
    echo "ok - $2"
  else
    echo "not ok - $2"
    sed 's/^/# /' "$root/log"
    failed=1
  fi
}

echo "1..3"
"$@" install -C "$build" --destdir "$root" --no-rebuild >"$root/log" 2>&1
plugin=$(find "$root" -name libgstvit.so)
GST_PLUGIN_PATH=$(dirname "$plugin") gst-inspect-1.0 vitpatchembed >>"$root/log" 2>&1
report $? "an installed plugin is found by GST_PLUGIN_PATH alone"

header=$(find "$root" -name gstvittokensmeta.h)
prefix=${header%/include/gstreamer-1.0/gst/vit/gstvittokensmeta.h}
pc=$(find "$root" -name gstreamer-vit-1.0.pc)
# It names the prefix without the scratch folder.
sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
cat >"$root/program.c" <<'PROGRAM'
#include <gst/vit/gstvittokensmeta.h>

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  return gst_vit_tokens_meta_get_info () == NULL;
}
PROGRAM
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs gstreamer-vit-1.0)
$compiler "$root/program.c" -o "$root/program" $flags >"$root/log" 2>&1
report $? "a program is built by the installed pkg-config file"
library=$(find "$root" -name libgstvit-1.0.so.0)
LD_LIBRARY_PATH=$(dirname "$library") "$root/program" >"$root/log" 2>&1
report $? "the program runs"
exit $failed
