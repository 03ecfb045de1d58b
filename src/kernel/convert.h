/* SPDX-License-Identifier: MIT
 *
 * Loops that every instruction set has in the same words, for the compiler to
 * vectorise: each kernel file includes this and is compiled with its own flags.
 * Products and sums are not contracted, so all give the same bits.
 */
#pragma once

#include "kernel/patch.h"

/* See VitKernelF32.widen. */
static inline void
vit_widen (const uint8_t *__restrict from, size_t n, float centre,
    float *__restrict to)
{
  for (size_t i = 0; i < n; i++)
    to[i] = (float) from[i] - centre;
}

static inline float
vit_clamp_f32 (float value, float minimum, float maximum)
{
  value = value < minimum ? minimum : value;
  return value > maximum ? maximum : value;
}

/* See VitKernelF32.convert. */
static inline void
vit_convert_f32 (const VitConvertF32 *convert, size_t n,
    const int16_t *__restrict samples, float *__restrict terms)
{
  const VitConvertF32 by = *convert;
  const int16_t *cb = samples + n, *cr = cb + n;
  float *green = terms + n, *blue = green + n;

  for (size_t i = 0; i < n; i++) {
    float luma = by.luma * (float) samples[i];
    float red_cr = by.red_cr * (float) cr[i];
    float green_cb = by.green_cb * (float) cb[i];
    float green_cr = by.green_cr * (float) cr[i];
    float blue_cb = by.blue_cb * (float) cb[i];

    terms[i] = vit_clamp_f32 (luma + red_cr, by.minimum, by.maximum);
    green[i]
        = vit_clamp_f32 (luma + green_cb + green_cr, by.minimum, by.maximum);
    blue[i] = vit_clamp_f32 (luma + blue_cb, by.minimum, by.maximum);
  }
}

/* One colour of one chroma component, or of two.  Inlined. */
static inline void
vit_convert_colour (const VitConvertFixed *convert, size_t n,
    const int16_t *__restrict luma, int32_t factor,
    const int16_t *__restrict chroma, int32_t second_factor,
    const int16_t *__restrict second /* (nullable) */, uint8_t *__restrict high,
    uint8_t *__restrict low)
{
  int32_t gain = convert->luma, constant = convert->constant;
  int32_t minimum = convert->minimum, maximum = convert->maximum;

  for (size_t i = 0; i < n; i++) {
    int32_t term = gain * luma[i] + factor * chroma[i] + constant;

    if (second != NULL)
      term += second_factor * second[i];
    term >>= VIT_CONVERT_BITS;
    term = term < minimum ? minimum : term;
    term = term > maximum ? maximum : term;
    high[i] = (uint8_t) (term >> 8);
    low[i] = (uint8_t) term;
  }
}

/* See VitKernelFixed.convert. */
static inline void
vit_convert_fixed (const VitConvertFixed *convert, size_t n,
    const int16_t *samples, uint8_t *high, uint8_t *low)
{
  const int16_t *cb = samples + n, *cr = cb + n;

  vit_convert_colour (
      convert, n, samples, convert->red_cr, cr, 0, NULL, high, low);
  vit_convert_colour (convert, n, samples, convert->green_cb, cb,
      convert->green_cr, cr, high + n, low + n);
  vit_convert_colour (convert, n, samples, convert->blue_cb, cb, 0, NULL,
      high + 2 * n, low + 2 * n);
}
