#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Several cameras in one pipeline, side by side in one picture a frame: their
# elements share one model.  Without arguments, two test sources and 50 frames.
#
#     sh examples/launch-lines/cameras.sh [/dev/video0 /dev/video1 ...]
. "$(dirname "$0")/plugin.sh"
[ $# -gt 0 ] || set -- smpte ball
left=0
pads=
# Each camera becomes the line of elements that leads to its place.
for camera; do
  shift
  case $camera in
    /*) source="v4l2src device=$camera" ;;
    *) source="videotestsrc num-buffers=50 pattern=$camera" ;;
  esac
  set -- "$@" $source ! decodebin ! videoconvert ! videoscale ! video/x-raw,width=320,height=240,pixel-aspect-ratio=1/1 \
    ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenoverlay ! queue ! all.sink_$((left / 320))
  pads="$pads sink_$((left / 320))::xpos=$left"
  left=$((left + 320))
done
exec gst-launch-1.0 -e compositor name=all $pads ! videoconvert ! progressreport update-freq=1 format=buffers do-query=false ! fakesink "$@"
