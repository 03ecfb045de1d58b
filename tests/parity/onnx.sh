#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What examples/export_onnx.py writes, by ONNX Runtime and OpenVINO, beside vitencoder
# (onnx_models.py), as a table.  Makes a Python environment of 600 MB outside the tree,
# without PyTorch, and builds the project; says so and exits with 77 where the packages
# cannot be had.
#
#     sh tests/parity/onnx.sh [ENVIRONMENT_FOLDER [NAME...]]
#
# ONNX_PYTHON is an interpreter that has the packages already; then nothing is
# downloaded.  BUILD is a build folder of the project (build-parity).  NAMEs leave only
# the models whose names hold one of them.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/../.."

environment=${1:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gst-vit-onnx}
[ $# -eq 0 ] || shift
python=${ONNX_PYTHON:-$environment/bin/python}

sh examples/install-packages.sh gcc libc6-dev meson pkgconf python3-venv \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  gstreamer1.0-tools gstreamer1.0-plugins-base

# The releases whose figures are documented; ONNX_PYTHON may have others.  Where they are
# there already pip takes no network.
has_packages() {
  if [ -z "${ONNX_PYTHON-}" ]; then
    "$python" -m pip --version >/dev/null 2>&1 || /usr/bin/python3 -m venv "$environment" || return
    "$python" -m pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 \
      openvino==2026.4.1 safetensors || return
  fi
  "$python" -c "import onnx, onnxruntime, openvino, safetensors"
}

if ! has_packages; then
  echo "skipped: onnx, onnxruntime, openvino and safetensors cannot be had" >&2
  exit 77
fi

build=${BUILD:-build-parity}
[ -d "$build" ] || meson setup "$build" -Dintrospection=disabled >/dev/null
meson compile -C "$build" gstvit encode >/dev/null
export PYTHONDONTWRITEBYTECODE=1
exec "$python" tests/parity/onnx_models.py "$build" "$@"
