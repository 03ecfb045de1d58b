/* SPDX-License-Identifier: MIT
 *
 * skip-late where no sink tells of lateness: by the clock, in live pipelines.
 * And frames that are always late.  The clock is the test's own, and stands
 * still unless it is set.
 */
#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 skip-late=true "
#define FRAME (40 * GST_MSECOND)
/* How much later than upstream's latency a frame may always be. */
#define DEADLINE (20 * GST_MSECOND)

typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstBuffer *still;
  gboolean is_live;
} Stream;

/* The harness itself always says that it is live. */
static GstPadProbeReturn
answer_latency (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const Stream *stream = data;
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY || stream->is_live)
    return GST_PAD_PROBE_OK;
  gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return GST_PAD_PROBE_HANDLED;
}

static void
stream_init (Stream *stream, const gchar *launch)
{
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstVideoInfo info;

  stream->is_live = TRUE;
  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  gst_harness_use_testclock (stream->harness);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  gst_pad_add_probe (stream->harness->srcpad,
      GST_PAD_PROBE_TYPE_QUERY_UPSTREAM | GST_PAD_PROBE_TYPE_PUSH,
      answer_latency, stream, NULL);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
  stream->still = frames_random (&info, 1, FALSE);
}

static void
stream_clear (Stream *stream)
{
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_buffer_unref (stream->still);
  gst_harness_teardown (stream->harness);
}

static void
set_clock (Stream *stream, GstClockTime time)
{
  g_assert_true (gst_harness_set_time (stream->harness, time));
}

/* Frame i, due every 40 ms: whether it comes out with tokens. */
static gboolean
has_tokens (Stream *stream, guint i)
{
  GstBuffer *frame = gst_buffer_copy (stream->still);
  gboolean has;

  GST_BUFFER_PTS (frame) = i * FRAME;
  GST_BUFFER_DURATION (frame) = FRAME;
  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  has = gst_buffer_get_vit_tokens_meta (frame) != NULL;
  gst_buffer_unref (frame);
  return has;
}

/* Frame 0 in time, frame 1 out at `time`: then `n_late` frames have no time. */
static void
assert_n_late (Stream *stream, GstClockTime time, guint n_late)
{
  set_clock (stream, 0);
  g_assert_true (has_tokens (stream, 0));
  set_clock (stream, time);
  g_assert_true (has_tokens (stream, 1));
  for (guint i = 0; i < n_late; i++)
    g_assert_false (has_tokens (stream, 2 + i));
  g_assert_true (has_tokens (stream, 2 + n_late));
}

static void
assert_jitter (Stream *stream, guint i, GstClockTimeDiff jitter)
{
  GstMessage *message = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_QOS);
  guint64 running_time;
  gint64 found;

  g_assert_nonnull (message);
  gst_message_parse_qos (message, NULL, &running_time, NULL, NULL, NULL);
  gst_message_parse_qos_values (message, &found, NULL, NULL);
  g_assert_cmpuint (running_time, ==, i * FRAME);
  g_assert_cmpint (found, ==, jitter);
  gst_message_unref (message);
}

/* Due at 80, 120 and 160 ms, and 20 ms to reach the sink: at 200 ms too late. */
static void
test_frames_that_waited_are_late (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  assert_n_late (&stream, 200 * GST_MSECOND, 3);
  assert_jitter (&stream, 2, 100 * GST_MSECOND);
  assert_jitter (&stream, 3, 60 * GST_MSECOND);
  assert_jitter (&stream, 4, 20 * GST_MSECOND);
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS));
  stream_clear (&stream);
}

/* Up to the last nanosecond. */
static void
test_frames_in_time_are_not (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  assert_n_late (&stream, 2 * FRAME + DEADLINE, 1);
  stream_clear (&stream);

  stream_init (&stream, ELEMENT);
  assert_n_late (&stream, 2 * FRAME + DEADLINE - 1, 0);
  stream_clear (&stream);
}

