/* SPDX-License-Identifier: MIT
 *
 * Three axes that follow a space from frame to frame.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `overlap` [3][3]: the products of the old axes (rows) with an orthonormal
 * basis of the new space (columns).  `turn` [3][3]: the new axes in that basis,
 * orthonormal, those nearest to the old ones (the polar factor of `overlap`:
 * Schoenemann, Psychometrika 31, 1966), turned by the part `rate` of the way
 * towards the basis vectors themselves, each in the direction, and for the
 * axis, that it is nearest to.  FALSE where the new space has a direction that
 * the old one all but lacks, so that nothing is near. */
gboolean vit_axes_follow (
    const double overlap[9], double rate, double turn[9]);

G_END_DECLS
