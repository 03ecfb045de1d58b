/* SPDX-License-Identifier: MIT
 *
 * Numbers as colours: a range that follows them from frame to frame, and the
 * pixels that stand for them.
 *
 * A pixel is 0xAARRGGBB, the colours not multiplied by alpha: in memory, B G R A
 * on a little-endian machine.
 *
 * Thread-safety: that of its arguments.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All zeros: not started. */
typedef struct {
  float low;
  float high;
  gboolean has_values;
} VitShadeRange;

/* Takes the least and the greatest of the values at first, and then moves a
 * tenth of the way to them with each frame.  What is not finite is passed over. */
void vit_shade_range_follow (
    VitShadeRange *range, const float *values, gsize n);

/* Where a value lies in the range, in [0,1]; 0 for NaN. */
float vit_shade_range_place (const VitShadeRange *range, float value);

/* "viridis", by Nathaniel Smith, Stefan van der Walt and Eric Firing (CC0), from
 * 0, dark blue, to 1, yellow: as bright as the value is high, for colour-blind
 * eyes too.  `alpha` in [0,1]. */
guint32 vit_shade_value (float value, float alpha);

/* `rgb` [3], each in [0,1]. */
guint32 vit_shade_rgb (const float *rgb, float alpha);

G_END_DECLS
