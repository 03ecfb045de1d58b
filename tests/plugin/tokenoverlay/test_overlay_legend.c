/* SPDX-License-Identifier: MIT
 *
 * The legend of vittokenoverlay lies within the frame, with all of its words, in
 * every mode and on frames of every size.
 */
#include "support/overlay_frame.h"

static const gchar *const modes[]
    = { "pca", "similarity", "norm", "changed", "grid" };

typedef struct {
  gint x, y;
  guint width, height;
} Box;

/* The legend's parts on a frame of width x height: from the left, a bar if the
 * mode has one, and words if built with pango.  Their number. */
static guint
get_legend (
    const gchar *mode, guint width, guint height, gboolean is_old, Box boxes[2])
{
  const gdouble map[6] = { width / 4.0, 0, 0, 0, height / 3.0, 0 };
  gchar *launch = g_strdup_printf ("vittokenoverlay mode=%s", mode);
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=RGBA,width=%u,height=%u,framerate=25/1", width,
      height);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstVideoOverlayComposition *drawn;
  GstBuffer *frame = NULL;
  guint n;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, caps);
  for (guint i = 0; i < (is_old ? 2 : 1); i++) {
    gst_clear_buffer (&frame);
    frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    GST_BUFFER_PTS (frame) = i * 59 * GST_SECOND;
    if (i == 0) {
      GstVitTokensMeta *meta
          = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);

      gst_vit_tokens_meta_set_map (meta, map);
      overlay_set_changed (meta, 6);
    }
    frame = gst_harness_push_and_pull (harness, frame);
  }
  drawn = gst_buffer_get_video_overlay_composition_meta (frame)->overlay;
  n = gst_video_overlay_composition_n_rectangles (drawn);
  /* Behind the picture. */
  g_assert_cmpuint (n, <=, 3);
  for (guint i = 1; i < n; i++)
    gst_video_overlay_rectangle_get_render_rectangle (
        gst_video_overlay_composition_get_rectangle (drawn, i), &boxes[i - 1].x,
        &boxes[i - 1].y, &boxes[i - 1].width, &boxes[i - 1].height);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  g_free (caps);
  g_free (launch);
  return n - 1;
}

static gboolean
has_bar (const gchar *mode)
{
  return !g_str_equal (mode, "grid");
}

/* The words as they are on a wide frame with lines of 12 pixels; FALSE where the
 * plugin was built without. */
static gboolean
get_one_line (const gchar *mode, gboolean is_old, Box *words)
{
  Box boxes[2];
  guint n = get_legend (mode, 1920, 240, is_old, boxes);

  *words = boxes[n - 1];
  return n == 1u + has_bar (mode);
}

static void
check_within (const Box *box, guint width, guint height)
{
  g_assert_cmpint (box->x, >=, 0);
  g_assert_cmpint (box->y, >=, 0);
  g_assert_cmpint (box->x + (gint) box->width, <=, (gint) width);
  g_assert_cmpint (box->y + (gint) box->height, <=, (gint) height);
}

static void
test_the_legend_lies_within_the_frame (void)
{
  static const guint sizes[][2] = { { 320, 240 }, { 160, 120 }, { 240, 320 },
    { 64, 48 }, { 80, 600 }, { 1280, 720 }, { 720, 1280 }, { 3840, 2160 } };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++) {
    const gchar *mode = modes[i / 2];

    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      guint width = sizes[s][0], height = sizes[s][1];
      Box boxes[2];
      guint n = get_legend (mode, width, height, i % 2, boxes);

      for (guint b = 0; b < n; b++)
        check_within (&boxes[b], width, height);
      if (n < 2)
        continue;
      /* Beside one another or one above the other, no more than half of it. */
      g_assert_true (boxes[1].x >= boxes[0].x + (gint) boxes[0].width
                     || boxes[1].y + (gint) boxes[1].height <= boxes[0].y);
      g_assert_cmpuint (boxes[1].height, <=, height / 2 + 4);
    }
  }
}

/* Broken into lines, they are as long together as in one. */
static void
test_no_words_are_lost_on_small_frames (void)
{
  static const guint sizes[][2] = { { 320, 240 }, { 160, 120 } };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++) {
    const gchar *mode = modes[i / 2];
    Box one, boxes[2];

    if (!get_one_line (mode, i % 2, &one)) {
      g_test_skip ("built without pango");
      return;
    }
    g_assert_cmpuint (one.height, ==, 12);
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      guint n = get_legend (mode, sizes[s][0], sizes[s][1], i % 2, boxes);
      const Box *words = &boxes[n - 1];
      guint n_lines = (words->height + 6) / 12;

      g_assert_cmpuint (n, ==, 1u + has_bar (mode));
      if (n_lines == 1)
        g_assert_cmpuint (words->width, ==, one.width);
      else
        g_assert_cmpuint (n_lines * (words->width - 8), >=, one.width - 8);
      /* Nor are they broken where they need not be. */
      g_assert_cmpuint (n_lines, <=, 1 + (one.width - 8) / (sizes[s][0] - 60));
    }
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-legend/the-legend-lies-within-the-frame",
      test_the_legend_lies_within_the_frame);
  g_test_add_func ("/overlay-legend/no-words-are-lost-on-small-frames",
      test_no_words_are_lost_on_small_frames);
  return g_test_run ();
}
