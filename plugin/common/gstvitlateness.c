/* SPDX-License-Identifier: MIT */
#include "common/gstvitlateness.h"

void
gst_vit_lateness_reset (GstVitLateness *lateness)
{
  lateness->earliest_time = GST_CLOCK_TIME_NONE;
  lateness->proportion = 1.0;
  lateness->n_processed = 0;
  lateness->n_skipped = 0;
}

/* As GstBaseTransform: the frame of `timestamp` came `diff` late, so one that
 * is not more than that after it has no time left either. */
void
gst_vit_lateness_update (GstVitLateness *lateness, GstEvent *event)
{
  GstClockTime timestamp;
  GstClockTimeDiff diff;

  gst_event_parse_qos (
      event, NULL, &lateness->proportion, &diff, &timestamp);
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    lateness->earliest_time = GST_CLOCK_TIME_NONE;
  else if (diff < 0 && (GstClockTime) -diff > timestamp)
    lateness->earliest_time = 0;
  else
    lateness->earliest_time = timestamp + (GstClockTime) diff;
}

gboolean
gst_vit_lateness_is_late (
    const GstVitLateness *lateness, GstClockTime running_time)
{
  return GST_CLOCK_TIME_IS_VALID (running_time)
      && GST_CLOCK_TIME_IS_VALID (lateness->earliest_time)
      && running_time <= lateness->earliest_time;
}

GstMessage *
gst_vit_lateness_message (const GstVitLateness *lateness, GstObject *source,
    const GstSegment *segment, GstBuffer *frame)
{
  GstClockTime timestamp = GST_BUFFER_PTS (frame);
  guint64 running_time
      = gst_segment_to_running_time (segment, GST_FORMAT_TIME, timestamp);
  guint64 stream_time
      = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, timestamp);
  GstMessage *message = gst_message_new_qos (source, FALSE, running_time,
      stream_time, timestamp, GST_BUFFER_DURATION (frame));

  gst_message_set_qos_values (message,
      GST_CLOCK_DIFF (running_time, lateness->earliest_time),
      lateness->proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS,
      lateness->n_processed, lateness->n_skipped);
  return message;
}
