/* SPDX-License-Identifier: MIT
 *
 * Neighbours that misbehave: buffers that cannot be mapped, flow returns, flushes
 * and caps at any time.  Either the frame comes through with right tokens, or
 * there is an error that says why, and the stream can go on after it.
 */
#include <string.h>

#include "support/fault_stream.h"
#include "support/unreadable.h"

/* Memory of a device that was lost, say. */
static void
test_a_buffer_that_cannot_be_mapped_is_an_error (void)
{
  FaultStream stream;
  gchar *text;

  fault_stream_init (&stream, SMALL_ELEMENT);
  fault_stream_check (&stream, 1);
  for (guint with_meta = 0; with_meta < 2; with_meta++) {
    GstBuffer *buffer = gst_buffer_new ();

    gst_buffer_append_memory (buffer, unreadable_memory (64 * 48 * 3 / 2));
    if (with_meta)
      gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
          GST_VIDEO_FORMAT_I420, 64, 48);
    g_assert_cmpint (
        gst_harness_push (stream.harness, buffer), ==, GST_FLOW_ERROR);
    text = fault_stream_message (&stream, GST_MESSAGE_ERROR);
    g_assert_true (text != NULL && strstr (text, "cannot be read"));
    g_free (text);
  }
  fault_stream_check (&stream, 2);
  fault_stream_clear (&stream);
}

static GstPadProbeReturn
return_flow (GstPad *pad, GstPadProbeInfo *probe, gpointer flow)
{
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (probe));
  GST_PAD_PROBE_INFO_DATA (probe) = NULL;
  GST_PAD_PROBE_INFO_FLOW_RETURN (probe)
      = (GstFlowReturn) GPOINTER_TO_INT (flow);
  return GST_PAD_PROBE_HANDLED;
}

/* Neither is an error: it is upstream's to stop. */
static void
test_what_downstream_returns_goes_upstream (void)
{
  static const GstFlowReturn flows[] = { GST_FLOW_FLUSHING, GST_FLOW_EOS,
    GST_FLOW_NOT_LINKED, GST_FLOW_ERROR };
  FaultStream stream;
  GstPad *pad;

  fault_stream_init (&stream, SMALL_ELEMENT);
  pad = gst_element_get_static_pad (stream.element, "src");
  for (guint i = 0; i < G_N_ELEMENTS (flows); i++) {
    gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER,
        return_flow, GINT_TO_POINTER (flows[i]), NULL);

    for (guint k = 0; k < 2; k++)
      g_assert_cmpint (gst_harness_push (stream.harness,
                           frames_random (&stream.info, k, FALSE)),
          ==, flows[i]);
    gst_pad_remove_probe (pad, probe);
    g_assert_null (fault_stream_message (&stream, GST_MESSAGE_ERROR));
    fault_stream_check (&stream, 10 + i);
  }
  gst_object_unref (pad);
  fault_stream_clear (&stream);
}

static void
test_a_flush_in_the_middle_of_the_stream (void)
{
  FaultStream stream;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fault_stream_init (&stream, SMALL_ELEMENT);
  for (guint i = 0; i < 4; i++) {
    fault_stream_check (&stream, i);
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_flush_start ()));
    g_assert_cmpint (gst_harness_push (stream.harness,
                         frames_random (&stream.info, i, FALSE)),
        ==, GST_FLOW_FLUSHING);
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_flush_stop (TRUE)));
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_segment (&segment)));
  }
  fault_stream_check (&stream, 9);
  g_assert_null (fault_stream_message (&stream, GST_MESSAGE_ERROR));
  fault_stream_clear (&stream);
}

/* Called by the element before it works on its first frame. */
static GstPadProbeReturn
flush_at_latency (GstPad *pad, GstPadProbeInfo *probe, gpointer harness)
{
  if (GST_QUERY_TYPE (GST_PAD_PROBE_INFO_QUERY (probe)) == GST_QUERY_LATENCY)
    gst_harness_push_event (harness, gst_event_new_flush_start ());
  return GST_PAD_PROBE_OK;
}

static void
assert_given_up (FaultStream *stream, GstBuffer *frame)
{
  GstSegment segment;
  GstStructure *stats;
  guint64 n_frames;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_cmpint (
      gst_harness_push (stream->harness, frame), ==, GST_FLOW_FLUSHING);
  g_object_get (stream->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "frames", &n_frames));
  g_assert_cmpuint (n_frames, ==, 0);
  gst_structure_free (stats);
  g_assert_null (fault_stream_message (stream, GST_MESSAGE_WARNING));
  gst_harness_push_event (stream->harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
}

