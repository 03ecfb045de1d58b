/* SPDX-License-Identifier: MIT */
#include "encoder/head.h"

#include <math.h>
#include <string.h>

/* Rows are added up so many at a time, and their sums then: a long row of like
 * terms loses little. */
#define SUM_ROWS 32

/* Vectors in the worker's mapped rows: a product reads whole tiles of rows, so
 * they lie apart. */
enum { ROW_VECTOR = 0, ROW_OUTPUT = 40, ROW_EMBEDDING = 80 };

static float *
vector_at (const VitAttention *attention, const VitEncoderWorker *worker,
    guint row)
{
  return worker->mapped + row * attention->scratch->mapped_stride;
}

static const float *
region_rows (const VitAttention *attention, const VitEncoderRegion *region,
    gboolean raw)
{
  const VitEncoderScratch *scratch = attention->scratch;
  gboolean normed = !raw && attention->weights->final_norm.n > 0;

  return (normed ? scratch->features : scratch->tokens)
         + region->first * scratch->token_stride;
}

/* to = the mean of rows first .. end - 1; zeros where there are none. */
static void
mean (const VitAttention *attention, VitEncoderWorker *worker,
    const float *rows, guint first, guint end, float *to)
{
  const VitKernelRows *kernel = attention->rows;
  gsize stride = attention->scratch->token_stride;
  guint d = attention->weights->embed_dim;
  float *sum = worker->vector;

  memset (to, 0, d * sizeof (float));
  for (guint i = first; i < end; i += SUM_ROWS) {
    memset (sum, 0, d * sizeof (float));
    for (guint k = i; k < MIN (i + SUM_ROWS, end); k++)
      kernel->add_scaled (sum, rows + k * stride, d, 1.0f);
    kernel->add_scaled (to, sum, d, 1.0f);
  }
  if (end > first)
    kernel->scale (to, d, 1.0f / (float) (end - first));
}

/* Rows i .. i + n - 1 as the pool's query sees them. */
static const float *
pool_input (const VitAttention *attention, VitEncoderWorker *worker,
    const float *rows, guint n, gsize *stride)
{
  const VitEncoderNorm *norm = &attention->weights->attention_pool.input_norm;
  gsize normed = attention->scratch->normed_stride;

  *stride = attention->scratch->token_stride;
  if (!norm->n)
    return rows;
  for (guint i = 0; i < n; i++)
    attention->rows->norm (norm->kind, rows + i * *stride, norm->n,
        norm->epsilon, NULL, NULL, worker->normed + i * normed);
  *stride = normed;
  return worker->normed;
}

/* The shares of rows first and on, by head, in the region's pool scores. */
static void
pool_shares (const VitAttention *attention, const VitEncoderRegion *region,
    VitEncoderWorker *worker, const float *rows, guint first)
{
  const VitAttentionPool *pool = &attention->weights->attention_pool;
  float *scores = attention->scratch->pool_scores + region->pool_scores;
  gsize head_stride = vit_encoder_lines (region->n_tokens);
  guint n_rows = region->n_tokens - first;

  for (guint i = 0; i < n_rows; i += VIT_ENCODER_TOKENS) {
    guint n = MIN (VIT_ENCODER_TOKENS, n_rows - i);
    gsize stride;
    const float *in = pool_input (attention, worker,
        rows + (first + i) * attention->scratch->token_stride, n, &stride);

    vit_linear_apply (&pool->scores, attention->weights->kernel, &worker->rows,
        n, in, stride, 0, pool->n_heads, worker->scores,
        VIT_ENCODER_SCORE_STRIDE);
    for (guint k = 0; k < n; k++)
      for (guint head = 0; head < pool->n_heads; head++)
        scores[head * head_stride + i + k]
            = worker->scores[k * VIT_ENCODER_SCORE_STRIDE + head];
  }
  for (guint head = 0; head < pool->n_heads; head++) {
    float maximum = -INFINITY, sum = 0.0f, factor;

    attention->rows->softmax (
        scores + head * head_stride, n_rows, &maximum, &sum, &factor);
    attention->rows->scale (scores + head * head_stride, n_rows, 1.0f / sum);
  }
}

