/* SPDX-License-Identifier: MIT
 *
 * What an encoder does to rows of tokens between its products: norms,
 * activations, rotary positions, the steps of a softmax.  The contract of every
 * kernel, and the choice of one; rows_body.inc is the definition, which each other
 * file compiles for one instruction set.  All give the same bits: sums go by 16
 * lanes whatever the width of a register.
 *
 * Rows have any length and any alignment.  Nothing past a row's end is read or
 * written unless it says so.
 *
 * Thread-safety: all functions may be called from any thread.
 */
#pragma once

#include <stddef.h>

#include "kernel/cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  VIT_NORM_LAYER, /* (x - mean) / sqrt (variance + epsilon) */
  VIT_NORM_RMS,   /* x / sqrt (mean of squares + epsilon) */
} VitNormKind;

typedef enum {
  VIT_ACTIVATION_AUTO,       /* a setting: what config or table says */
  VIT_ACTIVATION_GELU,       /* x Phi (x) */
  VIT_ACTIVATION_GELU_TANH,  /* x (1 + tanh (sqrt (2/pi) (x + 0.044715 x^3))) / 2 */
  VIT_ACTIVATION_QUICK_GELU, /* x sigmoid (1.702 x) */
  VIT_ACTIVATION_SILU,       /* x sigmoid (x) */
} VitActivation;

/* Scores of a softmax lie in rows of a multiple of this many floats. */
#define VIT_SCORE_ALIGN 16

typedef struct {
  const char *name; /* "c", "avx2", ... */
  unsigned cpu;     /* bits that the machine must have; 0 for C */

  /* to[d] = norm (from)[d] * weight[d] + bias[d]; `to` may be `from`. */
  void (*norm) (VitNormKind kind, const float *from, size_t n, float epsilon,
      const float *weight /* (nullable) */, const float *bias /* (nullable) */,
      float *to);

  /* values[i] = activation (values[i]); not AUTO. */
  void (*activate) (VitActivation activation, float *values, size_t n);

  /* gate[i] = activation (gate[i]) * values[i] */
  void (*gate) (VitActivation activation, float *gate, const float *values,
      size_t n);

  /* (a[i], b[i]) turned by the angle whose cosine and sine are given. */
  void (*rotate) (float *a, float *b, const float *cosine, const float *sine,
      size_t n);

  /* One more block of keys: with m the greater of *maximum and of the scores,
   *
   *     scores[i] = 2^(scores[i] - m)     *factor = 2^(*maximum - m)
   *     *sum = *sum * *factor + sum of scores[i]     *maximum = m
   *
   * but no power below 2^-100.  Writes 0 to scores[n] and on to the next multiple
   * of VIT_SCORE_ALIGN.  Before the first block *maximum is -infinity and *sum is
   * 0. */
  void (*softmax) (
      float *scores, size_t n, float *maximum, float *sum, float *factor);

  /* values[i] *= factor */
  void (*scale) (float *values, size_t n, float factor);

  /* sums[i] += factor * values[i] */
  void (*add_scaled) (
      float *sums, const float *values, size_t n, float factor);
} VitKernelRows;

/* The kernels that were compiled in, best first, C last; ends with NULL. */
const VitKernelRows *const *vit_kernel_list_rows (void);

/* The best kernel that needs only bits of `cpu_mask`.  Never NULL. */
const VitKernelRows *vit_kernel_choose_rows (unsigned cpu_mask);

extern const VitKernelRows vit_kernel_rows_c;
extern const VitKernelRows vit_kernel_rows_avx2;
extern const VitKernelRows vit_kernel_rows_avx512;
extern const VitKernelRows vit_kernel_rows_neon;

#ifdef __cplusplus
}
#endif
