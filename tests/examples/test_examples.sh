#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The examples do what they say, where no camera is needed.  TAP on standard
# output; GST_PLUGIN_PATH is set by who calls.
#
#     test_examples.sh SOURCE_ROOT TOKEN_READER FIND
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
lines=$1/examples/launch-lines
clip=$1/examples/media/clip.webm
token_reader=$(realpath "$2")
find=$(realpath "$3")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset DISPLAY WAYLAND_DISPLAY MODEL MODE
n=0
failed=0

report() { # STATUS NAME
  n=$((n + 1))
  if [ "$1" = 0 ]; then
    echo "ok $n - $2"
  else
    echo "not ok $n - $2"
    sed 's/^/# /' log
    failed=1
  fi
}

skip() { # NAME REASON
  n=$((n + 1))
  echo "ok $n - $1 # SKIP $2"
}

run() { timeout 100 "$@" >log 2>&1; }

files() { ls "$1" 2>/dev/null | wc -l; }

run "$token_reader" && [ "$(grep -c 'patch at' log)" = 49 ]
report $? "token_reader prints a patch for every frame but the first"

run "$token_reader" "$clip" && [ "$(grep -c 'patch at' log)" = 119 ]
report $? "token_reader reads a file"

run "$find" "$clip" 200 120 found.webm && [ "$(grep -c cosine log)" = 120 ] \
  && head -n 1 log | grep -q 'at 192, 112  cosine 1.000' && [ -s found.webm ]
report $? "find follows a patch and writes a video"

# By the features of a whole network, of which the weights are random.
run "$find" "$clip" 200 120 found.webm "$1/tests/golden/features/hf-vit-classifier" \
  && [ "$(grep -c cosine log)" = 120 ] \
  && head -n 1 log | grep -q 'at 192, 112  cosine 1.000' && [ -s found.webm ]
report $? "find follows a patch by its features"

! run "$find" "$clip" 200 120 found.webm "$1/tests/golden/hf-dinov2" \
  && grep -q 'an input stage alone' log && ! grep -q cosine log
report $? "find says that a model has no blocks"

run sh "$1/examples/has-blocks.sh" "$1/examples/models/dinov2-small" && [ ! -s log ]
report $? "has-blocks.sh knows a whole model"

! run sh "$1/examples/has-blocks.sh" "$1/tests/golden/hf-clip" \
  && grep -q 'hf-clip.*input stage alone' log
report $? "has-blocks.sh says that blocks are missing"

! run sh "$1/examples/has-blocks.sh" "$1/tests/golden/hf-sam" \
  && grep -q 'hf-sam.*cannot be computed' log
report $? "has-blocks.sh says that blocks cannot be computed"

cp -r "$1/tests/golden/features/hf-vit-classifier" 'a "model" of \ mine'
run sh "$1/examples/has-blocks.sh" 'a "model" of \ mine' && [ ! -s log ]
report $? "has-blocks.sh takes any name"

python=${VIT_FEATURES_PYTHON:-python3}
if "$python" -c "import safetensors, tokenizers, torch, transformers" >/dev/null 2>&1; then
  timeout 600 "$python" "$1/tests/examples/classes_example.py" "$1" "$folder" >log 2>&1
  report $? "make_classes.py makes what the package makes of words"
else
  skip "make_classes.py" "$python lacks torch, transformers, tokenizers or safetensors"
fi

webcam=$1/examples/webcam.sh
run sh "$webcam" "$folder/no-camera" \
  && grep -q 'No camera' log && grep -q 'No display' log && ! grep -q 'tokens alone' log
report $? "webcam.sh without camera and display"

run env MODEL= sh "$webcam" "$folder/no-camera" && grep -q 'built-in model' log
report $? "webcam.sh takes the built-in model"

run env MODEL="$1/tests/golden/hf-clip" sh "$webcam" "$folder/no-camera" \
  && grep -q 'tokens alone.*input stage alone' log
report $? "webcam.sh draws tokens of a model without blocks"

run sh "$lines/file.sh" "$clip" out && [ "$(files out)" = 100 ]
report $? "file.sh"

run sh "$lines/picture.sh" '' out.png && [ -s out.png ]
report $? "picture.sh"

run sh "$lines/cameras.sh"
report $? "cameras.sh"

if command -v xvfb-run >/dev/null && gst-inspect-1.0 --exists ximagesrc; then
  run xvfb-run -a sh "$lines/screen.sh" 10 out.webm && [ -s out.webm ]
  report $? "screen.sh"
else
  skip "screen.sh" "no xvfb-run or ximagesrc"
fi

# The receiver of TCP connects, so its sender comes first; with UDP the
# receiver does.
timeout 60 sh "$lines/tcp-send.sh" 45671 60 >log-send 2>&1 &
sleep 2
timeout 30 sh "$lines/tcp-receive.sh" 45671 tcp >log 2>&1
wait $!
cat log-send >>log
[ "$(files tcp)" -gt 5 ]
report $? "tcp-send.sh and tcp-receive.sh"

timeout 60 sh "$lines/udp-receive.sh" 45672 udp 5 >log 2>&1 &
sleep 2
timeout 60 sh "$lines/udp-send.sh" 45672 30 >>log 2>&1
wait $!
[ "$(files udp)" = 5 ] && [ "$(wc -c <udp/00004.npy)" = $((128 + 197 * 64 * 2)) ]
report $? "udp-send.sh and udp-receive.sh"

# A full disk, and no more than so many blocks of 512 bytes a file.
! run "$find" "$clip" 200 120 /dev/full && grep -qi 'space\|write' log
report $? "find says that the disk is full"

! run sh "$lines/picture.sh" '' /dev/full && grep -qi 'space\|write' log
report $? "picture.sh says that the disk is full"

! (trap '' XFSZ; ulimit -f 1000; run sh "$lines/file.sh" "$clip" cut) \
  && grep -q ERROR log
report $? "file.sh says that a file cannot grow"

sh -n "$lines/rtsp.sh" && ! run sh "$lines/rtsp.sh" && grep -q 'address, rtsp://' log
report $? "rtsp.sh asks for an address"

# 45 x 34 patches of 14, and the class token.
run env MODEL="$1/examples/models/dinov2-small" sh "$lines/file.sh" "$clip" model \
  && head -n 1 model/00119.npy | grep -aq "'shape': (1531, 384)"
report $? "file.sh takes a MODEL"

# Each says that it is not there, of a name that a careless script would cut.
none="$folder/no such model"
for script in "$1/examples/webcam.sh" "$lines"/*.sh; do
  grep -q '! vitpatchembed' "$script" || continue
  name="$(basename "$script") looks for the MODEL"
  set -- "$script"
  case $script in
    */screen.sh)
      if ! command -v xvfb-run >/dev/null || ! gst-inspect-1.0 --exists ximagesrc; then
        skip "$name" "no xvfb-run or ximagesrc"
        continue
      fi
      set -- xvfb-run -a sh "$script" ;;
    */rtsp.sh) set -- sh "$script" rtsp://127.0.0.1:9/none ;;
    *) set -- sh "$script" ;;
  esac
  ! run env MODEL="$none" "$@" && grep -qF "$none" log
  report $? "$name"
done

echo "1..$n"
exit $failed
