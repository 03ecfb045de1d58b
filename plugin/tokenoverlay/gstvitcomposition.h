/* SPDX-License-Identifier: MIT
 *
 * A composition on a frame that may carry one already.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Over what others have attached, which is left as it is where they use it. */
void gst_vit_composition_attach (
    GstBuffer *buffer, GstVideoOverlayComposition *drawn);

G_END_DECLS
