/* SPDX-License-Identifier: MIT
 *
 * What `precision=auto` chooses: fixed point where its error is foreseen to be
 * at most 1e-4 of the tokens, else float32.  What is foreseen is no less than
 * what is measured, on the golden cases and in the formats whose stored samples
 * are multiplied; model-info says both.
 */
#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "support/frames.h"
#include "support/golden.h"

/* Of the tokens' norm; of the rms, where float32 was chosen. */
#define MAX_FIXED_ERROR 1e-4
#define MAX_ERROR 2e-5

/* What auto chose, by the element's own word. */
typedef struct {
  gboolean fixed;
  gdouble predicted;
  guint64 n_short; /* patches that were multiplied as stored */
} Choice;

static Choice
read_choice (GstHarness *harness)
{
  GstElement *element
      = gst_harness_find_element (harness, "vitpatchembed");
  const gchar *precision, *reason;
  GstStructure *info, *stats;
  Choice choice;

  g_object_get (element, "model-info", &info, "stats", &stats, NULL);
  precision = gst_structure_get_string (info, "precision");
  g_assert_true (
      g_str_equal (precision, "int16") || g_str_equal (precision, "f32"));
  choice.fixed = g_str_equal (precision, "int16");
  reason = gst_structure_get_string (info, "precision-reason");
  g_assert_nonnull (strstr (reason, choice.fixed ? "at most" : "over"));
  g_assert_true (gst_structure_get_double (
      info, "predicted-error", &choice.predicted));
  g_assert_true (gst_structure_get_uint64 (
      stats, "short-products", &choice.n_short));
  gst_structure_free (info);
  gst_structure_free (stats);
  gst_object_unref (element);
  return choice;
}

static GstBuffer *
run (const gchar *launch, const gchar *format, gint width, gint height,
    GstBuffer *frame /* (transfer full) */, Choice *choice)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps (format, width, height, NULL);
  GstBuffer *out;

  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  out = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (out);
  *choice = read_choice (harness);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
  return out;
}

static GstBuffer *
read_frame (const gchar *path, gint width, gint height)
{
  GstCaps *caps = frames_caps ("RGB", width, height, NULL);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_caps_unref (caps);
  return frames_from_rgb_file (&info, path);
}

static void
test_golden (gconstpointer data)
{
  const Golden *golden = data;
  gchar *launch = golden_launch (golden, "auto");

  for (guint i = 0; i < golden->n_cases; i++) {
    GoldenCase one = golden_read_case (golden, i);
    Choice choice;
    GstBuffer *out = run (launch, "RGB", one.width, one.height,
        read_frame (one.frame, one.width, one.height), &choice);
    gfloat *found = frames_get_tokens (out, one.n_values);
    gdouble relative
        = frames_relative_error (found, one.expected, one.n_values);

    g_test_message ("%s %s: auto is %s, foreseen %.3g, measured %.3g",
        golden->name, one.tokens, choice.fixed ? "int16" : "f32",
        choice.predicted, relative);
    g_assert_cmpint (choice.fixed, ==, choice.predicted <= MAX_FIXED_ERROR);
    if (choice.fixed) {
      g_assert_cmpfloat (relative, <=, MAX_FIXED_ERROR);
      g_assert_cmpfloat (relative, <=, choice.predicted);
    } else {
      g_assert_cmpfloat (
          frames_worst_error (found, one.expected, one.n_values), <=,
          MAX_ERROR);
    }
    /* Nobody should miss it on the one that is a trained network's. */
    if (golden->trained)
      g_assert_true (choice.fixed);
    g_free (found);
    gst_buffer_unref (out);
    golden_case_clear (&one);
  }
  g_free (launch);
}

static GstBuffer *
convert (GstBuffer *frame /* (transfer full) */, const gchar *format,
    gint width, gint height)
{
  GstHarness *harness = gst_harness_new ("videoconvert");
  GstBuffer *out;

  gst_harness_set_caps (harness, frames_caps ("RGB", width, height, NULL),
      frames_caps (format, width, height, NULL));
  out = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (out);
  gst_harness_teardown (harness);
  return out;
}

