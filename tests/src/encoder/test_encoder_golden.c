/* SPDX-License-Identifier: MIT
 *
 * Features, embeddings and logits of every family beside what its own package
 * computes in float64: from the folder alone, on every frame; the output of block
 * 1, and of the last block before its norm.  Of a trained model, where there is
 * one, also the class token's attention.
 */
#include "support/features.h"

/* Packages resample positions in float32, which is most of it. */
#define MAX_ERROR 2e-6

typedef struct {
  VitModel *model;
  VitEncoderWeights *weights;
} Whole;

static Whole
open_whole (const Features *features)
{
  g_autoptr (GError) error = NULL;
  Whole whole;

  whole.model = vit_model_load (features->model, NULL, &error);
  g_assert_no_error (error);
  whole.weights
      = vit_encoder_weights_load (features->model, NULL, NULL, &error);
  g_assert_no_error (error);
  return whole;
}

static void
close_whole (Whole *whole)
{
  vit_model_unref (whole->model);
  vit_encoder_weights_unref (whole->weights);
}

static void
compare (const Features *features, guint i, const char *key, const float *found,
    gsize n_values)
{
  g_autoptr (Npy) expected = features_array (features, i, key);
  double error;

  if (!expected)
    return;
  g_assert_cmpuint (expected->n_values, ==, n_values);
  error = relative_l2 (found, expected->values, n_values);
  g_test_message ("%s, frame %u, %s: %.2g", features->name, i, key, error);
  g_assert_cmpfloat (error, <=, MAX_ERROR);
}

/* What is wanted of `tokens` by one encoder. */
static void
run (const Features *features, guint i, Whole *whole, const float *tokens,
    VitEncoderGrid grid, const VitEncoderSettings *settings,
    const char *const *keys)
{
  g_autoptr (GError) error = NULL;
  VitEncoder *encoder = vit_encoder_new (whole->weights, settings, &error);
  guint n_prefix = whole->weights->n_prefix_tokens, n_layers;
  gsize n = ((gsize) grid.rows * grid.cols + n_prefix)
            * whole->weights->embed_dim;
  gsize n_shares = n / whole->weights->embed_dim
                   * whole->weights->choices.n_heads;
  g_autofree float *vector = NULL, *logits = NULL, *attention = NULL;
  float *rows[2] = { NULL };
  VitEncoderFrame frame = { .tokens = &tokens };

  g_assert_no_error (error);
  vit_encoder_configure (encoder, &grid, 1, n_prefix, &error);
  g_assert_no_error (error);
  vit_encoder_layers (encoder, &n_layers);
  g_assert_cmpuint (n_layers, <=, G_N_ELEMENTS (rows));
  for (guint layer = 0; layer < n_layers; layer++)
    rows[layer] = g_new (float, n);
  vector = g_new (float, vit_encoder_embedding_dim (encoder) + 1);
  logits = g_new (float, vit_encoder_n_classes (encoder) + 1);
  frame.features = rows;
  frame.embedding = &vector;
  frame.logits = &logits;
  attention = g_new (float, n_shares);
  frame.attention = &attention;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  for (guint layer = 0; layer < n_layers; layer++) {
    compare (features, i, keys[layer], rows[layer], n);
    g_free (rows[layer]);
  }
  if (settings->embedding != VIT_EMBEDDING_NONE)
    compare (features, i, "embedding", vector,
        vit_encoder_embedding_dim (encoder));
  if (settings->attention)
    compare (features, i, "attention", attention, n_shares);
  if (settings->logits)
    compare (features, i, "logits", logits, vit_encoder_n_classes (encoder));
  vit_encoder_free (encoder);
}

static void
test_family (gconstpointer data)
{
  const Features *features = data;
  Whole whole = open_whole (features);
  guint depth = whole.weights->depth;
  const guint layers[] = { 1, depth };
  const VitEncoderSettings own = { .logits = TRUE, .n_workers = 1 };
  const VitEncoderSettings raw
      = { .layers = layers, .n_layers = 2, .norm = VIT_FEATURE_NORM_NONE,
          .embedding = VIT_EMBEDDING_NONE, .n_workers = 1 };
  const char *const own_keys[] = { "features" };
  const char *const raw_keys[] = { "block1", "last" };

  g_test_message ("%s", whole.weights->choices.reason);
  for (guint i = 0; i < features_n_cases (features); i++) {
    g_autoptr (Npy) stored = features_array (features, i, "tokens");
    VitEncoderGrid grid;
    guint n_tokens;
    g_autofree float *tokens
        = features_tokens (features, whole.model, i, &grid, &n_tokens);

    run (features, i, &whole, tokens, grid, &own, own_keys);
    run (features, i, &whole, tokens, grid, &raw, raw_keys);
    if (stored)
      run (features, i, &whole, stored->values, grid, &own, own_keys);
  }
  close_whole (&whole);
}

/* Of 22 million parameters. */
static void
test_trained (gconstpointer data)
{
  const Features *features = data;
  Whole whole;
  const guint layers[] = { 6, 12 };
  const VitEncoderSettings settings
      = { .layers = layers, .n_layers = 2, .attention = TRUE, .n_workers = 1 };
  const char *const keys[] = { "block6", "features" };

  if (g_getenv ("VIT_TEST_EMULATED")) {
    g_test_skip ("an emulator takes minutes");
    return;
  }
  whole = open_whole (features);
  for (guint i = 0; i < features_n_cases (features); i++) {
    VitEncoderGrid grid;
    guint n_tokens;
    g_autofree float *tokens
        = features_tokens (features, whole.model, i, &grid, &n_tokens);

    run (features, i, &whole, tokens, grid, &settings, keys);
  }
  close_whole (&whole);
}

int
main (int argc, char **argv)
{
  Features *trained;

  g_test_init (&argc, &argv, NULL);
  features_add_tests ("/encoder/golden/", test_family);
  trained = features_trained ();
  if (trained)
    g_test_add_data_func_full ("/encoder/golden/trained-dinov2-small", trained,
        test_trained, features_free);
  return g_test_run ();
}
