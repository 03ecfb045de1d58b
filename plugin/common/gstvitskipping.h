/* SPDX-License-Identifier: MIT
 *
 * What an element does about late frames: it hears what tells of lateness, and
 * lets frames pass without what it computes (skip-late), with a QoS message for
 * each.  See gstvitlateness.h for which frames are late.
 *
 * Thread-safety: events may come on any thread; the rest is the streaming
 * thread's.  The object lock of the element is taken, so it may not be held.
 */
#pragma once

#include "common/gstvitlateness.h"

G_BEGIN_DECLS

typedef struct {
  GstVitLateness lateness; /* under the element's object lock */
  GstVitClockView clock;   /* the streaming thread's; see there */
} GstVitSkipping;

/* When the element is made, and at every start. */
void gst_vit_skipping_init (GstVitSkipping *skipping, GstBaseTransform *base);

/* A frame has come. */
void gst_vit_skipping_look (
    GstVitSkipping *skipping, GstBaseTransform *base, GstBuffer *frame);

/* Whether the frame that was looked at is too late.  Then the application is told,
 * by a message, that it passes without, and *jitter says by how much it is late. */
gboolean gst_vit_skipping_skips (GstVitSkipping *skipping,
    GstBaseTransform *base, GstBuffer *frame, GstClockTimeDiff *jitter);

/* That frame has what is computed. */
void gst_vit_skipping_processed (
    GstVitSkipping *skipping, GstBaseTransform *base);

/* Takes in an event from upstream: a flush, a new stream; others say nothing. */
void gst_vit_skipping_sink_event (
    GstVitSkipping *skipping, GstBaseTransform *base, GstEvent *event);

/* The same from downstream: QoS, latency. */
void gst_vit_skipping_src_event (
    GstVitSkipping *skipping, GstBaseTransform *base, GstEvent *event);

G_END_DECLS
