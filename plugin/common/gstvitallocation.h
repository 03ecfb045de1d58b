/* SPDX-License-Identifier: MIT
 *
 * What an element that looks at frames, or draws on them, and passes them on
 * lets its upstream know of downstream's memory.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Upstream may use whatever memory is offered behind `srcpad`, in a layout that
 * only a GstVideoMeta tells too, where it is understood there: what goes in comes
 * out.  But pixels are taken as they lie, so a frame must not rely on somebody
 * further down to crop or turn it. */
void gst_vit_allocation_propose (GstPad *srcpad, GstQuery *query);

G_END_DECLS
