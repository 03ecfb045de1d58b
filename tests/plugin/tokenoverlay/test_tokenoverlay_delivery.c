/* SPDX-License-Identifier: MIT
 *
 * How what vittokenoverlay draws reaches the next element: blended into frames
 * of every format, or attached for a sink to draw; which frames are left as they
 * are; and what upstream hears of their layout.
 */
#include <string.h>

#include "support/overlay_frame.h"

#define OVERLAY_CAPS                                                           \
  "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition),"          \
  "format=RGBA,width=64,height=48,framerate=25/1"

static void
test_a_frame_without_tokens_passes (void)
{
  GstHarness *harness = overlay_new_harness ("vittokenoverlay", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 77), *out;
  GstMemory *memory = gst_buffer_peek_memory (frame, 0);

  out = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  g_assert_true (gst_buffer_peek_memory (out, 0) == memory);
  g_assert_cmphex (overlay_get_pixel (out, WIDTH, 30, 30), ==, 0x4d4d4d);
  gst_buffer_unref (frame);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* A frame that others hold as well is not drawn into. */
static void
test_shared_frames_are_left_alone (void)
{
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;

  overlay_set_changed (overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 0);
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 8, 8), ==, 0);
  g_assert_cmphex (overlay_get_pixel (out, WIDTH, 8, 8), ==, 0xff8000);
  gst_buffer_unref (frame);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Whether the element takes it. */
static gboolean
is_blendable (GstVideoFormat format)
{
  GstCaps *all = gst_caps_from_string (
      GST_VIDEO_CAPS_MAKE (GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS));
  GstCaps *one = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      gst_video_format_to_string (format), NULL);
  gboolean is = gst_caps_can_intersect (all, one);

  gst_caps_unref (all);
  gst_caps_unref (one);
  return is;
}

static void
test_every_format_is_blended_into (void)
{
  guint n_formats = 0, n_raw;
  const GstVideoFormat *raw = gst_video_formats_raw (&n_raw);

  for (guint f = 0; f < n_raw; f++) {
    GstVideoFormat format = raw[f];
    GstBuffer *frame, *out;
    GstHarness *harness;
    gsize size;
    guint8 *before, *after;

    if (!is_blendable (format))
      continue;
    harness = overlay_new_harness (
        "vittokenoverlay mode=grid", gst_video_format_to_string (format));
    frame = overlay_new_frame (format, 16);
    size = gst_buffer_get_size (frame);
    before = g_malloc (size);
    after = g_malloc (size);
    gst_buffer_extract (frame, 0, before, size);
    overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    out = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (gst_buffer_extract (out, 0, after, size), ==, size);
    if (memcmp (before, after, size) == 0)
      g_error ("nothing drawn on %s", gst_video_format_to_string (format));
    g_free (before);
    g_free (after);
    gst_buffer_unref (out);
    gst_harness_teardown (harness);
    n_formats++;
  }
  g_test_message ("%u formats", n_formats);
  g_assert_cmpuint (n_formats, >, 80);
}

static gboolean
has_overlay_caps (GstHarness *harness)
{
  GstCaps *caps = gst_pad_get_current_caps (harness->sinkpad);
  gboolean has = gst_caps_features_contains (gst_caps_get_features (caps, 0),
      GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION);

  gst_caps_unref (caps);
  return has;
}

/* `launch` before a sink that takes anything and, if `draws`, compositions. */
static GstBuffer *
draw_before_sink (
    const gchar *src_caps, gboolean draws, GstBuffer *frame, gboolean *has_caps)
{
  GstHarness *harness = gst_harness_new_parse (QUIET "mode=changed");
  GstBuffer *out;

  if (draws)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, src_caps);
  out = gst_harness_push_and_pull (harness, frame);
  *has_caps = has_overlay_caps (harness);
  gst_harness_teardown (harness);
  return out;
}

static void
test_attached_where_downstream_draws (void)
{
  for (guint draws = 0; draws < 2; draws++) {
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;
    GstVideoOverlayCompositionMeta *meta;
    GstVideoOverlayRectangle *rectangle;
    gboolean has_caps;
    guint width, height;
    gint x, y;

    overlay_set_changed (overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 6);
    out = draw_before_sink (PLAIN_CAPS, draws, frame, &has_caps);
    meta = gst_buffer_get_video_overlay_composition_meta (out);
    g_assert_cmpint (has_caps, ==, draws);
    g_assert_cmphex (
        overlay_get_pixel (out, WIDTH, 40, 24), ==, draws ? 0 : 0xff8000);
    g_assert_cmpint (meta != NULL, ==, draws);
    if (meta) {
      rectangle
          = gst_video_overlay_composition_get_rectangle (meta->overlay, 0);
      gst_video_overlay_rectangle_get_render_rectangle (
          rectangle, &x, &y, &width, &height);
      g_assert_cmpint (x, ==, 32);
      g_assert_cmpint (y, ==, 16);
      g_assert_cmpuint (width, ==, 16);
      g_assert_cmpuint (height, ==, 16);
    }
    gst_buffer_unref (out);
  }
}

static GstPadProbeReturn
flush_once (GstPad *pad, GstPadProbeInfo *info, gpointer harness)
{
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  return GST_PAD_PROBE_REMOVE;
}

