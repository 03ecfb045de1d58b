/* SPDX-License-Identifier: MIT
 *
 * Weights that are finite and tokens that would not be: such a model is
 * refused, and of one that is not every token is finite, of the frames that
 * make the most of its weights; in the type that tokens are written in.
 */
#include "model/range.h"

#include <math.h>
#include <string.h>

#include "patch/patch_embed.h"
#include "support/model_folder.h"

#define PATCH 4
#define DIM 8

static void
test_large_weights_are_refused (void)
{
  static const char *const names[] = { "patch_embed.proj.weight",
    "patch_embed.proj.bias", "cls_token", "pos_embed" };
  static const gsize counts[] = { 72, 6, 6, 60 };
  Weights *weights = weights_new_dinov2 ();

  for (guint t = 0; t < G_N_ELEMENTS (names); t++)
    for (gsize i = 0; i < counts[t]; i++)
      weights_set (weights, names[t], i, 1e37f);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_VALUE,
      "patch_embed.proj.weight is [6,3,2,2]", "expected at most 3.4e+38", NULL);
}

static void
test_a_large_table_is_refused (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_set (weights, "pos_embed", 59, 3e38f);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_VALUE, "positions", NULL);
}

static void
test_infinite_prefix_tokens_are_refused (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_set (weights, "pos_embed", 0, 3e38f);
  weights_set (weights, "cls_token", 0, 3e38f);
  folder_write_weights (weights, "m.safetensors");
  assert_refused (
      "m.safetensors", VIT_ERROR_VALUE, "pos_embed", "prefix tokens", NULL);
}

static void
fill (float *values, gsize n, float value)
{
  for (gsize i = 0; i < n; i++)
    values[i] = value;
}

/* All that counts is `value`, the table's signs those that a cubic adds up. */
static VitModel *
make_model (float value, VitInputNorm norm)
{
  VitModel *model = vit_model_alloc (PATCH, DIM, 1, 7, 7, NULL);

  model->id = g_strdup ("large");
  fill (model->weight, DIM * 3 * PATCH * PATCH, value);
  fill (model->bias, DIM, value);
  fill (model->prefix_tokens, DIM, value);
  for (guint i = 0; i < 49; i++)
    fill (model->table + i * DIM, DIM,
        value * ((i / 7 / 2 + i % 7 / 2) % 2 ? -50.0f : 50.0f));
  model->rule = VIT_POSITION_RULE_DINO;
  model->norm = norm;
  model->norm_epsilon = 1e-5;
  if (norm != VIT_INPUT_NORM_NONE) {
    model->norm_weight = g_new (float, DIM);
    fill (model->norm_weight, DIM, value);
  }
  return model;
}

/* `type`: of the tokens. */
static void
assert_finite_tokens (
    VitPatchEmbed *embed, VitTokenType type, const char *pixel, int byte)
{
  VitImageFormat format = { .pixel = vit_pixel_format_find (pixel),
    .width = 13 * PATCH - 1, .height = 9 * PATCH, .kr = 0.2627, .kb = 0.0593 };
  g_autofree guint8 *samples = g_malloc (3 * 64 * 64);
  VitImage image = { { samples, samples, samples }, { 192, 192, 192 } };
  g_autofree guint8 *tokens = NULL;
  g_autofree float *values = NULL;
  VitTokensShape shape;
  gsize n;

  memset (samples, byte, 3 * 64 * 64);
  g_assert_true (vit_patch_embed_configure (embed, &format, NULL));
  shape = vit_patch_embed_shape (embed);
  n = (gsize) shape.n_tokens * DIM;
  tokens = g_malloc (n * sizeof (float));
  values = g_new (float, n);
  vit_patch_embed_plan (embed, &image, FALSE, 0, NULL, NULL);
  vit_patch_embed_run (embed, &image, NULL, tokens, NULL, NULL);
  vit_token_type_read (type, tokens, n, values);
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (values[i]));
}

/* One whose tokens may be as large as `range`, by its norm if it has one. */
static VitModel *
make_model_of_range (double range, VitInputNorm norm, const double std[3])
{
  VitModel *model = make_model (1.0f, norm);
  double found;

  if (norm == VIT_INPUT_NORM_NONE) {
    found = vit_range_of_tokens (model, model->mean, std);
    vit_model_unref (model);
    return make_model ((float) (range / found), norm);
  }
  fill (model->norm_weight, DIM, 0.0f);
  found = vit_range_of_tokens (model, model->mean, std);
  fill (model->norm_weight, DIM, (float) ((range - found) / sqrt (DIM)));
  return model;
}

