/* SPDX-License-Identifier: MIT
 *
 * Which frames come too late, and what is said (QoS messages) of tokens that are
 * left out because of it.  Two tell, and either is enough:
 *
 * - the sink, by QoS events: video sinks always, fakesink and appsink only with
 *   qos=true;
 * - in a live pipeline, the clock.  A frame is late that should be at the sink
 *   before the frame before it has left the element: by its running time with
 *   the latency that the pipeline is set to, or with that of upstream and 20 ms
 *   where this is more.  (Sinks with sync=false set the pipeline to too little.)
 *
 * Not every late frame is left out: the first of a stream never is, and then one
 * once a second, as GstBaseSink shows one, so that a source that is always late
 * has tokens too.
 *
 * Thread-safety: none; the caller holds a lock.
 */
#pragma once

#include "common/gstvitclockview.h"

G_BEGIN_DECLS

typedef struct {
  /* Running time up to which a frame is late; none: nothing was late yet. */
  GstClockTime earliest_by_sink;
  GstClockTime earliest_by_clock;
  gdouble proportion;
  GstClockTime latency; /* that the pipeline is set to */
  /* Since the start or the last flush. */
  GstClockTime last_time; /* running time of the last frame with tokens */
  GstClockTime last_now;  /* running time of the element when it had them */
  guint64 n_processed;    /* frames with tokens */
  guint64 n_skipped;      /* frames without, because late */
} GstVitLateness;

/* At the start. */
void gst_vit_lateness_init (GstVitLateness *lateness);

/* After a flush: the latency stays. */
void gst_vit_lateness_reset (GstVitLateness *lateness);

/* Takes in an event from downstream, QoS or latency; others say nothing. */
void gst_vit_lateness_update (GstVitLateness *lateness, GstEvent *event);

/* Whether the frame that `clock` was last shown is to have no tokens; then it is
 * counted, and *jitter says by how much it is late, at least 0.  Frames
 * without a time are never late. */
gboolean gst_vit_lateness_skips (GstVitLateness *lateness,
    const GstVitClockView *clock, GstClockTimeDiff *jitter);

/* That frame has its tokens; `clock` was updated since. */
void gst_vit_lateness_processed (
    GstVitLateness *lateness, const GstVitClockView *clock);

/* (transfer full): tells the application that `frame`, of a TIME segment and
 * late, has no tokens; already counted in `lateness`. */
GstMessage *gst_vit_lateness_message (const GstVitLateness *lateness,
    GstClockTimeDiff jitter, GstObject *source, const GstSegment *segment,
    GstBuffer *frame);

G_END_DECLS
