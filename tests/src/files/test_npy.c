/* SPDX-License-Identifier: MIT
 *
 * Files of vectors as NumPy writes them, and what is refused: other types, orders
 * and shapes, damage, and headers that lie.
 */
#include "files/npy.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "support/npy.h"

#define MOST 1000

static char *folder, *path;

/* A file of that version, whose header says that it has `length` bytes. */
static void
write_file (guint version, guint64 length, const char *header, gsize n_header,
    const void *values, gsize n_bytes)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 start[12] = { 0x93, 'N', 'U', 'M', 'P', 'Y', (guint8) version, 0,
    (guint8) length, (guint8) (length >> 8), (guint8) (length >> 16),
    (guint8) (length >> 24) };
  GError *error = NULL;

  g_byte_array_append (bytes, start, version == 1 ? 10 : 12);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) n_header);
  g_byte_array_append (bytes, values, (guint) n_bytes);
  g_file_set_contents (
      path, (const char *) bytes->data, (gssize) bytes->len, &error);
  g_assert_no_error (error);
}

static const float numbers[6] = { 1.0f, -2.5f, 0x1.fffffep127f, 0, 1e-3f, 7 };

static void
test_every_form (void)
{
  static const struct {
    const char *header;
    guint n_vectors, dim;
  } forms[] = {
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }          \n",
        1, 6 },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 2, 3 },
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }\n", 1, 6 },
    { "{\"shape\":(3,2),\"fortran_order\":False,\"descr\":\"<f4\"}", 3, 2 },
    { " { 'shape' : ( 6 , 1 , ) , 'descr' : '<f4' ,'fortran_order':False,} ",
        6, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    gsize n = strlen (forms[i].header);

    for (guint version = 1; version <= 3; version++) {
      GError *error = NULL;
      VitNpy *npy;

      write_file (
          version, n, forms[i].header, n, numbers, sizeof numbers);
      npy = vit_npy_load (path, 6, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (npy->n_vectors, ==, forms[i].n_vectors);
      g_assert_cmpuint (npy->dim, ==, forms[i].dim);
      g_assert_cmpmem (
          npy->values, 6 * sizeof (float), numbers, sizeof numbers);
      vit_npy_free (npy);
    }
  }
}

/* More than are read at once. */
static void
test_doubles_are_rounded (void)
{
  static const char header[]
      = "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 1000), }\n";
  double *values = g_new (double, 5000);
  GError *error = NULL;
  VitNpy *npy;

  for (guint i = 0; i < 5000; i++)
    values[i] = sin (i) * pow (10, i % 40 - 20.0);
  write_file (
      1, strlen (header), header, strlen (header), values, 5000 * 8);
  npy = vit_npy_load (path, 5000, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 5000; i++)
    g_assert_cmpfloat (npy->values[i], ==, (float) values[i]);
  vit_npy_free (npy);
  g_free (values);
}

