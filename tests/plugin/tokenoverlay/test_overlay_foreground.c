/* SPDX-License-Identifier: MIT
 *
 * The foreground of frames: what lies above the mean is drawn, in colours of its own
 * components, and the rest stays as the video has it.
 */
#include <math.h>

#include "support/overlay_frame.h"

#define PCA QUIET "mode=pca foreground=true "
#define VIDEO 0x5a5a5a

/* Of 4 x 3 patches the two in the middle differ most; they, and the others,
 * differ a little. */
static void
add_meta (GstBuffer *frame, const gdouble map[6] /* (nullable) */)
{
  gfloat values[12][3];
  GstBuffer *tokens, *none = gst_buffer_new ();
  GstVitTokensMeta *meta;

  for (guint i = 0; i < 12; i++) {
    gboolean is_inside = i == 5 || i == 6;

    values[i][0] = is_inside ? -9.0f : 1.0f;
    values[i][1] = (gfloat) sin (i);
    values[i][2] = 0.3f * (gfloat) cos (2.0 * i);
  }
  tokens = gst_buffer_new_memdup (values, sizeof values);
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 0, COLUMNS, ROWS, 16, 3, WIDTH, HEIGHT, NULL);
  gst_vit_tokens_meta_set_positions (meta, none);
  if (map)
    gst_vit_tokens_meta_set_map (meta, map);
  gst_buffer_unref (tokens);
  gst_buffer_unref (none);
}

static GstBuffer *
push (GstHarness *harness)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0x5a);

  add_meta (frame, NULL);
  return gst_harness_push_and_pull (harness, frame);
}

/* Patches of `width` x `height` pixels. */
static void
check (GstBuffer *frame, guint width, guint height, gboolean has_foreground)
{
  for (guint y = 0; y < ROWS * height; y++) {
    for (guint x = 0; x < COLUMNS * width; x++) {
      guint patch = y / height * COLUMNS + x / width;
      gboolean is_drawn = !has_foreground || patch == 5 || patch == 6;

      g_assert_cmpint (
          overlay_get_pixel (frame, COLUMNS * width, x, y) != VIDEO, ==,
          is_drawn);
    }
  }
}

static void
test_is_drawn_alone_and_live (void)
{
  GstHarness *harness = overlay_new_harness (PCA, "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");

  for (guint turn = 0; turn < 3; turn++) {
    for (guint i = 0; i < 4; i++) {
      GstBuffer *frame = push (harness);

      check (frame, 16, 16, turn != 1);
      /* Two points lie on a line, at one standard deviation to both sides. */
      if (turn == 0 && i == 0) {
        guint32 one = overlay_get_pixel (frame, WIDTH, 24, 24) >> 16;
        guint32 other = overlay_get_pixel (frame, WIDTH, 40, 24) >> 16;

        g_assert_cmpuint (MIN (one, other), ==, 64);
        g_assert_cmpuint (MAX (one, other), ==, 191);
      }
      gst_buffer_unref (frame);
    }
    g_object_set (element, "foreground", turn == 1, NULL);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_scaled_frames_and_regions (void)
{
  static const gdouble maps[2][6]
      = { { 8, 0, 0, 0, 16, 0 }, { 8, 0, 32, 0, 16, 0 } };
  GstHarness *harness = overlay_new_harness (
      "videoscale ! video/x-raw,width=128,height=24,pixel-aspect-ratio=1/4 ! "
      PCA, "RGBA");
  GstBuffer *frame = push (harness);

  check (frame, 32, 8, TRUE);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);

  harness = overlay_new_harness (PCA, "RGBA");
  frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0x5a);
  for (guint i = 0; i < 2; i++)
    add_meta (frame, maps[i]);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmpint (overlay_get_pixel (frame, WIDTH, x, y) != VIDEO, ==,
          y / 16 == 1 && x % 32 >= 8 && x % 32 < 24);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Its edge passes from drawn to not over the width of a patch. */
static void
test_smooth (void)
{
  GstHarness *harness = overlay_new_harness (PCA "smooth=true", "RGBA");
  GstBuffer *frame = push (harness);

  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 32, 7), ==, VIDEO);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 32, 12), !=, VIDEO);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 7, 24), ==, VIDEO);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 12, 24), !=, VIDEO);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/overlay-foreground/" name, function)
  TEST ("is-drawn-alone-and-live", test_is_drawn_alone_and_live);
  TEST ("scaled-frames-and-regions", test_scaled_frames_and_regions);
  TEST ("smooth", test_smooth);
  return g_test_run ();
}