/* A flush comes while a frame is on its way in, so that the queue does not ask on;
 * after it the sink is asked again. */
static void
test_a_flush_is_no_refusal (void)
{
  GstHarness *harness = gst_harness_new_parse (QUIET "mode=changed ! queue");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstSegment segment;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, flush_once, harness, NULL);
  g_assert_cmpint (gst_harness_push (harness, gst_buffer_ref (frame)), ==,
      GST_FLOW_FLUSHING);
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_true (has_overlay_caps (harness));
  g_assert_nonnull (gst_buffer_get_video_overlay_composition_meta (frame));

  gst_object_unref (pad);
  gst_object_unref (element);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* An application may want what is drawn for itself. */
static void
test_attached_where_nothing_else_is_taken (void)
{
  GstHarness *harness = gst_harness_new_parse (
      QUIET "mode=changed ! "
            "capsfilter caps=\"video/x-raw(memory:SystemMemory,"
            "meta:GstVideoOverlayComposition)\"");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  g_assert_nonnull (gst_buffer_get_video_overlay_composition_meta (frame));
  g_assert_true (has_overlay_caps (harness));
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* What upstream attached stays, and comes first. */
static void
test_attached_beside_others (void)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 4, NULL);
  GstVideoOverlayRectangle *other;
  GstVideoOverlayComposition *composition;
  gboolean has_caps;
  guint width;

  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 1, 1);
  other = gst_video_overlay_rectangle_new_raw (
      pixels, 0, 0, 1, 1, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  composition = gst_video_overlay_composition_new (other);
  gst_buffer_add_video_overlay_composition_meta (frame, composition);
  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  out = draw_before_sink (OVERLAY_CAPS, FALSE, frame, &has_caps);
  gst_video_overlay_composition_unref (composition);

  g_assert_true (has_caps);
  composition = gst_buffer_get_video_overlay_composition_meta (out)->overlay;
  g_assert_cmpuint (
      gst_video_overlay_composition_n_rectangles (composition), ==, 2);
  gst_video_overlay_rectangle_get_render_rectangle (
      gst_video_overlay_composition_get_rectangle (composition, 0), NULL, NULL,
      &width, NULL);
  g_assert_cmpuint (width, ==, 1);
  gst_video_overlay_rectangle_unref (other);
  gst_buffer_unref (pixels);
  gst_buffer_unref (out);
}

/* Whether upstream hears that a layout of its own is understood, and that frames
 * may be left to others to crop. */
static void
assert_proposed (gboolean is_layout, gboolean is_crop)
{
  GstHarness *harness = gst_harness_new ("vittokenoverlay");
  GstCaps *caps = gst_caps_from_string (PLAIN_CAPS);
  GstQuery *query = gst_query_new_allocation (caps, FALSE);

  if (is_layout)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_META_API_TYPE, NULL);
  if (is_crop)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_CROP_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  g_assert_cmpint (
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL), ==,
      is_layout);
  g_assert_false (gst_query_find_allocation_meta (
      query, GST_VIDEO_CROP_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

/* A frame goes on as it came, so that its layout must be understood there. */
static void
test_layouts_are_those_that_downstream_understands (void)
{
  assert_proposed (FALSE, FALSE);
  assert_proposed (TRUE, TRUE);
}

/* Sinks may draw a rectangle that they have seen before under those that are
 * new, so that a legend seen before would lie under the picture. */
static void
test_attached_rectangles_are_new (void)
{
  GstHarness *harness = gst_harness_new_parse ("vittokenoverlay mode=norm");
  GstBuffer *frames[2];
  GstVideoOverlayComposition *drawn[2];
  guint n;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  for (guint i = 0; i < 2; i++) {
    frames[i] = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    overlay_add_meta (frames[i], GST_VIT_TOKEN_FORMAT_F32);
    frames[i] = gst_harness_push_and_pull (harness, frames[i]);
    drawn[i]
        = gst_buffer_get_video_overlay_composition_meta (frames[i])->overlay;
  }
  n = gst_video_overlay_composition_n_rectangles (drawn[0]);
  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpuint (
      gst_video_overlay_composition_n_rectangles (drawn[1]), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_true (
        gst_video_overlay_composition_get_rectangle (drawn[0], i)
        != gst_video_overlay_composition_get_rectangle (drawn[1], i));
  gst_buffer_unref (frames[0]);
  gst_buffer_unref (frames[1]);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    GTestFunc test;
  } tests[] = {
    { "a-frame-without-tokens-passes", test_a_frame_without_tokens_passes },
    { "shared-frames-are-left-alone", test_shared_frames_are_left_alone },
    { "every-format-is-blended-into", test_every_format_is_blended_into },
    { "attached-where-downstream-draws", test_attached_where_downstream_draws },
    { "a-flush-is-no-refusal", test_a_flush_is_no_refusal },
    { "attached-where-nothing-else-is-taken",
        test_attached_where_nothing_else_is_taken },
    { "attached-beside-others", test_attached_beside_others },
    { "layouts-are-those-that-downstream-understands",
        test_layouts_are_those_that_downstream_understands },
    { "attached-rectangles-are-new", test_attached_rectangles_are_new },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    gchar *path = g_strconcat ("/overlay-delivery/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
    g_free (path);
  }
  return g_test_run ();
}
