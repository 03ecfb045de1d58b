/* SPDX-License-Identifier: MIT
 *
 * A caps event that cannot be answered yet, and the events after it, which
 * must not overtake it.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A stream that never has tokens may bring events for ever. */
#define GST_VIT_HELD_EVENTS_MAX 1000

/* All zero: nothing is held. */
typedef struct {
  GQueue events; /* of GstEvent, the first a caps event */
} GstVitHeldEvents;

gboolean gst_vit_held_events_is_empty (const GstVitHeldEvents *held);

/* Takes a caps event, in place of one that is held already. */
void gst_vit_held_events_hold_caps (GstVitHeldEvents *held, GstEvent *caps);

/* Takes `event` and gives TRUE if it has to wait for caps that are held; a gap
 * is then forgotten, and the oldest where there are too many, but not the last
 * segment. */
gboolean gst_vit_held_events_hold (GstVitHeldEvents *held, GstEvent *event);

/* Takes the event; FALSE: it was not taken further. */
typedef gboolean (*GstVitPassOn) (gpointer element, GstEvent *event);

/* Gives all on in their order, if any are held.  FALSE: the caps were not taken,
 * and all stays held. */
gboolean gst_vit_held_events_release (
    GstVitHeldEvents *held, GstVitPassOn pass_on, gpointer element);

/* Gives on all but the caps, which stay held: after the end of a stream and a
 * seek they need not come anew. */
void gst_vit_held_events_release_behind_caps (
    GstVitHeldEvents *held, GstVitPassOn pass_on, gpointer element);

/* As on a pad, what sticks stays, all but the segment and the end of a group of
 * streams. */
void gst_vit_held_events_flush (GstVitHeldEvents *held);

/* What was said of the stream before dies with it.  The caps stay, as on a pad:
 * they need not come anew where they are the same. */
void gst_vit_held_events_begin_stream (GstVitHeldEvents *held);

void gst_vit_held_events_clear (GstVitHeldEvents *held);

G_END_DECLS
