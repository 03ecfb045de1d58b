/* SPDX-License-Identifier: MIT */
#include "box_overlay.h"

#define THICKNESS 3 /* pixels */

static const guint8 yellow[4] = {
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  0, 220, 255, 255
#else
  255, 255, 220, 0
#endif
};

static void
add_bar (GstVideoOverlayComposition *composition, gint x, gint y, guint width,
    guint height)
{
  gsize size = (gsize) width * height * sizeof (yellow);
  GstVideoOverlayRectangle *bar;
  GstBuffer *pixels;

  if (size == 0)
    return;
  pixels = gst_buffer_new_allocate (NULL, size, NULL);
  for (gsize i = 0; i < size; i += sizeof (yellow))
    gst_buffer_fill (pixels, i, yellow, sizeof (yellow));
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  bar = gst_video_overlay_rectangle_new_raw (
      pixels, x, y, width, height, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  gst_video_overlay_composition_add_rectangle (composition, bar);
  gst_video_overlay_rectangle_unref (bar);
  gst_buffer_unref (pixels);
}

static void
add_frame (GstVideoOverlayComposition *composition,
    const GstVideoRegionOfInterestMeta *region)
{
  guint width = MIN (THICKNESS, region->w), height = MIN (THICKNESS, region->h);

  add_bar (composition, region->x, region->y, region->w, height);
  add_bar (composition, region->x, region->y + region->h - height, region->w,
      height);
  add_bar (composition, region->x, region->y, width, region->h);
  add_bar (
      composition, region->x + region->w - width, region->y, width, region->h);
}

GstVideoOverlayComposition *
box_overlay_draw (GstElement *element G_GNUC_UNUSED, GstSample *sample,
    gpointer data G_GNUC_UNUSED)
{
  GstVideoOverlayComposition *composition = NULL;
  GstBuffer *frame = gst_sample_get_buffer (sample);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (
              frame, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
         != NULL) {
    if (composition == NULL)
      composition = gst_video_overlay_composition_new (NULL);
    add_frame (composition, (GstVideoRegionOfInterestMeta *) meta);
  }
  return composition;
}
