/* SPDX-License-Identifier: MIT
 *
 * Whether what failed downstream of an element was stopped by a flush or by the
 * element's own end, which is no answer: neither a refusal nor a fault.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Of the element's own source pad.  Where TRUE, GST_FLOW_FLUSHING is what its
 * upstream gets, and what was asked is asked again after the flush.
 *
 * Thread-safety: any thread that does not hold the pad's object lock. */
gboolean gst_vit_is_flushing (GstPad *srcpad);

G_END_DECLS
