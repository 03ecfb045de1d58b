#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What is installed works from the folder it is installed into.  TAP on
# standard output.
#
#     test_install.sh BUILD_ROOT COMPILER... -- MESON...
set -u
build=$1
shift
compiler=
while [ "$1" != -- ]; do compiler="$compiler $1"; shift; done
shift
unset GST_PLUGIN_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH

root=$(mktemp -d "$build/install-XXXXXX") || exit 1
trap 'rm -rf "$root"' EXIT
export GST_REGISTRY="$root/registry.bin"
failed=0

report() { # STATUS NAME
  if [ "$1" = 0 ]; then
    echo "ok - $2"
  else
    echo "not ok - $2"
    sed 's/^/# /' "$root/log"
    failed=1
  fi
}

echo "1..3"
"$@" install -C "$build" --destdir "$root" --no-rebuild >"$root/log" 2>&1
plugin=$(find "$root" -name libgstvit.so)
GST_PLUGIN_PATH=$(dirname "$plugin") gst-inspect-1.0 vitpatchembed >>"$root/log" 2>&1
report $? "an installed plugin is found by GST_PLUGIN_PATH alone"

header=$(find "$root" -name gstvittokensmeta.h)
prefix=${header%/include/gstreamer-1.0/gst/vit/gstvittokensmeta.h}
pc=$(find "$root" -name gstreamer-vit-1.0.pc)
# It names the prefix without the scratch folder.
sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
cat >"$root/program.c" <<'PROGRAM'
#include <gst/vit/gstvittokensmeta.h>

/* Reads the tokens of three frames; nonzero where it does not find them. */
int
main (int argc, char **argv)
{
  guint n_frames = 0;

  gst_init (&argc, &argv);
  GstElement *pipeline = gst_parse_launch ("videotestsrc num-buffers=3 ! "
      "video/x-raw,width=64,height=48 ! vitpatchembed ! "
      "appsink name=sink sync=false", NULL);
  if (pipeline == NULL)
    return 1;
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (;;) {
    GstSample *sample = NULL;
    g_signal_emit_by_name (sink, "pull-sample", &sample);
    if (sample == NULL)
      break;
    GstVitTokensMeta *meta
        = gst_buffer_get_vit_tokens_meta (gst_sample_get_buffer (sample));
    GstMapInfo map;
    if (meta == NULL || meta->n_tokens != 13 || meta->embed_dim != 768
        || !gst_buffer_map (meta->tokens, &map, GST_MAP_READ))
      return 2;
    n_frames += map.size == 13 * 768 * sizeof (float)
                && ((const float *) map.data)[768] != 0.0f;
    gst_buffer_unmap (meta->tokens, &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  return n_frames != 3;
}
PROGRAM
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs gstreamer-vit-1.0)
$compiler "$root/program.c" -o "$root/program" $flags >"$root/log" 2>&1
report $? "a program is built by the installed pkg-config file"
library=$(find "$root" -name libgstvit-1.0.so.0)
GST_PLUGIN_PATH=$(dirname "$plugin") LD_LIBRARY_PATH=$(dirname "$library") \
  timeout 60 "$root/program" >"$root/log" 2>&1
report $? "the program reads tokens"
exit $failed
