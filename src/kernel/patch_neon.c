/* SPDX-License-Identifier: MIT
 *
 * The products with the Advanced SIMD that every aarch64 has, 6 patches x 16
 * channels in 24 registers: each weight is multiplied by one lane of a register
 * that holds the next samples of a patch, in float32 or from 16 to 32 bits.
 *
 *     fixed-point panels [ceil (n_channels / 16)][n_terms][16 channels]
 */
#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "patch_neon.c must be compiled for aarch64 with Advanced SIMD"
#endif

#include <arm_neon.h>
#include <string.h>

#include "kernel/convert.h"

#define PATCH_TILE 6
#define CHANNEL_TILE 16
#define LANES 4
#define VECTORS (CHANNEL_TILE / LANES)

/* Up to four channels, of which n exist. */
static inline float32x4_t
load_channels (const float *from, unsigned n)
{
  float some[LANES] = { 0.0f };

  if (n >= LANES)
    return vld1q_f32 (from);
  memcpy (some, from, n * sizeof (float));
  return vld1q_f32 (some);
}

static inline void
store_channels (float *to, unsigned n, float32x4_t values)
{
  float some[LANES];

  if (n >= LANES) {
    vst1q_f32 (to, values);
    return;
  }
  vst1q_f32 (some, values);
  memcpy (to, some, n * sizeof (float));
}

/* Patch i of a tile: the last again where there are no more. */
static inline size_t
row_of (const VitProduct *product, unsigned first, unsigned i)
{
  unsigned last = product->n_patches - 1;

  return first + i < last ? first + i : last;
}

/* One term of all patches; a lane must be a literal number.  Loops are unrolled
 * by name because gcc else leaves the sums in memory. */
#define ADD_TERM_F32(sum, sample, lane, weights)                               \
  do {                                                                         \
    _Pragma ("GCC unroll 4")                                                   \
    for (unsigned v = 0; v < VECTORS; v++) {                                   \
      float32x4_t weight = vld1q_f32 ((weights) + v * LANES);                  \
                                                                               \
      _Pragma ("GCC unroll 6")                                                 \
      for (unsigned i = 0; i < PATCH_TILE; i++)                                \
        sum[i][v] = vfmaq_laneq_f32 (sum[i][v], weight, sample[i], lane);      \
    }                                                                          \
  } while (0)

/* Adds terms start .. end - 1 to total[i], the 16 channels of patch i.  Summed in
 * an array of its own, which is never indexed but by constants, so that it lives
 * in registers. */
static inline void
add_chunk (size_t start, size_t end, const float *const rows[PATCH_TILE],
    const float *panel, float32x4_t total[PATCH_TILE][VECTORS])
{
  float32x4_t sum[PATCH_TILE][VECTORS], sample[PATCH_TILE];
  size_t k = start;

#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
#pragma GCC unroll 4
    for (unsigned v = 0; v < VECTORS; v++)
      sum[i][v] = vdupq_n_f32 (0.0f);
  }
  for (; k + LANES <= end; k += LANES) {
#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++)
      sample[i] = vld1q_f32 (rows[i] + k);
    ADD_TERM_F32 (sum, sample, 0, panel);
    ADD_TERM_F32 (sum, sample, 1, panel + CHANNEL_TILE);
    ADD_TERM_F32 (sum, sample, 2, panel + 2 * CHANNEL_TILE);
    ADD_TERM_F32 (sum, sample, 3, panel + 3 * CHANNEL_TILE);
    panel += LANES * CHANNEL_TILE;
  }
  for (; k < end; k++, panel += CHANNEL_TILE) {
#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++)
      sample[i] = vdupq_n_f32 (rows[i][k]);
    ADD_TERM_F32 (sum, sample, 0, panel);
  }
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
#pragma GCC unroll 4
    for (unsigned v = 0; v < VECTORS; v++)
      total[i][v] = vaddq_f32 (total[i][v], sum[i][v]);
  }
}

