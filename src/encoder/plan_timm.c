/* SPDX-License-Identifier: MIT
 *
 * timm's models.  Their config.json names the architecture and says little else,
 * so what follows from the name stands here, as patterns of which the first that
 * fits counts: they give what timm 1.0.31's constructors of its ViT, Eva, DeiT and
 * BEiT-3 classes get, for all 251 of its names.
 */
#include "encoder/encoder_plan.h"

#include <string.h>

#include "base/refuse.h"
#include "encoder/class_names.h"

typedef struct {
  const char *pattern;
  const char *why;
} Refusal;

#define PARALLEL "its attention and MLP run side by side"
#define DIFFERENTIAL "its attention is differential"
#define RELATIVE "its attention has relative positions"

static const Refusal refusals[] = {
  { "beit_*", RELATIVE },
  { "beitv2_*", RELATIVE },
  { "samvit_*", "its attention has windows and relative positions" },
  { "vit_*relpos*", RELATIVE },
  { "eva02_enormous*", "its norms come after attention and MLP" },
  { "vit_*_rpn_*", "its norms come after attention and MLP" },
  { "vit_*_xp_*", PARALLEL },
  { "vit_*pwee*", PARALLEL },
  { "vit_*dpwee*", PARALLEL },
  { "*18x2*", PARALLEL },
  { "vit_*dlittle*", DIFFERENTIAL },
  { "vit_*dwee*", DIFFERENTIAL },
  { "vit_*_rope_mixed_*", "its rotary positions are learnt" },
  { "vit_*_mci_*", "its patches come from a convolutional network" },
  { "vit_*_r??_*", "its patches come from a convolutional network" },
  { "vit_*_r??s*", "its patches come from a convolutional network" },
  { "vit_*_resnet*", "its patches come from a convolutional network" },
  { "naflexvit_*", "the encoder has no table of its defaults" },
};

/* Channels of a head. */
static const struct {
  const char *pattern;
  guint head_dim;
} head_dims[] = {
  { "test_vit*", 32 },
  { "vit_so400m_*", 72 },
  { "vit_huge_plus_*dinov3*", 64 },
  { "vit_huge_*", 80 },
  { "deit3_huge_*", 80 },
  { "eva_giant_*", 88 },
  { "beit3_giant_*", 88 },
  { "vit_giant_*_clip_*", 88 },
  { "vit_giant_patch14_224*", 88 },
  { "vit_giant_*_gap_*", 88 },
  { "vit_giantopt_*siglip*", 96 },
  { "vit_pe_*_gigantic_*", 96 },
  { "vit_gigantic_*", 104 },
  { "aimv2_*", 128 },
  { "vit_7b_*dinov3*", 128 },
  { "vit_base_patch16_gap_224*", 48 },
  { "*", 64 },
};

static const struct {
  const char *pattern;
  double epsilon;
} epsilons[] = {
  { "vit_*_clip_*", 1e-5 },
  { "vit_*dinov3*", 1e-5 },
  { "vit_*lingbot*", 1e-5 },
  { "vit_pe_*", 1e-5 },
  { "beit3_*", 1e-5 },
  { "aimv2_*", 1e-5 },
  { "*", 1e-6 },
};

static const char *const rms_norms[]
    = { "aimv2_*", "vit_*_sapiens2*", "test_vit4*" };

static const struct {
  const char *pattern;
  VitActivation activation;
} name_activations[] = {
  { "*_clip_quickgelu_*", VIT_ACTIVATION_QUICK_GELU },
  { "vit_base_patch32_siglip_*256*", VIT_ACTIVATION_GELU_TANH },
  { "vit_large_patch16_siglip_*512*", VIT_ACTIVATION_GELU_TANH },
  { "vit_so400m_patch16_siglip_*", VIT_ACTIVATION_GELU_TANH },
  { "vit_giantopt_patch16_siglip_*", VIT_ACTIVATION_GELU_TANH },
  { "*", VIT_ACTIVATION_GELU },
};

/* Where the config gives no global_pool. */
static const struct {
  const char *pattern;
  const char *pool;
} pools[] = {
  { "test_vit2*", "avg" },
  { "test_vit3*", "map" },
  { "test_vit4*", "avg" },
  { "vit_*_gap_*", "avg" },
  { "vit_*_map_*", "map" },
  { "eva_large_*", "avg" },
  { "aimv2_*", "avg" },
  { "beit3_*", "avg" },
  { "vit_so150m*", "avg" },
  { "vit_*_rope_reg*", "avg" },
  { "vit_*_siglip_*", "map" },
  { "vit_pe_core_*", "map" },
  { "eva*_clip_*", "token" },
  { "vit_*lingbot*", "token" },
  { "vit_*_rope_*224*", "token" },
  { "vit_*sapiens2*", "token" },
  { "eva*", "avg" },
  { "vit_*dinov3*", "avg" },
  { "vit_pe_*", "avg" },
  { "*", "token" },
};

