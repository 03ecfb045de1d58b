#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds a release of gst-vit and runs its main job: video in, one .npy file of
# patch tokens a frame out, then a table of what was done.
#
#     sh examples/quickstart.sh [FILE | URI | /dev/videoN]
#
# Without an argument it takes examples/media/clip.webm.  MODEL=PATH uses a
# checkpoint instead of the built-in model.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH

input=${1-}
case $input in
  '' | *://* | /*) ;;
  *) input=$PWD/$input ;;
esac
model=${MODEL-}
case $model in
  '' | /*) ;;
  *) model=$PWD/$model ;;
esac
cd "$(dirname "$0")/.."
root=$PWD

# The newest frames' tokens that are kept: a 1080p frame's take 25 MB.
keep=120

install_packages() {
  set -- gcc libc6-dev meson pkgconf libgstreamer1.0-dev \
    libgstreamer-plugins-base1.0-dev libjansson-dev gstreamer1.0-tools \
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  # Other people's files come in formats that take more decoders.
  [ -z "$input" ] || set -- "$@" gstreamer1.0-libav gstreamer1.0-plugins-bad
  sh examples/install-packages.sh "$@"
}

build() {
  log=$root/build.log
  if ! { [ -f build/build.ninja ] && meson compile -C build; } >"$log" 2>&1; then
    rm -rf build
    if ! { meson setup build --buildtype=release && meson compile -C build; } >"$log" 2>&1; then
      cat "$log" >&2
      rm -f "$log"
      exit 1
    fi
  fi
  mv "$log" build/quickstart-build.log
}

# For people to copy: arguments with anything special in quotes.
print_command() {
  printf 'GST_PLUGIN_PATH=%s gst-launch-1.0' "$root/build/plugin"
  for word in "$@"; do
    case $word in
      '!') printf ' !' ;;
      *[!A-Za-z0-9_./=:%+,-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
}

# Progress goes on to the terminal as it comes, the rest into the log.
show_progress() {
  awk -v log_file="$1" '
    { print > log_file; fflush (log_file) }
    /^progressreport/ { sub (/^[^:]*\([^)]*\): /, "  "); print; fflush () }
    /^ERROR|^WARNING|^\/GstPipeline.*Error|: ERROR/ { print; fflush () }'
}

field() { # NAME: a number of the element's last statistics
  sed -n 's/.*: stats = vit-stats, \(.*\)/\1/p' "$log" | tail -n 1 \
    | sed -n "s/.*$1=([a-z0-9]*)\([0-9]*\).*/\1/p"
}

print_table() {
  seconds=$(sed -n 's/^Execution ended after //p' "$log" | awk -F: '{ print 3600 * $1 + 60 * $2 + $3 }')
  files=$(ls build/tokens | wc -l)
  awk -v frames="$(field frames)" -v width="$(field frame-width)" \
    -v height="$(field frame-height)" -v cols="$(field grid-width)" \
    -v rows="$(field grid-height)" -v tokens="$(field tokens-per-frame)" \
    -v dim="$(field embed-dim)" -v mean="$(field mean-time)" \
    -v seconds="$seconds" -v files="$files" -v folder="$root/build/tokens" 'BEGIN {
      row = "%-16s %s\n"
      printf "\n" row, "frames", frames
      printf row, "frame size", width " x " height
      printf row, "grid", cols " x " rows " patches"
      printf row, "tokens a frame", tokens
      printf row, "embed_dim", dim
      printf row, "ms a frame", sprintf ("%.2f (tokens alone)", mean / 1e6)
      printf row, "frames/s", sprintf ("%.1f (with decoding and writing the files)", frames / seconds)
      printf row, ".npy files", folder " (the newest " files ")"
    }'
}

install_packages
echo "Building"
build

rm -rf build/tokens
mkdir -p build/tokens
log=$root/build/quickstart.log

case $input in
  '') set -- filesrc "location=$root/examples/media/clip.webm" ! matroskademux ! vp8dec ;;
  /dev/video*) set -- v4l2src "device=$input" num-buffers=250 ! decodebin ! videoconvert ;;
  *://*) set -- uridecodebin "uri=$input" ! videoconvert ;;
  *)
    if [ ! -f "$input" ]; then
      echo "$input: no such file" >&2
      exit 1
    fi
    set -- filesrc "location=$input" ! decodebin ! videoconvert
    ;;
esac
set -- "$@" ! vitpatchembed
[ -z "$model" ] || set -- "$@" "model=$model"
set -- "$@" ! progressreport update-freq=1 ! vittokenenc ! application/x-npy \
  ! multifilesink "location=$root/build/tokens/tokens-%05d.npy" "max-files=$keep"

echo "Running"
{
  GST_PLUGIN_PATH=$root/build/plugin gst-launch-1.0 -v "$@" 2>&1 \
    || echo "ERROR: gst-launch-1.0 ended with status $?"
} | show_progress "$log"
if grep -q '^ERROR' "$log" || [ -z "$(field frames)" ]; then
  echo "It did not work. The whole log: $log" >&2
  exit 1
fi
print_table
printf '\nThe line that ran, to go on from:\n\n'
print_command "$@"