/* Each head's sum of rows by their shares, in the worker's mapped rows. */
static void
pool_rows (const VitAttention *attention, const VitEncoderRegion *region,
    VitEncoderWorker *worker, const float *rows, guint first)
{
  const VitAttentionPool *pool = &attention->weights->attention_pool;
  const float *shares = attention->scratch->pool_scores + region->pool_scores;
  gsize head_stride = vit_encoder_lines (region->n_tokens);
  guint n_rows = region->n_tokens - first, d = attention->weights->embed_dim;

  for (guint head = 0; head < pool->n_heads; head++)
    memset (vector_at (attention, worker, head), 0, d * sizeof (float));
  for (guint i = 0; i < n_rows; i += SUM_ROWS) {
    guint n = MIN (SUM_ROWS, n_rows - i);
    gsize stride;
    const float *in = pool_input (attention, worker,
        rows + (first + i) * attention->scratch->token_stride, n, &stride);

    for (guint head = 0; head < pool->n_heads; head++) {
      memset (worker->vector, 0, d * sizeof (float));
      for (guint k = 0; k < n; k++)
        attention->rows->add_scaled (worker->vector, in + k * stride, d,
            shares[head * head_stride + i + k]);
      attention->rows->add_scaled (
          vector_at (attention, worker, head), worker->vector, d, 1.0f);
    }
  }
}

/* y += mlp (norm (y)) */
static void
pool_mlp (const VitAttention *attention, VitEncoderWorker *worker, float *y)
{
  const VitAttentionPool *pool = &attention->weights->attention_pool;
  const VitKernelF32 *kernel = attention->weights->kernel;
  float *normed = vector_at (attention, worker, ROW_VECTOR);

  if (!pool->mlp_norm.n)
    return;
  attention->rows->norm (pool->mlp_norm.kind, y, pool->mlp_norm.n,
      pool->mlp_norm.epsilon, pool->mlp_norm.weight, pool->mlp_norm.bias,
      normed);
  vit_linear_apply (&pool->up, kernel, &worker->rows, 1, normed,
      attention->scratch->mapped_stride, 0, pool->up.n_channels,
      worker->hidden, attention->scratch->hidden_stride);
  attention->rows->activate (
      pool->activation, worker->hidden, pool->up.n_channels);
  vit_linear_add_chunk (&pool->down, kernel, &worker->rows, 1, worker->hidden,
      attention->scratch->hidden_stride, 0, y,
      attention->scratch->mapped_stride);
}

/* Into the vector's row. */
static void
pool_by_query (const VitAttention *attention, const VitEncoderRegion *region,
    VitEncoderWorker *worker, const float *rows)
{
  const VitAttentionPool *pool = &attention->weights->attention_pool;
  const VitKernelF32 *kernel = attention->weights->kernel;
  gsize mapped = attention->scratch->mapped_stride;
  gsize normed = attention->scratch->normed_stride;
  guint first = pool->patches_only ? region->n_prefix_tokens : 0;
  guint width = pool->value.n_channels, head_dim = width / pool->n_heads;
  float *vector = vector_at (attention, worker, ROW_VECTOR);
  float *output = vector_at (attention, worker, ROW_OUTPUT);

  pool_shares (attention, region, worker, rows, first);
  pool_rows (attention, region, worker, rows, first);
  /* Each head's channels of its own row's values. */
  vit_linear_apply (&pool->value, kernel, &worker->rows, pool->n_heads,
      worker->mapped, mapped, 0, width, worker->normed, normed);
  for (guint d = 0; d < width; d++)
    vector[d] = worker->normed[d / head_dim * normed + d];
  vit_linear_apply (&pool->projection, kernel, &worker->rows, 1, vector, mapped,
      0, pool->projection.n_channels, output, mapped);
  pool_mlp (attention, worker, output);
  memcpy (vector, output, pool->projection.n_channels * sizeof (float));
}

/* Into the vector's row; how many values. */
static gsize
pool (const VitAttention *attention, const VitEncoderRegion *region,
    const VitEncoderHead *head, VitEncoderWorker *worker)
{
  const VitEncoderWeights *weights = attention->weights;
  gsize stride = attention->scratch->token_stride, d = weights->embed_dim;
  const float *rows = region_rows (attention, region, head->raw);
  float *vector = vector_at (attention, worker, ROW_VECTOR);

  switch (head->pool) {
    case VIT_POOL_TOKEN:
      memcpy (vector, rows + head->n * stride, d * sizeof (float));
      return d;
    case VIT_POOL_MEAN_PREFIX:
      mean (attention, worker, rows, 0, head->n, vector);
      return d;
    case VIT_POOL_MEAN_PATCHES:
      mean (attention, worker, rows, region->n_prefix_tokens, region->n_tokens,
          vector);
      return d;
    case VIT_POOL_CLASS_MEAN:
      memcpy (vector, rows, d * sizeof (float));
      mean (attention, worker, rows, region->n_prefix_tokens, region->n_tokens,
          vector + d);
      return 2 * d;
    case VIT_POOL_ATTENTION:
      pool_by_query (attention, region, worker, rows);
      return weights->attention_pool.projection.n_channels;
    default:
      return 0;
  }
}

