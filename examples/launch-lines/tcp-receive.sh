#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Takes the tokens that tcp-send.sh sends: one .safetensors file a frame.
#
#     sh examples/launch-lines/tcp-receive.sh [PORT [FOLDER]]
. "$(dirname "$0")/plugin.sh"
folder=${2:-received}
mkdir -p "$folder"
exec gst-launch-1.0 tcpclientsrc host=127.0.0.1 port="${1:-5000}" ! gdpdepay ! multifilesink location="$folder/%05d.safetensors" max-files=100
