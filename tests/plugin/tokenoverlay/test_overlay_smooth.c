/* SPDX-License-Identifier: MIT
 *
 * Pictures of vittokenoverlay whose colours pass from patch to patch, against
 * bilinear interpolation in double.
 */
#include <math.h>

#include "support/overlay_frame.h"
#include "view/shade.h"

/* What a pixel's centre shows, `x` pixels from the left of a grid of patches of
 * `size` pixels: which patch and the next, and how far it is between their
 * centres. */
static void
find_between (gdouble x, gdouble size, guint n, guint ends[2], gdouble *way)
{
  gdouble place = CLAMP ((x + 0.5) / size - 0.5, 0, n - 1);

  ends[0] = (guint) place;
  ends[1] = MIN (ends[0] + 1, n - 1);
  *way = place - ends[0];
}

static gdouble
mix (const gdouble values[12], guint x, guint y, guint width, guint height)
{
  guint columns[2], rows[2];
  gdouble right, lower, sum = 0;

  find_between (x, width, COLUMNS, columns, &right);
  find_between (y, height, ROWS, rows, &lower);
  for (guint i = 0; i < 4; i++)
    sum += (i % 2 ? right : 1 - right) * (i / 2 ? lower : 1 - lower)
           * values[rows[i / 2] * COLUMNS + columns[i % 2]];
  return sum;
}

static GstBuffer *
push (GstHarness *harness)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  overlay_set_changed (
      overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 5);
  return gst_harness_push_and_pull (harness, frame);
}

static void
assert_near (guint32 found, guint32 expected)
{
  for (guint shift = 0; shift < 24; shift += 8)
    g_assert_cmpint (
        abs ((gint) (found >> shift & 255) - (gint) (expected >> shift & 255)),
        <=, 1);
}

/* Norms are 1, 2, ... 12: their place on the scale is interpolated, so that every
 * colour is on it; also behind a scaler. */
static void
test_norms (void)
{
  static const gchar *const launches[] = { QUIET "mode=norm smooth=true",
    "videoscale ! video/x-raw,width=128,height=24,pixel-aspect-ratio=1/4 ! "
    QUIET "mode=norm smooth=true" };
  gdouble places[12];

  for (guint i = 0; i < 12; i++)
    places[i] = i / 11.0;
  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstHarness *harness = overlay_new_harness (launches[i], "RGBA");
    guint width = i ? 32 : 16, height = i ? 8 : 16;
    GstBuffer *frame = push (harness);

    for (guint y = 0; y < ROWS * height; y++) {
      for (guint x = 0; x < COLUMNS * width; x++)
        assert_near (overlay_get_pixel (frame, COLUMNS * width, x, y),
            vit_shade_value ((gfloat) mix (places, x, y, width, height), 1)
                & 0xffffff);
    }
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

/* Of components the colours are, which a picture of blocks tells. */
static void
test_components_and_live (void)
{
  GstHarness *harness = overlay_new_harness (QUIET "mode=pca", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  GstBuffer *blocks = push (harness), *frame;

  g_object_set (element, "smooth", TRUE, NULL);
  /* Of the same tokens: a frame without any. */
  frame = gst_harness_push_and_pull (
      harness, overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0));
  gst_buffer_unref (blocks);
  g_object_set (element, "smooth", FALSE, NULL);
  blocks = gst_harness_push_and_pull (
      harness, overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0));
  g_object_set (element, "smooth", TRUE, NULL);
  gst_buffer_unref (frame);
  frame = gst_harness_push_and_pull (
      harness, overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0));
  for (guint shift = 0; shift < 24; shift += 8) {
    gdouble values[12];

    for (guint i = 0; i < 12; i++)
      values[i] = overlay_get_pixel (blocks, WIDTH, i % 4 * 16, i / 4 * 16)
                      >> shift & 255;
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++) {
        gdouble found
            = overlay_get_pixel (frame, WIDTH, x, y) >> shift & 255;

        /* The components drift a little from one frame to the next. */
        g_assert_cmpfloat (
            fabs (found - mix (values, x, y, 16, 16)), <=, 3);
      }
    }
  }
  gst_buffer_unref (blocks);
  gst_buffer_unref (frame);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* Nothing lies between changed and not. */
static void
test_changes_stay_blocks (void)
{
  GstHarness *harness
      = overlay_new_harness (QUIET "mode=changed smooth=true", "RGBA");
  GstBuffer *frame = push (harness);

  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmphex (overlay_get_pixel (frame, WIDTH, x, y), ==,
          x / 16 == 1 && y / 16 == 1 ? 0xff8000 : 0);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/overlay-smooth/" name, function)
  TEST ("norms", test_norms);
  TEST ("components-and-live", test_components_and_live);
  TEST ("changes-stay-blocks", test_changes_stay_blocks);
  return g_test_run ();
}
