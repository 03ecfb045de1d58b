#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A camera in a window, with its patch tokens drawn on it:
#
#     sh examples/webcam.sh [/dev/videoN]
#
# MODE is what is drawn (pca, similarity, norm, changed, grid): with
# MODE=similarity, click on what to look for.  MODEL is a checkpoint, a file or a
# folder, to take instead of the built-in model.  Without a camera a live test
# picture takes its place; without a display the frames are only counted, 100 of
# them.  Expects the plugin in build/plugin/module (examples/quickstart.sh builds it) or
# installed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
GST_PLUGIN_PATH=${GST_PLUGIN_PATH:-$root/build/plugin/module}
export GST_PLUGIN_PATH

has() { gst-inspect-1.0 "$1" >/dev/null 2>&1; }

has vittokenoverlay || {
  echo "No vittokenoverlay: run sh examples/quickstart.sh first" >&2
  exit 1
}

camera=${1:-/dev/video0}
if [ ! -e "$camera" ]; then
  echo "No camera at $camera: a test picture instead"
  set -- videotestsrc is-live=true pattern=ball
elif [ ! -r "$camera" ]; then
  echo "$camera is not readable for $(id -un) (group video?): a test picture instead"
  set -- videotestsrc is-live=true pattern=ball
else
  set -- v4l2src device="$camera" ! decodebin
fi

frames=
sink=autovideosink
if [ -z "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then
  echo "No display: without a window, 100 frames"
  sink=fakesink
  frames=eos-after=101
elif ! has ximagesink && ! has waylandsink && ! has glimagesink; then
  echo "No video sink (apt-get install gstreamer1.0-x): without a window, 100 frames"
  sink=fakesink
  frames=eos-after=101
fi

exec gst-launch-1.0 -e "$@" ! videoconvert ! identity $frames ! queue leaky=downstream max-size-buffers=2 \
  ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenoverlay mode="${MODE:-pca}" ! videoconvert \
  ! progressreport update-freq=1 silent=false format=buffers do-query=false ! $sink
