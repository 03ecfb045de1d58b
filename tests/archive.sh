#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tests examples/archive, which takes Ray, pyarrow and zarr: makes their environment
# outside the tree and builds the plugin with its bindings.  Says what was skipped and
# why; the last line reads "N passed, N failed[, N skipped]".  Says why and exits with
# 77 where the packages cannot be had.
#
#     sh tests/archive.sh [BUILD_FOLDER]
#
# ARCHIVE_PYTHON is an interpreter that has the packages already; then nothing is
# downloaded.  ARCHIVE_TEXT_PYTHON is one that has torch and transformers too, which are
# too large to be downloaded for this: without it searches by words are skipped.
# BUILD_FOLDER (build-archive) is made where it is not there.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."

build=${1:-build-archive}
log=$build.making.log
environment=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gst-vit/archive

sh examples/install-packages.sh gcc libc6-dev meson pkgconf \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  gobject-introspection libgirepository1.0-dev gstreamer1.0-tools \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3-gi python3-gst-1.0
# Large, and of one test alone.
sh examples/install-packages.sh chromium ||
  echo "chromium cannot be installed: the test of the page is skipped"

python=${ARCHIVE_PYTHON-}
if [ -z "$python" ]; then
  status=0
  sh examples/archive/environment.sh "$environment" >"$log" 2>&1 || status=$?
  if [ $status = 77 ]; then
    echo "No tests of examples/archive: PyPI cannot be reached, see $log"
    exit 77
  elif [ $status != 0 ]; then
    cat "$log"
    echo "0 passed, 1 failed"
    exit 1
  fi
  python=$environment/bin/python
fi

if ! { { [ -d "$build" ] || meson setup "$build" --buildtype=debugoptimized \
      -Dintrospection=enabled -Dtests=disabled -Dexamples=disabled; } \
    && meson compile -C "$build"; } >"$log" 2>&1; then
  cat "$log"
  echo "0 passed, 1 failed"
  exit 1
fi

passed=0
failed=0
skipped=0
# Threads that wait for each other while they spin gain nothing on vectors this small.
export PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
for test in packages frames rows slices batches engine nearest duplicates approximate search page; do
  log=$build/test_$test.log
  case $test in
    search) interpreter=${ARCHIVE_TEXT_PYTHON:-$python} ;;
    *) interpreter=$python ;;
  esac
  meson devenv -C "$build" -w "$PWD" "$interpreter" "tests/examples/archive/test_$test.py" \
    "$PWD" >"$log" || true
  cat "$log"
  sed -n 's/^not ok - /failed: /p; s/^ok - \(.*\) # SKIP /skipped: \1: /p' "$log"
  # What was planned and did not come is failed, too.
  planned=$(sed -n 's/^1\.\.//p' "$log")
  good=$(grep -c '^ok ' "$log") || true
  left_out=$(grep -c '^ok .* # SKIP' "$log") || true
  passed=$((passed + good - left_out))
  skipped=$((skipped + left_out))
  failed=$((failed + ${planned:-1} - good))
done
if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
