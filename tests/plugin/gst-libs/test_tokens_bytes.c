/* SPDX-License-Identifier: MIT
 *
 * Tokens metadata to and from bytes, without GStreamer's own serialisation:
 * the layout byte by byte, and bytes that nobody should have sent.  A meta has
 * 2 x 1 patches and one prefix token: 3 tokens of 2 float16 values.  In version
 * 1 of the layout there is neither a region nor a prefix token's kind.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensbytes.h"

static const guint8 changed[1] = { 5 };
static const guint8 kinds[1] = { GST_VIT_PREFIX_KIND_DISTILLATION };

static const GstVitTokensFields whole = {
  .format = GST_VIT_TOKEN_FORMAT_F16,
  .n_tokens = 3,
  .n_prefix_tokens = 1,
  .grid_width = 2,
  .grid_height = 1,
  .patch_size = 16,
  .embed_dim = 2,
  .frame_width = 33,
  .frame_height = 17,
  .n_blocks = 4,
  .roi_id = -7,
  .map = { 16, 0, 0.5, 0, 16, -0.25 },
  .model_id = "vit",
  .model_id_size = 3,
  .roi_type = "cat",
  .roi_type_size = 3,
  .roi_x = 1,
  .roi_y = 2,
  .roi_width = 32,
  .roi_height = 15,
  .prefix_kinds = kinds,
  .changed = changed,
};

/* The bytes of `fields` with values 0, 1, 2 ... */
static guint8 *
write_bytes (const GstVitTokensFields *fields, gsize *size)
{
  gsize head_size = gst_vit_tokens_bytes_head_size (fields);
  gsize values_size;
  guint8 *bytes;

  g_assert_cmpuint (gst_vit_tokens_layout_count (fields->format,
                        fields->n_prefix_tokens, fields->grid_width,
                        fields->grid_height, fields->embed_dim, &values_size),
      ==, fields->n_tokens);
  *size = head_size + values_size;
  bytes = g_malloc (*size);
  gst_vit_tokens_bytes_write_head (fields, bytes);
  for (gsize i = 0; i < values_size; i++)
    bytes[head_size + i] = i;
  return bytes;
}

/* Reads from a block of exactly this size, so that a sanitizer or valgrind
 * sees a read past its end. */
static gboolean
read_version (const guint8 *bytes, gsize size, guint version,
    GstVitTokensFields *fields)
{
  guint8 *block = g_malloc (size);
  gboolean is_read;

  if (size > 0)
    memcpy (block, bytes, size);
  is_read = gst_vit_tokens_bytes_read (block, size, version, fields);
  g_free (block);
  return is_read;
}

static gboolean
read_exactly (const guint8 *bytes, gsize size, GstVitTokensFields *fields)
{
  return read_version (bytes, size, GST_VIT_TOKENS_BYTES_VERSION, fields);
}

static void
assert_same (const GstVitTokensFields *a, const GstVitTokensFields *b)
{
  g_assert_cmpint (a->format, ==, b->format);
  g_assert_cmpuint (a->n_tokens, ==, b->n_tokens);
  g_assert_cmpuint (a->n_prefix_tokens, ==, b->n_prefix_tokens);
  g_assert_cmpuint (a->grid_width, ==, b->grid_width);
  g_assert_cmpuint (a->grid_height, ==, b->grid_height);
  g_assert_cmpuint (a->patch_size, ==, b->patch_size);
  g_assert_cmpuint (a->embed_dim, ==, b->embed_dim);
  g_assert_cmpuint (a->frame_width, ==, b->frame_width);
  g_assert_cmpuint (a->frame_height, ==, b->frame_height);
  g_assert_cmpuint (a->n_blocks, ==, b->n_blocks);
  g_assert_cmpint (a->roi_id, ==, b->roi_id);
  g_assert_cmpmem (a->map, sizeof a->map, b->map, sizeof b->map);
  g_assert_cmpint (a->model_id != NULL, ==, b->model_id != NULL);
  g_assert_cmpmem (
      a->model_id, a->model_id_size, b->model_id, b->model_id_size);
  g_assert_cmpint (a->roi_type != NULL, ==, b->roi_type != NULL);
  g_assert_cmpmem (
      a->roi_type, a->roi_type_size, b->roi_type, b->roi_type_size);
  g_assert_cmpuint (a->roi_x, ==, b->roi_x);
  g_assert_cmpuint (a->roi_y, ==, b->roi_y);
  g_assert_cmpuint (a->roi_width, ==, b->roi_width);
  g_assert_cmpuint (a->roi_height, ==, b->roi_height);
  g_assert_cmpint (a->prefix_kinds != NULL, ==, b->prefix_kinds != NULL);
  if (a->prefix_kinds)
    g_assert_cmpmem (a->prefix_kinds, 1, b->prefix_kinds, 1);
  g_assert_cmpint (a->changed != NULL, ==, b->changed != NULL);
  if (a->changed)
    g_assert_cmpmem (a->changed, 1, b->changed, 1);
}

