/* SPDX-License-Identifier: MIT
 *
 * The products with AVX2 and FMA, 6 patches x 16 channels in 12 registers: in
 * float32, two fused multiply-adds for each broadcast sample; in fixed point,
 * two multiplications of pairs of 16-bit numbers for each broadcast pair.
 *
 *     fixed-point panels [ceil (n_channels / 16)][n_terms / 2][16 channels][2]
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "kernel_avx2.c must be compiled with AVX2 and FMA"
#endif

#include <immintrin.h>
#include <string.h>

#include "kernel_convert.h"

#define PATCH_TILE 6
#define CHANNEL_TILE 16

/* One half of a patch's channels that exist: all bits of those lanes. */
static inline __m256i
mask_lanes (unsigned n_channels, unsigned channel)
{
  static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
  unsigned n = channel < n_channels ? n_channels - channel : 0;

  n = n < 8 ? n : 8;
  return _mm256_loadu_si256 ((const __m256i *) (ones + 8 - n));
}

/* Adds a chunk of terms to total[i], the 16 channels of patch i.  Summed in an
 * array of its own, which is never indexed but by constants, so that it lives in
 * registers; the broadcast is written as assembly because gcc else lifts all six
 * to the front and spills the sums. */
static inline void
add_chunk (size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, __m256 total[PATCH_TILE][2])
{
  __m256 sum[PATCH_TILE][2];

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
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    total[i][0] = _mm256_add_ps (total[i][0], sum[i][0]);
    total[i][1] = _mm256_add_ps (total[i][1], sum[i][1]);
  }
}

static inline void
product_tile_f32 (const VitProduct *product, size_t n_terms,
    const float *patches, size_t patch_stride, const float *panel,
    unsigned first, unsigned channel)
{
  unsigned n = product->n_patches - first;
  __m256i low = mask_lanes (product->n_channels, channel);
  __m256i high = mask_lanes (product->n_channels, channel + 8);
  __m256 total[PATCH_TILE][2];

  patches += first * patch_stride;
  for (unsigned i = 0; i < PATCH_TILE; i++)
    total[i][0] = total[i][1] = _mm256_setzero_ps ();
  for (size_t k = 0; k < n_terms; k += VIT_F32_CHUNK)
    add_chunk (n_terms - k < VIT_F32_CHUNK ? n_terms - k : VIT_F32_CHUNK,
        patches + k, patch_stride, panel + k * CHANNEL_TILE, total);
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    if (i >= n)
      break;
    const float *add = product->add[first + i] + channel;
    float *out = product->out[first + i] + channel;

    _mm256_maskstore_ps (
        out, low, _mm256_add_ps (total[i][0], _mm256_maskload_ps (add, low)));
    _mm256_maskstore_ps (out + 8, high,
        _mm256_add_ps (total[i][1], _mm256_maskload_ps (add + 8, high)));
  }
}

static void
product_f32 (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panels)
{
  for (unsigned channel = 0; channel < product->n_channels;
       channel += CHANNEL_TILE) {
    for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE)
      product_tile_f32 (product, n_terms, patches, patch_stride,
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

/* Terms that are widened to 16 bits at once, for all channels if that is all
 * there are. */
#define CHUNK 2048

typedef int16_t Wide[PATCH_TILE][CHUNK];
typedef int32_t __attribute__ ((may_alias)) Pair;

static inline void
widen_tile (const uint8_t *bytes, size_t stride, size_t n_terms, Wide wide)
{
  __m256i centre = _mm256_set1_epi16 (128);

  for (unsigned i = 0; i < PATCH_TILE; i++) {
    for (size_t k = 0; k < n_terms; k += 16) {
      __m128i some
          = _mm_loadu_si128 ((const __m128i *) (bytes + i * stride + k));

      _mm256_storeu_si256 ((__m256i *) &wide[i][k],
          _mm256_sub_epi16 (_mm256_cvtepu8_epi16 (some), centre));
    }
  }
}

/* Adds to out[i] the 16 channels of patch i.  Summed in an array of its own,
 * which is never indexed but by constants, so that it lives in registers. */
static inline void
sum_tile_fixed (const Wide wide, const int16_t *panel, size_t n_terms,
    __m256i out[PATCH_TILE][2])
{
  __m256i sum[PATCH_TILE][2];

#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    sum[i][0] = out[i][0];
    sum[i][1] = out[i][1];
  }
  for (size_t k = 0; k < n_terms; k += 2) {
    const __m256i *weights = (const __m256i *) (panel + k * CHANNEL_TILE);
    __m256i low = _mm256_load_si256 (weights);
    __m256i high = _mm256_load_si256 (weights + 1);

#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++) {
      __m256i pair;

      __asm__ volatile ("vpbroadcastd %1, %0"
                        : "=x"(pair)
                        : "m"(*(const Pair *) &wide[i][k]));
      sum[i][0]
          = _mm256_add_epi32 (sum[i][0], _mm256_madd_epi16 (pair, low));
      sum[i][1]
          = _mm256_add_epi32 (sum[i][1], _mm256_madd_epi16 (pair, high));
    }
  }
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    out[i][0] = sum[i][0];
    out[i][1] = sum[i][1];
  }
}

