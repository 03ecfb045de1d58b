/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitcomposition.h"

void
gst_vit_composition_attach (
    GstBuffer *buffer, GstVideoOverlayComposition *drawn)
{
  GstVideoOverlayCompositionMeta *meta
      = gst_buffer_get_video_overlay_composition_meta (buffer);
  GstVideoOverlayComposition *both;

  if (!meta) {
    gst_buffer_add_video_overlay_composition_meta (buffer, drawn);
    return;
  }
  both = gst_video_overlay_composition_copy (meta->overlay);
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (drawn); i++)
    gst_video_overlay_composition_add_rectangle (
        both, gst_video_overlay_composition_get_rectangle (drawn, i));
  gst_video_overlay_composition_unref (meta->overlay);
  meta->overlay = both;
}
