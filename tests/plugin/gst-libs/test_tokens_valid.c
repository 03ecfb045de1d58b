/* SPDX-License-Identifier: MIT
 *
 * Whether the fields of a GstVitTokensMeta fit together: what is said of a
 * forged one, and that nothing that reads one goes by what it says.
 */
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "support/forgeries.h"
#include "support/meta_frame.h"

static void
assert_valid (const GstVitTokensMeta *meta)
{
  const gchar *reason = "";

  if (!gst_vit_tokens_meta_is_valid (meta, &reason))
    g_error ("not valid: %s", reason);
  g_assert_null (reason);
  g_assert_true (gst_vit_tokens_meta_is_valid (meta, NULL));
}

static void
assert_faulty (const GstVitTokensMeta *meta, const gchar *expected)
{
  const gchar *reason = NULL;

  g_assert_false (gst_vit_tokens_meta_is_valid (meta, &reason));
  g_assert_cmpstr (reason, ==, expected);
  g_assert_false (gst_vit_tokens_meta_is_valid (meta, NULL));
}

static GstBuffer *
zeros (gsize size)
{
  return gst_buffer_new_wrapped (g_malloc0 (size), size);
}

static void
test_valid (void)
{
  GstVitTokensMeta *meta;
  GstBuffer *frame = meta_frame_new (&meta);
  g_autoptr (GBytes) changed = g_bytes_new_static ("\xff\xff", 2);
  g_autoptr (GstBuffer) positions = zeros (12 * 2 * 4);
  g_autoptr (GstBuffer) none = gst_buffer_new ();
  g_autoptr (GBytes) kinds = g_bytes_new_static ("\xff", 1);

  assert_valid (meta);
  gst_vit_tokens_meta_set_prefix_kinds (meta, kinds);
  gst_vit_tokens_meta_set_roi (meta, G_MININT, "", 63, 47, 1, 1);
  assert_valid (meta);
  gst_vit_tokens_meta_set_roi (meta, 0, NULL, 0, 0, 64, 48);
  assert_valid (meta);
  gst_vit_tokens_meta_set_roi (meta, -1, NULL, 0, 0, 0, 0);
  gst_vit_tokens_meta_set_changed (meta, changed);
  gst_vit_tokens_meta_set_positions (meta, positions);
  assert_valid (meta);
  gst_vit_tokens_meta_set_positions (meta, none);
  assert_valid (meta);
  gst_vit_tokens_meta_set_positions (meta, NULL);
  meta->n_blocks = meta->patch_size = meta->frame_width = meta->frame_height
      = G_MAXINT;
  meta->roi_id = G_MININT;
  memset (meta->map, 0, sizeof meta->map);
  assert_valid (meta);
  g_clear_pointer (&meta->model_id, g_free);
  assert_valid (meta);
  meta->model_id = g_strnfill (1024, 'v');
  assert_valid (meta);
  gst_buffer_unref (frame);
}

static void
test_largest (void)
{
  /* f16, so that the values' bytes are twice as many as tokens. */
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) tokens = zeros (8);
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_BF16, 3, 1, 1, G_MAXINT, 1, G_MAXINT, G_MAXINT, "");

  g_assert_nonnull (meta);
  assert_valid (meta);
}

/* What an application may call with a meta that it knows nothing of. */
static void
assert_gives_nothing (const GstVitTokensMeta *meta)
{
  gdouble x = 1, y = 1, width = 1, height = 1;
  guint left = 1, top = 1, n_columns = 1, n_rows = 1;
  guint column = 1, row = 1;

  g_assert_false (gst_vit_tokens_meta_get_roi_rect (
      meta, &left, &top, &n_columns, &n_rows));
  g_assert_cmpuint (left + top + n_columns + n_rows, ==, 0);
  g_assert_null (gst_vit_tokens_meta_get_roi_type (meta));
  for (guint i = 0; i < MIN (meta->n_prefix_tokens, 40); i++)
    g_assert_cmpint (gst_vit_tokens_meta_get_prefix_kind (meta, i), ==,
        GST_VIT_PREFIX_KIND_UNKNOWN);
  g_assert_null (gst_vit_tokens_meta_get_tokens (meta));
  g_assert_null (gst_vit_tokens_meta_get_model_id (meta));
  g_assert_null (gst_vit_tokens_meta_get_map (meta));
  g_assert_null (gst_vit_tokens_meta_get_positions (meta));
  g_assert_false (
      gst_vit_tokens_meta_find_patch (meta, 17, 17, &column, &row));
  g_assert_cmpuint (column + row, ==, 0);
  for (guint i = 0; i < MIN (meta->n_tokens, 40); i++)
    gst_vit_tokens_meta_is_changed (meta, i);
  if (meta->n_tokens > 0) {
    g_assert_true (
        gst_vit_tokens_meta_is_changed (meta, meta->n_tokens - 1));
  }
  if (meta->grid_width > 0 && meta->grid_height > 0) {
    gst_vit_tokens_meta_get_patch_rect (meta, meta->grid_width - 1,
        meta->grid_height - 1, &x, &y, &width, &height);
    g_assert_true (x == 0 && y == 0 && width == 0 && height == 0);
  }
}

