/* SPDX-License-Identifier: MIT
 *
 * Tokens metadata as bytes that another process forged: whole metas of which
 * some numbers, bytes or the length are not what they were.  What is taken is
 * valid, lies within the bytes and is written as the same bytes again.  Where
 * GStreamer serialises metadata (1.24) that is done by its functions too.
 *
 * The forgeries are the same every time: FORGED_HEADS of them, or a few.
 */
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensbytes.h"

#define FEW 100000
#define N_THREADS 4

/* One meta of random shape, with values 0. */
static guint8 *
write_meta (GRand *random, gsize *size)
{
  static const guint8 changed[16] = { 0xa5, 0x5a, 0xff };
  static const guint8 kinds[3] = { 1, 2, 99 };
  const gchar *const ids[] = { NULL, "", "vit", "dinov2-\xc3\xa9" };
  const gchar *id = ids[g_rand_int_range (random, 0, 4)];
  GstVitTokensFields fields = {
    .format = (GstVitTokenFormat) g_rand_int_range (random, 0, 3),
    .n_prefix_tokens = (guint) g_rand_int_range (random, 0, 4),
    .grid_width = (guint) g_rand_int_range (random, 1, 6),
    .grid_height = (guint) g_rand_int_range (random, 1, 6),
    .patch_size = 16,
    .embed_dim = (guint) g_rand_int_range (random, 1, 5),
    .frame_width = 640,
    .frame_height = 480,
    .n_blocks = (guint) g_rand_int_range (random, 0, 13),
    .roi_id = g_rand_int_range (random, -1, 3),
    .map = { 16, 0, 0.5, 0, 16, -0.25 },
    .model_id = id,
    .model_id_size = id ? strlen (id) : 0,
    .roi_type = g_rand_boolean (random) ? "face" : NULL,
    .changed = g_rand_boolean (random) ? changed : NULL,
  };
  gsize head_size;
  guint8 *bytes;

  fields.roi_type_size = fields.roi_type ? 4 : 0;
  if (g_rand_boolean (random)) {
    fields.roi_x = (guint) g_rand_int_range (random, 0, 600);
    fields.roi_width = 40;
    fields.roi_height = 480;
  }
  if (fields.n_prefix_tokens > 0 && g_rand_boolean (random))
    fields.prefix_kinds = kinds;
  fields.n_tokens = gst_vit_tokens_layout_count (fields.format,
      fields.n_prefix_tokens, fields.grid_width, fields.grid_height,
      fields.embed_dim, size);
  head_size = gst_vit_tokens_bytes_head_size (&fields);
  *size += head_size;
  bytes = g_malloc0 (*size);
  gst_vit_tokens_bytes_write_head (&fields, bytes);
  return bytes;
}

/* One number of the head, or one byte anywhere. */
static void
forge (GRand *random, guint8 *bytes, gsize size)
{
  static const guint32 numbers[] = { 0, 1, 2, 3, 4, 15, 255, 65535, 65536,
    1u << 30, G_MAXINT, 1u << 31, G_MAXUINT32 - 1, G_MAXUINT32 };
  static const gdouble places[]
      = { NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324, -0.0 };
  guint32 number
      = numbers[g_rand_int_range (random, 0, G_N_ELEMENTS (numbers))];
  gint kind = g_rand_int_range (random, 0, 8);

  number = GUINT32_TO_LE (number);
  if (kind < 4)
    memcpy (bytes + 4 * g_rand_int_range (random, 0, 10), &number, 4);
  else if (kind == 4)
    memcpy (bytes + 88 + 4 * g_rand_int_range (random, 0, 7), &number, 4);
  else if (kind == 5)
    memcpy (bytes + 40 + 8 * g_rand_int_range (random, 0, 6),
        &places[g_rand_int_range (random, 0, G_N_ELEMENTS (places))], 8);
  else
    bytes[g_rand_int_range (random, 0, (gint32) size)]
        = (guint8) g_rand_int (random);
}

/* In a block of exactly its size, so that a sanitizer sees a read past it. */
static guint8 *
make_forgery (GRand *random, gsize *size)
{
  gsize whole_size;
  guint8 *whole = write_meta (random, &whole_size), *bytes;

  for (gint n = g_rand_int_range (random, 0, 4); n > 0; n--)
    forge (random, whole, whole_size);
  *size = whole_size;
  if (g_rand_int_range (random, 0, 8) == 0)
    *size = (gsize) g_rand_int_range (random, 0, (gint32) whole_size + 9);
  bytes = g_malloc0 (*size);
  if (*size > 0)
    memcpy (bytes, whole, MIN (*size, whole_size));
  g_free (whole);
  return bytes;
}

