/* SPDX-License-Identifier: MIT */
#include "encoder/head_load.h"

#include <string.h>

#include "encoder/block_load.h"
#include "encoder/block_tensors.h"
#include "encoder/query_pool_load.h"
#include "encoder/row_reader.h"

static void
take_column (gpointer data, guint row, const float *values)
{
  vit_linear_set_column (data, row, values);
}

/* [n_terms][n_channels], without a bias. */
static gboolean
load_transposed (VitEncoderHead *head, VitEncoderWeights *weights,
    const VitStage *stage, const char *name, guint n_terms, GError **error)
{
  const VitTensor *tensor = vit_require_tensor (stage, name, error);
  VitRows rows = { tensor, 0, NULL, 0 };

  if (!tensor)
    return FALSE;
  if (tensor->rank != 2 || tensor->shape[0] != n_terms || tensor->shape[1] == 0
      || tensor->shape[1] > VIT_ENCODER_MAX_HIDDEN)
    return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
        "but a projection of %u channels is [%u,1 to %d]", n_terms, n_terms,
        VIT_ENCODER_MAX_HIDDEN);
  return vit_linear_init (&head->linear, (guint) tensor->shape[1], n_terms,
             VIT_LINEAR_WHOLE, weights->kernel, error)
         && vit_rows_each (
             stage, &rows, n_terms, take_column, &head->linear, error);
}

static gboolean
load_linear (VitEncoderHead *head, VitEncoderWeights *weights,
    const VitStage *stage, const char *name, GError **error)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);
  VitRows rows = { vit_require_tensor (stage, weight_name, error), 0, NULL, 0 };
  VitFold fold = { 0 };
  guint n_terms;
  guint64 n;

  if (!rows.weight)
    return FALSE;
  if (vit_checkpoint_has (stage->checkpoint, bias_name)
      && !(rows.bias = vit_require_tensor (stage, bias_name, error)))
    return FALSE;
  n = rows.weight->shape[0];
  if (rows.weight->rank != 2 || n == 0 || n > VIT_ENCODER_MAX_HIDDEN)
    return vit_stage_refuse (stage, rows.weight, VIT_ERROR_TENSOR, error,
        "but a map of 1 to %d channels is expected", VIT_ENCODER_MAX_HIDDEN);
  /* DINOv2's classifier takes two vectors, others of its name one. */
  if (head->pool == VIT_POOL_CLASS_MEAN
      && rows.weight->shape[1] == weights->embed_dim)
    head->pool = VIT_POOL_TOKEN;
  n_terms = vit_encoder_weights_pooled_dim (weights, head);
  return vit_encoder_check_shape (stage, rows.weight, n, n_terms, error)
         && (!rows.bias
             || vit_encoder_check_shape (stage, rows.bias, n, 0, error))
         && vit_linear_init (&head->linear, (guint) n, n_terms,
             VIT_LINEAR_WHOLE, weights->kernel, error)
         && vit_rows_load (
             stage, &rows, (guint) n, &fold, &head->linear, 0, error);
}

static gboolean
load_head (VitEncoderHead *head, VitEncoderWeights *weights,
    const VitStage *stage, const VitEncoderPlan *plan,
    const VitHeadPlan *head_plan, GError **error)
{
  guint n;

  head->pool = head_plan->pool;
  head->n = head_plan->n;
  head->raw = head_plan->raw;
  if (head->pool == VIT_POOL_NONE)
    return TRUE;
  n = vit_encoder_weights_pooled_dim (weights, head);
  if (head_plan->norm
      && !vit_encoder_norm_load (&head->norm, stage, head_plan->norm, n, FALSE,
          plan->epsilon, error))
    return FALSE;
  if (!head_plan->linear)
    return TRUE;
  if (head_plan->transposed)
    return load_transposed (
        head, weights, stage, head_plan->linear, n, error);
  return load_linear (head, weights, stage, head_plan->linear, error);
}

gboolean
vit_encoder_heads_load (VitEncoderWeights *weights, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  weights->inner_layers_normed = plan->inner_layers_normed;
  if (plan->final_norm
      && !vit_encoder_norm_load (&weights->final_norm, stage, plan->final_norm,
          weights->embed_dim, FALSE, plan->epsilon, error))
    return FALSE;
  if (plan->query != VIT_QUERY_NONE
      && !vit_query_pool_load (weights, stage, plan, error))
    return FALSE;
  if (!load_head (&weights->embedding, weights, stage, plan, &plan->embedding,
          error))
    return FALSE;
  for (guint i = 0; i < plan->n_logits; i++)
    if (!load_head (&weights->logits[i], weights, stage, plan,
            &plan->logits[i], error))
      return FALSE;
  if (plan->n_logits == 2
      && weights->logits[0].linear.n_channels
             != weights->logits[1].linear.n_channels)
    return vit_encoder_plan_refuse (
        stage, "its two classifiers have different numbers of classes", error);
  weights->n_logits = plan->n_logits;
  return TRUE;
}

static void
head_clear (VitEncoderHead *head)
{
  vit_encoder_norm_clear (&head->norm);
  vit_linear_clear (&head->linear);
}

void
vit_encoder_heads_clear (VitEncoderWeights *weights)
{
  vit_encoder_norm_clear (&weights->final_norm);
  vit_query_pool_clear (&weights->attention_pool);
  head_clear (&weights->embedding);
  head_clear (&weights->logits[0]);
  head_clear (&weights->logits[1]);
}
