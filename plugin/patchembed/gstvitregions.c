/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitregions.h"

gboolean
gst_vit_regions_find (
    GstBuffer *frame, guint frame_width, guint frame_height, GArray *regions)
{
  gpointer state = NULL;
  GstMeta *meta;

  g_array_set_size (regions, 0);
  while ((meta = gst_buffer_iterate_meta_filtered (
              frame, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *roi
        = (const GstVideoRegionOfInterestMeta *) meta;
    GstVitRegion region = { .id = roi->id, .x = roi->x, .y = roi->y };

    if (roi->x >= frame_width || roi->y >= frame_height || roi->w == 0
        || roi->h == 0)
      continue;
    if (regions->len == GST_VIT_REGIONS_MAX)
      return FALSE;
    region.width = MIN (roi->w, frame_width - roi->x);
    region.height = MIN (roi->h, frame_height - roi->y);
    g_array_append_val (regions, region);
  }
  return TRUE;
}
