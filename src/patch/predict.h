/* SPDX-License-Identifier: MIT
 *
 * How far tokens in fixed point will be off, foreseen from the weights alone:
 *
 *     sqrt (power of the rounding errors / power of the weights)
 *
 * each being the mean square of what it makes of a picture, summed over all
 * channels.  The picture decides how much that is, so the worst of three counts:
 *
 *     noise    every sample by itself: w w
 *     natural  gray, w C w with C the correlation of two pixels: 0.95^(d + e)
 *              where they are d columns and e rows apart
 *     calm     the same with 0.99, as video of high resolution has it: there a
 *              patch is nearly of one colour, which trained filters answer least
 *
 * the latter two being the first-order autoregressive model of image coding
 * (Jain, Fundamentals of Digital Image Processing, 1989, section 2.9).  And
 * the worst of the formats counts, for the weights of stored samples are
 * rounded anew for each way of subsampling.  Bias and positions only lessen the
 * relative error; they are left out, so that it is rather too large.  The rounding
 * of clamped pixels to 1/256 is left out too: it depends on how far the picture's
 * pixels differ, and is small (2e-5 of the trained DINOv2's tokens where every
 * patch of a smooth picture is clamped).
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "patch/samples.h"

G_BEGIN_DECLS

typedef enum {
  VIT_PICTURE_NOISE,
  VIT_PICTURE_NATURAL,
  VIT_PICTURE_CALM,
  VIT_N_PICTURES
} VitPicture;

/* The answer of weights of stored samples to each picture, for pixels of unit
 * variance. */
void vit_predict_power (const VitSamples *samples,
    const double *weight /* [n_channels][samples->n_terms] */,
    guint n_channels, double *scratch /* [2 P P + P] */,
    double power[VIT_N_PICTURES]);

/* As many as are asked for at once, at most. */
#define VIT_PREDICT_CHANNELS 16

/* Gives the weights of pixels, folded, of the channels
 * [first, first + n_channels).  All are asked for more than once. */
typedef void (*VitPixelWeights) (gconstpointer user_data, guint first,
    guint n_channels, double *weight /* [n_channels][3][P][P] */);

/* *predicted: relative to the tokens' rms; INFINITY where fixed point cannot
 * hold the weights.  Takes memory for some channels at a time.  Errors:
 * NO_MEMORY. */
gboolean vit_predict_error (VitPixelWeights pixel_weights,
    gconstpointer user_data, guint n_channels, guint patch_size,
    double *predicted, GError **error);

G_END_DECLS
