/* SPDX-License-Identifier: MIT
 *
 * The space in which a frame's patches vary most (subspace.h), followed through a
 * video: one step a frame from where the frame before left off; the first frame,
 * and one unlike the frame before, take more.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "view/subspace.h"

G_BEGIN_DECLS

/* Components that shall be found. */
#define VIT_TOKEN_SPACE_COMPONENTS 3

/* All zeros: no frame yet. */
typedef struct {
  VitSubspace *subspace; /* (nullable) */
  gboolean is_settled;   /* it was searched for once */
  guint n_shown;         /* patches of the last frame */
  float *projected;      /* [n_room][VIT_SUBSPACE_DIM]: where they lie in it */
  guint n_room;
} VitTokenSpace;

/* The next frame is a first one. */
void vit_token_space_reset (VitTokenSpace *space);
void vit_token_space_clear (VitTokenSpace *space);

/* Measures the frame's patches that are shown, at least one; its components are
 * those of `space->subspace` until vit_subspace_step().  *is_new: the frame is a
 * first one, or unlike the one before.  FALSE where there is not the memory; the
 * next frame is a first one. */
gboolean vit_token_space_measure (VitTokenSpace *space,
    const VitTokenView *views, guint n_views,
    const guint8 *shown /* (nullable): all; [n_patches]: not 0 */,
    gboolean *is_new);

/* Where the patches lie along the sum of factors[j] * component j. */
void vit_token_space_places (const VitTokenSpace *space,
    const double factors[VIT_TOKEN_SPACE_COMPONENTS],
    float *places /* [n_shown] */);

/* The least standard deviation that is one: tokens that differ by less than a
 * thousandth of their length are taken to be alike. */
double vit_token_space_floor (const VitTokenSpace *space);

/* Whether the patches differ along such a sum.  What was summed of all of them
 * does not tell: its rounding can be more than they differ by. */
gboolean vit_token_space_differs (const VitTokenSpace *space,
    const double factors[VIT_TOKEN_SPACE_COMPONENTS]);

G_END_DECLS
