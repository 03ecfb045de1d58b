/* SPDX-License-Identifier: MIT
 *
 * Tokens of what GStreamer's own detectors mark, GstAnalyticsODMtd (1.24): of
 * the same regions as by a GstVideoRegionOfInterestMeta, and, from 1.28 on, as a
 * tensor that is related to its detection.
 */
#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#ifdef HAVE_GST_DETECTIONS
#include <gst/analytics/analytics.h>

#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 regions=roi precision=f32 "

static GstHarness *
new_harness (const gchar *launch, GstVideoInfo *info)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);

  g_assert_true (gst_video_info_from_caps (info, caps));
  gst_harness_set_src_caps (harness, caps);
  return harness;
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
  g_assert_true (gst_analytics_relation_meta_add_od_mtd (meta,
      g_quark_from_string (type), x, y, width, height, 0.5f, &detection));
  return detection.id;
}

static void
mark (GstBuffer *frame, gint id, const gchar *type, guint x, guint y,
    guint width, guint height)
{
  gst_buffer_add_video_region_of_interest_meta (
      frame, type, x, y, width, height)
      ->id
      = id;
}

static void
assert_place (const GstVitTokensMeta *meta, const gchar *type, guint left,
    guint top, guint n_columns, guint n_rows)
{
  guint x, y, width, height;

  g_assert_nonnull (meta);
  g_assert_true (
      gst_vit_tokens_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x, ==, left);
  g_assert_cmpuint (y, ==, top);
  g_assert_cmpuint (width, ==, n_columns);
  g_assert_cmpuint (height, ==, n_rows);
  g_assert_cmpstr (gst_vit_tokens_meta_get_roi_type (meta), ==, type);
}

static guint
count_metas (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE);
}

/* The tokens of the same place, marked in the other way. */
static void
test_the_same_tokens (void)
{
  GstVideoInfo info;
  GstHarness *harness = new_harness (ELEMENT "reuse-tokens=false ", &info);
  GstBuffer *frame = frames_random (&info, 1, FALSE);
  GstBuffer *other = gst_buffer_copy (frame);
  gfloat *values, *expected;
  guint id = detect (frame, "cat", 7, 5, 40, 33);

  mark (other, 3, "cat", 7, 5, 40, 33);
  frame = gst_harness_push_and_pull (harness, frame);
  other = gst_harness_push_and_pull (harness, other);
  g_assert_cmpuint (count_metas (frame), ==, 1);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) id), "cat",
      7, 5, 40, 33);
  values = frames_get_tokens (frame, (1 + 2 * 2) * 24);
  expected = frames_get_tokens (other, (1 + 2 * 2) * 24);
  g_assert_cmpmem (values, 5 * 24 * 4, expected, 5 * 24 * 4);
  g_free (values);
  g_free (expected);
  gst_buffer_unref (frame);
  gst_buffer_unref (other);
  gst_harness_teardown (harness);
}

/* Numbers are signed here. */
static void
test_places_out_of_the_frame (void)
{
  GstVideoInfo info;
  GstHarness *harness = new_harness (ELEMENT, &info);
  GstBuffer *frame = frames_random (&info, 1, FALSE);
  guint left = detect (frame, "a", -10, -20, 40, 60);
  guint right = detect (frame, "b", 60, 30, G_MAXINT, G_MAXINT);

  detect (frame, "c", -40, 0, 40, 40);
  detect (frame, "d", 96, 0, 40, 40);
  detect (frame, "e", 0, 0, -40, 40);
  detect (frame, "f", 0, 0, 0, 40);
  detect (frame, "g", G_MININT, G_MININT, G_MAXINT, G_MAXINT);
  detect (frame, "h", G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 2);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) left), "a",
      0, 0, 30, 40);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) right), "b",
      60, 30, 36, 34);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Regions of interest come first, and a region that both mark comes once. */
static void
test_both_kinds_of_marks (void)
{
  GstVideoInfo info;
  GstHarness *harness = new_harness (ELEMENT, &info);
  GstBuffer *frame = frames_random (&info, 1, FALSE);
  guint ids[3];

  ids[0] = detect (frame, "face", 0, 0, 32, 32);
  ids[1] = detect (frame, "face", 32, 32, 32, 32);
  ids[2] = detect (frame, "hand", 0, 0, 32, 32);
  mark (frame, (gint) ids[1], "foot", 64, 0, 32, 32);
  mark (frame, 40, "face", 0, 0, 32, 32);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 4);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) ids[1]),
      "foot", 64, 0, 32, 32);
  assert_place (
      gst_buffer_get_vit_tokens_meta_roi (frame, 40), "face", 0, 0, 32, 32);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) ids[2]),
      "hand", 0, 0, 32, 32);
  /* One whose number is taken: the lowest from 1 up that nobody has. */
  g_assert_cmpuint (ids[1], ==, 1);
  g_assert_cmpuint (ids[2], ==, 2);
  assert_place (
      gst_buffer_get_vit_tokens_meta_roi (frame, 3), "face", 32, 32, 32, 32);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
