/* SPDX-License-Identifier: MIT
 *
 * Lines of application/x-ndjson as a stream: the times and the number of a frame,
 * the caps, a gap where there is nothing to tell, and an error where it cannot be
 * read.
 */
#include "gst/vit/vit.h"
#include "support/json_row.h"
#include "support/tokenenc_frame.h"
#include "support/unreadable.h"

static json_t *
row_at (GstHarness *harness, GstClockTime pts)
{
  GstBuffer *frame = tokenenc_new_frame ();

  GST_BUFFER_PTS (frame) = pts;
  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  return json_row_read (gst_harness_push_and_pull (harness, frame));
}

static void
assert_times (GstHarness *harness, GstClockTime pts, const gchar *expected_pts,
    const gchar *expected_stream_time)
{
  json_t *row = row_at (harness, pts);

  json_row_assert (row, "pts", expected_pts);
  json_row_assert (row, "stream_time", expected_stream_time);
  json_decref (row);
}

/* After a seek to second 100 of what a source counts from 5 on. */
static void
test_stream_time (void)
{
  GstHarness *harness = json_row_new_harness ("tokens");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 5 * GST_SECOND;
  segment.time = 100 * GST_SECOND;
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  assert_times (harness, 7 * GST_SECOND, "7000000000", "102000000000");
  assert_times (harness, 4 * GST_SECOND, "4000000000", "null");
  assert_times (harness, GST_CLOCK_TIME_NONE, "null", "null");
  assert_times (harness, (GstClockTime) G_MAXINT64 + 1, "null", "null");
  gst_harness_teardown (harness);
}

static void
assert_number (GstHarness *harness, guint64 offset, guint64 offset_end,
    const gchar *expected)
{
  GstBuffer *frame = tokenenc_new_frame ();
  json_t *row;

  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  GST_BUFFER_OFFSET (frame) = offset;
  GST_BUFFER_OFFSET_END (frame) = offset_end;
  row = json_row_read (gst_harness_push_and_pull (harness, frame));
  json_row_assert (row, "frame", expected);
  json_decref (row);
}

static void
test_frame_number (void)
{
  const guint64 none = GST_BUFFER_OFFSET_NONE;
  GstHarness *harness = json_row_new_harness ("tokens");

  assert_number (harness, none, none, "0");
  /* One that has nothing counts. */
  gst_harness_push (harness, tokenenc_new_frame ());
  assert_number (harness, none, none, "2");
  /* Bytes of a file. */
  assert_number (harness, 6144, none, "3");
  assert_number (harness, 6144, 12288, "4");
  assert_number (harness, none - 1, none, "5");
  /* Frames. */
  assert_number (harness, 1000, 1001, "1000");
  gst_harness_push_event (harness, gst_event_new_stream_start ("another"));
  assert_number (harness, none, none, "0");
  gst_harness_teardown (harness);
}

static void
test_gap (void)
{
  GstHarness *harness = json_row_new_harness ("embedding");
  GstBuffer *frame = tokenenc_new_frame ();
  GstEvent *event;
  gboolean has_gap = FALSE;

  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_harness_push (harness, frame);
  g_assert_null (gst_harness_try_pull (harness));
  while ((event = gst_harness_try_pull_event (harness))) {
    has_gap = has_gap || GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    gst_event_unref (event);
  }
  g_assert_true (has_gap);
  gst_harness_teardown (harness);
}

static void
test_caps (void)
{
  static const struct {
    const gchar *downstream;
    const gchar *expected;
  } cases[] = { { "application/x-ndjson", JSON_ROW_CAPS }, { "ANY", NPY_CAPS },
    { "application/x-ndjson; application/x-npy", NPY_CAPS },
    /* That need not wait for tokens. */
    { "other/tensors; application/x-ndjson", JSON_ROW_CAPS } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = tokenenc_new_harness (cases[i].downstream);
    g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);
    g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].expected);

    g_assert_nonnull (caps);
    g_assert_true (gst_caps_is_equal (caps, expected));
    gst_harness_teardown (harness);
  }
}

static void
test_new_caps (void)
{
  GstHarness *harness = json_row_new_harness ("tokens");

  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = tokenenc_new_frame (), *out;
    guint8 start;

    gst_harness_set_sink_caps_str (harness, i == 0 ? "ANY" : JSON_ROW_CAPS);
    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    out = gst_harness_push_and_pull (harness, frame);
    gst_buffer_extract (out, 0, &start, 1);
    g_assert_cmpint (start, ==, i == 0 ? 0x93 : '{');
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
}

static void
test_unreadable (void)
{
  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = json_row_new_harness ("auto");
    g_autoptr (GstBus) bus = gst_bus_new ();
    GstBuffer *frame = tokenenc_new_frame (), *lost = gst_buffer_new ();
    GstMessage *message;

    gst_element_set_bus (harness->element, bus);
    gst_buffer_append_memory (lost, unreadable_memory (13 * 4));
    if (i == 0)
      gst_buffer_add_vit_tokens_meta (frame, lost, GST_VIT_TOKEN_FORMAT_F32, 1,
          4, 3, 16, 1, 64, 48, NULL);
    else
      gst_buffer_add_vit_embedding_meta (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, lost, 13, FALSE,
          tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2));
    gst_buffer_unref (lost);
    g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_ERROR);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_unref (message);
    gst_element_set_bus (harness->element, NULL);
    gst_harness_teardown (harness);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/tokenenc-lines-stream/" name, function)
  TEST ("stream-time-is-the-segments", test_stream_time);
  TEST ("frames-are-counted", test_frame_number);
  TEST ("frame-without-any-becomes-a-gap", test_gap);
  TEST ("caps-choose-lines", test_caps);
  TEST ("caps-may-change-while-it-plays", test_new_caps);
  TEST ("what-cannot-be-read-is-an-error", test_unreadable);
  return g_test_run ();
}
