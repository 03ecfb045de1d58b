/* SPDX-License-Identifier: MIT */
#include "support/encoder_buffers.h"

#include <math.h>
#include <string.h>

Buffers *
buffers_new (const VitEncoderGrid *grids, guint n_grids)
{
  Buffers *buffers = g_new0 (Buffers, 1);

  buffers->n_grids = n_grids;
  for (guint i = 0; i < n_grids; i++) {
    guint n = buffers->n_tokens[i] = 1 + grids[i].rows * grids[i].cols;

    buffers->tokens[i] = g_new (float, n *D);
    for (guint k = 0; k < n * D; k++)
      buffers->tokens[i][k] = 0.4f * sinf ((float) (k * (i + 1)));
    for (guint layer = 0; layer < MAX_LAYERS; layer++)
      buffers->features[layer * n_grids + i] = g_new0 (float, n *D);
    buffers->embedding[i] = g_new0 (float, 2 * D);
    buffers->logits[i] = g_new0 (float, 8);
    buffers->attention[i] = g_new0 (float, HEADS *n);
  }
  return buffers;
}

void
buffers_free (Buffers *buffers)
{
  for (guint i = 0; i < buffers->n_grids; i++) {
    g_free (buffers->tokens[i]);
    for (guint layer = 0; layer < MAX_LAYERS; layer++)
      g_free (buffers->features[layer * buffers->n_grids + i]);
    g_free (buffers->embedding[i]);
    g_free (buffers->logits[i]);
    g_free (buffers->attention[i]);
  }
  g_free (buffers);
}

VitEncoderFrame
buffers_frame (Buffers *buffers)
{
  return (VitEncoderFrame) { (const float *const *) buffers->tokens,
    buffers->features, buffers->embedding, buffers->logits,
    buffers->attention };
}

VitEncoderWeights *
buffers_load_encoder (void)
{
  Weights *weights = weights_new_vit ();

  weights_add (weights, "classifier.weight", 2, 5, D);
  weights_vary (weights, "classifier.weight", 5 * D);
  weights_add (weights, "classifier.bias", 1, 5);
  weights_vary (weights, "classifier.bias", 5);
  folder_write_vit (weights);
  return folder_load_encoder ();
}

static const guint both_layers[] = { 1, 2 };

const VitEncoderSettings buffers_everything
    = { .layers = both_layers, .n_layers = 2, .logits = TRUE,
        .attention = TRUE, .n_workers = 1 };

void
buffers_assert_same (
    const Buffers *a, guint i, const Buffers *b, guint k, guint n_layers)
{
  guint n = a->n_tokens[i];

  g_assert_cmpuint (n, ==, b->n_tokens[k]);
  for (guint layer = 0; layer < n_layers; layer++)
    g_assert_cmpmem (a->features[layer * a->n_grids + i],
        n * D * sizeof (float), b->features[layer * b->n_grids + k],
        n * D * sizeof (float));
  g_assert_cmpmem (a->embedding[i], D * sizeof (float), b->embedding[k],
      D * sizeof (float));
  g_assert_cmpmem (
      a->logits[i], 5 * sizeof (float), b->logits[k], 5 * sizeof (float));
  g_assert_cmpmem (a->attention[i], HEADS * n * sizeof (float),
      b->attention[k], HEADS * n * sizeof (float));
}

Buffers *
buffers_run (VitEncoderWeights *weights, const VitEncoderSettings *settings,
    const VitEncoderGrid *grids, guint n_grids, VitParallelFor with,
    gpointer user_data)
{
  Buffers *buffers = buffers_new (grids, n_grids);
  VitEncoderFrame frame = buffers_frame (buffers);
  g_autoptr (GError) error = NULL;
  VitEncoder *encoder = vit_encoder_new (weights, settings, &error);

  g_assert_no_error (error);
  vit_encoder_configure (encoder, grids, n_grids, 1, &error);
  g_assert_no_error (error);
  vit_encoder_run (encoder, &frame, with, user_data);
  vit_encoder_free (encoder);
  return buffers;
}
