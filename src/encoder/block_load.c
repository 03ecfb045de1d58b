/* SPDX-License-Identifier: MIT */
#include "encoder/block_load.h"

#include <math.h>
#include <string.h>

#include "encoder/row_reader.h"
#include "base/refuse.h"

/* The vectors of a block that go into its maps; NULL where there is none. */
typedef struct {
  float *norm1_weight;
  float *norm1_bias;
  float *attention_weight;
  float *attention_bias;
  float *scale1;
  float *norm2_weight;
  float *norm2_bias;
  float *mlp_weight;
  float *mlp_bias;
  float *scale2;
} Vectors;

double
vit_encoder_query_scale (guint head_dim)
{
  return M_LOG2E / sqrt (head_dim);
}

static gboolean
read_one (const VitStage *stage, const VitTensor *tensor, float **vector,
    GError **error)
{
  *vector = vit_read_vector (stage, tensor, error);
  return *vector || !tensor;
}

static gboolean
read_vectors (Vectors *vectors, const VitStage *stage,
    const VitPartTensors *parts, GError **error)
{
  const VitPartTensors *norm1 = &parts[VIT_PART_NORM1];
  const VitPartTensors *attention = &parts[VIT_PART_ATTENTION_NORM];
  const VitPartTensors *norm2 = &parts[VIT_PART_NORM2];
  const VitPartTensors *mlp = &parts[VIT_PART_MLP_NORM];

  memset (vectors, 0, sizeof *vectors);
  return read_one (stage, norm1->weight, &vectors->norm1_weight, error)
         && read_one (stage, norm1->bias, &vectors->norm1_bias, error)
         && read_one (
             stage, attention->weight, &vectors->attention_weight, error)
         && read_one (stage, attention->bias, &vectors->attention_bias, error)
         && read_one (stage, parts[VIT_PART_SCALE1].weight, &vectors->scale1,
             error)
         && read_one (stage, norm2->weight, &vectors->norm2_weight, error)
         && read_one (stage, norm2->bias, &vectors->norm2_bias, error)
         && read_one (stage, mlp->weight, &vectors->mlp_weight, error)
         && read_one (stage, mlp->bias, &vectors->mlp_bias, error)
         && read_one (
             stage, parts[VIT_PART_SCALE2].weight, &vectors->scale2, error);
}

static void
clear_vectors (Vectors *vectors)
{
  g_free (vectors->norm1_weight);
  g_free (vectors->norm1_bias);
  g_free (vectors->attention_weight);
  g_free (vectors->attention_bias);
  g_free (vectors->scale1);
  g_free (vectors->norm2_weight);
  g_free (vectors->norm2_bias);
  g_free (vectors->mlp_weight);
  g_free (vectors->mlp_bias);
  g_free (vectors->scale2);
}

/* A norm of queries or keys, in the order of the permuted channels and with what
 * is folded into it. */
static gboolean
load_head_norm (VitEncoderNorm *norm, const VitEncoderWeights *weights,
    const VitStage *stage, const VitPartTensors *part, double epsilon,
    double scale, GError **error)
{
  gboolean interleaved = vit_rope_is_interleaved (weights->choices.rope.rule);
  float **vectors[] = { &norm->weight, &norm->bias };

  if (!part->weight)
    return TRUE;
  norm->kind = part->bias ? VIT_NORM_LAYER : VIT_NORM_RMS;
  norm->epsilon = (float) epsilon;
  norm->n = (gsize) part->weight->shape[0];
  for (guint i = 0; i < 2; i++) {
    const VitTensor *tensor = i == 0 ? part->weight : part->bias;
    g_autofree float *values = NULL;

    if (!read_one (stage, tensor, &values, error))
      return FALSE;
    if (!values)
      continue;
    *vectors[i] = g_new (float, norm->n);
    for (guint d = 0; d < norm->n; d++)
      (*vectors[i])[interleaved ? vit_deinterleaved (d, weights->head_dim) : d]
          = (float) (values[d] * scale);
  }
  return TRUE;
}

