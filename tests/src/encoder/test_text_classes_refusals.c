/* SPDX-License-Identifier: MIT
 *
 * Files of texts that are not what they should be are refused, by name and with
 * what was expected; those that are unusual but right are read.
 */
#include <math.h>
#include <string.h>

#include "encoder/text_classes.h"
#include "files/safetensors.h"
#include "support/model_folder.h"

#define DIM 40 /* of the model's space */
#define MODEL "features/hf-clip"
#define MATRIX                                                                 \
  "\"text_features\":{\"dtype\":\"F32\",\"shape\":[2,40],"                     \
  "\"data_offsets\":[0,320]}"
#define NAMES "\"__metadata__\":{\"names\":\"[\\\"cat\\\",\\\"dog\\\"]\"}"

static VitEncoderWeights *
load_model (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (TEST_DATA_DIR, name, NULL);
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);

  g_assert_no_error (error);
  return weights;
}

/* Numbers from 1 up, the first of them `first`. */
static void
write_file (const char *header, guint n_values, float first)
{
  g_autofree char *path = folder_path ("classes.safetensors");
  GByteArray *bytes = g_byte_array_new ();
  guint64 length = strlen (header);

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) length);
  for (guint i = 0; i < n_values; i++) {
    float value = i == 0 ? first : (float) (i + 1);

    g_byte_array_append (bytes, (const guint8 *) &value, sizeof value);
  }
  g_assert_true (g_file_set_contents (
      path, (const char *) bytes->data, bytes->len, NULL));
  g_byte_array_unref (bytes);
}

static VitTextClasses *
load (const char *model, GError **error)
{
  g_autofree char *path = folder_path ("classes.safetensors");
  VitEncoderWeights *weights = load_model (model);
  VitTextClasses *classes = vit_text_classes_load (path, weights, error);

  vit_encoder_weights_unref (weights);
  return classes;
}

static void
assert_classes_refused (const char *model, int code, const char *const *texts)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = folder_path (NULL);

  g_assert_null (load (model, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_error (error, VIT_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, folder));
  for (; *texts; texts++)
    if (!strstr (error->message, *texts))
      g_error ("\"%s\" does not say \"%s\"", error->message, *texts);
}

