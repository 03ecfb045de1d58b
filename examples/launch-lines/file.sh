#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A video file into one .npy file of tokens a frame, the newest 100 of them.
#
#     sh examples/launch-lines/file.sh [FILE [FOLDER]]
. "$(dirname "$0")/plugin.sh"
file=${1:-$examples/media/clip.webm}
folder=${2:-tokens}
mkdir -p "$folder"
exec gst-launch-1.0 filesrc location="$file" ! decodebin ! videoconvert ! vitpatchembed ${MODEL:+model="$MODEL"} ! vittokenenc ! application/x-npy ! multifilesink location="$folder/%05d.npy" max-files=100
