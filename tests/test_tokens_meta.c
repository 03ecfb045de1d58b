/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta on its own.  Throughout, a frame is 64 x 48 pixels with 4 x 3
 * patches of 16 x 16 and one prefix token: 13 tokens of 2 float32 values.
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "gstvittokensmeta.h"

#define N_TOKENS 13
#define TOKENS_SIZE (N_TOKENS * 2 * 4)

static GstVitTokensMeta *
add_to (GstBuffer *frame, GstBuffer *tokens, const gchar *model_id)
{
  return gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, 64, 48, model_id);
}

static GstBuffer *
new_frame (GstVitTokensMeta **meta)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48 * 3 / 2, NULL);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);

  gst_buffer_memset (frame, 0, 128, 64 * 48 * 3 / 2);
  GST_BUFFER_PTS (frame) = 0;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  *meta = add_to (frame, tokens, "model");
  g_assert_nonnull (*meta);
  gst_buffer_unref (tokens);

  return frame;
}

static void
assert_refs (GstBuffer *buffer, gint n_references)
{
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), ==, n_references);
}

static guint
count_metas (GstBuffer *buffer)
{
  return gst_buffer_get_n_meta (buffer, GST_VIT_TOKENS_META_API_TYPE);
}

static void
assert_map (const GstVitTokensMeta *meta, const gdouble expected[6])
{
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon (meta->map[i], expected[i], 1e-12);
}

/* Programmer errors are logged as critical; the domain does not matter. */
static guint n_criticals;

static void
count_criticals (const gchar *domain G_GNUC_UNUSED, GLogLevelFlags level,
    const gchar *message G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  if (level & G_LOG_LEVEL_CRITICAL)
    n_criticals++;
}

static GstVitTokensMeta *
add_wrongly (gsize size, GstVitTokenFormat format, guint n_prefix_tokens,
    guint grid_width, guint grid_height, guint embed_dim)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  GLogFunc handler = g_log_set_default_handler (count_criticals, NULL);
  GstBuffer *frame = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, size, NULL);
  GstVitTokensMeta *meta;

  n_criticals = 0;
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens, format, n_prefix_tokens,
      grid_width, grid_height, 16, embed_dim, 64, 48, NULL);
  g_assert_cmpuint (count_metas (frame), ==, 0);
  gst_buffer_unref (tokens);
  gst_buffer_unref (frame);
  g_log_set_default_handler (handler, NULL);
  g_log_set_always_fatal (fatal);

  g_assert_cmpuint (n_criticals, >, 0);
  return meta;
}

static void
test_formats (void)
{
  static const struct {
    GstVitTokenFormat format;
    gsize size;
    const gchar *nick;
  } expected[] = {
    { GST_VIT_TOKEN_FORMAT_F32, 4, "f32" },
    { GST_VIT_TOKEN_FORMAT_F16, 2, "f16" },
    { GST_VIT_TOKEN_FORMAT_BF16, 2, "bf16" },
  };
  GEnumClass *klass = g_type_class_ref (GST_TYPE_VIT_TOKEN_FORMAT);

  g_assert_cmpuint (klass->n_values, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    GEnumValue *value = g_enum_get_value_by_nick (klass, expected[i].nick);

    g_assert_nonnull (value);
    g_assert_cmpint (value->value, ==, expected[i].format);
    g_assert_cmpuint (gst_vit_token_format_get_size (expected[i].format), ==,
        expected[i].size);
  }
  g_type_class_unref (klass);
}

static void
test_tags (void)
{
  const gchar *const *tags
      = gst_meta_api_type_get_tags (GST_VIT_TOKENS_META_API_TYPE);

  g_assert_cmpuint (g_strv_length ((gchar **) tags), ==, 3);
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_SIZE_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_ORIENTATION_STR));
}

