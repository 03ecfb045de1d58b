/* SPDX-License-Identifier: MIT
 *
 * The stream that vittokenenc makes of a stream of frames, whatever the
 * encoding: its caps, a buffer for each meta, a gap or a warning where there is
 * none, and the events and times that are passed on.
 */
#include <gst/video/video.h>
#include <string.h>

#include "support/tokenenc_frame.h"

static void
test_several (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBuffer *frame = tokenenc_new_frame ();

  for (guint embed_dim = 1; embed_dim <= 3; embed_dim++)
    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, embed_dim);
  /* One that nobody filled in. */
  gst_buffer_add_meta (frame, GST_VIT_TOKENS_META_INFO, NULL);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 3);
  for (guint embed_dim = 1; embed_dim <= 3; embed_dim++) {
    GstBuffer *out = gst_harness_pull (harness);

    g_assert_cmpuint (gst_buffer_get_size (out), ==, 128 + 13 * 4 * embed_dim);
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 1000);
    g_assert_cmpint (GST_BUFFER_IS_DISCONT (out), ==, embed_dim == 1);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
}

/* As of a still picture, of which what was made of it waits in a queue. */
static void
test_same_tokens (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBuffer *first = tokenenc_new_frame ();
  GstVitTokensMeta *meta
      = tokenenc_add_tokens (first, GST_VIT_TOKEN_FORMAT_F32, 2);

  for (guint i = 0; i < 300; i++) {
    GstBuffer *frame = tokenenc_new_frame ();

    gst_buffer_add_vit_tokens_meta (frame, meta->tokens, meta->format, 1, 4, 3,
        16, 2, 64, 48, "model");
    g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  }
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 300);
  for (guint i = 0; i < 300; i++) {
    GstBuffer *out = gst_harness_pull (harness);
    guint8 bytes[13 * 4 * 2];

    g_assert_cmpuint (
        gst_buffer_extract (out, 128, bytes, sizeof bytes), ==, sizeof bytes);
    for (guint b = 0; b < sizeof bytes; b++)
      g_assert_cmpuint (bytes[b], ==, b);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (first);
  gst_harness_teardown (harness);
}

static void
test_timestamps (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBuffer *frame = tokenenc_new_frame (), *out;
  gpointer state = NULL;

  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_add_video_meta (
      frame, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 48);
  gst_buffer_add_video_region_of_interest_meta (frame, "face", 0, 0, 8, 8);
  GST_BUFFER_FLAG_SET (frame, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  GST_BUFFER_PTS (frame) = 5 * GST_SECOND;
  GST_BUFFER_DTS (frame) = 4 * GST_SECOND;
  GST_BUFFER_DURATION (frame) = 3 * GST_SECOND;
  GST_BUFFER_OFFSET (frame) = 125;
  GST_BUFFER_OFFSET_END (frame) = 126;
  out = gst_harness_push_and_pull (harness, frame);

  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 5 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DTS (out), ==, 4 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 3 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 125);
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, 126);
  g_assert_false (
      GST_BUFFER_FLAG_IS_SET (out, GST_VIDEO_BUFFER_FLAG_INTERLACED));
  g_assert_null (gst_buffer_iterate_meta (out, &state));

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* (transfer full) (nullable): the next event of this type. */
static GstEvent *
pull_event (GstHarness *harness, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness))) {
    if (GST_EVENT_TYPE (event) == type)
      return event;
    gst_event_unref (event);
  }
  return NULL;
}

static void
test_gap (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBuffer *frame = tokenenc_new_frame ();
  GstClockTime pts, duration;
  GstEvent *event;

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 0);
  event = pull_event (harness, GST_EVENT_GAP);
  g_assert_nonnull (event);
  gst_event_parse_gap (event, &pts, &duration);
  g_assert_cmpuint (pts, ==, 1000);
  g_assert_cmpuint (duration, ==, GST_SECOND / 25);
  gst_event_unref (event);

  frame = tokenenc_new_frame ();
  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_null (pull_event (harness, GST_EVENT_GAP));

  frame = tokenenc_new_frame ();
  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 1);
  g_assert_null (pull_event (harness, GST_EVENT_GAP));

  gst_harness_teardown (harness);
}

/* Warnings so far; each names who should have attached tokens. */
static guint
count_warnings (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING))) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_warning (message, &error, NULL);
    g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
    g_assert_nonnull (strstr (error->message, "vitpatchembed"));
    gst_message_unref (message);
    n++;
  }
  return n;
}

/* The warnings while `n_bare` frames without tokens come, and then at the end
 * of the stream. */
static void
assert_warnings (guint n_bare, gboolean starts_with_tokens,
    guint expected_before, guint expected_at_end)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  if (starts_with_tokens) {
    GstBuffer *frame = tokenenc_new_frame ();

    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  }
  for (guint i = 0; i < n_bare; i++)
    g_assert_cmpint (
        gst_harness_push (harness, tokenenc_new_frame ()), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_warnings (bus), ==, expected_before);
  gst_harness_push_event (harness, gst_event_new_eos ());
  g_assert_cmpuint (count_warnings (bus), ==, expected_at_end);

  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_warning (void)
{
  assert_warnings (3, FALSE, 0, 1);
  assert_warnings (600, FALSE, 1, 0);
  assert_warnings (600, TRUE, 0, 0);
  assert_warnings (0, FALSE, 0, 0);
}

static void
assert_caps (const gchar *in, const gchar *downstream, const gchar *expected)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");
  GstCaps *caps, *expected_caps = gst_caps_from_string (expected);

  gst_harness_set_caps_str (harness, in, downstream);
  caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_nonnull (caps);
  g_assert_true (gst_caps_is_equal (caps, expected_caps));

  gst_caps_unref (expected_caps);
  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

