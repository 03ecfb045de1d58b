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

/* The relative error of the tokens is foreseen to be under *predicted_error:
 * that of rounding every weight by up to half a step, for samples that do not
 * depend on each other,
 *
 *     sqrt (sum over d of n_terms step[d]^2 / 12) / || weight ||.
 *
 * FALSE if some weight cannot be represented: not finite, or of a size that no
 * float32 scale has. */
gboolean vit_quantise (const double *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms, gint16 *q /* [n_channels][stride] */,
    gsize stride /* at least n_terms; what is past it becomes 0 */,
    float *scale /* [n_channels] */, gint32 *sum /* [n_channels], of q */,
    double *predicted_error);

G_END_DECLS
