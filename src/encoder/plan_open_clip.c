/* SPDX-License-Identifier: MIT
 *
 * OpenCLIP's own towers, by open_clip_config.json, and timm's inside its models.
 */
#include "encoder/encoder_plan.h"

#include <string.h>

#include "base/refuse.h"

/* heads = width / head_width */
#define DEFAULT_HEAD_WIDTH 64
#define DEFAULT_POOLER_HEADS 8

static gboolean
plan_activation (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  VitSection root = { section->path, stage->config->root };
  VitSection model = { 0 }, arguments = { 0 };
  const char *approximate = NULL;
  gboolean quick = FALSE;
  g_autofree char *source = NULL;

  plan->activation = VIT_ACTIVATION_GELU;
  if (section->object) {
    if (!vit_section_inner (&root, "model_cfg", &model, error)
        || (model.object
            && !vit_section_boolean (&model, "quick_gelu", &quick, error))
        || !vit_section_inner (section, "act_kwargs", &arguments, error)
        || (arguments.object
            && !vit_section_string (
                &arguments, "approximate", &approximate, error)))
      return FALSE;
    if (quick)
      plan->activation = VIT_ACTIVATION_QUICK_GELU;
    else if (g_strcmp0 (approximate, "tanh") == 0)
      plan->activation = VIT_ACTIVATION_GELU_TANH;
    else if (approximate && strcmp (approximate, "none") != 0)
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path,
          "act_kwargs.approximate", "is \"%.100s\"; expected tanh or none",
          approximate);
  }
  source = vit_plan_source (section, quick ? "quick_gelu" : "act_kwargs",
      quick || approximate,
      section->object ? "the default of open_clip" : "assumed");
  vit_plan_note (
      plan, source, "activation %s", vit_activation_name (plan->activation));
  return TRUE;
}

static gboolean
plan_numbers (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  const char *otherwise
      = section->object ? "the default of open_clip" : "assumed";
  guint head_width = 0;
  VitSection norm = { 0 };
  g_autofree char *heads = NULL, *epsilon = NULL;

  if (section->object
      && (!vit_section_size (section, "head_width", 1, &head_width, error)
          || !vit_section_inner (section, "norm_kwargs", &norm, error)
          || (norm.object
              && !vit_section_fraction (&norm, "eps", &plan->epsilon, error))))
    return FALSE;
  heads = vit_plan_source (section, "head_width", head_width > 0, otherwise);
  epsilon = vit_plan_source (
      section, "norm_kwargs.eps", plan->epsilon > 0.0, otherwise);
  if (!section->object) {
    if (!vit_plan_assume_heads (plan, stage, error))
      return FALSE;
  } else {
    if (head_width == 0)
      head_width = DEFAULT_HEAD_WIDTH;
    if (stage->embed_dim < head_width)
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, "head_width",
          "is %u, but width is %u", head_width, stage->embed_dim);
    plan->n_heads = stage->embed_dim / head_width;
  }
  if (plan->epsilon == 0.0)
    plan->epsilon = 1e-5;
  vit_plan_note (plan, heads, "heads %u", plan->n_heads);
  vit_plan_note (plan, epsilon, "epsilon %g", plan->epsilon);
  return plan_activation (plan, stage, section, error);
}

static gboolean
set_pool (VitEncoderPlan *plan, const VitSection *section, const char *key,
    const char *pool, GError **error)
{
  if (strcmp (pool, "tok") == 0 || strcmp (pool, "token") == 0)
    plan->embedding.pool = VIT_POOL_TOKEN;
  else if (strcmp (pool, "avg") == 0)
    plan->embedding.pool = VIT_POOL_MEAN_PATCHES;
  else if (strcmp (pool, "none") == 0 || strcmp (pool, "") == 0)
    plan->embedding.pool = VIT_POOL_NONE;
  else
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path, key,
        "is \"%.100s\"; the encoder knows tok, avg and none", pool);
  return TRUE;
}

gboolean
vit_plan_open_clip (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  const char *pool = NULL;
  gboolean after_pool = FALSE;
  char *norm = NULL;

  if (g_str_has_prefix (stage->tower.layout->name, "perception-encoder"))
    return vit_encoder_plan_refuse (
        stage, "nothing says what its blocks compute", error);
  plan->n_query_heads = DEFAULT_POOLER_HEADS;
  if (!plan_numbers (plan, stage, section, error))
    return FALSE;
  if (section->object
      && (!vit_section_string (section, "pool_type", &pool, error)
          || !vit_section_boolean (
              section, "final_ln_after_pool", &after_pool, error)
          || !vit_section_size (section, "attn_pooler_heads", 1,
              &plan->n_query_heads, error)))
    return FALSE;
  if (!set_pool (plan, section, "pool_type", pool ? pool : "tok", error))
    return FALSE;

  norm = vit_plan_tensor (stage, "ln_post");
  if (vit_plan_has (stage, "attn_pool.query")) {
    plan->query = VIT_QUERY_COCA;
    plan->embedding.pool = VIT_POOL_ATTENTION;
    plan->embedding.norm = norm;
    plan->embedding.raw = TRUE;
  } else if (after_pool) {
    plan->embedding.norm = norm;
    plan->embedding.raw = TRUE;
  } else {
    plan->final_norm = norm;
  }
  if (vit_plan_has (stage, "proj")) {
    plan->embedding.linear = g_strconcat (stage->tower.prefix, "proj", NULL);
    plan->embedding.transposed = TRUE;
  }
  if (plan->embedding.pool != VIT_POOL_NONE)
    plan->joint = VIT_JOINT_EMBEDDING;
  return TRUE;
}

gboolean
vit_plan_open_clip_tower (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  const char *pool = NULL, *projection = NULL;

  if (!vit_section_string (section, "timm_pool", &pool, error)
      || !vit_section_string (section, "timm_proj", &projection, error))
    return FALSE;
  /* null is not "not set" here. */
  if (!json_object_get (section->object, "timm_proj"))
    projection = "linear";
  if (pool && strcmp (pool, "map") == 0) {
    if (plan->query != VIT_QUERY_TIMM)
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, "timm_pool",
          "is map, but the trunk has no attn_pool");
  } else {
    if (!set_pool (plan, section, "timm_pool", pool ? pool : "avg", error))
      return FALSE;
    plan->query = VIT_QUERY_NONE;
  }

  for (guint i = 0; i < plan->n_logits; i++)
    g_free (plan->logits[i].linear);
  memset (plan->logits, 0, sizeof plan->logits);
  plan->n_logits = 0;
  if (!projection)
    plan->embedding.linear = vit_plan_tensor (stage, "head");
  else if (strcmp (projection, "linear") == 0)
    plan->embedding.linear = vit_plan_outer_tensor (stage, "head.proj");
  else if (strcmp (projection, "none") != 0 && strcmp (projection, "") != 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path, "timm_proj",
        "is \"%.100s\"; the encoder knows linear and none", projection);
  plan->joint = plan->embedding.pool != VIT_POOL_NONE ? VIT_JOINT_EMBEDDING
                                                      : VIT_JOINT_NONE;
  return TRUE;
}
