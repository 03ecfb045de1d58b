/* SPDX-License-Identifier: MIT */
#include "encoder/encoder_beside.h"

#include <string.h>

#include "base/refuse.h"
#include "model/adapter.h"

/* A tower whose blocks were quantised before they were saved has tensors that no
 * block is read from. */
static gboolean
check_quantisation (const VitStage *stage, GError **error)
{
  const VitConfig *config = stage->config;

  if (!config->quantised_by || vit_beside_is_quantised (stage->checkpoint))
    return TRUE;
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
      vit_checkpoint_path (stage->checkpoint), NULL,
      "its blocks are stored as floats, but quantization_config in %s says to "
      "quantise them when they are loaded (%s), which is not done here; give the "
      "model without quantization_config for the features as they are before",
      config->source, config->quantised_by);
}

/* The tower's own, which begin with its prefix. */
static GPtrArray *
list_tower (const VitStage *stage)
{
  gsize n_names;
  const char *const *all = vit_checkpoint_names (stage->checkpoint, &n_names);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < n_names; i++)
    if (g_str_has_prefix (all[i], stage->tower.prefix))
      g_ptr_array_add (names, g_strdup (all[i]));
  g_ptr_array_add (names, NULL);
  return names;
}

/* A projection or classifier may stand beside the tower. */
static void
add_head (GPtrArray *names, const VitHeadPlan *head)
{
  if (head->norm)
    g_ptr_array_add (names, g_strconcat (head->norm, ".weight", NULL));
  if (head->linear)
    g_ptr_array_add (names,
        head->transposed ? g_strdup (head->linear)
                         : g_strconcat (head->linear, ".weight", NULL));
}

static GPtrArray *
list_heads (const VitEncoderPlan *plan)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  add_head (names, &plan->embedding);
  for (guint i = 0; i < plan->n_logits; i++)
    add_head (names, &plan->logits[i]);
  g_ptr_array_add (names, NULL);
  return names;
}

/* *note: as of vit_adapter_check(). */
static gboolean
check_adapter (VitModelFiles *files, const GPtrArray *names, gsize prefix_length,
    char **note, GError **error)
{
  VitUsedTensors used
      = { (const char *const *) names->pdata, prefix_length };

  /* Of none there is nothing to change. */
  if (!used.names[0])
    return TRUE;
  return vit_adapter_check (files->weights, files->is_folder, &used,
      files->config->files, note, error);
}

gboolean
vit_encoder_check_beside (const VitStage *stage, VitEncoderPlan *plan,
    VitModelFiles *files, GError **error)
{
  g_autoptr (GPtrArray) tower = list_tower (stage);
  g_autoptr (GPtrArray) heads = list_heads (plan);
  g_autofree char *note = NULL, *same = NULL;

  if (!check_quantisation (stage, error)
      || !check_adapter (
          files, tower, strlen (stage->tower.prefix), &note, error)
      || !check_adapter (files, heads, 0, &same, error))
    return FALSE;
  if (note)
    vit_plan_note (plan, "not used", "%s", note);
  return TRUE;
}
