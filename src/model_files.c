/* SPDX-License-Identifier: MIT
 *
 * Which file holds the weights: the names under which Hugging Face, timm and
 * OpenCLIP publish them are tried in turn, and all other formats are refused,
 * by the file's name and by how it begins, with what to do instead.
 */
#include "model_files.h"

#include <string.h>

#include "file.h"
#include "refuse.h"

#define PICKLE                                                                 \
  "is a PyTorch pickle, which runs code when loaded and is never read; save "  \
  "its state_dict with safetensors.torch.save_file and give that file"
#define OTHER_FRAMEWORK                                                        \
  "is not a safetensors file; save the PyTorch checkpoint's state_dict with "  \
  "safetensors.torch.save_file and give that file"

#define ZIP                                                                    \
  "is a zip archive, as torch.save writes them with a pickle inside, which "   \
  "runs code when loaded and is never read; save its state_dict with "         \
  "safetensors.torch.save_file and give that file"
#define GGUF                                                                   \
  "is a GGUF file; give the checkpoint it was converted from, as .safetensors"

/* Formats that people have, by the end of the file's name, in small letters. */
static const struct {
  const char *suffix;
  const char *refusal;
} refused_files[] = {
  { ".pth", PICKLE },
  { ".pt", PICKLE },
  { ".bin", PICKLE },
  { ".ckpt", PICKLE },
  { ".pkl", PICKLE },
  { ".pickle", PICKLE },
  { ".pth.tar", PICKLE },
  { ".zip", ZIP },
  { ".onnx", "is an ONNX graph, in which the input stage has no name of its "
             "own; give the checkpoint it was exported from, as .safetensors" },
  { ".gguf", GGUF },
  { ".npz", OTHER_FRAMEWORK },
  { ".h5", OTHER_FRAMEWORK },
  { ".msgpack", OTHER_FRAMEWORK },
  { ".tflite", OTHER_FRAMEWORK },
};

/* The same, by the first bytes, whatever the name. */
static const struct {
  const char *magic;
  const char *refusal;
} refused_contents[] = {
  { "PK\003\004", ZIP },
  { "\200\002", PICKLE }, /* protocols 2 to 5 */
  { "\200\003", PICKLE },
  { "\200\004", PICKLE },
  { "\200\005", PICKLE },
  { "GGUF", GGUF },
  { "\211HDF", OTHER_FRAMEWORK },
};

/* In the order in which a folder is searched. */
static const char *const weights_names[] = {
  "model.safetensors",
  "model.safetensors.index.json",
  "open_clip_model.safetensors",
};

static gboolean
check_file_name (const char *path, GError **error)
{
  g_autofree char *small = g_ascii_strdown (path, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (refused_files); i++)
    if (g_str_has_suffix (small, refused_files[i].suffix))
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL, "%s",
          refused_files[i].refusal);
  return TRUE;
}

/* A file that cannot be read is left to whoever reads it for its weights. */
static gboolean
check_content (const char *path, GError **error)
{
  VitFile *file = vit_file_open (path, NULL);
  char start[9] = { 0 };
  gsize length;
  gboolean is_read;

  if (!file)
    return TRUE;
  length = MIN (vit_file_size (file), sizeof start);
  is_read = vit_file_read (file, 0, length, start, NULL);
  vit_file_close (file);
  /* Any eight bytes may be the length of a safetensors header, which then
   * begins with a brace. */
  if (!is_read || start[8] == '{')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (refused_contents); i++)
    if (strncmp (start, refused_contents[i].magic,
            strlen (refused_contents[i].magic)) == 0)
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL, "%s",
          refused_contents[i].refusal);
  return TRUE;
}

