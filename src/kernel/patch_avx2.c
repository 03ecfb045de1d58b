/* SPDX-License-Identifier: MIT
 *
 * The products with AVX2 and FMA, 6 patches x 16 channels in 12 registers: in
 * float32, two fused multiply-adds for each broadcast sample; in fixed point,
 * two multiplications of pairs of 16-bit numbers for each broadcast pair.
 *
 *     fixed-point panels [ceil (n_channels / 16)][n_terms / 2][16 channels][2]
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "patch_avx2.c must be compiled with AVX2 and FMA"
#endif

#include <immintrin.h>
#include <string.h>

#include "kernel/convert.h"
#include "kernel/tiles.h"

#define PATCH_TILE 6
#define CHANNEL_TILE 16

/* Tiles of patches that are taken through some terms before the next, so that
 * their weights are read from the first-level cache; and those terms, which are also
 * summed by themselves where the product allows it.  Where it allows the greater
 * depth, as of a block of keys, the sum is whole in one: no parts of it go by way of
 * memory, and nothing is fetched ahead, which so few patches would wait for. */
#define TILES_F32 21
#define TILES_FIXED 8
#define DEPTH_F32 128
#define DEPTH_F32_WHOLE 256
#define DEPTH_FIXED 384

typedef float SumsF32[PATCH_TILE][CHANNEL_TILE];
typedef int32_t SumsFixed[PATCH_TILE][CHANNEL_TILE];

/* One step of a loop: what each of the six rows that lie `stride` apart adds to
 * its two sums, by way of registers 14 and 15 in turn. */
#define ROWS(PATCH, k)                                                         \
  PATCH (k, "(%[rows])", 14, 0, 1)                                             \
  PATCH (k, "(%[rows], %[stride])", 15, 2, 3)                                  \
  PATCH (k, "(%[rows], %[stride], 2)", 14, 4, 5)                               \
  PATCH (k, "(%[rows], %[stride3])", 15, 6, 7)                                 \
  PATCH (k, "(%[rows], %[stride], 4)", 14, 8, 9)                               \
  PATCH (k, "(%[rows], %[stride5])", 15, 10, 11)

/* One half of a patch's channels that exist: all bits of those lanes. */
static inline __m256i
mask_lanes (unsigned n_channels, unsigned channel)
{
  static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
  unsigned n = channel < n_channels ? n_channels - channel : 0;

  n = n < 8 ? n : 8;
  return _mm256_loadu_si256 ((const __m256i *) (ones + 8 - n));
}

#define CLEAR(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define PATCH_F32(k, row, term, low, high)                                     \
  "vbroadcastss 4*" #k row ", %%ymm" #term "\n\t"                              \
  "vfmadd231ps %%ymm12, %%ymm" #term ", %%ymm" #low "\n\t"                     \
  "vfmadd231ps %%ymm13, %%ymm" #term ", %%ymm" #high "\n\t"
#define TERM(k)                                                                \
  "vmovaps 64*" #k "(%[panel]), %%ymm12\n\t"                                   \
  "vmovaps 64*" #k "+32(%[panel]), %%ymm13\n\t" ROWS (PATCH_F32, k)

/* All terms of a chunk into cleared sums; rows, panel and n are used up. */
#define CHUNK                                                                  \
  VIT_TILES_12 (CLEAR)                                                         \
  "sub $4, %[n]\n\t"                                                           \
  "jb 2f\n\t"                                                                  \
  ".p2align 5\n"                                                               \
  "1:\n\t" TERM (0) TERM (1) TERM (2) TERM (3)                                 \
  "add $4*64, %[panel]\n\t"                                                    \
  "add $4*4, %[rows]\n\t"                                                      \
  "sub $4, %[n]\n\t"                                                           \
  "jae 1b\n"                                                                   \
  "2:\n\t"                                                                     \
  "add $4, %[n]\n\t"                                                           \
  "jz 4f\n"                                                                    \
  "3:\n\t" TERM (0)                                                            \
  "add $64, %[panel]\n\t"                                                      \
  "add $4, %[rows]\n\t"                                                        \
  "dec %[n]\n\t"                                                               \
  "jnz 3b\n"                                                                   \
  "4:\n\t"

