/* SPDX-License-Identifier: MIT
 *
 * The space in which the tokens of a frame vary most, approached step by step:
 * orthogonal iteration with Rayleigh-Ritz projection (Golub and Van Loan,
 * Matrix Computations, section 8.2.4).  A few directions more than are wanted
 * make it converge faster.
 *
 * vit_subspace_measure() reads the tokens once; all that follows is about what
 * it found, until vit_subspace_step().  "Component" j is the j-th strongest
 * direction within the space (Ritz vector).
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "view/token_view.h"

G_BEGIN_DECLS

#define VIT_SUBSPACE_DIM 6

typedef struct _VitSubspace VitSubspace;

/* Starts with directions that are random, but always the same.  NULL where
 * there is not the memory. */
VitSubspace *vit_subspace_new (guint embed_dim);
void vit_subspace_free (VitSubspace *subspace);

guint vit_subspace_embed_dim (const VitSubspace *subspace);

/* Reads every `every`-th of the views' patches that are shown.  `projected`
 * (nullable) [patches read][VIT_SUBSPACE_DIM]: where each lies in the space. */
void vit_subspace_measure (VitSubspace *subspace, const VitTokenView *views,
    guint n_views, const guint8 *shown /* (nullable): all; [n_patches]: not 0 */,
    guint every, float *projected);

/* FALSE where a token holds NaN, infinity or what is too large to square. */
gboolean vit_subspace_is_finite (const VitSubspace *subspace);

/* How far the first `n` components are from principal ones: the part of the
 * covariance's image of each that lies outside of the space, the longest of them,
 * relative to the image of the strongest component.  So a weak component that
 * is none in truth, noise among noise, does not count. */
double vit_subspace_residual (const VitSubspace *subspace, guint n);

/* Variance of the tokens along component j, and their mean along it. */
double vit_subspace_variance (const VitSubspace *subspace, guint j);
double vit_subspace_mean (const VitSubspace *subspace, guint j);

/* The sum of all components' variances, seen or not, and the mean square of a
 * token's length. */
double vit_subspace_total_variance (const VitSubspace *subspace);
double vit_subspace_mean_square (const VitSubspace *subspace);

/* Products of `axis` [embed_dim] with the first n components. */
void vit_subspace_overlap (const VitSubspace *subspace, const float *axis,
    guint n, double *overlap /* [n] */);

/* axis [embed_dim] = sum of factors[j] * component j, j < n. */
void vit_subspace_combine (const VitSubspace *subspace, const double *factors,
    guint n, float *axis);

/* The same axis, `scale` times as long, for points as `projected` gives them. */
void vit_subspace_weights (const VitSubspace *subspace, const double *factors,
    guint n, double scale, float *weights /* [VIT_SUBSPACE_DIM] */);

/* Moves the space one step nearer to the tokens' principal components. */
void vit_subspace_step (VitSubspace *subspace);

G_END_DECLS
