/* SPDX-License-Identifier: MIT */
#include "common/gstvitmodelid.h"

#include <string.h>

#define N_DIGITS 8

gchar *
gst_vit_model_id_new (const gchar *name, const gchar *digest)
{
  return g_strconcat (name, digest[0] != '\0' ? "#" : "", digest, NULL);
}

/* (nullable): where the digest begins; names may have a # too. */
static const gchar *
find_digest (const gchar *id)
{
  const gchar *last = strrchr (id, '#');

  if (last == NULL || strspn (last + 1, "0123456789abcdef") != N_DIGITS
      || last[1 + N_DIGITS] != '\0')
    return NULL;
  return last + 1;
}

static gsize
length_of_name (const gchar *id, const gchar *digest)
{
  return digest != NULL ? (gsize) (digest - 1 - id) : strlen (id);
}

gboolean
gst_vit_model_id_is_same (const gchar *a, const gchar *b)
{
  const gchar *digest_a = find_digest (a), *digest_b = find_digest (b);
  gsize length = length_of_name (a, digest_a);

  if (digest_a != NULL && digest_b != NULL)
    return strcmp (digest_a, digest_b) == 0;
  return length == length_of_name (b, digest_b) && strncmp (a, b, length) == 0;
}
