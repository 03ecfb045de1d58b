/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay does not know, it does not draw as if it did: changes of a
 * first frame, and components, cosines and norms of tokens that have none.
 */
#include <math.h>

#include "support/overlay_frame.h"

#define GREY 0x808080
#define ORANGE 0xff8000

static guint32
look (GstBuffer *frame, guint patch)
{
  return overlay_get_pixel (
      frame, WIDTH, patch % 4 * 16 + 8, patch / 4 * 16 + 8);
}

static void
test_a_first_frame_knows_no_change (void)
{
  GstHarness *harness = overlay_new_harness (
      "vitpatchembed embed-dim=24 ! " QUIET "mode=changed", "RGBA");

  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    if (i == 2)
      gst_buffer_memset (frame, (16 * WIDTH + 16) * 4, 255, 4);
    frame = gst_harness_push_and_pull (harness, frame);
    for (guint p = 0; p < 12; p++)
      g_assert_cmphex (look (frame, p), ==,
          i == 0             ? GREY
          : i == 2 && p == 5 ? ORANGE
                             : 0);
    gst_buffer_unref (frame);
  }
  gst_harness_teardown (harness);
}

/* Of two grids one may know. */
static void
test_unknown_changes_are_told_apart (void)
{
  static const gdouble left[6] = { 8, 0, 0, 0, 16, 0 };
  static const gdouble right[6] = { 8, 0, 32, 0, 16, 0 };
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitTokensMeta *meta = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);

  gst_vit_tokens_meta_set_map (meta, left);
  meta = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  gst_vit_tokens_meta_set_map (meta, right);
  overlay_set_changed (meta, 0);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 4, 40), ==, GREY);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 36, 8), ==, ORANGE);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 36, 40), ==, 0);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* The legend has a bar of colours only where they stand for something. */
static gboolean
has_bar (const gchar *mode, gfloat value)
{
  gchar *launch = g_strdup_printf ("vittokenoverlay opacity=0 mode=%s", mode);
  GstHarness *harness = overlay_new_harness (launch, "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 12 * 2 * 4, NULL);
  GstBuffer *none = gst_buffer_new ();
  gfloat values[12][2];
  gboolean has;

  for (guint i = 0; i < 12; i++)
    values[i][0] = values[i][1] = value;
  gst_buffer_fill (tokens, 0, values, sizeof values);
  gst_vit_tokens_meta_set_positions (
      gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32,
          0, 4, 3, 16, 2, WIDTH, HEIGHT, NULL),
      none);
  frame = gst_harness_push_and_pull (harness, frame);
  /* Its right end is bright, and no words are as colourful. */
  has = overlay_get_pixel (frame, WIDTH, 56, HEIGHT - 9) == 0xfde725
        || overlay_get_pixel (frame, WIDTH, 56, HEIGHT - 9) == 0x0000ff;
  gst_buffer_unref (tokens);
  gst_buffer_unref (none);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  g_free (launch);
  return has;
}

static void
test_a_bar_stands_for_something (void)
{
  g_assert_false (has_bar ("pca", 1));
  g_assert_false (has_bar ("pca", NAN));
  g_assert_true (has_bar ("similarity", 1));
  g_assert_false (has_bar ("similarity", 0));
  g_assert_false (has_bar ("similarity", NAN));
  g_assert_true (has_bar ("norm", 0));
  g_assert_false (has_bar ("norm", NAN));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-unknown/a-first-frame-knows-no-change",
      test_a_first_frame_knows_no_change);
  g_test_add_func ("/overlay-unknown/unknown-changes-are-told-apart",
      test_unknown_changes_are_told_apart);
  g_test_add_func ("/overlay-unknown/a-bar-stands-for-something",
      test_a_bar_stands_for_something);
  return g_test_run ();
}