static inline void
product_tile_f32 (const VitProduct *product, size_t n_terms,
    const float *patches, size_t patch_stride, const float *panel,
    unsigned first, unsigned channel)
{
  unsigned n = product->n_patches - first;
  unsigned n_channels = product->n_channels - channel;
  float32x4_t total[PATCH_TILE][VECTORS];
  const float *rows[PATCH_TILE];

  for (unsigned i = 0; i < PATCH_TILE; i++)
    rows[i] = patches + row_of (product, first, i) * patch_stride;
  for (unsigned i = 0; i < PATCH_TILE * VECTORS; i++)
    total[i / VECTORS][i % VECTORS] = vdupq_n_f32 (0.0f);
  for (size_t k = 0; k < n_terms; k += VIT_F32_CHUNK)
    add_chunk (k, n_terms - k < VIT_F32_CHUNK ? n_terms : k + VIT_F32_CHUNK,
        rows, panel + k * CHANNEL_TILE, total);
  for (unsigned i = 0; i < PATCH_TILE && i < n; i++) {
    const float *add = product->add[first + i] + channel;
    float *out = product->out[first + i] + channel;

    for (unsigned d = 0; d < CHANNEL_TILE && d < n_channels; d += LANES)
      store_channels (out + d, n_channels - d,
          vaddq_f32 (
              total[i][d / LANES], load_channels (add + d, n_channels - d)));
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
convert_f32 (const VitConvertF32 *convert, size_t n, const int16_t *samples,
    float *terms)
{
  vit_convert_f32 (convert, n, samples, terms);
}

/* Terms of a patch that one register holds. */
#define TERMS 8

/* One term of all patches; a lane must be a literal number. */
#define ADD_TERM_FIXED(sum, sample, lane, weights)                             \
  do {                                                                         \
    _Pragma ("GCC unroll 2")                                                   \
    for (unsigned v = 0; v < VECTORS; v += 2) {                                \
      int16x8_t weight = vld1q_s16 ((weights) + v * LANES);                    \
                                                                               \
      _Pragma ("GCC unroll 6")                                                 \
      for (unsigned i = 0; i < PATCH_TILE; i++) {                              \
        sum[i][v] = vmlal_laneq_s16 (                                          \
            sum[i][v], vget_low_s16 (weight), sample[i], lane);                \
        sum[i][v + 1]                                                          \
            = vmlal_high_laneq_s16 (sum[i][v + 1], weight, sample[i], lane);   \
      }                                                                        \
    }                                                                          \
  } while (0)

/* out[i] = the 16 channels of patch i, of bytes that are not centred: modulo
 * 2^32, as arithmetic in vectors is. */
static inline void
sum_tile_fixed (size_t n_terms, const uint8_t *const rows[PATCH_TILE],
    const int16_t *panel, int32x4_t out[PATCH_TILE][VECTORS])
{
  int32x4_t sum[PATCH_TILE][VECTORS];
  int16x8_t sample[PATCH_TILE];

#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
#pragma GCC unroll 4
    for (unsigned v = 0; v < VECTORS; v++)
      sum[i][v] = vdupq_n_s32 (0);
  }
  for (size_t k = 0; k < n_terms; k += TERMS) {
#pragma GCC unroll 6
    for (unsigned i = 0; i < PATCH_TILE; i++)
      sample[i] = vreinterpretq_s16_u16 (vmovl_u8 (vld1_u8 (rows[i] + k)));
    ADD_TERM_FIXED (sum, sample, 0, panel);
    ADD_TERM_FIXED (sum, sample, 1, panel + CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 2, panel + 2 * CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 3, panel + 3 * CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 4, panel + 4 * CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 5, panel + 5 * CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 6, panel + 6 * CHANNEL_TILE);
    ADD_TERM_FIXED (sum, sample, 7, panel + 7 * CHANNEL_TILE);
    panel += TERMS * CHANNEL_TILE;
  }
#pragma GCC unroll 6
  for (unsigned i = 0; i < PATCH_TILE; i++) {
#pragma GCC unroll 4
    for (unsigned v = 0; v < VECTORS; v++)
      out[i][v] = sum[i][v];
  }
}

/* Sums of bytes centred by 128: these fit in 32 bits, so that what was lost
 * beyond them on the way comes back in. */
static inline void
sum_centred (const VitProduct *product, const VitFixedWeights *weights,
    const uint8_t *bytes, size_t stride, unsigned first, unsigned channel,
    int32x4_t sum[PATCH_TILE][VECTORS])
{
  const int16_t *panel
      = (const int16_t *) weights->panels + channel * weights->n_terms;
  const uint8_t *rows[PATCH_TILE];

  for (unsigned i = 0; i < PATCH_TILE; i++)
    rows[i] = bytes + row_of (product, first, i) * stride;
  sum_tile_fixed (weights->n_terms, rows, panel, sum);
  for (unsigned v = 0; v < VECTORS; v++) {
    int32x4_t offset
        = vshlq_n_s32 (vld1q_s32 (weights->sum + channel + v * LANES), 7);

    for (unsigned i = 0; i < PATCH_TILE; i++)
      sum[i][v] = vsubq_s32 (sum[i][v], offset);
  }
}

/* (float) (256 high + low + centre weights), of two channels, rounded once:
 * doubles hold it exactly. */
static inline float32x2_t
join_half (int32x2_t high, int32x2_t low, int32x2_t weights, int32_t centre)
{
  int64x2_t sum = vaddw_s32 (vshll_n_s32 (high, 8), low);

  return vcvt_f32_f64 (vcvtq_f64_s64 (vmlal_n_s32 (sum, weights, centre)));
}

static inline float32x4_t
join_bytes (int32x4_t high, int32x4_t low, int32x4_t weights, int32_t centre)
{
  return vcombine_f32 (join_half (vget_low_s32 (high), vget_low_s32 (low),
                           vget_low_s32 (weights), centre),
      join_half (vget_high_s32 (high), vget_high_s32 (low),
          vget_high_s32 (weights), centre));
}

/* Four channels of one patch. */
static inline void
store_fixed (const VitProduct *product, const VitFixedWeights *weights,
    unsigned i, unsigned channel, float32x4_t sum)
{
  unsigned n = product->n_channels - channel;

  store_channels (product->out[i] + channel, n,
      vfmaq_f32 (load_channels (product->add[i] + channel, n), sum,
          vld1q_f32 (weights->scale + channel)));
}

static inline void
product_tile_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned channel)
{
  unsigned n = product->n_patches - first;
  unsigned n_channels = product->n_channels - channel;
  int32_t centre = 256 * 128 + 128 - samples->centre;
  int32x4_t high[PATCH_TILE][VECTORS], low[PATCH_TILE][VECTORS];

  sum_centred (
      product, weights, samples->high, samples->stride, first, channel, high);
  if (samples->low != NULL)
    sum_centred (
        product, weights, samples->low, samples->stride, first, channel, low);
  for (unsigned i = 0; i < PATCH_TILE && i < n; i++) {
    for (unsigned d = 0; d < CHANNEL_TILE && d < n_channels; d += LANES) {
      unsigned v = d / LANES;

      store_fixed (product, weights, first + i, channel + d,
          samples->low != NULL ? join_bytes (high[i][v], low[i][v],
              vld1q_s32 (weights->sum + channel + d), centre)
                               : vcvtq_f32_s32 (high[i][v]));
    }
  }
}

