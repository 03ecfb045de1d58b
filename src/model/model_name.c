/* SPDX-License-Identifier: MIT
 *
 * A path and a config go in, a name comes out; values and headers go in, and
 * digits come out.
 */
#include "model/model_name.h"

#include <string.h>

#include "files/hub_name.h"

/* Commits and digests are 40 or 64; no name is so many. */
#define MIN_HASH_DIGITS 32

/* What saving tools and people call any model. */
static const char *const empty_names[] = { "model", "models", "pytorch_model",
  "open_clip_model", "open_clip_pytorch_model", "diffusion_pytorch_model",
  "tf_model", "flax_model", "adapter_model", "vision_model", "image_encoder",
  "vision_encoder", "checkpoint", "checkpoints", "weights", "pretrained",
  "snapshots", "blobs", "output", "outputs", "tmp", "main", "latest", "best",
  "final", "last" };

/* All digits of a number, or of a hash. */
static gboolean
is_number_or_hash (const char *name)
{
  gsize n_digits = strspn (name, "0123456789");
  gsize n_hex = strspn (name, "0123456789abcdefABCDEF");

  return name[n_digits] == '\0'
         || (name[n_hex] == '\0' && n_hex >= MIN_HASH_DIGITS);
}

static gboolean
says_something (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  if (name[0] == '.' || strchr (name, G_DIR_SEPARATOR)
      || is_number_or_hash (name))
    return FALSE;
  if (g_str_has_prefix (lower, "checkpoint-")
      && is_number_or_hash (lower + strlen ("checkpoint-")))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (empty_names); i++)
    if (strcmp (lower, empty_names[i]) == 0)
      return FALSE;
  return TRUE;
}

static gboolean
cut_end (char *name, const char *end)
{
  gboolean has_end = g_str_has_suffix (name, end);

  if (has_end)
    name[strlen (name) - strlen (end)] = '\0';
  return has_end;
}

/* -00001-of-00002 */
static void
cut_shard_number (char *name)
{
  gsize length = strlen (name);
  char *end;

  if (length < 15)
    return;
  end = name + length - 15;
  if (end[0] == '-' && strspn (end + 1, "0123456789") == 5
      && g_str_has_prefix (end + 6, "-of-")
      && strspn (end + 10, "0123456789") == 5)
    *end = '\0';
}

/* (nullable) (transfer full): of a file that has a name of its own. */
static char *
name_of_file (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  if (!cut_end (name, ".safetensors.index.json")
      && !cut_end (name, ".safetensors") && !cut_end (name, ".json"))
    return NULL;
  cut_shard_number (name);
  cut_end (name, ".fp16");
  return says_something (name) ? g_steal_pointer (&name) : NULL;
}

/* (nullable) (transfer full): the hub's name, or the last part of a path, in the
 * way of any system. */
static char *
name_in_config (const VitConfig *config)
{
  g_autofree char *whole = NULL;
  g_auto (GStrv) parts = NULL;
  guint n_parts;

  if (!config->model_name)
    return NULL;
  whole = g_strdelimit (g_strstrip (g_strdup (config->model_name)), "\\", '/');
  while (cut_end (whole, "/"))
    continue;
  parts = g_strsplit (whole, "/", -1);
  n_parts = g_strv_length (parts);
  if (n_parts == 0 || !says_something (parts[n_parts - 1]))
    return NULL;
  if (n_parts == 2 && says_something (parts[0]))
    return g_steal_pointer (&whole);
  return g_strdup (parts[n_parts - 1]);
}

/* (nullable) (transfer full): that of the folder, or of the one around it. */
static char *
name_of_folder (const char *folder)
{
  g_autofree char *name = g_path_get_basename (folder);
  g_autofree char *around = g_path_get_dirname (folder);
  g_autofree char *its_name = g_path_get_basename (around);

  if (says_something (name))
    return g_steal_pointer (&name);
  if (!says_something (its_name))
    return NULL;
  return is_number_or_hash (name) ? g_steal_pointer (&its_name)
                                  : g_strdup_printf ("%s/%s", its_name, name);
}

/* What prints of it: it is shown to people, and comes from a file of any make. */
static char *
make_printable (char *name /* (transfer full) */)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  GString *text = g_string_new (NULL);

  g_free (name);
  for (const char *at = valid; *at; at = g_utf8_next_char (at)) {
    gunichar character = g_utf8_get_char (at);
    gsize size = (gsize) (g_utf8_next_char (at) - at);

    if (text->len + size > VIT_MODEL_NAME_MAX)
      break;
    if (g_unichar_isprint (character))
      g_string_append_unichar (text, character);
  }
  return g_string_free (text, FALSE);
}

char *
vit_model_name (
    const char *path, const VitConfig *config, const VitLayout *layout)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *folder = g_file_test (absolute, G_FILE_TEST_IS_DIR)
                                ? g_strdup (absolute)
                                : g_path_get_dirname (absolute);
  char *name = vit_hub_name_of_path (absolute);

  if (!name)
    name = name_of_file (absolute);
  if (!name)
    name = name_in_config (config);
  if (!name)
    name = name_of_folder (folder);
  if (name)
    name = make_printable (name);
  if (name && name[0] != '\0')
    return name;
  g_free (name);
  return g_strdup (layout->name);
}

/* FNV-1a, by whole float32 in place of bytes: there are millions of them, and
 * SHA-256 takes longer than it takes to read them. */
static void
add_values (GChecksum *checksum, const float *values, gsize n_values)
{
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  guint8 bytes[8];

  for (gsize i = 0; values && i < n_values; i++) {
    guint32 bits;

    memcpy (&bits, &values[i], sizeof bits);
    hash = (hash ^ bits) * G_GUINT64_CONSTANT (0x100000001b3);
  }
  for (guint i = 0; i < 8; i++)
    bytes[i] = (guint8) (hash >> 8 * i);
  g_checksum_update (checksum, bytes, sizeof bytes);
}

void
vit_model_set_digest (VitModel *model, const VitCheckpoint *checkpoint)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize width = model->embed_dim;
  gsize side = model->patch_size;

  vit_checkpoint_add_headers (checkpoint, checksum);
  add_values (checksum, model->weight, width * 3 * side * side);
  add_values (checksum, model->bias, width);
  add_values (checksum, model->prefix_tokens, model->n_prefix_tokens * width);
  add_values (checksum, model->table,
      (gsize) model->table_rows * model->table_cols * width);
  add_values (checksum, model->norm_weight, width);
  add_values (checksum, model->norm_bias, width);
  g_strlcpy (model->digest, g_checksum_get_string (checksum),
      sizeof model->digest);
  g_checksum_free (checksum);
}
