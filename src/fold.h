/* SPDX-License-Identifier: MIT
 *
 * Normalisation folded into the projection, so that it costs nothing a frame:
 *
 *     W x + b,  x = (pixel / 255 - mean) / std
 *   = W' (pixel - 128) + b',   W' = W / (255 std)
 *     b' = b + sum over all terms of W' (128 - 255 mean)
 *
 * evaluated in double and rounded once.  Pixels are centred so that the terms
 * cancel less: the sums then lose no more than PyTorch's own float32 does.
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include "model.h"

G_BEGIN_DECLS

/* mean and std are those of the frame's pixels, R, G, B; std > 0. */
void vit_fold (const VitModel *model, const double mean[3],
    const double std[3], float *weight /* [embed_dim][3 P P] */,
    double *bias /* [embed_dim] */);

G_END_DECLS