/* Tokens in the range of their own type, and a little past it. */
static void
test_the_type_of_the_tokens_holds_them (void)
{
  static const VitTokenType types[] = { VIT_TOKEN_F16, VIT_TOKEN_BF16 };
  VitPatchEmbedSettings settings = { .prefix_tokens = TRUE, .n_workers = 1,
    .precision = VIT_PRECISION_F32, .override_std = TRUE,
    .std = { 0.25, 0.25, 0.25 } };

  for (guint i = 0; i < 2 * 3; i++) {
    VitInputNorm norm = (VitInputNorm) (i % 3);
    double most = vit_token_type_largest (types[i / 3]);
    VitModel *model = make_model_of_range (0.999 * most, norm, settings.std);
    VitPatchEmbed *embed;
    GError *error = NULL;

    settings.type = types[i / 3];
    embed = vit_patch_embed_new (model, &settings, &error);
    g_assert_no_error (error);
    assert_finite_tokens (embed, settings.type, "RGB", 255);
    vit_patch_embed_free (embed);
    vit_model_unref (model);

    model = make_model_of_range (1.001 * most, norm, settings.std);
    g_assert_null (vit_patch_embed_new (model, &settings, &error));
    g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
    g_assert_nonnull (strstr (error->message, i < 3 ? " float16" : "bfloat16"));
    g_clear_error (&error);
    settings.type = VIT_TOKEN_F32;
    embed = vit_patch_embed_new (model, &settings, &error);
    g_assert_no_error (error);
    vit_patch_embed_free (embed);
    vit_model_unref (model);
  }
}

/* They are emitted as they are; or not at all. */
static void
test_prefix_tokens_count_where_they_are_emitted (void)
{
  VitPatchEmbedSettings settings = { .n_workers = 1,
    .precision = VIT_PRECISION_F32, .type = VIT_TOKEN_F16 };
  VitModel *model = make_model (0.001f, VIT_INPUT_NORM_NONE);
  GError *error = NULL;

  fill (model->prefix_tokens, DIM, -65505.0f);
  vit_patch_embed_free (vit_patch_embed_new (model, &settings, &error));
  g_assert_no_error (error);
  settings.prefix_tokens = TRUE;
  g_assert_null (vit_patch_embed_new (model, &settings, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  g_clear_error (&error);
  fill (model->prefix_tokens, DIM, -65504.0f);
  vit_patch_embed_free (vit_patch_embed_new (model, &settings, &error));
  g_assert_no_error (error);
  vit_model_unref (model);
}

static void
try_model (VitModel *model, const VitPatchEmbedSettings *settings)
{
  static const char *const formats[] = { "RGB", "I420", "Y444" };
  GError *error = NULL;
  VitPatchEmbed *embed = vit_patch_embed_new (model, settings, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    assert_finite_tokens (embed, VIT_TOKEN_F32, formats[i], 0);
    assert_finite_tokens (embed, VIT_TOKEN_F32, formats[i], 255);
  }
  vit_patch_embed_free (embed);
}

/* As large as may be, and a little more; both computations, both fits. */
static void
test_the_largest_models_have_finite_tokens (void)
{
  VitPatchEmbedSettings settings = { .prefix_tokens = TRUE, .n_workers = 1,
    .override_mean = TRUE, .override_std = TRUE, .std = { 0.25, 0.25, 0.25 } };
  static const double means[] = { 0.5, 0.0, 1.0, -3.0 };

  for (guint i = 0; i < 4 * 2 * 3; i++) {
    VitInputNorm norm = (VitInputNorm) (i % 3);
    VitModel *model = make_model (1e30f, norm);
    double range;

    settings.precision = i / 3 % 2 ? VIT_PRECISION_INT16 : VIT_PRECISION_F32;
    for (guint c = 0; c < 3; c++)
      settings.mean[c] = means[i / 6];
    settings.fit = means[i / 6] < 0.0 && i / 3 % 2 ? VIT_FIT_CROP : VIT_FIT_PAD;
    range = vit_range_of_patches (model, settings.mean, settings.std);
    vit_model_unref (model);

    model = make_model ((float) (0.999 * G_MAXFLOAT / range * 1e30), norm);
    try_model (model, &settings);
    vit_model_unref (model);
    model = make_model ((float) (1.001 * G_MAXFLOAT / range * 1e30), norm);
    g_assert_null (vit_patch_embed_new (model, &settings, NULL));
    vit_model_unref (model);
  }
}

static const FolderTest tests[] = {
  { "large-weights-are-refused", test_large_weights_are_refused },
  { "a-large-table-is-refused", test_a_large_table_is_refused },
  { "infinite-prefix-tokens-are-refused",
      test_infinite_prefix_tokens_are_refused },
  { "the-type-of-the-tokens-holds-them",
      test_the_type_of_the_tokens_holds_them },
  { "prefix-tokens-count-where-they-are-emitted",
      test_prefix_tokens_count_where_they_are_emitted },
  { "the-largest-models-have-finite-tokens",
      test_the_largest_models_have_finite_tokens },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/range/", tests, G_N_ELEMENTS (tests));
}
