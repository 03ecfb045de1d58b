/* SPDX-License-Identifier: MIT */
#include "view/shade.h"

#include <math.h>

#define RATE 0.1f

void
vit_shade_range_follow (VitShadeRange *range, const float *values, gsize n)
{
  float low = INFINITY, high = -INFINITY;

  for (gsize i = 0; i < n; i++) {
    if (!isfinite (values[i]))
      continue;
    low = MIN (low, values[i]);
    high = MAX (high, values[i]);
  }
  if (low > high)
    return;
  if (!range->has_values) {
    *range = (VitShadeRange){ low, high, TRUE };
    return;
  }
  range->low += RATE * (low - range->low);
  range->high += RATE * (high - range->high);
}

float
vit_shade_range_place (const VitShadeRange *range, float value)
{
  float place = (value - range->low) / (range->high - range->low);

  /* Written so that NaN fails it. */
  return place > 0.0f ? MIN (place, 1.0f) : 0.0f;
}

static guint32
to_byte (float value)
{
  return value > 0.0f ? (guint32) (MIN (value, 1.0f) * 255.0f + 0.5f) : 0;
}

guint32
vit_shade_rgb (const float *rgb, float alpha)
{
  return to_byte (alpha) << 24 | to_byte (rgb[0]) << 16 | to_byte (rgb[1]) << 8
         | to_byte (rgb[2]);
}

guint32
vit_shade_value (float value, float alpha)
{
  /* Every ninth part of the way. */
  static const float colours[][3] = { { 68, 1, 84 }, { 72, 40, 120 },
    { 62, 74, 137 }, { 49, 104, 142 }, { 38, 130, 142 }, { 31, 158, 137 },
    { 53, 183, 121 }, { 110, 206, 88 }, { 181, 222, 43 }, { 253, 231, 37 } };
  guint last = G_N_ELEMENTS (colours) - 1, below;
  float place = value > 0.0f ? MIN (value, 1.0f) * (float) last : 0.0f;
  float rgb[3];

  below = MIN ((guint) place, last - 1);
  for (guint c = 0; c < 3; c++)
    rgb[c] = (colours[below][c]
                 + (place - (float) below)
                       * (colours[below + 1][c] - colours[below][c]))
             / 255.0f;
  return vit_shade_rgb (rgb, alpha);
}
