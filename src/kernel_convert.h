/* SPDX-License-Identifier: MIT
 *
 * Loops that every instruction set has in the same words, for the compiler to
 * vectorise: each kernel file includes this and is compiled with its own flags.
 * Products and sums are not contracted, so all give the same bits.
 */
#pragma once

#include "kernel.h"

/* See VitKernelF32.widen. */
static inline void
vit_widen (const uint8_t *__restrict from, size_t n, float centre,
    float *__restrict to)
{
  for (size_t i = 0; i < n; i++)
    to[i] = (float) from[i] - centre;
}

/* See VitKernelF32.convert. */
static inline void
vit_convert_f32 (const VitConvertF32 *convert, size_t n,
    const int32_t *__restrict samples, float *__restrict terms)
{
  const int32_t *second = samples + n, *third = second + n;
  float a = convert->factor[0], b = convert->factor[1], c = convert->factor[2];
  float minimum = convert->minimum, maximum = convert->maximum;

  for (size_t i = 0; i < n; i++) {
    float term = a * (float) samples[i] + b * (float) second[i]
        + c * (float) third[i];

    term = term < minimum ? minimum : term;
    terms[i] = term > maximum ? maximum : term;
  }
}

/* See VitKernelFixed.convert. */
static inline void
vit_convert_fixed (const VitConvertFixed *convert, size_t n,
    const int32_t *__restrict samples, uint8_t *__restrict high,
    uint8_t *__restrict low)
{
  const int32_t *second = samples + n, *third = second + n;
  int32_t a = convert->factor[0], b = convert->factor[1];
  int32_t c = convert->factor[2], constant = convert->constant;
  int32_t minimum = convert->minimum, maximum = convert->maximum;

  for (size_t i = 0; i < n; i++) {
    int32_t term = (a * samples[i] + b * second[i] + c * third[i] + constant)
        >> VIT_CONVERT_BITS;

    term = term < minimum ? minimum : term;
    term = term > maximum ? maximum : term;
    high[i] = (uint8_t) (term >> 8);
    low[i] = (uint8_t) term;
  }
}
