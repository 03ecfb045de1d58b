#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds the fuzz targets with clang, AddressSanitizer and UBSan, and lets each
# run for some seconds, two at a time, from its seeds and from what earlier runs
# found worth keeping.
#
#     sh tests/fuzz/run.sh [SECONDS [TARGET...]]
#
# Prints a table; exits with 1 where an input broke something, which then lies in
# build-fuzz/findings/.  BUILD names another build folder.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/../.."
build=${BUILD:-build-fuzz}
seconds=${1:-60}
[ $# -eq 0 ] || shift

sh examples/install-packages.sh clang libclang-rt-dev llvm meson pkgconf libc6-dev \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev
mkdir -p "$build"
if [ ! -f "$build/build.ninja" ]; then
  CC=clang meson setup "$build" --buildtype=debugoptimized -Dfuzzers=true -Dtests=disabled -Dexamples=disabled \
    -Dintrospection=disabled -Db_sanitize=address,undefined -Db_lundef=false \
    -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all' >"$build/build.log"
fi
[ $# -gt 0 ] || set -- $(ls tests/fuzz/seeds)
ninja -C "$build" plugin/module/libgstvit.so $(printf 'tests/fuzz/fuzz_%s ' "$@") >>"$build/build.log" \
  || { cat "$build/build.log"; exit 1; }
mkdir -p "$build/findings"

run() { # TARGET
  mkdir -p "$build/corpus/$1"
  G_SLICE=always-malloc G_DEBUG=fatal-criticals \
  LD_LIBRARY_PATH="$build/plugin" \
  ASAN_OPTIONS=detect_leaks=1 \
  LSAN_OPTIONS=suppressions=tests/support/leaks.supp:print_suppressions=0 \
    "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -max_len=8192 -print_final_stats=1 \
    -dict=tests/fuzz/words.dict -artifact_prefix="$build/findings/$1-" \
    "$build/corpus/$1" "tests/fuzz/seeds/$1" >"$build/$1.log" 2>&1 \
    || echo "$1" >>"$build/broken"
}

rm -f "$build/broken"
targets=$*
while [ $# -gt 0 ]; do
  run "$1" &
  first=$!
  shift
  if [ $# -gt 0 ]; then
    run "$1"
    shift
  fi
  wait "$first"
done

printf '%-14s %12s %10s %8s %6s  %s\n' target inputs 'a second' edges of result
for target in $targets; do
  log=$build/$target.log
  value() { sed -n "s/^stat::$1: *//p" "$log"; }
  inputs=$(value number_of_executed_units | tail -n 1)
  speed=$(value average_exec_per_sec | tail -n 1)
  edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c 6-)
  all=$(sed -n 's/.*Loaded [0-9]* PC tables (\([0-9]*\) PCs).*/\1/p' "$log")
  result=nothing
  ! grep -qx "$target" "$build/broken" 2>/dev/null \
    || result=$(grep -m 1 '^SUMMARY' "$log" || echo "see $log")
  printf '%-14s %12s %10s %8s %6s  %s\n' "$target" "${inputs:--}" "${speed:--}" "${edges:--}" "${all:--}" "$result"
done
[ ! -f "$build/broken" ]
