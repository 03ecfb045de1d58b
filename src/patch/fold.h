/* SPDX-License-Identifier: MIT
 *
 * What is done to every pixel before the projection, folded into the
 * projection, so that it costs nothing a frame.  Normalisation always:
 *
 *     W x + b,  x = (pixel / 255 - mean) / std
 *   = W' (pixel - m) + b',   W' = W / (255 std)
 *     b' = b + sum over all terms of W' (m - 255 mean)
 *
 * and, where no pixel of a patch leaves [0,255], the map from stored samples
 * to pixels too, for it is affine: with M of vit_image_sample_to_pixel(),
 *
 *     W'' [sample s] = sum over the pixels that s stands for, and over R, G, B,
 *                      of W' [c][pixel] M [c][component of s]
 *
 * evaluated in double.  Terms are centred so that they cancel less: the sums
 * then lose no more than PyTorch's own float32 does.  With m the pixel that
 * centred samples make (vit_image_pixel_centre()), pixels and samples have the
 * same bias: W' (pixel - m) + b' = W'' (sample - centre) + b'.
 *
 * Some channels at a time: in double all of them would be several times as
 * large as the model itself.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "model/model.h"
#include "patch/samples.h"

G_BEGIN_DECLS

/* Weights of pixels, which are in [0,255], R, G, B, of the channels
 * [first, first + n_channels); std > 0. */
void vit_fold_pixels (const VitModel *model, const double mean[3],
    const double std[3], double pixel_centre, guint first, guint n_channels,
    double *weight /* [n_channels][3 P P], [c][y][x] */,
    double *bias /* [n_channels] */);

/* Weights of stored samples, from those of pixels. */
void vit_fold_samples (const VitSamples *samples, guint n_channels,
    const double *pixel_weight /* [n_channels][3 P P] */,
    double *weight /* [n_channels][samples->n_terms] */);

G_END_DECLS
