/* SPDX-License-Identifier: MIT */
#include "common/gstvitskipping.h"

void
gst_vit_skipping_init (GstVitSkipping *skipping, GstBaseTransform *base)
{
  GST_OBJECT_LOCK (base);
  gst_vit_lateness_init (&skipping->lateness);
  GST_OBJECT_UNLOCK (base);
  gst_vit_clock_view_init (&skipping->clock);
}

void
gst_vit_skipping_look (
    GstVitSkipping *skipping, GstBaseTransform *base, GstBuffer *frame)
{
  gst_vit_clock_view_look (&skipping->clock, base, frame);
}

gboolean
gst_vit_skipping_skips (GstVitSkipping *skipping, GstBaseTransform *base,
    GstBuffer *frame, GstClockTimeDiff *jitter)
{
  GstVitLateness lateness;
  gboolean skips;

  GST_OBJECT_LOCK (base);
  skips = gst_vit_lateness_skips (
      &skipping->lateness, &skipping->clock, jitter);
  lateness = skipping->lateness;
  GST_OBJECT_UNLOCK (base);
  if (skips)
    gst_element_post_message (GST_ELEMENT (base),
        gst_vit_lateness_message (
            &lateness, *jitter, GST_OBJECT (base), &base->segment, frame));
  return skips;
}

void
gst_vit_skipping_processed (GstVitSkipping *skipping, GstBaseTransform *base)
{
  gst_vit_clock_view_update (&skipping->clock, GST_ELEMENT (base));
  GST_OBJECT_LOCK (base);
  gst_vit_lateness_processed (&skipping->lateness, &skipping->clock);
  GST_OBJECT_UNLOCK (base);
}

void
gst_vit_skipping_sink_event (
    GstVitSkipping *skipping, GstBaseTransform *base, GstEvent *event)
{
  GstEventType type = GST_EVENT_TYPE (event);

  if (type == GST_EVENT_FLUSH_STOP) {
    GST_OBJECT_LOCK (base);
    gst_vit_lateness_reset (&skipping->lateness);
    GST_OBJECT_UNLOCK (base);
  }
  if (type == GST_EVENT_FLUSH_STOP || type == GST_EVENT_STREAM_START)
    gst_vit_clock_view_forget (&skipping->clock);
}

void
gst_vit_skipping_src_event (
    GstVitSkipping *skipping, GstBaseTransform *base, GstEvent *event)
{
  GST_OBJECT_LOCK (base);
  gst_vit_lateness_update (&skipping->lateness, event);
  GST_OBJECT_UNLOCK (base);
  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_vit_clock_view_forget (&skipping->clock);
}
