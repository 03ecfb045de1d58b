#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs what the tests need, builds everything and runs all tests: the whole
# project, then src/ alone as where GStreamer is absent.  The last line reads
# "N passed, N failed" (", N skipped" where that is so).
#
#     sh tests/run.sh
#
# CC chooses the compiler; with CI=true a warning is an error, and src/ is also
# tested for aarch64 (aarch64.sh).
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/.."

sh examples/install-packages.sh gcc g++ libc6-dev meson pkgconf \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  gobject-introspection libgirepository1.0-dev gstreamer1.0-tools \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
  python3-gi python3-gst-1.0 python3-numpy gir1.2-gst-plugins-base-1.0

passed=0
failed=0
skipped=0

# Adds up meson's own count of every program's cases, and names what was skipped.
count() { # BUILD_FOLDER
  for word in $(/usr/bin/python3 - "$1/meson-logs/testlog.junit.xml" <<'PYTHON'
import sys
from xml.etree import ElementTree

passed = failed = skipped = 0
for suite in ElementTree.parse(sys.argv[1]).getroot():
    cases = suite.findall("testcase")
    bad = sum(c.find("failure") is not None or c.find("error") is not None
              for c in cases)
    left = 0
    for case in cases:
        if case.find("skipped") is not None:
            left += 1
            print("skipped:", case.get("name"), "-", case.findtext(
                "system-out", "no reason given"), file=sys.stderr)
    # A program that died says so of itself, not of a case.
    suite_bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    bad = max(bad, suite_bad)
    if bad == 0 and not cases:
        bad = 1
    failed += bad
    skipped += left
    passed += max(len(cases) - bad - left, 0)
print(passed, failed, skipped)
PYTHON
  ); do
    set -- "$@" "$word"
  done
  passed=$((passed + $2))
  failed=$((failed + $3))
  skipped=$((skipped + $4))
}

run() { # NAME MESON_OPTION...
  name=$1
  build=build-tests-$name
  shift
  [ "${CI-}" != true ] || set -- "$@" --werror
  rm -rf "$build"
  mkdir "$build"
  log=$build/build.log
  echo "== $name: building"
  if ! { meson setup "$build" "$@" && meson compile -C "$build"; } >"$log" 2>&1; then
    cat "$log"
    failed=$((failed + 1))
    return
  fi
  echo "== $name: testing"
  meson test -C "$build" --print-errorlogs || true
  if [ -f "$build/meson-logs/testlog.junit.xml" ]; then
    count "$build"
  else
    failed=$((failed + 1))
  fi
}

# src/ alone once more, for another machine.
run_aarch64() {
  status=0
  sh tests/aarch64.sh build-aarch64 || status=$?
  case $status in
    0) run aarch64 --cross-file build-aarch64/cross.ini \
         --buildtype=debugoptimized -Dplugin=disabled ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
}

run all --buildtype=debugoptimized
run src-alone --buildtype=debugoptimized -Dplugin=disabled
[ "${CI-}" != true ] || run_aarch64

if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
