/* SPDX-License-Identifier: MIT
 *
 * The first three principal components of patch tokens, followed through a
 * video: [n_patches][embed_dim] in, [n_patches][3] in [0,1] out, to be taken
 * for colours.
 *
 * Components are found by orthogonal iteration with Rayleigh-Ritz projection
 * (Golub and Van Loan, Matrix Computations, section 8.2.4), one step a frame
 * from where the frame before left off; the first frame, and one unlike the
 * frame before, take more.  Principal components have no sign, and no order
 * where two are equally strong.  So that colours do not flicker, they are shown
 * as three axes of their common space that stay as near as may be to those of
 * the frame before (the orthogonal Procrustes problem) and drift slowly to the
 * components themselves.  Middle and range of the colours follow slowly too.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "view/token_view.h"

G_BEGIN_DECLS

#define VIT_PCA_COMPONENTS 3

typedef struct _VitTokenPca VitTokenPca;

VitTokenPca *vit_token_pca_new (void);
void vit_token_pca_free (VitTokenPca *pca);

/* The next frame is a first one. */
void vit_token_pca_reset (VitTokenPca *pca);

/* All patches of a frame's views, which have one embed_dim, in the order of the
 * views, or those of them that are shown; the others count for nothing.  An
 * axis's standard deviation is a quarter of the range, the middle 0.5; where
 * tokens do not differ, are not finite, or not shown, all is 0.5.  FALSE where
 * there is not the memory; the next frame is a first one. */
gboolean vit_token_pca_update (VitTokenPca *pca, const VitTokenView *views,
    guint n_views, const guint8 *shown /* (nullable) [n_patches]: not 0 */,
    float *colours /* [n_patches][3] */);

/* The axes of the last frame: [3][embed_dim], of length 1 and orthogonal.
 * NULL before the first. */
const float *vit_token_pca_axis (const VitTokenPca *pca, guint component);

/* The share of the last frame's variance that lies along an axis: [0,1]; 0 where
 * the tokens differ by less than a thousandth of their length, or one is not
 * finite. */
double vit_token_pca_share (const VitTokenPca *pca, guint component);

G_END_DECLS
