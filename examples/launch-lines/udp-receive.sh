#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Takes the tokens that udp-send.sh sends: one .npy file a frame; ends after
# FRAMES of them.
#
#     sh examples/launch-lines/udp-receive.sh [PORT [FOLDER [FRAMES]]]
. "$(dirname "$0")/plugin.sh"
folder=${2:-received}
mkdir -p "$folder"
exec gst-launch-1.0 udpsrc address=127.0.0.1 port="${1:-5001}" num-buffers="${3:--1}" caps=application/x-npy ! multifilesink location="$folder/%05d.npy" max-files=100
