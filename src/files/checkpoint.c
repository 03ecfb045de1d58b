/* SPDX-License-Identifier: MIT
 *
 * Lookup of tensors over one file or over shards: names in, tensors and their
 * values out.  One file is kept as an index of a single shard.
 */
#include "files/checkpoint.h"

#include <string.h>

#include "base/refuse.h"
#include "files/json_text.h"
#include "files/not_weights.h"

/* The largest published models have less than a fifth of either. */
#define MAX_INDEX_BYTES (64 * 1024 * 1024)
#define MAX_INDEX_TENSORS (1 << 20)

/* Of a file's name, on every usual file system. */
#define MAX_SHARD_NAME 255

/* A tensor and the file name of its shard, both in the index's text. */
typedef struct {
  const char *name;
  const char *shard;
} Place;

/* An input stage lies in two or three; the rest of these are for towers that
 * turn out to be others. */
#define MAX_OPEN_SHARDS 64

struct _VitCheckpoint {
  char *path;
  char *index;        /* its text; NULL for a single file */
  GArray *index_file; /* of VitFileState; none for a single file */
  Place *places;      /* [n_names], in strcmp() order; NULL for a single file */
  GHashTable *shards; /* path -> VitSafetensors, those opened */
  VitSafetensorsRoom room;
  const char **names; /* [n_names + 1], in the file's order; owned by index or
                         shard */
  gsize n_names;
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
  shard = vit_safetensors_open_within (path, &self->room, error);
  if (shard)
    g_hash_table_insert (self->shards, g_strdup (path), shard);
  return shard;
}

/* Messages quote a path as it is, and the name becomes a part of one. */
static gboolean
is_plain_shard_name (const char *name)
{
  if (!name || !g_str_has_suffix (name, ".safetensors") || name[0] == '.'
      || strlen (name) > MAX_SHARD_NAME || strpbrk (name, "/\\:"))
    return FALSE;
  for (const char *at = name; *at; at = g_utf8_next_char (at))
    if (g_unichar_iscntrl (g_utf8_get_char (at)))
      return FALSE;
  return TRUE;
}

static gboolean
refuse_memory (const VitCheckpoint *self, gsize n_names, GError **error)
{
  return vit_refuse (error, VIT_ERROR_NO_MEMORY, self->path, NULL,
      "no memory for %" G_GSIZE_FORMAT " names", n_names);
}

static int
compare_places (const void *a, const void *b)
{
  const Place *left = a, *right = b;

  return strcmp (left->name, right->name);
}

/* Sorts the names, by which two of a kind come to stand side by side. */
static gboolean
sort_places (VitCheckpoint *self, GError **error)
{
  qsort (self->places, self->n_names, sizeof (Place), compare_places);
  for (gsize i = 1; i < self->n_names; i++)
    if (compare_places (&self->places[i - 1], &self->places[i]) == 0)
      return vit_refuse (error, VIT_ERROR_CONFIG, self->path,
          self->places[i].name, "is there twice, a duplicate; expected one");
  return TRUE;
}

/* (nullable): NULL also where it is there twice, or no object.  *answer: what a
 * server says where it does not give the file. */
static char *
find_weight_map (char *index, const char **answer)
{
  VitJsonWalk walk = vit_json_walk (vit_json_root (index));
  char *weight_map = NULL, *error = NULL, *value;
  gboolean twice = FALSE;
  const char *name;

  while (vit_json_next_member (&walk, &name, &value))
    if (strcmp (name, "weight_map") == 0) {
      twice = weight_map != NULL;
      weight_map = value;
    } else if (strcmp (name, "error") == 0) {
      error = value;
    }
  if (!weight_map && error)
    *answer = vit_json_string (error);
  return weight_map && !twice && *weight_map == '{' ? weight_map : NULL;
}

static gboolean
read_weight_map (VitCheckpoint *self, char *weight_map, GError **error)
{
  gsize n_names = vit_json_count (weight_map);
  VitJsonWalk walk = vit_json_walk (weight_map);
  const char *name;
  char *value;

  if (n_names > MAX_INDEX_TENSORS)
    return vit_refuse (error, VIT_ERROR_CONFIG, self->path, "weight_map",
        "lists %" G_GSIZE_FORMAT " tensors; expected at most %d", n_names,
        MAX_INDEX_TENSORS);
  self->places = g_try_new (Place, n_names + 1);
  self->names = g_try_new0 (const char *, n_names + 1);
  if (!self->places || !self->names)
    return refuse_memory (self, n_names, error);
  while (vit_json_next_member (&walk, &name, &value)) {
    const char *shard = vit_json_string (value);
    const char *what = shard ? vit_not_weights_by_name (shard) : NULL;

    if (what)
      return vit_refuse (error, VIT_ERROR_CONFIG, self->path, name,
          "its shard, \"%.100s\", %s", shard, what);
    if (!is_plain_shard_name (shard))
      return vit_refuse (error, VIT_ERROR_CONFIG, self->path, name,
          "its shard is \"%.100s\"; expected the plain name of a .safetensors "
          "file in the same folder, of at most %d bytes and without control "
          "characters",
          shard ? shard : "no string", MAX_SHARD_NAME);
    self->places[self->n_names] = (Place) { name, shard };
    self->names[self->n_names++] = name;
  }
  return sort_places (self, error);
}

