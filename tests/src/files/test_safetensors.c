/* SPDX-License-Identifier: MIT
 *
 * The container that src/files/safetensors.c reads, against files built here: one
 * test for each rule of the reference reader, and for each attack known against
 * it (its own tests and its `attacks/` folder).
 */
#include "files/safetensors.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define F32(name, begin, end) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[2]," \
    "\"data_offsets\":[" #begin "," #end "]}"
#define ENTRY(dtype, shape, offsets) \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define X10(x) x x x x x x x x x x
#define X100(x) X10 (X10 (x))

static char *folder, *path; /* `path` is the file that most tests write */

static void
write_bytes (const void *bytes, gsize length)
{
  GError *error = NULL;

  g_file_set_contents (path, bytes, (gssize) length, &error);
  g_assert_no_error (error);
}

static void
write_container (const char *header, gsize header_bytes, const void *data, gsize data_bytes)
{
  guint64 length = header_bytes;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) header_bytes);
  g_byte_array_append (bytes, data, (guint) data_bytes);
  write_bytes (bytes->data, bytes->len);
}

static void
write_zeros (const char *header, gsize n_zeros)
{
  g_autofree guint8 *zeros = g_malloc0 (n_zeros + 1);

  write_container (header, strlen (header), zeros, n_zeros);
}

