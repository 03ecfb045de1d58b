/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay draws on frames without tokens: the last picture, until the
 * next tokens or until it says nothing of the frame any more; and how old it is.
 */
#include <string.h>

#include "support/overlay_frame.h"
#include "tokenoverlay/gstvitlasttokens.h"

#define ORANGE 0xff8000
#define NO_PATCH (-1)

/* (transfer full): a frame; `changed`: of its patches, NO_PATCH: it has none. */
static GstBuffer *
new_frame (GstClockTime time, gint changed)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  GST_BUFFER_PTS (frame) = time;
  if (changed != NO_PATCH)
    overlay_set_changed (
        overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), (guint) changed);
  return frame;
}

/* (transfer full) */
static GstBuffer *
push (GstHarness *harness, GstClockTime time, gint changed)
{
  return gst_harness_push_and_pull (harness, new_frame (time, changed));
}

/* The only patch that is orange; consumes the frame. */
static gint
find_orange (GstBuffer *frame)
{
  gint found = NO_PATCH;

  for (gint i = 0; i < 12; i++) {
    guint x = (guint) i % 4 * 16 + 8, y = (guint) i / 4 * 16 + 8;

    if (overlay_get_pixel (frame, WIDTH, x, y) != ORANGE)
      continue;
    g_assert_cmpint (found, ==, NO_PATCH);
    found = i;
  }
  gst_buffer_unref (frame);
  return found;
}

static GstHarness *
new_harness (void)
{
  return overlay_new_harness (QUIET "mode=changed", "RGBA");
}

static void
test_the_last_picture_stays_until_the_next (void)
{
  GstHarness *harness = new_harness ();

  g_assert_cmpint (find_orange (push (harness, 0, NO_PATCH)), ==, NO_PATCH);
  for (gint turn = 0; turn < 3; turn++) {
    for (guint i = 0; i < 5; i++) {
      gint patch = i == 0 ? turn + 4 : NO_PATCH;
      GstClockTime time = (5 * (guint) turn + i) * GST_SECOND / 25;

      g_assert_cmpint (find_orange (push (harness, time, patch)), ==, turn + 4);
    }
  }
  gst_harness_teardown (harness);
}

/* Tokens of every fourth frame, by the element that computes them. */
static void
test_every_frame_of_an_interval_is_drawn_on (void)
{
  GstHarness *harness = overlay_new_harness (
      "vitpatchembed embed-dim=24 interval=4 ! " QUIET "mode=grid", "RGBA");

  for (guint i = 0; i < 12; i++) {
    GstBuffer *frame = push (harness, i * GST_SECOND / 25, NO_PATCH);

    g_assert_cmpint (
        gst_buffer_get_vit_tokens_meta (frame) != NULL, ==, i % 4 == 0);
    g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 16, 20), ==, 0xffe600);
    gst_buffer_unref (frame);
  }
  gst_harness_teardown (harness);
}

static void
test_attached_pictures_stay (void)
{
  GstHarness *harness = gst_harness_new_parse (QUIET "mode=changed");
  GstVideoOverlayRectangle *before = NULL;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *frame
        = push (harness, i * GST_SECOND / 25, i == 0 ? 6 : NO_PATCH);
    GstVideoOverlayCompositionMeta *meta
        = gst_buffer_get_video_overlay_composition_meta (frame);
    GstVideoOverlayRectangle *rectangle;
    gint x, y;

    g_assert_nonnull (meta);
    rectangle = gst_video_overlay_composition_get_rectangle (meta->overlay, 0);
    gst_video_overlay_rectangle_get_render_rectangle (
        rectangle, &x, &y, NULL, NULL);
    g_assert_cmpint (x, ==, 32);
    g_assert_cmpint (y, ==, 16);
    /* One that a sink has seen could lie under what is new. */
    g_assert_true (rectangle != before);
    if (before)
      gst_video_overlay_rectangle_unref (before);
    before = gst_video_overlay_rectangle_ref (rectangle);
    gst_buffer_unref (frame);
  }
  gst_video_overlay_rectangle_unref (before);
  gst_harness_teardown (harness);
}

static void
push_segment (GstHarness *harness)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
}

static void
send_flush (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  push_segment (harness);
}

static void
send_stream_start (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_stream_start ("another"));
}

static void
send_gap (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_gap (GST_SECOND, GST_SECOND));
}

