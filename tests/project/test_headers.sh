#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every header compiles alone, and all of them together as C++.  TAP on standard
# output.
#
#     test_headers.sh COMPILER... -- SOURCE_ROOT
set -u
compiler=
while [ "$1" != -- ]; do compiler="$compiler $1"; shift; done
root=$2
cd "$root" || exit 1

headers=$(find src -name '*.h' | sort)
packages="glib-2.0 jansson"
if pkg-config --exists gstreamer-base-1.0 gstreamer-video-1.0; then
  headers="$headers $(find plugin -name '*.h' | sort)"
  packages="$packages gstreamer-base-1.0 gstreamer-video-1.0"
fi
compile="$compiler $(pkg-config --cflags $packages) -Isrc -Iplugin -Iplugin/gst-libs -Wall -Wextra -Werror -fsyntax-only"

# As others include it: ROOM/NAME.h, gst/vit/NAME.h.
include() { # HEADER
  name=${1#src/}
  name=${name#plugin/gst-libs/}
  echo "#include \"${name#plugin/}\""
}

echo "1..$(($(echo "$headers" | wc -w) + 1))"
failed=0
for header in $headers; do
  echo "$header $(include "$header" | cut -d '"' -f 2)"
done | xargs -P 4 -L 1 sh -c '
  if echo "#include \"$3\"" | $1 -x c -; then
    echo "ok - $2 compiles alone"
  else
    echo "not ok - $2 compiles alone"
    exit 1
  fi' check "$compile" || failed=1

if for header in $headers; do
  include "$header"
done | $compile -x c++ -; then
  echo "ok - all compile as C++"
else
  echo "not ok - all compile as C++"
  failed=1
fi
exit $failed
