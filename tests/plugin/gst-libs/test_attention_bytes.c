/* SPDX-License-Identifier: MIT
 *
 * Attention metadata to and from bytes, without GStreamer's own serialisation:
 * bytes come back, bytes of tokens are no attention, and of forged bytes only
 * those are taken that hold, lie within them and are written as the same again.
 */
#include <string.h>

#include "gst/vit/gstvitattentionbytes.h"
#include "gst/vit/gstvittokensbytes.h"

#define VERSION GST_VIT_ATTENTION_BYTES_VERSION
#define N_FORGERIES 200000

static const GstVitTokensFields whole = {
  .format = GST_VIT_TOKEN_FORMAT_F32,
  .n_tokens = 7,
  .n_prefix_tokens = 1,
  .grid_width = 3,
  .grid_height = 2,
  .patch_size = 14,
  .embed_dim = 2,
  .frame_width = 42,
  .frame_height = 28,
  .n_blocks = 12,
  .roi_id = -7,
  .map = { 14, 0, 0.5, 0, 14, -2 },
  .model_id = "vit",
  .model_id_size = 3,
  .roi_type = "cat",
  .roi_type_size = 3,
  .roi_x = 1,
  .roi_y = 2,
  .roi_width = 32,
  .roi_height = 15,
};

/* (transfer full): the bytes of `fields`, with 56 bytes of values. */
static guint8 *
write_bytes (const GstVitTokensFields *fields, gsize *size)
{
  gsize head_size = gst_vit_tokens_bytes_head_size (fields);
  guint8 *bytes;

  *size = head_size + 56;
  bytes = g_malloc0 (*size);
  gst_vit_tokens_bytes_write_head (fields, bytes);
  return bytes;
}

/* Reads from a block of exactly this size, so that a sanitizer or valgrind sees a
 * read past its end. */
static gboolean
read_exactly (const guint8 *bytes, gsize size)
{
  guint8 *block = g_malloc (size), *again = NULL;
  GstVitTokensFields fields;
  gboolean is_read;

  if (size > 0)
    memcpy (block, bytes, size);
  is_read = gst_vit_attention_bytes_read (block, size, VERSION, &fields);
  if (is_read) {
    gsize head_size = gst_vit_tokens_bytes_head_size (&fields);

    g_assert_null (gst_vit_attention_fields_find_fault (&fields));
    g_assert_true (fields.values == block + head_size);
    g_assert_cmpuint (head_size + fields.values_size, ==, size);
    g_assert_cmpuint (
        fields.values_size, ==, gst_vit_attention_values_size (&fields));
    again = g_malloc (head_size);
    gst_vit_tokens_bytes_write_head (&fields, again);
    g_assert_cmpmem (again, head_size, block, head_size);
  }
  g_free (again);
  g_free (block);
  return is_read;
}

static void
test_back (void)
{
  GstVitTokensFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  g_assert_true (read_exactly (bytes, size));
  g_assert_true (gst_vit_attention_bytes_read (bytes, size, VERSION, &read));
  g_assert_cmpuint (read.embed_dim, ==, 2);
  g_assert_cmpuint (read.n_blocks, ==, 12);
  g_assert_cmpuint (read.n_tokens, ==, 7);
  g_assert_cmpmem (read.map, sizeof read.map, whole.map, sizeof whole.map);
  for (guint version = 0; version < 256; version++)
    if (version != VERSION)
      g_assert_false (
          gst_vit_attention_bytes_read (bytes, size, version, &read));
  for (gsize less = 0; less < size; less++)
    g_assert_false (read_exactly (bytes, less));
  g_free (bytes);
}

static void
assert_refused (const GstVitTokensFields *fields)
{
  gsize size;
  guint8 *bytes = write_bytes (fields, &size);

  g_assert_false (read_exactly (bytes, size));
  g_free (bytes);
}

/* That tokens may have, and attention has not. */
static void
test_tokens (void)
{
  static const guint8 byte[1] = { 1 };
  GstVitTokensFields fields = whole;

  fields.n_blocks = 0;
  assert_refused (&fields);
  fields = whole;
  fields.changed = byte;
  assert_refused (&fields);
  fields = whole;
  fields.prefix_kinds = byte;
  assert_refused (&fields);
  fields = whole;
  fields.format = GST_VIT_TOKEN_FORMAT_F16;
  fields.embed_dim = 4;
  assert_refused (&fields);
  fields = whole;
  fields.n_prefix_tokens = 0;
  fields.grid_width = 7;
  fields.grid_height = 1;
  assert_refused (&fields);
}

static void
test_forged (void)
{
  static const guint32 numbers[] = { 0, 1, 2, 7, 255, 65536, 1u << 30, G_MAXINT,
    1u << 31, G_MAXUINT32 - 1, G_MAXUINT32 };
  GRand *random = g_rand_new_with_seed (1);
  guint n_good = 0;

  for (guint i = 0; i < N_FORGERIES; i++) {
    gsize size;
    guint8 *bytes = write_bytes (&whole, &size);

    for (gint n = g_rand_int_range (random, 0, 3); n > 0; n--) {
      guint32 number = GUINT32_TO_LE (
          numbers[g_rand_int_range (random, 0, G_N_ELEMENTS (numbers))]);

      if (g_rand_boolean (random))
        memcpy (bytes + 4 * g_rand_int_range (random, 0, 29), &number, 4);
      else
        bytes[g_rand_int_range (random, 0, (gint32) size)]
            = (guint8) g_rand_int (random);
    }
    n_good += read_exactly (bytes, size) ? 1 : 0;
    g_free (bytes);
  }
  g_rand_free (random);
  /* Neither all nor none: both ways were gone. */
  g_assert_cmpuint (n_good, >, N_FORGERIES / 10);
  g_assert_cmpuint (n_good, <, N_FORGERIES / 10 * 9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/attention-bytes/come-back", test_back);
  g_test_add_func ("/attention-bytes/of-tokens-are-refused", test_tokens);
  g_test_add_func ("/attention-bytes/what-is-taken-holds", test_forged);
  return g_test_run ();
}
