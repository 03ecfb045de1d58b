/* SPDX-License-Identifier: MIT
 *
 * The families of Hugging Face's transformers: one row each, with the defaults of
 * its config class, which config.json may leave out.
 */
#include "encoder/encoder_plan.h"

#include <string.h>

/* Where a family's own final norm goes. */
typedef enum {
  NORM_ALL,       /* over all tokens: the features */
  NORM_EMBEDDING, /* over the pooled vector alone; features are raw */
  NORM_BOTH,      /* over all tokens, and once more over the pooled vector */
  NORM_POOLED,    /* see plan_mean_pooling() */
  NORM_NONE,
} NormPlace;

typedef struct {
  const char *types[8];
  const char *layouts[2]; /* that stand for it where no config names one */
  guint n_heads;
  double epsilon;
  VitActivation activation;
  NormPlace norm;
  VitPool embedding;
  VitPool classifier; /* NONE: on the embedding */
  gboolean rotary;
  gboolean joint; /* its embedding lies in one space with texts */
} Row;

static const Row rows[] = {
  { { "vit" }, { "hf-vit" }, 12, 1e-12, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_TOKEN },
  { { "deit" }, { "hf-deit" }, 12, 1e-12, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_TOKEN },
  { { "vit_mae" }, { NULL }, 12, 1e-12, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_MEAN_PATCHES },
  { { "vit_msn" }, { NULL }, 12, 1e-6, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_TOKEN },
  { { "ijepa" }, { "hf-ijepa" }, 12, 1e-12, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_MEAN_PATCHES },
  { { "beit" }, { NULL }, 12, 1e-12, VIT_ACTIVATION_GELU, NORM_POOLED,
      VIT_POOL_TOKEN },
  { { "dinov2", "dinov2_with_registers" },
      { "hf-dinov2", "hf-dinov2-with-registers" }, 12, 1e-6,
      VIT_ACTIVATION_GELU, NORM_ALL, VIT_POOL_TOKEN, VIT_POOL_CLASS_MEAN },
  { { "tipsv2", "tipsv2_vision_model" }, { NULL }, 12, 1e-6,
      VIT_ACTIVATION_GELU, NORM_ALL, VIT_POOL_TOKEN, VIT_POOL_CLASS_MEAN,
      .joint = TRUE },
  { { "depth_anything" }, { NULL }, 6, 1e-6, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_NONE },
  { { "dinov3_vit" }, { "hf-dinov3" }, 6, 1e-5, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_TOKEN, VIT_POOL_CLASS_MEAN, TRUE },
  { { "eomt" }, { NULL }, 16, 1e-6, VIT_ACTIVATION_GELU, NORM_NONE,
      VIT_POOL_NONE },
  { { "eomt_dinov3" }, { NULL }, 16, 1e-6, VIT_ACTIVATION_GELU, NORM_NONE,
      VIT_POOL_NONE, VIT_POOL_NONE, TRUE },
  { { "clip", "clip_vision_model", "metaclip_2", "metaclip_2_vision_model",
        "chinese_clip", "chinese_clip_vision_model", "clipseg",
        "clipseg_vision_model" },
      { "hf-clip" }, 12, 1e-5, VIT_ACTIVATION_QUICK_GELU, NORM_EMBEDDING,
      VIT_POOL_TOKEN, VIT_POOL_MEAN_PATCHES, .joint = TRUE },
  { { "llava" }, { NULL }, 16, 1e-5, VIT_ACTIVATION_QUICK_GELU, NORM_NONE,
      VIT_POOL_NONE },
  { { "owlvit", "owlvit_vision_model", "owlv2", "owlv2_vision_model" },
      { "hf-owlvit" }, 12, 1e-5, VIT_ACTIVATION_QUICK_GELU, NORM_EMBEDDING,
      VIT_POOL_TOKEN, .joint = TRUE },
  { { "siglip", "siglip_vision_model", "siglip2", "siglip2_vision_model" },
      { "hf-siglip", "hf-siglip2" }, 12, 1e-6, VIT_ACTIVATION_GELU_TANH,
      NORM_ALL, VIT_POOL_ATTENTION, VIT_POOL_MEAN_PATCHES, .joint = TRUE },
  { { "paligemma" }, { NULL }, 16, 1e-6, VIT_ACTIVATION_GELU_TANH, NORM_ALL,
      VIT_POOL_NONE },
  { { "aimv2", "aimv2_vision_model" }, { "hf-aimv2", "hf-aimv2-native" }, 8,
      1e-5, VIT_ACTIVATION_SILU, NORM_ALL, VIT_POOL_ATTENTION, .joint = TRUE },
  { { "internvl", "internvl_vision" }, { NULL }, 16, 1e-6, VIT_ACTIVATION_GELU,
      NORM_POOLED, VIT_POOL_NONE },
  { { "pixio" }, { NULL }, 16, 1e-6, VIT_ACTIVATION_GELU, NORM_ALL,
      VIT_POOL_MEAN_PREFIX },
  { { "blip", "blip_vision_model" }, { "hf-blip" }, 12, 1e-5,
      VIT_ACTIVATION_GELU, NORM_BOTH, VIT_POOL_TOKEN, .joint = TRUE },
};

