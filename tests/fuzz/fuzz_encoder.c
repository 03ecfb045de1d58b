/* SPDX-License-Identifier: MIT
 *
 * The encoder of a whole model folder, which an input describes as
 * fuzz_write_model() says.  One that loads computes the features of some tokens:
 * what its weights allow must be finite.
 */
#include "fuzz.h"

#include <math.h>

#include "encoder/encoder.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
check_features (VitEncoder *encoder, const VitEncoderWeights *weights)
{
  gsize n = (4 + (gsize) weights->n_prefix_tokens) * weights->embed_dim;
  gsize n_vector = vit_encoder_embedding_dim (encoder);
  gsize n_classes = vit_encoder_n_classes (encoder);
  g_autofree float *tokens = g_new (float, n);
  g_autofree float *features = g_new (float, n);
  g_autofree float *vector = g_new (float, n_vector + 1);
  g_autofree float *logits = g_new (float, n_classes + 1);
  const float *in = tokens;
  VitEncoderFrame frame = { &in, &features, &vector, &logits, NULL };

  for (gsize i = 0; i < n; i++)
    tokens[i] = (float) (i % 7) - 3.0f;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (features[i]));
  for (gsize i = 0; i < n_vector; i++)
    g_assert_true (isfinite (vector[i]));
  for (gsize i = 0; i < n_classes; i++)
    g_assert_true (isfinite (logits[i]));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write_model (data, size);
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  VitEncoderGrid grid = { 2, 2 };
  GError *error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);
  VitEncoder *encoder;

  if (!weights) {
    fuzz_check_error (error);
    return 0;
  }
  encoder = vit_encoder_new (weights, &settings, &error);
  if (encoder
      && vit_encoder_configure (
          encoder, &grid, 1, weights->n_prefix_tokens, &error))
    check_features (encoder, weights);
  else
    fuzz_check_error (error);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
  return 0;
}
