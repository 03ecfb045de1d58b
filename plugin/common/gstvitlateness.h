/* SPDX-License-Identifier: MIT
 *
 * What sinks say of frames that reach them too late (QoS events), and what is
 * said in turn of tokens left out because of it (QoS messages).
 *
 * Thread-safety: none; the caller holds a lock.
 */
#pragma once

#include <gst/base/base.h>

G_BEGIN_DECLS

typedef struct {
  GstClockTime earliest_time; /* running time; none: nothing was late yet */
  gdouble proportion;
  /* Since the start or the last flush. */
  guint64 n_processed; /* frames with tokens */
  guint64 n_skipped;   /* frames without, because late */
} GstVitLateness;

void gst_vit_lateness_reset (GstVitLateness *lateness);

/* Takes in a QoS event from downstream. */
void gst_vit_lateness_update (GstVitLateness *lateness, GstEvent *event);

/* Whether a frame of this running time would reach the sink too late: it is
 * not later than the earliest that could still be in time.  Frames without
 * a time are never late. */
gboolean gst_vit_lateness_is_late (
    const GstVitLateness *lateness, GstClockTime running_time);

/* (transfer full): tells the application that `frame`, of a TIME segment and
 * late, has no tokens; already counted in `lateness`. */
GstMessage *gst_vit_lateness_message (const GstVitLateness *lateness,
    GstObject *source, const GstSegment *segment, GstBuffer *frame);

G_END_DECLS
