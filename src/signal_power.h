/* SPDX-License-Identifier: MIT
 *
 * How strongly a projection answers to pictures, foreseen from its weights
 * alone: an error that does not depend on the picture weighs the more the
 * weaker the answer is.  The lesser of two pictures:
 *
 *     noise     w w
 *     natural   w C w, C the correlation of two samples: of neighbours 0.95,
 *               of pixels d columns and e rows apart 0.95^(d + e), of the
 *               colours of one pixel 1; filters for detail find little there
 *
 * The second is the first-order autoregressive model of image coding (Jain,
 * Fundamentals of Digital Image Processing, 1989, section 2.9).
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Summed over all channels, for samples of unit variance.  Negative if there is
 * no memory for it. */
double vit_signal_power (
    const double *weight /* [n_channels][3][P][P] */, guint n_channels,
    guint patch_size);

G_END_DECLS