/* The weights of stored samples are rounded anew for each way of subsampling,
 * and their errors are others. */
static void
test_every_format_stays_within_what_is_foreseen (gconstpointer data)
{
  static const gchar *const formats[] = { "GRAY8", "I420", "NV12", "Y42B",
    "YUY2", "Y444", "I420_10LE", "P010_10LE" };
  const gchar *model_path = data;
  VitModel *model = vit_model_load (model_path, NULL, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  gchar *launch
      = g_strdup_printf ("vitpatchembed model=\"%s\"", model_path);
  gchar *path = golden_path ("frames/336x182.rgb");

  g_assert_nonnull (model);
  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    GstCaps *caps = frames_caps (formats[f], 336, 182, NULL);
    GstBuffer *frame
        = convert (read_frame (path, 336, 182), formats[f], 336, 182), *out;
    gdouble *expected, relative;
    GstVideoInfo info;
    guint n_tokens;
    gfloat *found;
    Choice choice;

    g_assert_true (gst_video_info_from_caps (&info, caps));
    expected
        = frames_define_tokens (frame, &info, model, &settings, &n_tokens);
    out = run (launch, formats[f], 336, 182, frame, &choice);
    found = frames_get_tokens (out, (gsize) n_tokens * model->embed_dim);
    relative = frames_relative_error (
        found, expected, (gsize) n_tokens * model->embed_dim);
    g_test_message ("%s %s: foreseen %.3g, measured %.3g, %u of %u short",
        model->id, formats[f], choice.predicted, relative,
        (guint) choice.n_short, n_tokens);
    g_assert_true (choice.fixed);
    g_assert_cmpfloat (relative, <=, choice.predicted);
    if (GST_VIDEO_INFO_IS_YUV (&info))
      g_assert_cmpuint (choice.n_short, >, 0);
    g_free (found);
    g_free (expected);
    gst_buffer_unref (out);
    gst_caps_unref (caps);
  }
  g_free (path);
  g_free (launch);
  vit_model_unref (model);
}

/* One channel that tells neighbours apart by large weights, and what it shares
 * with all pixels by weights that a step of those hides. */
static VitModel *
make_spiky_model (void)
{
  VitModel *model = vit_model_alloc (8, 16, 0, 0, 0, NULL);
  GRand *random = g_rand_new_with_seed (1);

  g_assert_nonnull (model);
  for (gsize d = 0; d < 16; d++) {
    float *weight = model->weight + d * 192;

    for (gsize k = 0; k < 192; k++)
      weight[k] = (float) g_rand_double_range (random, -1e-4, 1e-4);
    for (gsize c = 0; c < 3; c++) {
      weight[c * 64 + 10] += 1.0f;
      weight[c * 64 + 11] -= 1.0f;
    }
  }
  model->id = g_strdup ("spiky");
  model->rule = VIT_POSITION_RULE_NONE;
  g_rand_free (random);
  return model;
}

static void
test_what_fixed_point_would_blur_is_float32 (void)
{
  VitModel *model = make_spiky_model ();
  VitPatchEmbedSettings settings = frames_default_settings ();
  VitPatchEmbed *embed;

  settings.precision = VIT_PRECISION_AUTO;
  embed = vit_patch_embed_new (model, &settings, NULL);
  g_assert_nonnull (embed);
  g_assert_cmpfloat (
      vit_patch_embed_predicted_error (embed), >, MAX_FIXED_ERROR);
  g_assert_cmpint (vit_patch_embed_precision (embed), ==, VIT_PRECISION_F32);
  vit_patch_embed_free (embed);

  /* By name it is taken all the same. */
  settings.precision = VIT_PRECISION_INT16;
  embed = vit_patch_embed_new (model, &settings, NULL);
  g_assert_nonnull (embed);
  g_assert_cmpfloat (
      vit_patch_embed_predicted_error (embed), >, MAX_FIXED_ERROR);
  g_assert_cmpint (vit_patch_embed_precision (embed), ==, VIT_PRECISION_INT16);
  vit_patch_embed_free (embed);
  vit_model_unref (model);
}