static const char *const final_norms[]
    = { "layernorm", "norm", "post_layernorm", "rms_norm" };

static const Row *
find_row (const char *type, const char *layout)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    for (guint k = 0; type && k < G_N_ELEMENTS (rows[i].types); k++)
      if (g_strcmp0 (rows[i].types[k], type) == 0)
        return &rows[i];
    for (guint k = 0; !type && k < G_N_ELEMENTS (rows[i].layouts); k++)
      if (g_strcmp0 (rows[i].layouts[k], layout) == 0)
        return &rows[i];
  }
  return NULL;
}

/* The model around the tower, where it uses less of it than the tower's own
 * class does: its row. */
static gboolean
find_parent (const VitStage *stage, const Row **parent, GError **error)
{
  VitSection root = { stage->config->source, stage->config->root };
  const char *type = NULL;

  *parent = NULL;
  if (!root.object)
    return TRUE;
  if (!vit_section_string (&root, "model_type", &type, error))
    return FALSE;
  if (type
      && (strcmp (type, "llava") == 0 || strcmp (type, "paligemma") == 0
          || strcmp (type, "depth_anything") == 0
          || strcmp (type, "internvl") == 0))
    *parent = find_row (type, NULL);
  return TRUE;
}

static gboolean
plan_numbers (VitEncoderPlan *plan, const VitStage *stage, const Row *row,
    const VitSection *section, GError **error)
{
  gboolean known = stage->config->name != NULL;
  const char *otherwise = known ? "the default of its model_type"
                                : "assumed, since no config says";
  g_autofree char *heads = NULL, *epsilon = NULL, *activation = NULL;
  const char *name = NULL;

  plan->epsilon = 0.0;
  if (section->object
      && (!vit_section_size (
              section, "num_attention_heads", 1, &plan->n_heads, error)
          || !vit_section_fraction (
              section, "layer_norm_eps", &plan->epsilon, error)
          || !vit_section_fraction (
              section, "rms_norm_eps", &plan->epsilon, error)
          || !vit_section_string (section, "hidden_act", &name, error)))
    return FALSE;
  heads = vit_plan_source (
      section, "num_attention_heads", plan->n_heads > 0, otherwise);
  if (plan->n_heads == 0 && known)
    plan->n_heads = row->n_heads;
  else if (plan->n_heads == 0 && !vit_plan_assume_heads (plan, stage, error))
    return FALSE;
  epsilon = vit_plan_source (section,
      strcmp (row->types[0], "aimv2") == 0 ? "rms_norm_eps" : "layer_norm_eps",
      plan->epsilon > 0.0, otherwise);
  if (plan->epsilon == 0.0)
    plan->epsilon = row->epsilon;
  activation = vit_plan_source (section, "hidden_act", name != NULL, otherwise);
  plan->activation = row->activation;
  if (name
      && !vit_plan_activation (
          section, "hidden_act", name, &plan->activation, error))
    return FALSE;
  vit_plan_note (plan, heads, "heads %u", plan->n_heads);
  vit_plan_note (plan, epsilon, "epsilon %g", plan->epsilon);
  vit_plan_note (plan, activation, "activation %s",
      vit_activation_name (plan->activation));
  return TRUE;
}

