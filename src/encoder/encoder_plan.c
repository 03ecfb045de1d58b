/* SPDX-License-Identifier: MIT */
#include "encoder/encoder_plan.h"

#include <string.h>

#include "base/refuse.h"

static const struct {
  const char *name;
  VitActivation activation;
} activations[] = {
  { "gelu", VIT_ACTIVATION_GELU },
  { "gelu_python", VIT_ACTIVATION_GELU },
  { "gelu_pytorch_tanh", VIT_ACTIVATION_GELU_TANH },
  { "gelu_tanh", VIT_ACTIVATION_GELU_TANH },
  { "gelu_new", VIT_ACTIVATION_GELU_TANH },
  { "gelu_fast", VIT_ACTIVATION_GELU_TANH },
  { "quick_gelu", VIT_ACTIVATION_QUICK_GELU },
  { "silu", VIT_ACTIVATION_SILU },
  { "swish", VIT_ACTIVATION_SILU },
};

const char *
vit_activation_name (VitActivation activation)
{
  static const char *const names[]
      = { "auto", "gelu", "gelu-tanh", "quick-gelu", "silu" };

  return names[activation];
}

gboolean
vit_plan_activation (const VitSection *section, const char *key,
    const char *name, VitActivation *activation, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (activations); i++)
    if (strcmp (activations[i].name, name) == 0) {
      *activation = activations[i].activation;
      return TRUE;
    }
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path, key,
      "is \"%.100s\"; the encoder knows gelu, gelu_pytorch_tanh, quick_gelu and "
      "silu",
      name);
}

void
vit_plan_note (
    VitEncoderPlan *plan, const char *source, const char *format, ...)
{
  va_list arguments;

  if (plan->reason->len > 0)
    g_string_append (plan->reason, "; ");
  va_start (arguments, format);
  g_string_append_vprintf (plan->reason, format, arguments);
  va_end (arguments);
  g_string_append_printf (plan->reason, ": %s", source);
}

char *
vit_plan_source (const VitSection *section, const char *key, gboolean found,
    const char *otherwise)
{
  g_autofree char *file = NULL;

  if (!found || section->object == NULL)
    return g_strdup (otherwise);
  file = g_path_get_basename (section->path);
  return g_strdup_printf ("%s in %s", key, file);
}

gboolean
vit_encoder_plan_refuse (const VitStage *stage, const char *why, GError **error)
{
  const VitConfig *config = stage->config;

  if (config->name)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, config->source,
        config->name_key,
        "is \"%.100s\", whose encoder cannot be computed: %s; its input tokens "
        "can",
        config->name, why);
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
      vit_checkpoint_path (stage->checkpoint), NULL,
      "is of layout %s, whose encoder cannot be computed: %s; its input tokens "
      "can",
      stage->tower.layout->name, why);
}

gboolean
vit_plan_assume_heads (
    VitEncoderPlan *plan, const VitStage *stage, GError **error)
{
  static const guint widths[] = { 192, 384, 768, 1024 };

  for (gsize i = 0; i < G_N_ELEMENTS (widths); i++)
    if (stage->embed_dim == widths[i]) {
      plan->n_heads = stage->embed_dim / 64;
      return TRUE;
    }
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
      vit_checkpoint_path (stage->checkpoint), NULL,
      "no config beside it says how many heads its attention has, and %u "
      "channels do not tell; put the model's config.json beside it",
      stage->embed_dim);
}

gboolean
vit_plan_has (const VitStage *stage, const char *tensor)
{
  g_autofree char *name = g_strconcat (stage->tower.prefix, tensor, NULL);

  return vit_checkpoint_has (stage->checkpoint, name);
}

/* (transfer full, nullable): PREFIX NAME where PREFIX NAME SUFFIX is there. */
static char *
find_in (const VitStage *stage, const char *prefix, const char *name,
    const char *suffix)
{
  g_autofree char *weight = g_strconcat (prefix, name, suffix, NULL);

  return vit_checkpoint_has (stage->checkpoint, weight)
             ? g_strconcat (prefix, name, NULL)
             : NULL;
}

