/* SPDX-License-Identifier: MIT
 *
 * The product with AVX2 and FMA: 6 patches x 16 channels in 12 registers, two
 * fused multiply-adds for each broadcast sample.
 */
#include "kernel.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "kernel_avx2.c must be compiled with AVX2 and FMA"
#endif

#include <immintrin.h>

#define PATCH_TILE 6
#define CHANNEL_TILE 16

/* sum[i] = the 16 channels of patch i.  The broadcast is written as assembly
 * because gcc else lifts all six to the front and spills the sums. */
static inline void
sum_tile (size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, __m256 sum[PATCH_TILE][2])
{
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++)
    sum[i][0] = sum[i][1] = _mm256_setzero_ps ();

  for (size_t k = 0; k < n_terms; k++) {
    __m256 low = _mm256_load_ps (panel + k * CHANNEL_TILE);
    __m256 high = _mm256_load_ps (panel + k * CHANNEL_TILE + 8);

#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++) {
      __m256 sample;

      __asm__ volatile ("vbroadcastss %1, %0"
                        : "=x"(sample)
                        : "m"(patches[i * patch_stride + k]));
      sum[i][0] = _mm256_fmadd_ps (sample, low, sum[i][0]);
      sum[i][1] = _mm256_fmadd_ps (sample, high, sum[i][1]);
    }
  }
}

/* One half of a patch's channels; the others are left alone. */
static inline void
store_lanes (float *out, const float *add, __m256 sum, unsigned n_lanes)
{
  static const int ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
  __m256i mask = _mm256_loadu_si256 ((const __m256i *) (ones + 8 - n_lanes));

  _mm256_maskstore_ps (out, mask,
      _mm256_add_ps (sum, _mm256_maskload_ps (add, mask)));
}

static void
product_f32 (unsigned n_patches, unsigned n_channels, size_t n_terms,
    const float *patches, size_t patch_stride, const float *panel,
    const float *add, size_t add_stride, float *out, size_t out_stride)
{
  unsigned n_low = n_channels < 8 ? n_channels : 8;
  unsigned n_high = n_channels - n_low;

  for (unsigned first = 0; first < n_patches; first += PATCH_TILE) {
    unsigned n = n_patches - first;
    __m256 sum[PATCH_TILE][2];

    sum_tile (n_terms, patches + first * patch_stride, patch_stride, panel,
        sum);
#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++) {
      const float *row = add + (first + i) * add_stride;
      float *to = out + (first + i) * out_stride;

      if (i >= n)
        break;
      store_lanes (to, row, sum[i][0], n_low);
      store_lanes (to + 8, row + 8, sum[i][1], n_high);
    }
  }
}

const VitKernel vit_kernel_avx2 = {
  .name = "avx2",
  .cpu = VIT_CPU_AVX2,
  .patch_tile = PATCH_TILE,
  .channel_tile = CHANNEL_TILE,
  .product_f32 = product_f32,
};