static gboolean
open_index (VitCheckpoint *self, GError **error)
{
  const char *answer = NULL;
  char *weight_map;

  self->index = vit_file_load_json_text (
      self->path, MAX_INDEX_BYTES, G_MAXSIZE, self->index_file, error);
  if (!self->index)
    return FALSE;
  weight_map = find_weight_map (self->index, &answer);
  if (answer)
    return vit_refuse (error, VIT_ERROR_CONFIG, self->path, NULL,
        "says \"error\": \"%.100s\", as a server answers in place of a file; "
        "download the file again", answer);
  if (!weight_map)
    return vit_refuse (error, VIT_ERROR_CONFIG, self->path, NULL,
        "no index of shards, since it has no object \"weight_map\", or several; "
        "give the folder, the .safetensors file or its .safetensors.index.json");
  return read_weight_map (self, weight_map, error);
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
  self->names = g_try_new0 (const char *, n_tensors + 1);
  if (!self->names)
    return refuse_memory (self, n_tensors, error);
  self->n_names = n_tensors;
  for (guint i = 0; i < n_tensors; i++)
    self->names[i] = tensors[i].name;
  return TRUE;
}

VitCheckpoint *
vit_checkpoint_open (const char *path, GError **error)
{
  VitCheckpoint *self = g_new0 (VitCheckpoint, 1);
  gboolean opened;

  self->path = g_strdup (path);
  self->index_file = vit_file_states_new ();
  self->room = (VitSafetensorsRoom) VIT_SAFETENSORS_ROOM;
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
  return self;
}

void
vit_checkpoint_close (VitCheckpoint *checkpoint)
{
  if (!checkpoint)
    return;
  g_hash_table_unref (checkpoint->shards);
  g_free (checkpoint->places);
  g_free (checkpoint->names);
  g_array_unref (checkpoint->index_file);
  g_free (checkpoint->index);
  g_free (checkpoint->path);
  g_free (checkpoint);
}

const char *const *
vit_checkpoint_names (const VitCheckpoint *checkpoint, gsize *n_names)
{
  *n_names = checkpoint->n_names;
  return checkpoint->names;
}

/* (nullable): of a checkpoint with an index. */
static const Place *
find_place (const VitCheckpoint *self, const char *name)
{
  Place wanted = { name, NULL };

  return bsearch (
      &wanted, self->places, self->n_names, sizeof (Place), compare_places);
}

/* (nullable) (transfer full) */
static char *
shard_path (const VitCheckpoint *self, const char *name)
{
  g_autofree char *folder = NULL;
  const Place *place;

  if (!self->index)
    return g_strdup (self->path);
  place = find_place (self, name);
  if (!place)
    return NULL;
  folder = g_path_get_dirname (self->path);
  return g_build_filename (folder, place->shard, NULL);
}

gboolean
vit_checkpoint_has (const VitCheckpoint *checkpoint, const char *name)
{
  VitSafetensors *file;

  if (checkpoint->index)
    return find_place (checkpoint, name) != NULL;
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
  if (!tensor && checkpoint->index)
    vit_refuse (error, VIT_ERROR_TENSOR, path, name,
        "missing, although the index says that it is in this shard");
  return tensor;
}

gboolean
vit_checkpoint_read (VitCheckpoint *checkpoint, const VitTensor *tensor,
    guint64 first, gsize n_values, float *values, GError **error)
{
  g_autofree char *path = shard_path (checkpoint, tensor->name);
  VitSafetensors *shard = g_hash_table_lookup (checkpoint->shards, path);

  return vit_safetensors_read (
      shard, tensor, first, n_values, values, error);
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
vit_checkpoint_add_files (const VitCheckpoint *checkpoint, GArray *files)
{
  GHashTableIter iter;
  gpointer path, shard;

  vit_file_states_add_all (files, checkpoint->index_file);
  g_hash_table_iter_init (&iter, checkpoint->shards);
  while (g_hash_table_iter_next (&iter, &path, &shard))
    vit_file_states_add (
        files, path, vit_file_status (vit_safetensors_file (shard)));
}

static gint
compare_digests (gconstpointer a, gconstpointer b)
{
  return strcmp (
      vit_safetensors_header_digest (a), vit_safetensors_header_digest (b));
}

void
vit_checkpoint_add_headers (
    const VitCheckpoint *checkpoint, GChecksum *checksum)
{
  GList *shards = g_list_sort (
      g_hash_table_get_values (checkpoint->shards), compare_digests);

  for (GList *shard = shards; shard; shard = shard->next)
    g_checksum_update (checksum,
        (const guchar *) vit_safetensors_header_digest (shard->data), -1);
  g_list_free (shards);
}

gboolean
vit_checkpoint_check_unchanged (
    const VitCheckpoint *checkpoint, GError **error)
{
  GHashTableIter iter;
  gpointer shard;

  g_hash_table_iter_init (&iter, checkpoint->shards);
  while (g_hash_table_iter_next (&iter, NULL, &shard))
    if (!vit_file_check_unchanged (vit_safetensors_file (shard), error))
      return FALSE;
  return TRUE;
}