/* TRUE if the transform says that all is well. */
static gboolean
scale (GstBuffer *frame, GstBuffer *dest, gint width, gint height)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  GstVideoInfo in, out;
  GstVideoMetaTransform transform = { &in, &out };

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (
      &out, GST_VIDEO_FORMAT_I420, (guint) width, (guint) height);
  return GST_VIT_TOKENS_META_INFO->transform_func (dest, &meta->meta, frame,
      gst_video_meta_transform_scale_get_quark (), &transform);
}

static void
test_forgery (gconstpointer data)
{
  const Forgery *forgery = data;
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
  g_autoptr (GstBuffer) scaled = gst_buffer_new ();
  g_autoptr (GstBuffer) copy = NULL;

  forgery->forge (meta, forgery->number);
  assert_faulty (meta, forgery->reason);
  assert_gives_nothing (meta);

  copy = gst_buffer_copy (frame);
  assert_faulty (gst_buffer_get_vit_tokens_meta (copy), forgery->reason);
  g_assert_false (scale (frame, scaled, 32, 24));
  g_assert_cmpuint (count_metas (scaled), ==, 0);
#if GST_CHECK_VERSION(1, 24, 0)
  {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();

    g_assert_false (gst_meta_serialize_simple (&meta->meta, bytes));
  }
#endif
}

/* What it is scaled by is another's to choose. */
static void
test_scaled_out_of_range (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
  g_autoptr (GstBuffer) larger = gst_buffer_new ();
  g_autoptr (GstBuffer) smaller = gst_buffer_new ();

  meta->map[2] = 1e307;
  assert_valid (meta);
  g_assert_true (scale (frame, smaller, 32, 24));
  assert_valid (gst_buffer_get_vit_tokens_meta (smaller));
  g_assert_false (scale (frame, larger, 64 * 100, 48 * 100));
  g_assert_cmpuint (count_metas (larger), ==, 0);
}

/* A critical, and nothing is set. */
static void
expect_refusal (void)
{
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*failed*");
}

static void
test_setters (void)
{
  static const gdouble far[6] = { 1e308, 0, 0, 0, 1, 0 };
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&meta);
  g_autoptr (GBytes) changed = g_bytes_new_static ("\xff\xff", 3);
  g_autoptr (GstBuffer) positions = zeros (12 * 2 * 4 - 1);
  g_autoptr (GBytes) kinds = g_bytes_new_static ("\1\2", 2);

  expect_refusal ();
  gst_vit_tokens_meta_set_prefix_kinds (meta, kinds);
  expect_refusal ();
  gst_vit_tokens_meta_set_roi (meta, 5, "face", 1, 0, 64, 48);
  expect_refusal ();
  gst_vit_tokens_meta_set_roi (meta, 5, "face", 0, 1, 64, 48);
  expect_refusal ();
  gst_vit_tokens_meta_set_roi (meta, 5, "face", 1, 1, 0, 0);
  g_test_assert_expected_messages ();
  g_assert_null (meta->prefix_kinds);
  g_assert_null (meta->roi_type);
  g_assert_cmpint (meta->roi_id, ==, -1);
  expect_refusal ();
  gst_vit_tokens_meta_set_map (meta, far);
  expect_refusal ();
  gst_vit_tokens_meta_set_changed (meta, changed);
  expect_refusal ();
  gst_vit_tokens_meta_set_positions (meta, positions);
  g_test_assert_expected_messages ();
  assert_valid (meta);
  g_assert_null (meta->changed);
  g_assert_null (meta->positions);

  /* 2^31 x 2^31 x 4 patches' values are 0 bytes in 64 bits, but not few. */
  meta->grid_width = meta->embed_dim = 1u << 31;
  meta->grid_height = 1;
  expect_refusal ();
  gst_vit_tokens_meta_set_positions (meta, positions);
  g_test_assert_expected_messages ();
  g_assert_null (meta->positions);
}

static void
test_long_model_id (void)
{
  static const struct {
    const gchar *unit;
    guint n_units;
    gsize size; /* of what is kept: whole characters, at most 1024 bytes */
  } cases[] = { { "v", 1024, 1024 }, { "v", 1025, 1024 },
    { "\xe2\x82\xac", 342, 1023 }, { "\xff", 2000, 1023 },
    { "\xf0\x9f\x8c\x8a", 256, 1024 }, { "\xf0\x9f\x8c\x8a", 257, 1024 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) frame = gst_buffer_new ();
    g_autoptr (GstBuffer) tokens = zeros (TOKENS_SIZE);
    g_autoptr (GString) id = g_string_new (NULL);
    GstVitTokensMeta *meta;

    for (guint n = 0; n < cases[i].n_units; n++)
      g_string_append (id, cases[i].unit);
    meta = meta_frame_add (frame, tokens, id->str);
    g_assert_cmpuint (strlen (meta->model_id), ==, cases[i].size);
    assert_valid (meta);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokens-valid/" name, function)
  TEST ("what-fits-is-valid", test_valid);
  TEST ("the-largest-numbers-are-valid", test_largest);
  for (guint i = 0; i < n_forgeries; i++) {
    g_autofree gchar *path
        = g_strconcat ("/tokens-valid/forged/", forgeries[i].name, NULL);

    g_test_add_data_func (path, &forgeries[i], test_forgery);
  }
  TEST ("scaled-out-of-range-it-is-dropped", test_scaled_out_of_range);
  TEST ("setters-keep-it-valid", test_setters);
  TEST ("model-id-is-cut-to-whole-characters", test_long_model_id);
  return g_test_run ();
}
