/* SPDX-License-Identifier: MIT */
#include "encoder/attention.h"

#include <math.h>
#include <string.h>

/* Keys of the block that begins with key `first`. */
static guint
block_keys (const VitEncoderRegion *region, guint first)
{
  return MIN (region->key_block, region->n_tokens - first);
}

/* The panels of a head's keys from `key` on, a whole number of panels. */
static float *
key_panels (const VitAttention *attention, const VitEncoderRegion *region,
    guint head, guint key)
{
  return attention->scratch->keys + region->keys + head * region->head_keys
         + (gsize) key * attention->weights->head_dim;
}

/* Of its values from `key` on, the first of a block. */
static float *
value_panels (const VitAttention *attention, const VitEncoderRegion *region,
    guint head, guint key)
{
  gsize tile = attention->weights->kernel->channel_tile;
  gsize channels = (attention->weights->head_dim + tile - 1) / tile * tile;

  return attention->scratch->values + region->values
         + head * region->head_values + key * channels;
}

/* Norms and turns the heads of one token's queries or keys. */
static void
finish_row (const VitAttention *attention, const VitEncoderNorm *norm,
    const VitEncoderRegion *region, guint token, float *row)
{
  const VitEncoderWeights *weights = attention->weights;
  const VitKernelRows *kernel = attention->rows;
  guint head_dim = weights->head_dim, half = head_dim / 2;

  for (gsize d = 0; norm->n && d < weights->attention_dim; d += norm->n)
    kernel->norm (norm->kind, row + d, norm->n, norm->epsilon, norm->weight,
        norm->bias, row + d);
  if (weights->choices.rope.rule == VIT_ROPE_NONE
      || token < region->n_prefix_tokens)
    return;
  for (guint head = 0; head < weights->choices.n_heads; head++) {
    gsize angle = region->angles
                  + (gsize) (token - region->n_prefix_tokens) * half;
    float *a = row + (gsize) head * head_dim;

    kernel->rotate (a, a + half, attention->scratch->cosine + angle,
        attention->scratch->sine + angle, half);
  }
}

/* Tokens token .. token + n - 1 of a region, of `rows`, as keys. */
static void
pack_keys (const VitAttention *attention, const VitEncoderRegion *region,
    guint token, guint n, const float *rows, gsize stride)
{
  guint head_dim = attention->weights->head_dim;
  guint tile = attention->weights->kernel->channel_tile;

  for (guint head = 0; head < attention->weights->choices.n_heads; head++) {
    const float *from = rows + (gsize) head * head_dim;

    for (guint i = 0; i < n; i++) {
      guint key = token + i;
      float *to
          = key_panels (attention, region, head, key / tile * tile) + key % tile;

      for (guint d = 0; d < head_dim; d++)
        to[(gsize) d * tile] = from[i * stride + d];
    }
  }
}

static void
pack_values (const VitAttention *attention, const VitEncoderRegion *region,
    guint token, guint n, const float *rows, gsize stride)
{
  guint head_dim = attention->weights->head_dim;
  guint tile = attention->weights->kernel->channel_tile;

  for (guint head = 0; head < attention->weights->choices.n_heads; head++)
    for (guint i = 0; i < n; i++) {
      guint first = (token + i) / region->key_block * region->key_block;
      gsize n_keys = block_keys (region, first);
      const float *from = rows + i * stride + (gsize) head * head_dim;
      float *to = value_panels (attention, region, head, first)
                  + (gsize) (token + i - first) * tile;

      for (guint d = 0; d < head_dim; d += tile, to += n_keys * tile)
        memcpy (to, from + d, MIN (tile, head_dim - d) * sizeof (float));
    }
}

static const VitEncoderRegion *
region_of (const VitEncoderScratch *scratch, guint token)
{
  return &scratch->regions[vit_encoder_find_region (scratch, token)];
}

