/* SPDX-License-Identifier: MIT
 *
 * The values that src/files/safetensors.c reads: each type to float32 against numbers
 * worked out by hand, every float16 against the definition in double, and what
 * must never reach the model: NaN, infinity, half a file.
 */
#include "files/safetensors.h"

#include <float.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static char *path; /* the file that every test writes */

/* A container with one tensor, "t", [n_values]; returns the file's bytes. */
static gsize
write_tensor (const char *dtype, gsize n_values, const void *data, gsize data_bytes)
{
  g_autofree char *header = g_strdup_printf ("{\"t\":{\"dtype\":\"%s\","
      "\"shape\":[%" G_GSIZE_FORMAT "],\"data_offsets\":[0,%" G_GSIZE_FORMAT "]}}", dtype,
      n_values, data_bytes);
  guint64 length = strlen (header);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GError *error = NULL;

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) length);
  g_byte_array_append (bytes, data, (guint) data_bytes);
  g_file_set_contents (path, (const char *) bytes->data, (gssize) bytes->len, &error);
  g_assert_no_error (error);
  return bytes->len;
}

static VitSafetensors *
open_file (void)
{
  GError *error = NULL;
  VitSafetensors *file = vit_safetensors_open (path, &error);

  g_assert_no_error (error);
  return file;
}

/* The message must be "path: t: found...". */
static void
assert_error (GError *error, VitError code, const char *found)
{
  g_autofree char *start = g_strconcat (path, ": ", found, NULL);

  g_assert_error (error, VIT_ERROR, (int) code);
  if (!g_str_has_prefix (error->message, start))
    g_error ("expected \"%s...\", got \"%s\"", start, error->message);
  g_error_free (error);
}

static gboolean
read_values (float *values, GError **error)
{
  VitSafetensors *file = open_file ();
  const VitTensor *tensor = vit_safetensors_find (file, "t");
  gboolean read = vit_safetensors_read (file, tensor, 0, tensor->n_values, values, error);

  vit_safetensors_close (file);
  return read;
}

typedef struct {
  const char *dtype;
  guint64 bits;
  float expected;
} Conversion;

static const Conversion conversions[] = {
  { "F16", 0x0000, 0.0f },       { "F16", 0x8000, -0.0f },
  { "F16", 0x0001, 0x1p-24f },   { "F16", 0x83ff, -0x1.ff8p-15f }, /* subnormal */
  { "F16", 0x0400, 0x1p-14f },   { "F16", 0x3555, 0x1.554p-2f },
  { "F16", 0x3c01, 1 + 0x1p-10f }, { "F16", 0xc000, -2.0f },
  { "F16", 0x7bff, 65504.0f },   { "F16", 0xfbff, -65504.0f },
  { "BF16", 0x3f80, 1.0f },      { "BF16", 0x8000, -0.0f },
  { "BF16", 0x4049, 3.140625f }, { "BF16", 0x0001, 0x1p-133f },
  { "BF16", 0xff7f, -0x1.fep127f },
  { "F32", 0x3f800001, 1 + FLT_EPSILON }, { "F32", 0x00000001, 0x1p-149f },
  { "F32", 0x80000000, -0.0f },  { "F32", 0xff7fffff, -FLT_MAX },
  { "F64", 0x3ff0000010000000, 1.0f },              /* 1 + 2^-24: a tie, to even */
  { "F64", 0x3ff0000010000001, 1 + FLT_EPSILON },   /* just above the tie */
  { "F64", 0x3ff0000030000000, 1 + 2 * FLT_EPSILON }, /* the next tie, to even */
  { "F64", 0xbfd5555555555555, -0x1.555556p-2f },   /* -1/3 */
  { "F64", 0x47efffffefffffff, FLT_MAX },           /* just below the overflow */
  { "F64", 0x36a0000000000000, 0x1p-149f },         /* smallest subnormal */
  { "F64", 0x0000000000000001, 0.0f },              { "F64", 0x8000000000000000, -0.0f },
};

static gsize
dtype_bytes (const char *dtype)
{
  return strcmp (dtype, "F64") == 0 ? 8 : strcmp (dtype, "F32") == 0 ? 4 : 2;
}