/* A chunk, and what is done with its sums.  Assembly, for compilers spill sums, and
 * spend an addition on the address of a row. */
#define RUN_CHUNK(END, ...)                                                    \
  __asm__ volatile (CHUNK END                                                  \
                    : [n] "+r"(n_terms), [panel] "+r"(panel), [rows] "+r"(rows) \
                    : [stride] "r"(stride), [stride3] "r"(3 * stride),         \
                    [stride5] "r"(5 * stride), __VA_ARGS__                     \
                    : "memory", "cc", VIT_TILES_CLOBBER_16)

#define ADD_BEFORE(i) "vaddps 32*" #i "(%[sums]), %%ymm" #i ", %%ymm" #i "\n\t"
#define KEEP(i) "vmovaps %%ymm" #i ", 32*" #i "(%[sums])\n\t"

/* A chunk of terms, summed by itself, becomes sums[i], the 16 channels of patch i, or
 * where it is not the first is added to it. */
static inline void
add_chunk (size_t n_terms, const float *rows, size_t patch_stride,
    const float *panel, int is_first, SumsF32 sums)
{
  size_t stride = patch_stride * sizeof (float);

  if (is_first)
    RUN_CHUNK (VIT_TILES_12 (KEEP), [sums] "r"(sums));
  else
    RUN_CHUNK (VIT_TILES_12 (ADD_BEFORE) VIT_TILES_12 (KEEP),
        [sums] "r"(sums));
}

#define STORE_ROW(i, low, high)                                                \
  "mov 8*" #i "(%[add]), %[rows]\n\t"                                          \
  "vaddps (%[rows], %[channel], 4), %%ymm" #low ", %%ymm" #low "\n\t"          \
  "vaddps 32(%[rows], %[channel], 4), %%ymm" #high ", %%ymm" #high "\n\t"      \
  "mov 8*" #i "(%[out]), %[rows]\n\t"                                          \
  "vmovups %%ymm" #low ", (%[rows], %[channel], 4)\n\t"                        \
  "vmovups %%ymm" #high ", 32(%[rows], %[channel], 4)\n\t"
#define STORE_ROWS                                                             \
  STORE_ROW (0, 0, 1) STORE_ROW (1, 2, 3) STORE_ROW (2, 4, 5)                  \
  STORE_ROW (3, 6, 7) STORE_ROW (4, 8, 9) STORE_ROW (5, 10, 11)

/* The last chunk of a whole tile: out = (sums + chunk) + add, from the registers
 * where the sums are.  By way of memory a short sum takes a quarter longer. */
static inline void
finish_tile (size_t n_terms, const float *rows, size_t patch_stride,
    const float *panel, int is_first, const SumsF32 sums,
    const float *const *add, float *const *out, size_t channel)
{
  size_t stride = patch_stride * sizeof (float);

  if (is_first)
    RUN_CHUNK (STORE_ROWS, [add] "r"(add), [out] "r"(out),
        [channel] "r"(channel));
  else
    RUN_CHUNK (VIT_TILES_12 (ADD_BEFORE) STORE_ROWS, [sums] "r"(sums),
        [add] "r"(add), [out] "r"(out), [channel] "r"(channel));
}

/* out[0 .. 7] = sums + add, of those lanes alone that exist.  Some processors take
 * a dozen cycles for a masked store, so whole ones are none. */
static inline void
store_lanes (float *out, const float *add, __m256 sums, __m256i lanes,
    int is_whole)
{
  if (is_whole)
    _mm256_storeu_ps (out, _mm256_add_ps (sums, _mm256_loadu_ps (add)));
  else
    _mm256_maskstore_ps (
        out, lanes, _mm256_add_ps (sums, _mm256_maskload_ps (add, lanes)));
}

