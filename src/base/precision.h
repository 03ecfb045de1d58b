/* SPDX-License-Identifier: MIT
 *
 * The arithmetic that tokens are computed in.
 */
#pragma once

typedef enum {
  VIT_PRECISION_AUTO,
  VIT_PRECISION_F32,   /* float32 weights, terms and sums */
  VIT_PRECISION_INT16, /* 16-bit weights, whole-number terms, exact sums */
} VitPrecision;