static void
test_layout (void)
{
  static const guint8 numbers[40]
      = { 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0,
          0, 33, 0, 0, 0, 17, 0, 0, 0, 4, 0, 0, 0, 0xf9, 0xff, 0xff, 0xff };
  /* 16, 0, 0.5, 0, 16, -0.25 as IEEE 754 has them. */
  static const guint8 map[48] = { 0, 0, 0, 0, 0, 0, 0x30, 0x40, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x30, 0x40, 0, 0, 0, 0, 0, 0, 0xd0, 0xbf };
  static const guint8 rest[] = { 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
    32, 0, 0, 0, 15, 0, 0, 0, 3, 0, 0, 0, 'v', 'i', 't', 'c', 'a', 't', 3, 5, 0,
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  g_assert_cmpuint (size, ==, 136);
  g_assert_cmpmem (bytes, 40, numbers, 40);
  g_assert_cmpmem (bytes + 40, 48, map, 48);
  g_assert_cmpmem (bytes + 88, size - 88, rest, sizeof rest);
  g_free (bytes);
}

static void
assert_comes_back (const GstVitTokensFields *fields)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (fields, &size);

  g_assert_true (gst_vit_tokens_bytes_read (
      bytes, size, GST_VIT_TOKENS_BYTES_VERSION, &read));
  assert_same (&read, fields);
  g_assert_true (read.values == bytes + size - read.values_size);
  g_free (bytes);
}

static void
test_back (void)
{
  GstVitTokensFields fields = whole;

  assert_comes_back (&fields);
  fields.changed = NULL;
  assert_comes_back (&fields);
  fields.model_id_size = 0;
  assert_comes_back (&fields);
  fields.model_id = NULL;
  assert_comes_back (&fields);
  fields.changed = changed;
  assert_comes_back (&fields);
  fields.prefix_kinds = NULL;
  assert_comes_back (&fields);
  fields.roi_type_size = 0;
  assert_comes_back (&fields);
  fields.roi_type = NULL;
  fields.roi_x = fields.roi_y = fields.roi_width = fields.roi_height = 0;
  assert_comes_back (&fields);
}

/* Bytes of the layout as it was first, which ended its head at 96. */
static void
test_first_version (void)
{
  GstVitTokensFields fields = whole, read;
  gsize size, first_size;
  guint8 *bytes, *first;

  fields.prefix_kinds = NULL;
  fields.roi_type = NULL;
  fields.roi_type_size = 0;
  fields.roi_x = fields.roi_y = fields.roi_width = fields.roi_height = 0;
  bytes = write_bytes (&fields, &size);
  first_size = size - 20;
  first = g_malloc (first_size);
  memcpy (first, bytes, 96);
  memcpy (first + 96, bytes + 116, size - 116);

  g_assert_true (gst_vit_tokens_bytes_read (first, first_size, 1, &read));
  assert_same (&read, &fields);
  for (gsize i = 0; i < first_size; i++)
    g_assert_false (read_version (first, i, 1, &read));
  for (guint version = 0; version < 256; version++)
    if (version != 1)
      g_assert_false (read_version (first, first_size, version, &read));
  for (guint version = 0; version < 256; version++)
    if (version != 2)
      g_assert_false (read_version (bytes, size, version, &read));
  first[92] = 2; /* no kinds of prefix tokens yet */
  g_assert_false (read_version (first, first_size, 1, &read));
  g_free (first);
  g_free (bytes);
}