static void
test_add (void)
{
  static const gdouble whole_frame[6] = { 16, 0, 0, 0, 16, 0 };
  GstBuffer *frame = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *meta;

  g_assert_null (gst_buffer_get_vit_tokens_meta (frame));
  meta = add_to (frame, tokens, "model");
  g_assert_true (gst_buffer_get_vit_tokens_meta (frame) == meta);

  g_assert_true (gst_vit_tokens_meta_get_tokens (meta) == tokens);
  g_assert_cmpint (meta->format, ==, GST_VIT_TOKEN_FORMAT_F32);
  g_assert_cmpuint (meta->n_tokens, ==, N_TOKENS);
  g_assert_cmpuint (meta->n_prefix_tokens, ==, 1);
  g_assert_cmpuint (meta->grid_width, ==, 4);
  g_assert_cmpuint (meta->grid_height, ==, 3);
  g_assert_cmpuint (meta->patch_size, ==, 16);
  g_assert_cmpuint (meta->embed_dim, ==, 2);
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  g_assert_cmpstr (gst_vit_tokens_meta_get_model_id (meta), ==, "model");
  assert_map (meta, whole_frame);
  g_assert_cmpint (meta->roi_id, ==, -1);
  g_assert_cmpuint (meta->n_blocks, ==, 0);
  g_assert_null (meta->changed);

  gst_buffer_unref (frame);
  assert_refs (tokens, 1);
  gst_buffer_unref (tokens);
}

static void
test_refuse (void)
{
  const GstVitTokenFormat f32 = GST_VIT_TOKEN_FORMAT_F32;

  g_assert_null (add_wrongly (TOKENS_SIZE - 1, f32, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE + 1, f32, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE, f32, 0, 4, 3, 2));
  g_assert_null (
      add_wrongly (TOKENS_SIZE, GST_VIT_TOKEN_FORMAT_F16, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE, 99, 1, 4, 3, 2));
  g_assert_null (add_wrongly (8, f32, 1, 0, 3, 2));
  g_assert_null (add_wrongly (0, f32, 1, 4, 3, 0));
  /* 65536 * 65536 is 0 in 32 bits, so these 8 bytes would seem to fit. */
  g_assert_null (add_wrongly (8, f32, 1, 65536, 65536, 2));
}

static void
test_model_id (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) tokens
      = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *meta = add_to (frame, tokens, "caf\xe9");

  g_assert_cmpstr (meta->model_id, ==, "caf\xef\xbf\xbd");
  g_assert_null (add_to (frame, tokens, NULL)->model_id);
}

static void
test_several (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) tokens
      = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *second = add_to (frame, tokens, NULL);
  GstVitTokensMeta *third;
  gpointer state = NULL;

  second->roi_id = 7;
  gst_buffer_add_video_region_of_interest_meta (frame, "face", 0, 0, 8, 8);
  third = add_to (frame, tokens, NULL);
  third->roi_id = 9;

  g_assert_true (gst_buffer_get_vit_tokens_meta (frame) == meta);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == meta);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == second);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == third);
  g_assert_null (gst_buffer_iterate_vit_tokens_meta (frame, &state));

  g_assert_true (gst_buffer_get_vit_tokens_meta_roi (frame, -1) == meta);
  g_assert_true (gst_buffer_get_vit_tokens_meta_roi (frame, 9) == third);
  g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, 8));
}

static void
test_bare (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  GstVitTokensMeta *meta = (GstVitTokensMeta *) gst_buffer_add_meta (
      frame, GST_VIT_TOKENS_META_INFO, NULL);
  g_autoptr (GstBuffer) copy = gst_buffer_copy (frame);
  guint column, row;

  g_assert_null (gst_vit_tokens_meta_get_tokens (meta));
  g_assert_null (gst_vit_tokens_meta_get_model_id (meta));
  g_assert_false (gst_vit_tokens_meta_find_patch (meta, 0, 0, &column, &row));
  g_assert_cmpuint (count_metas (copy), ==, 1);
}

