/* SPDX-License-Identifier: MIT
 *
 * The float32 product with AVX-512: 14 patches x 32 channels in 28 registers,
 * two fused multiply-adds for each broadcast sample.
 */
#ifndef __AVX512F__
#error "kernel_avx512.c must be compiled with AVX-512"
#endif

#include <immintrin.h>

#include "kernel_convert.h"

#define PATCH_TILE 14
#define CHANNEL_TILE 32

/* Adds a chunk of terms to total[i], the 32 channels of patch i.  Summed in an
 * array of its own, which is never indexed but by constants, so that it lives in
 * registers; the broadcast is written as assembly because gcc else lifts all
 * fourteen to the front and spills the sums. */
static inline void
add_chunk (size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, __m512 total[PATCH_TILE][2])
{
  __m512 sum[PATCH_TILE][2];

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
#pragma GCC unroll 14
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    total[i][0] = _mm512_add_ps (total[i][0], sum[i][0]);
    total[i][1] = _mm512_add_ps (total[i][1], sum[i][1]);
  }
}

/* Channels channel .. channel + 31 of up to 14 patches; lanes past the last
 * channel are neither read nor written. */
static inline void
product_tile (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panel, unsigned first, unsigned channel)
{
  unsigned n = product->n_patches - first;
  unsigned n_lanes = product->n_channels - channel;
  uint32_t lanes = n_lanes >= 32 ? 0xffffffffu : (1u << n_lanes) - 1;
  __mmask16 low = (__mmask16) lanes, high = (__mmask16) (lanes >> 16);
  __m512 total[PATCH_TILE][2];

  patches += first * patch_stride;
  for (unsigned i = 0; i < PATCH_TILE; i++)
    total[i][0] = total[i][1] = _mm512_setzero_ps ();
  for (size_t k = 0; k < n_terms; k += VIT_F32_CHUNK)
    add_chunk (n_terms - k < VIT_F32_CHUNK ? n_terms - k : VIT_F32_CHUNK,
        patches + k, patch_stride, panel + k * CHANNEL_TILE, total);
#pragma GCC unroll 14
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    if (i >= n)
      break;
    const float *add = product->add[first + i] + channel;
    float *out = product->out[first + i] + channel;

    _mm512_mask_storeu_ps (out, low,
        _mm512_add_ps (total[i][0], _mm512_maskz_loadu_ps (low, add)));
    _mm512_mask_storeu_ps (out + 16, high,
        _mm512_add_ps (total[i][1], _mm512_maskz_loadu_ps (high, add + 16)));
  }
}

static void
product (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panels)
{
  for (unsigned channel = 0; channel < product->n_channels;
       channel += CHANNEL_TILE) {
    for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE)
      product_tile (product, n_terms, patches, patch_stride,
          panels + channel * n_terms, first, channel);
  }
}

static void
widen (const uint8_t *from, size_t n, float centre, float *to)
{
  vit_widen (from, n, centre, to);
}

static void
convert_f32 (const VitConvertF32 *convert, size_t n, const int32_t *samples,
    float *terms)
{
  vit_convert_f32 (convert, n, samples, terms);
}

const VitKernelF32 vit_kernel_f32_avx512 = {
  .name = "avx512",
  .cpu = VIT_CPU_AVX512,
  .channel_tile = CHANNEL_TILE,
  .product = product,
  .widen = widen,
  .convert = convert_f32,
};
