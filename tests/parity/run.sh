#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tokens, features, embeddings and logits beside those of transformers, timm and
# open_clip, as a table (parity.py); then, without NAMEs, mean and std as these
# packages read them (processors.py), every architecture of timm
# (architectures.py), every model_type of transformers (model_types.py), and the same
# families and architectures exported as ONNX (onnx_families.py,
# onnx_architectures.py).
# Makes a Python environment of some GB outside the tree and builds the project;
# exits with 77 where the packages cannot be had.
#
#     sh tests/parity/run.sh [ENVIRONMENT_FOLDER [NAME...]]
#
# PARITY_PYTHON is an interpreter that has the packages already; then nothing
# is downloaded.  NAMEs leave only the families whose names hold one of them.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/../.."

environment=${1:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gst-vit-parity}
[ $# -eq 0 ] || shift
python=${PARITY_PYTHON:-$environment/bin/python}

sh examples/install-packages.sh gcc libc6-dev meson pkgconf python3-venv \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  gstreamer1.0-tools gstreamer1.0-plugins-base

# The versions that were compared; others may be tried in the folder by hand.
if [ ! -x "$python" ]; then
  python3 -m venv "$environment"
  pip() { "$python" -m pip install --quiet "$@"; }
  if ! pip torch==2.13.0 \
      || ! pip transformers==5.23.0 pillow scipy safetensors \
      || ! pip --no-deps timm==1.0.31 open_clip_torch==3.3.0 \
      || ! pip ftfy regex huggingface_hub pyyaml tqdm \
      || ! pip onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1; then
    echo "skipped: the packages cannot be installed" >&2
    exit 77
  fi
fi

build=build-parity
[ -d "$build" ] || meson setup "$build" -Dintrospection=disabled >/dev/null
meson compile -C "$build" gstvit encode >/dev/null
export PYTHONDONTWRITEBYTECODE=1
"$python" tests/parity/parity.py "$build" "$@"
[ $# -eq 0 ] || exit 0
for script in processors zero_shot architectures model_types; do
  "$python" "tests/parity/$script.py" "$build"
done
# An environment of before may lack its packages.
for script in onnx_families onnx_architectures; do
  status=0
  "$python" "tests/parity/$script.py" "$build" || status=$?
  if [ $status = 77 ]; then
    echo "skipped: $script.py: the packages are not in $python's environment" >&2
  elif [ $status != 0 ]; then
    exit $status
  fi
done
