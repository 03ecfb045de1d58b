/* SPDX-License-Identifier: MIT
 *
 * vittokenenc where a flush, a seek, the end of the element or of a stream meets
 * the caps of other/tensors: on their way downstream, or held until tokens come.
 * The 13 tokens of a frame have as many numbers each as a test asks for.
 */
#include "support/tokenenc_frame.h"

/* How many questions of vittokenenc pass before the interruption comes. */
typedef struct {
  GstHarness *harness;
  void (*interrupt) (GstHarness *harness);
  guint n_left;
  gboolean is_done;
} Interruption;

static GstPadProbeReturn
count_query (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Interruption *interruption = data;

  if (!interruption->is_done && interruption->n_left-- == 0) {
    interruption->is_done = TRUE;
    interruption->interrupt (interruption->harness);
  }
  return GST_PAD_PROBE_OK;
}

static void
start_flush (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_flush_start ());
}

/* As the element's own state change does while a frame is still on its way. */
static void
close_pad (GstHarness *harness)
{
  GstPad *pad = gst_pad_get_peer (harness->sinkpad);

  gst_pad_set_active (pad, FALSE);
  gst_object_unref (pad);
}

static GstBuffer *
new_frame (guint embed_dim)
{
  GstBuffer *frame = tokenenc_new_frame ();

  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, embed_dim);
  return frame;
}

static void
push_segment (GstHarness *harness, GstClockTime start)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = start;
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
}

static void
stop_flush (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  push_segment (harness, 0);
}

/* Pushes a frame; the interruption comes after so many questions downstream.
 * FALSE: fewer were asked. */
static gboolean
push_interrupted (GstHarness *harness, guint embed_dim, guint n_questions,
    void (*interrupt) (GstHarness *), GstFlowReturn *flow)
{
  Interruption interruption = { harness, interrupt, n_questions, FALSE };
  gulong probe = gst_pad_add_probe (harness->sinkpad,
      GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH,
      count_query, &interruption, NULL);

  *flow = gst_harness_push (harness, new_frame (embed_dim));
  gst_pad_remove_probe (harness->sinkpad, probe);
  return interruption.is_done;
}

/* The tokens come, under caps that say what they are. */
static void
assert_passes (GstHarness *harness, guint embed_dim)
{
  GstBuffer *out = gst_harness_push_and_pull (harness, new_frame (embed_dim));
  g_autofree gchar *expected = g_strdup_printf ("%u:13:1:1", embed_dim);
  GstCaps *caps = gst_pad_get_current_caps (harness->sinkpad);

  g_assert_cmpstr (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"),
      ==, expected);
  g_assert_cmpuint (gst_buffer_get_size (out), ==, 13 * 4 * embed_dim);
  gst_caps_unref (caps);
  gst_buffer_unref (out);
}

static GstHarness *
new_harness (GstBus *bus)
{
  GstHarness *harness = tokenenc_new_harness ("other/tensors");
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");

  gst_element_set_bus (element, bus);
  gst_object_unref (element);
  return harness;
}

static void
free_harness (GstHarness *harness)
{
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");

  /* Its messages hold the element, which holds the bus. */
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
assert_no_message (GstBus *bus)
{
  g_assert_null (
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}

/* The tokens of `first` numbers, if any, have passed when those of 3 are
 * interrupted at question n_questions; `after` come when all goes on. */
static gboolean
flush_at (guint first, guint n_questions, guint after)
{
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstHarness *harness = new_harness (bus);
  GstFlowReturn flow;
  gboolean is_met;

  if (first > 0)
    assert_passes (harness, first);
  is_met = push_interrupted (harness, 3, n_questions, start_flush, &flow);
  assert_no_message (bus);
  g_assert_cmpint (flow, ==, is_met ? GST_FLOW_FLUSHING : GST_FLOW_OK);
  if (is_met) {
    stop_flush (harness);
    assert_passes (harness, after);
    assert_passes (harness, 5);
    assert_passes (harness, after);
    assert_no_message (bus);
  }
  free_harness (harness);
  return is_met;
}

/* At every question that is asked, however many there are. */
static void
test_flush_is_no_refusal (void)
{
  for (guint first = 0; first <= 2; first += 2) {
    guint n_met = 0;

    while (flush_at (first, n_met, 3)) {
      /* As those before the flush, and as neither. */
      g_assert_true (flush_at (first, n_met, 2));
      g_assert_true (flush_at (first, n_met, 4));
      n_met++;
    }
    g_assert_cmpuint (n_met, >, 0);
  }
}

static void
test_closing_is_no_refusal (void)
{
  for (guint first = 0; first <= 2; first += 2) {
    gboolean is_met = TRUE;

    for (guint n_questions = 0; is_met; n_questions++) {
      g_autoptr (GstBus) bus = gst_bus_new ();
      GstHarness *harness = new_harness (bus);
      GstFlowReturn flow;

      if (first > 0)
        assert_passes (harness, first);
      is_met = push_interrupted (harness, 3, n_questions, close_pad, &flow);
      g_assert_true (is_met || n_questions > 0);
      assert_no_message (bus);
      g_assert_cmpint (flow, ==, is_met ? GST_FLOW_FLUSHING : GST_FLOW_OK);
      free_harness (harness);
    }
  }
}

/* The events that came out, such as "caps segment:3 tag:title", the times of
 * segments in seconds. */
static gchar *
pull_events (GstHarness *harness)
{
  GString *names = g_string_new (NULL);
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness))) {
    const GstSegment *segment;

    g_string_append_printf (
        names, "%s%s", names->len ? " " : "", GST_EVENT_TYPE_NAME (event));
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
      gst_event_parse_segment (event, &segment);
      g_string_append_printf (
          names, ":%u", (guint) (segment->start / GST_SECOND));
    }
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

