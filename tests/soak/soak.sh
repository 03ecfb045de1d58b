#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the soak on a build folder: first for memory, then, a tenth as long, with
# GStreamer's tracer of objects that are left behind.
#
#     sh tests/soak/soak.sh BUILD [FRAMES ENCODED CYCLES SEEKS]
#
# Prints what it did; exits with 1 where memory grew, a token differed or an
# object was left.
set -eu
build=$(cd "$1" && pwd)
frames=${2:-200000}
encoded=${3:-100000}
cycles=${4:-1000}
seeks=${5:-1000}

GST_PLUGIN_PATH=$build/plugin/module
GST_REGISTRY=$build/tests/registry.bin
GST_REGISTRY_FORK=no
LD_LIBRARY_PATH=$build/plugin
G_DEBUG=fatal-criticals
export GST_PLUGIN_PATH GST_REGISTRY GST_REGISTRY_FORK LD_LIBRARY_PATH G_DEBUG

# What is freed is given back at once, so that what is resident is what is kept.
MALLOC_ARENA_MAX=1
MALLOC_MMAP_THRESHOLD_=16384
MALLOC_TRIM_THRESHOLD_=65536
MALLOC_TOP_PAD_=0
G_SLICE=always-malloc
export MALLOC_ARENA_MAX MALLOC_MMAP_THRESHOLD_ MALLOC_TRIM_THRESHOLD_ \
  MALLOC_TOP_PAD_ G_SLICE

"$build/tests/soak" "$frames" "$encoded" "$cycles" "$seeks"

log=$build/tests/soak-leaks.log
GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 \
GST_DEBUG_FILE=$log \
  "$build/tests/soak" $((frames / 10)) $((encoded / 10)) $((cycles / 10)) $((seeks / 10)) \
  >/dev/null
grep -q GST_TRACER "$log" || {
  echo "the tracer wrote nothing"
  exit 1
}
# The tracer also writes down how it writes.
grep 'object-alive' "$log" | grep -v build_format >"$log.alive" || true
left=$(wc -l <"$log.alive")
echo "objects left behind: $left"
if [ "$left" -gt 0 ]; then
  head "$log.alive"
  exit 1
fi