static gboolean
check_fields (const guint8 *bytes, gsize size)
{
  GstVitTokensFields fields;
  gsize head_size;
  guint8 *again;

  if (!gst_vit_tokens_bytes_read (
          bytes, size, GST_VIT_TOKENS_BYTES_VERSION, &fields))
    return FALSE;
  g_assert_null (gst_vit_tokens_fields_find_fault (&fields));
  head_size = gst_vit_tokens_bytes_head_size (&fields);
  g_assert_cmpuint (head_size + fields.values_size, ==, size);
  g_assert_true (fields.values == bytes + head_size);
  again = g_malloc (head_size);
  gst_vit_tokens_bytes_write_head (&fields, again);
  g_assert_cmpmem (again, head_size, bytes, head_size);
  g_free (again);
  return TRUE;
}

/* All that may be asked of a meta. */
static void
read_meta (const GstVitTokensMeta *meta)
{
  gdouble x, y, width, height;
  guint left, top, n_columns, n_rows;
  const gchar *reason;
  guint column, row;
  GstMapInfo map;
  guint sum = 0;

  if (!gst_vit_tokens_meta_is_valid (meta, &reason))
    g_error ("what was read is not valid: %s", reason);
  g_assert_true (gst_vit_tokens_meta_get_tokens (meta) == meta->tokens);
  g_assert_true (gst_vit_tokens_meta_get_model_id (meta) == meta->model_id);
  g_assert_true (gst_vit_tokens_meta_get_map (meta) == meta->map);
  g_assert_null (gst_vit_tokens_meta_get_positions (meta));
  for (guint i = 0; i < meta->n_tokens; i++)
    sum += gst_vit_tokens_meta_is_changed (meta, i) ? 1 : 0;
  g_assert_cmpuint (sum, <=, meta->n_tokens);
  for (guint i = 0; i < meta->n_prefix_tokens; i++)
    g_assert_cmpuint (gst_vit_tokens_meta_get_prefix_kind (meta, i), <=,
        GST_VIT_PREFIX_KIND_DISTILLATION);
  g_assert_true (gst_vit_tokens_meta_get_roi_type (meta) == meta->roi_type);
  if (gst_vit_tokens_meta_get_roi_rect (
          meta, &left, &top, &n_columns, &n_rows)) {
    g_assert_true (n_columns > 0 && n_rows > 0);
    g_assert_cmpuint (left + n_columns, <=, meta->frame_width);
    g_assert_cmpuint (top + n_rows, <=, meta->frame_height);
  }
  gst_vit_tokens_meta_get_patch_rect (meta, meta->grid_width - 1,
      meta->grid_height - 1, &x, &y, &width, &height);
  g_assert_true (isfinite (x) && isfinite (y) && width >= 0 && height >= 0);
  gst_vit_tokens_meta_find_patch (
      meta, x + width / 2, y + height / 2, &column, &row);
  g_assert_true (column < meta->grid_width && row < meta->grid_height);
  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==,
      (gsize) meta->n_tokens * meta->embed_dim
          * gst_vit_token_format_get_size (meta->format));
  gst_buffer_unmap (meta->tokens, &map);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* GStreamer's own header stands before the meta's bytes. */
static void
assert_serialised_as (GstMeta *meta, const guint8 *bytes, gsize size)
{
  GByteArray *again = g_byte_array_new ();

  g_assert_true (gst_meta_serialize_simple (meta, again));
  g_assert_cmpuint (again->len, >, size);
  g_assert_cmpmem (again->data + again->len - size, size, bytes, size);
  g_byte_array_unref (again);
}

static void
check_deserialise (
    GRand *random, const guint8 *bytes, gsize size, gboolean is_good)
{
  const GstMetaInfo *info = GST_VIT_TOKENS_META_INFO;
  guint8 version = (guint8) (g_rand_int_range (random, 0, 16) ? 2 : 3);
  GstBuffer *frame = gst_buffer_new ();
  GstMeta *meta = info->deserialize_func (info, frame, bytes, size, version);

  g_assert_cmpint (meta != NULL, ==, is_good && version == 2);
  g_assert_cmpuint (gst_buffer_get_n_meta (frame, info->api), ==,
      meta != NULL ? 1 : 0);
  if (meta) {
    GstBuffer *copy = gst_buffer_copy (frame);

    read_meta ((GstVitTokensMeta *) meta);
    assert_serialised_as (meta, bytes, size);
    gst_buffer_unref (frame);
    frame = copy;
    read_meta (gst_buffer_get_vit_tokens_meta (frame));
  }
  gst_buffer_unref (frame);
}
#endif