/* The pooled vector, normed; kept, if it is the embedding's. */
static gsize
make_vector (const VitAttention *attention, const VitEncoderRegion *region,
    const VitEncoderHead *head, gboolean is_embedding, VitEncoderWorker *worker)
{
  float *vector = vector_at (attention, worker, ROW_VECTOR);
  gsize n;

  if (head->pool == VIT_POOL_EMBEDDING) {
    n = vit_encoder_weights_pooled_dim (attention->weights, head);
    memcpy (vector, vector_at (attention, worker, ROW_EMBEDDING),
        n * sizeof (float));
  } else {
    n = pool (attention, region, head, worker);
  }
  if (head->norm.n)
    attention->rows->norm (head->norm.kind, vector, head->norm.n,
        head->norm.epsilon, head->norm.weight, head->norm.bias, vector);
  if (is_embedding)
    memcpy (vector_at (attention, worker, ROW_EMBEDDING), vector,
        n * sizeof (float));
  return n;
}

static void
run_logits (const VitAttention *attention, const VitEncoderRegion *region,
    VitEncoderWorker *worker, float *logits)
{
  const VitEncoderWeights *weights = attention->weights;
  gsize stride = attention->scratch->mapped_stride;

  for (guint i = 0; i < weights->n_logits; i++) {
    const VitEncoderHead *head = &weights->logits[i];
    const float *in = vector_at (attention, worker, ROW_VECTOR);

    make_vector (attention, region, head, FALSE, worker);
    if (i == 0)
      vit_linear_apply (&head->linear, weights->kernel, &worker->rows, 1, in,
          stride, 0, head->linear.n_channels, logits, 0);
    else
      vit_linear_add_chunk (&head->linear, weights->kernel, &worker->rows, 1,
          in, stride, 0, logits, 0);
  }
  if (weights->n_logits == 2)
    attention->rows->scale (logits, weights->logits[0].linear.n_channels, 0.5f);
}

void
vit_heads_run (const VitAttention *attention, const VitEncoderRegion *region,
    const VitEncoderHead *embedding, VitEncoderWorker *worker, float *vector,
    float *logits)
{
  const VitEncoderWeights *weights = attention->weights;
  const float *in = vector_at (attention, worker, ROW_VECTOR);
  gboolean needed = logits && weights->n_logits > 0
                    && weights->logits[0].pool == VIT_POOL_EMBEDDING;
  gboolean own = embedding == &weights->embedding;

  if (vector) {
    gsize n = make_vector (attention, region, embedding, own, worker);

    if (embedding->linear.n_channels)
      vit_linear_apply (&embedding->linear, weights->kernel, &worker->rows, 1,
          in, attention->scratch->mapped_stride, 0,
          embedding->linear.n_channels, vector, 0);
    else
      memcpy (vector, in, n * sizeof (float));
  }
  /* Logits are of the model's own embedding, whatever was asked for. */
  if (needed && !(vector && own))
    make_vector (attention, region, &weights->embedding, TRUE, worker);
  if (logits)
    run_logits (attention, region, worker, logits);
}

void
vit_heads_run_joint (const VitAttention *attention,
    const VitEncoderRegion *region, VitEncoderWorker *worker, float *vector)
{
  gboolean logits = attention->weights->joint.vector == VIT_JOINT_LOGITS;

  vit_heads_run (attention, region, &attention->weights->embedding, worker,
      logits ? NULL : vector, logits ? vector : NULL);
}

void
vit_normalize (float *vector, gsize n)
{
  double squares = 0.0;

  for (gsize i = 0; i < n; i++)
    squares += (double) vector[i] * vector[i];
  for (gsize i = 0; i < n && squares > 0.0; i++)
    vector[i] = (float) (vector[i] / sqrt (squares));
}