static void
product_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  for (unsigned channel = 0; channel < product->n_channels;
       channel += CHANNEL_TILE) {
    for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE)
      product_tile_fixed (product, samples, weights, first, channel);
  }
}

static size_t
panels_size (unsigned n_channels, size_t n_terms)
{
  return (n_channels + CHANNEL_TILE - 1) / CHANNEL_TILE * CHANNEL_TILE * n_terms
         * sizeof (int16_t);
}

static void
pack (const int16_t *q, unsigned n_channels, size_t n_terms, void *panels)
{
  int16_t *to = panels;

  memset (panels, 0, panels_size (n_channels, n_terms));
  for (unsigned d = 0; d < n_channels; d++) {
    for (size_t k = 0; k < n_terms; k++)
      to[(d / CHANNEL_TILE * n_terms + k) * CHANNEL_TILE + d % CHANNEL_TILE]
          = q[d * n_terms + k];
  }
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n, const int16_t *samples,
    uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelF32 vit_kernel_f32_neon = {
  .name = "neon",
  .cpu = VIT_CPU_NEON,
  .channel_tile = CHANNEL_TILE,
  .patch_tile = PATCH_TILE,
  .product = product_f32,
  .widen = widen,
  .convert = convert_f32,
};

const VitKernelFixed vit_kernel_fixed_neon = {
  .name = "neon",
  .cpu = VIT_CPU_NEON,
  .product = product_fixed,
  .panels_size = panels_size,
  .pack = pack,
  .convert = convert_fixed,
};
