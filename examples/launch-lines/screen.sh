#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The screen (X11), with what changes on it marked, into a file; ends after
# FRAMES frames.
#
#     sh examples/launch-lines/screen.sh [FRAMES [OUT.webm]]
. "$(dirname "$0")/plugin.sh"
exec gst-launch-1.0 -e ximagesrc use-damage=false num-buffers="${1:-100}" ! video/x-raw,framerate=10/1 ! videoconvert ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenoverlay mode=changed ! videoconvert ! vp8enc deadline=1 cpu-used=8 ! webmmux ! filesink location="${2:-screen.webm}"
