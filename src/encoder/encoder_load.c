/* SPDX-License-Identifier: MIT
 *
 * A checkpoint becomes VitEncoderWeights: its tensors are found and measured,
 * then memory is taken for the folded maps alone, and each tensor is read into
 * them.
 */
#include "encoder/encoder_weights.h"

#include <string.h>

#include "base/refuse.h"
#include "encoder/block_load.h"
#include "encoder/class_names.h"
#include "encoder/encoder_beside.h"
#include "encoder/encoder_range.h"
#include "encoder/head_load.h"
#include "encoder/joint_space.h"
#include "files/hub_name.h"
#include "model/model.h"
#include "model/model_files.h"
#include "model/model_share.h"

/* Panels are as wide as a kernel's tile.  Of maps of fewer channels than that a
 * file could have many, and make them take many times its length. */
#define MAX_PADDING 4
#define SPARE ((guint64) 16 << 20)

static void
weights_clear (gpointer data)
{
  VitEncoderWeights *weights = data;

  for (guint i = 0; i < weights->depth && weights->blocks; i++)
    vit_encoder_block_clear (&weights->blocks[i]);
  g_free (weights->blocks);
  vit_encoder_heads_clear (weights);
  g_strfreev (weights->class_names);
  g_free (weights->choices.reason);
  g_free (weights->id);
  g_strfreev (weights->files);
  g_clear_pointer (&weights->file_states, g_array_unref);
}

VitEncoderWeights *
vit_encoder_weights_ref (VitEncoderWeights *weights)
{
  return g_atomic_rc_box_acquire (weights);
}

void
vit_encoder_weights_unref (VitEncoderWeights *weights)
{
  if (weights)
    vit_model_share_release (weights, weights_clear);
}

/* The base that the rule has in all models with it. */
static double
usual_base (VitRopeRule rule)
{
  return rule == VIT_ROPE_DINOV3 || rule == VIT_ROPE_ROPE_VIT ? 100.0 : 1e4;
}

static gboolean
is_pe (VitRopeRule rule)
{
  return rule == VIT_ROPE_PE || rule == VIT_ROPE_PE_GRID;
}

static gboolean
override_rope (VitEncoderPlan *plan, const VitStage *stage, VitRopeRule rule,
    GError **error)
{
  if (rule == VIT_ROPE_AUTO)
    return TRUE;
  if (rule == VIT_ROPE_PE && plan->rope.reference == 0.0)
    return vit_refuse (error, VIT_ERROR_SETTING,
        vit_checkpoint_path (stage->checkpoint), NULL,
        "rope-rule is pe, but nothing says on what grid it was trained");
  if (rule != plan->rope.rule && !(is_pe (rule) && is_pe (plan->rope.rule)))
    plan->rope.base = usual_base (rule);
  plan->rope.rule = rule;
  plan->rope.offset = stage->n_prefix_tokens > 0;
  vit_plan_note (
      plan, "set", "rotary positions %s", vit_rope_rule_name (rule));
  return TRUE;
}

static gboolean
decide (VitEncoderPlan *plan, const VitStage *stage,
    const VitEncoderOverrides *overrides, GError **error)
{
  if (!vit_encoder_plan_init (plan, stage, error))
    return FALSE;
  if (!overrides)
    return TRUE;
  if (overrides->activation != VIT_ACTIVATION_AUTO) {
    plan->activation = plan->gated_activation = overrides->activation;
    vit_plan_note (plan, "set", "activation %s",
        vit_activation_name (overrides->activation));
  }
  return override_rope (plan, stage, overrides->rope, error);
}

static void
name_files (
    VitEncoderWeights *weights, const VitStage *stage, const VitModel *model)
{
  weights->id = g_strdup (model->id);
  memcpy (weights->digest, model->digest, sizeof weights->digest);
  weights->file_states = vit_file_states_new ();
  vit_checkpoint_add_files (stage->checkpoint, weights->file_states);
  vit_file_states_add_all (weights->file_states, stage->config->files);
  weights->files = g_new0 (char *, weights->file_states->len + 1);
  for (guint i = 0; i < weights->file_states->len; i++)
    weights->files[i] = g_strdup (
        g_array_index (weights->file_states, VitFileState, i).path);
}

static gboolean
has_class_token (const VitStage *stage)
{
  const VitPrefixTensor *prefix = stage->tower.layout->prefix;

  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (stage->n_prefix[i] > 0)
      return strcmp (prefix[i].kind, "cls") == 0;
  return FALSE;
}

static void
set_sizes (VitEncoderWeights *weights, const VitStage *stage,
    VitEncoderPlan *plan, const VitEncoderTensors *tensors)
{
  const VitPartTensors *norm = &tensors->blocks[0].parts[VIT_PART_NORM1];
  VitEncoderChoices *choices = &weights->choices;

  weights->patch_size = stage->patch_size;
  weights->embed_dim = stage->embed_dim;
  weights->n_prefix_tokens = stage->n_prefix_tokens;
  weights->has_class_token = has_class_token (stage);
  weights->depth = tensors->depth;
  weights->attention_dim = tensors->attention_dim;
  weights->head_dim = tensors->attention_dim / plan->n_heads;
  weights->hidden = tensors->hidden;
  weights->gated = tensors->gated;
  weights->kernel = vit_kernel_choose_f32 (vit_cpu_mask ());
  choices->n_heads = plan->n_heads;
  choices->epsilon = plan->epsilon;
  choices->norm = plan->rms || !norm->bias ? VIT_NORM_RMS : VIT_NORM_LAYER;
  choices->activation = plan->activation;
  if (tensors->gated && plan->gated_activation != VIT_ACTIVATION_AUTO
      && plan->gated_activation != plan->activation) {
    choices->activation = plan->gated_activation;
    vit_plan_note (plan, "its MLP has a gate", "activation %s",
        vit_activation_name (choices->activation));
  }
  choices->rope = plan->rope;
}

