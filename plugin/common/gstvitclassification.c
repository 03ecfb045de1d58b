/* SPDX-License-Identifier: MIT */
#include "common/gstvitclassification.h"

#ifdef HAVE_GST_DETECTIONS
#include <gst/analytics/analytics.h>

/* From `start`, `size` pixels, to where either is cut by the frame; whether that
 * is from `left` to `right`.  A region of video with fewer chroma samples may begin
 * a pixel before what marks it. */
static gboolean
is_along (gint start, gint size, guint frame_size, guint left, guint right)
{
  gint64 end = MIN ((gint64) start + size, (gint64) frame_size);
  gint64 before = (gint64) MAX (start, 0) - left;

  return before >= 0 && before <= 1 && end == (gint64) right;
}

static gboolean
marks (const GstAnalyticsODMtd *detection, const GstVitEmbeddingMeta *logits)
{
  gint x, y, width, height;
  gfloat confidence;

  return gst_analytics_od_mtd_get_location (
             detection, &x, &y, &width, &height, &confidence)
         && gst_analytics_od_mtd_get_obj_type (detection)
                == g_quark_try_string (logits->roi_type)
         && is_along (x, width, logits->frame_width, logits->roi_x,
             logits->roi_x + logits->roi_width)
         && is_along (y, height, logits->frame_height, logits->roi_y,
             logits->roi_y + logits->roi_height);
}

/* Of several that mark the same region the one whose id it has; FALSE, *id 0: there
 * is none. */
static gboolean
find_detection (GstAnalyticsRelationMeta *meta,
    const GstVitEmbeddingMeta *logits, guint *id)
{
  GstAnalyticsODMtd detection;
  gpointer state = NULL;
  gboolean is_found = FALSE;

  *id = 0;
  while (logits->roi_width > 0
         && gst_analytics_relation_meta_iterate (
             meta, &state, gst_analytics_od_mtd_get_mtd_type (), &detection)) {
    gboolean has_id = (gint) detection.id == logits->roi_id;

    if ((!is_found || has_id) && marks (&detection, logits)) {
      *id = detection.id;
      is_found = TRUE;
    }
  }
  return is_found;
}

static void
add_labels (
    GstAnalyticsRelationMeta *meta, const GstVitEmbeddingMeta *logits, guint n)
{
  gfloat probabilities[GST_VIT_EMBEDDING_META_MAX_LABELS];
  GQuark names[GST_VIT_EMBEDDING_META_MAX_LABELS];
  GstAnalyticsClsMtd classes;
  guint detection;

  for (guint i = 0; i < n; i++) {
    const gchar *name;

    gst_vit_embedding_meta_get_label (
        logits, i, NULL, &name, &probabilities[i]);
    names[i] = g_quark_from_string (name);
  }
  if (!gst_analytics_relation_meta_add_cls_mtd (
          meta, n, probabilities, names, &classes)
      || !find_detection (meta, logits, &detection))
    return;
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, detection, classes.id);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, classes.id, detection);
}

void
gst_vit_classification_attach (GstBuffer *frame, guint n_before)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstVitEmbeddingMeta *logits;
  gpointer state = NULL;

  for (guint i = 0;
       (logits = gst_buffer_iterate_vit_embedding_meta (frame, &state)); i++) {
    guint n = i < n_before ? 0 : gst_vit_embedding_meta_get_n_labels (logits);

    if (n == 0)
      continue;
    if (meta == NULL)
      meta = gst_buffer_add_analytics_relation_meta (frame);
    add_labels (meta, logits, n);
  }
}
#else
void
gst_vit_classification_attach (
    GstBuffer *frame G_GNUC_UNUSED, guint n_before G_GNUC_UNUSED)
{
}
#endif
