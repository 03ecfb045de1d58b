#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tokens over TCP to whoever connects (tcp-receive.sh), with their times; GDP
# keeps one frame's tokens one buffer.
#
#     sh examples/launch-lines/tcp-send.sh [PORT [FRAMES]]
. "$(dirname "$0")/plugin.sh"
exec gst-launch-1.0 videotestsrc is-live=true num-buffers="${2:--1}" ! video/x-raw,width=320,height=240,framerate=10/1 ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenenc ! application/x-safetensors ! gdppay ! tcpserversink host=127.0.0.1 port="${1:-5000}"
