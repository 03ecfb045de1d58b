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

/* (transfer full) (nullable): the next in order; NULL: that was all. */
GstEvent *gst_vit_held_events_pop (GstVitHeldEvents *held);

/* As on a pad, what sticks stays, all but the segment. */
void gst_vit_held_events_flush (GstVitHeldEvents *held);

void gst_vit_held_events_clear (GstVitHeldEvents *held);

G_END_DECLS
