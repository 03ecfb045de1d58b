/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitregions.h"

/* What is found, while it is looked for. */
typedef struct {
  guint frame_width;
  guint frame_height;
  GArray *regions;   /* of GstVitRegion, with the ids of their metas */
  GHashTable *given; /* the ids of all metas */
  gboolean is_full;
} Search;

/* Where the right or lower edge of what begins inside the frame is cut. */
static gint64
cut (gint64 end, guint frame_size)
{
  return MIN (end, (gint64) frame_size);
}

/* A region as a meta has it, wherever that is. */
static void
add_region (Search *search, gint id, GQuark type, gint64 x, gint64 y,
    gint64 width, gint64 height)
{
  gint64 left = MAX (x, 0), top = MAX (y, 0);
  gint64 right = cut (x + width, search->frame_width);
  gint64 bottom = cut (y + height, search->frame_height);
  GstVitRegion region = { .id = id, .type = type };

  g_hash_table_add (search->given, GINT_TO_POINTER (id));
  if (width <= 0 || height <= 0 || left >= right || top >= bottom)
    return;
  if (search->regions->len == GST_VIT_REGIONS_MAX) {
    search->is_full = TRUE;
    return;
  }
  region.x = (guint) left;
  region.y = (guint) top;
  region.width = (guint) (right - left);
  region.height = (guint) (bottom - top);
  g_array_append_val (search->regions, region);
}

static void
find_rois (Search *search, GstBuffer *frame)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (
              frame, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *roi
        = (const GstVideoRegionOfInterestMeta *) meta;

    add_region (search, roi->id, roi->roi_type, roi->x, roi->y, roi->w, roi->h);
  }
}

static void
give_ids (Search *search)
{
  GHashTable *taken = g_hash_table_new (NULL, NULL);
  gint next = 1;

  for (guint i = 0; i < search->regions->len; i++) {
    GstVitRegion *region = &g_array_index (search->regions, GstVitRegion, i);

    if (region->id == -1
        || g_hash_table_contains (taken, GINT_TO_POINTER (region->id))) {
      while (g_hash_table_contains (search->given, GINT_TO_POINTER (next)))
        next++;
      region->id = next++;
    }
    g_hash_table_add (taken, GINT_TO_POINTER (region->id));
  }
  g_hash_table_unref (taken);
}

gboolean
gst_vit_regions_find (
    GstBuffer *frame, guint frame_width, guint frame_height, GArray *regions)
{
  Search search = { .frame_width = frame_width,
    .frame_height = frame_height,
    .regions = regions,
    .given = g_hash_table_new (NULL, NULL) };

  g_array_set_size (regions, 0);
  find_rois (&search, frame);
  give_ids (&search);
  g_hash_table_unref (search.given);
  return !search.is_full;
}
