#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs what the tests need, builds everything and runs all tests, then builds
# src/ alone as where GStreamer is absent.  The last line reads "N passed,
# N failed" (", N skipped" where that is so).
#
#     sh tests/run.sh
#
# CC chooses the compiler; with CI=true a warning is an error, src/ is also
# tested for aarch64 (aarch64.sh), the whole against a newer GStreamer
# (newer-gstreamer.sh), and examples/archive on Ray (archive.sh).
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/.."

sh examples/install-packages.sh gcc g++ libc6-dev meson pkgconf \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  libpango1.0-dev \
  gobject-introspection libgirepository1.0-dev gstreamer1.0-tools \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
  python3-gi python3-gst-1.0 python3-numpy gir1.2-gst-plugins-base-1.0

passed=0
failed=0
skipped=0

# What failed is named once more at the end.
failures=

fail() { # WHAT
  failed=$((failed + 1))
  failures="$failures
failed: $1"
}

remember() { # LOG
  failures="$failures
$(grep '^failed: ' "$1" || :)"
}

# Adds up meson's own count of every program's cases, and names what was skipped.
count() { # BUILD_FOLDER
  names=$1/names.log
  set -- $(/usr/bin/python3 tests/count_results.py "$1/meson-logs" 2>"$names")
  cat "$names"
  remember "$names"
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}

run() { # NAME TESTS MESON_OPTION...
  name=$1
  tests=$2 # "" for all
  build=build-tests-$name
  shift 2
  [ "${CI-}" != true ] || set -- "$@" --werror
  rm -rf "$build"
  mkdir "$build"
  log=$build/build.log
  echo "== $name: building"
  if ! { meson setup "$build" "$@" && meson compile -C "$build"; } >"$log" 2>&1; then
    cat "$log"
    fail "$name does not build"
    return
  fi
  [ "$name" != all ] || start_script documents run_documents
  echo "== $name: testing"
  meson test -C "$build" --no-rebuild --no-suite documents --print-errorlogs $tests || true
  if [ -f "$build/meson-logs/testlog.junit.xml" ]; then
    count "$build"
  else
    fail "$name has no results"
  fi
}

# One program that takes as long as all others.
run_documents() {
  meson test -C build-tests-all --no-rebuild --print-errorlogs --logbase documents \
    --suite documents || true
  set -- $(/usr/bin/python3 tests/count_results.py build-tests-all/meson-logs documents)
  echo "$1 passed, $2 failed, $3 skipped"
}

# src/ alone once more, for another machine.
run_aarch64() {
  status=0
  sh tests/aarch64.sh build-aarch64 || status=$?
  case $status in
    0) run aarch64 "" --cross-file build-aarch64/cross.ini \
         --buildtype=debugoptimized -Dtests=enabled -Dplugin=disabled ;;
    77) skipped=$((skipped + 1)) ;;
    *) fail "aarch64's tools" ;;
  esac
}

# The whole once more, on Debian 13.  While its chroot is made, mostly a matter
# of downloading, the other tests run; apt, though, does one thing at a time.
prepare_newer() {
  sh examples/install-packages.sh debootstrap util-linux >/dev/null 2>&1 || return 0
  sh tests/newer-gstreamer.sh --prepare trixie >/dev/null 2>&1 &
  chroot=$!
}

# Another script's tests: its last line is "N passed, N failed[, N skipped]".  It
# runs beside others: each leaves a core idle at times.
start_script() { # NAME COMMAND...
  name=$1
  shift
  rm -f "build-$name.status"
  {
    status=0
    "$@" >"build-$name.log" 2>&1 || status=$?
    echo $status >"build-$name.status"
  } &
}

# Waits for all of them and counts the tests of one.
finish_script() { # NAME
  wait
  echo "== $1: building and testing"
  cat "build-$1.log"
  remember "build-$1.log"
  [ "$(cat "build-$1.status")" != 77 ] || { skipped=$((skipped + 1)); return; }
  set -- $(tail -n 1 "build-$1.log" | sed -n \
    's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)*$/\1 \2 \4/p')
  passed=$((passed + ${1:-0}))
  failed=$((failed + ${2:-1}))
  skipped=$((skipped + ${3:-0}))
}

[ "${CI-}" != true ] || prepare_newer
run all "" --buildtype=debugoptimized -Dtests=enabled -Dexamples=enabled
# The same objects as before: that it builds and runs is what is tested.
run src-alone "encoder_golden plan pos_embed rooms" --buildtype=debugoptimized -Dtests=enabled -Dplugin=disabled
if [ "${CI-}" = true ]; then
  wait ${chroot-} || true # where it cannot be made, newer-gstreamer.sh says why
  start_script newer sh tests/newer-gstreamer.sh trixie
  run_aarch64
  start_script archive sh tests/archive.sh build-tests-all
  finish_script archive
  finish_script newer
fi
finish_script documents

printf '%s\n' "$failures" | sed '/^$/d'
if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