static void
test_the_pipeline_latency_is_allowed (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  g_assert_true (gst_harness_push_upstream_event (
      stream.harness, gst_event_new_latency (100 * GST_MSECOND)));
  assert_n_late (&stream, 200 * GST_MSECOND, 1);
  stream_clear (&stream);
}

/* As sinks that do not wait for the clock leave it out of the pipeline's. */
static void
test_upstream_latency_is_allowed (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  gst_harness_set_upstream_latency (stream.harness, 60 * GST_MSECOND);
  assert_n_late (&stream, 200 * GST_MSECOND, 2);
  stream_clear (&stream);
}

/* It is asked for again when the latency is set anew. */
static void
test_the_latency_may_change (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  assert_n_late (&stream, 200 * GST_MSECOND, 3);
  gst_harness_set_upstream_latency (stream.harness, 10 * FRAME);
  g_assert_true (gst_harness_push_upstream_event (
      stream.harness, gst_event_new_latency (0)));
  set_clock (&stream, 13 * FRAME);
  for (guint i = 6; i < 20; i++)
    g_assert_true (has_tokens (&stream, i));
  stream_clear (&stream);
}

/* A file is read as fast as it goes, or as the sink waits. */
static void
test_without_a_live_source_the_clock_says_nothing (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  stream.is_live = FALSE;
  assert_n_late (&stream, 10 * GST_SECOND, 0);
  stream_clear (&stream);
}

static void
test_without_a_clock_nothing_is_late (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  gst_element_set_clock (stream.element, NULL);
  assert_n_late (&stream, 10 * GST_SECOND, 0);
  stream_clear (&stream);
}

/* Its time stands still, while the clock goes on. */
static void
test_while_paused_nothing_is_late (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  gst_element_set_state (stream.element, GST_STATE_PAUSED);
  assert_n_late (&stream, 10 * GST_SECOND, 0);
  stream_clear (&stream);
}

static void
test_only_where_asked_for (void)
{
  Stream stream;

  stream_init (&stream, "vitpatchembed embed-dim=24 n-threads=2");
  assert_n_late (&stream, 500 * GST_MSECOND, 0);
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS));
  /* Out at 500 ms; due at 440, 480 and 520 ms. */
  g_object_set (stream.element, "skip-late", TRUE, NULL);
  g_assert_false (has_tokens (&stream, 11));
  g_assert_false (has_tokens (&stream, 12));
  g_assert_true (has_tokens (&stream, 13));
  stream_clear (&stream);
}

/* 10 ms too late, and computed at once. */
static void
test_a_source_late_by_less_than_a_frame_costs_nothing (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  for (guint i = 0; i < 60; i++) {
    set_clock (&stream, i * FRAME + DEADLINE + 10 * GST_MSECOND);
    g_assert_true (has_tokens (&stream, i));
  }
  stream_clear (&stream);
}

/* More than a second after the last: 26 frames. */
static void
test_a_source_always_late_has_tokens_once_a_second (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  for (guint i = 0; i < 120; i++) {
    set_clock (&stream, i * FRAME + 3 * GST_SECOND);
    g_assert_cmpint (has_tokens (&stream, i), ==, i % 26 == 0);
  }
  stream_clear (&stream);
}

/* The sink alone says that they are late. */
static void
test_a_sink_never_content_has_tokens_once_a_second (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  stream.is_live = FALSE;
  for (guint i = 0; i < 120; i++) {
    set_clock (&stream, i * FRAME);
    g_assert_cmpint (has_tokens (&stream, i), ==, i % 26 == 0);
    g_assert_true (gst_harness_push_upstream_event (stream.harness,
        gst_event_new_qos (
            GST_QOS_TYPE_UNDERFLOW, 2.0, 10 * GST_SECOND, i * FRAME)));
  }
  stream_clear (&stream);
}