static void
test_converts_exactly (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (conversions); i++) {
    const Conversion *test = &conversions[i];
    GError *error = NULL;
    float value = 99;

    write_tensor (test->dtype, 1, &test->bits, dtype_bytes (test->dtype));
    g_assert_true (read_values (&value, &error));
    g_assert_no_error (error);
    if (value != test->expected || signbit (value) != signbit (test->expected))
      g_error ("%s %" G_GINT64_MODIFIER "x is %a; expected %a", test->dtype, test->bits,
          (double) value, (double) test->expected);
  }
}

/* Every finite number of the type, against the definition in double. */
static void
test_converts_every_float16 (void)
{
  g_autofree guint16 *halves = g_new (guint16, 65536);
  g_autofree float *values = g_new (float, 65536);
  gsize n = 0;

  for (guint half = 0; half < 65536; half++)
    if ((half & 0x7c00) != 0x7c00)
      halves[n++] = (guint16) half;
  write_tensor ("F16", n, halves, 2 * n);
  g_assert_true (read_values (values, NULL));
  for (gsize i = 0; i < n; i++) {
    int exponent = halves[i] >> 10 & 31, fraction = halves[i] & 1023;
    double magnitude = exponent == 0 ? ldexp (fraction, -24)
                                     : ldexp (1024 + fraction, exponent - 25);

    g_assert_true (values[i] == (halves[i] & 0x8000 ? -magnitude : magnitude));
  }
}

/* Several times what the reader holds at once, and not a multiple of it. */
static void
test_reads_a_long_tensor (void)
{
  const gsize n = 100003;
  g_autofree double *doubles = g_new (double, n);
  g_autofree float *values = g_new (float, n + 1);

  for (gsize i = 0; i < n; i++)
    doubles[i] = (double) i - 50000;
  values[n] = 99;
  write_tensor ("F64", n, doubles, n * sizeof (double));
  g_assert_true (read_values (values, NULL));
  for (gsize i = 0; i < n; i++)
    g_assert_true (values[i] == (float) i - 50000);
  g_assert_true (values[n] == 99);
}

typedef struct {
  const char *name, *dtype;
  guint64 bits;
  const char *found;
} NotFinite;

static const NotFinite not_finite[] = {
  { "a-float16-infinity", "F16", 0x7c00, "is infinite;" },
  { "a-negative-float16-infinity", "F16", 0xfc00, "is infinite;" },
  { "a-float16-nan", "F16", 0x7c01, "is NaN;" },
  { "a-bfloat16-infinity", "BF16", 0xff80, "is infinite;" },
  { "a-bfloat16-nan", "BF16", 0x7fc0, "is NaN;" },
  { "a-float32-infinity", "F32", 0x7f800000, "is infinite;" },
  { "a-float32-nan", "F32", 0xff800001, "is NaN;" },
  { "a-float64-infinity", "F64", 0xfff0000000000000, "is infinite or too large;" },
  { "a-float64-nan", "F64", 0x7ff8000000000000, "is NaN;" },
  { "a-float64-too-large-for-float32", "F64", 0x47effffff0000000, "is infinite or too large;" },
};

/* Behind the first values that are read at once, so that the index counts all. */
static void
test_not_finite (gconstpointer data)
{
  const NotFinite *test = data;
  gsize n_bytes = dtype_bytes (test->dtype);
  g_autofree guint8 *bytes = g_malloc0 (40000 * n_bytes);
  g_autofree float *values = g_new (float, 40000);
  g_autofree char *found = g_strconcat ("t: value 39998 ", test->found, NULL);
  GError *error = NULL;

  memcpy (bytes + 39998 * n_bytes, &test->bits, n_bytes);
  write_tensor (test->dtype, 40000, bytes, 40000 * n_bytes);
  g_assert_false (read_values (values, &error));
  assert_error (error, VIT_ERROR_VALUE, found);
}

