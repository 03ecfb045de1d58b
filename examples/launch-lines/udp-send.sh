#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tokens over UDP, a datagram a frame: small enough for one (64 kB), as 14 x 14
# tokens of 64 half-precision numbers are (25 kB).  Of a MODEL there are at most 30
# tokens, as of 1024 numbers each no more fit.
#
#     sh examples/launch-lines/udp-send.sh [PORT [FRAMES]]
. "$(dirname "$0")/plugin.sh"
size=embed-dim=64
[ -z "${MODEL-}" ] || size=max-tokens=30
exec gst-launch-1.0 videotestsrc is-live=true num-buffers="${2:--1}" ! video/x-raw,width=224,height=224,framerate=10/1 ! vitpatchembed ${MODEL:+model="$MODEL"} $size token-format=f16 ! vittokenenc ! application/x-npy ! udpsink host=127.0.0.1 port="${1:-5001}"