static void
test_copy (void)
{
  static const gdouble moved[6] = { 8, 0, 1, 0, 8, 2 };
  static const gdouble whole_frame[6] = { 16, 0, 0, 0, 16, 0 };
  GstVitTokensMeta *meta, *copied;
  GstBuffer *frame = new_frame (&meta);
  GstBuffer *tokens = gst_buffer_ref (meta->tokens);
  GstBuffer *copies[3];

  copies[0] = gst_buffer_copy (frame);
  copies[1] = gst_buffer_copy_deep (frame);
  copies[2] = gst_buffer_make_writable (gst_buffer_ref (frame));
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    copied = gst_buffer_get_vit_tokens_meta (copies[i]);
    g_assert_nonnull (copied);
    g_assert_true (copied != meta);
    g_assert_true (copied->tokens == tokens);
    g_assert_cmpstr (copied->model_id, ==, "model");
    gst_vit_tokens_meta_set_map (copied, moved);
    assert_map (meta, whole_frame);
  }
  assert_refs (tokens, 5);

  gst_buffer_unref (frame);
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    copied = gst_buffer_get_vit_tokens_meta (copies[i]);
    g_assert_cmpstr (copied->model_id, ==, "model");
    gst_buffer_unref (copies[i]);
  }
  assert_refs (tokens, 1);
  gst_buffer_unref (tokens);
}

static void
test_region_copy (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) part
      = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, 64);
  g_autoptr (GstBuffer) all
      = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, -1);

  g_assert_cmpuint (count_metas (part), ==, 0);
  g_assert_cmpuint (count_metas (all), ==, 1);
}

static void
test_pool (void)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstBuffer *frame, *again;

  gst_buffer_pool_config_set_params (config, NULL, 16, 1, 1);
  g_assert_true (gst_buffer_pool_set_config (pool, config));
  g_assert_true (gst_buffer_pool_set_active (pool, TRUE));
  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &frame, NULL), ==, GST_FLOW_OK);
  add_to (frame, tokens, NULL);
  gst_buffer_unref (frame);
  assert_refs (tokens, 1);

  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &again, NULL), ==, GST_FLOW_OK);
  g_assert_true (again == frame);
  g_assert_cmpuint (count_metas (again), ==, 0);

  gst_buffer_unref (again);
  gst_buffer_unref (tokens);
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
}

static void
test_changed (void)
{
  /* Tokens 0, 7, 8 and 12. */
  static const guint8 bits[2] = { 0x81, 0x11 };
  GstVitTokensMeta *meta;
  GstBuffer *frame = new_frame (&meta);
  GBytes *changed = g_bytes_new_static (bits, sizeof bits);
  GstBuffer *copy;

  g_assert_true (gst_vit_tokens_meta_is_changed (meta, 3));
  gst_vit_tokens_meta_set_changed (meta, changed);
  g_bytes_unref (changed);
  copy = gst_buffer_copy (frame);
  gst_buffer_unref (frame);

  meta = gst_buffer_get_vit_tokens_meta (copy);
  for (guint i = 0; i < N_TOKENS; i++)
    g_assert_cmpint (gst_vit_tokens_meta_is_changed (meta, i), ==,
        i == 0 || i == 7 || i == 8 || i == 12);
  gst_vit_tokens_meta_set_changed (meta, NULL);
  g_assert_true (gst_vit_tokens_meta_is_changed (meta, 3));

  gst_buffer_unref (copy);
}

static void
test_patch_rect (void)
{
  /* A quarter turn: columns go down, rows go left. */
  static const gdouble turned[6] = { 0, -8, 40, 4, 0, 10 };
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = new_frame (&meta);
  gdouble x, y, width, height;

  gst_vit_tokens_meta_get_patch_rect (meta, 3, 1, &x, &y, &width, &height);
  g_assert_cmpfloat (x, ==, 48);
  g_assert_cmpfloat (y, ==, 16);
  g_assert_cmpfloat (width, ==, 16);
  g_assert_cmpfloat (height, ==, 16);

  gst_vit_tokens_meta_set_map (meta, turned);
  gst_vit_tokens_meta_get_patch_rect (meta, 3, 1, &x, &y, &width, &height);
  g_assert_cmpfloat (x, ==, 24);
  g_assert_cmpfloat (y, ==, 22);
  g_assert_cmpfloat (width, ==, 8);
  g_assert_cmpfloat (height, ==, 4);
}

