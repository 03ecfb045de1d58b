#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds a release of gst-vit and runs its main job: see usage().
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH

# Frames of which the newest files are kept: the tokens of one of 1080p, not
# scaled, take 25 MB.
keep=120
# Most tokens a frame where a network is run, and for the picture: two cores with
# AVX2 then take some 0.15 s for a frame of the clip, and a second for the picture.
max_tokens=401
picture_tokens=2049

usage() {
  cat <<USAGE
Usage: sh examples/quickstart.sh [FILE | URI | /dev/videoN]

Installs what is missing, builds gst-vit and runs its main job: video in, one
.npy file of features a frame out, then a table of what was done, and a picture
of what the features know.  Without an argument it takes
examples/media/clip.webm; of a camera, 250 frames.

The features of the newest $keep frames are kept, in build/features; the picture
is build/quickstart.png.  Frames are scaled down to at most $max_tokens tokens, for
speed.

MODEL=PATH before the command uses a checkpoint (a .safetensors file or a model
folder) instead of examples/models/dinov2-small, MODEL= the built-in model.
Without blocks, as that is, a model makes tokens alone: of whole frames, in
build/tokens.
USAGE
}

fail() {
  echo "$1" >&2
  exit 1
}

check_input() {
  case $input in
    '' | *://*) return ;;
  esac
  [ -e "$input" ] || fail "$input: no such file"
  [ ! -d "$input" ] || fail "$input: a folder; give one file of it"
  [ -r "$input" ] || fail "$input: not readable for $(id -un)"
  # gst-launch-1.0 may wait forever for what these do not hold.
  case $input in
    /dev/video*) ;;
    *) [ -f "$input" ] || fail "$input: neither a file nor a /dev/videoN" ;;
  esac
  [ ! -f "$input" ] || [ -s "$input" ] || fail "$input: the file is empty"
}

check_folders() {
  for folder in "$root" "$root/build"; do
    [ ! -e "$folder" ] || [ -w "$folder" ] \
      || fail "$folder: not writable for $(id -un); use a copy of the project in a folder of your own"
  done
}

case ${1-} in
  -h | --help)
    usage
    exit
    ;;
  -*)
    usage >&2
    exit 2
    ;;
esac
[ $# -le 1 ] || fail "One input at a time, and a name with spaces in quotes; --help says more"
input=${1-}
case $input in
  '' | *://* | /*) ;;
  *) input=$PWD/$input ;;
