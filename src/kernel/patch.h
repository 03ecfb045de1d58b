/* SPDX-License-Identifier: MIT
 *
 * The product of patches and weights: the contract of every kernel, and the
 * choice of one.  patch_c.c is the definition; each other file computes the
 * same with one instruction set.  Pure C, so that a kernel can be read, tested
 * and timed by itself.
 *
 * Thread-safety: all functions may be called from any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A kernel computes whole tiles of at most this many patches: it may read, and
 * ignores, up to one less of rows past the last patch. */
#define VIT_KERNEL_PATCH_TILE 32

/* Rows of patches are padded to a multiple of this many bytes or floats, with
 * anything finite: the weights there are zero. */
#define VIT_KERNEL_TERM_ALIGN 64

/* Weights in fixed point are packed some channels at a time, from multiples of
 * this on: their panels then begin where panels_size() of the channels before
 * ends. */
#define VIT_KERNEL_CHANNEL_ALIGN 16

/* Terms that float32 kernels sum by themselves before they add the sum to that
 * of the terms before: a long row of like terms, a patch of clear sky, loses
 * little then. */
#define VIT_F32_CHUNK 64

/* Where a product goes: out[i][d] for i < n_patches, d < n_channels.  Rows are
 * given one by one, so that patches may lie anywhere in a frame. */
typedef struct {
  unsigned n_patches;
  unsigned n_channels;
  const float *const *add; /* [n_patches] rows of [n_channels] */
  float *const *out;       /* likewise; out[i] may be add[i] */
  unsigned chunk; /* float32: terms that may be summed by themselves, a multiple
                     of VIT_F32_CHUNK; 0: no more than these */
} VitProduct;

/* Weights in fixed point, in the kernel's own layout:
 *
 *     weight[d][k] = scale[d] * q[d][k],  |q| <= VIT_FIXED_MAX_WEIGHT
 *
 * The sum over k of |q[d][k]| is at most VIT_FIXED_MAX_SUM, so that no sum of
 * bytes centred by 128 leaves 32 bits. */
typedef struct {
  const void *panels;
  size_t n_terms;        /* a multiple of VIT_KERNEL_TERM_ALIGN */
  const float *scale;    /* [n_channels rounded up to 16] */
  const int32_t *sum;    /* [likewise] sum over k of q[d][k] */
} VitFixedWeights;

/* 127 * 256 + 127: the largest whose bytes, both signed, are in range. */
#define VIT_FIXED_MAX_WEIGHT 32639
#define VIT_FIXED_MAX_SUM 16777215

/* What a sample is: one byte, or high * 256 + low, less its centre. */
typedef struct {
  const uint8_t *high; /* [n_patches + 31][stride] */
  const uint8_t *low;  /* likewise, or NULL where one byte is all */
  size_t stride;       /* bytes; a multiple of VIT_KERNEL_TERM_ALIGN */
  int32_t centre;      /* 128 where one byte is all */
} VitFixedSamples;

/* R, G, B from Y', Cb, Cr less their centre, clamped: what each colour takes of
 * each sample.  R takes nothing of Cb, B nothing of Cr. */
typedef struct {
  float luma; /* likewise in all colours */
  float red_cr;
  float green_cb;
  float green_cr;
  float blue_cb;
  float minimum;
  float maximum;
} VitConvertF32;

/* Bits after the point of the factors and the constant. */
#define VIT_CONVERT_BITS 13

typedef struct {
  int32_t luma;
  int32_t red_cr;
  int32_t green_cb;
  int32_t green_cr;
  int32_t blue_cb;
  int32_t constant; /* its half of rounding included */
  int32_t minimum;
  int32_t maximum;
} VitConvertFixed;

/* Float32. */
typedef struct {
  const char *name;      /* "c", "avx2", "avx512", ... */
  unsigned cpu;          /* bits that the machine must have; 0 for C */
  unsigned channel_tile; /* channels of one panel; a multiple of 16 */
  unsigned patch_tile;   /* patches that take no longer together than one */

  /* out[i][d] = add[i][d] + sum over k < n_terms of patches[i][k] * w[d][k]
   *
   * summed in ascending k, by chunks of VIT_F32_CHUNK terms, or of more where the
   * product says so; n_terms > 0.
   *
   *   patches  [n_patches + 31][patch_stride], of any alignment and stride: one
   *            head's queries lie inside of longer rows
   *   panels   w as [ceil (n_channels / channel_tile)][n_terms][channel_tile],
   *            64-byte aligned, zero past n_channels */
  void (*product) (const VitProduct *product, size_t n_terms,
      const float *patches, size_t patch_stride, const float *panels);

  /* to[i] = from[i] - centre: samples become terms. */
  void (*widen) (const uint8_t *from, size_t n, float centre, float *to);

  /* terms[c][i] = clamp (what colour c takes of Y' + of Cb + of Cr), summed in
   * this order, of samples[.][i] */
  void (*convert) (const VitConvertF32 *convert, size_t n,
      const int16_t *samples /* [3][n] */, float *terms /* [3][n] */);
} VitKernelF32;

/* Fixed point. */
typedef struct {
  const char *name;
  unsigned cpu;

  /* out[i][d] = fma ((float) s, scale[d], add[i][d]), each rounded once,
   *
   *     s = sum over k of q[d][k] * (sample[i][k] - centre),
   *
   * an exact integer: the same bits from every kernel. */
  void (*product) (const VitProduct *product, const VitFixedSamples *samples,
      const VitFixedWeights *weights);

  /* Bytes of the panels that `product` reads, and their making. */
  size_t (*panels_size) (unsigned n_channels, size_t n_terms);
  void (*pack) (const int16_t *q /* [n_channels][n_terms] */,
      unsigned n_channels, size_t n_terms, void *panels /* 64-byte aligned */);

  /* high[c][i] * 256 + low[c][i] = clamp ((constant + what colour c takes of
   * samples[.][i]) >> VIT_CONVERT_BITS), which fits 16 bits unsigned */
  void (*convert) (const VitConvertFixed *convert, size_t n,
      const int16_t *samples /* [3][n] */, uint8_t *high /* [3][n] */,
      uint8_t *low /* [3][n] */);
} VitKernelFixed;

/* The kernels that were compiled in, best first, C last; end with NULL. */
const VitKernelF32 *const *vit_kernel_list_f32 (void);
const VitKernelFixed *const *vit_kernel_list_fixed (void);

/* The best kernel that needs only bits of `cpu_mask`.  Never NULL. */
const VitKernelF32 *vit_kernel_choose_f32 (unsigned cpu_mask);
const VitKernelFixed *vit_kernel_choose_fixed (unsigned cpu_mask);

extern const VitKernelF32 vit_kernel_f32_c;
extern const VitKernelF32 vit_kernel_f32_avx2;
extern const VitKernelF32 vit_kernel_f32_avx512;
extern const VitKernelF32 vit_kernel_f32_neon;
extern const VitKernelFixed vit_kernel_fixed_c;
extern const VitKernelFixed vit_kernel_fixed_avx2;
extern const VitKernelFixed vit_kernel_fixed_vnni;
extern const VitKernelFixed vit_kernel_fixed_amx;
extern const VitKernelFixed vit_kernel_fixed_neon;

#ifdef __cplusplus
}
#endif