static gboolean
plan_rope (VitEncoderPlan *plan, const VitStage *stage, const Row *row,
    const VitSection *section, GError **error)
{
  g_autofree char *source = NULL;
  VitSection parameters = { 0 };
  json_t *theta = NULL;

  if (!row->rotary)
    return TRUE;
  if (section->object) {
    if (!vit_section_inner (section, "rope_parameters", &parameters, error))
      return FALSE;
    if (parameters.object)
      theta = vit_section_value (&parameters, "rope_theta");
    if (!theta)
      theta = vit_section_value (section, "rope_theta");
    if (theta && !(json_is_number (theta) && json_number_value (theta) > 1.0
            && json_number_value (theta) <= 1e9))
      return vit_section_refuse (
          section, "rope_theta", theta, "a number above 1", error);
  }
  source = vit_plan_source (section, "rope_theta", theta != NULL,
      stage->config->name ? "the default of its model_type" : "assumed");
  plan->rope.rule = VIT_ROPE_DINOV3;
  plan->rope.base = theta ? json_number_value (theta) : 100.0;
  vit_plan_note (plan, source, "rotary positions dinov3, base %g",
      plan->rope.base);
  return TRUE;
}

/* BEiT and InternVL: with mean pooling, which is the default, features are raw,
 * and the pooler's norm, where there is one, is on the mean of the patches. */
static gboolean
plan_mean_pooling (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, VitPool embedding, GError **error)
{
  gboolean mean = TRUE;

  if (section->object
      && !vit_section_boolean (section, "use_mean_pooling", &mean, error))
    return FALSE;
  if (!mean) {
    plan->final_norm = vit_plan_tensor (stage, "layernorm");
    if (!plan->final_norm)
      plan->missing = "use_mean_pooling is false, but there is no layernorm";
    plan->embedding.pool = embedding;
    return TRUE;
  }
  plan->embedding.pool = embedding;
  plan->embedding.norm = vit_plan_tensor (stage, "pooler.layernorm");
  if (plan->embedding.norm)
    plan->embedding.pool = VIT_POOL_MEAN_PATCHES;
  return TRUE;
}

static gboolean
plan_norms (VitEncoderPlan *plan, const VitStage *stage, const Row *row,
    const VitSection *section, GError **error)
{
  g_autofree char *norm = NULL;

  plan->embedding.pool = row->embedding;
  if (row->norm == NORM_POOLED)
    return plan_mean_pooling (plan, stage, section, row->embedding, error);
  for (gsize i = 0; i < G_N_ELEMENTS (final_norms) && !norm; i++)
    norm = vit_plan_tensor (stage, final_norms[i]);
  if (row->norm == NORM_NONE)
    return TRUE;
  if (!norm && row->norm == NORM_ALL)
    plan->missing = "the norm behind its last block is not in the file";
  if (row->norm == NORM_ALL || row->norm == NORM_BOTH)
    plan->final_norm = g_strdup (norm);
  if (row->norm == NORM_EMBEDDING || row->norm == NORM_BOTH)
    plan->embedding.norm = g_steal_pointer (&norm);
  if (row->norm == NORM_EMBEDDING) {
    plan->embedding.raw = TRUE;
    if (!plan->embedding.norm)
      plan->embedding.pool = VIT_POOL_NONE;
  }
  return TRUE;
}

static void
plan_heads (VitEncoderPlan *plan, const VitStage *stage, const Row *row)
{
  gboolean aimv2 = strcmp (row->types[0], "aimv2") == 0;
  char *classifier = vit_plan_outer_tensor (stage, "classifier");
  char *first = vit_plan_outer_tensor (stage, "cls_classifier");
  char *second = vit_plan_outer_tensor (stage, "distillation_classifier");

  if (plan->embedding.pool == VIT_POOL_MEAN_PREFIX)
    plan->embedding.n = stage->n_prefix_tokens;
  if (plan->embedding.pool == VIT_POOL_ATTENTION) {
    if (aimv2 && vit_plan_has (stage, "head.cls_token"))
      plan->query = VIT_QUERY_AIMV2;
    else if (!aimv2 && vit_plan_has (stage, "head.probe"))
      plan->query = VIT_QUERY_HUGGING_FACE;
    else
      plan->embedding.pool = VIT_POOL_NONE;
    plan->n_query_heads = plan->n_heads;
  }
  if (plan->embedding.pool != VIT_POOL_NONE)
    plan->embedding.linear
        = vit_plan_outer_tensor (stage, "visual_projection");

  if (first && second) {
    vit_plan_add_logits (plan, VIT_POOL_TOKEN, 0, FALSE, first);
    vit_plan_add_logits (plan, VIT_POOL_TOKEN, 1, FALSE, second);
    first = second = NULL;
  } else if (classifier) {
    vit_plan_add_logits (plan,
        row->classifier != VIT_POOL_NONE ? row->classifier
                                         : VIT_POOL_EMBEDDING,
        0, row->norm == NORM_EMBEDDING, classifier);
    classifier = NULL;
  }
  g_free (classifier);
  g_free (first);
  g_free (second);
}

