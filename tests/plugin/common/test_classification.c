/* SPDX-License-Identifier: MIT
 *
 * Labels as GStreamer's own classifications, where it has any (1.24): of which of a
 * frame's metas, what they say, and to which detections they are related; and that
 * nothing is attached elsewhere.
 */
#include "common/gstvitclassification.h"

#ifdef HAVE_GST_DETECTIONS
#include <gst/analytics/analytics.h>
#endif

/* Logits of a frame of 64 x 48, or of a region of it that is not 0 wide. */
static GstVitEmbeddingMeta *
add_logits (GstBuffer *frame, gint id, const gchar *type, guint x, guint y,
    guint width, guint height)
{
  GstBuffer *values = gst_buffer_new_allocate (NULL, 12, NULL);
  GstVitEmbeddingMeta *meta = gst_buffer_add_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_LOGITS, values, 3, FALSE, NULL);

  gst_buffer_unref (values);
  meta->frame_width = 64;
  meta->frame_height = 48;
  meta->roi_id = id;
  meta->roi_type = g_strdup (type);
  meta->roi_x = x;
  meta->roi_y = y;
  meta->roi_width = width;
  meta->roi_height = height;
  g_assert_true (gst_vit_embedding_meta_is_valid (meta, NULL));
  return meta;
}

/* Of four the second has no labels, the third is one that is not valid, and the
 * first was there before. */
static GstBuffer *
new_frame (void)
{
  GstBuffer *frame = gst_buffer_new ();
  GstVitEmbeddingMeta *meta;

  meta = add_logits (frame, -1, NULL, 0, 0, 0, 0);
  gst_vit_embedding_meta_add_label (meta, 0, "before", 0.5f);
  add_logits (frame, -1, NULL, 0, 0, 0, 0);
  meta = add_logits (frame, -1, NULL, 0, 0, 0, 0);
  gst_vit_embedding_meta_add_label (meta, 0, "forged", 0.5f);
  meta->dim = 4;
  meta = add_logits (frame, -1, NULL, 0, 0, 0, 0);
  gst_vit_embedding_meta_add_label (meta, 2, "tabby, tabby cat", 0.75f);
  gst_vit_embedding_meta_add_label (meta, 0, "tiger cat", 0.125f);
  return frame;
}

#ifdef HAVE_GST_DETECTIONS
/* The number of all, and the last of them. */
static guint
count (GstBuffer *frame, GstAnalyticsClsMtd *last)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsClsMtd classes;
  gpointer state = NULL;
  guint n = 0;

  while (meta
         && gst_analytics_relation_meta_iterate (
             meta, &state, gst_analytics_cls_mtd_get_mtd_type (), &classes)) {
    *last = classes;
    n++;
  }
  return n;
}

static void
assert_class (const GstAnalyticsClsMtd *classes, gsize i, const gchar *name,
    gfloat probability)
{
  g_assert_cmpstr (
      g_quark_to_string (gst_analytics_cls_mtd_get_quark (classes, i)), ==,
      name);
  g_assert_cmpfloat (
      gst_analytics_cls_mtd_get_level (classes, i), ==, probability);
}

static void
test_attach (void)
{
  g_autoptr (GstBuffer) frame = new_frame ();
  GstAnalyticsClsMtd classes;

  gst_vit_classification_attach (frame, 1);
  g_assert_cmpuint (count (frame, &classes), ==, 1);
  g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&classes), ==, 2);
  assert_class (&classes, 0, "tabby, tabby cat", 0.75f);
  assert_class (&classes, 1, "tiger cat", 0.125f);
  gst_vit_classification_attach (frame, 0);
  g_assert_cmpuint (count (frame, &classes), ==, 3);
  g_assert_cmpuint (gst_buffer_get_n_meta (
                        frame, gst_analytics_relation_meta_api_get_type ()),
      ==, 1);
}

/* Where there is nothing to say there is no meta either. */
static void
test_none (void)
{
  g_autoptr (GstBuffer) frame = new_frame ();

  gst_vit_classification_attach (frame, 4);
  g_assert_null (gst_buffer_get_analytics_relation_meta (frame));
}

