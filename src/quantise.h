/* SPDX-License-Identifier: MIT
 *
 * Weights in fixed point: weight[d][k] is nearly scale[d] * q[d][k], each q a
 * whole number of 16 bits, with one scale a channel, chosen so that no sum of
 * centred bytes can leave 32 bits (the bounds of VitFixedWeights).
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* *noise: the power of what rounding adds to a token's sum, over all channels,
 * for samples of unit variance: sum over d of n_terms step[d]^2 / 12, as every
 * weight is off by up to half a step.
 *
 * A channel whose weights are negligible beside the largest of all becomes 0.
 * FALSE if some weight cannot be represented: not finite, or too large for a
 * float32 scale. */
gboolean vit_quantise (const double *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms, gint16 *q /* [n_channels][stride] */,
    gsize stride /* at least n_terms; what is past it becomes 0 */,
    float *scale /* [n_channels] */, gint32 *sum /* [n_channels], of q */,
    double *noise);

G_END_DECLS
