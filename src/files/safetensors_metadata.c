/* SPDX-License-Identifier: MIT */
#include "files/safetensors_metadata.h"

#include <string.h>

#include "base/refuse.h"
#include "files/json_text.h"

/* (transfer full): the header's text, as it was when the file was opened; there it
 * was checked. */
static char *
read_header (const VitSafetensors *safetensors, GError **error)
{
  const VitFile *file = vit_safetensors_file (safetensors);
  g_autofree char *digest = NULL;
  char *text;
  guint64 length;

  if (!vit_file_read (file, 0, sizeof length, &length, error))
    return NULL;
  text = length <= VIT_SAFETENSORS_MAX_HEADER_BYTES ? g_try_malloc (length + 1)
                                                    : NULL;
  if (!text) {
    vit_refuse (error, VIT_ERROR_NO_MEMORY, vit_file_path (file), NULL,
        "no memory for a header of %" G_GUINT64_FORMAT " bytes", length);
    return NULL;
  }
  text[length] = '\0';
  if (vit_file_read (file, sizeof length, length, text, error)) {
    digest = g_compute_checksum_for_data (
        G_CHECKSUM_SHA256, (const guchar *) text, length);
    if (strcmp (digest, vit_safetensors_header_digest (safetensors)) == 0)
      return text;
    vit_refuse (error, VIT_ERROR_READ, vit_file_path (file), NULL,
        "has been written to while being read; expected a file that stays as it "
        "is");
  }
  g_free (text);
  return NULL;
}

/* (nullable): its '{'. */
static char *
find_metadata (char *header)
{
  VitJsonWalk walk = vit_json_walk (vit_json_root (header));
  const char *name;
  char *value;

  while (vit_json_next_member (&walk, &name, &value))
    if (strcmp (name, "__metadata__") == 0)
      return value;
  return NULL;
}

gboolean
vit_safetensors_read_metadata (const VitSafetensors *file,
    const char *const *keys, gsize n_keys, char **values, GError **error)
{
  g_autofree char *header = NULL;
  VitJsonWalk walk = { NULL };
  const char *name;
  char *metadata, *value;

  memset (values, 0, n_keys * sizeof *values);
  header = read_header (file, error);
  if (!header)
    return FALSE;
  metadata = find_metadata (header);
  if (metadata)
    walk = vit_json_walk (metadata);
  while (vit_json_next_member (&walk, &name, &value))
    for (gsize i = 0; i < n_keys; i++)
      if (strcmp (name, keys[i]) == 0) {
        g_free (values[i]);
        values[i] = g_strdup (vit_json_string (value));
        break;
      }
  return TRUE;
}