char *
vit_plan_tensor (const VitStage *stage, const char *name)
{
  return find_in (stage, stage->tower.prefix, name, ".weight");
}

/* With the prefix less its last component, or without one. */
static char *
find_outer (const VitStage *stage, const char *name, const char *suffix)
{
  g_autofree char *outer = g_strdup (stage->tower.prefix);
  char *found;

  if (outer[0])
    outer[strlen (outer) - 1] = '\0';
  if (strrchr (outer, '.'))
    strrchr (outer, '.')[1] = '\0';
  else
    outer[0] = '\0';
  found = find_in (stage, outer, name, suffix);
  return found ? found : find_in (stage, "", name, suffix);
}

char *
vit_plan_outer_tensor (const VitStage *stage, const char *name)
{
  return find_outer (stage, name, ".weight");
}

char *
vit_plan_outer_name (const VitStage *stage, const char *tensor)
{
  return find_outer (stage, tensor, "");
}

void
vit_plan_add_logits (VitEncoderPlan *plan, VitPool pool, guint n, gboolean raw,
    char *linear)
{
  plan->logits[plan->n_logits++] = (VitHeadPlan) {
    .pool = pool, .n = n, .raw = raw, .linear = linear
  };
}

static const char *
pool_name (const VitHeadPlan *head)
{
  switch (head->pool) {
    case VIT_POOL_TOKEN:
      return "class token";
    case VIT_POOL_MEAN_PREFIX:
      return "mean of prefix tokens";
    case VIT_POOL_MEAN_PATCHES:
      return "mean of patches";
    case VIT_POOL_CLASS_MEAN:
      return "class token and mean of patches";
    case VIT_POOL_ATTENTION:
      return "attention pooling";
    default:
      return "none";
  }
}

static gboolean
plan_package (VitEncoderPlan *plan, const VitStage *stage, GError **error)
{
  const VitConfig *config = stage->config;
  VitSection section = { config->source, config->tower };
  VitOrigin origin = config->family ? config->family->origin
                                    : stage->tower.layout->origin;

  if (config->name_key && strcmp (config->name_key, "timm_model_name") == 0)
    return vit_plan_timm (plan, stage, &section, error)
           && vit_plan_open_clip_tower (plan, stage, &section, error);
  switch (origin) {
    case VIT_ORIGIN_HUGGING_FACE:
      return vit_plan_hugging_face (plan, stage, &section, error);
    case VIT_ORIGIN_OPEN_CLIP:
      return vit_plan_open_clip (plan, stage, &section, error);
    default:
      return vit_plan_timm (plan, stage, &section, error);
  }
}

gboolean
vit_encoder_plan_init (
    VitEncoderPlan *plan, const VitStage *stage, GError **error)
{
  memset (plan, 0, sizeof *plan);
  plan->reason = g_string_new (NULL);
  plan->rope.rule = VIT_ROPE_NONE;
  if (!plan_package (plan, stage, error))
    return FALSE;
  if (plan->query_norm_epsilon == 0.0)
    plan->query_norm_epsilon = plan->epsilon;
  g_string_append_printf (plan->reason, "; features: %s; embedding: %s%s%s",
      plan->final_norm ? "normed" : "the last block's output",
      pool_name (&plan->embedding), plan->embedding.norm ? ", normed" : "",
      plan->embedding.linear ? ", projected" : "");
  return TRUE;
}

static void
head_clear (VitHeadPlan *head)
{
  g_free (head->norm);
  g_free (head->linear);
}

void
vit_encoder_plan_clear (VitEncoderPlan *plan)
{
  g_free (plan->final_norm);
  head_clear (&plan->embedding);
  head_clear (&plan->logits[0]);
  head_clear (&plan->logits[1]);
  if (plan->reason)
    g_string_free (plan->reason, TRUE);
}
