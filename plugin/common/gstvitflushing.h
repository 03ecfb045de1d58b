/* SPDX-License-Identifier: MIT
 *
 * Whether a flush or an element's own end came between: what failed downstream of
 * it got no answer then, neither a refusal nor a fault, and for what it computes
 * nobody waits.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Of the element's own source pad.  Where TRUE, GST_FLOW_FLUSHING is what its
 * upstream gets, and what was asked is asked again after the flush.
 *
 * Thread-safety: any thread that does not hold the pad's object lock. */
gboolean gst_vit_is_flushing (GstPad *srcpad);

/* The same as a VitIsStopped, for what is computed. */
gboolean gst_vit_is_stopped (gpointer srcpad);

G_END_DECLS
