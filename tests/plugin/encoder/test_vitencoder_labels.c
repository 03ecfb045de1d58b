/* SPDX-License-Identifier: MIT
 *
 * The best classes that vitencoder tells of, beside the softmax, in double, of the
 * logits that each family's own package computes; what is set while frames pass;
 * where a model's files say otherwise.
 */
#include <math.h>
#include <string.h>

#include "support/encoder_stream.h"
#include "support/features.h"

/* Of the logits' length, as golden data of vitencoder holds. */
#define MAX_ERROR 2e-6

#define LOGITS GST_VIT_EMBEDDING_KIND_LOGITS

/* (transfer full): the frame as it comes out. */
static GstBuffer *
push (const Features *features, guint i, const gchar *properties)
{
  g_autofree gchar *launch = g_strdup_printf (
      "vitpatchembed precision=f32 n-threads=1 model=\"%s\" ! "
      "vitencoder n-threads=2 features=false %s",
      features->folder, properties);
  GstHarness *harness = gst_harness_new_parse (launch);
  guint width, height;
  char *pixels = features_frame (features, i, &width, &height);
  GstBuffer *frame
      = gst_buffer_new_wrapped (pixels, (gsize) width * height * 3);

  /* Rows of RGB begin at whole words in GStreamer, those of the files do not. */
  gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_RGB, width, height, 1, (gsize[]){ 0, 0, 0, 0 },
      (gint[]){ (gint) (3 * width), 0, 0, 0 });
  gst_harness_set_src_caps (
      harness, frames_caps ("RGB", (gint) width, (gint) height, NULL));
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  gst_harness_teardown (harness);
  return frame;
}

static double
softmax (const Npy *logits, guint i)
{
  double sum = 0;

  for (gsize j = 0; j < logits->n_values; j++)
    sum += exp ((double) logits->values[j] - (double) logits->values[i]);
  return 1 / sum;
}

/* A class that another of whose probability is greater by more than the error. */
static guint
count_greater (const Npy *logits, double probability, double error)
{
  guint n = 0;

  for (guint i = 0; i < logits->n_values; i++)
    n += softmax (logits, i) > probability * (1 + 2 * error);
  return n;
}

static void
check_labels (const Features *features, const Npy *logits,
    const GstVitEmbeddingMeta *meta)
{
  guint n = (guint) MIN (5, logits->n_values);
  double length = 0, error;

  for (gsize i = 0; i < logits->n_values; i++)
    length += (double) logits->values[i] * (double) logits->values[i];
  /* A score that is off by e puts its probability off by e times itself, the sum
   * of all by no more; and one rounding to float. */
  error = 2 * MAX_ERROR * sqrt (length) + 1e-7;
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, n);
  for (guint i = 0; i < n; i++) {
    guint class_id;
    const gchar *name;
    gfloat probability;
    double expected;

    g_assert_true (gst_vit_embedding_meta_get_label (
        meta, i, &class_id, &name, &probability));
    expected = softmax (logits, class_id);
    g_test_message ("%s: %s (%u) %g, off by %.2g of it", features->name, name,
        class_id, (double) probability,
        fabs ((double) probability - expected) / expected);
    g_assert_cmpfloat (
        fabs ((double) probability - expected), <=, error * expected);
    g_assert_cmpuint (count_greater (logits, expected, error), <=, i);
    if (g_str_has_prefix (features->name, "hf-"))
      g_assert_true (g_str_has_prefix (name, "LABEL_"));
    g_assert_cmpuint (
        strtoul (name + (*name == 'L' ? 6 : 0), NULL, 10), ==, class_id);
  }
}

static void
test_family (gconstpointer data)
{
  const Features *features = data;
  gboolean is_joint = strstr (features->name, "clip") != NULL
                      || strstr (features->name, "pe-core") != NULL;

  for (guint i = 0; i < features_n_cases (features); i++) {
    g_autoptr (Npy) logits = features_array (features, i, "logits");
    GstVitEmbeddingMeta *meta;
    GstBuffer *frame;

    if (logits == NULL)
      continue;
    frame = push (features, i, "");
    meta = gst_buffer_get_vit_embedding_meta (frame, LOGITS);
    g_assert_nonnull (meta);
    if (is_joint)
      g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 0);
    else
      check_labels (features, logits, meta);
    gst_buffer_unref (frame);
  }
}