esac
check_input
model=${MODEL-}
case $model in
  '' | /*) ;;
  *) model=$PWD/$model ;;
esac
[ -z "$model" ] || [ -e "$model" ] || fail "MODEL=$model: no such file or folder"
cd "$(dirname "$0")/.."
root=$PWD
# Set, but empty, it means the built-in one.
[ -n "${MODEL+set}" ] || model=$root/examples/models/dinov2-small
check_folders

install_packages() {
  set -- gcc libc6-dev meson pkgconf libgstreamer1.0-dev \
    libgstreamer-plugins-base1.0-dev libjansson-dev libpango1.0-dev \
    gstreamer1.0-tools \
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  # Other people's files come in formats that take more decoders.
  [ -z "$input" ] || set -- "$@" gstreamer1.0-libav gstreamer1.0-plugins-bad
  sh examples/install-packages.sh "$@"
}

# Only the plugin is compiled, without the tests.  What somebody built here
# before is used, but as a release.
build_again() {
  [ -f build/build.ninja ] || return
  if ! meson introspect build --buildoptions \
    | grep -q '"name": "buildtype", "value": "release"'; then
    meson configure build -Dbuildtype=release || return
  fi
  meson compile -C build gstvit
}

build_anew() {
  meson setup build --buildtype=release && meson compile -C build gstvit
}

build() {
  log=$root/build/quickstart-build.log
  mkdir -p build
  if ! build_again >"$log" 2>&1; then
    rm -rf build
    mkdir build
    if ! build_anew >"$log" 2>&1; then
      cat "$log" >&2
      exit 1
    fi
  fi
}

# What is made, tokens or features, and the name of its files' folder.
choose() {
  made=features
  if [ -z "$model" ]; then
    echo "The built-in model has no blocks: tokens alone"
    made=tokens
  elif ! reason=$(sh examples/has-blocks.sh "$model"); then
    printf 'No features of this model, tokens alone: %s\n' "$reason"
    made=tokens
  fi
}

# NAME=VALUE as gst-launch-1.0 reads it: a value with anything special in
# double quotes.
property() { # NAME VALUE
  case $2 in
    *[!A-Za-z0-9_./:%+,-]*)
      printf '%s="%s"' "$1" "$(printf '%s' "$2" | sed 's/["\\]/\\&/g')" ;;
    *) printf '%s=%s' "$1" "$2" ;;
  esac
}

# The word as a shell reads it.
quote() {
  case $1 in
    *[!A-Za-z0-9_./=:%+,-]*)
      printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# For people to copy.
print_command() {
  printf 'GST_PLUGIN_PATH=%s gst-launch-1.0 -e' "$(quote "$root/build/plugin/module")"
  for word in "$@"; do
    case $word in
      '!') printf ' !' ;;
      *) printf ' %s' "$(quote "$word")" ;;
    esac
  done
  printf '\n'
}

# Position, speed and time left, each over the last on a terminal, else a line
# for each position.  From "progressreport0 (00:00:05): 4 / 12 seconds (33.3 %)".
print_progress() { # LINE
  text=${1#*): }
  if [ ! -t 1 ]; then
    [ "$text" = "$last_text" ] || printf '  %s\n' "$text"
    last_text=$text
    return
  fi
  clock=${1#*(}
  clock=${clock%%)*}
  hours=${clock%%:*}
  seconds=${clock##*:}
  minutes=${clock#*:}
  minutes=${minutes%:*}
  elapsed=$((3600 * ${hours#0} + 60 * ${minutes#0} + ${seconds#0}))
  position=${text%% *}
  total=${text#* / }
  total=${total%% *}
  printf '\r  %s' "$text"
  case $text in
    [0-9]*' / '[0-9]*)
      if [ "$elapsed" -gt 0 ] && [ "$position" -gt 0 ]; then
        printf ', %d.%d times real time, %d s left' \
          $((position / elapsed)) $((position * 10 / elapsed % 10)) \
          $(((total - position) * elapsed / position))
      fi
      ;;
  esac
  printf '\033[K'
  is_on_line=yes
}

end_progress() {
  [ -z "$is_on_line" ] || printf '\n'
  is_on_line=
}

# Everything into the log; progress, errors and what the element has to say
# onto the terminal as they come.  Not with awk: Debian's waits for its buffer
# to fill.
show_progress() {
  lines_to_text=0
  is_on_line=
  last_text=
  while IFS= read -r line; do
    printf '%s\n' "$line" >&3
    if [ "$lines_to_text" -gt 0 ]; then
      lines_to_text=$((lines_to_text - 1))
      [ "$lines_to_text" -gt 0 ] || {
        end_progress
        printf '%s\n' "$line"
      }
    fi
    case $line in
      INFO:) lines_to_text=2 ;;
      progressreport*) print_progress "$line" ;;
      ERROR* | WARNING* | *': ERROR'* | /GstPipeline*Error*)
        end_progress
        printf '%s\n' "$line"
        ;;
    esac
  done 3>"$log"
  end_progress
}

# A number of an element's last statistics: vit-stats are those of
# vitpatchembed, vit-encoder-stats those of vitencoder.
field() { # NAME [STATISTICS]
  sed -n "s/.*: stats = ${2:-vit-stats}, \\(.*\\)/\\1/p" "$log" | tail -n 1 \
    | sed -n "s/.*$1=([a-z0-9]*)\\([0-9]*\\).*/\\1/p"
}

print_table() {
  seconds=$(sed -n 's/^Execution ended after //p' "$log" | awk -F: '{ print 3600 * $1 + 60 * $2 + $3 }')
  files=$(ls "build/$made" | wc -l)
  awk -v frames="$(field frames)" -v width="$(field frame-width)" \
    -v height="$(field frame-height)" -v cols="$(field grid-width)" \
    -v rows="$(field grid-height)" -v tokens="$(field tokens-per-frame)" \
    -v dim="$(field embed-dim)" -v mean="$(field mean-time)" \
    -v features="$(field mean-time vit-encoder-stats)" \
    -v unchanged="$(field unchanged vit-encoder-stats)" \
    -v limit="$max_tokens" -v seconds="$seconds" 'BEGIN {
      row = "%-16s %s\n"
      printf "\n" row, "frames", frames
      printf row, "frame size", width " x " height
      printf row, "grid", cols " x " rows " patches" \
        (features == "" ? "" : " (max-tokens=" limit ")")
      printf row, "tokens a frame", tokens
      printf row, "embed_dim", dim
      printf row, "ms for tokens", sprintf ("%.2f a frame", mean / 1e6)
      if (features != "")
        printf row, "ms for features", sprintf ("%.2f a frame", features / 1e6) \
          (unchanged > 0 ? " (but " unchanged " like the one before)" : "")
      # The first frame is done before the clock starts: one alone has no rate.
      if (frames > 1 && seconds > 0)
        printf row, "frames/s", sprintf ("%.1f (with decoding and writing the files)", frames / seconds)
    }'
  printf '%-16s %s\n' '.npy files' "$root/build/$made (the newest $files)"
}

