/* SPDX-License-Identifier: MIT */
#include "common/gstvitclockview.h"

void
gst_vit_clock_view_init (GstVitClockView *view)
{
  view->running_time = GST_CLOCK_TIME_NONE;
  view->now = GST_CLOCK_TIME_NONE;
  view->is_live = FALSE;
  view->upstream = 0;
  gst_vit_clock_view_forget (view);
}

void
gst_vit_clock_view_forget (GstVitClockView *view)
{
  g_atomic_int_set (&view->is_unknown, TRUE);
}

static void
ask_upstream (GstVitClockView *view, GstPad *sinkpad)
{
  GstQuery *query = gst_query_new_latency ();

  view->is_live = FALSE;
  view->upstream = 0;
  if (gst_pad_peer_query (sinkpad, query))
    gst_query_parse_latency (query, &view->is_live, &view->upstream, NULL);
  gst_query_unref (query);
}

void
gst_vit_clock_view_look (
    GstVitClockView *view, GstBaseTransform *base, GstBuffer *frame)
{
  if (g_atomic_int_compare_and_exchange (&view->is_unknown, TRUE, FALSE))
    ask_upstream (view, GST_BASE_TRANSFORM_SINK_PAD (base));
  view->running_time = GST_CLOCK_TIME_NONE;
  if (base->segment.format == GST_FORMAT_TIME)
    view->running_time = gst_segment_to_running_time (
        &base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (frame));
  gst_vit_clock_view_update (view, GST_ELEMENT (base));
}

/* A pipeline that is paused has no running time, but the clock goes on. */
void
gst_vit_clock_view_update (GstVitClockView *view, GstElement *element)
{
  gboolean is_playing;

  GST_OBJECT_LOCK (element);
  is_playing = GST_STATE (element) == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (element);
  view->now = is_playing ? gst_element_get_current_running_time (element)
                         : GST_CLOCK_TIME_NONE;
}