/* Frames of ten seconds wait: the once in a second is of the clock's. */
static void
test_a_backlog_passes_at_once (void)
{
  Stream stream;
  guint i;

  stream_init (&stream, ELEMENT);
  set_clock (&stream, 0);
  g_assert_true (has_tokens (&stream, 0));
  set_clock (&stream, 10 * GST_SECOND);
  g_assert_true (has_tokens (&stream, 1));
  for (i = 2; i * FRAME + DEADLINE <= 10 * GST_SECOND; i++)
    g_assert_false (has_tokens (&stream, i));
  g_assert_cmpuint (i, ==, 250);
  g_assert_true (has_tokens (&stream, i));
  stream_clear (&stream);
}

/* Either is enough. */
static void
test_the_later_of_sink_and_clock_counts (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  set_clock (&stream, 0);
  g_assert_true (has_tokens (&stream, 0));
  set_clock (&stream, 140 * GST_MSECOND);
  g_assert_true (has_tokens (&stream, 1));
  /* By the clock up to 120 ms, by the sink up to 200 ms. */
  g_assert_true (gst_harness_push_upstream_event (stream.harness,
      gst_event_new_qos (
          GST_QOS_TYPE_UNDERFLOW, 1.0, 160 * GST_MSECOND, FRAME)));
  for (guint i = 2; i < 6; i++) {
    g_assert_false (has_tokens (&stream, i));
    assert_jitter (&stream, i, (GstClockTimeDiff) ((5 - i) * FRAME));
  }
  g_assert_true (has_tokens (&stream, 6));
  /* The sink is content again, the clock is not. */
  set_clock (&stream, 500 * GST_MSECOND);
  g_assert_true (has_tokens (&stream, 7));
  g_assert_true (gst_harness_push_upstream_event (stream.harness,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0,
          -(GstClockTimeDiff) FRAME, 7 * FRAME)));
  g_assert_false (has_tokens (&stream, 12));
  g_assert_true (has_tokens (&stream, 13));
  stream_clear (&stream);
}

/* What follows is another stream, of which nothing was shown. */
static void
test_a_flush_forgets (void)
{
  GstSegment segment;
  Stream stream;

  stream_init (&stream, ELEMENT);
  assert_n_late (&stream, 200 * GST_MSECOND, 3);
  set_clock (&stream, 10 * GST_SECOND);
  g_assert_true (has_tokens (&stream, 6));
  g_assert_false (has_tokens (&stream, 7));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream.harness, gst_event_new_flush_start ());
  gst_harness_push_event (stream.harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (stream.harness, gst_event_new_segment (&segment));
  g_assert_true (has_tokens (&stream, 0));
  g_assert_false (has_tokens (&stream, 1));
  stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/late/" name, function)
  TEST ("frames-that-waited-are-late", test_frames_that_waited_are_late);
  TEST ("frames-in-time-are-not", test_frames_in_time_are_not);
  TEST ("the-pipeline-latency-is-allowed",
      test_the_pipeline_latency_is_allowed);
  TEST ("upstream-latency-is-allowed", test_upstream_latency_is_allowed);
  TEST ("the-latency-may-change", test_the_latency_may_change);
  TEST ("without-a-live-source-the-clock-says-nothing",
      test_without_a_live_source_the_clock_says_nothing);
  TEST ("without-a-clock-nothing-is-late",
      test_without_a_clock_nothing_is_late);
  TEST ("while-paused-nothing-is-late", test_while_paused_nothing_is_late);
  TEST ("only-where-asked-for", test_only_where_asked_for);
  TEST ("a-source-late-by-less-than-a-frame-costs-nothing",
      test_a_source_late_by_less_than_a_frame_costs_nothing);
  TEST ("a-source-always-late-has-tokens-once-a-second",
      test_a_source_always_late_has_tokens_once_a_second);
  TEST ("a-sink-never-content-has-tokens-once-a-second",
      test_a_sink_never_content_has_tokens_once_a_second);
  TEST ("a-backlog-passes-at-once", test_a_backlog_passes_at_once);
  TEST ("the-later-of-sink-and-clock-counts",
      test_the_later_of_sink_and_clock_counts);
  TEST ("a-flush-forgets", test_a_flush_forgets);
  return g_test_run ();
}
