/* SPDX-License-Identifier: MIT
 *
 * The element vittokenenc as NNStreamer's elements see it: the caps of
 * other/tensors, which wait for the first tokens, and buffers of one memory.  A
 * frame is 64 x 48 pixels with 4 x 3 patches and one prefix token.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"

#define FRAME_CAPS "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1"
#define TENSORS_CAPS(type, dimensions, framerate)                              \
  "other/tensors,format=(string)static,num_tensors=1,types=(string)" type      \
  ",dimensions=(string)" dimensions ",framerate=" framerate

static GstBuffer *
new_frame (void)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48, NULL);

  GST_BUFFER_PTS (frame) = 1000;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  return frame;
}

/* The tokens of a frame with so many rows of 4 patches. */
static GstBuffer *
add_tokens (GstBuffer *frame, GstVitTokenFormat format, guint n_rows)
{
  gsize size = (1 + 4 * n_rows) * 3 * gst_vit_token_format_get_size (format);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (tokens, 0, n_rows, size);
  gst_buffer_add_vit_tokens_meta (
      frame, tokens, format, 1, 4, n_rows, 16, 3, 64, 48, "model");
  gst_buffer_unref (tokens);
  return tokens;
}

static GstHarness *
new_harness (const gchar *in_caps, const gchar *out_caps)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");

  gst_harness_set_caps_str (harness, in_caps, out_caps);
  return harness;
}

static void
assert_caps (GstCaps *caps, const gchar *expected)
{
  g_autoptr (GstCaps) expected_caps = gst_caps_from_string (expected);

  g_assert_nonnull (caps);
  g_assert_true (gst_caps_is_fixed (caps));
  g_assert_true (gst_caps_is_equal (caps, expected_caps));
}

static void
assert_current_caps (GstHarness *harness, const gchar *expected)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);

  assert_caps (caps, expected);
}

/* The types of all events that came out, such as "stream-start caps ". */
static gchar *
pull_events (GstHarness *harness)
{
  GString *names = g_string_new (NULL);
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness))) {
    g_string_append_printf (names, "%s ", GST_EVENT_TYPE_NAME (event));
    gst_event_unref (event);
  }
  return g_string_free (names, FALSE);
}

static void
assert_events (GstHarness *harness, const gchar *expected)
{
  g_autofree gchar *names = pull_events (harness);

  g_assert_cmpstr (names, ==, expected);
}

static void
assert_format (
    GstVitTokenFormat format, const gchar *in_caps, const gchar *expected)
{
  GstHarness *harness = new_harness (in_caps, "other/tensors");
  GstBuffer *frame = new_frame (), *out;
  GstBuffer *tokens = gst_buffer_ref (add_tokens (frame, format, 3));
  GstMapInfo in_map, out_map;

  out = gst_harness_push_and_pull (harness, frame);
  assert_current_caps (harness, expected);

  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 1000);
  g_assert_cmpuint (gst_buffer_n_memory (out), ==, 1);
  g_assert_true (gst_buffer_map (tokens, &in_map, GST_MAP_READ));
  g_assert_true (gst_buffer_map (out, &out_map, GST_MAP_READ));
  g_assert_true (out_map.data == in_map.data);
  g_assert_cmpuint (out_map.size, ==, in_map.size);
  gst_buffer_unmap (out, &out_map);
  gst_buffer_unmap (tokens, &in_map);

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (tokens), ==, 1);
  gst_buffer_unref (tokens);
}

static void
test_formats (void)
{
  assert_format (GST_VIT_TOKEN_FORMAT_F32, FRAME_CAPS,
      TENSORS_CAPS ("float32", "3:13:1:1", "25/1"));
  assert_format (GST_VIT_TOKEN_FORMAT_F16, FRAME_CAPS,
      TENSORS_CAPS ("float16", "3:13:1:1", "25/1"));
}

static void
test_no_framerate (void)
{
  assert_format (GST_VIT_TOKEN_FORMAT_F32,
      "video/x-raw,format=GRAY8,width=64,height=48",
      TENSORS_CAPS ("float32", "3:13:1:1", "0/1"));
}

/* Pushes tokens that cannot be had; gives the message. */
static gchar *
push_refused (
    const gchar *out_caps, GstVitTokenFormat format, GstBuffer *before)
{
  GstHarness *harness = new_harness (FRAME_CAPS, out_caps);
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GError) error = NULL;
  GstBuffer *frame = new_frame ();
  GstMessage *message;

  gst_element_set_bus (element, bus);
  if (before)
    gst_buffer_unref (gst_harness_push_and_pull (harness, before));
  add_tokens (frame, format, 3);
  /* However often they come. */
  g_assert_cmpint (gst_harness_push (harness, gst_buffer_ref (frame)), ==,
      GST_FLOW_NOT_NEGOTIATED);
  g_assert_cmpint (
      gst_harness_push (harness, frame), ==, GST_FLOW_NOT_NEGOTIATED);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 0);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  gst_message_unref (message);

  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  return g_strdup (error->message);
}

