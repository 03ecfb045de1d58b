#!/bin/sh
# SPDX-License-Identifier: MIT
#
# For the others to read: where the plugin lies after examples/quickstart.sh.
#
# In all of them MODEL=PATH before the command uses a checkpoint (a .safetensors
# file or a model folder) instead of the built-in model.
set -eu
examples=$(cd "$(dirname "$0")/.." && pwd)
GST_PLUGIN_PATH=${GST_PLUGIN_PATH:-$examples/../build/plugin/module}
export GST_PLUGIN_PATH
