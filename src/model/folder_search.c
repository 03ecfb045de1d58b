/* SPDX-License-Identifier: MIT */
#include "model/folder_search.h"

#include <string.h>

#include "base/refuse.h"
#include "files/file.h"
#include "files/not_weights.h"
#include "model/adapter.h"

/* Names without the folder, of each kind. */
typedef struct {
  GPtrArray *files;   /* .safetensors */
  GPtrArray *indexes; /* .safetensors.index.json */
  GPtrArray *others;  /* of other formats */
  GPtrArray *folders; /* with weights of their own */
  char *adapter;
} Found;

static const char *
first (const GPtrArray *names)
{
  return names->pdata[0];
}

/* "model-00001-of-00003.safetensors" */
static gboolean
is_shard (const char *name)
{
  const char *of = strstr (name, "-of-");

  return of && of > name && g_ascii_isdigit (of[-1]) && g_ascii_isdigit (of[4])
         && strspn (of + 4, "0123456789") + 4
                == strlen (of) - strlen (".safetensors");
}

static gboolean
has_weights (const char *folder, const char *name)
{
  static const char *const usual[]
      = { "model.safetensors", "model.safetensors.index.json",
          "open_clip_model.safetensors", "diffusion_pytorch_model.safetensors" };

  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++) {
    g_autofree char *path = g_build_filename (folder, name, usual[i], NULL);

    if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
      return TRUE;
  }
  return FALSE;
}

static void
sort_name (const char *folder, const char *name, Found *found)
{
  if (vit_adapter_is_name (name)) {
    g_free (found->adapter);
    found->adapter = g_strdup (name);
  } else if (g_str_has_suffix (name, ".safetensors")) {
    g_ptr_array_add (found->files, g_strdup (name));
  } else if (g_str_has_suffix (name, ".safetensors.index.json")) {
    g_ptr_array_add (found->indexes, g_strdup (name));
  } else if (vit_not_weights_by_name (name)) {
    g_ptr_array_add (found->others, g_strdup (name));
  } else if (has_weights (folder, name)) {
    g_ptr_array_add (found->folders, g_strdup (name));
  }
}

/* Always NULL: there are several. */
static char *
refuse_several (const char *folder, const Found *found, GError **error)
{
  guint n_shards = 0;

  for (guint i = 0; i < found->files->len; i++)
    n_shards += is_shard (found->files->pdata[i]);
  if (n_shards > 0)
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, folder, NULL,
        "holds shards, \"%.100s\" and others, without the "
        "model.safetensors.index.json that says what is where; download that "
        "too, or give the shard with the vision tower",
        first (found->files));
  else
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, folder, NULL,
        "holds %u .safetensors files, \"%.100s\" and \"%.100s\" among them, "
        "and no model.safetensors; give the file that is wanted",
        found->files->len, first (found->files),
        (const char *) found->files->pdata[1]);
  return NULL;
}

/* Always NULL: there are no weights that can be read. */
static char *
refuse_none (const char *folder, const Found *found, GError **error)
{
  if (found->others->len > 0) {
    g_autofree char *path
        = g_build_filename (folder, first (found->others), NULL);

    vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL, "%s",
        vit_not_weights_by_name (path));
  } else if (found->adapter) {
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, folder, NULL,
        "holds an adapter (LoRA or the like), \"%.100s\", without the model "
        "that it was made for; merge it into that model, with peft's "
        "merge_and_unload(), and save it",
        found->adapter);
  } else if (found->folders->len > 0) {
    vit_refuse (error, VIT_ERROR_NOT_FOUND, folder, NULL,
        "holds no weights, but its folder \"%.100s\" does; give that where it "
        "has the vision tower",
        first (found->folders));
  } else {
    vit_refuse (error, VIT_ERROR_NOT_FOUND, folder, NULL,
        "holds no weights; expected model.safetensors or "
        "model.safetensors.index.json");
  }
  return NULL;
}

/* A cache that was not filled has links to nowhere. */
static char *
choose (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  gboolean exists;

  if (!vit_file_exists (path, &exists, error))
    return NULL;
  if (exists)
    return g_steal_pointer (&path);
  vit_refuse (error, VIT_ERROR_NOT_FOUND, path, NULL,
      "is a link to a file that is not there; download the model again, or "
      "copy the folder with what its links lead to");
  return NULL;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
decide (const char *folder, const Found *found, GError **error)
{
  g_ptr_array_sort (found->files, compare_names);
  g_ptr_array_sort (found->others, compare_names);
  g_ptr_array_sort (found->folders, compare_names);
  if (found->indexes->len == 1)
    return choose (folder, first (found->indexes), error);
  if (found->files->len == 1)
    return choose (folder, first (found->files), error);
  if (found->files->len > 1)
    return refuse_several (folder, found, error);
  return refuse_none (folder, found, error);
}

char *
vit_folder_search (const char *folder, GError **error)
{
  g_autoptr (GError) open_error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &open_error);
  Found found = { g_ptr_array_new_with_free_func (g_free),
    g_ptr_array_new_with_free_func (g_free),
    g_ptr_array_new_with_free_func (g_free),
    g_ptr_array_new_with_free_func (g_free), NULL };
  const char *name;
  char *path = NULL;

  while (dir && (name = g_dir_read_name (dir)))
    sort_name (folder, name, &found);
  if (dir)
    path = decide (folder, &found, error);
  else
    vit_refuse (error, VIT_ERROR_READ, folder, NULL, "cannot be read: %s",
        open_error->message);
  g_ptr_array_unref (found.files);
  g_ptr_array_unref (found.indexes);
  g_ptr_array_unref (found.others);
  g_ptr_array_unref (found.folders);
  g_free (found.adapter);
  return path;
}