/* Of the models that were trained with texts, the vector that lies in one space
 * with them, until they are fine-tuned to classes. */
static const struct {
  const char *pattern;
  VitJointVector vector;
} joints[] = {
  { "*_gap_*", VIT_JOINT_NONE },
  { "*_clip_*", VIT_JOINT_LOGITS },
  { "vit_pe_core_*", VIT_JOINT_LOGITS },
  { "*_siglip_*", VIT_JOINT_EMBEDDING },
  { "vit_*tipsv2*", VIT_JOINT_EMBEDDING },
  { "*", VIT_JOINT_NONE },
};

static const struct {
  const char *pattern;
  VitRopeRule rule;
  double base;
  double reference; /* patches a side of the grid it was trained on */
} ropes[] = {
  { "vit_*dinov3*", VIT_ROPE_DINOV3, 100.0, 0.0 },
  { "vit_*lingbot*", VIT_ROPE_DINOV3, 100.0, 0.0 },
  { "vit_*sapiens2*", VIT_ROPE_DINOV3, 100.0, 0.0 },
  { "eva02_*", VIT_ROPE_EVA, 1e4, 0.0 },
  { "vit_*_rope_reg*", VIT_ROPE_EVA, 1e4, 0.0 },
  { "vit_pe_core_base_*", VIT_ROPE_PE, 1e4, 14.0 },
  { "vit_pe_core_gigantic_*", VIT_ROPE_PE, 1e4, 32.0 },
  { "vit_pe_core_*", VIT_ROPE_PE, 1e4, 24.0 },
  { "vit_pe_*", VIT_ROPE_PE, 1e4, 32.0 },
  { "vit_*_rope_224*", VIT_ROPE_ROPE_VIT, 100.0, 0.0 },
  { "vit_*_rope_ape_224*", VIT_ROPE_ROPE_VIT, 100.0, 0.0 },
  { "*", VIT_ROPE_NONE, 0.0, 0.0 },
};

/* timm's Eva class, whose pool has an activation of its own, and sees the prefix
 * tokens too. */
static const char *const eva_class[]
    = { "eva_*", "eva02_*", "vit_pe_*", "vit_*dinov3*", "vit_*lingbot*",
        "vit_*_rope_*", "vit_*sapiens2*" };

#define FIRST(table, name)                                                     \
  first_match ((const char *) (table), sizeof (table)[0], name)

/* Each row of a table begins with its pattern; the last one fits all. */
static gsize
first_match (const char *table, gsize row_size, const char *name)
{
  gsize i = 0;

  while (!g_pattern_match_simple (
      *(const char *const *) (table + i * row_size), name))
    i++;
  return i;
}

static gboolean
matches_one (const char *const *patterns, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_pattern_match_simple (patterns[i], name))
      return TRUE;
  return FALSE;
}

static gboolean
check_name (const VitStage *stage, const char *name, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (g_pattern_match_simple (refusals[i].pattern, name))
      return vit_encoder_plan_refuse (stage, refusals[i].why, error);
  if (g_pattern_match_simple ("vit_*sapiens2*", name)
      && !g_pattern_match_simple ("vit_base_*", name))
    return vit_encoder_plan_refuse (
        stage, "its heads share keys and values", error);
  return TRUE;
}

typedef struct {
  guint n_heads;
  guint embed_dim;
  guint n_query_heads;
  const char *activation;
  const char *pool;
  const char *pool_key; /* where it comes from, or NULL */
  gboolean include_prefix;
} Arguments;

/* What was passed to create_model(), and the pool that config.json's root has. */
static gboolean
read_arguments (VitSection *arguments, const VitSection *section,
    Arguments *values, GError **error)
{
  memset (values, 0, sizeof *values);
  *arguments = (VitSection) { section->path, NULL };
  if (!section->object)
    return TRUE;
  if (!vit_section_string (section, "global_pool", &values->pool, error)
      || !vit_section_inner (section, "model_args", arguments, error))
    return FALSE;
  if (!arguments->object)
    return TRUE;
  if (!values->pool
      && !vit_section_string (arguments, "global_pool", &values->pool, error))
    return FALSE;
  return vit_section_size (arguments, "num_heads", 1, &values->n_heads, error)
         && vit_section_size (
             arguments, "embed_dim", 1, &values->embed_dim, error)
         && vit_section_size (arguments, "attn_pool_num_heads", 1,
             &values->n_query_heads, error)
         && vit_section_boolean (arguments, "pool_include_prefix",
             &values->include_prefix, error)
         && (!json_is_string (vit_section_value (arguments, "act_layer"))
             || vit_section_string (
                 arguments, "act_layer", &values->activation, error));
}