/* Alone, where a harness's function sends a segment with them. */
static void
push_caps (GstHarness *harness, const gchar *text)
{
  GstCaps *caps = gst_caps_from_string (text);

  gst_harness_push_event (harness, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

static void
send_other_size (GstHarness *harness)
{
  push_caps (
      harness, "video/x-raw,format=RGBA,width=32,height=96,framerate=25/1");
  push_caps (harness, PLAIN_CAPS);
}

static void
test_a_picture_ends_where_the_stream_breaks (void)
{
  static void (*const breaks[]) (GstHarness *) = { push_segment, send_flush,
    send_stream_start, send_gap, send_other_size };

  for (guint i = 0; i < G_N_ELEMENTS (breaks); i++) {
    GstHarness *harness = new_harness ();

    g_test_message ("break %u", i);
    g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
    breaks[i](harness);
    g_assert_cmpint (find_orange (push (harness, 40, NO_PATCH)), ==, NO_PATCH);
    g_assert_cmpint (find_orange (push (harness, 80, 7)), ==, 7);
    g_assert_cmpint (find_orange (push (harness, 120, NO_PATCH)), ==, 7);
    gst_harness_teardown (harness);
  }
}

/* Neither caps of the same size nor a lost frame is another scene. */
static void
test_a_picture_stays_where_the_stream_goes_on (void)
{
  GstHarness *harness = new_harness ();
  GstBuffer *frame = new_frame (40, NO_PATCH);

  g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
  g_assert_cmpint (
      find_orange (gst_harness_push_and_pull (harness, frame)), ==, 6);
  push_caps (
      harness, "video/x-raw,format=RGBA,width=64,height=48,framerate=30/1");
  g_assert_cmpint (find_orange (push (harness, 80, NO_PATCH)), ==, 6);
  gst_harness_teardown (harness);
}

static void
test_a_frame_that_is_a_gap_shows_nothing (void)
{
  GstHarness *harness = new_harness ();
  GstBuffer *frame = new_frame (40, NO_PATCH);

  g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_GAP);
  g_assert_cmpint (
      find_orange (gst_harness_push_and_pull (harness, frame)), ==, NO_PATCH);
  g_assert_cmpint (find_orange (push (harness, 80, NO_PATCH)), ==, NO_PATCH);
  gst_harness_teardown (harness);
}

/* Of a region that is gone nothing is left in the air. */
static void
test_regions_end_with_the_last_of_them (void)
{
  for (guint whole = 0; whole < 2; whole++) {
    GstHarness *harness = new_harness ();
    GstBuffer *frame = new_frame (0, 6);

    gst_buffer_get_vit_tokens_meta (frame)->roi_id = whole ? -1 : 0;
    g_assert_cmpint (
        find_orange (gst_harness_push_and_pull (harness, frame)), ==, 6);
    frame = new_frame (40, NO_PATCH);
    gst_buffer_add_video_region_of_interest_meta (
        frame, "person", 32, 16, 16, 16);
    g_assert_cmpint (
        find_orange (gst_harness_push_and_pull (harness, frame)), ==, 6);
    g_assert_cmpint (
        find_orange (push (harness, 80, NO_PATCH)), ==, whole ? 6 : NO_PATCH);
    gst_harness_teardown (harness);
  }
}

static void
test_tokens_that_cannot_be_drawn_end_it (void)
{
  GstHarness *harness = new_harness ();
  GstBuffer *frame = new_frame (40, 7);

  g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
  gst_buffer_get_vit_tokens_meta (frame)->n_tokens = 99;
  g_assert_cmpint (
      find_orange (gst_harness_push_and_pull (harness, frame)), ==, NO_PATCH);
  g_assert_cmpint (find_orange (push (harness, 80, NO_PATCH)), ==, NO_PATCH);
  gst_harness_teardown (harness);
}

static void
test_properties_take_effect_on_frames_without_tokens (void)
{
  GstHarness *harness = new_harness ();
  GstElement *overlay = gst_harness_find_element (harness, "vittokenoverlay");
  GstBuffer *frame;

  g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
  gst_util_set_object_arg (G_OBJECT (overlay), "mode", "grid");
  frame = push (harness, 40, NO_PATCH);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 16, 20), ==, 0xffe600);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 40, 24), ==, 0);
  gst_buffer_unref (frame);
  gst_util_set_object_arg (G_OBJECT (overlay), "mode", "changed");
  g_assert_cmpint (find_orange (push (harness, 80, NO_PATCH)), ==, 6);
  g_object_set (overlay, "opacity", 0.0, NULL);
  g_assert_cmpint (find_orange (push (harness, 120, NO_PATCH)), ==, NO_PATCH);
  gst_object_unref (overlay);
  gst_harness_teardown (harness);
}

static gboolean
stays (GstHarness *harness, GstClockTime time)
{
  return find_orange (push (harness, time, NO_PATCH)) == 6;
}

/* A minute, or ten times what lay between the last two that had tokens. */
static void
test_a_picture_ends_where_tokens_are_overdue (void)
{
  GstHarness *harness = new_harness ();

  g_assert_cmpint (find_orange (push (harness, 0, 6)), ==, 6);
  g_assert_true (stays (harness, 60 * GST_SECOND));
  g_assert_false (stays (harness, 60 * GST_SECOND + 1));
  g_assert_false (stays (harness, 61 * GST_SECOND));
  g_assert_cmpint (find_orange (push (harness, 100 * GST_SECOND, 6)), ==, 6);
  g_assert_true (stays (harness, 1100 * GST_SECOND));
  g_assert_false (stays (harness, 1101 * GST_SECOND));
  gst_harness_teardown (harness);
  /* An age that is not known is not taken for a great one. */
  harness = new_harness ();
  g_assert_cmpint (find_orange (push (harness, GST_CLOCK_TIME_NONE, 6)), ==, 6);
  for (guint i = 0; i < 100; i++)
    g_assert_true (
        stays (harness, i % 2 ? GST_CLOCK_TIME_NONE : i * 100 * GST_SECOND));
  gst_harness_teardown (harness);
}

