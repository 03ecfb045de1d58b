/* SPDX-License-Identifier: MIT
 *
 * The reader of .npy files.  The first byte of an input says whether the rest is a
 * whole file or what follows its length: the header's text, and one value after
 * it.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "files/npy.h"

#define MOST 4096

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

/* As many values behind the header as are read at most, of which the file has what
 * `n_bytes` says. */
static void
write_header (const guint8 *text, gsize size, gsize n_bytes)
{
  static const guint8 start[] = "\x93NUMPY\1";
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 length[2] = { (guint8) size, (guint8) (size >> 8) };
  g_autofree guint8 *values = g_malloc0 (n_bytes + 1);

  g_byte_array_append (bytes, start, sizeof start);
  g_byte_array_append (bytes, length, sizeof length);
  g_byte_array_append (bytes, text, (guint) size);
  g_byte_array_append (bytes, values, (guint) n_bytes);
  fuzz_write ("a.npy", bytes->data, bytes->len);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = g_build_filename (fuzz_folder (), "a.npy", NULL);
  Input input = { data, size };
  gboolean is_file = input_take (&input, 1) & 1;
  GError *error = NULL;
  VitNpy *npy;

  if (is_file) {
    fuzz_write ("a.npy", input.data, input.size);
  } else {
    gsize n_bytes = input_take (&input, 2);

    write_header (input.data, MIN (input.size, 0xffff), n_bytes);
  }
  npy = vit_npy_load (path, MOST, &error);
  if (!npy) {
    fuzz_check_error (error);
    return 0;
  }
  g_assert_cmpuint (npy->n_vectors, >, 0);
  g_assert_cmpuint (npy->dim, >, 0);
  g_assert_cmpuint ((guint64) npy->n_vectors * npy->dim, <=, MOST);
  for (gsize i = 0; i < (gsize) npy->n_vectors * npy->dim; i++)
    g_assert_true (isfinite (npy->values[i]));
  vit_npy_free (npy);
  return 0;
}