static gboolean
plan_heads (VitEncoderPlan *plan, const VitStage *stage, const char *name,
    const VitSection *arguments, const Arguments *values, GError **error)
{
  g_autofree char *source = vit_plan_source (arguments, "num_heads",
      values->n_heads > 0, name ? "the architecture's name" : "assumed");

  plan->n_heads = values->n_heads;
  if (plan->n_heads == 0 && values->embed_dim > 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, arguments->path,
        "model_args",
        "sets embed_dim but not num_heads, so nothing says how many heads its "
        "attention has");
  if (plan->n_heads == 0 && !name) {
    if (!vit_plan_assume_heads (plan, stage, error))
      return FALSE;
  } else if (plan->n_heads == 0) {
    guint head_dim = head_dims[FIRST (head_dims, name)].head_dim;

    if (stage->embed_dim % head_dim != 0)
      return vit_refuse (error, VIT_ERROR_CONFIG, arguments->path,
          "architecture",
          "\"%.100s\" has heads of %u channels, which %u are no multiple of",
          name, head_dim, stage->embed_dim);
    plan->n_heads = stage->embed_dim / head_dim;
  }
  vit_plan_note (plan, source, "heads %u", plan->n_heads);
  return TRUE;
}

/* The layouts that other packages share with timm, where no config names one. */
static double
assumed_epsilon (const VitStage *stage)
{
  return strcmp (stage->tower.layout->name, "timm-clip") == 0
                 || strcmp (stage->tower.layout->name, "timm-aimv2") == 0
                 || strcmp (stage->tower.layout->name, "dinov3") == 0
             ? 1e-5
             : 1e-6;
}

static gboolean
plan_numbers (VitEncoderPlan *plan, const VitStage *stage, const char *name,
    const VitSection *arguments, const Arguments *values, GError **error)
{
  const char *by = name ? "the architecture's name" : "assumed";
  g_autofree char *source = vit_plan_source (
      arguments, "act_layer", values->activation != NULL, by);

  plan->epsilon = name ? epsilons[FIRST (epsilons, name)].epsilon
                       : assumed_epsilon (stage);
  plan->rms = name && matches_one (rms_norms, G_N_ELEMENTS (rms_norms), name);
  plan->activation
      = name ? name_activations[FIRST (name_activations, name)].activation
             : VIT_ACTIVATION_GELU;
  plan->gated_activation = VIT_ACTIVATION_SILU;
  if (values->activation
      && !vit_plan_activation (arguments, "act_layer", values->activation,
          &plan->activation, error))
    return FALSE;
  vit_plan_note (plan, by, "epsilon %g", plan->epsilon);
  vit_plan_note (
      plan, source, "activation %s", vit_activation_name (plan->activation));
  return TRUE;
}

static void
plan_rope (VitEncoderPlan *plan, const VitStage *stage, const char *name)
{
  if (name) {
    gsize i = FIRST (ropes, name);

    plan->rope.rule = ropes[i].rule;
    plan->rope.base = ropes[i].base;
    plan->rope.reference = ropes[i].reference;
    plan->rope.offset = stage->n_prefix_tokens > 0;
  } else if (strcmp (stage->tower.layout->name, "dinov3") == 0
             || strcmp (stage->tower.layout->name, "timm-dinov3") == 0) {
    plan->rope.rule = VIT_ROPE_DINOV3;
    plan->rope.base = 100.0;
  }
  if (plan->rope.rule != VIT_ROPE_NONE)
    vit_plan_note (plan, name ? "the architecture's name" : "assumed",
        "rotary positions %s, base %g", vit_rope_rule_name (plan->rope.rule),
        plan->rope.base);
}

/* The number of the layout's prefix tokens of this kind. */
static guint
count_prefix (const VitStage *stage, const char *kind)
{
  guint n = 0;

  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (stage->tower.layout->prefix[i].tensor
        && strcmp (stage->tower.layout->prefix[i].kind, kind) == 0)
      n += stage->n_prefix[i];
  return n;
}

static void
plan_query (VitEncoderPlan *plan, const VitStage *stage, const char *name,
    const Arguments *values)
{
  gboolean eva
      = name && matches_one (eva_class, G_N_ELEMENTS (eva_class), name);

  if (!vit_plan_has (stage, "attn_pool.latent")) {
    plan->embedding.pool = VIT_POOL_NONE;
    return;
  }
  plan->embedding.pool = VIT_POOL_ATTENTION;
  plan->query = VIT_QUERY_TIMM;
  plan->n_query_heads = values->n_query_heads ? values->n_query_heads
                        : eva                 ? 8
                                              : plan->n_heads;
  plan->query_patches_only
      = !eva && !values->include_prefix
        && !(name && g_pattern_match_simple ("test_vit3*", name));
  plan->query_activation = eva ? VIT_ACTIVATION_GELU : VIT_ACTIVATION_AUTO;
}

