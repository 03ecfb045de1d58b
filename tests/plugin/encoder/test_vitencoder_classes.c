/* SPDX-License-Identifier: MIT
 *
 * Classes that are told by texts, in the element: the logits are the scores that the
 * library gives; they change while frames pass; a file that is refused is an error
 * at the start, and later a warning, and what was set before stays.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "encoder/text_classes.h"
#include "support/encoder_stream.h"

#define MODEL "../zero-shot/hf-siglip"
#define CLASSES "classes.safetensors"

static gchar *
classes_path (const gchar *model)
{
  g_autofree gchar *folder = encoder_model_path (model);

  return g_build_filename (folder, CLASSES, NULL);
}

static void
start (EncoderStream *stream, const gchar *model, const gchar *properties)
{
  g_autofree gchar *path = encoder_model_path (model);
  g_autofree gchar *embed = g_strdup_printf ("model=\"%s\"", path);

  encoder_stream_init (stream, embed, properties);
}

/* Just what the library makes, by the classes of the file at `path` (nullable). */
static void
check_frame (GstBuffer *frame, const gchar *model, VitEmbeddingKind embedding,
    const gchar *path)
{
  g_autofree gchar *folder = encoder_model_path (model);
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_share (folder, NULL, NULL, &error);
  VitEncoderSettings settings = { .embedding = embedding,
    .logits = embedding != VIT_EMBEDDING_NONE,
    .n_workers = 1 };

  g_assert_no_error (error);
  if (path != NULL)
    settings.classes = vit_text_classes_load (path, weights, &error);
  g_assert_no_error (error);
  encoder_check_frame (frame, model, &settings, TRUE);
  vit_text_classes_unref (settings.classes);
  vit_encoder_weights_unref (weights);
}

static void
check (EncoderStream *stream, const gchar *model, VitEmbeddingKind embedding,
    const gchar *path)
{
  /* The same picture, of which all would else be known. */
  GstBuffer *frame = encoder_stream_push (stream, 1, NULL);

  check_frame (frame, model, embedding, path);
  gst_buffer_unref (frame);
}

static void
assert_quiet (EncoderStream *stream)
{
  g_assert_null (
      encoder_stream_message (stream, GST_MESSAGE_WARNING, NULL, NULL));
  g_assert_null (
      encoder_stream_message (stream, GST_MESSAGE_ERROR, NULL, NULL));
}

/* Two classes for SigLIP's model, of vectors with nothing but a 1. */
static void
write_classes (const gchar *path, guint first, guint second)
{
  static const gchar header[]
      = "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\"},"
        "\"text_features\":{\"dtype\":\"F32\",\"shape\":[2,24],"
        "\"data_offsets\":[0,192]}}";
  guint8 bytes[8 + sizeof header - 1 + 192] = { sizeof header - 1 };
  gfloat values[48] = { 0 };

  values[first] = values[24 + second] = 1.0f;
  memcpy (bytes + 8, header, sizeof header - 1);
  memcpy (bytes + 8 + sizeof header - 1, values, sizeof values);
  g_assert_true (g_file_set_contents (
      path, (const gchar *) bytes, sizeof bytes, NULL));
}

/* All classes by what the frame says of them: the names are those of the file, and
 * the probabilities of the scores, in double. */
static void
check_labels (EncoderStream *stream, gboolean is_sigmoid)
{
  static const gchar *const names[] = { "cat", "dog", "a red car",
    "Stra\303\237e \347\214\253", "nothing\\007 at all" };
  GstBuffer *frame = encoder_stream_push (stream, 1, NULL);
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_LOGITS);
  gfloat scores[G_N_ELEMENTS (names)];
  gdouble sum = 0.0;

  g_assert_cmpuint (
      gst_buffer_extract (meta->values, 0, scores, sizeof scores), ==,
      sizeof scores);
  g_assert_cmpuint (
      gst_vit_embedding_meta_get_n_labels (meta), ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    sum += exp ((gdouble) scores[i]);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gdouble expected;
    const gchar *name;
    gfloat probability;
    guint id;

    g_assert_true (gst_vit_embedding_meta_get_label (
        meta, i, &id, &name, &probability));
    g_assert_cmpstr (name, ==, names[id]);
    expected = is_sigmoid ? 1.0 / (1.0 + exp (-(gdouble) scores[id]))
                          : exp ((gdouble) scores[id]) / sum;
    g_assert_cmpfloat (
        fabs (probability - expected), <=, 1e-6 * expected + 1e-30);
  }
  gst_buffer_unref (frame);
}