test_no_more_than_the_first_512 (void)
{
  GstVideoInfo info;
  GstHarness *harness = new_harness (ELEMENT, &info);
  GstBuffer *frame = frames_random (&info, 1, FALSE);

  for (gint i = 0; i < 300; i++) {
    detect (frame, "d", i % 60, 3, 16, 16);
    mark (frame, i, "r", (guint) i % 60, 6, 16, 16);
  }
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 512);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

#if GST_CHECK_VERSION(1, 28, 0)
static void
assert_related (GstBuffer *frame, guint detection, gint roi_id)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstVitTokensMeta *tokens = gst_buffer_get_vit_tokens_meta_roi (frame, roi_id);
  const gsize dims[] = { 1, tokens->n_tokens, 24 };
  GstAnalyticsMtd found, back;
  gpointer state = NULL;
  GstTensor *tensor;

  g_assert_true (gst_analytics_relation_meta_get_direct_related (meta,
      detection, GST_ANALYTICS_REL_TYPE_RELATE_TO,
      gst_analytics_tensor_mtd_get_mtd_type (), &state, &found));
  tensor = gst_analytics_tensor_mtd_get_tensor (&found);
  g_assert_cmpstr (g_quark_to_string (tensor->id), ==, "vit-patch-tokens");
  g_assert_true (tensor->data == tokens->tokens);
  g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
  g_assert_cmpmem (
      tensor->dims, tensor->num_dims * sizeof (gsize), dims, sizeof dims);
  g_assert_false (gst_analytics_relation_meta_get_direct_related (meta,
      detection, GST_ANALYTICS_REL_TYPE_RELATE_TO,
      gst_analytics_tensor_mtd_get_mtd_type (), &state, &back));

  state = NULL;
  g_assert_true (gst_analytics_relation_meta_get_direct_related (meta,
      found.id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
      gst_analytics_od_mtd_get_mtd_type (), &state, &back));
  g_assert_cmpuint (back.id, ==, detection);
}

static void
test_tensors_are_related (void)
{
  GstVideoInfo info;
  GstHarness *harness = new_harness (ELEMENT, &info);
  GstBuffer *frame = frames_random (&info, 1, FALSE), *copy;
  guint first = detect (frame, "cat", 0, 0, 32, 32);
  guint second = detect (frame, "dog", 32, 16, 48, 40);
  guint marked = detect (frame, "owl", 4, 4, 40, 40);

  mark (frame, 70, "owl", 4, 4, 40, 40);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 3);
  copy = gst_buffer_copy (frame);
  gst_buffer_unref (frame);
  assert_related (copy, first, (gint) first);
  assert_related (copy, second, (gint) second);
  assert_related (copy, marked, 70);
  gst_buffer_unref (copy);
  gst_harness_teardown (harness);
}

static void
test_no_tensors_where_none_are_wanted (void)
{
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstAnalyticsMtd tensor;
  gpointer state = NULL;
  GstHarness *harness;
  GstVideoInfo info;
  GstBuffer *frame;

  gst_object_ref_sink (element);
  g_object_set (element, "embed-dim", 24, "tensor-id", NULL, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "regions", "roi");
  harness = gst_harness_new_with_element (element, "sink", "src");
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  detect (frame, "cat", 0, 0, 32, 32);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 1);
  g_assert_false (gst_analytics_relation_meta_iterate (
      gst_buffer_get_analytics_relation_meta (frame), &state,
      gst_analytics_tensor_mtd_get_mtd_type (), &tensor));
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  gst_object_unref (element);
}
#endif
#else
static void
test_not_built (void)
{
  g_test_skip ("built without gstreamer-analytics-1.0 of 1.24 or later");
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/detections/" name, function)
#ifdef HAVE_GST_DETECTIONS
  TEST ("tokens-are-those-of-the-region", test_the_same_tokens);
  TEST ("places-are-clipped", test_places_out_of_the_frame);
  TEST ("what-is-marked-twice-comes-once", test_both_kinds_of_marks);
  TEST ("no-more-than-the-first-512", test_no_more_than_the_first_512);
#if GST_CHECK_VERSION(1, 28, 0)
  TEST ("tensors-are-related-to-them", test_tensors_are_related);
  TEST ("no-tensors-where-none-are-wanted",
      test_no_tensors_where_none_are_wanted);
#endif
#else
  TEST ("not-built", test_not_built);
#endif
  return g_test_run ();
}
