/* SPDX-License-Identifier: MIT
 *
 * A frame's time beside that of the pipeline: when it was due, when it came, and
 * what latency upstream has, if it is live.
 *
 * Thread-safety: the streaming thread's; only gst_vit_clock_view_forget() may
 * be called from any.  No lock may be held.
 */
#pragma once

#include <gst/base/base.h>

G_BEGIN_DECLS

typedef struct {
  GstClockTime running_time; /* of the frame; none: it has no time */
  GstClockTime now;          /* running time of the element; none: it has none */
  gboolean is_live;          /* upstream is */
  GstClockTime upstream;     /* its least latency, where it is live */
  gint is_unknown;           /* atomic: upstream is to be asked */
} GstVitClockView;

/* At the start: nothing is known. */
void gst_vit_clock_view_init (GstVitClockView *view);

/* Upstream may have another latency now. */
void gst_vit_clock_view_forget (GstVitClockView *view);

/* Looks at a frame as it comes to `base`.  Upstream is asked, where it was not
 * yet. */
void gst_vit_clock_view_look (
    GstVitClockView *view, GstBaseTransform *base, GstBuffer *frame);

/* Only `now`: the frame stays. */
void gst_vit_clock_view_update (GstVitClockView *view, GstElement *element);

G_END_DECLS
