#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Several cameras in one pipeline, side by side in one picture a frame: their
# elements share one model.  Without arguments, two test sources and 50 frames.
#
#     sh examples/launch-lines/cameras.sh [/dev/video0 /dev/video1 ...]
. "$(dirname "$0")/plugin.sh"
left=0
lines=
for camera in "${@:-test}"; do
  case $camera in
    test) sources="videotestsrc_num-buffers=50 videotestsrc_pattern=ball_num-buffers=50" ;;
    *) sources=v4l2src_device=$camera ;;
  esac
  for source in $sources; do
    lines="$lines $(echo "$source" | tr _ ' ') ! decodebin ! videoconvert ! videoscale ! video/x-raw,width=320,height=240,pixel-aspect-ratio=1/1 ! vitpatchembed ! vittokenoverlay ! queue ! all.sink_$((left / 320))"
    pads="${pads-} sink_$((left / 320))::xpos=$left"
    left=$((left + 320))
  done
done
exec gst-launch-1.0 -e compositor name=all $pads ! videoconvert ! progressreport update-freq=1 format=buffers do-query=false ! fakesink $lines