static void
test_a_file_of_numpy (void)
{
  const char *golden = TEST_DATA_DIR "/hf-siglip2-naflex/131x250.tokens.npy";
  Npy *expected = npy_read (golden);
  GError *error = NULL;
  VitNpy *npy = vit_npy_load (golden, expected->n_values, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (npy->n_vectors, ==, expected->shape[0]);
  g_assert_cmpuint (npy->dim, ==, expected->shape[1]);
  g_assert_cmpmem (npy->values, expected->n_values * sizeof (float),
      expected->values, expected->n_values * sizeof (float));
  vit_npy_free (npy);
  npy_free (expected);
}

static void
assert_refused (VitError code, const char *found)
{
  g_autofree char *start = g_strconcat (path, ": ", NULL);
  GError *error = NULL;

  g_assert_null (vit_npy_load (path, MOST, &error));
  g_assert_error (error, VIT_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (error->message, start));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (strstr (error->message, found) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, found);
  g_error_free (error);
}

#define HEADER(descr, order, shape) \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"

static void
test_headers_that_are_refused (void)
{
  static const struct {
    const char *header;
    VitError code;
    const char *found;
  } bad[] = {
    { HEADER ("'>f4'", "False", "(6,)"), VIT_ERROR_UNSUPPORTED,
        "type '>f4'; expected little-endian float32 or float64" },
    { HEADER ("'<f2'", "False", "(12,)"), VIT_ERROR_UNSUPPORTED, "'<f2'" },
    { HEADER ("'<i4'", "False", "(6,)"), VIT_ERROR_UNSUPPORTED, "'<i4'" },
    { HEADER ("'|O'", "False", "(6,)"), VIT_ERROR_UNSUPPORTED, "'|O'" },
    { HEADER ("'\033[2J'", "False", "(6,)"), VIT_ERROR_UNSUPPORTED,
        "'\\033[2J'" },
    { HEADER ("[('x', '<f4')]", "False", "(6,)"), VIT_ERROR_CONTAINER,
        "header" },
    { HEADER ("'<f4'", "True", "(2, 3)"), VIT_ERROR_UNSUPPORTED,
        "Fortran's order" },
    { HEADER ("'<f4'", "None", "(6,)"), VIT_ERROR_CONTAINER, "header" },
    { HEADER ("'<f4'", "False", "()"), VIT_ERROR_UNSUPPORTED,
        "0 dimensions" },
    { HEADER ("'<f4'", "False", "(1, 2, 3)"), VIT_ERROR_UNSUPPORTED,
        "3 dimensions" },
    { HEADER ("'<f4'", "False", "(0,)"), VIT_ERROR_UNSUPPORTED, "empty" },
    { HEADER ("'<f4'", "False", "(6, 0)"), VIT_ERROR_UNSUPPORTED, "empty" },
    { HEADER ("'<f4'", "False", "(7,)"), VIT_ERROR_CONTAINER,
        "24 bytes of values; expected 28 for 1 x 7 numbers" },
    { HEADER ("'<f4'", "False", "(5,)"), VIT_ERROR_CONTAINER, "expected 20" },
    { HEADER ("'<f8'", "False", "(6,)"), VIT_ERROR_CONTAINER, "expected 48" },
    { HEADER ("'<f4'", "False", "(1001,)"), VIT_ERROR_UNSUPPORTED,
        "more than the 1000 numbers" },
    { HEADER ("'<f4'", "False", "(4294967296, 4294967296)"),
        VIT_ERROR_UNSUPPORTED, "more than" },
    { HEADER ("'<f4'", "False", "(2, 9223372036854775808)"),
        VIT_ERROR_UNSUPPORTED, "more than" },
    { HEADER ("'<f4'", "False", "(99999999999999999999999999999,)"),
        VIT_ERROR_UNSUPPORTED, "more than" },
    { HEADER ("'<f4'", "False", "(-6,)"), VIT_ERROR_CONTAINER, "header" },
    { HEADER ("'<f4'", "False", "(6.0,)"), VIT_ERROR_CONTAINER, "header" },
    { HEADER ("'<f4'", "False", "(6 1)"), VIT_ERROR_CONTAINER, "header" },
    { HEADER ("'<f4'", "False", "(6,"), VIT_ERROR_CONTAINER, "header" },
    { HEADER ("'<f4'", "False", "[6]"), VIT_ERROR_CONTAINER, "header" },
    { "{'descr': '<f4', 'fortran_order': False}", VIT_ERROR_CONTAINER,
        "header" },
    { "{'descr': '<f4', 'descr': '<f4', 'shape': (6,)}", VIT_ERROR_CONTAINER,
        "header" },
    { HEADER ("'<f4'", "False", "(6,), 'more': 1"), VIT_ERROR_CONTAINER,
        "header" },
    { HEADER ("'<f4'", "False", "(6,)") "{}", VIT_ERROR_CONTAINER, "header" },
    { "{'descr: '<f4', 'fortran_order': False, 'shape': (6,)}",
        VIT_ERROR_CONTAINER, "header" },
    { "{", VIT_ERROR_CONTAINER, "header" },
    { "", VIT_ERROR_CONTAINER, "header" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    gsize n = strlen (bad[i].header);

    write_file (1, n, bad[i].header, n, numbers, sizeof numbers);
    assert_refused (bad[i].code, bad[i].found);
  }
}

static void
test_starts_that_are_refused (void)
{
  static const char header[] = HEADER ("'<f4'", "False", "(6,)") "\0 ";
  gsize n = sizeof header - 1;
  GError *error = NULL;

  write_file (1, n, header, n, numbers, sizeof numbers); /* with a NUL in it */
  assert_refused (VIT_ERROR_CONTAINER, "header");
  n = strlen (header);
  write_file (4, n, header, n, numbers, sizeof numbers);
  assert_refused (VIT_ERROR_UNSUPPORTED, "version 4; expected 1, 2 or 3");
  write_file (1, n + 100, header, n, numbers, sizeof numbers);
  assert_refused (VIT_ERROR_CONTAINER, "cut short");
  write_file (2, G_MAXUINT32, header, n, numbers, sizeof numbers);
  assert_refused (
      VIT_ERROR_UNSUPPORTED, "header of 4294967295 bytes; expected at most");
  g_assert_true (g_file_set_contents (path, "PK\3\4 and more", -1, NULL));
  assert_refused (VIT_ERROR_UNSUPPORTED, "archive (.npz)");
  g_assert_true (g_file_set_contents (path, "\x93NUMPY\2", 7, NULL));
  assert_refused (VIT_ERROR_CONTAINER, "header");
  g_assert_true (g_file_set_contents (path, "1 2 3", -1, NULL));
  assert_refused (VIT_ERROR_UNSUPPORTED, "does not begin as a .npy file");
  g_assert_true (g_file_set_contents (path, "", -1, NULL));
  assert_refused (VIT_ERROR_UNSUPPORTED, "does not begin as a .npy file");
  g_unlink (path);
  assert_refused (VIT_ERROR_NOT_FOUND, "cannot be found");
  g_assert_null (vit_npy_load (folder, MOST, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_READ);
  g_error_free (error);
}

static void
test_values_that_are_refused (void)
{
  static const char single[] = HEADER ("'<f4'", "False", "(2,)");
  static const char wide[] = HEADER ("'<f8'", "False", "(2,)");
  float values[2] = { 1, NAN };
  double doubles[2] = { 1e39, 1 };

  write_file (1, strlen (single), single, strlen (single), values,
      sizeof values);
  assert_refused (VIT_ERROR_VALUE, "value 1 is NaN; expected a finite float32");
  write_file (1, strlen (wide), wide, strlen (wide), doubles, sizeof doubles);
  assert_refused (VIT_ERROR_VALUE, "value 0 is infinite or too large");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-npy-XXXXXX", NULL);
  path = g_build_filename (folder, "query.npy", NULL);

#define TEST(name, function) g_test_add_func ("/npy/" name, function)
  TEST ("every-form", test_every_form);
  TEST ("doubles-are-rounded", test_doubles_are_rounded);
  TEST ("a-file-of-numpy", test_a_file_of_numpy);
  TEST ("headers-that-are-refused", test_headers_that_are_refused);
  TEST ("starts-that-are-refused", test_starts_that_are_refused);
  TEST ("values-that-are-refused", test_values_that_are_refused);
  result = g_test_run ();

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
  return result;
}
