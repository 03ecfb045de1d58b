/* SPDX-License-Identifier: MIT */
#include "encoder/block.h"

/* The norm before a map, whose weights the map has. */
static void
norm_tokens (const VitAttention *attention, VitEncoderWorker *worker,
    guint first, guint n)
{
  const VitEncoderWeights *weights = attention->weights;
  gsize stride = attention->scratch->token_stride;
  gsize normed = attention->scratch->normed_stride;
  const float *tokens = attention->scratch->tokens + first * stride;

  for (guint i = 0; i < n; i++)
    attention->rows->norm (weights->choices.norm, tokens + i * stride,
        weights->embed_dim, (float) weights->choices.epsilon, NULL, NULL,
        worker->normed + i * normed);
}

static void
norm_rows (const VitKernelRows *kernel, const VitEncoderNorm *norm,
    float *rows, guint n, gsize stride)
{
  for (guint i = 0; norm->n && i < n; i++)
    kernel->norm (norm->kind, rows + i * stride, norm->n, norm->epsilon, NULL,
        NULL, rows + i * stride);
}

void
vit_block_enter (const VitAttention *attention, const VitEncoderBlock *block,
    VitEncoderWorker *worker, guint first, guint n, guint n_queries)
{
  norm_tokens (attention, worker, first, n);
  vit_attention_project (attention, block, worker, first, n, n_queries);
}

/* Channels first .. first + n_channels - 1 of the hidden layer. */
static void
make_hidden (const VitAttention *attention, const VitEncoderBlock *block,
    VitEncoderWorker *worker, guint n, guint first, guint n_channels)
{
  const VitEncoderWeights *weights = attention->weights;
  VitActivation activation = weights->choices.activation;
  gsize stride = attention->scratch->hidden_stride;
  gsize in_stride = attention->scratch->normed_stride;
  float *values = worker->hidden + vit_encoder_stride (n_channels);

  vit_linear_apply (&block->up, weights->kernel, &worker->rows, n,
      worker->normed, in_stride, first, n_channels, worker->hidden, stride);
  if (weights->gated)
    vit_linear_apply (&block->up, weights->kernel, &worker->rows, n,
        worker->normed, in_stride,
        vit_encoder_up_offset (weights->hidden) + first, n_channels, values,
        stride);
  for (guint i = 0; i < n; i++) {
    float *row = worker->hidden + i * stride;

    if (weights->gated)
      attention->rows->gate (activation, row, values + i * stride, n_channels);
    else
      attention->rows->activate (activation, row, n_channels);
  }
}

static void
add_mlp (const VitAttention *attention, const VitEncoderBlock *block,
    VitEncoderWorker *worker, float *tokens, guint n)
{
  const VitEncoderWeights *weights = attention->weights;
  gsize stride = attention->scratch->hidden_stride;
  gsize out_stride = attention->scratch->token_stride;
  gboolean whole = block->mlp_norm.n > 0;

  if (whole) {
    make_hidden (attention, block, worker, n, 0, weights->hidden);
    norm_rows (attention->rows, &block->mlp_norm, worker->hidden, n, stride);
  }
  for (gsize c = 0; c < vit_linear_n_chunks (&block->down); c++) {
    guint first = (guint) (c * block->down.chunk);
    guint n_channels = (guint) vit_linear_chunk_terms (&block->down, c);

    if (!whole)
      make_hidden (attention, block, worker, n, first, n_channels);
    vit_linear_add_chunk (&block->down, weights->kernel, &worker->rows, n,
        worker->hidden + (whole ? first : 0), stride, c, tokens, out_stride);
  }
}

void
vit_block_leave (const VitAttention *attention, const VitEncoderBlock *block,
    VitEncoderWorker *worker, guint first, guint n)
{
  gsize stride = attention->scratch->token_stride;
  gsize query_stride = attention->scratch->query_stride;
  float *tokens = attention->scratch->tokens + first * stride;
  float *output = attention->scratch->queries + first * query_stride;

  norm_rows (
      attention->rows, &block->attention_norm, output, n, query_stride);
  vit_linear_add_chunk (&block->projection, attention->weights->kernel,
      &worker->rows, n, output, query_stride, 0, tokens, stride);
  norm_tokens (attention, worker, first, n);
  add_mlp (attention, block, worker, tokens, n);
}
