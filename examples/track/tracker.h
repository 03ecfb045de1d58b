/* SPDX-License-Identifier: MIT
 *
 * Follows one object through frames that carry tokens or features.
 *
 * Thread-safety: tracker_start() from any thread; tracker_take() one at a time.
 */
#pragma once

#include "label_propagation.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* In pixels of the frame. */
typedef struct {
  gdouble x, y, width, height;
} TrackerBox;

typedef enum {
  TRACKER_IDLE, /* nothing to follow, or a frame without tokens of float32 */
  TRACKER_FOUND,
  TRACKER_LOST,    /* nothing there is like it */
  TRACKER_NOWHERE, /* there is no patch where to start */
} TrackerState;

typedef struct _Tracker Tracker;

/* Lost is what has a cosine of less than `least_cosine` with its sources. */
Tracker *tracker_new (
    const LabelPropagationSettings *settings, gdouble least_cosine);

void tracker_free (Tracker *self);

/* From the next frame on it follows what is in the box; without width and height
 * the patch at the point and its eight neighbours. */
void tracker_start (Tracker *self, const TrackerBox *box);

/* Takes the next frame: its features after most blocks; else its tokens, without
 * their positions where these are known.  Of what is found it writes box and cosine,
 * and adds a GstVideoRegionOfInterestMeta of type "tracked" to the frame, which must
 * be writable.  A frame whose deepest are F16 or BF16 is passed over like one without
 * any: what is followed stays where it was, and begins with the next. */
TrackerState tracker_take (
    Tracker *self, GstBuffer *frame, TrackerBox *box, gdouble *cosine);

G_END_DECLS