static void
test_the_age_is_said_after_a_second (void)
{
  static const struct {
    GstClockTime then, now;
    const gchar *age;
  } cases[] = {
    { 0, 0, NULL },
    { 0, GST_SECOND, NULL },
    { 0, GST_SECOND + 1, "1 s old" },
    { 5 * GST_SECOND, 8 * GST_SECOND - 1, "2 s old" },
    /* Backwards. */
    { 8 * GST_SECOND, 5 * GST_SECOND, "3 s old" },
    { 0, 120 * GST_SECOND - 1, "119 s old" },
    { 0, 150 * GST_SECOND, "2 min old" },
    { GST_CLOCK_TIME_NONE, 0, "of an earlier frame" },
    { 0, GST_CLOCK_TIME_NONE, "of an earlier frame" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *then = new_frame (cases[i].then, 6);
    GstBuffer *now = new_frame (cases[i].now, NO_PATCH);
    GstVitLastTokens last = { 0 };
    gchar *age;

    gst_vit_last_tokens_clear (&last);
    gst_vit_last_tokens_take (&last, then);
    age = gst_vit_last_tokens_say_age (&last, now);
    g_assert_cmpstr (age, ==, cases[i].age);
    g_free (age);
    gst_vit_last_tokens_clear (&last);
    gst_buffer_unref (then);
    gst_buffer_unref (now);
  }
}

/* (nullable) (transfer full): the legend's words as pixels. */
static GBytes *
read_words (GstBuffer *frame /* (transfer full) */)
{
  GstVideoOverlayComposition *drawn
      = gst_buffer_get_video_overlay_composition_meta (frame)->overlay;
  guint n = gst_video_overlay_composition_n_rectangles (drawn);
  GBytes *words = NULL;

  /* Behind the picture and the bar. */
  if (n == 3) {
    GstVideoOverlayRectangle *rectangle
        = gst_video_overlay_composition_get_rectangle (drawn, 2);
    GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_argb (
        rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
    gpointer data;
    gsize size;

    gst_buffer_extract_dup (pixels, 0, (gsize) -1, &data, &size);
    words = g_bytes_new_take (data, size);
  }
  gst_buffer_unref (frame);
  return words;
}

static void
test_the_legend_says_the_age (void)
{
  static const GstClockTime times[]
      = { 0, GST_SECOND, 2 * GST_SECOND - 1, 2 * GST_SECOND, 3 * GST_SECOND };
  static const gboolean is_other[] = { FALSE, FALSE, TRUE, TRUE, TRUE };
  GstHarness *harness = gst_harness_new_parse ("vittokenoverlay mode=changed");
  GBytes *first = NULL, *before = NULL;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (
      harness, "video/x-raw,format=RGBA,width=640,height=480,framerate=25/1");
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    GBytes *words
        = read_words (push (harness, times[i], i == 0 ? 6 : NO_PATCH));

    if (!words) {
      g_test_skip ("built without pango");
      break;
    }
    if (i == 0)
      first = g_bytes_ref (words);
    g_assert_cmpint (!g_bytes_equal (words, first), ==, is_other[i]);
    /* Said anew with every second. */
    if (i >= 3)
      g_assert_false (g_bytes_equal (words, before));
    g_clear_pointer (&before, g_bytes_unref);
    before = words;
  }
  g_clear_pointer (&before, g_bytes_unref);
  g_clear_pointer (&first, g_bytes_unref);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    GTestFunc test;
  } tests[] = {
    { "the-last-picture-stays-until-the-next",
        test_the_last_picture_stays_until_the_next },
    { "every-frame-of-an-interval-is-drawn-on",
        test_every_frame_of_an_interval_is_drawn_on },
    { "attached-pictures-stay", test_attached_pictures_stay },
    { "a-picture-ends-where-the-stream-breaks",
        test_a_picture_ends_where_the_stream_breaks },
    { "a-picture-stays-where-the-stream-goes-on",
        test_a_picture_stays_where_the_stream_goes_on },
    { "a-frame-that-is-a-gap-shows-nothing",
        test_a_frame_that_is_a_gap_shows_nothing },
    { "regions-end-with-the-last-of-them",
        test_regions_end_with_the_last_of_them },
    { "tokens-that-cannot-be-drawn-end-it",
        test_tokens_that_cannot_be_drawn_end_it },
    { "properties-take-effect-on-frames-without-tokens",
        test_properties_take_effect_on_frames_without_tokens },
    { "a-picture-ends-where-tokens-are-overdue",
        test_a_picture_ends_where_tokens_are_overdue },
    { "the-age-is-said-after-a-second", test_the_age_is_said_after_a_second },
    { "the-legend-says-the-age", test_the_legend_says_the_age },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    gchar *path = g_strconcat ("/overlay-last/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
    g_free (path);
  }
  return g_test_run ();
}
