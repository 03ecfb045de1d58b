/* SPDX-License-Identifier: MIT
 *
 * Caps that a pad's template does not let in: GStreamer refuses them before the
 * element hears of them, and all that an application gets is "not-negotiated"
 * from the source.  Here the element says itself what came, what it takes, and
 * what to put before it.
 *
 * Thread-safety: any thread.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Watches `sinkpad`, of an element, as long as it lives.  Caps that come to it
 * and are refused are an ERROR message of the element.  A fixed format that
 * is only asked for is a WARNING, as whoever asks may have another: behind a
 * queue, a tee or a filter nothing but the question comes.  Each once, until
 * another is refused, a caps event is let in or a new stream starts. */
void gst_vit_refusal_watch (GstPad *sinkpad);

/* (transfer full): the sentence for `caps`, of which nothing fits `taken`. */
gchar *gst_vit_refusal_explain (const GstCaps *caps, const GstCaps *taken);

G_END_DECLS
