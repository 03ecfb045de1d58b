/* SPDX-License-Identifier: MIT
 *
 * The encoder of a whole model folder, which an input describes as
 * fuzz_write_model() says.  One that loads computes all that there is of some
 * tokens: what its weights allow must be finite, and embedding and logits must be
 * the same where no features are wanted.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "encoder/encoder.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
check_finite (const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (values[i]));
}

/* Of an encoder for the first and the last block, over four patches. */
static void
check_encoder (VitEncoder *encoder, const VitEncoderWeights *weights)
{
  gsize n_tokens = 4 + (gsize) weights->n_prefix_tokens;
  gsize n = n_tokens * weights->embed_dim;
  gsize n_shares = n_tokens * weights->choices.n_heads;
  gsize n_vector = vit_encoder_embedding_dim (encoder);
  gsize n_classes = vit_encoder_n_classes (encoder);
  gsize n_vectors = n_vector + n_classes;
  g_autofree float *tokens = g_new (float, n);
  g_autofree float *first = g_new0 (float, n), *last = g_new0 (float, n);
  g_autofree float *vectors = g_new (float, n_vectors + 1);
  g_autofree float *before = g_new (float, n_vectors + 1);
  g_autofree float *attention = g_new0 (float, n_shares);
  const float *in = tokens;
  float *features[] = { first, last }, *logits = vectors + n_vector;
  VitEncoderFrame frame = { &in, features, &vectors, &logits, &attention };

  for (gsize i = 0; i < n; i++)
    tokens[i] = (float) (i % 7) - 3.0f;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  check_finite (first, n);
  check_finite (last, n);
  check_finite (vectors, n_vectors);
  check_finite (attention, n_shares);
  memcpy (before, vectors, n_vectors * sizeof (float));
  frame.features = NULL;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  g_assert_cmpint (
      memcmp (before, vectors, n_vectors * sizeof (float)), ==, 0);
}

static VitEncoder *
new_encoder (VitEncoderWeights *weights, GError **error)
{
  const guint layers[] = { 1, weights->depth };
  VitEncoderSettings settings = { .layers = weights->depth > 1 ? layers : layers + 1,
    .n_layers = weights->depth > 1 ? 2 : 1,
    .logits = TRUE,
    .attention = weights->has_class_token,
    .n_workers = 1 };

  return vit_encoder_new (weights, &settings, error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write_model (data, size);
  VitEncoderGrid grid = { 2, 2 };
  GError *error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);
  VitEncoder *encoder;

  if (!weights) {
    fuzz_check_error (error);
    return 0;
  }
  encoder = new_encoder (weights, &error);
  if (encoder
      && vit_encoder_configure (
          encoder, &grid, 1, weights->n_prefix_tokens, &error))
    check_encoder (encoder, weights);
  else
    fuzz_check_error (error);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
  return 0;
}
