/* SPDX-License-Identifier: MIT */
#include "encoder/encoder_range.h"

#include <math.h>

/* Of what no norm follows. */
#define MAX_NUMBER 1e37

/* The longest row that a map makes of one of this length. */
static double
map (const VitLinear *linear, double length)
{
  return sqrt (linear->weight_squares) * length + sqrt (linear->bias_squares);
}

/* The longest row of `width` values that a norm, over each `n` of them, makes. */
static double
normed (const VitEncoderNorm *norm, gsize width)
{
  double most = norm->weight ? 0.0 : 1.0, bias = 0.0;

  for (gsize i = 0; i < norm->n && norm->weight; i++)
    most = MAX (most, fabs ((double) norm->weight[i]));
  for (gsize i = 0; i < norm->n && norm->bias; i++)
    bias = MAX (bias, fabs ((double) norm->bias[i]));
  return (most + bias) * sqrt ((double) width);
}

static gboolean
check (guint block, double length, double limit, GError **error)
{
  if (length <= limit)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_VALUE,
      "weights of block %u, with the norms and scales beside them, may make "
      "numbers of up to %.2g; expected at most %.2g, as float32 can go on with",
      block, length, limit);
  return FALSE;
}

/* What a block may add to a token; its own numbers are checked on the way. */
static gboolean
check_block (const VitEncoderWeights *weights, guint i, double *added,
    GError **error)
{
  const VitEncoderBlock *block = &weights->blocks[i];
  double in = sqrt ((double) weights->embed_dim);
  double query = map (&block->query, in), key = map (&block->key, in);
  double value = map (&block->value, in), up = map (&block->up, in);
  double hidden = weights->gated ? up * up : up, attention = value;
  double width = weights->attention_dim;

  if (!check (i, MAX (query, key), VIT_ENCODER_MAX_LENGTH, error)
      || !check (i, value, VIT_ENCODER_MAX_LENGTH, error)
      || !check (i, MAX (up, hidden), VIT_ENCODER_MAX_LENGTH, error))
    return FALSE;
  if (block->query_norm.n)
    query = normed (&block->query_norm, (gsize) width);
  if (block->key_norm.n)
    key = normed (&block->key_norm, (gsize) width);
  if (block->attention_norm.n)
    attention = sqrt (width);
  if (block->mlp_norm.n)
    hidden = sqrt ((double) weights->hidden);
  *added = map (&block->projection, attention) + map (&block->down, hidden);
  return check (i, query * key, MAX_NUMBER, error);
}

static gboolean
check_head (const VitEncoderWeights *weights, const VitEncoderHead *head,
    double length, GError **error)
{
  if (head->norm.n)
    length = normed (&head->norm, head->norm.n);
  if (head->linear.n_channels)
    length = map (&head->linear, length);
  return check (weights->depth, length, MAX_NUMBER, error);
}

/* The longest vector that the pool makes of rows that long. */
static double
pooled (const VitAttentionPool *pool, double length)
{
  double y = map (&pool->projection, map (&pool->value, length));

  if (!pool->mlp_norm.n)
    return y;
  return y
         + map (&pool->down,
             map (&pool->up, normed (&pool->mlp_norm, pool->mlp_norm.n)));
}

gboolean
vit_encoder_check_range (const VitEncoderWeights *weights, GError **error)
{
  const VitAttentionPool *pool = &weights->attention_pool;
  double length = 0.0, features;

  for (guint i = 0; i < weights->depth; i++) {
    double added;

    if (!check_block (weights, i, &added, error))
      return FALSE;
    length += added;
    if (!check (i, length, VIT_ENCODER_MAX_LENGTH, error))
      return FALSE;
  }
  features = weights->final_norm.n
                 ? normed (&weights->final_norm, weights->embed_dim)
                 : length;
  length = MAX (features, length);
  if (pool->n_heads) {
    double row = pool->input_norm.n ? sqrt ((double) weights->embed_dim)
                                    : length;

    if (!check (weights->depth, map (&pool->scores, row), MAX_NUMBER, error))
      return FALSE;
    length = MAX (length, pooled (pool, row));
    if (!check (weights->depth, length, VIT_ENCODER_MAX_LENGTH, error))
      return FALSE;
  }
  return check_head (weights, &weights->embedding, 2.0 * length, error)
         && check_head (weights, &weights->logits[0], 2.0 * length, error)
         && check_head (weights, &weights->logits[1], 2.0 * length, error);
}