static void
test_a_flush_stops_the_work (void)
{
  FaultStream stream;
  gulong probe;

  fault_stream_init (&stream, SMALL_ELEMENT);
  probe = gst_pad_add_probe (stream.harness->srcpad,
      GST_PAD_PROBE_TYPE_QUERY_UPSTREAM | GST_PAD_PROBE_TYPE_PUSH,
      flush_at_latency, stream.harness, NULL);
  assert_given_up (&stream, frames_random (&stream.info, 1, FALSE));
  gst_pad_remove_probe (stream.harness->srcpad, probe);
  fault_stream_check (&stream, 1);
  fault_stream_check (&stream, 2);
  fault_stream_clear (&stream);
}

/* Called by the element as it comes to a region that is too small. */
static GstBusSyncReply
flush_at_info (GstBus *bus, GstMessage *message, gpointer harness)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_INFO
      && strstr (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "vitpatchembed"))
    gst_harness_push_event (harness, gst_event_new_flush_start ());
  return GST_BUS_PASS;
}

/* The regions behind it are left out: there may be as many as 16 frames' worth. */
static void
test_a_flush_among_regions (void)
{
  static const guint sizes[] = { 8, 48, 48 };
  FaultStream stream;
  GstBuffer *frame;

  fault_stream_init (&stream, SMALL_ELEMENT "regions=roi");
  frame = frames_random (&stream.info, 1, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    gst_buffer_add_video_region_of_interest_meta (
        frame, "thing", 0, 0, sizes[i], sizes[i])
        ->id
        = (gint) i;
  gst_bus_set_sync_handler (
      stream.bus, flush_at_info, stream.harness, NULL);
  assert_given_up (&stream, frame);
  gst_bus_set_sync_handler (stream.bus, NULL, NULL, NULL);
  gst_util_set_object_arg (G_OBJECT (stream.element), "regions", "frame");
  fault_stream_check (&stream, 2);
  fault_stream_clear (&stream);
}

static void
test_caps_that_change_on_every_frame (void)
{
  static const gchar *const formats[] = { "I420", "RGB", "NV12", "GRAY8",
    "YUY2", "P010_10LE", "BGRA", "Y42B" };
  FaultStream stream;

  fault_stream_init (&stream, SMALL_ELEMENT);
  for (guint i = 0; i < 120; i++) {
    fault_stream_set_caps (&stream, formats[i % G_N_ELEMENTS (formats)],
        (gint) (16 + i * 7 % 60), (gint) (16 + i * 5 % 44));
    fault_stream_check (&stream, i);
  }
  g_assert_cmpuint (gst_harness_buffers_received (stream.harness), ==, 120);
  fault_stream_clear (&stream);
}

/* The largest that caps can name, of which no buffer is ever made. */
static void
test_caps_of_frames_past_all_sense_are_refused (void)
{
  static const gint sizes[][2] = { { G_MAXINT, G_MAXINT }, { G_MAXINT, 16 },
    { 16, G_MAXINT }, { 0x10000, 0x10000 }, { 0x7fff0000, 0x7fff0000 },
    { 32768, 32767 } };
  static const gchar *const formats[] = { "GRAY8", "I420", "RGBA", "P010_10LE" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      GstCaps *caps
          = frames_caps (formats[f], sizes[i][0], sizes[i][1], NULL);
      GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
      GstFlowReturn flow;
      FaultStream stream;

      fault_stream_init (&stream, "vitpatchembed embed-dim=768");
      gst_harness_push_event (stream.harness, gst_event_new_caps (caps));
      gst_caps_unref (caps);
      flow = gst_harness_push (stream.harness, buffer);
      g_assert_true (
          flow == GST_FLOW_NOT_NEGOTIATED || flow == GST_FLOW_ERROR);
      fault_stream_clear (&stream);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/neighbour-faults/a-buffer-that-cannot-be-mapped-is-an-error",
      test_a_buffer_that_cannot_be_mapped_is_an_error);
  g_test_add_func ("/neighbour-faults/what-downstream-returns-goes-upstream",
      test_what_downstream_returns_goes_upstream);
  g_test_add_func ("/neighbour-faults/a-flush-in-the-middle-of-the-stream",
      test_a_flush_in_the_middle_of_the_stream);
  g_test_add_func (
      "/neighbour-faults/a-flush-stops-the-work", test_a_flush_stops_the_work);
  g_test_add_func (
      "/neighbour-faults/a-flush-among-regions", test_a_flush_among_regions);
  g_test_add_func ("/neighbour-faults/caps-that-change-on-every-frame",
      test_caps_that_change_on_every_frame);
  g_test_add_func ("/neighbour-faults/caps-of-frames-past-all-sense-are-refused",
      test_caps_of_frames_past_all_sense_are_refused);
  return g_test_run ();
}