/* Sums of centred bytes of up to 6 patches and 16 channels.  `wide` is kept
 * from the first panel on where it holds all terms. */
static inline void
sum_bytes (const uint8_t *bytes, size_t stride, const int16_t *panel,
    size_t n_terms, int is_first_panel, Wide wide, __m256i sum[PATCH_TILE][2])
{
  for (unsigned i = 0; i < PATCH_TILE; i++)
    sum[i][0] = sum[i][1] = _mm256_setzero_si256 ();
  for (size_t start = 0; start < n_terms; start += CHUNK) {
    size_t n = n_terms - start < CHUNK ? n_terms - start : CHUNK;

    if (is_first_panel || n_terms > CHUNK)
      widen_tile (bytes + start, stride, n, wide);
    sum_tile_fixed (wide, panel + start * CHANNEL_TILE, n, sum);
  }
}

/* (float) (256 high + low + extra), rounded once: doubles hold it exactly. */
static inline __m256
join_bytes (__m256i high, __m256i low, __m256i weights, double centre)
{
  __m128 half[2];

  for (int h = 0; h < 2; h++) {
    __m128i a = h ? _mm256_extracti128_si256 (high, 1)
                  : _mm256_castsi256_si128 (high);
    __m128i b
        = h ? _mm256_extracti128_si256 (low, 1) : _mm256_castsi256_si128 (low);
    __m128i w = h ? _mm256_extracti128_si256 (weights, 1)
                  : _mm256_castsi256_si128 (weights);
    __m256d sum = _mm256_fmadd_pd (_mm256_cvtepi32_pd (a),
        _mm256_set1_pd (256.0), _mm256_cvtepi32_pd (b));

    half[h] = _mm256_cvtpd_ps (_mm256_fmadd_pd (
        _mm256_cvtepi32_pd (w), _mm256_set1_pd (centre), sum));
  }
  return _mm256_insertf128_ps (_mm256_castps128_ps256 (half[0]), half[1], 1);
}

/* Eight channels of one patch. */
static inline void
store_fixed (const VitProduct *product, const VitFixedWeights *weights,
    unsigned i, unsigned channel, __m256 sum)
{
  __m256i lanes = mask_lanes (product->n_channels, channel);

  _mm256_maskstore_ps (product->out[i] + channel, lanes,
      _mm256_fmadd_ps (sum, _mm256_loadu_ps (weights->scale + channel),
          _mm256_maskload_ps (product->add[i] + channel, lanes)));
}

static inline void
product_tile_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned channel,
    Wide wide[2])
{
  const int16_t *panel
      = (const int16_t *) weights->panels + channel * weights->n_terms;
  size_t start = first * samples->stride;
  unsigned n = product->n_patches - first;
  double centre = 256 * 128 + 128 - samples->centre;
  __m256i high[PATCH_TILE][2], low[PATCH_TILE][2];

  n = n < PATCH_TILE ? n : PATCH_TILE;
  sum_bytes (samples->high + start, samples->stride, panel, weights->n_terms,
      channel == 0, wide[0], high);
  if (samples->low != NULL)
    sum_bytes (samples->low + start, samples->stride, panel, weights->n_terms,
        channel == 0, wide[1], low);
  for (unsigned i = 0; i < n; i++) {
    for (unsigned h = 0; h < 2 && channel + 8 * h < product->n_channels; h++) {
      __m256i sums = _mm256_loadu_si256 (
          (const __m256i *) (weights->sum + channel + 8 * h));

      store_fixed (product, weights, first + i, channel + 8 * h,
          samples->low != NULL
              ? join_bytes (high[i][h], low[i][h], sums, centre)
              : _mm256_cvtepi32_ps (high[i][h]));
    }
  }
}

static void
product_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  Wide wide[2];

  for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE) {
    for (unsigned channel = 0; channel < product->n_channels;
         channel += CHANNEL_TILE)
      product_tile_fixed (product, samples, weights, first, channel, wide);
  }
}

static size_t
panels_size (unsigned n_channels, size_t n_terms)
{
  return (n_channels + 15) / 16 * 16 * n_terms * sizeof (int16_t);
}

static void
pack (const int16_t *q, unsigned n_channels, size_t n_terms, void *panels)
{
  int16_t *to = panels;

  memset (panels, 0, panels_size (n_channels, n_terms));
  for (unsigned d = 0; d < n_channels; d++) {
    for (size_t k = 0; k < n_terms; k++)
      to[d / 16 * 16 * n_terms + k / 2 * 32 + d % 16 * 2 + k % 2]
          = q[d * n_terms + k];
  }
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n,
    const int32_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelF32 vit_kernel_f32_avx2 = {
  .name = "avx2",
  .cpu = VIT_CPU_AVX2,
  .channel_tile = CHANNEL_TILE,
  .product = product_f32,
  .widen = widen,
  .convert = convert_f32,
};

const VitKernelFixed vit_kernel_fixed_avx2 = {
  .name = "avx2",
  .cpu = VIT_CPU_AVX2,
  .product = product_fixed,
  .panels_size = panels_size,
  .pack = pack,
  .convert = convert_fixed,
};