/* Channels channel .. channel + 15 of up to 6 patches; lanes past the last
 * channel are neither read nor written. */
static void
store_tile_f32 (const VitProduct *product, unsigned first, unsigned channel,
    SumsF32 sums)
{
  unsigned n = product->n_patches - first;
  int is_whole = product->n_channels - channel >= CHANNEL_TILE;
  __m256i low = mask_lanes (product->n_channels, channel);
  __m256i high = mask_lanes (product->n_channels, channel + 8);

  for (unsigned i = 0; i < PATCH_TILE && i < n; i++) {
    const float *add = product->add[first + i] + channel;
    float *out = product->out[first + i] + channel;

    store_lanes (out, add, _mm256_load_ps (sums[i]), low, is_whole);
    store_lanes (
        out + 8, add + 8, _mm256_load_ps (sums[i] + 8), high, is_whole);
  }
}

static inline size_t
depth_of (const VitProduct *product)
{
  return product->chunk >= DEPTH_F32_WHOLE ? DEPTH_F32_WHOLE : DEPTH_F32;
}

/* The terms start .. end - 1 of one tile; the last ones go to `out` where the tile is
 * whole. */
static inline void
sum_tile_f32 (const VitProduct *product, size_t n_terms, size_t start,
    size_t end, const float *patches, size_t patch_stride, const float *panel,
    unsigned first, unsigned channel, SumsF32 sums)
{
  size_t chunk
      = product->chunk > VIT_F32_CHUNK ? depth_of (product) : VIT_F32_CHUNK;
  int is_whole = product->n_patches - first >= PATCH_TILE
                 && product->n_channels - channel >= CHANNEL_TILE;
  const float *rows = patches + first * patch_stride;

  for (size_t k = start; k < end; k += chunk) {
    size_t n = end - k < chunk ? end - k : chunk;

    if (k + n == n_terms && is_whole)
      finish_tile (n, rows + k, patch_stride, panel + k * CHANNEL_TILE, k == 0,
          sums, product->add + first, product->out + first, channel);
    else
      add_chunk (n, rows + k, patch_stride, panel + k * CHANNEL_TILE, k == 0,
          sums);
  }
  if (end == n_terms && !is_whole)
    store_tile_f32 (product, first, channel, sums);
}

/* 16 channels of a group of tiles: what of the panel some terms need is fetched
 * while those before are summed, and the rows that the tokens come from and go to
 * during the last.  Short sums would wait for that. */
static inline void
sum_group_f32 (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panel, unsigned first, unsigned channel,
    unsigned n_tiles, SumsF32 sums[TILES_F32])
{
  size_t depth = depth_of (product);
  int fetches = n_terms > depth;

  for (size_t start = 0; start < n_terms; start += depth) {
    size_t end = n_terms - start < depth ? n_terms : start + depth;

    for (unsigned tile = 0; tile < n_tiles; tile++) {
      unsigned row = first + tile * PATCH_TILE;

      if (fetches)
        vit_tiles_fetch (panel + end * CHANNEL_TILE,
            depth * CHANNEL_TILE * sizeof (float), tile, n_tiles);
      if (fetches && end == n_terms)
        vit_tiles_fetch_rows (product, row, PATCH_TILE, channel, CHANNEL_TILE);
      sum_tile_f32 (product, n_terms, start, end, patches, patch_stride, panel,
          row, channel, sums[tile]);
    }
  }
}