/* One of the three maps of the attention: `which` 0, 1, 2. */
static gboolean
load_third (VitLinear *linear, const VitEncoderWeights *weights,
    const VitStage *stage, const VitBlockTensors *tensors, guint which,
    const VitFold *fold, GError **error)
{
  const VitPartTensors *joint = &tensors->parts[VIT_PART_QKV];
  const VitPartTensors *own = &tensors->parts[VIT_PART_QUERY + which];
  guint a = weights->attention_dim;
  VitRows rows = { own->weight, 0, own->bias, 0 };

  if (joint->weight) {
    rows.weight = joint->weight;
    rows.first = (guint64) which * a;
    rows.bias = joint->bias;
    rows.first_bias = rows.first;
    if (!joint->bias && which != 1) {
      rows.bias = which == 0 ? tensors->query_bias : tensors->value_bias;
      rows.first_bias = 0;
    }
  }
  return vit_linear_init (linear, a, weights->embed_dim, VIT_LINEAR_WHOLE,
             weights->kernel, error)
         && vit_rows_load (stage, &rows, a, fold, linear, 0, error);
}

static gboolean
load_attention (VitEncoderBlock *block, const VitEncoderWeights *weights,
    const VitStage *stage, const VitEncoderPlan *plan,
    const VitBlockTensors *tensors, const Vectors *vectors, GError **error)
{
  const VitPartTensors *parts = tensors->parts;
  gboolean rotary = weights->choices.rope.rule != VIT_ROPE_NONE;
  gboolean query_norm = parts[VIT_PART_QUERY_NORM].weight != NULL;
  gboolean key_norm = parts[VIT_PART_KEY_NORM].weight != NULL;
  double scale = vit_encoder_query_scale (weights->head_dim);
  VitFold fold = { .in_weight = vectors->norm1_weight,
    .in_bias = vectors->norm1_bias };
  VitFold out = { .in_weight = vectors->attention_weight,
    .in_bias = vectors->attention_bias,
    .out_scale = vectors->scale1 };
  VitRows projection = { parts[VIT_PART_PROJECTION].weight, 0,
    parts[VIT_PART_PROJECTION].bias, 0 };

  if (vit_rope_is_interleaved (weights->choices.rope.rule))
    fold.interleaved_heads = weights->head_dim;
  fold.scale = query_norm ? 1.0 : scale;
  if (!load_third (&block->query, weights, stage, tensors, 0, &fold, error))
    return FALSE;
  fold.scale = 1.0;
  /* A bias of all keys adds the same to all scores of a query. */
  fold.without_bias = !rotary && !key_norm;
  if (!load_third (&block->key, weights, stage, tensors, 1, &fold, error))
    return FALSE;
  fold.without_bias = FALSE;
  fold.interleaved_heads = 0;
  if (!load_third (&block->value, weights, stage, tensors, 2, &fold, error)
      || !load_head_norm (&block->query_norm, weights, stage,
          &parts[VIT_PART_QUERY_NORM], plan->query_norm_epsilon, scale, error)
      || !load_head_norm (&block->key_norm, weights, stage,
          &parts[VIT_PART_KEY_NORM], plan->query_norm_epsilon, 1.0, error))
    return FALSE;
  return vit_linear_init (&block->projection, weights->embed_dim,
             weights->attention_dim, VIT_LINEAR_WHOLE, weights->kernel, error)
         && vit_rows_load (stage, &projection, weights->embed_dim, &out,
             &block->projection, 0, error);
}

static gboolean
load_mlp (VitEncoderBlock *block, const VitEncoderWeights *weights,
    const VitStage *stage, const VitPartTensors *parts, const Vectors *vectors,
    gboolean packed, GError **error)
{
  guint h = weights->hidden, d = weights->embed_dim;
  guint offset = weights->gated ? vit_encoder_up_offset (h) : 0;
  VitFold in = { .in_weight = vectors->norm2_weight,
    .in_bias = vectors->norm2_bias };
  VitFold out = { .in_weight = vectors->mlp_weight,
    .in_bias = vectors->mlp_bias,
    .out_scale = vectors->scale2 };
  VitRows up = { parts[VIT_PART_UP].weight, 0, parts[VIT_PART_UP].bias, 0 };
  VitRows gate = { parts[VIT_PART_GATE].weight, 0, parts[VIT_PART_GATE].bias, 0 };
  VitRows down = { parts[VIT_PART_DOWN].weight, 0, parts[VIT_PART_DOWN].bias, 0 };

  if (packed) {
    gate = up;
    up.first = up.first_bias = h;
  }
  return vit_linear_init (&block->up, offset + h, d, VIT_LINEAR_WHOLE,
             weights->kernel, error)
         && (!weights->gated
             || vit_rows_load (stage, &gate, h, &in, &block->up, 0, error))
         && vit_rows_load (stage, &up, h, &in, &block->up, offset, error)
         && vit_linear_init (
             &block->down, d, h, VIT_ENCODER_CHUNK, weights->kernel, error)
         && vit_rows_load (stage, &down, d, &out, &block->down, 0, error);
}

