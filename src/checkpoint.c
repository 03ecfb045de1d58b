/* SPDX-License-Identifier: MIT
 *
 * Lookup of tensors over one file or over shards: names in, tensors and their
 * values out.  One file is kept as an index of a single shard.
 */
#include "checkpoint.h"

#include <string.h>

#include "file.h"
#include "refuse.h"

/* The index of a model of a million tensors is smaller. */
#define MAX_INDEX_BYTES (64 * 1024 * 1024)

/* An input stage lies in two or three; the rest of these are for towers that
 * turn out to be others. */
#define MAX_OPEN_SHARDS 64

struct _VitCheckpoint {
  char *path;
  json_t *index;      /* NULL for a single file */
  json_t *weight_map; /* owned by index: name -> shard's file name */
  GHashTable *shards; /* path -> VitSafetensors, those opened */
  GPtrArray *names;   /* owned by index or shard */
};

static void
close_shard (gpointer data)
{
  vit_safetensors_close (data);
}

static VitSafetensors *
open_shard (VitCheckpoint *self, const char *path, GError **error)
{
  VitSafetensors *shard = g_hash_table_lookup (self->shards, path);

  if (shard)
    return shard;
  if (g_hash_table_size (self->shards) >= MAX_OPEN_SHARDS) {
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, self->path, NULL,
        "tensors named like those of an input stage lie in more than %d of its "
        "shards; give the shard that holds the vision tower, or put the "
        "tower's tensors into one file",
        MAX_OPEN_SHARDS);
    return NULL;
  }
  shard = vit_safetensors_open (path, error);
  if (shard)
    g_hash_table_insert (self->shards, g_strdup (path), shard);
  return shard;
}

static gboolean
is_plain_shard_name (const char *name)
{
  return name && g_str_has_suffix (name, ".safetensors") && name[0] != '.'
         && !strpbrk (name, "/\\:");
}

static gboolean
open_index (VitCheckpoint *self, GError **error)
{
  const char *name;
  json_t *shard;

  self->index = vit_file_load_json (self->path, MAX_INDEX_BYTES, error);
  if (!self->index)
    return FALSE;
  self->weight_map = json_object_get (self->index, "weight_map");
  if (!json_is_object (self->weight_map))
    return vit_refuse (error, VIT_ERROR_CONFIG, self->path, NULL,
        "no index of shards, since it has no object \"weight_map\"; give the "
        "folder, the .safetensors file or its .safetensors.index.json");

  json_object_foreach (self->weight_map, name, shard)
  {
    if (!is_plain_shard_name (json_string_value (shard)))
      return vit_refuse (error, VIT_ERROR_CONFIG, self->path, name,
          "its shard is \"%.100s\"; expected the plain name of a .safetensors "
          "file in the same folder",
          json_is_string (shard) ? json_string_value (shard) : "no string");
    g_ptr_array_add (self->names, (gpointer) name);
  }
  return TRUE;
}

static gboolean
open_single (VitCheckpoint *self, GError **error)
{
  VitSafetensors *file = open_shard (self, self->path, error);
  const VitTensor *tensors;
  guint n_tensors;

  if (!file)
    return FALSE;
  tensors = vit_safetensors_list (file, &n_tensors);
  for (guint i = 0; i < n_tensors; i++)
    g_ptr_array_add (self->names, (gpointer) tensors[i].name);
  return TRUE;
}

VitCheckpoint *
vit_checkpoint_open (const char *path, GError **error)
{
  VitCheckpoint *self = g_new0 (VitCheckpoint, 1);
  gboolean opened;

  self->path = g_strdup (path);
  self->names = g_ptr_array_new ();
  self->shards
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, close_shard);
  if (g_str_has_suffix (path, ".json"))
    opened = open_index (self, error);
  else
    opened = open_single (self, error);
  if (!opened) {
    vit_checkpoint_close (self);
    return NULL;
  }
  g_ptr_array_add (self->names, NULL);
  return self;
}

void
vit_checkpoint_close (VitCheckpoint *checkpoint)
{
  if (!checkpoint)
    return;
  g_ptr_array_unref (checkpoint->names);
  g_hash_table_unref (checkpoint->shards);
  json_decref (checkpoint->index);
  g_free (checkpoint->path);
  g_free (checkpoint);
}

const char *const *
vit_checkpoint_names (const VitCheckpoint *checkpoint, gsize *n_names)
{
  *n_names = checkpoint->names->len - 1;
  return (const char *const *) checkpoint->names->pdata;
}

static char *
shard_path (const VitCheckpoint *self, const char *name)
{
  g_autofree char *folder = NULL;
  json_t *shard;

  if (!self->weight_map)
    return g_strdup (self->path);
  shard = json_object_get (self->weight_map, name);
  if (!shard)
    return NULL;
  folder = g_path_get_dirname (self->path);
  return g_build_filename (folder, json_string_value (shard), NULL);
}

gboolean
vit_checkpoint_has (const VitCheckpoint *checkpoint, const char *name)
{
  VitSafetensors *file;

  if (checkpoint->weight_map)
    return json_object_get (checkpoint->weight_map, name) != NULL;
  file = g_hash_table_lookup (checkpoint->shards, checkpoint->path);
  return vit_safetensors_find (file, name) != NULL;
}

const VitTensor *
vit_checkpoint_find (
    VitCheckpoint *checkpoint, const char *name, GError **error)
{
  g_autofree char *path = shard_path (checkpoint, name);
  const VitTensor *tensor;
  VitSafetensors *shard;

  if (!path)
    return NULL;
  shard = open_shard (checkpoint, path, error);
  if (!shard)
    return NULL;
  tensor = vit_safetensors_find (shard, name);
  if (!tensor && checkpoint->weight_map)
    vit_refuse (error, VIT_ERROR_TENSOR, path, name,
        "missing, although the index says that it is in this shard");
  return tensor;
}

gboolean
vit_checkpoint_read (VitCheckpoint *checkpoint, const VitTensor *tensor,
    float *values, GError **error)
{
  g_autofree char *path = shard_path (checkpoint, tensor->name);
  VitSafetensors *shard = g_hash_table_lookup (checkpoint->shards, path);

  return vit_safetensors_read (shard, tensor, values, tensor->n_values, error);
}

const char *
vit_checkpoint_path (const VitCheckpoint *checkpoint)
{
  return checkpoint->path;
}

const char *
vit_checkpoint_path_of (const VitCheckpoint *checkpoint, const char *name)
{
  g_autofree char *path = shard_path (checkpoint, name);
  gpointer key;

  if (path
      && g_hash_table_lookup_extended (checkpoint->shards, path, &key, NULL))
    return key;
  return checkpoint->path;
}

void
vit_checkpoint_add_files (const VitCheckpoint *checkpoint, GPtrArray *files)
{
  g_autofree gpointer *paths = NULL;
  guint n_paths;

  if (checkpoint->weight_map)
    g_ptr_array_add (files, g_strdup (checkpoint->path));
  paths = g_hash_table_get_keys_as_array (checkpoint->shards, &n_paths);
  for (guint i = 0; i < n_paths; i++)
    g_ptr_array_add (files, g_strdup (paths[i]));
}
