/* SPDX-License-Identifier: MIT
 *
 * The product with AVX-512: 14 patches x 32 channels in 28 registers, two
 * fused multiply-adds for each broadcast sample.
 */
#include "kernel.h"

#ifndef __AVX512F__
#error "kernel_avx512.c must be compiled with AVX-512"
#endif

#include <immintrin.h>

#define PATCH_TILE 14
#define CHANNEL_TILE 32

/* sum[i] = the 32 channels of patch i.  The broadcast is written as assembly
 * because gcc else lifts all fourteen to the front and spills the sums. */
static inline void
sum_tile (size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, __m512 sum[PATCH_TILE][2])
{
#pragma GCC unroll 14
  for (unsigned i = 0; i < PATCH_TILE; i++)
    sum[i][0] = sum[i][1] = _mm512_setzero_ps ();

  for (size_t k = 0; k < n_terms; k++) {
    __m512 low = _mm512_load_ps (panel + k * CHANNEL_TILE);
    __m512 high = _mm512_load_ps (panel + k * CHANNEL_TILE + 16);

#pragma GCC unroll 14
    for (unsigned i = 0; i < PATCH_TILE; i++) {
      __m512 sample;

      __asm__ volatile ("vbroadcastss %1, %0"
                        : "=v"(sample)
                        : "m"(patches[i * patch_stride + k]));
      sum[i][0] = _mm512_fmadd_ps (sample, low, sum[i][0]);
      sum[i][1] = _mm512_fmadd_ps (sample, high, sum[i][1]);
    }
  }
}

static void
product_f32 (unsigned n_patches, unsigned n_channels, size_t n_terms,
    const float *patches, size_t patch_stride, const float *panel,
    const float *add, size_t add_stride, float *out, size_t out_stride)
{
  /* Lanes past n_channels are neither read nor written. */
  unsigned lanes = n_channels >= 32 ? 0xffffffffu : (1u << n_channels) - 1;
  __mmask16 low = (__mmask16) lanes, high = (__mmask16) (lanes >> 16);

  for (unsigned first = 0; first < n_patches; first += PATCH_TILE) {
    unsigned n = n_patches - first;
    __m512 sum[PATCH_TILE][2];

    sum_tile (n_terms, patches + first * patch_stride, patch_stride, panel,
        sum);
#pragma GCC unroll 14
    for (unsigned i = 0; i < PATCH_TILE; i++) {
      const float *row = add + (first + i) * add_stride;
      float *to = out + (first + i) * out_stride;

      if (i >= n)
        break;
      _mm512_mask_storeu_ps (to, low,
          _mm512_add_ps (sum[i][0], _mm512_maskz_loadu_ps (low, row)));
      _mm512_mask_storeu_ps (to + 16, high,
          _mm512_add_ps (sum[i][1], _mm512_maskz_loadu_ps (high, row + 16)));
    }
  }
}

const VitKernel vit_kernel_avx512 = {
  .name = "avx512",
  .cpu = VIT_CPU_AVX512,
  .patch_tile = PATCH_TILE,
  .channel_tile = CHANNEL_TILE,
  .product_f32 = product_f32,
};
