/* SPDX-License-Identifier: MIT
 *
 * The format is numpy.lib.format's: the magic string, a version, the length of
 * the header, the header (a Python dictionary in text), the values.
 */
#include "support/npy.h"

#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_LENGTH 6

/* The text after `key`: in a header, or no return. */
static const char *
find_value (const char *path, const char *header, const char *key)
{
  const char *found = strstr (header, key);

  if (!found)
    g_error ("%s: no %s in its header", path, key);
  return found + strlen (key);
}

static void
parse_shape (const char *path, const char *text, Npy *npy)
{
  npy->n_dims = 0;
  npy->n_values = 1;
  while (*text != ')') {
    char *end;
    guint64 size = g_ascii_strtoull (text, &end, 10);

    if (end == text || npy->n_dims == NPY_MAX_DIMS || size > G_MAXSIZE
        || !g_size_checked_mul (&npy->n_values, npy->n_values, (gsize) size))
      g_error ("%s: shape not understood", path);
    npy->shape[npy->n_dims++] = (gsize) size;
    text = end + strspn (end, ", ");
  }
}

static void
parse_header (
    const char *path, const char *header, Npy *npy, gboolean *fortran_order)
{
  const char *order = find_value (path, header, "'fortran_order': ");

  if (!g_str_has_prefix (find_value (path, header, "'descr': "), "'<f4'"))
    g_error ("%s: not of type '<f4'", path);
  *fortran_order = g_str_has_prefix (order, "True");
  if (!*fortran_order && !g_str_has_prefix (order, "False"))
    g_error ("%s: fortran_order not understood", path);
  parse_shape (path, find_value (path, header, "'shape': ("), npy);
}

/* How many bytes precede the header, and how long the header is. */
static gsize
read_preamble (const char *path, const guint8 *bytes, gsize length,
    gsize *header_length)
{
  gsize start = MAGIC_LENGTH + 4;

  if (length < start + 2 || memcmp (bytes, MAGIC, MAGIC_LENGTH) != 0)
    g_error ("%s: not an .npy file", path);
  *header_length = bytes[8] | (gsize) bytes[9] << 8;
  if (bytes[MAGIC_LENGTH] >= 2) {
    *header_length |= (gsize) bytes[10] << 16 | (gsize) bytes[11] << 24;
    start += 2;
  }
  if (*header_length > length - start)
    g_error ("%s: shorter than its header", path);
  return start;
}

/* Where value `i` in row-major order lies in a file whose first index runs
 * fastest. */
static gsize
fortran_index (const Npy *npy, gsize i)
{
  gsize index = 0;

  for (guint d = npy->n_dims; d-- > 0;) {
    gsize before = 1;

    for (guint k = 0; k < d; k++)
      before *= npy->shape[k];
    index += i % npy->shape[d] * before;
    i /= npy->shape[d];
  }
  return index;
}

Npy *
npy_read (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  g_autofree char *header = NULL;
  gsize length, header_length, start, n_bytes;
  Npy *npy = g_new0 (Npy, 1);
  gboolean fortran_order;

  if (!g_file_get_contents (path, &bytes, &length, &error))
    g_error ("%s", error->message);
  start = read_preamble (path, (guint8 *) bytes, length, &header_length);
  header = g_strndup (bytes + start, header_length);
  parse_header (path, header, npy, &fortran_order);

  start += header_length;
  if (!g_size_checked_mul (&n_bytes, npy->n_values, sizeof (float))
      || n_bytes != length - start)
    g_error ("%s: %" G_GSIZE_FORMAT " bytes of values do not fit its shape",
        path, length - start);

  npy->values = g_new (float, npy->n_values);
  for (gsize i = 0; i < npy->n_values; i++) {
    gsize place = fortran_order ? fortran_index (npy, i) : i;
    guint32 bits;

    memcpy (&bits, bytes + start + place * sizeof bits, sizeof bits);
    bits = GUINT32_FROM_LE (bits);
    memcpy (&npy->values[i], &bits, sizeof bits);
  }
  return npy;
}

void
npy_free (Npy *npy)
{
  g_free (npy->values);
  g_free (npy);
}
