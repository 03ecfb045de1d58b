#!/bin/sh
# SPDX-License-Identifier: MIT
#
# One picture into another, its principal components drawn on it.
#
#     sh examples/launch-lines/picture.sh [IN.png|IN.jpg [OUT.png]]
#
# Without a picture, one of the elements' own is taken.
. "$(dirname "$0")/plugin.sh"
out=${2:-pca.png}
if [ -n "${1-}" ]; then
  set -- filesrc location="$1" ! decodebin
else
  set -- videotestsrc num-buffers=1 ! video/x-raw,width=640,height=480
fi
exec gst-launch-1.0 "$@" ! videoconvert ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenoverlay opacity=0.8 ! videoconvert ! pngenc snapshot=true ! filesink location="$out"
