#!/bin/sh
# SPDX-License-Identifier: MIT
#
# How fast the plugin is on this machine: builds a release into build-bench and
# prints one table, with the machine's own multiply-add rates and, beside the
# plugin, its peers on the same frames.
#
#     sh tests/bench/run.sh [--quick | --full | --encoder]
#
# --quick takes 1920x1080 at embed_dim 768 and the encoder at 257 tokens alone (two
# minutes); without it every size and every embed_dim comes up once, and the
# encoder with two models on two frame sizes (some fifteen minutes); --full takes
# every combination (half an hour more); --encoder the encoder alone.  CC chooses the compiler.  Peers run in
# VIT_BENCH_PYTHON=/path/to/python, a Python with numpy and some of torch,
# onnx + onnxruntime, openvino; without it they are left out.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/../.."

rm -rf build-bench
mkdir build-bench
if ! { meson setup build-bench --buildtype=release -Dintrospection=disabled &&
  meson compile -C build-bench; } >build-bench/run.log 2>&1; then
  cat build-bench/run.log
  exit 1
fi

GST_PLUGIN_PATH=$PWD/build-bench/plugin/module
GST_REGISTRY=$PWD/build-bench/bench-registry.bin
LD_LIBRARY_PATH=$PWD/build-bench/plugin${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export GST_PLUGIN_PATH GST_REGISTRY LD_LIBRARY_PATH
echo "compiler: $(${CC:-gcc} --version | head -n 1)"
exec python3 tests/bench/table.py build-bench/tests/bench examples/media/clip.webm "$@"