/* Its id. */
static guint
detect (GstBuffer *frame, const gchar *type, gint x, gint y, gint width,
    gint height)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsODMtd detection;

  if (meta == NULL)
    meta = gst_buffer_add_analytics_relation_meta (frame);
  g_assert_true (gst_analytics_relation_meta_add_od_mtd (
      meta, g_quark_from_string (type), x, y, width, height, 0.5f, &detection));
  return detection.id;
}

/* Whether a region is related to the detection, and that to it. */
static gboolean
is_related (
    GstBuffer *frame, guint detection, const GstAnalyticsClsMtd *classes)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsRelTypes to
      = gst_analytics_relation_meta_get_relation (meta, detection, classes->id);

  g_assert_cmpint (to, ==,
      gst_analytics_relation_meta_get_relation (meta, classes->id, detection));
  return to == GST_ANALYTICS_REL_TYPE_RELATE_TO;
}

static void
test_related (void)
{
  static const struct {
    gint x, y, width, height; /* of the detection */
    const gchar *type;
    guint left, top, n_columns, n_rows; /* of the region */
    gboolean is_related;
  } cases[] = {
    { 8, 9, 20, 30, "cat", 8, 9, 20, 30, TRUE },
    { 8, 9, 20, 30, "dog", 8, 9, 20, 30, FALSE },
    { 8, 9, 20, 30, "cat", 8, 9, 20, 29, FALSE },
    { 8, 9, 20, 30, "cat", 9, 9, 19, 30, FALSE },
    /* It begins with the block of chroma. */
    { 9, 9, 20, 30, "cat", 8, 8, 21, 31, TRUE },
    { 9, 9, 20, 30, "cat", 7, 8, 22, 31, FALSE },
    /* Cut by the frame. */
    { -5, -6, 20, 30, "cat", 0, 0, 15, 24, TRUE },
    { 40, 30, 100, 1000, "cat", 40, 30, 24, 18, TRUE },
    { G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT, "cat", 0, 0, 64, 48, FALSE },
    { G_MININT, G_MININT, G_MAXINT, G_MAXINT, "cat", 0, 0, 64, 48, FALSE },
    /* The whole frame is no region. */
    { 0, 0, 64, 48, "cat", 0, 0, 0, 0, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) frame = gst_buffer_new ();
    guint detection = detect (frame, cases[i].type, cases[i].x, cases[i].y,
        cases[i].width, cases[i].height);
    GstAnalyticsClsMtd classes;

    gst_vit_embedding_meta_add_label (
        add_logits (frame, cases[i].n_columns > 0 ? 7 : -1, "cat",
            cases[i].left, cases[i].top, cases[i].n_columns, cases[i].n_rows),
        1, "tabby", 0.5f);
    gst_vit_classification_attach (frame, 0);
    g_assert_cmpuint (count (frame, &classes), ==, 1);
    g_assert_cmpint (
        is_related (frame, detection, &classes), ==, cases[i].is_related);
  }
}

/* Of detections that mark the same the one whose id the region has. */
static void
test_same_place (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  guint detections[3];
  GstAnalyticsClsMtd classes;

  for (guint i = 0; i < 3; i++)
    detections[i] = detect (frame, "cat", 8, 9, 20, 30);
  gst_vit_embedding_meta_add_label (
      add_logits (frame, (gint) detections[1], "cat", 8, 9, 20, 30), 1, "tabby",
      0.5f);
  gst_vit_classification_attach (frame, 0);
  g_assert_cmpuint (count (frame, &classes), ==, 1);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (is_related (frame, detections[i], &classes), ==, i == 1);
}
#else
static void
test_nothing (void)
{
  g_autoptr (GstBuffer) frame = new_frame ();
  gpointer state = NULL;

  gst_vit_classification_attach (frame, 0);
  for (guint i = 0; i < 4; i++)
    g_assert_true (
        ((GstMeta *) gst_buffer_iterate_meta (frame, &state))->info->api
        == GST_VIT_EMBEDDING_META_API_TYPE);
  g_assert_null (gst_buffer_iterate_meta (frame, &state));
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/classification/" name, function)
#ifdef HAVE_GST_DETECTIONS
  TEST ("has-names-and-probabilities", test_attach);
  TEST ("none-where-there-are-no-labels", test_none);
  TEST ("related-to-what-marks-the-region", test_related);
  TEST ("of-several-marks-that-of-its-id", test_same_place);
#else
  TEST ("nothing-where-there-is-none", test_nothing);
#endif
  return g_test_run ();
}