# Calls a function with SOURCE and the elements that make tokens on every
# INTERVALth frame, and features of at most LIMIT tokens if the model has blocks.
with_elements() { # FUNCTION INTERVAL LIMIT SOURCE
  function=$1
  interval=$2
  limit=$3
  shift 3
  set -- "$@" ! vitpatchembed
  [ -z "$model" ] || set -- "$@" "$(property model "$model")"
  [ "$interval" = 1 ] || set -- "$@" "interval=$interval"
  [ "$made" = tokens ] || set -- "$@" "max-tokens=$limit" ! vitencoder
  "$function" "$@"
}

# Of the last of the first 50 frames, as many a video begins black.  Of those
# between it and the first nothing is computed.
make_picture() { # SOURCE
  n_passed=$((n_frames < 50 ? n_frames : 50))
  with_elements draw_picture $((n_passed > 1 ? n_passed - 1 : 1)) "$picture_tokens" \
    "$@" ! identity "eos-after=$((n_passed + 1))"
}

# A frame, its principal components, and what is like the face in the clip or
# the middle of another video, side by side.
draw_picture() { # SOURCE AND ELEMENTS
  picture=$root/build/quickstart.png
  height=360
  width=$((height * $(field frame-width) / $(field frame-height)))
  folder=$root/build/picture
  rm -rf "$folder" "$picture"
  mkdir -p "$folder"
  x=-1
  y=-1
  [ -n "$input" ] || {
    x=130
    y=110
  }
  set -- "$@" ! videoscale ! "video/x-raw,width=$width,height=$height" \
    ! videoconvert ! tee name=frames \
    compositor name=all sink_1::xpos="$width" sink_2::xpos=$((2 * width)) \
    ! videoconvert ! pngenc compression-level=1 \
    ! multifilesink "$(property location "$(printf '%s' "$folder" | sed 's/%/%%/g')/%05d.png")" max-files=1 \
    frames. ! queue ! all.sink_0 \
    frames. ! queue ! vittokenoverlay mode=pca opacity=1 ! all.sink_1 \
    frames. ! queue ! vittokenoverlay mode=similarity "x=$x" "y=$y" opacity=0.75 ! all.sink_2
  gst-launch-1.0 "$@" >"$root/build/quickstart-picture.log" 2>&1 \
    && mv "$folder"/*.png "$picture" \
    || fail "No picture came of it. The whole log: $root/build/quickstart-picture.log"
  rm -rf "$folder"
  printf '%-16s %s\n' picture "$picture"
}

install_packages
echo "Building"
build

GST_PLUGIN_PATH=$root/build/plugin/module
export GST_PLUGIN_PATH
choose
rm -rf build/tokens build/features
mkdir -p "build/$made"
log=$root/build/quickstart.log

# Calls a function with the words that bring the input's frames.
with_source() { # FUNCTION
  case $input in
    '')
      set -- "$1" filesrc "$(property location "$root/examples/media/clip.webm")" \
        ! matroskademux ! vp8dec
      ;;
    /dev/video*)
      set -- "$1" v4l2src "$(property device "$input")" num-buffers=250 \
        ! decodebin ! videoconvert
      ;;
    *://*) set -- "$1" uridecodebin "$(property uri "$input")" ! videoconvert ;;
    *)
      set -- "$1" filesrc "$(property location "$input")" ! decodebin \
        ! videoconvert
      ;;
  esac
  "$@"
}

make_all() { # SOURCE
  with_elements make_files 1 "$max_tokens" "$@"
}

make_files() { # SOURCE AND ELEMENTS
  # A % in the folder's own name would be read as a place for the number.
  pattern=$(printf '%s' "$root/build/$made/" | sed 's/%/%%/g')$made-%05d.npy
  set -- "$@" ! progressreport update-freq=1 ! vittokenenc ! application/x-npy \
    ! multifilesink "$(property location "$pattern")" "max-files=$keep"

  # Ctrl-C ends the stream in good order, and the table comes all the same:
  # gst-launch-1.0 sees to the signal itself (-e), the others leave it alone.
  [ "$made" = tokens ] \
    || echo "Each frame is scaled down to at most $max_tokens tokens, for speed (max-tokens)"
  echo "Running (Ctrl-C ends it)"
  trap : INT
  {
    trap : INT
    gst-launch-1.0 -e -v "$@" 2>&1 \
      || echo "ERROR: gst-launch-1.0 ended with status $?"
  } | {
    trap '' INT
    show_progress
  }
  trap - INT
  n_frames=$(field frames)
  if grep -q '^ERROR' "$log" || [ "${n_frames:-0}" = 0 ]; then
    [ "$n_frames" != 0 ] || echo "No frame came out of the decoder" >&2
    # Where nothing in the file could be linked to what takes video: one of these,
    # whichever comes first, or both.
    ! grep -q '^failed delayed linking\|^streaming stopped, reason not-linked' "$log" \
      || echo "$input: no video in it" >&2
    fail "It did not work. The whole log: $log"
  fi
  print_table
  with_source make_picture
  printf '\nThe line that ran, to go on from:\n\n'
  print_command "$@"
}

with_source make_all
