/* SPDX-License-Identifier: MIT
 *
 * The header is a Python dictionary of three values, taken apart by GLib's
 * scanner; nothing else of Python is understood.
 */
#include "files/npy.h"

#include <string.h>

#include "base/dtype.h"
#include "base/refuse.h"
#include "files/file.h"

#define MAGIC "\223NUMPY"
#define MAGIC_BYTES 6
#define CHUNK_BYTES (16 * 1024) /* on the stack, so not larger */

/* What the header says. */
typedef struct {
  char *descr;
  gboolean has_order, is_fortran;
  gboolean has_shape;
  guint rank; /* those past 2 are counted but not kept */
  guint64 shape[2];
} Header;

static gboolean
read_tuple (GScanner *scanner, Header *header)
{
  GTokenType token;

  if (g_scanner_get_next_token (scanner) != G_TOKEN_LEFT_PAREN)
    return FALSE;
  header->has_shape = TRUE;
  while ((token = g_scanner_get_next_token (scanner)) == G_TOKEN_INT) {
    if (header->rank < G_N_ELEMENTS (header->shape))
      header->shape[header->rank] = scanner->value.v_int64;
    header->rank++;
    if (g_scanner_peek_next_token (scanner) == G_TOKEN_COMMA)
      g_scanner_get_next_token (scanner);
    else if (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_PAREN)
      return FALSE;
  }
  return token == G_TOKEN_RIGHT_PAREN;
}

static gboolean
read_order (GScanner *scanner, Header *header)
{
  if (g_scanner_get_next_token (scanner) != G_TOKEN_IDENTIFIER)
    return FALSE;
  header->has_order = TRUE;
  header->is_fortran = strcmp (scanner->value.v_identifier, "True") == 0;
  return header->is_fortran
         || strcmp (scanner->value.v_identifier, "False") == 0;
}

/* A structured type is a list, which is none of one number. */
static gboolean
read_descr (GScanner *scanner, Header *header)
{
  if (g_scanner_get_next_token (scanner) != G_TOKEN_STRING)
    return FALSE;
  header->descr = g_strdup (scanner->value.v_string);
  return TRUE;
}

static gboolean
read_member (GScanner *scanner, Header *header)
{
  g_autofree char *name = NULL;

  if (g_scanner_get_next_token (scanner) != G_TOKEN_STRING)
    return FALSE;
  name = g_strdup (scanner->value.v_string);
  if (g_scanner_get_next_token (scanner) != ':')
    return FALSE;
  if (strcmp (name, "descr") == 0 && !header->descr)
    return read_descr (scanner, header);
  if (strcmp (name, "fortran_order") == 0 && !header->has_order)
    return read_order (scanner, header);
  if (strcmp (name, "shape") == 0 && !header->has_shape)
    return read_tuple (scanner, header);
  return FALSE;
}

/* Whether the text is a dictionary of the three values, each once, and nothing
 * behind it but space. */
static gboolean
read_header (const char *text, guint length, Header *header)
{
  static const GScannerConfig config = {
    .cset_skip_characters = (char *) " \t\r\n",
    .cset_identifier_first = (char *) G_CSET_a_2_z G_CSET_A_2_Z,
    .cset_identifier_nth = (char *) G_CSET_a_2_z G_CSET_A_2_Z,
    .cpair_comment_single = (char *) "",
    .case_sensitive = TRUE,
    .scan_identifier = TRUE,
    .scan_identifier_1char = TRUE,
    .scan_string_sq = TRUE,
    .scan_string_dq = TRUE,
    .char_2_token = TRUE,
    .store_int64 = TRUE,
  };
  GScanner *scanner = g_scanner_new (&config);
  gboolean is_good;

  g_scanner_input_text (scanner, text, length);
  is_good = g_scanner_get_next_token (scanner) == G_TOKEN_LEFT_CURLY;
  while (is_good
         && g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_CURLY) {
    is_good = read_member (scanner, header);
    if (g_scanner_peek_next_token (scanner) != G_TOKEN_COMMA)
      break;
    g_scanner_get_next_token (scanner);
  }
  is_good = is_good
            && g_scanner_get_next_token (scanner) == G_TOKEN_RIGHT_CURLY
            && g_scanner_get_next_token (scanner) == G_TOKEN_EOF
            && header->descr && header->has_order && header->has_shape
            && memchr (text, '\0', length) == NULL;
  g_scanner_destroy (scanner);
  return is_good;
}

/* The bytes before the header's text, and how many it has. */
static gboolean
read_preamble (
    const VitFile *file, gsize *start, guint32 *length, GError **error)
{
  const char *path = vit_file_path (file);
  guint8 bytes[12] = { 0 };

  if (!vit_file_read (file, 0, MIN (vit_file_size (file), sizeof bytes), bytes,
          error))
    return FALSE;
  if (memcmp (bytes, "PK", 2) == 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "is an archive (.npz); expected one array, as numpy.save() writes it");
  if (memcmp (bytes, MAGIC, MAGIC_BYTES) != 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "does not begin as a .npy file; expected one, as numpy.save() writes "
        "it");
  if (bytes[6] < 1 || bytes[6] > 3)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "is a .npy file of version %u; expected 1, 2 or 3", bytes[6]);
  *start = bytes[6] == 1 ? 10 : 12;
  *length = bytes[8] | (guint32) bytes[9] << 8;
  if (bytes[6] > 1)
    *length |= (guint32) bytes[10] << 16 | (guint32) bytes[11] << 24;
  return *length <= VIT_NPY_MAX_HEADER_BYTES
         || vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
             "has a header of %u bytes; expected at most %u", *length,
             VIT_NPY_MAX_HEADER_BYTES);
}

