/* SPDX-License-Identifier: MIT
 *
 * Only the names in an adapter's file are read: they tell which modules it
 * changes, whatever its kind.
 */
#include "model/adapter.h"

#include "base/refuse.h"
#include "files/file.h"

#define CONFIG "adapter_config.json"
#define WEIGHTS "adapter_model.safetensors"

gboolean
vit_adapter_is_name (const char *name)
{
  return g_str_has_prefix (name, "adapter_model.");
}

/* Always FALSE. */
static gboolean
refuse (const char *path, const char *tensor, const char *why,
    const char *weights, GError **error)
{
  g_autofree char *file = g_path_get_basename (weights);

  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, tensor,
      "is %s an adapter (LoRA or the like)%s, and adapters are not applied; "
      "merge it into the model, with peft's merge_and_unload(), and save that, "
      "or give %.100s itself for the tokens without it",
      tensor ? "a part of" : "the mark of", why, file);
}

static gboolean
check_tensors (const VitSafetensors *adapter, const char *path,
    const char *weights, const VitUsedTensors *used, GError **error)
{
  guint n_tensors;
  const VitTensor *tensors = vit_safetensors_list (adapter, &n_tensors);

  for (guint i = 0; i < n_tensors; i++) {
    const char *changed = vit_beside_touches (used, tensors[i].name);
    g_autofree char *why = NULL;

    if (!changed)
      continue;
    why = g_strdup_printf (", which changes %.200s", changed);
    return refuse (path, tensors[i].name, why, weights, error);
  }
  return TRUE;
}

/* Opened from before its names are known to after, for its state. */
static gboolean
check_file (const char *path, const char *weights, const VitUsedTensors *used,
    GArray *files, GError **error)
{
  VitSafetensors *adapter = vit_safetensors_open (path, error);
  gboolean leaves_alone;

  if (!adapter)
    return FALSE;
  vit_file_states_add (
      files, path, vit_file_status (vit_safetensors_file (adapter)));
  leaves_alone = check_tensors (adapter, path, weights, used, error);
  vit_safetensors_close (adapter);
  return leaves_alone;
}

gboolean
vit_adapter_check (const char *weights, gboolean is_folder,
    const VitUsedTensors *used, GArray *files, char **note, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (weights);
  g_autofree char *config = g_build_filename (folder, CONFIG, NULL);
  g_autofree char *path = g_build_filename (folder, WEIGHTS, NULL);
  gboolean has_config, has_file;

  *note = NULL;
  if (!vit_file_exists (config, &has_config, error)
      || !vit_file_exists (path, &has_file, error))
    return FALSE;
  if (!has_config && !has_file)
    return TRUE;
  vit_file_states_add (files, config, NULL);
  if (!is_folder) {
    *note = g_strdup_printf ("%s, the adapter beside the file, which is read "
                             "as it is", has_file ? WEIGHTS : CONFIG);
    return TRUE;
  }
  if (!has_file)
    return refuse (config, NULL,
        ", of which there is no " WEIGHTS " that tells what it changes",
        weights, error);
  if (!check_file (path, weights, used, files, error))
    return FALSE;
  *note = g_strdup (
      WEIGHTS ", an adapter that changes other parts of the model");
  return TRUE;
}
