/* SPDX-License-Identifier: MIT
 *
 * Draws the regions of interest of a frame, as the element overlaycomposition asks
 * for it.
 *
 * Thread-safety: no state.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* A handler of overlaycomposition's signal `draw`.  Returns (transfer full)
 * (nullable): a frame for each region, inside of it. */
GstVideoOverlayComposition *box_overlay_draw (
    GstElement *element, GstSample *sample, gpointer data);

G_END_DECLS