/* Calls pack for each region's share of tokens first .. first + n - 1. */
static void
pack (const VitAttention *attention, guint first, guint n, const float *rows,
    gsize stride,
    void (*pack_share) (const VitAttention *, const VitEncoderRegion *, guint,
        guint, const float *, gsize))
{
  for (guint i = 0; i < n;) {
    const VitEncoderRegion *region = region_of (attention->scratch, first + i);
    guint token = first + i - region->first;
    guint share = MIN (n - i, region->n_tokens - token);

    pack_share (attention, region, token, share, rows + i * stride, stride);
    i += share;
  }
}

static void
finish_rows (const VitAttention *attention, const VitEncoderNorm *norm,
    guint first, guint n, float *rows, gsize stride)
{
  if (!norm->n && attention->weights->choices.rope.rule == VIT_ROPE_NONE)
    return;
  for (guint i = 0; i < n; i++) {
    const VitEncoderRegion *region = region_of (attention->scratch, first + i);

    finish_row (attention, norm, region, first + i - region->first,
        rows + i * stride);
  }
}

/* Queries of tokens first .. first + n - 1, whose normed rows are given. */
static void
project_queries (const VitAttention *attention, const VitEncoderBlock *block,
    VitEncoderWorker *worker, const float *normed, guint first, guint n)
{
  const VitEncoderScratch *scratch = attention->scratch;
  gsize stride = scratch->query_stride;
  float *queries = scratch->queries + first * stride;

  vit_linear_apply (&block->query, attention->weights->kernel, &worker->rows, n,
      normed, scratch->normed_stride, 0, attention->weights->attention_dim,
      queries, stride);
  finish_rows (attention, &block->query_norm, first, n, queries, stride);
}

/* Of the first `n_queries` of each region alone. */
static void
project_first_queries (const VitAttention *attention,
    const VitEncoderBlock *block, VitEncoderWorker *worker, guint first,
    guint n, guint n_queries)
{
  const VitEncoderScratch *scratch = attention->scratch;

  for (guint i = vit_encoder_find_region (scratch, first);
       i < scratch->n_regions && scratch->regions[i].first < first + n; i++) {
    const VitEncoderRegion *region = &scratch->regions[i];
    guint from = MAX (region->first, first);
    guint to
        = MIN (region->first + MIN (n_queries, region->n_tokens), first + n);

    if (from < to)
      project_queries (attention, block, worker,
          worker->normed + (from - first) * scratch->normed_stride, from,
          to - from);
  }
}

void
vit_attention_project (const VitAttention *attention,
    const VitEncoderBlock *block, VitEncoderWorker *worker, guint first,
    guint n, guint n_queries)
{
  const VitEncoderScratch *scratch = attention->scratch;
  const VitKernelF32 *kernel = attention->weights->kernel;
  gsize in_stride = scratch->normed_stride, mapped = scratch->mapped_stride;
  guint a = attention->weights->attention_dim;

  if (n_queries == 0)
    project_queries (attention, block, worker, worker->normed, first, n);
  else
    project_first_queries (attention, block, worker, first, n, n_queries);
  vit_linear_apply (&block->key, kernel, &worker->rows, n, worker->normed,
      in_stride, 0, a, worker->mapped, mapped);
  finish_rows (attention, &block->key_norm, first, n, worker->mapped, mapped);
  pack (attention, first, n, worker->mapped, mapped, pack_keys);
  vit_linear_apply (&block->value, kernel, &worker->rows, n, worker->normed,
      in_stride, 0, a, worker->mapped, mapped);
  pack (attention, first, n, worker->mapped, mapped, pack_values);
}

/* Scores of n queries with a block of keys, into the worker's memory. */
static void
score (const VitAttention *attention, const VitEncoderRegion *region,
    guint head, VitEncoderWorker *worker, const float *queries, guint n,
    guint key, guint n_keys)
{
  static const float none[VIT_ENCODER_KEYS];
  const VitEncoderWeights *weights = attention->weights;
  VitProduct product = { n, n_keys, worker->rows.add, worker->rows.out,
    VIT_LINEAR_SUMMED };

  for (guint i = 0; i < n; i++) {
    worker->rows.add[i] = none;
    worker->rows.out[i] = worker->scores + (gsize) i * VIT_ENCODER_SCORE_STRIDE;
  }
  weights->kernel->product (&product, weights->head_dim, queries,
      attention->scratch->query_stride,
      key_panels (attention, region, head, key));
}