/* The labels of the same picture, of which there must be so many; the first
 * probability. */
static gfloat
push_and_count (EncoderStream *stream, guint n)
{
  GstBuffer *frame = encoder_stream_push (stream, 1, NULL);
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (frame, LOGITS);
  gfloat probability = 0;

  if (meta == NULL) {
    g_assert_cmpuint (n, ==, 0);
  } else {
    g_assert_true (gst_vit_embedding_meta_is_valid (meta, NULL));
    g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, n);
    gst_vit_embedding_meta_get_label (meta, 0, NULL, NULL, &probability);
  }
  gst_buffer_unref (frame);
  return probability;
}

static guint
count_stat (const EncoderStream *stream, const gchar *field)
{
  GstStructure *stats = NULL;
  const GValue *array;
  guint n;

  g_object_get (stream->encoder, "stats", &stats, NULL);
  array = gst_structure_get_value (stats, field);
  n = array != NULL ? gst_value_array_get_size (array) : 0;
  gst_structure_free (stats);
  return n;
}

/* Nothing is computed anew for it. */
static void
test_live (void)
{
  EncoderStream stream;
  gfloat best;

  encoder_stream_init (&stream, "", "");
  g_assert_cmpuint (count_stat (&stream, "labels"), ==, 0);
  best = push_and_count (&stream, 5);
  g_object_set (stream.encoder, "top", 2, NULL);
  g_assert_cmpfloat (push_and_count (&stream, 2), ==, best);
  g_assert_cmpuint (count_stat (&stream, "labels"), ==, 2);
  g_assert_cmpuint (count_stat (&stream, "label-scores"), ==, 2);
  g_object_set (stream.encoder, "top", 100, NULL);
  push_and_count (&stream, 7);
  g_object_set (stream.encoder, "threshold", (gdouble) best - 1e-6, NULL);
  push_and_count (&stream, 1);
  g_object_set (stream.encoder, "threshold", (gdouble) best + 1e-6, NULL);
  push_and_count (&stream, 0);
  g_assert_cmpuint (count_stat (&stream, "labels"), ==, 0);
  g_object_set (stream.encoder, "threshold", 0.0, "top", 0, NULL);
  push_and_count (&stream, 0);
  g_object_set (stream.encoder, "top", 7, NULL);
  push_and_count (&stream, 7);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 6);
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "none");
  push_and_count (&stream, 0);
  g_assert_cmpuint (count_stat (&stream, "labels"), ==, 0);
  encoder_stream_clear (&stream);
}

/* Those of the first region, as it carries them. */
static void
test_stats (void)
{
  EncoderStream stream;
  GstStructure *stats = NULL;
  GstVitEmbeddingMeta *meta;
  GstBuffer *frame;
  const gchar *name;
  gfloat probability;
  const GValue *names, *scores;

  encoder_stream_init (&stream, "", "top=1");
  frame = encoder_stream_push (&stream, 3, NULL);
  meta = gst_buffer_get_vit_embedding_meta (frame, LOGITS);
  g_assert_true (
      gst_vit_embedding_meta_get_label (meta, 0, NULL, &name, &probability));
  g_object_get (stream.encoder, "stats", &stats, NULL);
  names = gst_structure_get_value (stats, "labels");
  scores = gst_structure_get_value (stats, "label-scores");
  g_assert_cmpuint (gst_value_array_get_size (names), ==, 1);
  g_assert_cmpstr (
      g_value_get_string (gst_value_array_get_value (names, 0)), ==, name);
  g_assert_cmpfloat (
      (gfloat) g_value_get_double (gst_value_array_get_value (scores, 0)), ==,
      probability);
  gst_structure_free (stats);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

static void
write_file (const gchar *folder, const gchar *name, const gchar *config)
{
  g_autofree gchar *model = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *from = g_build_filename (model, name, NULL);
  g_autofree gchar *to = g_build_filename (folder, name, NULL);
  g_autofree gchar *text = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &text, &size, NULL));
  if (strcmp (name, "config.json") == 0) {
    GString *changed = g_string_new_len (text, (gssize) size);

    g_string_insert (changed,
        1 + (gssize) (strchr (changed->str, '{') - changed->str), config);
    g_assert_true (g_file_set_contents (to, changed->str, -1, NULL));
    g_string_free (changed, TRUE);
  } else {
    g_assert_true (g_file_set_contents (to, text, (gssize) size, NULL));
  }
}