static void
test_patch_rect_outside (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = new_frame (&meta);
  gdouble x = 1, y = 1, width = 1, height = 1;

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*column < *");
  gst_vit_tokens_meta_get_patch_rect (
      meta, meta->grid_width, 0, &x, &y, &width, &height);
  g_test_assert_expected_messages ();
  g_assert_cmpfloat (x, ==, 0);
  g_assert_cmpfloat (y, ==, 0);
  g_assert_cmpfloat (width, ==, 0);
  g_assert_cmpfloat (height, ==, 0);
}

static void
assert_finds_every_patch (const GstVitTokensMeta *meta)
{
  gdouble x, y, width, height;
  guint column, row;

  for (guint r = 0; r < meta->grid_height; r++) {
    for (guint c = 0; c < meta->grid_width; c++) {
      gst_vit_tokens_meta_get_patch_rect (meta, c, r, &x, &y, &width, &height);
      g_assert_true (gst_vit_tokens_meta_find_patch (
          meta, x + width / 2, y + height / 2, &column, &row));
      g_assert_cmpuint (column, ==, c);
      g_assert_cmpuint (row, ==, r);

      if (meta->map[0] > 0 && meta->map[1] == 0) {
        g_assert_true (
            gst_vit_tokens_meta_find_patch (meta, x, y, &column, &row));
        g_assert_cmpuint (column, ==, c);
        g_assert_cmpuint (row, ==, r);
      }
    }
  }
}

static void
test_find_patch (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = new_frame (&meta);

  assert_finds_every_patch (meta);
  for (guint i = 0; i < 1000; i++) {
    gdouble a = g_test_rand_double_range (1, 40);
    gdouble b = g_test_rand_double_range (1, 40);
    gdouble x = g_test_rand_double_range (-500, 500);
    gdouble y = g_test_rand_double_range (-500, 500);
    const gdouble scaled[6] = { a, 0, x, 0, b, y };
    const gdouble mirrored[6] = { -a, 0, x, 0, b, y };
    const gdouble turned[6] = { 0, -a, x, b, 0, y };

    gst_vit_tokens_meta_set_map (meta, scaled);
    assert_finds_every_patch (meta);
    gst_vit_tokens_meta_set_map (meta, mirrored);
    assert_finds_every_patch (meta);
    gst_vit_tokens_meta_set_map (meta, turned);
    assert_finds_every_patch (meta);
  }
}

static void
test_find_no_patch (void)
{
  static const gdouble flat[6] = { 16, 16, 0, 16, 16, 0 };
  static const gdouble outside[][2] = { { -0.01, 0 }, { 0, -0.01 }, { 64, 0 },
    { 0, 48 }, { 1e300, 0 }, { 0, G_MAXDOUBLE } };
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = new_frame (&meta);
  guint column, row;

  for (guint i = 0; i < G_N_ELEMENTS (outside); i++) {
    column = row = 99;
    g_assert_false (gst_vit_tokens_meta_find_patch (
        meta, outside[i][0], outside[i][1], &column, &row));
    g_assert_cmpuint (column, ==, 0);
    g_assert_cmpuint (row, ==, 0);
  }
  gst_vit_tokens_meta_set_map (meta, flat);
  g_assert_false (gst_vit_tokens_meta_find_patch (meta, 0, 0, &column, &row));
  g_assert_false (gst_vit_tokens_meta_find_patch (meta, 5, 6, &column, &row));
}

/* The metas on the copy, after the transform a scaler asks for. */
static guint
scale_by_hand (GstBuffer *frame, guint width, guint height, GstBuffer *out)
{
  const GstMeta *meta = (GstMeta *) gst_buffer_get_vit_tokens_meta (frame);
  GstVideoInfo in_info, out_info;
  GstVideoMetaTransform scale = { &in_info, &out_info };

  gst_video_info_set_format (&in_info, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out_info, GST_VIDEO_FORMAT_I420, width, height);
  meta->info->transform_func (out, (GstMeta *) meta, frame,
      gst_video_meta_transform_scale_get_quark (), &scale);

  return count_metas (out);
}

