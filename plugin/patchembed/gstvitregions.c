/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitregions.h"

#ifdef HAVE_GST_DETECTIONS
#include <gst/analytics/analytics.h>
#endif

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

/* Places a region as a meta has it, wherever that is; FALSE: outside. */
static gboolean
clip (const Search *search, gint64 x, gint64 y, gint64 width, gint64 height,
    GstVitRegion *region)
{
  gint64 left = MAX (x, 0), top = MAX (y, 0);
  gint64 right = cut (x + width, search->frame_width);
  gint64 bottom = cut (y + height, search->frame_height);

  if (width <= 0 || height <= 0 || left >= right || top >= bottom)
    return FALSE;
  region->x = (guint) left;
  region->y = (guint) top;
  region->width = (guint) (right - left);
  region->height = (guint) (bottom - top);
  return TRUE;
}

static void
add_region (Search *search, const GstVitRegion *region)
{
  if (search->regions->len == GST_VIT_REGIONS_MAX)
    search->is_full = TRUE;
  else
    g_array_append_vals (search->regions, region, 1);
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

    GstVitRegion region = { .id = roi->id,
      .type = roi->roi_type,
      .detection = GST_VIT_NO_DETECTION };

    g_hash_table_add (search->given, GINT_TO_POINTER (roi->id));
    if (clip (search, roi->x, roi->y, roi->w, roi->h, &region))
      add_region (search, &region);
  }
}

#ifdef HAVE_GST_DETECTIONS
/* (nullable): some detectors say the same as region of interest, too. */
static GstVitRegion *
find_same (GArray *regions, guint n_rois, const GstVitRegion *detected)
{
  for (guint i = 0; i < n_rois; i++) {
    GstVitRegion *region = &g_array_index (regions, GstVitRegion, i);

    if (region->detection == GST_VIT_NO_DETECTION
        && region->type == detected->type && region->x == detected->x
        && region->y == detected->y && region->width == detected->width
        && region->height == detected->height)
      return region;
  }
  return NULL;
}

static void
find_detections (Search *search, GstBuffer *frame)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  guint n_rois = search->regions->len;
  GstAnalyticsODMtd detection;
  gpointer state = NULL;

  if (meta == NULL)
    return;
  while (gst_analytics_relation_meta_iterate (
      meta, &state, gst_analytics_od_mtd_get_mtd_type (), &detection)) {
    GstVitRegion region = { .id = (gint) detection.id,
      .type = gst_analytics_od_mtd_get_obj_type (&detection),
      .detection = detection.id };
    gint x, y, width, height;
    gfloat confidence;
    GstVitRegion *same;

    if (!gst_analytics_od_mtd_get_location (
            &detection, &x, &y, &width, &height, &confidence)
        || !clip (search, x, y, width, height, &region)) {
      g_hash_table_add (search->given, GINT_TO_POINTER (region.id));
      continue;
    }
    same = find_same (search->regions, n_rois, &region);
    if (same != NULL) {
      same->detection = detection.id;
      continue;
    }
    g_hash_table_add (search->given, GINT_TO_POINTER (region.id));
    add_region (search, &region);
  }
}
#else
static void
find_detections (Search *search G_GNUC_UNUSED, GstBuffer *frame G_GNUC_UNUSED)
{
}
#endif

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
  find_detections (&search, frame);
  give_ids (&search);
  g_hash_table_unref (search.given);
  return !search.is_full;
}
