/* SPDX-License-Identifier: MIT
 *
 * How long patch tokens are, and how alike: the Euclidean norm, and the cosine
 * of the angle between two, or with the nearest of several.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "view/token_view.h"

G_BEGIN_DECLS

/* For every patch's token, the greatest of its cosines with the queries, in
 * [-1,1]; NaN where it has none, as a vector that is all zeros or not finite has
 * no direction. */
void vit_token_cosines (const VitTokenView *view,
    const float *queries /* [n_queries][embed_dim] */, guint n_queries,
    float *cosines /* [grid_height * grid_width] */);

/* The norm of every patch's token. */
void vit_token_norms (const VitTokenView *view,
    float *norms /* [grid_height * grid_width] */);

G_END_DECLS
