/* SPDX-License-Identifier: MIT
 *
 * Weights in fixed point: weight[d][k] is nearly scale[d] * q[d][k], each q a
 * whole number of 16 bits, with one scale a channel, chosen so that no sum of
 * centred bytes can leave 32 bits (the bounds of VitFixedWeights).
 *
 * What rounding takes from a weight is given to the next two of the same
 * component, half to each: error diffusion, as in halftoning (Floyd and
 * Steinberg, An adaptive algorithm for spatial greyscale, 1976), along a line.
 * Neighbouring pixels are nearly alike, so that the errors of a row all but
 * cancel in a picture, where those of weights rounded each by itself add up:
 * trained filters answer little to what is common to a patch, and there such a
 * sum shows.  Only in noise it is a little more, by up to sqrt (1.5).
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The largest without its sign; INFINITY where one is not finite. */
double vit_quantise_largest (const double *weight, gsize n);

/* Some channels of a matrix; `largest`: of all its channels, as of
 * vit_quantise_largest().  `component`: of each term, 0, 1 or 2 (R, G, B or Y, Cb, Cr); NULL: all are
 * alike.  No weight is off by more than a step, scale[d].
 *
 * A channel whose weights are negligible beside `largest` becomes 0.
 * FALSE if some weight cannot be represented: not finite, or too large for a
 * float32 scale. */
gboolean vit_quantise (const double *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms, double largest,
    const guint8 *component /* [n_terms] */,
    gint16 *q /* [n_channels][stride] */,
    gsize stride /* at least n_terms; what is past it becomes 0 */,
    float *scale /* [n_channels] */, gint32 *sum /* [n_channels], of q */);

G_END_DECLS