/* What global_pool says, or without one the name; then fc_norm and head. */
static void
plan_embedding (VitEncoderPlan *plan, const VitStage *stage, const char *name,
    const VitSection *section, const Arguments *values)
{
  const char *pool = values->pool;
  g_autofree char *source = vit_plan_source (section, "global_pool",
      pool != NULL, name ? "the architecture's name" : "assumed");
  char *classifier, *second;

  if (!pool && name)
    pool = pools[FIRST (pools, name)].pool;
  else if (!pool)
    pool = vit_plan_has (stage, "attn_pool.latent") ? "map"
           : count_prefix (stage, "cls") == 0
                   || strcmp (stage->tower.layout->name, "mae") == 0
               ? "avg"
               : "token";
  if (strcmp (pool, "map") == 0)
    plan_query (plan, stage, name, values);
  else if (strcmp (pool, "avg") == 0)
    plan->embedding.pool = VIT_POOL_MEAN_PATCHES;
  else if (strcmp (pool, "token") == 0)
    plan->embedding.pool = VIT_POOL_TOKEN;
  /* Both of a distilled model's tokens. */
  if (plan->embedding.pool == VIT_POOL_TOKEN
      && count_prefix (stage, "distillation") == 1) {
    plan->embedding.pool = VIT_POOL_MEAN_PREFIX;
    plan->embedding.n = 2;
  }
  vit_plan_note (plan, source, "pool %.20s", pool);
  plan->embedding.norm = vit_plan_tensor (stage, "fc_norm");

  classifier = vit_plan_tensor (stage, "head");
  second = vit_plan_tensor (stage, "head_dist");
  if (classifier && second) {
    vit_plan_add_logits (plan, VIT_POOL_TOKEN, 0, FALSE, classifier);
    vit_plan_add_logits (plan, VIT_POOL_TOKEN, 1, FALSE, second);
    return;
  }
  g_free (second);
  if (classifier && plan->embedding.pool != VIT_POOL_NONE)
    vit_plan_add_logits (plan, VIT_POOL_EMBEDDING, 0, FALSE, classifier);
  else
    g_free (classifier);
}

static gboolean
has_class_names (const VitEncoderPlan *plan, const VitStage *stage)
{
  g_autofree char *name = NULL;
  g_auto (GStrv) names = NULL;
  const VitTensor *head;

  if (plan->n_logits == 0)
    return FALSE;
  name = g_strconcat (plan->logits[0].linear, ".weight", NULL);
  head = vit_checkpoint_find (stage->checkpoint, name, NULL);
  /* Of another rank or larger it is refused once it is read. */
  if (!head || head->rank != 2 || head->shape[0] > G_MAXUINT)
    return FALSE;
  names = vit_class_names (stage->config, (guint) head->shape[0]);
  return names != NULL;
}

static void
plan_joint (VitEncoderPlan *plan, const VitStage *stage, const char *name)
{
  VitJointVector vector
      = name ? joints[FIRST (joints, name)].vector : VIT_JOINT_NONE;
  gboolean is_made = vector == VIT_JOINT_LOGITS
                         ? plan->n_logits == 1
                         : plan->embedding.pool != VIT_POOL_NONE;

  plan->joint = VIT_JOINT_NONE;
  if (is_made
      && !vit_is_fine_tuned_to_classes (
          stage->config, has_class_names (plan, stage)))
    plan->joint = vector;
}

gboolean
vit_plan_timm (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error)
{
  const char *name = stage->config->name, *layout = stage->tower.layout->name;
  VitSection arguments;
  Arguments values;

  if (name && !check_name (stage, name, error))
    return FALSE;
  if (!name
      && (strcmp (layout, "beit3") == 0 || strcmp (layout, "timm-naflex") == 0
          || strcmp (layout, "hf-sam") == 0
          || g_str_has_prefix (layout, "perception-encoder")))
    return vit_encoder_plan_refuse (
        stage, "nothing says what its blocks compute", error);
  if (!read_arguments (&arguments, section, &values, error)
      || (values.include_prefix && g_strcmp0 (values.pool, "avg") == 0
          && !vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path,
              "pool_include_prefix",
              "is true; the encoder's mean leaves prefix tokens out"))
      || !plan_heads (plan, stage, name, &arguments, &values, error)
      || !plan_numbers (plan, stage, name, &arguments, &values, error))
    return FALSE;
  plan_rope (plan, stage, name);
  plan->final_norm = vit_plan_tensor (stage, "norm");
  plan_embedding (plan, stage, name, section, &values);
  plan_joint (plan, stage, name);
  return TRUE;
}
