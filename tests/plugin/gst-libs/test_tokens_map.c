/* SPDX-License-Identifier: MIT
 *
 * Where the patches of a GstVitTokensMeta lie in its frame: by its map, from a
 * patch to pixels and back; and the map after the transforms that elements ask
 * for as they scale, crop or turn a frame.
 */
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "support/meta_frame.h"

static void
test_patch_rect (void)
{
  /* A quarter turn: columns go down, rows go left. */
  static const gdouble turned[6] = { 0, -8, 40, 4, 0, 10 };
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&meta);

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
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
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
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
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

#define TEST(name, function) g_test_add_func ("/tokens-map/" name, function)
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