static void
test_caps (void)
{
  assert_caps (FRAME_CAPS, "ANY", NPY_CAPS);
  assert_caps (FRAME_CAPS, "application/x-npy", NPY_CAPS);
  assert_caps (FRAME_CAPS, "application/x-safetensors", SAFETENSORS_CAPS);
  assert_caps (
      "video/x-raw,format=RGB,width=8,height=8", "ANY", "application/x-npy");
  assert_caps ("video/x-raw(memory:DMABuf),format=NV12,width=8,height=8,"
               "framerate=0/1",
      "ANY", "application/x-npy,framerate=0/1");
}

static void
test_framerate_upstream (void)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");
  g_autoptr (GstCaps) expected
      = gst_caps_from_string ("video/x-raw(ANY),framerate=25/1");
  GstCaps *caps;

  gst_harness_set_sink_caps_str (harness, NPY_CAPS);
  caps = gst_pad_peer_query_caps (harness->srcpad, NULL);
  g_assert_true (gst_caps_is_equal (caps, expected));

  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

static void
test_new_size (void)
{
  GstHarness *harness = tokenenc_new_harness ("ANY");
  g_autoptr (GstEvent) event = pull_event (harness, GST_EVENT_CAPS);
  GstBuffer *frame = tokenenc_new_frame ();

  g_assert_nonnull (event);
  gst_harness_set_src_caps_str (
      harness, "video/x-raw,format=RGB,width=99,height=9,framerate=25/1");
  g_assert_null (pull_event (harness, GST_EVENT_CAPS));

  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_harness_teardown (harness);
}

static void
assert_event (GstHarness *harness, GstEventType type)
{
  g_autoptr (GstEvent) event = pull_event (harness, type);

  g_assert_nonnull (event);
}

static void
test_events (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  g_autoptr (GstEvent) event = NULL;
  GstBuffer *frame = tokenenc_new_frame ();
  const GstSegment *seen;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 3 * GST_SECOND;
  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_harness_push_event (harness, gst_event_new_eos ());

  assert_event (harness, GST_EVENT_FLUSH_START);
  assert_event (harness, GST_EVENT_FLUSH_STOP);
  event = pull_event (harness, GST_EVENT_SEGMENT);
  g_assert_nonnull (event);
  gst_event_parse_segment (event, &seen);
  g_assert_true (gst_segment_is_equal (seen, &segment));
  assert_event (harness, GST_EVENT_EOS);

  gst_harness_teardown (harness);
}

static void
test_allocation (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  g_autoptr (GstCaps) caps = gst_caps_from_string (FRAME_CAPS);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  g_assert_true (
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  g_assert_cmpuint (gst_query_get_n_allocation_pools (query), ==, 0);

  gst_harness_teardown (harness);
}

static void
test_pipeline (void)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc num-buffers=5 ! vittokenenc ! fakesink sync=true", &error);
  GstBus *bus;
  GstMessage *message;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);

  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
assert_discont (GstHarness *harness, gboolean expected)
{
  GstBuffer *out = gst_harness_pull (harness);

  g_assert_cmpint (GST_BUFFER_IS_DISCONT (out), ==, expected);
  gst_buffer_unref (out);
}

/* Who reads which tokens changed has to know that frames are missing, also
 * where it is a frame without tokens that says so. */
static void
test_discont (void)
{
  GstHarness *harness = tokenenc_new_harness ("application/x-npy");
  GstBuffer *frame;

  for (guint turn = 0; turn < 2; turn++) {
    frame = tokenenc_new_frame ();
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
    gst_harness_push (harness, frame);
    frame = tokenenc_new_frame ();
    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
    gst_harness_push (harness, frame);
    assert_discont (harness, TRUE);
    assert_discont (harness, FALSE);
  }
  gst_harness_teardown (harness);
}

/* Other elements' events pass, but not what is said of the model of frames. */
static void
test_no_model_event (void)
{
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed ! vittokenenc");
  GstEvent *event;
  guint n_sticky = 0;

  gst_harness_set_caps_str (harness, FRAME_CAPS, NPY_CAPS);
  gst_harness_push_event (harness,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
          gst_structure_new_empty ("other")));
  gst_buffer_unref (
      gst_harness_push_and_pull (harness, tokenenc_new_frame ()));
  while ((event = gst_harness_try_pull_event (harness))) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY) {
      g_assert_true (gst_event_has_name (event, "other"));
      n_sticky++;
    }
    gst_event_unref (event);
  }
  g_assert_cmpuint (n_sticky, ==, 1);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/tokenenc-stream/" name, function)
  TEST ("each-meta-becomes-a-buffer", test_several);
  TEST ("many-buffers-have-the-same-tokens", test_same_tokens);
  TEST ("only-timestamps-come-from-the-frame", test_timestamps);
  TEST ("frame-without-tokens-becomes-a-gap", test_gap);
  TEST ("stream-without-tokens-warns-once", test_warning);
  TEST ("caps-downstream-choose-the-encoding", test_caps);
  TEST ("framerate-is-asked-of-upstream", test_framerate_upstream);
  TEST ("frame-size-does-not-renegotiate", test_new_size);
  TEST ("segment-flush-and-eos-pass", test_events);
  TEST ("upstream-may-use-video-meta", test_allocation);
  TEST ("missing-frames-are-told", test_discont);
  TEST ("model-of-the-frames-is-not-told", test_no_model_event);
  TEST ("stream-without-tokens-ends", test_pipeline);
  return g_test_run ();
}