/* Always FALSE: the folder has none or several of its own naming. */
static gboolean
refuse_folder (const char *folder, const GPtrArray *safetensors,
    const char *other, GError **error)
{
  if (safetensors->len > 1)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, folder, NULL,
        "holds %u .safetensors files, \"%.100s\" and \"%.100s\" among them, "
        "and no model.safetensors; give the file that is wanted",
        safetensors->len, (const char *) safetensors->pdata[0],
        (const char *) safetensors->pdata[1]);
  if (other) {
    g_autofree char *path = g_build_filename (folder, other, NULL);

    return check_file_name (path, error);
  }
  return vit_refuse (error, VIT_ERROR_NOT_FOUND, folder, NULL,
      "holds no weights; expected model.safetensors or "
      "model.safetensors.index.json");
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
search_folder (const char *folder, VitModelFiles *files, GError **error)
{
  g_autoptr (GPtrArray) safetensors = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *other = NULL;
  g_autoptr (GError) open_error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &open_error);
  const char *name;

  if (!dir)
    return vit_refuse (error, VIT_ERROR_READ, folder, NULL,
        "cannot be read: %s", open_error->message);
  while ((name = g_dir_read_name (dir))) {
    if (g_str_has_suffix (name, ".safetensors")) {
      g_ptr_array_add (safetensors, g_strdup (name));
    } else if (!check_file_name (name, NULL)
               && (!other || strcmp (name, other) < 0)) {
      g_free (other);
      other = g_strdup (name);
    }
  }
  if (safetensors->len != 1) {
    g_ptr_array_sort (safetensors, compare_strings);
    return refuse_folder (folder, safetensors, other, error);
  }
  files->weights = g_build_filename (folder, safetensors->pdata[0], NULL);
  return TRUE;
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
  return search_folder (folder, files, error);
}

static gboolean
check_family (const VitConfig *config, GError **error)
{
  g_autofree char *known = NULL;
  gboolean timm = g_strcmp0 (config->name_key, "model_type") != 0;

  if (!config->name || (config->family && !config->family->refusal))
    return TRUE;
  if (config->family)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, config->name_source,
        config->name_key,
        "\"%.100s\" is no plain ViT: %s; give a model whose "
        "input stage is patches and positions",
        config->name, config->family->refusal);
  known = vit_family_names (timm ? VIT_ORIGIN_TIMM : VIT_ORIGIN_HUGGING_FACE);
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, config->name_source,
      config->name_key,
      "\"%.100s\" is not known; known are %s.  If the model "
      "is stored as one of these, give FOLDER/model.safetensors instead of "
      "the folder, with position rule, mean and std set: the names of the "
      "tensors alone then decide",
      config->name, known);
}

static gboolean
load_config (const char *folder, VitModelFiles *files, GError **error)
{
  g_autofree char *name = g_path_get_basename (files->weights);
  gboolean open_clip = g_str_has_prefix (name, "open_clip_");

  files->config = vit_config_load (folder, open_clip, error);
  return files->config && check_family (files->config, error);
}

/* mean and std stay: they are a matter of the frames, not of the layout. */
static void
set_aside_config (VitModelFiles *files, const GError *why)
{
  if (!files->config) {
    files->config = vit_config_new ();
    files->set_aside = g_strdup (why->message);
    return;
  }
  files->set_aside = g_strdup_printf ("%s \"%s\", which is not known",
      files->config->name_key, files->config->name);
}

gboolean
vit_model_files_find (const char *path, VitModelFiles *files, GError **error)
{
  g_autofree char *folder = NULL;
  GError *config_error = NULL;
  gboolean exists;

  memset (files, 0, sizeof *files);
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return find_weights (path, files, error)
           && check_content (files->weights, error)
           && load_config (path, files, error);

  if (!vit_file_exists (path, &exists, error))
    return FALSE;
  if (!exists)
    return vit_refuse (
        error, VIT_ERROR_NOT_FOUND, path, NULL, "no such file or folder");
  if (!check_file_name (path, error) || !check_content (path, error))
    return FALSE;
  files->weights = g_strdup (path);
  folder = g_path_get_dirname (path);
  if (!load_config (folder, files, &config_error)) {
    if (files->config && files->config->family) {
      g_propagate_error (error, config_error);
      return FALSE;
    }
    set_aside_config (files, config_error);
    g_error_free (config_error);
  }
  return TRUE;
}

void
vit_model_files_clear (VitModelFiles *files)
{
  g_free (files->weights);
  vit_config_free (files->config);
  g_free (files->set_aside);
}