static gboolean
fill (VitEncoderWeights *weights, const VitStage *stage,
    const VitEncoderPlan *plan, const VitEncoderTensors *tensors,
    GError **error)
{
  guint64 size, n_values;

  size = vit_encoder_blocks_size (tensors, stage->embed_dim, &n_values);
  if (size > VIT_ENCODER_MAX_BYTES || size / MAX_PADDING > n_values * 4 + SPARE)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
        vit_checkpoint_path (stage->checkpoint), NULL,
        "%u blocks of %u and %u channels take %" G_GUINT64_FORMAT
        " MB; expected less, of as many channels as a model has",
        tensors->depth, tensors->attention_dim, tensors->hidden, size >> 20);
  weights->blocks = g_new0 (VitEncoderBlock, weights->depth);
  for (guint i = 0; i < weights->depth; i++)
    if (!vit_encoder_block_load (
            &weights->blocks[i], weights, stage, plan, tensors, i, error))
      return FALSE;
  if (!vit_encoder_heads_load (weights, stage, plan, error)
      || !vit_joint_space_load (&weights->joint, stage, plan, error)
      || !vit_checkpoint_check_unchanged (stage->checkpoint, error))
    return FALSE;
  if (vit_encoder_check_range (weights, error))
    return TRUE;
  g_prefix_error (error, "%s: ", vit_checkpoint_path (stage->checkpoint));
  return FALSE;
}

static VitEncoderWeights *
build (const VitStage *stage, VitEncoderPlan *plan,
    const VitEncoderTensors *tensors, const VitModel *model, GError **error)
{
  VitEncoderWeights *weights = g_atomic_rc_box_new0 (VitEncoderWeights);

  set_sizes (weights, stage, plan, tensors);
  if (fill (weights, stage, plan, tensors, error)) {
    weights->choices.reason
        = g_string_free (g_steal_pointer (&plan->reason), FALSE);
    weights->class_names = vit_class_names (
        stage->config, vit_encoder_weights_n_classes (weights));
    weights->logits_meaning = vit_logits_meaning (stage->config,
        vit_encoder_weights_n_classes (weights), weights->class_names != NULL);
    name_files (weights, stage, model);
    return weights;
  }
  vit_encoder_weights_unref (weights);
  return NULL;
}

static VitEncoderWeights *
load_stage (const VitStage *stage, const VitEncoderOverrides *overrides,
    VitModelFiles *files, const VitModel *model, GError **error)
{
  VitEncoderWeights *weights = NULL;
  VitEncoderTensors tensors = { 0 };
  VitEncoderPlan plan = { 0 };

  if (decide (&plan, stage, overrides, error)
      && vit_encoder_tensors_locate (&tensors, stage, error)
      && (!plan.missing || vit_encoder_plan_refuse (stage, plan.missing, error))
      && vit_encoder_tensors_find (&tensors, stage, &plan, error)
      && vit_encoder_check_beside (stage, &plan, files, error))
    weights = build (stage, &plan, &tensors, model, error);
  vit_encoder_tensors_clear (&tensors);
  vit_encoder_plan_clear (&plan);
  return weights;
}

VitEncoderWeights *
vit_encoder_weights_load (const char *path, const char *prefix,
    const VitEncoderOverrides *overrides, GError **error)
{
  VitModelFiles files;
  VitEncoderWeights *weights = NULL;
  VitStage stage = { 0 };
  g_autofree char *snapshot = vit_hub_resolve (path, error);
  /* What it refuses makes no tokens to be encoded.  It is in use, most often. */
  VitModel *model = snapshot ? vit_model_share (snapshot, prefix, error) : NULL;

  if (!model)
    return NULL;
  path = snapshot;
  if (vit_model_files_find (path, &files, error)) {
    stage.config = files.config;
    stage.checkpoint = vit_checkpoint_open (files.weights, error);
  }
  if (stage.checkpoint && vit_stage_measure (&stage, prefix, error))
    weights = load_stage (&stage, overrides, &files, model, error);
  vit_model_unref (model);
  vit_stage_clear (&stage);
  vit_checkpoint_close (stage.checkpoint);
  vit_model_files_clear (&files);
  return weights;
}

guint
vit_encoder_weights_pooled_dim (
    const VitEncoderWeights *weights, const VitEncoderHead *head)
{
  switch (head->pool) {
    case VIT_POOL_NONE:
      return 0;
    case VIT_POOL_CLASS_MEAN:
      return 2 * weights->embed_dim;
    case VIT_POOL_ATTENTION:
      return weights->attention_pool.projection.n_channels;
    case VIT_POOL_EMBEDDING:
      return vit_encoder_weights_pooled_dim (weights, &weights->embedding);
    default:
      return weights->embed_dim;
  }
}

guint
vit_encoder_weights_embedding_dim (const VitEncoderWeights *weights)
{
  const VitEncoderHead *head = &weights->embedding;

  return head->linear.n_channels
             ? head->linear.n_channels
             : vit_encoder_weights_pooled_dim (weights, head);
}

guint
vit_encoder_weights_n_classes (const VitEncoderWeights *weights)
{
  return weights->n_logits ? weights->logits[0].linear.n_channels : 0;
}

guint
vit_encoder_weights_joint_dim (const VitEncoderWeights *weights)
{
  switch (weights->joint.vector) {
    case VIT_JOINT_EMBEDDING:
      return vit_encoder_weights_embedding_dim (weights);
    case VIT_JOINT_LOGITS:
      return vit_encoder_weights_n_classes (weights);
    default:
      return 0;
  }
}