static void
test_scale (void)
{
  static const gdouble region[6] = { 8, 0, 4, 0, 8, 12 };
  static const gdouble expected[6] = { 12, 0, 6, 0, 12, 18 };
  GstVitTokensMeta *meta, *scaled;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) out = gst_buffer_new ();

  gst_vit_tokens_meta_set_map (meta, region);
  g_assert_cmpuint (scale_by_hand (frame, 96, 72, out), ==, 1);
  scaled = gst_buffer_get_vit_tokens_meta (out);
  assert_map (scaled, expected);
  g_assert_true (scaled->tokens == meta->tokens);
  g_assert_cmpuint (scaled->frame_width, ==, 64);
  g_assert_cmpuint (scaled->frame_height, ==, 48);
  g_assert_cmpuint (scaled->patch_size, ==, 16);
}

static void
test_scale_aspect (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) rounded = gst_buffer_new ();
  g_autoptr (GstBuffer) bordered = gst_buffer_new ();

  /* 29 x 21.75 has the frame's aspect: 22 rows are rounding, 24 are not. */
  g_assert_cmpuint (scale_by_hand (frame, 29, 22, rounded), ==, 1);
  g_assert_cmpuint (scale_by_hand (frame, 29, 24, bordered), ==, 0);
}

#if GST_CHECK_VERSION(1, 28, 0)
/* The metas on the copy, after a transform from a part of a 64 x 48 frame to a
 * part of a 100 x 80 one. */
static GstVitTokensMeta *
move_by_hand (GstBuffer *frame, GstVideoRectangle from, GstVideoRectangle to,
    const gfloat matrix[3][3], GstBuffer *out)
{
  GstMeta *meta = (GstMeta *) gst_buffer_get_vit_tokens_meta (frame);
  GstVideoInfo in_info, out_info;
  GstVideoMetaTransformMatrix transform;
  gboolean is_kept;

  gst_video_info_set_format (&in_info, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out_info, GST_VIDEO_FORMAT_I420, 100, 80);
  gst_video_meta_transform_matrix_init (
      &transform, &in_info, &from, &out_info, &to);
  if (matrix)
    memcpy (transform.matrix, matrix, sizeof transform.matrix);
  is_kept = meta->info->transform_func (out, meta, frame,
      gst_video_meta_transform_matrix_get_quark (), &transform);
  g_assert_cmpint (is_kept, ==, count_metas (out));
  return gst_buffer_get_vit_tokens_meta (out);
}

#define WHOLE ((GstVideoRectangle){ 0, 0, 64, 48 })

static void
assert_moved (GstVideoRectangle from, GstVideoRectangle to,
    const gfloat matrix[3][3], const gdouble expected[6])
{
  GstVitTokensMeta *meta, *moved;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) out = gst_buffer_new ();

  moved = move_by_hand (frame, from, to, matrix, out);
  g_assert_cmpint (moved != NULL, ==, expected != NULL);
  if (!moved)
    return;
  assert_map (moved, expected);
  g_assert_true (moved->tokens == meta->tokens);
}

static void
test_matrix (void)
{
  static const gdouble in_a_corner[6] = { 8. / 3, 0, 7, 0, 8, 9 };
  static const gdouble magnified[6] = { 25, 0, -25, 0, 80. / 3, -80. / 3 };
  static const gfloat quarter_turn[3][3]
      = { { 0, -1, 48 }, { 1, 0, 0 }, { 0, 0, 1 } };
  static const gdouble turned[6] = { 0, -16, 51, 16, 0, 5 };
  static const gfloat shear[3][3]
      = { { 1, 0.5, 0 }, { 0.25, 1, 2 }, { 0, 0, 1 } };
  static const gdouble sheared[6] = { 16, 8, 0, 4, 16, 2 };

  /* 8 / 3 is none of float32. */
  assert_moved ((GstVideoRectangle){ 0, 0, 96, 48 },
      (GstVideoRectangle){ 7, 9, 16, 24 }, NULL, in_a_corner);
  assert_moved ((GstVideoRectangle){ 16, 16, 64, 48 },
      (GstVideoRectangle){ 0, 0, 100, 80 }, NULL, magnified);
  assert_moved (
      WHOLE, (GstVideoRectangle){ 3, 5, 48, 64 }, quarter_turn, turned);
  assert_moved (WHOLE, WHOLE, shear, sheared);
}