/* FALSE where it is of another kind than is read here. */
static gboolean
check_header (const char *path, const Header *header, gsize max_values,
    GError **error)
{
  if (strcmp (header->descr, "<f4") != 0 && strcmp (header->descr, "<f8") != 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "holds numbers of type '%.100s'; expected little-endian float32 or "
        "float64 ('<f4', '<f8')",
        header->descr);
  if (header->is_fortran && header->rank > 1)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "is in Fortran's order; expected C order, as "
        "numpy.save(FILE, numpy.ascontiguousarray(array)) writes it");
  if (header->rank < 1 || header->rank > 2)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "has %u dimensions; expected a vector, [dim], or several, [n][dim]",
        header->rank);
  for (guint i = 0; i < header->rank; i++) {
    if (header->shape[i] == 0)
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
          "is empty; expected a vector, [dim], or several, [n][dim]");
  }
  if (header->shape[0] > max_values
      || (header->rank == 2
          && header->shape[1] > max_values / header->shape[0]))
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "has more than the %" G_GSIZE_FORMAT " numbers that are read",
        max_values);
  return TRUE;
}

/* By their bits: isfinite() is always true under -ffast-math. */
static gboolean
check_finite (const char *path, const float *values, gsize first, gsize n,
    GError **error)
{
  for (gsize i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, &values[first + i], sizeof bits);
    if ((bits & 0x7f800000) == 0x7f800000)
      return vit_refuse (error, VIT_ERROR_VALUE, path, NULL,
          "value %" G_GSIZE_FORMAT " is %s; expected a finite float32",
          first + i, (bits & 0x7fffff) != 0 ? "NaN" : "infinite or too large");
  }
  return TRUE;
}

static gboolean
read_values (const VitFile *file, guint64 start, VitDType dtype, VitNpy *npy,
    GError **error)
{
  const char *path = vit_file_path (file);
  gsize n_values = (gsize) npy->n_vectors * npy->dim, n;
  gsize value_bytes = dtype == VIT_DTYPE_F64 ? 8 : 4;
  guint64 n_bytes = vit_file_size (file) - start;
  guint8 chunk[CHUNK_BYTES];

  if (n_bytes != (guint64) n_values * value_bytes)
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "has %" G_GUINT64_FORMAT " bytes of values; expected %" G_GSIZE_FORMAT
        " for %u x %u numbers",
        n_bytes, n_values * value_bytes, npy->n_vectors, npy->dim);
  npy->values = g_try_new (float, n_values);
  if (!npy->values)
    return vit_refuse (
        error, VIT_ERROR_NO_MEMORY, path, NULL, "no memory for its values");
  for (gsize i = 0; i < n_values; i += n) {
    n = MIN (n_values - i, CHUNK_BYTES / value_bytes);
    if (!vit_file_read (
            file, start + i * value_bytes, n * value_bytes, chunk, error))
      return FALSE;
    vit_dtype_to_float (dtype, chunk, npy->values + i, n);
    if (!check_finite (path, npy->values, i, n, error))
      return FALSE;
  }
  return vit_file_check_unchanged (file, error);
}

static gboolean
read_all (
    const VitFile *file, gsize max_values, VitNpy *npy, GError **error)
{
  const char *path = vit_file_path (file);
  char text[VIT_NPY_MAX_HEADER_BYTES];
  Header header = { NULL };
  gboolean is_done = FALSE;
  guint32 length = 0;
  gsize start = 0;

  if (!read_preamble (file, &start, &length, error))
    return FALSE;
  if (start + length > vit_file_size (file))
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "ends within its header: it was cut short");
  if (!vit_file_read (file, start, length, text, error))
    return FALSE;
  if (!read_header (text, length, &header)) {
    vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "has a header that is not {'descr': ..., 'fortran_order': ..., "
        "'shape': ...}");
  } else if (check_header (path, &header, max_values, error)) {
    npy->n_vectors = header.rank == 2 ? (guint) header.shape[0] : 1;
    npy->dim = (guint) header.shape[header.rank - 1];
    is_done = read_values (file, start + length,
        strcmp (header.descr, "<f8") == 0 ? VIT_DTYPE_F64 : VIT_DTYPE_F32, npy,
        error);
  }
  g_free (header.descr);
  return is_done;
}

VitNpy *
vit_npy_load (const char *path, gsize max_values, GError **error)
{
  VitFile *file = vit_file_open (path, error);
  VitNpy *npy;

  if (!file)
    return NULL;
  npy = g_new0 (VitNpy, 1);
  if (!read_all (file, MIN (max_values, G_MAXUINT), npy, error))
    g_clear_pointer (&npy, vit_npy_free);
  vit_file_close (file);
  return npy;
}

void
vit_npy_free (VitNpy *npy)
{
  if (npy == NULL)
    return;
  g_free (npy->values);
  g_free (npy);
}
