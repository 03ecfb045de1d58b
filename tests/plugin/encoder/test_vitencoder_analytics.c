/* SPDX-License-Identifier: MIT
 *
 * What vitencoder tells GStreamer's own analytics of a classifier: the best classes
 * of a frame and of each detection (1.24), and the probabilities of all (1.26).
 */
#include <glib/gstdio.h>
#include <math.h>

#include "support/encoder_stream.h"

#ifdef HAVE_GST_DETECTIONS
#include <gst/analytics/analytics.h>

#define LOGITS GST_VIT_EMBEDDING_KIND_LOGITS

static void
assert_same (const GstAnalyticsClsMtd *classes, const GstVitEmbeddingMeta *meta)
{
  guint n = gst_vit_embedding_meta_get_n_labels (meta);

  g_assert_cmpuint (gst_analytics_cls_mtd_get_length (classes), ==, n);
  for (guint i = 0; i < n; i++) {
    const gchar *name;
    gfloat probability;

    gst_vit_embedding_meta_get_label (meta, i, NULL, &name, &probability);
    g_assert_cmpstr (
        g_quark_to_string (gst_analytics_cls_mtd_get_quark (classes, i)), ==,
        name);
    g_assert_cmpfloat (
        gst_analytics_cls_mtd_get_level (classes, i), ==, probability);
  }
}

static guint
count_classifications (GstBuffer *frame)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsClsMtd classes;
  gpointer state = NULL;
  guint n = 0;

  while (meta
         && gst_analytics_relation_meta_iterate (
             meta, &state, gst_analytics_cls_mtd_get_mtd_type (), &classes))
    n++;
  return n;
}

/* Of the same picture twice: the second time nothing is computed. */
static void
test_frame (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "top=3");
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, 1, NULL);
    GstAnalyticsClsMtd classes;
    gpointer state = NULL;

    g_assert_cmpuint (count_classifications (frame), ==, 1);
    gst_analytics_relation_meta_iterate (
        gst_buffer_get_analytics_relation_meta (frame), &state,
        gst_analytics_cls_mtd_get_mtd_type (), &classes);
    g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&classes), ==, 3);
    assert_same (&classes, gst_buffer_get_vit_embedding_meta (frame, LOGITS));
    gst_buffer_unref (frame);
  }
  g_object_set (stream.encoder, "top", 0, NULL);
  {
    GstBuffer *frame = encoder_stream_push (&stream, 1, NULL);

    g_assert_cmpuint (count_classifications (frame), ==, 0);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

/* (nullable): the labels' meta of the region there. */
static const GstVitEmbeddingMeta *
find_logits (GstBuffer *frame, gint x, gint y)
{
  const GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (frame, &state)))
    if (meta->kind == LOGITS && (gint) meta->roi_x == x
        && (gint) meta->roi_y == y)
      return meta;
  return NULL;
}

/* Two detections and a region that only GstVideoRegionOfInterestMeta marks, whose
 * id is that of a detection. */
