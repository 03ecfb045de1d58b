/* SPDX-License-Identifier: MIT
 *
 * How long patch tokens are, and how alike: the Euclidean norm, and the cosine
 * of the angle between two.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "view/token_view.h"

G_BEGIN_DECLS

/* The cosine of every patch's token with `query`, in [-1,1]; NaN where
 * one of the two has no direction, as it is all zeros or not finite. */
void vit_token_cosines (const VitTokenView *view,
    const float *query /* [embed_dim] */,
    float *cosines /* [grid_height * grid_width] */);

/* The norm of every patch's token. */
void vit_token_norms (const VitTokenView *view,
    float *norms /* [grid_height * grid_width] */);

G_END_DECLS
