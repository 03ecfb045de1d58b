/* SPDX-License-Identifier: MIT */
#include "common/gstvitlateness.h"

/* Those of GstBaseSink: how long it shows nothing, and by how much a sink that
 * waits for the clock lengthens the latency for what is done on the way. */
#define LONGEST_WITHOUT GST_SECOND
#define PROCESSING_DEADLINE (20 * GST_MSECOND)

void
gst_vit_lateness_init (GstVitLateness *lateness)
{
  gst_vit_lateness_reset (lateness);
  lateness->latency = 0;
}

void
gst_vit_lateness_reset (GstVitLateness *lateness)
{
  lateness->earliest_by_sink = GST_CLOCK_TIME_NONE;
  lateness->earliest_by_clock = GST_CLOCK_TIME_NONE;
  lateness->proportion = 1.0;
  lateness->last_time = GST_CLOCK_TIME_NONE;
  lateness->last_now = GST_CLOCK_TIME_NONE;
  lateness->n_processed = 0;
  lateness->n_skipped = 0;
}

/* As GstBaseTransform: the frame of `timestamp` came `diff` late, so one that
 * is not more than that after it has no time left either. */
static void
update_by_sink (GstVitLateness *lateness, GstEvent *event)
{
  GstClockTime timestamp;
  GstClockTimeDiff diff;

  gst_event_parse_qos (
      event, NULL, &lateness->proportion, &diff, &timestamp);
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    lateness->earliest_by_sink = GST_CLOCK_TIME_NONE;
  else if (diff < 0 && (GstClockTime) -diff > timestamp)
    lateness->earliest_by_sink = 0;
  else
    lateness->earliest_by_sink = timestamp + (GstClockTime) diff;
}

void
gst_vit_lateness_update (GstVitLateness *lateness, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    update_by_sink (lateness, event);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_event_parse_latency (event, &lateness->latency);
}

/* As a sink would say it that comes right after this element: what is due there
 * before the frame in hand is through, is late.  So a source that is late by
 * less than a frame costs nothing. */
static void
update_by_clock (GstVitLateness *lateness, const GstVitClockView *clock)
{
  GstClockTime allowed = PROCESSING_DEADLINE;

  lateness->earliest_by_clock = GST_CLOCK_TIME_NONE;
  if (!clock->is_live || !GST_CLOCK_TIME_IS_VALID (clock->now))
    return;
  if (GST_CLOCK_TIME_IS_VALID (clock->upstream))
    allowed += clock->upstream;
  if (GST_CLOCK_TIME_IS_VALID (lateness->latency))
    allowed = MAX (allowed, lateness->latency);
  if (clock->now >= allowed)
    lateness->earliest_by_clock = clock->now - allowed;
}

/* (none: nothing is late) */
static GstClockTime
earliest_time (const GstVitLateness *lateness)
{
  if (!GST_CLOCK_TIME_IS_VALID (lateness->earliest_by_clock))
    return lateness->earliest_by_sink;
  if (!GST_CLOCK_TIME_IS_VALID (lateness->earliest_by_sink))
    return lateness->earliest_by_clock;
  return MAX (lateness->earliest_by_sink, lateness->earliest_by_clock);
}

static gboolean
is_long_ago (GstClockTime last, GstClockTime time)
{
  return MAX (last, time) - MIN (last, time) > LONGEST_WITHOUT;
}

/* By the stream and by the clock: in a backlog the stream's seconds are short,
 * and tokens that take longer would only let it grow. */
static gboolean
is_needed (const GstVitLateness *lateness, const GstVitClockView *clock)
{
  if (!GST_CLOCK_TIME_IS_VALID (lateness->last_time))
    return TRUE;
  return is_long_ago (lateness->last_time, clock->running_time)
         && (!GST_CLOCK_TIME_IS_VALID (clock->now)
             || !GST_CLOCK_TIME_IS_VALID (lateness->last_now)
             || is_long_ago (lateness->last_now, clock->now));
}

gboolean
gst_vit_lateness_skips (GstVitLateness *lateness, const GstVitClockView *clock,
    GstClockTimeDiff *jitter)
{
  GstClockTime earliest = earliest_time (lateness);

  if (!GST_CLOCK_TIME_IS_VALID (clock->running_time)
      || !GST_CLOCK_TIME_IS_VALID (earliest) || clock->running_time > earliest
      || is_needed (lateness, clock))
    return FALSE;
  *jitter = GST_CLOCK_DIFF (clock->running_time, earliest);
  lateness->n_skipped++;
  update_by_clock (lateness, clock);
  return TRUE;
}

void
gst_vit_lateness_processed (
    GstVitLateness *lateness, const GstVitClockView *clock)
{
  lateness->n_processed++;
  lateness->last_time = clock->running_time;
  lateness->last_now = clock->now;
  update_by_clock (lateness, clock);
}

GstMessage *
gst_vit_lateness_message (const GstVitLateness *lateness,
    GstClockTimeDiff jitter, GstObject *source, const GstSegment *segment,
    GstBuffer *frame)
{
  GstClockTime timestamp = GST_BUFFER_PTS (frame);
  guint64 running_time
      = gst_segment_to_running_time (segment, GST_FORMAT_TIME, timestamp);
  guint64 stream_time
      = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, timestamp);
  GstMessage *message = gst_message_new_qos (source, FALSE, running_time,
      stream_time, timestamp, GST_BUFFER_DURATION (frame));

  gst_message_set_qos_values (message, jitter, lateness->proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS,
      lateness->n_processed, lateness->n_skipped);
  return message;
}
