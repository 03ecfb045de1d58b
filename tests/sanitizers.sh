#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the tests under the sanitizers and prints how long each stage took:
#
#     address    all, under AddressSanitizer (leaks too) and UBSan
#     address-c  what depends on the kernels, with those in C, whatever the machine has
#     thread     what has several threads, under ThreadSanitizer
#     valgrind   src/'s own, but for what takes minutes
#
#     sh tests/sanitizers.sh [STAGE...]
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- thread valgrind address address-c

sh examples/install-packages.sh gcc libc6-dev meson pkgconf valgrind \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjansson-dev \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good

# Only what a stage runs is built: a whole build takes minutes.
build() { # NAME "TARGET..." MESON_OPTION...
  folder=build-$1
  targets=$2
  shift 2
  mkdir -p "$folder"
  log=$folder/build.log
  if ! { [ -f "$folder/build.ninja" ] \
      || meson setup "$folder" --buildtype=debugoptimized \
           -Dtests=enabled -Dexamples=disabled -Dintrospection=disabled "$@"; } >"$log" 2>&1 \
      || ! ninja -C "$folder" $targets >>"$log" 2>&1; then
    cat "$log"
    return 1
  fi
}

programs_of() { # TEST...
  printf 'tests/test_%s ' "$@"
}

# Of numbers too large for an integer gcc's UBSan tells only if asked.
build_address() {
  build address all -Db_sanitize=address,undefined \
    -Dc_args=-fsanitize=float-cast-overflow
}

test_address() { # ARGUMENT...
  meson test -C build-address --no-rebuild --print-errorlogs \
    --wrap "$PWD/tests/support/short_stacks.sh" "$@"
}

# A report ends the test that brought it about: UBSan would only print it.
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export UBSAN_OPTIONS

stage() { # NAME
  case $1 in
    address)
      build_address
      # Memory that is taken says nothing here: a sanitizer takes its own.
      test_address -t 3 \
        $(meson test -C build-address --list 2>/dev/null | sed -n 's/.* \/ //p' \
          | grep -vx -e encoder_memory -e reader_memory)
      ;;
    address-c)
      build_address
      # A choice of what calls a kernel on frames, tokens or weights; not all that
      # does, which would take as long as the stage before.  kernel, row_kernel,
      # encoder_block, encoder_kernels, numbers and pixels go through all kernels
      # themselves.
      VIT_CPU_MASK=0 test_address -t 6 \
        encoder_left_out encoder_run frame_bounds gamut joint_space precision \
        quantise regions reuse scaled_formats sizes text_classes threads two_ways \
        vitencoder_golden vitencoder_sizes
      ;;
    thread)
      set -- allocation encoder_run forged_heads late live machine_faults max_tokens \
        model_element model_event model_faults model_share neighbour_faults \
        reading regions reuse stream tensors threads tokenenc_tensors \
        tokenoverlay_delivery tokenoverlay_drawing tokens_passage \
        vitencoder_attention vitencoder_classes vitencoder_labels vitencoder_live \
        vitencoder_pipelines workers
      build thread "plugin/module/libgstvit.so $(programs_of "$@")" \
        -Db_sanitize=thread
      meson test -C build-thread --no-rebuild --print-errorlogs -t 3 "$@"
      ;;
    valgrind)
      # Memory is measured elsewhere; the others left out take minutes, and
      # two_ways, pixels, encoder_run and encoder_left_out run the same code.
      set -- $(ls tests/src/*/test_*.c | sed 's/.*\/test_//; s/\.c$//' \
        | grep -vx -e encoder_memory -e reader_memory \
          -e encoder_block -e encoder_golden -e encoder_kernels -e encoder_no_memory \
          -e gamut -e kernel -e patch_no_memory -e plan -e row_kernel)
      # run.sh has built them already, with the same options.
      built=tests-src-alone
      [ -f "build-$built/build.ninja" ] || built=valgrind
      build "$built" "$(programs_of "$@")" -Dplugin=disabled
      meson test -C "build-$built" --no-rebuild --print-errorlogs -t 10 --wrap \
        'valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --trace-children=no' \
        "$@"
      ;;
    *)
      echo "no such stage: $1" >&2
      return 2
      ;;
  esac
}

failed=
times=
for name; do
  echo "== $name"
  start=$(date +%s)
  stage "$name" || failed="$failed $name"
  times="$times$name $(($(date +%s) - start)) s
"
done
echo
printf '%s' "$times"
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