/* Without its projection a tower of CLIP's kind makes vectors of its own space. */
static gboolean
plan_joint (VitEncoderPlan *plan, const VitStage *stage, const Row *row,
    GError **error)
{
  VitSection root = { stage->config->source, stage->config->root };
  json_t *most = NULL;

  if (!row->joint || plan->embedding.pool == VIT_POOL_NONE
      || (row->norm == NORM_EMBEDDING && !plan->embedding.linear))
    return TRUE;
  plan->joint = VIT_JOINT_EMBEDDING;
  if (strcmp (row->types[0], "aimv2") != 0)
    return TRUE;
  plan->max_joint_scale = 100.0;
  if (root.object)
    most = vit_section_value (&root, "max_logit_scale");
  if (most && !(json_is_number (most) && json_number_value (most) >= 1.0))
    return vit_section_refuse (
        &root, "max_logit_scale", most, "a number from 1 up", error);
  if (most)
    plan->max_joint_scale = json_number_value (most);
  return TRUE;
}

/* A list of architectures of which the first is some ...Backbone. */
static gboolean
is_backbone (const VitStage *stage)
{
  json_t *list = stage->config->root
                     ? json_object_get (stage->config->root, "architectures")
                     : NULL;
  const char *name = json_string_value (json_array_get (list, 0));

  return name && g_str_has_suffix (name, "Backbone");
}

static gboolean
plan_special (VitEncoderPlan *plan, const VitStage *stage, const Row *row,
    const VitSection *section, GError **error)
{
  const char *type = row->types[0], *norm_type = NULL;
  gboolean relative = FALSE, shared = FALSE, normed = TRUE;

  if (strcmp (type, "depth_anything") == 0)
    plan->inner_layers_normed = TRUE;
  if (strcmp (type, "eomt") == 0 || strcmp (type, "eomt_dinov3") == 0)
    plan->n_last_blocks = 4;
  if (strcmp (type, "internvl") == 0)
    plan->query_norm_epsilon = 1e-6;
  if (!section->object)
    return TRUE;
  if (!vit_section_size (section, "num_blocks", 0, &plan->n_last_blocks, error)
      || !vit_section_boolean (
          section, "use_relative_position_bias", &relative, error)
      || !vit_section_boolean (
          section, "use_shared_relative_position_bias", &shared, error)
      || !vit_section_boolean (section, "apply_layernorm", &normed, error)
      || !vit_section_string (section, "norm_type", &norm_type, error))
    return FALSE;
  if (plan->n_last_blocks && strcmp (type, "eomt") != 0
      && strcmp (type, "eomt_dinov3") != 0)
    plan->n_last_blocks = 0;
  if (relative || shared)
    return vit_encoder_plan_refuse (
        stage, "its attention has relative positions", error);
  if (is_backbone (stage) && normed && row->norm == NORM_ALL)
    plan->inner_layers_normed = TRUE;
  plan->rms = g_strcmp0 (norm_type, "rms_norm") == 0;
  return TRUE;
}

gboolean
vit_plan_hugging_face (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  const char *type = stage->config->name;
  const Row *row = find_row (type, stage->tower.layout->name), *parent;

  if (!row)
    return vit_encoder_plan_refuse (stage,
        g_strcmp0 (type, "sam") == 0 || g_strcmp0 (type, "sam_vision_model") == 0
                || strcmp (stage->tower.layout->name, "hf-sam") == 0
            ? "its attention has windows and relative positions"
            : "its blocks are not those of a plain ViT",
        error);
  if (!find_parent (stage, &parent, error)
      || !plan_numbers (plan, stage, row, section, error)
      || !plan_rope (plan, stage, row, section, error))
    return FALSE;
  /* DINOv2's gated blocks are called gelu in its configs. */
  if (strcmp (row->types[0], "dinov2") == 0
      || strcmp (row->types[0], "tipsv2") == 0
      || strcmp (row->types[0], "depth_anything") == 0
      || strcmp (row->types[0], "eomt") == 0)
    plan->gated_activation = VIT_ACTIVATION_SILU;
  if (parent)
    row = parent;
  if (!plan_special (plan, stage, row, section, error)
      || !plan_norms (plan, stage, row, section, error))
    return FALSE;
  plan_heads (plan, stage, row);
  return plan_joint (plan, stage, row, error);
}
