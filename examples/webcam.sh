#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A camera in a window, with what a network knows of it drawn on it:
#
#     sh examples/webcam.sh [/dev/videoN]
#
# MODE is what is drawn (pca, similarity, norm, changed, grid): with
# MODE=similarity, click on what to look for.  MODEL is a checkpoint, a file or a
# folder, to take instead of examples/models/dinov2-small; MODEL= is the built-in
# model.  Features take time, so they are of frames scaled down; a model without
# blocks, as the built-in one, gives the tokens of whole frames.  Without a camera
# a live test picture takes its place; without a display the frames are only
# counted, 100 of them.  Expects the plugin in build/plugin/module
# (examples/quickstart.sh builds it) or installed.
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

# 257 tokens are a class token and 16 x 16 patches, or 18 x 14 of a 4:3 picture.
# Features come later than the clock allows: a sink that waits for it would show
# one frame a second.
model=${MODEL-$root/examples/models/dinov2-small}
network="max-tokens=257 ! vitencoder"
sync=sync=false
if [ -z "$model" ]; then
  network=
  sync=
elif ! reason=$(sh "$root/examples/has-blocks.sh" "$model"); then
  printf 'No features of this model, tokens alone: %s\n' "$reason"
  network=
  sync=
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

# autovideosink tries it before it finds a window's; where no graphics card is that
# takes many seconds.
GST_PLUGIN_FEATURE_RANK=${GST_PLUGIN_FEATURE_RANK:+$GST_PLUGIN_FEATURE_RANK,}kmssink:NONE
export GST_PLUGIN_FEATURE_RANK
exec gst-launch-1.0 -e "$@" ! videoconvert ! identity $frames ! queue leaky=downstream max-size-buffers=2 \
  ! vitpatchembed ${model:+model="$model"} $network ! vittokenoverlay mode="${MODE:-pca}" ! videoconvert \
  ! progressreport update-freq=1 silent=false format=buffers do-query=false ! $sink $sync