/* Adds what the keys, whose scores are now their shares, give. */
static void
add_values (const VitAttention *attention, const VitEncoderRegion *region,
    guint head, VitEncoderWorker *worker, guint n, guint key, guint n_keys)
{
  const VitEncoderWeights *weights = attention->weights;
  VitProduct product = { n, weights->head_dim, worker->rows.add,
    worker->rows.out, VIT_ENCODER_KEYS };
  gsize stride = vit_encoder_stride (weights->head_dim);

  for (guint i = 0; i < n; i++)
    worker->rows.add[i] = worker->rows.out[i] = worker->sums + i * stride;
  weights->kernel->product (&product, n_keys, worker->scores,
      VIT_ENCODER_SCORE_STRIDE,
      value_panels (attention, region, head, key));
}

void
vit_attention_head (const VitAttention *attention,
    const VitEncoderRegion *region, guint head, VitEncoderWorker *worker,
    guint first, guint n)
{
  const VitKernelRows *kernel = attention->rows;
  guint head_dim = attention->weights->head_dim;
  gsize stride = vit_encoder_stride (head_dim);
  gsize query_stride = attention->scratch->query_stride;
  float *queries = attention->scratch->queries
                   + (region->first + first) * query_stride
                   + (gsize) head * head_dim;
  float *maximum = worker->softmax, *sum = maximum + VIT_ENCODER_QUERIES;
  float *factor = sum + VIT_ENCODER_QUERIES;

  memset (worker->sums, 0, n * stride * sizeof (float));
  for (guint i = 0; i < n; i++) {
    maximum[i] = -INFINITY;
    sum[i] = 0.0f;
  }
  for (guint key = 0; key < region->n_tokens; key += region->key_block) {
    guint n_keys = block_keys (region, key);

    score (attention, region, head, worker, queries, n, key, n_keys);
    for (guint i = 0; i < n; i++) {
      kernel->softmax (worker->scores + (gsize) i * VIT_ENCODER_SCORE_STRIDE,
          n_keys, &maximum[i], &sum[i], &factor[i]);
      if (factor[i] != 1.0f)
        kernel->scale (worker->sums + i * stride, head_dim, factor[i]);
    }
    add_values (attention, region, head, worker, n, key, n_keys);
  }
  for (guint i = 0; i < n; i++) {
    kernel->scale (worker->sums + i * stride, head_dim, 1.0f / sum[i]);
    memcpy (queries + i * query_stride, worker->sums + i * stride,
        head_dim * sizeof (float));
  }
}

void
vit_attention_weights (const VitAttention *attention,
    const VitEncoderRegion *region, guint head, VitEncoderWorker *worker,
    guint query, float *weights)
{
  const VitKernelRows *kernel = attention->rows;
  const float *row = attention->scratch->queries
                     + (region->first + query)
                           * attention->scratch->query_stride
                     + (gsize) head * attention->weights->head_dim;
  float maximum = -INFINITY, sum = 0.0f, factor;

  for (guint key = 0; key < region->n_tokens; key += region->key_block) {
    guint n_keys = block_keys (region, key);

    score (attention, region, head, worker, row, 1, key, n_keys);
    memcpy (weights + key, worker->scores, n_keys * sizeof (float));
    kernel->softmax (worker->scores, n_keys, &maximum, &sum, &factor);
  }
  /* By blocks, as above, with the maximum of all. */
  for (guint key = 0; key < region->n_tokens; key += region->key_block) {
    guint n_keys = block_keys (region, key);
    float most = maximum, ignored = 0.0f;

    memcpy (worker->scores, weights + key, n_keys * sizeof (float));
    kernel->softmax (worker->scores, n_keys, &most, &ignored, &factor);
    memcpy (weights + key, worker->scores, n_keys * sizeof (float));
  }
  kernel->scale (weights, region->n_tokens, 1.0f / sum);
}