static void
test_lists_every_dtype_and_reads_only_floats (void)
{
  static const struct {
    const char *name;
    gsize n_bytes; /* of four values */
  } others[] = { { "F4", 2 }, { "F6_E2M3", 3 }, { "F6_E3M2", 3 }, { "BOOL", 4 }, { "U8", 4 },
    { "I8", 4 }, { "F8_E5M2", 4 }, { "F8_E4M3", 4 }, { "F8_E8M0", 4 }, { "F8_E4M3FNUZ", 4 },
    { "F8_E5M2FNUZ", 4 }, { "I16", 8 }, { "U16", 8 }, { "I32", 16 }, { "U32", 16 },
    { "C64", 32 }, { "I64", 32 }, { "U64", 32 } };
  guint8 zeros[32] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autofree char *found = g_strdup_printf ("t: has dtype %s; expected F16, ", others[i].name);
    GError *error = NULL;
    float values[4];

    write_tensor (others[i].name, 4, zeros, others[i].n_bytes);
    g_assert_false (read_values (values, &error));
    assert_error (error, VIT_ERROR_TENSOR, found);
  }
}

static void
test_reads_a_tensor_without_values (void)
{
  float value = 99;

  write_tensor ("F32", 0, "", 0);
  g_assert_true (read_values (&value, NULL));
  g_assert_true (value == 99);
}

/* The same values, wherever a part begins; and an error names its place in the
 * whole. */
static void
test_reads_parts (void)
{
  enum { N = 10000 };
  guint16 *halves = g_new (guint16, N);
  float *whole = g_new (float, N), *part = g_new (float, N);
  VitSafetensors *file;
  const VitTensor *tensor;
  GError *error = NULL;

  for (guint i = 0; i < N; i++)
    halves[i] = (guint16) (i % 0x7c00);
  halves[N - 2] = 0x7c00;
  write_tensor ("F16", N, halves, N * sizeof *halves);
  file = open_file ();
  tensor = vit_safetensors_find (file, "t");
  g_assert_true (vit_safetensors_read (file, tensor, 0, N - 2, whole, &error));
  g_assert_no_error (error);
  for (guint first = 0; first < N - 2; first += 1 + first / 2) {
    gsize n = MIN (first + 1, N - 2 - first);

    g_assert_true (
        vit_safetensors_read (file, tensor, first, n, part, &error));
    g_assert_no_error (error);
    g_assert_cmpmem (part, n * sizeof (float), whole + first, n * sizeof (float));
  }
  g_assert_true (vit_safetensors_read (file, tensor, N, 0, part, &error));
  g_assert_false (vit_safetensors_read (file, tensor, N - 3, 3, part, &error));
  assert_error (error, VIT_ERROR_VALUE, "t: value 9998 is infinite");
  vit_safetensors_close (file);
  g_free (halves);
  g_free (whole);
  g_free (part);
}

static void
test_a_file_that_becomes_shorter_is_an_error (void)
{
  const float ones[2] = { 1, 1 };
  gsize size = write_tensor ("F32", 2, ones, sizeof ones);
  VitSafetensors *file = open_file ();
  GError *error = NULL;
  float values[2];

  g_assert_cmpint (truncate (path, (off_t) size - 1), ==, 0);
  g_assert_false (vit_safetensors_read (file, vit_safetensors_find (file, "t"), 0, 2, values, &error));
  assert_error (error, VIT_ERROR_READ, "has become shorter while being read");
  vit_safetensors_close (file);
}

#define ADD(name, function) g_test_add_func ("/safetensors_values/" name, function)

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("test-safetensors-values-XXXXXX", NULL);
  path = g_build_filename (folder, "model.safetensors", NULL);

  ADD ("converts-exactly", test_converts_exactly);
  ADD ("converts-every-float16", test_converts_every_float16);
  ADD ("reads-a-long-tensor", test_reads_a_long_tensor);
  ADD ("reads-parts", test_reads_parts);
  ADD ("reads-a-tensor-without-values", test_reads_a_tensor_without_values);
  ADD ("lists-every-dtype-and-reads-only-floats", test_lists_every_dtype_and_reads_only_floats);
  ADD ("a-file-that-becomes-shorter-is-an-error", test_a_file_that_becomes_shorter_is_an_error);
  for (guint i = 0; i < G_N_ELEMENTS (not_finite); i++) {
    g_autofree char *name = g_strconcat ("/safetensors_values/refuses-", not_finite[i].name, NULL);

    g_test_add_data_func (name, &not_finite[i], test_not_finite);
  }
  status = g_test_run ();

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  return status;
}