static void
test_detections (void)
{
  static const gint places[2][4] = { { 0, 16, 32, 32 }, { 48, 0, 48, 48 } };
  EncoderStream stream;
  GstBuffer *frame;
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsODMtd detections[2];

  encoder_stream_init (&stream, "regions=roi", "top=2");
  frame = frames_random (&stream.info, 2, FALSE);
  relations = gst_buffer_add_analytics_relation_meta (frame);
  for (guint i = 0; i < 2; i++)
    gst_analytics_relation_meta_add_od_mtd (relations,
        g_quark_from_string ("cat"), places[i][0], places[i][1], places[i][2],
        places[i][3], 0.5f, &detections[i]);
  gst_buffer_add_video_region_of_interest_meta (frame, "cat", 32, 32, 32, 32)
      ->id
      = (gint) detections[1].id;
  frame = gst_harness_push_and_pull (stream.harness, frame);
  g_assert_cmpuint (count_classifications (frame), ==, 3);
  relations = gst_buffer_get_analytics_relation_meta (frame);
  for (guint i = 0; i < 2; i++) {
    GstAnalyticsClsMtd classes;
    gpointer state = NULL;

    g_assert_true (gst_analytics_relation_meta_get_direct_related (relations,
        detections[i].id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
        gst_analytics_cls_mtd_get_mtd_type (), &state, &classes));
    assert_same (&classes, find_logits (frame, places[i][0], places[i][1]));
    g_assert_cmpint (gst_analytics_relation_meta_get_relation (
                         relations, classes.id, detections[i].id),
        ==, GST_ANALYTICS_REL_TYPE_RELATE_TO);
    g_assert_false (gst_analytics_relation_meta_get_direct_related (relations,
        detections[i].id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
        gst_analytics_cls_mtd_get_mtd_type (), &state, &classes));
  }
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

#ifdef HAVE_GST_ANALYTICS
/* (nullable) */
static const GstTensor *
find_tensor (GstBuffer *frame)
{
  GQuark id
      = g_quark_from_static_string ("classification-generic-softmaxed-out");
  GstTensorMeta *meta;
  gpointer state = NULL;

  while ((meta = (GstTensorMeta *) gst_buffer_iterate_meta_filtered (
              frame, &state, GST_TENSOR_META_API_TYPE)))
    for (gsize i = 0; i < meta->num_tensors; i++)
      if (gst_tensor_meta_get (meta, i)->id == id)
        return gst_tensor_meta_get (meta, i);
  return NULL;
}

static void
check_probabilities (const GstTensor *tensor, GstBuffer *logits)
{
  GstMapInfo found, scores;
  double sum = 0;

  g_assert_true (gst_buffer_map (tensor->data, &found, GST_MAP_READ));
  g_assert_true (gst_buffer_map (logits, &scores, GST_MAP_READ));
  g_assert_cmpuint (found.size, ==, 7 * sizeof (gfloat));
  g_assert_cmpuint (scores.size, ==, 7 * sizeof (gfloat));
  for (guint i = 0; i < 7; i++)
    sum += exp ((double) ((const gfloat *) (gconstpointer) scores.data)[i]);
  for (guint i = 0; i < 7; i++) {
    double expected
        = exp ((double) ((const gfloat *) (gconstpointer) scores.data)[i])
          / sum;

    g_assert_cmpfloat (
        fabs ((double) ((const gfloat *) (gconstpointer) found.data)[i]
              - expected),
        <=, 1e-7 * expected);
  }
  gst_buffer_unmap (logits, &scores);
  gst_buffer_unmap (tensor->data, &found);
}

/* The same memory where nothing changed; beside it the logits' own tensor. */
static void
test_tensor (void)
{
  EncoderStream stream;
  GstBuffer *frame, *again;
  const GstTensor *tensor;

  encoder_stream_init (&stream, "", "");
  frame = encoder_stream_push (&stream, 1, NULL);
  tensor = find_tensor (frame);
  g_assert_nonnull (tensor);
  g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
  g_assert_cmpint (tensor->dims_order, ==, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
  g_assert_cmpuint (tensor->num_dims, ==, 2);
  g_assert_cmpuint (tensor->dims[0], ==, 1);
  g_assert_cmpuint (tensor->dims[1], ==, 7);
  check_probabilities (
      tensor, gst_buffer_get_vit_embedding_meta (frame, LOGITS)->values);
  again = encoder_stream_push (&stream, 1, NULL);
  g_assert_true (find_tensor (again)->data == tensor->data);
  gst_buffer_unref (again);
  gst_buffer_unref (frame);
  g_object_set (stream.encoder, "top", 0, NULL);
  frame = encoder_stream_push (&stream, 1, NULL);
  g_assert_null (find_tensor (frame));
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);

  encoder_stream_init (&stream, "", "");
  g_object_set (stream.encoder, "tensor-id", NULL, NULL);
  gst_element_set_state (stream.encoder, GST_STATE_NULL);
  gst_element_set_state (stream.encoder, GST_STATE_PLAYING);
  frame = encoder_stream_push (&stream, 1, NULL);
  g_assert_null (find_tensor (frame));
  g_assert_cmpuint (count_classifications (frame), ==, 1);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

/* What reads such tensors, where GStreamer has it (1.28): its best class is ours. */
static void
test_decoder (void)
{
  GstElement *decoder
      = gst_element_factory_make ("classifiertensordecoder", NULL);
  g_autofree gchar *model = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *path = NULL, *launch = NULL;
  EncoderStream stream = { 0 };
  gpointer state = NULL;
  GstMeta *meta;
  GstBuffer *frame;
  const gchar *name;
  guint n = 0;
  gint file;

  if (decoder == NULL) {
    g_test_skip ("this GStreamer has no classifiertensordecoder");
    return;
  }
  gst_object_unref (decoder);
  file = g_file_open_tmp ("labels-XXXXXX", &path, NULL);
  g_assert_cmpint (file, >=, 0);
  g_assert_true (g_close (file, NULL));
  g_assert_true (g_file_set_contents (path,
      "LABEL_0\nLABEL_1\nLABEL_2\nLABEL_3\nLABEL_4\nLABEL_5\nLABEL_6\n", -1,
      NULL));
  launch = g_strdup_printf ("vitpatchembed model=\"%s\" ! vitencoder top=1 ! "
                            "classifiertensordecoder labels-file=\"%s\" "
                            "class-confidence-threshold=0",
      model, path);
  stream.harness = gst_harness_new_parse (launch);
  encoder_stream_set_size (&stream, 96, 64);
  frame = encoder_stream_push (&stream, 1, NULL);
  gst_vit_embedding_meta_get_label (
      gst_buffer_get_vit_embedding_meta (frame, LOGITS), 0, NULL, &name, NULL);
  /* Whether the decoder takes the frame's meta or adds another. */
  while ((meta = gst_buffer_iterate_meta_filtered (
              frame, &state, gst_analytics_relation_meta_api_get_type ()))) {
    GstAnalyticsClsMtd classes;
    gpointer place = NULL;

    while (
        gst_analytics_relation_meta_iterate ((GstAnalyticsRelationMeta *) meta,
            &place, gst_analytics_cls_mtd_get_mtd_type (), &classes)) {
      g_assert_cmpstr (
          g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 0)), ==,
          name);
      n++;
    }
  }
  g_assert_cmpuint (n, ==, 2);
  gst_buffer_unref (frame);
  gst_harness_teardown (stream.harness);
  g_assert_cmpint (g_remove (path), ==, 0);
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

#define TEST(name, function)                                                   \
  g_test_add_func ("/vitencoder/analytics/" name, function)
#ifdef HAVE_GST_DETECTIONS
  TEST ("classes-of-a-frame", test_frame);
  TEST ("classes-of-detections-are-related-to-them", test_detections);
#ifdef HAVE_GST_ANALYTICS
  TEST ("probabilities-are-a-tensor", test_tensor);
  TEST ("classifiertensordecoder-reads-it", test_decoder);
#endif
#else
  TEST ("not-built", test_not_built);
#endif
  return g_test_run ();
}
