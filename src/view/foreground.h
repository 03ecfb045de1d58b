/* SPDX-License-Identifier: MIT
 *
 * Which patches are of what a picture is of, as in the figures of DINOv2 (Oquab
 * et al., arXiv 2304.07193, section 7.5): those that lie above the mean of all
 * along the first principal component.
 *
 * A component has no sign.  The foreground's is chosen on a first frame so that
 * the patches at the grids' edges lie below the mean of all: background is what
 * reaches the edge (Wei et al., Geodesic Saliency Using Background Priors, ECCV
 * 2012).  From then on the axis stays as near as may be to that of the frame before,
 * and drifts slowly to the component.  It turns about only where the edges have
 * been above the mean for some frames, by a tenth of the standard deviation.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "view/token_view.h"

G_BEGIN_DECLS

typedef struct _VitForeground VitForeground;

VitForeground *vit_foreground_new (void);
void vit_foreground_free (VitForeground *foreground);

/* The next frame is a first one. */
void vit_foreground_reset (VitForeground *foreground);

/* For all patches of a frame's views, which have one embed_dim, 1 or, those of the
 * background, 0.  Where tokens do not differ, or are not finite, it cannot be told,
 * and all are 1.  FALSE where there is not the memory. */
gboolean vit_foreground_find (VitForeground *foreground,
    const VitTokenView *views, guint n_views, guint8 *shown /* [n_patches] */);

G_END_DECLS