/* (transfer full): the logits' meta is the frame's. */
static GstBuffer *
push_with (const gchar *folder, const gchar *properties)
{
  g_autofree gchar *launch = g_strdup_printf (
      "vitpatchembed model=\"%s\" ! vitencoder %s", folder, properties);
  EncoderStream stream = { .harness = gst_harness_new_parse (launch) };
  GstBuffer *frame;

  encoder_stream_set_size (&stream, 96, 64);
  frame = encoder_stream_push (&stream, 1, NULL);
  gst_harness_teardown (stream.harness);
  return frame;
}

/* The same model, but its files say so: (what is put before all in config.json). */
static GstBuffer *
push_changed (const gchar *config)
{
  static const gchar *const names[]
      = { "model.safetensors", "preprocessor_config.json", "config.json" };
  g_autofree gchar *folder = g_dir_make_tmp ("labels-XXXXXX", NULL);
  GstBuffer *frame;

  g_assert_nonnull (folder);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    write_file (folder, names[i], config);
  frame = push_with (folder, "top=7");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (folder, names[i], NULL);

    g_assert_cmpint (remove (path), ==, 0);
  }
  g_assert_cmpint (remove (folder), ==, 0);
  return frame;
}

/* Each by itself. */
static void
test_sigmoid (void)
{
  GstBuffer *frame
      = push_changed ("\"problem_type\": \"multi_label_classification\",");
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (frame, LOGITS);
  GstMapInfo map;

  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 7);
  g_assert_true (gst_buffer_map (meta->values, &map, GST_MAP_READ));
  for (guint i = 0; i < 7; i++) {
    guint class_id;
    gfloat probability;
    double score;

    gst_vit_embedding_meta_get_label (meta, i, &class_id, NULL, &probability);
    score = (double) ((const gfloat *) (gconstpointer) map.data)[class_id];
    g_assert_cmpfloat (
        fabs ((double) probability - 1 / (1 + exp (-score))), <, 1e-7);
  }
  gst_buffer_unmap (meta->values, &map);
  gst_buffer_unref (frame);
}

static void
test_regression (void)
{
  GstBuffer *frame = push_changed ("\"problem_type\": \"regression\",");

  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (
                        gst_buffer_get_vit_embedding_meta (frame, LOGITS)),
      ==, 0);
  gst_buffer_unref (frame);
}

/* One name is far too long, one is none, one has what a terminal obeys. */
static void
test_names (void)
{
  g_autofree gchar *long_name = g_strnfill (5000, 'n');
  g_autofree gchar *config = g_strdup_printf (
      "\"label_names\": [\"%s\", \"\", \"a\\u001b[2J\", \"k\u00e4fer, bug\", "
      "\"%s\u00e4\", \"f\", \"g\"],",
      long_name, long_name + 5000 - 199);
  GstBuffer *frame = push_changed (config);
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (frame, LOGITS);

  g_assert_true (gst_vit_embedding_meta_is_valid (meta, NULL));
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 7);
  for (guint i = 0; i < 7; i++) {
    guint class_id;
    const gchar *name;

    gst_vit_embedding_meta_get_label (meta, i, &class_id, &name, NULL);
    g_assert_cmpuint (strlen (name), <=, 200);
    if (class_id == 1)
      g_assert_cmpstr (name, ==, "1");
    if (class_id == 2)
      g_assert_cmpstr (name, ==, "a\\033[2J");
    if (class_id == 3)
      g_assert_cmpstr (name, ==, "k\u00e4fer, bug");
    if (class_id == 0 || class_id == 4)
      g_assert_true (g_str_has_prefix (long_name, name));
  }
  gst_buffer_unref (frame);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  features_add_tests ("/vitencoder/labels/", test_family);
#define TEST(name, function)                                                   \
  g_test_add_func ("/vitencoder/labels/" name, function)
  TEST ("set-while-frames-pass", test_live);
  TEST ("stats-have-those-of-the-last-frame", test_stats);
  TEST ("sigmoid-where-each-class-may-be-there", test_sigmoid);
  TEST ("none-of-a-regression", test_regression);
  TEST ("names-are-cut-and-escaped", test_names);
  return g_test_run ();
}