/* The same forgery as one of the first version, whose head ended at 96. */
static gboolean
check_first_version (const guint8 *bytes, gsize size)
{
  gsize first_size = size > 116 ? size - 20 : size;
  guint8 *first = g_malloc (first_size);
  GstVitTokensFields fields;
  gboolean is_read;

  if (size > 0)
    memcpy (first, bytes, MIN (first_size, 96));
  if (size > 116)
    memcpy (first + 96, bytes + 116, size - 116);
  is_read = gst_vit_tokens_bytes_read (first, first_size, 1, &fields);
  if (is_read) {
    g_assert_null (gst_vit_tokens_fields_find_fault (&fields));
    g_assert_true (fields.values + fields.values_size == first + first_size);
    g_assert_null (fields.roi_type);
    g_assert_null (fields.prefix_kinds);
    g_assert_cmpuint (fields.roi_width, ==, 0);
  }
  g_free (first);
  return is_read;
}

static guint
count_heads (void)
{
  const gchar *text = g_getenv ("FORGED_HEADS");

  return text && *text ? (guint) g_ascii_strtoull (text, NULL, 10) : FEW;
}

static gpointer
check_heads (gpointer seed)
{
  GRand *random = g_rand_new_with_seed (GPOINTER_TO_UINT (seed));
  guint n_heads = count_heads () / N_THREADS, n_good = 0, n_first = 0;

  for (guint i = 0; i < n_heads; i++) {
    gsize size;
    guint8 *bytes = make_forgery (random, &size);
    gboolean is_good = check_fields (bytes, size);

#if GST_CHECK_VERSION(1, 24, 0)
    check_deserialise (random, bytes, size, is_good);
#endif
    n_good += is_good ? 1 : 0;
    n_first += check_first_version (bytes, size) ? 1 : 0;
    g_free (bytes);
  }
  g_rand_free (random);
  g_assert_cmpuint (n_first, >, n_heads / 20);
  return GUINT_TO_POINTER (n_good);
}

static void
run_threads (GThreadFunc function, gpointer data[N_THREADS], guint *sum)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new (NULL, function, data[i]);
  *sum = 0;
  for (guint i = 0; i < N_THREADS; i++)
    *sum += GPOINTER_TO_UINT (g_thread_join (threads[i]));
}

static void
test_forged (void)
{
  gpointer seeds[N_THREADS];
  guint n_good;

  for (guint i = 0; i < N_THREADS; i++)
    seeds[i] = GUINT_TO_POINTER (i + 1);
  run_threads (check_heads, seeds, &n_good);
  g_test_message ("%u of %u are metas", n_good, count_heads ());
  /* Neither all nor none: both ways were gone. */
  g_assert_cmpuint (n_good, >, count_heads () / 10);
  g_assert_cmpuint (n_good, <, count_heads () / 10 * 9);
}

/* A frame that several branches of a tee have at once, each with its copy. */
static gpointer
use_frame (gpointer data)
{
  for (guint i = 0; i < 200; i++) {
    GstBuffer *copy = gst_buffer_copy (data);
    const gdouble map[6] = { i + 1, 0, 0, 0, i + 1, 0 };
    GstVitTokensMeta *meta;
    gpointer state = NULL;

    read_meta (gst_buffer_get_vit_tokens_meta (data));
    while ((meta = gst_buffer_iterate_vit_tokens_meta (copy, &state))) {
      gst_vit_tokens_meta_set_map (meta, map);
      gst_vit_tokens_meta_set_changed (meta, NULL);
      read_meta (meta);
    }
#if GST_CHECK_VERSION(1, 24, 0)
    {
      GByteArray *bytes = g_byte_array_new ();

      meta = gst_buffer_get_vit_tokens_meta (data);
      g_assert_true (gst_meta_serialize_simple (&meta->meta, bytes));
      g_byte_array_unref (bytes);
    }
#endif
    gst_buffer_unref (copy);
  }
  return NULL;
}

static void
test_shared (void)
{
  GstBuffer *frame = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_wrapped (g_malloc0 (104), 104);
  GBytes *changed = g_bytes_new ("\x81\x11", 2);
  gpointer frames[N_THREADS];
  guint sum;

  for (guint i = 0; i < 2; i++)
    gst_vit_tokens_meta_set_changed (
        gst_buffer_add_vit_tokens_meta (frame, tokens,
            GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, 64, 48, "model"),
        changed);
  g_bytes_unref (changed);
  gst_buffer_unref (tokens);
  for (guint i = 0; i < N_THREADS; i++)
    frames[i] = frame;
  run_threads (use_frame, frames, &sum);
  g_assert_true (gst_vit_tokens_meta_is_changed (
      gst_buffer_get_vit_tokens_meta (frame), 7));
  gst_buffer_unref (frame);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/forged-heads/what-is-taken-is-valid", test_forged);
  g_test_add_func ("/forged-heads/threads-share-a-frame", test_shared);
  return g_test_run ();
}