/* For a sanitizer to see that no number is taken to be aligned. */
static void
test_alignment (void)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);
  guint8 *room = g_malloc (size + 8);

  for (guint shift = 0; shift < 8; shift++) {
    gst_vit_tokens_bytes_write_head (&whole, room + shift);
    memcpy (room + shift + size - 12, bytes + size - 12, 12);
    g_assert_cmpmem (room + shift, size, bytes, size);
    g_assert_true (gst_vit_tokens_bytes_read (
        room + shift, size, GST_VIT_TOKENS_BYTES_VERSION, &read));
    assert_same (&read, &whole);
  }
  g_free (room);
  g_free (bytes);
}

static void
test_cut_short (void)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  for (gsize i = 0; i < size; i++)
    g_assert_false (read_exactly (bytes, i, &read));
  g_assert_true (read_exactly (bytes, size, &read));
  bytes = g_realloc (bytes, size + 1);
  bytes[size] = 0;
  g_assert_false (read_exactly (bytes, size + 1, &read));
  g_free (bytes);
}

static void
assert_refused_with (gsize offset, gconstpointer patch, gsize patch_size)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  memcpy (bytes + offset, patch, patch_size);
  g_assert_false (read_exactly (bytes, size, &read));
  g_free (bytes);
}

static void
assert_number_refused (gsize offset, guint32 number)
{
  number = GUINT32_TO_LE (number);
  assert_refused_with (offset, &number, sizeof number);
}

static void
test_numbers (void)
{
  assert_number_refused (0, 3);           /* no format */
  assert_number_refused (0, G_MAXUINT32); /* no format, and negative */
  assert_number_refused (0, 0);           /* float32: too few values */
  assert_number_refused (4, 0);           /* too few tokens */
  assert_number_refused (4, G_MAXUINT32); /* n_tokens overflows */
  for (gsize offset = 8; offset < 32; offset += 4)
    assert_number_refused (offset, 0);
  assert_number_refused (8, G_MAXUINT32); /* patches overflow */
  assert_number_refused (12, G_MAXUINT32);
  assert_number_refused (20, G_MAXUINT32); /* more values than bytes */
  assert_number_refused (16, 1u << 31);    /* no patch, frame or network ... */
  assert_number_refused (24, 1u << 31);
  assert_number_refused (28, G_MAXUINT32);
  assert_number_refused (32, 1u << 31); /* ... is that large */
  assert_number_refused (88, 4);           /* model id: takes a byte more */
  assert_number_refused (88, G_MAXUINT32 - 1);
  assert_number_refused (88, G_MAXUINT32); /* none, and three bytes over */
  assert_number_refused (92, 4); /* known is what is not */
  assert_number_refused (92, 2);
  assert_number_refused (92, 1);
  assert_number_refused (92, 0);
  assert_number_refused (96, 2);            /* one pixel past 33 x 17 */
  assert_number_refused (96, G_MAXUINT32);
  assert_number_refused (100, 3);
  assert_number_refused (100, G_MAXUINT32);
  assert_number_refused (104, 0);
  assert_number_refused (104, 33);
  assert_number_refused (104, G_MAXUINT32);
  assert_number_refused (108, 0);
  assert_number_refused (108, 16);
  assert_number_refused (108, G_MAXUINT32 - 1);
  assert_number_refused (112, 4); /* region's type: takes a byte more */
  assert_number_refused (112, G_MAXUINT32 - 1);
  assert_number_refused (112, G_MAXUINT32);
}

/* Kinds of no prefix token would not be written again. */
static void
test_no_kinds (void)
{
  GstVitTokensFields fields = whole, read;
  gsize size;
  guint8 *bytes;

  fields.n_prefix_tokens = 0;
  fields.n_tokens = 2;
  fields.prefix_kinds = NULL;
  bytes = write_bytes (&fields, &size);
  g_assert_true (read_exactly (bytes, size, &read));
  bytes[92] |= 2;
  g_assert_false (read_exactly (bytes, size, &read));
  g_free (bytes);
}

/* 2^17 x 2^15 is 2^32, so that with 32 bits there would be but the one prefix
 * token, of exactly the bytes that are there. */