static void
test_bf16 (void)
{
  g_autofree gchar *first
      = push_refused ("other/tensors", GST_VIT_TOKEN_FORMAT_BF16, NULL);
  g_autofree gchar *later = NULL;
  GstBuffer *frame = new_frame ();

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  later = push_refused ("other/tensors", GST_VIT_TOKEN_FORMAT_BF16, frame);
  g_assert_nonnull (strstr (first, "bf16"));
  g_assert_cmpstr (later, ==, first);
}

static void
test_other_dimensions (void)
{
  GstBuffer *frame = new_frame ();
  g_autofree gchar *first
      = push_refused ("other/tensors,dimensions=(string)3:9:1:1",
          GST_VIT_TOKEN_FORMAT_F32, NULL);
  g_autofree gchar *later = NULL;

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  later = push_refused ("other/tensors,dimensions=(string)3:9:1:1",
      GST_VIT_TOKEN_FORMAT_F32, frame);
  g_assert_nonnull (strstr (first, "3:13:1:1"));
  g_assert_nonnull (strstr (first, "3:9:1:1"));
  g_assert_null (strstr (first, "vitpatchembed"));
  g_assert_cmpstr (later, ==, first);
}

/* What is refused with f32, f16 and bf16 tokens of 1 + 12 rows, and the property
 * that would make them fit. */
static void
test_remedies (void)
{
  static const struct {
    GstVitTokenFormat format;
    const gchar *accepted; /* of other/tensors */
    const gchar *remedy;   /* (nullable) */
  } cases[] = {
    { GST_VIT_TOKEN_FORMAT_F32, "dimensions=(string)3:12:1:1",
        "with prefix-tokens=false on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_F32, "types=(string)float16",
        "with token-format=f16 on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_F16, "types=(string)float32",
        "with token-format=f32 on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_F16,
        "types=(string)float32, dimensions=(string)3:12:1:1",
        "with token-format=f32 and prefix-tokens=false on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_BF16, "types=(string)float16",
        "set token-format=f16 on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_BF16, "dimensions=(string)3:14:1:1",
        "set token-format=f32 or f16 on vitpatchembed" },
    { GST_VIT_TOKEN_FORMAT_F32, "dimensions=(string)3:14:1:1", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *accepted
        = g_strconcat ("other/tensors, ", cases[i].accepted, NULL);
    g_autofree gchar *reason = push_refused (accepted, cases[i].format, NULL);

    g_test_message ("%s", reason);
    g_assert_nonnull (strstr (reason, accepted));
    if (cases[i].format != GST_VIT_TOKEN_FORMAT_BF16) {
      g_assert_nonnull (strstr (reason, "dimensions=(string)3:13:1:1"));
      g_assert_nonnull (strstr (reason, "framerate=(fraction)25/1"));
    }
    if (cases[i].remedy)
      g_assert_nonnull (strstr (reason, cases[i].remedy));
    else
      g_assert_null (strstr (reason, "vitpatchembed"));
  }
}

/* Two metas of different sizes on a frame, and frames of different sizes. */
static void
test_new_dimensions (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstBuffer *frame = new_frame ();

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_current_caps (harness, TENSORS_CAPS ("float32", "3:13:1:1", "25/1"));
  g_free (pull_events (harness));

  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_events (harness, "");

  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_events (harness, "caps ");
  assert_current_caps (harness, TENSORS_CAPS ("float32", "3:9:1:1", "25/1"));

  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F16, 1);
  gst_harness_push (harness, frame);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 2);
  assert_events (harness, "caps ");
  assert_current_caps (harness, TENSORS_CAPS ("float16", "3:5:1:1", "25/1"));

  gst_harness_teardown (harness);
}

/* The frames' size changes, and then that of the tokens. */
static void
test_new_frame_size (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstBuffer *frame = new_frame ();

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_harness_set_src_caps_str (
      harness, "video/x-raw,format=GRAY8,width=64,height=32,framerate=25/1");
  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_current_caps (harness, TENSORS_CAPS ("float32", "3:9:1:1", "25/1"));

  gst_harness_teardown (harness);
}

static void
test_waits (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  g_autoptr (GstCaps) caps = gst_caps_from_string (FRAME_CAPS);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);
  GstBuffer *frame = new_frame ();

  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  gst_harness_push_event (harness,
      gst_event_new_tag (
          gst_tag_list_new (GST_TAG_TITLE, "waits for its turn", NULL)));
  g_assert_cmpint (gst_harness_push (harness, new_frame ()), ==, GST_FLOW_OK);
  gst_harness_push_event (harness, gst_event_new_gap (1000, GST_SECOND));
  assert_events (harness, "stream-start ");
  g_assert_false (gst_pad_has_current_caps (harness->sinkpad));

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_events (harness, "caps segment tag ");
  gst_harness_push_event (harness, gst_event_new_eos ());
  assert_events (harness, "eos ");

  gst_harness_teardown (harness);
}