static void
test_scores (void)
{
  static const gchar *const models[]
      = { "hf-clip", "openclip-sigmoid", "hf-siglip", "timm-eva02-clip" };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    gboolean is_own = strcmp (models[i], "hf-clip") != 0
                      && strcmp (models[i], "timm-eva02-clip") != 0;
    g_autofree gchar *zero_shot
        = g_strconcat ("../zero-shot/", models[i], NULL);
    g_autofree gchar *path = classes_path (zero_shot);
    g_autofree gchar *property = g_strdup_printf ("classes=\"%s\"", path);
    const gchar *model = is_own ? zero_shot : models[i];
    EncoderStream stream;

    start (&stream, model, property);
    check (&stream, model, VIT_EMBEDDING_AUTO, path);
    check_labels (&stream, is_own);
    gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "mean");
    check (&stream, model, VIT_EMBEDDING_MEAN, path);
    /* Wanted in any case. */
    gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "none");
    check (&stream, model, VIT_EMBEDDING_NONE, path);
    assert_quiet (&stream);
    encoder_stream_clear (&stream);
  }
}

static void
count (GObject *object G_GNUC_UNUSED, GParamSpec *pspec G_GNUC_UNUSED,
    gpointer data)
{
  ++*(guint *) data;
}

static void
check_info (EncoderStream *stream, const gchar *path, guint n_expected,
    const gchar *reason)
{
  GstStructure *info = NULL;
  guint n;

  g_object_get (stream->encoder, "model-info", &info, NULL);
  g_assert_cmpstr (gst_structure_get_string (info, "classes"), ==, path);
  g_assert_true (gst_structure_get_uint (info, "n-classes", &n));
  g_assert_cmpuint (n, ==, n_expected);
  if (reason != NULL)
    g_assert_nonnull (
        strstr (gst_structure_get_string (info, "reason"), reason));
  gst_structure_free (info);
}

static void
test_live (void)
{
  g_autofree gchar *first = classes_path (MODEL), *second = NULL;
  g_autofree gchar *folder = g_dir_make_tmp ("vit-classes-XXXXXX", NULL);
  EncoderStream stream;
  guint n_told = 0;

  second = g_build_filename (folder, CLASSES, NULL);
  write_classes (second, 3, 7);
  start (&stream, MODEL, "");
  g_signal_connect (
      stream.encoder, "notify::model-info", G_CALLBACK (count), &n_told);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, NULL);
  check_info (&stream, NULL, 0, NULL);
  g_object_set (stream.encoder, "classes", first, NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, first);
  check_info (&stream, first, 5, "bias -12.9: the model's own");
  g_object_set (stream.encoder, "classes", second, NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, second);
  check_info (&stream, second, 2, "scale");
  g_assert_cmpuint (n_told, ==, 3);
  /* Not read again until it is set again. */
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, second);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 1);
  write_classes (second, 11, 4);
  g_object_set (stream.encoder, "classes", second, NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, second);
  g_object_set (stream.encoder, "classes", NULL, NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, NULL);
  check_info (&stream, NULL, 0, NULL);
  assert_quiet (&stream);
  encoder_stream_clear (&stream);
  g_remove (second);
  g_rmdir (folder);
}