static void
set_folded_norm (VitEncoderNorm *norm, const VitEncoderPlan *plan,
    const VitPartTensors *part, guint n)
{
  if (!part->weight)
    return;
  norm->n = n;
  norm->kind = plan->rms || !part->bias ? VIT_NORM_RMS : VIT_NORM_LAYER;
  norm->epsilon = (float) plan->epsilon;
}

gboolean
vit_encoder_block_load (VitEncoderBlock *block,
    const VitEncoderWeights *weights, const VitStage *stage,
    const VitEncoderPlan *plan, const VitEncoderTensors *tensors, guint i,
    GError **error)
{
  const VitBlockTensors *own = &tensors->blocks[i];
  Vectors vectors;
  gboolean done;

  set_folded_norm (&block->attention_norm, plan,
      &own->parts[VIT_PART_ATTENTION_NORM], weights->attention_dim);
  set_folded_norm (&block->mlp_norm, plan, &own->parts[VIT_PART_MLP_NORM],
      weights->hidden);
  done = read_vectors (&vectors, stage, own->parts, error)
         && load_attention (block, weights, stage, plan, own, &vectors, error)
         && load_mlp (block, weights, stage, own->parts, &vectors,
             tensors->packed, error);
  clear_vectors (&vectors);
  return done;
}

void
vit_encoder_block_clear (VitEncoderBlock *block)
{
  vit_linear_clear (&block->query);
  vit_linear_clear (&block->key);
  vit_linear_clear (&block->value);
  vit_encoder_norm_clear (&block->query_norm);
  vit_encoder_norm_clear (&block->key_norm);
  vit_linear_clear (&block->projection);
  vit_linear_clear (&block->up);
  vit_linear_clear (&block->down);
}

guint64
vit_encoder_blocks_size (
    const VitEncoderTensors *tensors, guint d, guint64 *n_values)
{
  guint a = tensors->attention_dim, h = tensors->hidden;
  guint up = tensors->gated ? vit_encoder_up_offset (h) + h : h;
  /* Within the limits of encoder_weights.h none of these is near 2^57. */
  guint64 block = 3 * vit_linear_size (a, d) + vit_linear_size (d, a)
                  + vit_linear_size (up, d) + vit_linear_size (d, h);

  *n_values = tensors->depth
              * (4 * (guint64) a * d + (guint64) up * d + (guint64) d * h);
  return block * tensors->depth;
}

gboolean
vit_encoder_norm_load (VitEncoderNorm *norm, const VitStage *stage,
    const char *name, guint64 n, gboolean rms, double epsilon, GError **error)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);
  const VitTensor *weight = vit_require_tensor (stage, weight_name, error);
  const VitTensor *bias = NULL;

  if (!weight)
    return FALSE;
  if (vit_checkpoint_has (stage->checkpoint, bias_name)) {
    bias = vit_checkpoint_find (stage->checkpoint, bias_name, error);
    if (!bias)
      return FALSE;
  }
  if (n == 0 && weight->rank == 1)
    n = MIN (weight->shape[0], VIT_ENCODER_MAX_WIDTH);
  if (!vit_encoder_check_shape (stage, weight, n, 0, error)
      || (bias && !vit_encoder_check_shape (stage, bias, n, 0, error)))
    return FALSE;
  norm->kind = rms || !bias ? VIT_NORM_RMS : VIT_NORM_LAYER;
  norm->epsilon = (float) epsilon;
  norm->n = (gsize) n;
  return read_one (stage, weight, &norm->weight, error)
         && read_one (stage, bias, &norm->bias, error);
}

void
vit_encoder_norm_clear (VitEncoderNorm *norm)
{
  g_free (norm->weight);
  g_free (norm->bias);
  norm->weight = norm->bias = NULL;
}