static void
test_wrapping_product (void)
{
  const guint32 grid[2] = { GUINT32_TO_LE (1 << 17), GUINT32_TO_LE (1 << 15) };
  GstVitTokensFields read, fields = whole;
  gsize size;
  guint8 *bytes;

  fields.n_prefix_tokens = 1;
  fields.changed = NULL;
  fields.prefix_kinds = NULL;
  bytes = write_bytes (&fields, &size);
  memcpy (bytes + 8, grid, sizeof grid);
  g_assert_false (read_exactly (bytes, size - 8, &read));
  g_free (bytes);
}

static void
test_map (void)
{
  const gdouble wrong[] = { NAN, INFINITY, -INFINITY }, far = 1e308;

  for (gsize offset = 40; offset < 88; offset += 8)
    for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
      assert_refused_with (offset, &wrong[i], sizeof wrong[i]);
  /* The second column is beyond the largest number. */
  assert_refused_with (40, &far, sizeof far);
}

static void
test_model_id (void)
{
  for (gsize text = 116; text <= 119; text += 3) {
    assert_refused_with (text, "\xff", 1);
    assert_refused_with (text + 1, "", 1);
    assert_refused_with (text + 2, "\xc3", 1);
  }
}

static void
test_model_id_is_short (void)
{
  GstVitTokensFields read, fields = whole;
  gchar *id = g_strnfill (1025, 'v');

  fields.model_id = id;
  for (fields.model_id_size = 1024; fields.model_id_size <= 1025;
       fields.model_id_size++) {
    gsize size;
    guint8 *bytes = write_bytes (&fields, &size);

    g_assert_cmpint (
        read_exactly (bytes, size, &read), ==, fields.model_id_size == 1024);
    g_free (bytes);
  }
  g_free (id);
}

static void
test_roi_type_is_short (void)
{
  GstVitTokensFields read, fields = whole;
  gchar *type = g_strnfill (257, 'r');

  fields.roi_type = type;
  for (fields.roi_type_size = 256; fields.roi_type_size <= 257;
       fields.roi_type_size++) {
    gsize size;
    guint8 *bytes = write_bytes (&fields, &size);

    g_assert_cmpint (
        read_exactly (bytes, size, &read), ==, fields.roi_type_size == 256);
    g_free (bytes);
  }
  g_free (type);
}

/* Whatever the bytes, what is accepted is within them and fits together. */
static void
test_random (void)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);
  guint n_accepted = 0;

  for (guint i = 0; i < 200000; i++) {
    guint8 *mutated = g_memdup2 (bytes, size);
    gsize n_bytes = size - (i % 4 == 0 ? g_test_rand_int_range (0, 20) : 0);

    for (gint n = g_test_rand_int_range (0, 4); n > 0; n--)
      mutated[g_test_rand_int_range (0, size)] = g_test_rand_int ();
    if (gst_vit_tokens_bytes_read (
            mutated, n_bytes, i % 3 == 0 ? 1 : 2, &read)) {
      gsize values_size;

      n_accepted++;
      g_assert_cmpuint (
          gst_vit_tokens_layout_count (read.format, read.n_prefix_tokens,
              read.grid_width, read.grid_height, read.embed_dim, &values_size),
          ==, read.n_tokens);
      g_assert_cmpuint (read.values_size, ==, values_size);
      g_assert_true (read.values + values_size == mutated + n_bytes);
    }
    g_free (mutated);
  }
  g_assert_cmpuint (n_accepted, >, 1000);
  g_free (bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokens-bytes/" name, function)
  TEST ("layout-is-as-documented", test_layout);
  TEST ("what-is-written-is-read", test_back);
  TEST ("first-version-is-read", test_first_version);
  TEST ("any-alignment-will-do", test_alignment);
  TEST ("any-other-length-is-refused", test_cut_short);
  TEST ("numbers-out-of-range-are-refused", test_numbers);
  TEST ("product-that-wraps-is-refused", test_wrapping_product);
  TEST ("map-must-be-finite", test_map);
  TEST ("kinds-of-no-token-are-refused", test_no_kinds);
  TEST ("texts-must-be-utf-8", test_model_id);
  TEST ("model-id-must-be-short", test_model_id_is_short);
  TEST ("region-type-must-be-short", test_roi_type_is_short);
  TEST ("random-bytes-stay-within-bounds", test_random);
  return g_test_run ();
}