/* The error must be of this kind, name the file first, and say `found`. */
static void
assert_error (GError *error, const char *file, VitError code, const char *found)
{
  g_autofree char *start = g_strconcat (file, ": ", NULL);

  g_assert_error (error, VIT_ERROR, (int) code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (!g_str_has_prefix (error->message, start) || strstr (error->message, found) == NULL)
    g_error ("expected \"%s...%s\", got \"%s\"", start, found, error->message);
  g_error_free (error);
}

static void
assert_refused (const char *file, VitError code, const char *found)
{
  GError *error = NULL;

  g_assert_null (vit_safetensors_open (file, &error));
  assert_error (error, file, code, found);
}

static VitSafetensors *
open_file (void)
{
  GError *error = NULL;
  VitSafetensors *file = vit_safetensors_open (path, &error);

  g_assert_no_error (error);
  return file;
}

/* ------------------------------------------------ headers that are refused */

typedef struct {
  const char *name, *header;
  gsize n_zeros; /* bytes of data behind the header */
  const char *found;
} Refused;

static const Refused refused[] = {
  { "an-empty-header", "", 0, "byte 0" },
  { "a-byte-that-is-not-utf-8", "\xff", 0, "0xff" },
  { "an-unfinished-object", "{", 0, "byte 1: found the end; expected a name" },
  { "an-overlong-utf-8-name", "{\"\xc0\xaf\":1}", 0, "0xc0" },
  { "a-surrogate-in-utf-8", "{\"\xed\xa0\x80\":1}", 0, "0xed" },
  { "a-lone-high-surrogate", "{\"\\ud800\":1}", 0, "Unicode" },
  { "a-lone-low-surrogate", "{\"\\udc00x\":1}", 0, "Unicode" },
  { "an-escaped-nul-in-a-name", "{\"a\\u0000b\":1}", 0, "\\u0000" },
  { "a-byte-order-mark", "\xef\xbb\xbf{}", 0, "byte 0: found 0xef" },
  { "an-array", "[]", 0, "expected an object" },
  { "a-bare-string", "\"{}\"", 0, "expected an object" },
  { "text-after-the-header", "{} {}", 0, "byte 3: found '{'; expected the end" },
  { "a-string-that-only-the-data-would-end", "{\"t", 8, "byte 3: found the end" },
  { "nesting-of-128-levels", "{\"t\":" X100 ("[") X10 ("[[") "[[[[[[[" X100 ("]") X10 ("]]")
      "]]]]]]]}", 0, "nested deeper" },
  { "a-hundred-thousand-brackets", "{\"t\":" X100 (X100 (X10 ("["))), 0, "nested" },
  { "a-duplicate-name", "{" F32 ("t", 0, 8) "," F32 ("t", 8, 16) "}", 16, "duplicate" },
  { "an-escaped-duplicate-name", "{" F32 ("a", 0, 8) "," F32 ("\\u0061", 8, 16) "}", 16,
    "duplicate" },
  { "a-duplicate-field", ENTRY ("\"U8\",\"dtype\":\"U8\"", "[8]", "[0,8]"), 8, "duplicate" },

  { "metadata-that-is-there-twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate" },
  { "a-duplicate-shape", ENTRY ("\"U8\",\"shape\":[8]", "[8]", "[0,8]"), 8, "duplicate of shape" },

  { "an-entry-that-is-an-array", "{\"t\":[\"F32\",[2],[0,8]]}", 8, "t: is not an object" },
  { "metadata-that-is-no-object", "{\"__metadata__\":null}", 0, "__metadata__: is not an obj" },
  { "metadata-that-is-no-string", "{\"__metadata__\":{\"format\":1}}", 0, "\"format\" is not" },

  { "an-unknown-dtype", ENTRY ("\"F128\"", "[1]", "[0,16]"), 16, "t: dtype is F128" },
  { "a-lower-case-dtype", ENTRY ("\"f32\"", "[2]", "[0,8]"), 8, "t: dtype is f32" },
  { "a-dtype-that-is-a-number", ENTRY ("32", "[2]", "[0,8]"), 8, "t: dtype is missing or" },
  { "a-missing-dtype", "{\"t\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "t: dtype is missing" },

  { "a-missing-shape", "{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "t: shape is mis" },
  { "a-shape-that-is-a-number", ENTRY ("\"F32\"", "2", "[0,8]"), 8, "t: shape is missing or" },
  { "a-negative-dimension", ENTRY ("\"F32\"", "[-1,-2]", "[0,8]"), 8, "t: shape[0]" },
  { "a-dimension-with-a-fraction", ENTRY ("\"F32\"", "[1,2.0]", "[0,8]"), 8, "t: shape[1]" },
  { "a-dimension-with-an-exponent", ENTRY ("\"U8\"", "[1e3]", "[0,1000]"), 1000, "t: shape[0]" },
  { "a-dimension-in-a-string", ENTRY ("\"F32\"", "[\"2\"]", "[0,8]"), 8, "t: shape[0]" },
  { "a-dimension-of-minus-zero", ENTRY ("\"F32\"", "[-0]", "[0,0]"), 0, "not -0" },
  { "a-dimension-with-a-leading-zero", ENTRY ("\"F32\"", "[02]", "[0,8]"), 8, "found '0'; expected a value" },
  { "a-dimension-of-2-to-the-64th", ENTRY ("\"U8\"", "[18446744073709551616]", "[0,0]"), 0, "big" },
  { "a-product-above-2-to-the-64th", ENTRY ("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0,
    "t: the dimensions up to shape[1]" },
  { "a-dimension-of-2-to-the-64th-minus-2", ENTRY ("\"U8\"", "[2,18446744073709551614]",
      "[0,16]"), 16, "integer that is too big" },
  { "bytes-above-2-to-the-64th", ENTRY ("\"I32\"", "[2,9223372036854775807]", "[0,16]"), 16,
    "t: 18446744073709551614 values of 32 bits" },
  { "bits-above-2-to-the-64th", ENTRY ("\"F4\"", "[4611686018427387904]", "[0,0]"), 0,
    "t: 4611686018427387904 values of 4 bits" },
  { "half-a-byte", ENTRY ("\"F4\"", "[1,3]", "[0,1]"), 1, "t: 3 values of 4 bits do not fill" },
  { "three-quarters-of-a-byte", ENTRY ("\"F6_E2M3\"", "[3]", "[0,2]"), 2, "t: 3 values of 6 bits" },
  { "a-span-shorter-than-the-shape", ENTRY ("\"I32\"", "[2,2]", "[0,4]"), 4,
    "t: data_offsets span 4 bytes, but [2,2] of I32 is 16" },
  { "a-span-longer-than-the-shape", ENTRY ("\"I32\"", "[2,2]", "[0,20]"), 20, "t: data_offsets s" },
  { "a-span-with-a-shape-of-zero", ENTRY ("\"F32\"", "[0,2]", "[0,8]"), 8, "[0,2] of F32 is 0" },

  { "missing-offsets", "{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "t: data_offsets is not" },
  { "offsets-that-are-an-object", ENTRY ("\"F32\"", "[2]", "{\"0\":0,\"1\":8}"), 8, "t: data_off" },
  { "a-single-offset", ENTRY ("\"F32\"", "[2]", "[8]"), 8, "t: data_offsets is not an array" },
  { "three-offsets", ENTRY ("\"F32\"", "[2]", "[0,8,8]"), 8, "t: data_offsets is not an array" },
  { "a-negative-offset", ENTRY ("\"F32\"", "[2]", "[-8,0]"), 8, "t: data_offsets is not an array" },
  { "an-offset-with-a-fraction", ENTRY ("\"F32\"", "[2]", "[0,8.0]"), 8, "t: data_offsets is not" },
  { "offsets-in-reverse", ENTRY ("\"F32\"", "[2]", "[8,0]"), 8, "t: data_offsets are [8,0]" },
  { "an-end-of-2-to-the-64th-minus-1", ENTRY ("\"F32\"", "[2]", "[0,18446744073709551615]"), 8,
    "integer that is too big" },
  { "an-end-of-2-to-the-63rd-minus-1", ENTRY ("\"U8\"", "[9223372036854775807]",
      "[0,9223372036854775807]"), 8, "t: 9223372036854775807 values of 8 bits" },
  { "offsets-past-the-data", ENTRY ("\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]"),
    8, "t: data_offsets begin at 9223372036854775799" },
  { "a-hole-before-the-first-tensor", "{" F32 ("t", 8, 16) "}", 16,
    "t: data_offsets begin at 8; expected 0, where the tensor before ends (a hole)" },
  { "a-hole-between-tensors", "{" F32 ("a", 0, 8) "," F32 ("b", 12, 20) "}", 20,
    "b: data_offsets begin at 12; expected 8, where the tensor before ends (a hole)" },
  { "an-overlap", "{" F32 ("a", 0, 8) "," F32 ("b", 4, 12) "}", 12,
    "b: data_offsets begin at 4; expected 8, where the tensor before ends (an overlap)" },
  { "two-tensors-on-the-same-bytes", "{" F32 ("a", 0, 8) "," F32 ("b", 0, 8) "}", 8, "an overlap" },
  { "bytes-behind-the-last-tensor", "{" F32 ("t", 0, 8) "}", 9, "where the last tensor ends" },
  { "a-file-two-bytes-too-short", "{" F32 ("t", 0, 8) "}", 6, "where the last tensor ends" },
  { "data-without-a-tensor", "{}", 1, "is 11 bytes; expected 10" },
};

static void
test_refused (gconstpointer data)
{
  const Refused *test = data;

  write_zeros (test->header, test->n_zeros);
  assert_refused (path, VIT_ERROR_CONTAINER, test->found);
}

static void
test_refuses_a_raw_nul (void)
{
  static const char name[] = "{\"a\0b\":1}", after[] = "{}\0";
  static const char number[] = ENTRY ("\"U8\"", "[1\0]", "[0,1]"); /* jansson skips it */

  write_container (name, sizeof name - 1, "", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "byte 3: found a NUL");
  write_container (after, sizeof after - 1, "", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "byte 2: found a NUL");
  write_container (number, sizeof number - 1, "", 1);
  assert_refused (path, VIT_ERROR_CONTAINER, "byte 29: found a NUL");
}

static void
test_refuses_files_shorter_than_the_length (void)
{
  write_bytes ("", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "is 0 bytes; expected at least 8");
  write_bytes ("\2\0\0\0\0\0\0", 7);
  assert_refused (path, VIT_ERROR_CONTAINER, "is 7 bytes; expected at least 8");
}

static void
test_refuses_a_header_longer_than_the_file (void)
{
  write_bytes ("<\0\0\0\0\0\0\0", 8);
  assert_refused (path, VIT_ERROR_CONTAINER, "claims a header of 60;");
  write_bytes ("\3\0\0\0\0\0\0\0{}", 10);
  assert_refused (path, VIT_ERROR_CONTAINER, "claims a header of 3;");
  write_bytes ("<\0\0\0\0\0\0\xff{}", 10);
  assert_refused (path, VIT_ERROR_CONTAINER, "claims a header of 18374686479671623740;");
}

/* A sparse file: long enough for the header it claims, which is all NULs. */
static void
test_refuses_a_header_above_the_limit_only (void)
{
  write_bytes ("\x01\xe1\xf5\x05\0\0\0\0", 8);
  g_assert_cmpint (truncate (path, 200000000), ==, 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "claims a header of 100000001; expected");
  write_bytes ("\x00\xe1\xf5\x05\0\0\0\0", 8);
  g_assert_cmpint (truncate (path, 200000000), ==, 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "byte 0: found a NUL");
}

static void
test_messages_cut_long_names (void)
{
  static const char *const headers[][2] = { /* what stands before and after it */
    { "{\"", "\":1}" },
    { "{\"__metadata__\":{\"", "\":1}}" },
    { "{\"t\":{\"dtype\":\"", "\",\"shape\":[2],\"data_offsets\":[0,8]}}" },
  };
  g_autofree char *name = g_strnfill (100000, 'n');

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autofree char *header = g_strconcat (headers[i][0], name, headers[i][1], NULL);
    GError *error = NULL;

    write_zeros (header, 8);
    g_assert_null (vit_safetensors_open (path, &error));
    g_assert_cmpuint (strlen (error->message), <, strlen (path) + 500);
    assert_error (error, path, VIT_ERROR_CONTAINER, "nnn");
  }
}

static void
test_messages_hold_no_escape_codes (void)
{
  write_zeros ("{\"a\\u001b[2J\\n\":1}", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, ": a\\033[2J\\n: is not");
  write_zeros ("{\"t\":{\"dtype\":\"\\u001b\"}}", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, ": t: dtype is \\033;");
  write_zeros ("{\033}", 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "'\\033'");
}

/* ----------------------------------------------- containers that are read */

static void
test_reads_a_file_without_tensors (void)
{
  static const char *const headers[] = { "{}", " \t\r\n{}", "{}  \n  ",
    "{\"__metadata__\":{\"format\":\"pt\"}}" };

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    VitSafetensors *file;
    guint n_tensors = 1;

    write_zeros (headers[i], 0);
    file = open_file ();
    vit_safetensors_list (file, &n_tensors);
    g_assert_cmpuint (n_tensors, ==, 0);
    g_assert_null (vit_safetensors_find (file, "__metadata__"));
    vit_safetensors_close (file);
  }
}

static void
test_lists_tensors_in_the_order_of_their_data (void)
{
  static const char *const names[] = { "m", "e2", "e1", "u8", "z" };
  static const char header[] = "{" F32 ("z", 16, 24) "," F32 ("m", 0, 8) ","
      "\"e2\":{\"shape\":[0,3],\"data_offsets\":[8,8],\"dtype\":\"F64\",\"x\":{\"y\":[-0.5]}},"
      "\"e1\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[8,10]},"
      "\"u8\":{\"dtype\":\"U8\",\"shape\":[1,6,1],\"data_offsets\":[10,16]}}";
  VitSafetensors *file;
  const VitTensor *tensors, *tensor;
  guint n_tensors;

  write_zeros (header, 24);
  file = open_file ();
  tensors = vit_safetensors_list (file, &n_tensors);
  g_assert_cmpuint (n_tensors, ==, 5);
  for (guint i = 0; i < n_tensors; i++)
    g_assert_cmpstr (tensors[i].name, ==, names[i]);
  for (guint i = 0; i < n_tensors; i++)
    g_assert_true (vit_safetensors_find (file, tensors[i].name) == &tensors[i]);
  g_assert_null (vit_safetensors_find (file, "e"));
  g_assert_null (vit_safetensors_find (file, ""));
  g_assert_null (vit_safetensors_find (file, "zz"));

  tensor = vit_safetensors_find (file, "u8");
  g_assert_cmpint (tensor->dtype, ==, VIT_DTYPE_OTHER);
  g_assert_cmpstr (tensor->dtype_name, ==, "U8");
  g_assert_cmpuint (tensor->rank, ==, 3);
  g_assert_cmpuint (tensor->shape[1], ==, 6);
  g_assert_cmpuint (tensor->n_values, ==, 6);
  g_assert_cmpuint (tensor->offset, ==, 8 + strlen (header) + 10);
  g_assert_cmpuint (tensor->n_bytes, ==, 6);
  g_assert_cmpuint (vit_safetensors_find (file, "e1")->rank, ==, 0);
  g_assert_cmpuint (vit_safetensors_find (file, "e1")->n_values, ==, 1);
  g_assert_cmpuint (vit_safetensors_find (file, "e2")->n_values, ==, 0);
  vit_safetensors_close (file);
}

/* Brackets, -0 and quotes in a name are only text. */
static void
test_names_may_look_like_json (void)
{
  g_autofree char *brackets = g_strnfill (1000, '[');
  g_autofree char *header = g_strdup_printf ("{" F32 ("\\\"-0,%s", 0, 8) ","
      F32 ("\\\\", 8, 16) "}", brackets);
  g_autofree char *name = g_strconcat ("\"-0,", brackets, NULL);
  VitSafetensors *file;

  write_zeros (header, 16);
  file = open_file ();
  g_assert_nonnull (vit_safetensors_find (file, name));
  g_assert_nonnull (vit_safetensors_find (file, "\\"));
  vit_safetensors_close (file);
}

/* As deep as the reference reader goes: 2 levels and 125 brackets. */
static void
test_nesting_of_127_levels_is_read (void)
{
  VitSafetensors *file;

  write_zeros ("{\"t\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":" X100 ("[")
      X10 ("[[") "[[[[[" X100 ("]") X10 ("]]") "]]]]]}}", 1);
  file = open_file ();
  g_assert_nonnull (vit_safetensors_find (file, "t"));
  vit_safetensors_close (file);
}

/* As when a download is started again over the file. */
static void
test_values_of_a_file_that_became_shorter_are_an_error (void)
{
  GError *error = NULL;
  float values[2] = { 1, 1 };
  VitSafetensors *file;

  write_zeros ("{" F32 ("t", 0, 8) "}", 8);
  file = open_file ();
  g_assert_cmpint (truncate (path, 60), ==, 0);
  g_assert_false (vit_safetensors_read (
      file, vit_safetensors_find (file, "t"), 0, 2, values, &error));
  assert_error (error, path, VIT_ERROR_READ, "has become shorter");
  vit_safetensors_close (file);
}

/* The first dimensions of a tensor may be all that anyone wants to see. */
static void
test_counts_a_million_dimensions_and_keeps_eight (void)
{
  g_autoptr (GString) header = g_string_new ("{\"t\":{\"dtype\":\"U8\",\"shape\":[1,2");
  g_autofree char *shape = NULL;
  VitSafetensors *file;
  const VitTensor *tensor;

  for (guint i = 2; i < 1000000; i++)
    g_string_append (header, ",1");
  g_string_append (header, "],\"data_offsets\":[0,2]}}");
  write_zeros (header->str, 2);
  file = open_file ();
  tensor = vit_safetensors_find (file, "t");
  g_assert_cmpuint (tensor->rank, ==, 1000000);
  g_assert_cmpuint (tensor->n_values, ==, 2);
  shape = vit_tensor_shape_string (tensor);
  g_assert_cmpstr (shape, ==, "[1,2,1,1,1,1,1,1,...]");
  vit_safetensors_close (file);
}

static void
test_writes_shapes_for_messages (void)
{
  VitTensor tensor = { .rank = 0, .shape = { 384, 3, 14, G_MAXUINT64, 1, 1, 1, 8 } };
  static const char *const expected[] = { "[]", "[384]", "[384,3]", "[384,3,14]",
    "[384,3,14,18446744073709551615]", NULL, NULL, NULL,
    "[384,3,14,18446744073709551615,1,1,1,8]" };

  for (; tensor.rank < G_N_ELEMENTS (expected); tensor.rank++) {
    g_autofree char *shape = vit_tensor_shape_string (&tensor);

    if (expected[tensor.rank] != NULL)
      g_assert_cmpstr (shape, ==, expected[tensor.rank]);
  }
}

/* `stride` 0 puts every tensor on the same bytes. */
static void
write_many (guint n_tensors, guint stride)
{
  g_autoptr (GString) header = g_string_new ("{");

  for (guint i = 0; i < n_tensors; i++)
    g_string_append_printf (header, "%s\"%u\":{\"dtype\":\"F32\",\"shape\":[1],"
        "\"data_offsets\":[%u,%u]}", i > 0 ? "," : "", i, i * stride, i * stride + 4);
  g_string_append (header, "}");
  write_zeros (header->str, 4 + (n_tensors - 1) * stride);
}

/* Far above what it takes, far below what anything quadratic would. */
static void
test_a_hundred_thousand_tensors_take_seconds (void)
{
  VitSafetensors *file;
  char name[16];

  write_many (100000, 4);
  g_test_timer_start ();
  file = open_file ();
  for (guint i = 0; i < 100000; i++) {
    g_snprintf (name, sizeof name, "%u", i);
    g_assert_nonnull (vit_safetensors_find (file, name));
  }
  g_assert_cmpfloat (g_test_timer_elapsed (), <, 20);
  vit_safetensors_close (file);
}

static void
test_refuses_a_hundred_thousand_tensors_on_the_same_bytes (void)
{
  write_many (10, 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "1: data_offsets begin at 0; expected 4");
  write_many (100000, 0);
  assert_refused (path, VIT_ERROR_CONTAINER, "1: data_offsets begin at 0; expected 4");
}

static void
add_refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree char *name = g_strconcat ("/safetensors/refuses-", refused[i].name, NULL);

    g_test_add_data_func (name, &refused[i], test_refused);
  }
}

#define ADD(name, function) g_test_add_func ("/safetensors/" name, function)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("test-safetensors-XXXXXX", NULL);
  path = g_build_filename (folder, "model.safetensors", NULL);

  add_refused ();
  ADD ("refuses-a-raw-nul", test_refuses_a_raw_nul);
  ADD ("refuses-files-shorter-than-the-length", test_refuses_files_shorter_than_the_length);
  ADD ("refuses-a-header-longer-than-the-file", test_refuses_a_header_longer_than_the_file);
  ADD ("refuses-a-header-above-the-limit-only", test_refuses_a_header_above_the_limit_only);
  ADD ("refuses-a-hundred-thousand-tensors-on-the-same-bytes",
      test_refuses_a_hundred_thousand_tensors_on_the_same_bytes);
  ADD ("messages-cut-long-names", test_messages_cut_long_names);
  ADD ("messages-hold-no-escape-codes", test_messages_hold_no_escape_codes);
  ADD ("reads-a-file-without-tensors", test_reads_a_file_without_tensors);
  ADD ("lists-tensors-in-the-order-of-their-data", test_lists_tensors_in_the_order_of_their_data);
  ADD ("names-may-look-like-json", test_names_may_look_like_json);
  ADD ("nesting-of-127-levels-is-read", test_nesting_of_127_levels_is_read);
  ADD ("counts-a-million-dimensions-and-keeps-eight",
      test_counts_a_million_dimensions_and_keeps_eight);
  ADD ("values-of-a-file-that-became-shorter-are-an-error",
      test_values_of_a_file_that_became_shorter_are_an_error);
  ADD ("writes-shapes-for-messages", test_writes_shapes_for_messages);
  ADD ("a-hundred-thousand-tensors-take-seconds", test_a_hundred_thousand_tensors_take_seconds);
  status = g_test_run ();

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
  return status;
}
