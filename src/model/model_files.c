/* SPDX-License-Identifier: MIT
 *
 * Which file holds the weights: the names under which Hugging Face, timm and
 * OpenCLIP publish them are tried in turn, and what else a folder holds is
 * refused by its name, with what to do instead.
 */
#include "model/model_files.h"

#include <string.h>

#include "base/refuse.h"
#include "files/file.h"
#include "files/hub_name.h"
#include "files/not_weights.h"
#include "model/folder_search.h"

/* In the order in which a folder is searched. */
static const char *const weights_names[] = {
  "model.safetensors",
  "model.safetensors.index.json",
  "open_clip_model.safetensors",
};

static gboolean
check_file_name (const char *path, GError **error)
{
  const char *what = vit_not_weights_by_name (path);

  return !what
         || vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL, "%s", what);
}

static gboolean
find_weights (const char *folder, VitModelFiles *files, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (weights_names); i++) {
    g_autofree char *path = g_build_filename (folder, weights_names[i], NULL);
    gboolean exists;

    if (!vit_file_exists (path, &exists, error))
      return FALSE;
    if (exists) {
      files->weights = g_steal_pointer (&path);
      return TRUE;
    }
  }
  files->weights = vit_folder_search (folder, error);
  return files->weights != NULL;
}

/* `weights`: the file that the folder's weights are read by. */
static gboolean
check_family (const VitConfig *config, const char *weights, GError **error)
{
  g_autofree char *known = NULL;
  gboolean timm = g_strcmp0 (config->name_key, "model_type") != 0;

  if (!config->name || (config->family && !config->family->refusal))
    return TRUE;
  if (config->family)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, config->source,
        config->name_key,
        "\"%.100s\" is no plain ViT: %s; give a model whose "
        "input stage is patches and positions",
        config->name, config->family->refusal);
  known = vit_family_names (timm ? VIT_ORIGIN_TIMM : VIT_ORIGIN_HUGGING_FACE);
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, config->source,
      config->name_key,
      "\"%.100s\" is not known; known are %s.  If the model "
      "is stored as one of these, give %s instead of the folder, with position "
      "rule, mean and std set: the names of the tensors alone then decide",
      config->name, known, weights);
}

static gboolean
load_config (const char *folder, VitModelFiles *files, GError **error)
{
  g_autofree char *name = g_path_get_basename (files->weights);
  gboolean open_clip = g_str_has_prefix (name, "open_clip_");

  files->config = vit_config_load (folder, open_clip, error);
  return files->config && check_family (files->config, files->weights, error);
}

static void
add_set_aside (VitModelFiles *files, const char *why)
{
  char *before = files->set_aside;

  files->set_aside
      = before ? g_strdup_printf ("%s; %s", before, why) : g_strdup (why);
  g_free (before);
}

/* Beside a file that was given itself: sizes and mean and std of a model that
 * is not known stay, since they can be held against the tensors, or are a
 * matter of the frames. */
static gboolean
load_config_beside (const char *folder, VitModelFiles *files, GError **error)
{
  g_autoptr (GError) processor_error = NULL;
  GError *config_error = NULL;

  if (!load_config (folder, files, &config_error)) {
    g_autofree char *unknown = NULL;

    if (files->config && files->config->family) {
      g_propagate_error (error, config_error);
      return FALSE;
    }
    if (files->config)
      unknown = g_strdup_printf ("%s \"%s\", which is not known",
          files->config->name_key, files->config->name);
    else
      files->config = vit_config_new ();
    add_set_aside (files, unknown ? unknown : config_error->message);
    g_error_free (config_error);
  }
  if (!vit_config_read_image_processor (
          files->config, folder, &processor_error)) {
    vit_stated_normalisation_clear (&files->config->stated);
    files->config->stated.scale = 1.0;
    add_set_aside (files, processor_error->message);
  }
  return TRUE;
}

gboolean
vit_model_files_find (const char *path, VitModelFiles *files, GError **error)
{
  g_autofree char *folder = NULL;
  gboolean exists;

  memset (files, 0, sizeof *files);
  files->is_folder = g_file_test (path, G_FILE_TEST_IS_DIR);
  if (files->is_folder)
    return find_weights (path, files, error)
           && load_config (path, files, error)
           && vit_config_read_image_processor (files->config, path, error);

  if (!vit_file_exists (path, &exists, error))
    return FALSE;
  if (!exists)
    return vit_hub_refuse_missing (path, error);
  if (!check_file_name (path, error))
    return FALSE;
  files->weights = g_strdup (path);
  folder = g_path_get_dirname (path);
  return load_config_beside (folder, files, error);
}

void
vit_model_files_clear (VitModelFiles *files)
{
  g_free (files->weights);
  vit_config_free (files->config);
  g_free (files->set_aside);
  g_free (files->adapter);
}