/* Behind the caps that wait for tokens. */
static void
push_events_to_hold (GstHarness *harness)
{
  gst_harness_push_event (harness,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "old", NULL)));
  gst_harness_push_event (
      harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                   gst_structure_new_empty ("old")));
  gst_harness_push_event (
      harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
                   gst_structure_new_empty ("old")));
  gst_harness_push_event (harness, gst_event_new_stream_group_done (7));
}

static void
test_a_new_stream_forgets_the_old (void)
{
  GstHarness *harness = tokenenc_new_harness ("other/tensors");

  gst_harness_push (harness, tokenenc_new_frame ());
  push_events_to_hold (harness);
  gst_harness_push_event (harness, gst_event_new_stream_start ("next"));
  push_segment (harness, 3 * GST_SECOND);
  gst_harness_push_event (harness,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "new", NULL)));
  assert_passes (harness, 2);
  assert_events (harness, "stream-start stream-start caps segment:3 tag");

  gst_harness_teardown (harness);
}

/* What pads keep through a flush. */
static void
test_a_flush_keeps_what_pads_keep (void)
{
  GstHarness *harness = tokenenc_new_harness ("other/tensors");

  push_events_to_hold (harness);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  stop_flush (harness);
  assert_passes (harness, 2);
  assert_events (harness, "stream-start flush-start flush-stop caps tag "
                          "custom-downstream-sticky segment:0");

  gst_harness_teardown (harness);
}

/* Caught by a flush on their way. */
static void
test_events_outlive_a_flush_of_their_caps (void)
{
  GstHarness *harness = tokenenc_new_harness ("other/tensors");
  GstFlowReturn flow;

  gst_harness_push_event (harness,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
  g_assert_true (push_interrupted (harness, 3, 0, start_flush, &flow));
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  push_segment (harness, 3 * GST_SECOND);
  assert_passes (harness, 2);
  assert_events (
      harness, "stream-start flush-start flush-stop caps tag segment:3");

  gst_harness_teardown (harness);
}

/* A stream to its end, and then back to where there are tokens. */
static void
test_seek_after_an_end_without_tokens (void)
{
  GstHarness *harness = tokenenc_new_harness ("other/tensors");

  gst_harness_push (harness, tokenenc_new_frame ());
  gst_harness_push_event (harness, gst_event_new_eos ());
  assert_events (harness, "stream-start segment:0 eos");
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  push_segment (harness, 3 * GST_SECOND);
  gst_harness_push (harness, tokenenc_new_frame ());
  assert_passes (harness, 2);
  assert_events (harness, "flush-start flush-stop caps segment:3");

  gst_harness_teardown (harness);
}

static void
assert_no_error (GstBus *bus, GstMessageType awaited)
{
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, awaited | GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    g_error ("%s", error->message);
  }
  gst_message_unref (message);
}

/* Each seek meets the stream wherever it is; the number of tokens changes all
 * the time. */
static void
test_seeks (void)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc ! video/x-raw,format=GRAY8,width=64,height=48 "
      "! vitpatchembed name=embed embed-dim=8 ! vittokenenc ! other/tensors "
      "! fakesink",
      &error);
  GstElement *embed;
  GstBus *bus;

  g_assert_no_error (error);
  embed = gst_bin_get_by_name (GST_BIN (pipeline), "embed");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  assert_no_error (bus, GST_MESSAGE_ASYNC_DONE);
  for (guint i = 0; i < 200; i++) {
    g_object_set (embed, "max-tokens", 2 + i % 11, NULL);
    g_assert_true (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * GST_MSECOND));
    if (i % 4 == 0)
      assert_no_error (bus, GST_MESSAGE_ASYNC_DONE);
    if (i % 20 == 10) {
      gst_element_set_state (pipeline, GST_STATE_READY);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      assert_no_error (bus, GST_MESSAGE_ASYNC_DONE);
    }
  }
  assert_no_error (bus, GST_MESSAGE_ASYNC_DONE);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));

  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (embed);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokenenc-flush/" name, function)
  TEST ("flush-is-no-refusal", test_flush_is_no_refusal);
  TEST ("closing-is-no-refusal", test_closing_is_no_refusal);
  TEST ("new-stream-forgets-the-old", test_a_new_stream_forgets_the_old);
  TEST ("flush-keeps-what-pads-keep", test_a_flush_keeps_what_pads_keep);
  TEST ("events-outlive-a-flush-of-their-caps",
      test_events_outlive_a_flush_of_their_caps);
  TEST ("seek-after-an-end-without-tokens",
      test_seek_after_an_end_without_tokens);
  TEST ("seeks-while-sizes-change", test_seeks);
  return g_test_run ();
}
