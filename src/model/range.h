/* SPDX-License-Identifier: MIT
 *
 * How large the numbers of a model's tokens can become: weights that float32
 * holds may make sums that it does not.  An upper bound, by the triangle
 * inequality, of every value and of every sum on its way, whatever the frame,
 * its format and the positions' rule:
 *
 *     sum over all terms of |W'| (m + o) + |b| + r max |position|
 *
 * W' = W / (255 std), m what a pixel or its samples can be beside their centre,
 * o how far that is from the mean, r what resampling can add.  After an input
 * norm of D values it is sqrt (D) max |norm_weight| + max |norm_bias|.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "model/model.h"

G_BEGIN_DECLS

/* Of the patches' tokens and of what they are made from; infinity where double
 * does not hold it.  std > 0. */
double vit_range_of_patches (
    const VitModel *model, const double mean[3], const double std[3]);

/* The same of the patches' tokens alone, as they are after an input norm. */
double vit_range_of_tokens (
    const VitModel *model, const double mean[3], const double std[3]);

/* Of the prefix tokens, before an input norm. */
double vit_range_of_prefix (const VitModel *model);

G_END_DECLS