static void
test_refused_while_playing (void)
{
  g_autofree gchar *good = classes_path (MODEL);
  g_autofree gchar *other = classes_path ("../zero-shot/hf-clip");
  g_autofree gchar *text = NULL, *missing = NULL, *property = NULL;
  EncoderStream stream;
  GQuark domain;
  gint code;

  property = g_strdup_printf ("classes=\"%s\"", good);
  start (&stream, MODEL, property);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  g_object_set (stream.encoder, "classes", other, NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  text = encoder_stream_message (
      &stream, GST_MESSAGE_WARNING, &domain, &code);
  g_assert_true (domain == GST_RESOURCE_ERROR);
  g_assert_cmpint (code, ==, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_true (g_str_has_prefix (text, "The classes stay as they were: "));
  g_assert_nonnull (strstr (text, "24 dimensions"));
  check_info (&stream, good, 5, NULL);
  /* Said once. */
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  assert_quiet (&stream);
  g_object_set (stream.encoder, "classes", "/nowhere.safetensors", NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  missing = encoder_stream_message (
      &stream, GST_MESSAGE_WARNING, &domain, &code);
  g_assert_cmpint (code, ==, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (missing, "/nowhere.safetensors"));
  /* Also where an encoder is made anew. */
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "mean");
  check (&stream, MODEL, VIT_EMBEDDING_MEAN, good);
  assert_quiet (&stream);
  encoder_stream_clear (&stream);
}

/* The model is loaded anew, from another path, with the classes that stand; then with
 * those that were set in between. */
static void
test_refused_and_loaded_anew (void)
{
  g_autofree gchar *good = classes_path (MODEL);
  g_autofree gchar *model = encoder_model_path (MODEL);
  g_autofree gchar *folder = g_dir_make_tmp ("vit-classes-XXXXXX", NULL);
  g_autofree gchar *link = g_build_filename (folder, "hf-siglip", NULL);
  g_autofree gchar *second = g_build_filename (folder, CLASSES, NULL);
  g_autofree gchar *property = g_strdup_printf ("classes=\"%s\"", good);
  g_autofree gchar *text = NULL;
  EncoderStream stream;

  g_assert_cmpint (symlink (model, link), ==, 0);
  write_classes (second, 3, 7);
  start (&stream, MODEL, property);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  g_object_set (stream.encoder, "classes", "/nowhere.safetensors", NULL);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  text = encoder_stream_message (&stream, GST_MESSAGE_WARNING, NULL, NULL);
  g_assert_nonnull (strstr (text, "/nowhere.safetensors"));
  encoder_stream_restart_embed (&stream, link);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, good);
  check_info (&stream, good, 5, NULL);
  g_object_set (stream.encoder, "classes", second, NULL);
  encoder_stream_restart_embed (&stream, model);
  check (&stream, MODEL, VIT_EMBEDDING_AUTO, second);
  check_info (&stream, second, 2, NULL);
  assert_quiet (&stream);
  encoder_stream_clear (&stream);
  g_remove (link);
  g_remove (second);
  g_rmdir (folder);
}

/* Where the model is that of the tokens, before the first frame. */
static void
test_refused_at_the_start (void)
{
  static const struct {
    const gchar *model, *classes;
    gboolean is_stream;
    gint code;
    const gchar *words;
  } cases[] = {
    { MODEL, "nowhere", FALSE, GST_RESOURCE_ERROR_NOT_FOUND, "nowhere" },
    { MODEL, "../zero-shot/hf-clip/classes.json", TRUE,
        GST_STREAM_ERROR_WRONG_TYPE, "classes.json" },
    { MODEL, "../zero-shot/hf-clip/classes.safetensors", FALSE,
        GST_RESOURCE_ERROR_SETTINGS, "24 dimensions" },
    { MODEL, "../zero-shot/hf-siglip/model.safetensors", TRUE,
        GST_STREAM_ERROR_DECODE, "matrices" },
    { SMALL_MODEL, "../zero-shot/hf-siglip/classes.safetensors", FALSE,
        GST_RESOURCE_ERROR_SETTINGS, "no space with texts" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = encoder_model_path (cases[i].classes);
    g_autofree gchar *property = g_strdup_printf ("classes=\"%s\"", path);
    g_autofree gchar *text = NULL;
    EncoderStream stream;
    GstFlowReturn flow;
    GQuark domain;
    gint code;

    start (&stream, cases[i].model, property);
    g_assert_null (encoder_stream_push (&stream, 1, &flow));
    g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
    text = encoder_stream_message (&stream, GST_MESSAGE_ERROR, &domain, &code);
    g_test_message ("%s", text);
    g_assert_nonnull (strstr (text, cases[i].words));
    g_assert_true (domain
                   == (cases[i].is_stream ? GST_STREAM_ERROR
                                          : GST_RESOURCE_ERROR));
    g_assert_cmpint (code, ==, cases[i].code);
    encoder_stream_clear (&stream);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vitencoder/classes/scores", test_scores);
  g_test_add_func ("/vitencoder/classes/live", test_live);
  g_test_add_func (
      "/vitencoder/classes/refused-while-playing", test_refused_while_playing);
  g_test_add_func ("/vitencoder/classes/refused-and-loaded-anew",
      test_refused_and_loaded_anew);
  g_test_add_func (
      "/vitencoder/classes/refused-at-the-start", test_refused_at_the_start);
  return g_test_run ();
}
