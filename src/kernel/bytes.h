/* SPDX-License-Identifier: MIT
 *
 * What the kernels that multiply bytes share: the layout of their weights, and
 * the last step, from sums of bytes to tokens, in AVX-512.
 *
 * A weight of 16 bits is a signed byte times 256 plus a signed byte:
 *
 *     panels [ceil (n_channels / 16)][n_terms / 64]
 *            [plane: high, low][64 / 4][16 channels][4 terms]
 */
#pragma once

#include "kernel/patch.h"

#define VIT_BYTES_CHANNELS 16
#define VIT_BYTES_TERMS 64
#define VIT_BYTES_PLANE 1024 /* bytes of one plane of 64 terms x 16 channels */

size_t vit_bytes_panels_size (unsigned n_channels, size_t n_terms);
void vit_bytes_pack (
    const int16_t *q, unsigned n_channels, size_t n_terms, void *panels);

#ifdef __AVX512DQ__
#include <immintrin.h>

/* What the last step needs of 16 channels. */
typedef struct {
  const VitProduct *product;
  unsigned channel;
  __mmask16 lanes;   /* channels that exist */
  __m512 scale;
  __m512i offset;    /* 128 times the sum of the weights */
  __m512i extra[2];  /* 64 bits: what centring two bytes leaves out */
} VitBytesFinish;

static inline VitBytesFinish
vit_bytes_finish_init (const VitProduct *product,
    const VitFixedSamples *samples, const VitFixedWeights *weights,
    unsigned channel)
{
  unsigned n_lanes = product->n_channels - channel;
  __m512i sum = _mm512_loadu_si512 (weights->sum + channel);
  __m512i centre = _mm512_set1_epi64 (256 * 128 + 128 - samples->centre);
  __m512i low = _mm512_cvtepi32_epi64 (_mm512_castsi512_si256 (sum));
  __m512i high = _mm512_cvtepi32_epi64 (_mm512_extracti64x4_epi64 (sum, 1));
  VitBytesFinish finish = {
    .product = product,
    .channel = channel,
    .lanes = (__mmask16) (n_lanes < 16 ? (1u << n_lanes) - 1 : 0xffffu),
    .scale = _mm512_loadu_ps (weights->scale + channel),
    .offset = _mm512_slli_epi32 (sum, 7),
    .extra = { _mm512_mullo_epi64 (low, centre),
        _mm512_mullo_epi64 (high, centre) },
  };

  return finish;
}

/* Sums of bytes centred by 128.  What does not fit in 32 bits on the way there
 * comes back in, for arithmetic is modulo 2^32. */
static inline __m512i
vit_bytes_centre (const VitBytesFinish *finish, __m512i high, __m512i low)
{
  return _mm512_sub_epi32 (
      _mm512_add_epi32 (_mm512_slli_epi32 (high, 8), low), finish->offset);
}

/* (float) (256 high + low + extra), rounded once. */
static inline __m512
vit_bytes_join (const VitBytesFinish *finish, __m512i high, __m512i low)
{
  __m512i first = _mm512_add_epi64 (
      _mm512_slli_epi64 (
          _mm512_cvtepi32_epi64 (_mm512_castsi512_si256 (high)), 8),
      _mm512_cvtepi32_epi64 (_mm512_castsi512_si256 (low)));
  __m512i second = _mm512_add_epi64 (
      _mm512_slli_epi64 (
          _mm512_cvtepi32_epi64 (_mm512_extracti64x4_epi64 (high, 1)), 8),
      _mm512_cvtepi32_epi64 (_mm512_extracti64x4_epi64 (low, 1)));
  __m256 a
      = _mm512_cvtepi64_ps (_mm512_add_epi64 (first, finish->extra[0]));
  __m256 b
      = _mm512_cvtepi64_ps (_mm512_add_epi64 (second, finish->extra[1]));

  return _mm512_insertf32x8 (_mm512_castps256_ps512 (a), b, 1);
}

/* The 16 channels of patch i. */
static inline void
vit_bytes_store (const VitBytesFinish *finish, unsigned i, __m512 sum)
{
  const VitProduct *product = finish->product;
  __m512 add = _mm512_maskz_loadu_ps (
      finish->lanes, product->add[i] + finish->channel);

  _mm512_mask_storeu_ps (product->out[i] + finish->channel, finish->lanes,
      _mm512_fmadd_ps (sum, finish->scale, add));
}
#endif
