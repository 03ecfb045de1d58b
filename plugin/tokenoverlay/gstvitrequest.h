/* SPDX-License-Identifier: MIT
 *
 * The request for positions that vittokenoverlay sends upstream, which may be
 * lost on the way: nobody takes it, a pad flushes, or who took it is replaced or
 * starts anew.  What counts is what the frames carry: where positions are missing
 * it is sent again, at once and then ever more rarely, as there are tokens whose
 * positions nobody can tell (CLIP's).
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* All zeros: nothing sent yet.  Of the streaming thread. */
typedef struct {
  gboolean is_taken; /* the last one, by somebody upstream */
  guint n_wait;      /* frames to let pass before the next */
  guint next_wait;   /* and after it */
} GstVitRequest;

/* No more frames than these pass between two while positions are missing. */
#define GST_VIT_REQUEST_MOST_WAIT 256

/* Sends the request through `pad`, a sink pad, if one is due.  `frame`
 * (nullable): that is about to be drawn on; NULL: before the first. */
void gst_vit_request_update (
    GstVitRequest *request, GstPad *pad, GstBuffer *frame);

G_END_DECLS
