#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Succeeds if vitencoder can compute the blocks of a model, of a small frame; else
# it fails and prints why not.  An input stage alone has none, and of some
# families only the tokens are computed.
#
#     sh examples/has-blocks.sh MODEL
#
# Expects the plugin where GST_PLUGIN_PATH says.
set -u
if [ $# != 1 ]; then
  echo "usage: sh examples/has-blocks.sh MODEL" >&2
  exit 2
fi
# Told its model, vitencoder opens it before anything streams.  Where an element
# fails while the first frame is on its way, gst-launch-1.0 may wait forever.
model=$(printf '%s' "$1" | sed 's/["\\]/\\&/g')
said=$(gst-launch-1.0 videotestsrc num-buffers=1 ! video/x-raw,width=224,height=224 \
  ! vitpatchembed model="\"$model\"" max-tokens=16 ! vitencoder model="\"$model\"" ! fakesink 2>&1) && exit
reason=$(printf '%s\n' "$said" | sed -n 's/^ERROR: from element [^ ]*: //p' | head -n 1)
printf '%s\n' "${reason:-$said}"
exit 1
