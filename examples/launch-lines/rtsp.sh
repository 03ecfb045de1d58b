#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A network camera, its tokens counted as they come; late frames are dropped
# before they cost anything.
#
#     sh examples/launch-lines/rtsp.sh rtsp://USER:PASSWORD@ADDRESS/PATH
. "$(dirname "$0")/plugin.sh"
[ $# = 1 ] || {
  echo "Give the camera's address, rtsp://USER:PASSWORD@ADDRESS/PATH" >&2
  exit 2
}
uri=$1
exec gst-launch-1.0 rtspsrc location="$uri" latency=100 ! decodebin ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenenc ! progressreport update-freq=1 format=buffers do-query=false ! fakesink
