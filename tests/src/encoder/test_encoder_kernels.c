/* SPDX-License-Identifier: MIT
 *
 * The whole encoder with each kernel of this machine against itself in plain C,
 * on tokens as no camera gives them.
 */
#include <math.h>
#include <string.h>

#include "encoder/encoder.h"
#include "support/encoder_folder.h"

#define D 12
#define HEADS 2

/* Relative L2 error of one run in float32 to another. */
#define MAX_ERROR 2e-6

typedef enum {
  TOKENS_RANDOM,
  TOKENS_LARGE,   /* norms of millions, as after many blocks of a large model */
  TOKENS_SMALL,   /* whose variance is far below the norms' epsilon */
  TOKENS_FLAT,    /* rows of one number, so their variance is 0 */
  TOKENS_OUTLIER, /* one channel far above the others, as DINOv2 has them */
  TOKENS_ALIKE,   /* one row again and again */
  N_TOKENS_KINDS,
} TokensKind;

static const char *const kind_names[N_TOKENS_KINDS]
    = { "random", "large", "small", "flat", "outlier", "alike" };

static void
fill (TokensKind kind, guint n_tokens, float *tokens)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (guint i = 0; i < n_tokens; i++)
    for (guint d = 0; d < D; d++) {
      float *x = &tokens[i * D + d];

      *x = (float) g_rand_double_range (random, -1.0, 1.0);
      if (kind == TOKENS_LARGE)
        *x *= 4e6f;
      else if (kind == TOKENS_SMALL)
        *x *= 1e-9f;
      else if (kind == TOKENS_FLAT)
        *x = tokens[i * D];
      else if (kind == TOKENS_OUTLIER && d == 3)
        *x = 300.0f;
      else if (kind == TOKENS_ALIKE)
        *x = tokens[d];
    }
}

/* Features of both blocks, attention and embedding, one after the other. */
static gsize
n_results (guint n_tokens)
{
  return (gsize) 2 * n_tokens * D + HEADS * n_tokens + D;
}

/* (transfer full) */
static float *
run (const VitKernelF32 *kernel, VitEncoderGrid grid, const float *tokens)
{
  static const guint layers[] = { 1, 2 };
  const VitEncoderSettings settings
      = { .layers = layers, .n_layers = 2, .attention = TRUE, .n_workers = 1 };
  guint n_tokens = 1 + grid.rows * grid.cols;
  float *found = g_new0 (float, n_results (n_tokens));
  float *features[2] = { found, found + (gsize) n_tokens * D };
  float *attention = features[1] + (gsize) n_tokens * D;
  float *embedding = attention + HEADS * n_tokens;
  VitEncoderFrame frame = { .tokens = &tokens,
    .features = features,
    .embedding = &embedding,
    .attention = &attention };
  g_autofree char *mask = g_strdup_printf ("%u", kernel->cpu);
  g_autofree char *own_mask = g_strdup (g_getenv ("VIT_CPU_MASK"));
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights;
  VitEncoder *encoder;

  g_setenv ("VIT_CPU_MASK", mask, TRUE);
  weights = folder_load_encoder ();
  if (own_mask)
    g_setenv ("VIT_CPU_MASK", own_mask, TRUE);
  else
    g_unsetenv ("VIT_CPU_MASK");
  encoder = vit_encoder_new (weights, &settings, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (vit_encoder_kernel (encoder), ==, kernel->name);
  g_assert_true (vit_encoder_configure (encoder, &grid, 1, 1, &error));
  vit_encoder_run (encoder, &frame, NULL, NULL);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
  return found;
}

static void
check (const float *found, const float *expected, gsize n, const char *what)
{
  double difference = 0.0, length = 0.0;

  for (gsize i = 0; i < n; i++) {
    g_assert_true (isfinite (found[i]));
    difference += ((double) found[i] - expected[i])
                  * ((double) found[i] - expected[i]);
    length += (double) expected[i] * expected[i];
  }
  g_test_message ("%s: %.1e", what, sqrt (difference / length));
  g_assert_cmpfloat (sqrt (difference), <=, MAX_ERROR * sqrt (length));
}

static void
check_kernel (const VitKernelF32 *kernel, VitEncoderGrid grid, TokensKind kind)
{
  guint n_tokens = 1 + grid.rows * grid.cols;
  g_autofree float *tokens = g_new (float, n_tokens * D);
  g_autofree float *found = NULL, *expected = NULL;
  g_autofree char *what = g_strdup_printf (
      "%s, %u %s tokens", kernel->name, n_tokens, kind_names[kind]);
  gsize n_features = (gsize) n_tokens * D, n_shares = HEADS * n_tokens;

  fill (kind, n_tokens, tokens);
  expected = run (&vit_kernel_f32_c, grid, tokens);
  found = run (kernel, grid, tokens);
  check (found, expected, n_features, what);
  check (found + n_features, expected + n_features, n_features, what);
  check (found + 2 * n_features, expected + 2 * n_features, n_shares, what);
  check (found + 2 * n_features + n_shares,
      expected + 2 * n_features + n_shares, D, what);
}

static void
check_kernels (VitEncoderGrid grid, TokensKind n_kinds)
{
  const VitKernelF32 *const *kernels = vit_kernel_list_f32 ();

  folder_write_vit (weights_new_vit ());
  for (guint i = 0; kernels[i]; i++)
    for (TokensKind kind = 0; kind < n_kinds; kind++)
      if (kernels[i]->cpu && !(kernels[i]->cpu & ~vit_cpu_mask ()))
        check_kernel (kernels[i], grid, kind);
}

/* The first is the class token alone. */
static void
test_few_tokens (void)
{
  check_kernels ((VitEncoderGrid) { 0, 0 }, N_TOKENS_KINDS);
  check_kernels ((VitEncoderGrid) { 1, 1 }, N_TOKENS_KINDS);
  check_kernels ((VitEncoderGrid) { 1, 2 }, N_TOKENS_KINDS);
}

/* Parts of blocks of tokens, of queries and of keys. */
static void
test_some_tokens (void)
{
  check_kernels ((VitEncoderGrid) { 16, 16 }, N_TOKENS_KINDS);
  check_kernels ((VitEncoderGrid) { 19, 7 }, N_TOKENS_KINDS);
}

static void
test_many_tokens (void)
{
  if (g_getenv ("VIT_TEST_EMULATED")) {
    g_test_skip ("an emulator takes minutes");
    return;
  }
  check_kernels ((VitEncoderGrid) { 64, 64 }, TOKENS_LARGE + 1);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "few-tokens", test_few_tokens },
    { "some-tokens", test_some_tokens },
    { "many-tokens", test_many_tokens },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/kernels/", tests, G_N_ELEMENTS (tests));
}