/* A stream in which tokens come late, if ever, with an event for each frame. */
static void
test_endless_events (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstBuffer *frame = new_frame ();
  guint n_custom = 0, n_segments = 0;
  GstEvent *event;

  for (guint i = 0; i < 3000; i++)
    gst_harness_push_event (harness,
        gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
            gst_structure_new ("count", "n", G_TYPE_UINT, i, NULL)));
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  while ((event = gst_harness_try_pull_event (harness))) {
    guint n;

    if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM) {
      g_assert_true (gst_structure_get_uint (
          gst_event_get_structure (event), "n", &n));
      g_assert_cmpuint (n, ==, 3000 - 998 + n_custom++);
    }
    n_segments += GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT;
    gst_event_unref (event);
  }
  g_assert_cmpuint (n_custom, ==, 998); /* of 1000, with caps and segment */
  g_assert_cmpuint (n_segments, ==, 1);

  gst_harness_teardown (harness);
}

static void
test_newer_caps (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstBuffer *frame = new_frame ();

  gst_harness_set_src_caps_str (
      harness, "video/x-raw,format=GRAY8,width=64,height=48,framerate=5/1");
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_current_caps (harness, TENSORS_CAPS ("float32", "3:13:1:1", "5/1"));

  gst_harness_teardown (harness);
}

static void
test_flush (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstBuffer *frame = new_frame ();
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness,
      gst_event_new_tag (
          gst_tag_list_new (GST_TAG_TITLE, "still the title", NULL)));
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_events (
      harness, "stream-start flush-start flush-stop caps tag segment ");

  gst_harness_teardown (harness);
}

static void
test_end_without_tokens (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");

  gst_harness_push (harness, new_frame ());
  gst_harness_push_event (harness, gst_event_new_eos ());
  assert_events (harness, "stream-start segment eos ");

  gst_harness_teardown (harness);
}

/* The caps of one stream say nothing of the next. */
static void
test_restart (void)
{
  GstHarness *harness = new_harness (FRAME_CAPS, "other/tensors");
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");
  g_autoptr (GstCaps) caps = gst_caps_from_string (FRAME_CAPS);
  GstBuffer *frame = new_frame ();
  GstPad *pad = gst_element_get_static_pad (element, "src");

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_element_set_state (element, GST_STATE_READY);
  g_assert_false (gst_pad_has_current_caps (pad));
  gst_element_set_state (element, GST_STATE_PLAYING);
  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F16, 1);
  gst_harness_set_src_caps (harness, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_current_caps (harness, TENSORS_CAPS ("float16", "3:5:1:1", "25/1"));

  gst_object_unref (pad);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_pipeline (void)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc num-buffers=5 "
      "! video/x-raw,width=64,height=48,framerate=25/1 "
      "! vitpatchembed embed-dim=24 ! vittokenenc ! other/tensors "
      "! fakesink name=sink",
      &error);
  GstElement *sink;
  GstBus *bus;
  GstMessage *message;
  GstSample *sample;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_get (sink, "last-sample", &sample, NULL);
  assert_caps (gst_sample_get_caps (sample),
      TENSORS_CAPS ("float32", "24:13:1:1", "25/1"));
  g_assert_cmpuint (
      gst_buffer_get_size (gst_sample_get_buffer (sample)), ==, 24 * 13 * 4);

  gst_sample_unref (sample);
  gst_object_unref (sink);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/tokenenc-tensors/" name, function)
  TEST ("one-memory-is-that-of-the-tokens", test_formats);
  TEST ("framerate-is-0-where-there-is-none", test_no_framerate);
  TEST ("bf16-is-refused-with-a-message", test_bf16);
  TEST ("other-dimensions-are-refused-with-a-message", test_other_dimensions);
  TEST ("refusals-name-what-would-fit", test_remedies);
  TEST ("number-of-tokens-changes-the-caps", test_new_dimensions);
  TEST ("frame-size-changes-no-caps-by-itself", test_new_frame_size);
  TEST ("caps-and-what-follows-wait-for-tokens", test_waits);
  TEST ("endless-events-are-not-all-held", test_endless_events);
  TEST ("newest-caps-count", test_newer_caps);
  TEST ("flush-keeps-caps-and-tags-that-wait", test_flush);
  TEST ("stream-without-tokens-ends", test_end_without_tokens);
  TEST ("next-stream-starts-afresh", test_restart);
  TEST ("behind-vitpatchembed", test_pipeline);
  return g_test_run ();
}