/* A mirror that takes column 0 to column 63 is not one that takes the left edge
 * there. */
static void
test_matrix_of_pixels (void)
{
  static const gfloat of_pixels[3][3]
      = { { -1, 0, 63 }, { 0, 1, 0 }, { 0, 0, 1 } };
  static const gfloat of_edges[3][3]
      = { { -1, 0, 64 }, { 0, 1, 0 }, { 0, 0, 1 } };
  static const gdouble mirrored[6] = { -16, 0, 64, 0, 16, 0 };

  assert_moved (WHOLE, WHOLE, of_pixels, mirrored);
  assert_moved (WHOLE, WHOLE, of_edges, mirrored);
}

static void
test_matrix_drops (void)
{
  const gfloat perspective[3][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0.1, 1 } };
  const gfloat flat[3][3] = { { 1, 2, 0 }, { 2, 4, 0 }, { 0, 0, 1 } };
  const gfloat infinite[3][3]
      = { { 1, 0, INFINITY }, { 0, 1, 0 }, { 0, 0, 1 } };
  const gfloat none[3][3] = { { 1, 0, 0 }, { 0, NAN, 0 }, { 0, 0, 1 } };

  assert_moved (WHOLE, WHOLE, perspective, NULL);
  assert_moved (WHOLE, WHOLE, flat, NULL);
  assert_moved (WHOLE, WHOLE, infinite, NULL);
  assert_moved (WHOLE, WHOLE, none, NULL);
  /* The column of patches that is cut off would lie on the border. */
  assert_moved ((GstVideoRectangle){ 16, 0, 48, 48 },
      (GstVideoRectangle){ 16, 0, 48, 48 }, NULL, NULL);
}
#endif

static void
test_unknown_transform (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) out = gst_buffer_new ();

  g_assert_false (meta->meta.info->transform_func (out, &meta->meta, frame,
      g_quark_from_static_string ("no-such-transform"), NULL));
  g_assert_cmpuint (count_metas (out), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokens-meta/" name, function)
  TEST ("formats-have-sizes-and-nicks", test_formats);
  TEST ("tags-are-video-size-orientation", test_tags);
  TEST ("add-keeps-what-it-is-given", test_add);
  TEST ("add-refuses-a-wrong-size", test_refuse);
  TEST ("model-id-is-made-utf-8", test_model_id);
  TEST ("several-come-in-order-and-by-region", test_several);
  TEST ("without-tokens-nothing-crashes", test_bare);
  TEST ("copies-share-the-token-buffer", test_copy);
  TEST ("copy-of-a-region-drops-it", test_region_copy);
  TEST ("pool-takes-it-off", test_pool);
  TEST ("changed-is-a-bit-a-token", test_changed);
  TEST ("patch-rect-by-hand", test_patch_rect);
  TEST ("patch-rect-outside-of-the-grid-is-empty", test_patch_rect_outside);
  TEST ("find-patch-inverts-patch-rect", test_find_patch);
  TEST ("find-patch-says-no-outside", test_find_no_patch);
  TEST ("scale-composes-the-map", test_scale);
  TEST ("scale-to-another-aspect-drops-it", test_scale_aspect);
#if GST_CHECK_VERSION(1, 28, 0)
  TEST ("matrix-composes-the-map", test_matrix);
  TEST ("matrix-of-pixels-is-put-in-its-place", test_matrix_of_pixels);
  TEST ("matrix-that-cannot-be-followed-drops-it", test_matrix_drops);
#endif
  TEST ("unknown-transform-drops-it", test_unknown_transform);
  return g_test_run ();
}