static void
test_float32_by_name_is_float32 (void)
{
  VitModel *model = vit_model_new_builtin (16, 96, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  VitPatchEmbed *embed;

  settings.precision = VIT_PRECISION_F32;
  embed = vit_patch_embed_new (model, &settings, NULL);
  g_assert_cmpint (vit_patch_embed_precision (embed), ==, VIT_PRECISION_F32);
  g_assert_cmpfloat (vit_patch_embed_predicted_error (embed), ==, 0);
  vit_patch_embed_free (embed);
  vit_model_unref (model);
}

/* What fixed point cannot pad with, float32 can. */
static void
test_padding_that_has_no_bytes_is_float32 (void)
{
  VitModel *model = vit_model_new_builtin (16, 96, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  VitPatchEmbed *embed;

  settings.precision = VIT_PRECISION_AUTO;
  settings.override_mean = TRUE;
  settings.mean[0] = settings.mean[1] = settings.mean[2] = 2.0;
  for (guint pad = 0; pad < 2; pad++) {
    settings.fit = pad ? VIT_FIT_PAD : VIT_FIT_CROP;
    embed = vit_patch_embed_new (model, &settings, NULL);
    g_assert_nonnull (embed);
    g_assert_cmpint (vit_patch_embed_precision (embed), ==,
        pad ? VIT_PRECISION_F32 : VIT_PRECISION_INT16);
    vit_patch_embed_free (embed);
  }
  vit_model_unref (model);
}

static void
test_another_for_other_pictures_says_the_same (void)
{
  VitModel *model = vit_model_new_builtin (16, 96, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  VitPatchEmbed *embed, *other;

  settings.precision = VIT_PRECISION_AUTO;
  embed = vit_patch_embed_new (model, &settings, NULL);
  other = vit_patch_embed_new_like (embed, NULL);
  g_assert_cmpint (vit_patch_embed_precision (other), ==,
      vit_patch_embed_precision (embed));
  g_assert_cmpfloat (vit_patch_embed_predicted_error (other), ==,
      vit_patch_embed_predicted_error (embed));
  g_assert_cmpstr (vit_patch_embed_precision_reason (other), ==,
      vit_patch_embed_precision_reason (embed));
  vit_patch_embed_free (embed);
  /* It needs nothing of the first. */
  g_assert_nonnull (
      strstr (vit_patch_embed_precision_reason (other), "at most"));
  vit_patch_embed_free (other);
  vit_model_unref (model);
}

/* "precision=f32" is what a person writes; no other value may answer to it. */
static void
test_each_precision_has_its_own_name (void)
{
  static const gchar *const names[] = { "auto", "f32", "int16" };

  for (gint i = 0; i < 3; i++) {
    GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
    gint value;

    gst_util_set_object_arg (G_OBJECT (element), "precision", names[i]);
    g_object_get (element, "precision", &value, NULL);
    g_assert_cmpint (value, ==, i);
    gst_object_unref (element);
  }
}

int
main (int argc, char **argv)
{
  gchar *random_weights;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  random_weights = golden_path ("dino-p16/model.safetensors");
  golden_add_tests ("/precision/golden/", test_golden);
  g_test_add_data_func ("/precision/every-format/trained",
      EXAMPLES_DIR "/models/dinov2-small",
      test_every_format_stays_within_what_is_foreseen);
  g_test_add_data_func_full ("/precision/every-format/random", random_weights,
      test_every_format_stays_within_what_is_foreseen, g_free);
  g_test_add_func ("/precision/what-fixed-point-would-blur-is-float32",
      test_what_fixed_point_would_blur_is_float32);
  g_test_add_func ("/precision/float32-by-name-is-float32",
      test_float32_by_name_is_float32);
  g_test_add_func ("/precision/padding-that-has-no-bytes-is-float32",
      test_padding_that_has_no_bytes_is_float32);
  g_test_add_func ("/precision/another-for-other-pictures-says-the-same",
      test_another_for_other_pictures_says_the_same);
  g_test_add_func ("/precision/each-precision-has-its-own-name",
      test_each_precision_has_its_own_name);
  return g_test_run ();
}