static void
product_f32 (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panels)
{
  _Alignas (64) SumsF32 sums[TILES_F32];

  for (unsigned first = 0; first < product->n_patches;
       first += TILES_F32 * PATCH_TILE) {
    unsigned n_tiles = vit_tiles_count (product, first, PATCH_TILE, TILES_F32);

    for (unsigned channel = 0; channel < product->n_channels;
         channel += CHANNEL_TILE)
      sum_group_f32 (product, n_terms, patches, patch_stride,
          panels + channel * n_terms, first, channel, n_tiles, sums);
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

/* Numbers of one plane that are widened to 16 bits at once: all terms of a group
 * of patches, or of one tile some. */
#define WIDE (24 * 768)
#define WIDE_TERMS (WIDE / PATCH_TILE)

/* Bytes, less 128, of a group of patches: rows of n_terms. */
static void
widen_bytes (const uint8_t *bytes, size_t stride, unsigned n_rows,
    size_t n_terms, int16_t wide[WIDE])
{
  __m256i centre = _mm256_set1_epi16 (128);

  for (unsigned i = 0; i < n_rows; i++, bytes += stride, wide += n_terms) {
    for (size_t k = 0; k < n_terms; k += 16) {
      __m128i some = _mm_loadu_si128 ((const __m128i *) (bytes + k));

      _mm256_storeu_si256 ((__m256i *) (wide + k),
          _mm256_sub_epi16 (_mm256_cvtepu8_epi16 (some), centre));
    }
  }
}

#define LOAD_SUMS(i) "vmovdqa 32*" #i "(%[sums]), %%ymm" #i "\n\t"
#define STORE_SUMS(i) "vmovdqa %%ymm" #i ", 32*" #i "(%[sums])\n\t"
#define PATCH_FIXED(k, row, term, low, high)                                   \
  "vpbroadcastd 4*" #k row ", %%ymm14\n\t"                                     \
  "vpmaddwd %%ymm12, %%ymm14, %%ymm15\n\t"                                     \
  "vpmaddwd %%ymm13, %%ymm14, %%ymm14\n\t"                                     \
  "vpaddd %%ymm15, %%ymm" #low ", %%ymm" #low "\n\t"                           \
  "vpaddd %%ymm14, %%ymm" #high ", %%ymm" #high "\n\t"
#define TWO_TERMS(k)                                                           \
  "vmovdqa 64*" #k "(%[panel]), %%ymm12\n\t"                                   \
  "vmovdqa 64*" #k "+32(%[panel]), %%ymm13\n\t" ROWS (PATCH_FIXED, k)

/* Adds terms, a multiple of 8, to sums[i], the 16 channels of patch i.
 * Assembly, as above. */
static inline void
add_terms (size_t n_terms, const int16_t *rows, size_t row_terms,
    const int16_t *panel, SumsFixed sums)
{
  size_t stride = row_terms * sizeof (int16_t);

  __asm__ volatile (VIT_TILES_12 (LOAD_SUMS)
                    ".p2align 5\n"
                    "1:\n\t"
                    TWO_TERMS (0) TWO_TERMS (1) TWO_TERMS (2) TWO_TERMS (3)
                    "add $4*64, %[panel]\n\t"
                    "add $4*4, %[rows]\n\t"
                    "sub $8, %[n]\n\t"
                    "jnz 1b\n\t"
                    VIT_TILES_12 (STORE_SUMS)
                    : [n] "+r"(n_terms), [panel] "+r"(panel), [rows] "+r"(rows)
                    : [stride] "r"(stride), [stride3] "r"(3 * stride),
                    [stride5] "r"(5 * stride), [sums] "r"(sums)
                    : "memory", "cc", VIT_TILES_CLOBBER_16);
}

/* Adds the terms of one plane that were widened to sums[tile]; meanwhile the
 * rows that tokens come from and go to are fetched. */
static inline void
add_group (const VitProduct *product, unsigned first, unsigned channel,
    const int16_t *wide, size_t n_terms, const int16_t *panel,
    unsigned n_tiles, SumsFixed sums[TILES_FIXED])
{
  for (size_t k = 0; k < n_terms; k += DEPTH_FIXED) {
    size_t n = n_terms - k < DEPTH_FIXED ? n_terms - k : DEPTH_FIXED;

    for (unsigned tile = 0; tile < n_tiles; tile++) {
      unsigned row = tile * PATCH_TILE;

      if (k == 0)
        vit_tiles_fetch_rows (
            product, first + row, PATCH_TILE, channel, CHANNEL_TILE);
      add_terms (n, wide + row * n_terms + k, n_terms,
          panel + k * CHANNEL_TILE, sums[tile]);
    }
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
  const float *add = product->add[i] + channel;
  float *out = product->out[i] + channel;
  __m256 scale = _mm256_loadu_ps (weights->scale + channel);
  __m256i lanes;

  if (product->n_channels - channel >= 8) {
    _mm256_storeu_ps (out, _mm256_fmadd_ps (sum, scale, _mm256_loadu_ps (add)));
    return;
  }
  lanes = mask_lanes (product->n_channels, channel);
  _mm256_maskstore_ps (out, lanes,
      _mm256_fmadd_ps (sum, scale, _mm256_maskload_ps (add, lanes)));
}

static inline void
store_group (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned n,
    unsigned channel, SumsFixed sums[2][TILES_FIXED])
{
  double centre = 256 * 128 + 128 - samples->centre;

  for (unsigned d = 0; d < 16 && channel + d < product->n_channels; d += 8) {
    __m256i extra
        = _mm256_loadu_si256 ((const __m256i *) (weights->sum + channel + d));

    for (unsigned i = 0; i < n; i++) {
      const int32_t *high = sums[0][i / PATCH_TILE][i % PATCH_TILE] + d;
      const int32_t *low = sums[1][i / PATCH_TILE][i % PATCH_TILE] + d;
      __m256i some = _mm256_load_si256 ((const __m256i *) high);

      store_fixed (product, weights, first + i, channel + d,
          samples->low != NULL
              ? join_bytes (some, _mm256_load_si256 ((const __m256i *) low),
                  extra, centre)
              : _mm256_cvtepi32_ps (some));
    }
  }
}

/* Terms of both planes are kept widened from the first channels on where there
 * is room for all of them. */
static inline void
product_group (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned n_tiles)
{
  const uint8_t *planes[2] = { samples->high, samples->low };
  unsigned n_planes = samples->low != NULL ? 2 : 1;
  unsigned n = product->n_patches - first, n_rows = n_tiles * PATCH_TILE;
  size_t n_terms = weights->n_terms, stride = samples->stride;
  _Alignas (32) SumsFixed sums[2][TILES_FIXED];
  _Alignas (32) int16_t wide[2][WIDE];

  for (unsigned channel = 0; channel < product->n_channels;
       channel += CHANNEL_TILE) {
    const int16_t *panel
        = (const int16_t *) weights->panels + channel * n_terms;

    memset (sums, 0, sizeof sums);
    for (size_t k = 0; k < n_terms; k += WIDE_TERMS) {
      size_t n_wide = n_terms - k < WIDE_TERMS ? n_terms - k : WIDE_TERMS;

      for (unsigned p = 0; p < n_planes; p++) {
        if (channel == 0 || n_terms > WIDE_TERMS)
          widen_bytes (planes[p] + first * stride + k, stride, n_rows, n_wide,
              wide[p]);
        add_group (product, first, channel, wide[p], n_wide,
            panel + k * CHANNEL_TILE, n_tiles, sums[p]);
      }
    }
    store_group (product, samples, weights, first, n < n_rows ? n : n_rows,
        channel, sums);
  }
}

static void
product_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  size_t fitting = WIDE / (weights->n_terms * PATCH_TILE);
  unsigned max = fitting < 1             ? 1
                 : fitting < TILES_FIXED ? (unsigned) fitting
                                         : TILES_FIXED;

  for (unsigned first = 0; first < product->n_patches;
       first += max * PATCH_TILE)
    product_group (product, samples, weights, first,
        vit_tiles_count (product, first, PATCH_TILE, max));
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
    const int16_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelF32 vit_kernel_f32_avx2 = {
  .name = "avx2",
  .cpu = VIT_CPU_AVX2,
  .channel_tile = CHANNEL_TILE,
  .patch_tile = PATCH_TILE,
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
