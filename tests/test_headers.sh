#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every header compiles alone, as C and as C++.  TAP on standard output.
#
#     test_headers.sh COMPILER... -- SOURCE_ROOT
set -u
compiler=
while [ "$1" != -- ]; do compiler="$compiler $1"; shift; done
root=$2
cd "$root" || exit 1

headers=$(ls src/*.h)
packages="glib-2.0 jansson"
if pkg-config --exists gstreamer-base-1.0 gstreamer-video-1.0; then
  headers="$headers $(ls plugin/*.h)"
  packages="$packages gstreamer-base-1.0 gstreamer-video-1.0"
fi
flags="$(pkg-config --cflags $packages) -Isrc -Iplugin -Wall -Wextra -Werror -fsyntax-only"

echo "1..$((2 * $(echo "$headers" | wc -w)))"
failed=0
check() { # NAME LANGUAGE HEADER
  if echo "#include \"$(basename "$3")\"" | $compiler $flags -x "$2" -; then
    echo "ok - $3 compiles alone as $1"
  else
    echo "not ok - $3 compiles alone as $1"
    failed=1
  fi
}
for header in $headers; do
  check C c "$header"
  check C++ c++ "$header"
done
exit $failed