static void
test_hostile_files (void)
{
  static const struct {
    const char *header;
    guint n_values;
    float first;
    int code;
    const char *texts[4];
  } cases[] = {
    { "{" NAMES "," MATRIX "}", 80, NAN, VIT_ERROR_VALUE,
        { "text_features", "NaN" } },
    { "{" NAMES "," MATRIX "}", 80, INFINITY, VIT_ERROR_VALUE,
        { "text_features", "inf" } },
    { "{" NAMES "," MATRIX "}", 79, 1.0f, VIT_ERROR_CONTAINER, { "cut" } },
    { "{" NAMES
      ",\"text_features\":{\"dtype\":\"F32\",\"shape\":[2,39],"
      "\"data_offsets\":[0,312]}}",
        78, 1.0f, VIT_ERROR_SETTING,
        { "[2,39]", "hf-clip", "40 dimensions" } },
    { "{" NAMES
      ",\"text_features\":{\"dtype\":\"F32\",\"shape\":[0,40],"
      "\"data_offsets\":[0,0]}}",
        0, 1.0f, VIT_ERROR_TENSOR, { "[0,40]" } },
    { "{" NAMES
      ",\"text_features\":{\"dtype\":\"I32\",\"shape\":[2,40],"
      "\"data_offsets\":[0,320]}}",
        80, 1.0f, VIT_ERROR_TENSOR, { "I32" } },
    { "{" NAMES
      ",\"text_features\":{\"dtype\":\"F32\",\"shape\":[80],"
      "\"data_offsets\":[0,320]}}",
        80, 1.0f, VIT_ERROR_TENSOR, { "text_features", "[80]", "[n_classes][dim]" } },
    { "{" NAMES
      ",\"a\":{\"dtype\":\"F32\",\"shape\":[1,40],\"data_offsets\":[0,160]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[1,40],\"data_offsets\":[160,320]}}",
        80, 1.0f, VIT_ERROR_TENSOR, { "2 matrices", "text_features" } },
    { "{" NAMES
      ",\"a\":{\"dtype\":\"F32\",\"shape\":[65537,40],"
      "\"data_offsets\":[0,10485920]}}",
        65537 * 40, 1.0f, VIT_ERROR_UNSUPPORTED, { "[65537,40]", "65536" } },
    { "{" MATRIX "}", 80, 1.0f, VIT_ERROR_CONFIG,
        { "__metadata__", "names", "classes.json" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"cat\\\"]\"}," MATRIX "}", 80, 1.0f,
        VIT_ERROR_CONFIG, { "names", "are 1", "2 strings" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\",\\\"c\\\"]\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "names", "are 3", "2 strings" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",7]\"}," MATRIX "}", 80, 1.0f,
        VIT_ERROR_CONFIG, { "no string at [1]" } },
    { "{\"__metadata__\":{\"names\":\"cat,dog\"}," MATRIX "}", 80, 1.0f,
        VIT_ERROR_CONFIG, { "names", "array of 2 strings" } },
    /* What would make two members of the object that it is put into. */
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"],\\\"c\\\":[]\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "names", "no array" } },
    { "{\"__metadata__\":{\"names\":\"{\\\"0\\\":\\\"a\\\"}\"}," MATRIX "}", 80,
        1.0f, VIT_ERROR_CONFIG, { "names", "no array" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\",\"scale\":\"-1\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "scale", "-1", "above 0" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\",\"scale\":\"nan\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "scale", "nan" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\",\"scale\":\"9 x\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "scale", "9 x" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\",\"scale\":\"2\","
      "\"bias\":\"1e9\"}," MATRIX "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "bias", "1e9" } },
    { "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\",\"bias\":\"2\"}," MATRIX
      "}",
        80, 1.0f, VIT_ERROR_CONFIG, { "bias", "without scale", "scale and bias" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    write_file (cases[i].header, cases[i].n_values, cases[i].first);
    assert_classes_refused (MODEL, cases[i].code, cases[i].texts);
  }
}

static void
test_vector_of_zeros (void)
{
  Weights *weights = weights_new ();

  weights_add (weights, "text_features", 2, 2, DIM);
  for (gsize i = 0; i < DIM; i++)
    weights_set (weights, "text_features", DIM + i, 0.0f);
  folder_write_weights (weights, "classes.safetensors");
  folder_write_text ("classes.json", "[\"a\", \"b\"]");
  assert_classes_refused (MODEL, VIT_ERROR_VALUE,
      (const char *const[]) { "all zeros in row 1", NULL });
}

static void
test_no_file (void)
{
  assert_classes_refused (MODEL, VIT_ERROR_NOT_FOUND,
      (const char *const[]) { "classes.safetensors", NULL });
}

/* Of other models, by what these say of themselves. */
static void
test_models (void)
{
  write_file ("{" NAMES "," MATRIX "}", 80, 1.0f);
  assert_classes_refused ("features/hf-vit-classifier", VIT_ERROR_SETTING,
      (const char *const[]) { "hf-vit-classifier", "no space with texts", NULL });
  write_file ("{" NAMES
      ",\"text_features\":{\"dtype\":\"F32\",\"shape\":[2,5],"
      "\"data_offsets\":[0,40]}}",
      10, 1.0f);
  assert_classes_refused ("features/timm-eva02-clip", VIT_ERROR_SETTING,
      (const char *const[]) { "eva02", "logit_scale", "make_classes", NULL });
  write_file ("{" NAMES "," MATRIX "}", 80, 1.0f);
  assert_classes_refused ("features/timm-eva02-clip", VIT_ERROR_SETTING,
      (const char *const[]) { "eva02", "5 dimensions", NULL });
}

static void
assert_names (const VitTextClasses *classes, const char *first,
    const char *second)
{
  g_assert_cmpuint (classes->n, ==, 2);
  g_assert_cmpstr (classes->names[0], ==, first);
  g_assert_cmpstr (classes->names[1], ==, second);
  g_assert_null (classes->names[2]);
}

static VitTextClasses *
load_well (void)
{
  g_autoptr (GError) error = NULL;
  VitTextClasses *classes = load (MODEL, &error);

  g_assert_no_error (error);
  return classes;
}

static void
test_names_beside (void)
{
  VitTextClasses *classes;

  write_file ("{" MATRIX "}", 80, 1.0f);
  folder_write_text ("classes.json", " [\"\\u001b[31mred\", \"\"]\n");
  classes = load_well ();
  assert_names (classes, "\\033[31mred", "");
  vit_text_classes_unref (classes);
  folder_write_text ("classes.json", "{\"names\": [\"a\", \"b\"]}");
  assert_classes_refused (MODEL, VIT_ERROR_CONFIG,
      (const char *const[]) { "classes.json", "no array", NULL });
  folder_write_text ("classes.json", "[\"a\", \"b\"");
  assert_classes_refused (MODEL, VIT_ERROR_CONFIG,
      (const char *const[]) { "classes.json", NULL });
  /* The file's own go before. */
  write_file ("{" NAMES "," MATRIX "}", 80, 1.0f);
  classes = load_well ();
  assert_names (classes, "cat", "dog");
  vit_text_classes_unref (classes);
}

static void
test_scale (void)
{
  VitSafetensors *model = vit_safetensors_open (
      TEST_DATA_DIR "/" MODEL "/model.safetensors", NULL);
  VitTextClasses *classes;
  float logarithm;

  g_assert_true (vit_safetensors_read (model,
      vit_safetensors_find (model, "logit_scale"), 0, 1, &logarithm, NULL));
  vit_safetensors_close (model);
  write_file ("{" NAMES "," MATRIX "}", 80, 1.0f);
  classes = load_well ();
  g_assert_cmpfloat (classes->scale, ==, exp (logarithm));
  g_assert_false (classes->has_bias);
  g_assert_nonnull (strstr (classes->reason, "the model's own"));
  vit_text_classes_unref (classes);
  write_file ("{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\","
              "\"scale\":\"117.33\",\"bias\":\"-12.93\"}," MATRIX "}",
      80, 1.0f);
  classes = load_well ();
  g_assert_cmpfloat (classes->scale, ==, 117.33);
  g_assert_cmpfloat (classes->bias, ==, -12.93);
  g_assert_true (classes->has_bias);
  vit_text_classes_unref (classes);
}

/* SigLIP's own bias is not left out unsaid: a softmax would come of its sigmoids. */
static void
test_scale_without_bias (void)
{
#define OF_SIGLIP                                                              \
  "\"},\"text_features\":{\"dtype\":\"F32\",\"shape\":[2,24],"                  \
  "\"data_offsets\":[0,192]}}"
  static const char scale[]
      = "{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\","
        "\"scale\":\"9";
  g_autoptr (GError) error = NULL;
  g_autofree char *alone = g_strconcat (scale, OF_SIGLIP, NULL);
  g_autofree char *both
      = g_strconcat (scale, "\",\"bias\":\"0", OF_SIGLIP, NULL);
  VitTextClasses *classes;

  write_file (alone, 48, 1.0f);
  assert_classes_refused ("zero-shot/hf-siglip", VIT_ERROR_SETTING,
      (const char *const[]) {
          "scale", "without bias", "hf-siglip", "scale and bias", NULL });
  write_file (both, 48, 1.0f);
  classes = load ("zero-shot/hf-siglip", &error);
  g_assert_no_error (error);
  g_assert_true (classes->has_bias);
  g_assert_cmpfloat (classes->bias, ==, 0.0);
  vit_text_classes_unref (classes);
  /* CLIP has none that could be left out. */
  write_file ("{\"__metadata__\":{\"names\":\"[\\\"a\\\",\\\"b\\\"]\","
              "\"scale\":\"9\"}," MATRIX "}",
      80, 1.0f);
  classes = load_well ();
  g_assert_cmpfloat (classes->scale, ==, 9.0);
  g_assert_false (classes->has_bias);
  vit_text_classes_unref (classes);
}

/* Under another name, beside what is no matrix; each row of length 1. */
static void
test_other_name (void)
{
  VitTextClasses *classes;
  double squares = 0.0;

  write_file ("{" NAMES
      ",\"scale\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
      "\"zeroshot\":{\"dtype\":\"F32\",\"shape\":[2,40],"
      "\"data_offsets\":[4,324]}}",
      81, 1.0f);
  classes = load_well ();
  for (guint k = 0; k < DIM; k++)
    squares += (double) classes->vectors[DIM + k] * classes->vectors[DIM + k];
  g_assert_cmpfloat_with_epsilon (squares, 1.0, 1e-6);
  g_assert_cmpfloat_with_epsilon (
      classes->vectors[1] / classes->vectors[0], 1.5, 1e-6);
  vit_text_classes_unref (classes);
}

static const FolderTest tests[] = {
  { "hostile-files", test_hostile_files },
  { "vector-of-zeros", test_vector_of_zeros },
  { "no-file", test_no_file },
  { "models", test_models },
  { "names-beside", test_names_beside },
  { "scale", test_scale },
  { "scale-without-bias", test_scale_without_bias },
  { "other-name", test_other_name },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/text-classes/", tests, G_N_ELEMENTS (tests));
}
