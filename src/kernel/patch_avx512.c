/* SPDX-License-Identifier: MIT
 *
 * The float32 product with AVX-512: 14 patches x 32 channels in 28 registers,
 * two fused multiply-adds for each broadcast sample.
 */
#ifndef __AVX512F__
#error "patch_avx512.c must be compiled with AVX-512"
#endif

#include <immintrin.h>
#include <string.h>

#include "kernel/convert.h"
#include "kernel/tiles.h"

#define PATCH_TILE 14
#define CHANNEL_TILE 32

/* Tiles of patches that are taken through a chunk of terms before the next, so
 * that its weights are read from the first-level cache. */
#define TILES 9

typedef float Sums[PATCH_TILE][CHANNEL_TILE];

#define CLEAR(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define ADD_TO_SUMS(i)                                                         \
  "vaddps 64*" #i "(%[sums]), %%zmm" #i ", %%zmm" #i "\n\t"                    \
  "vmovaps %%zmm" #i ", 64*" #i "(%[sums])\n\t"
#define PATCH(k, row, low, high)                                               \
  "vbroadcastss 4*" #k row ", %%zmm30\n\t"                                     \
  "vfmadd231ps %%zmm28, %%zmm30, %%zmm" #low "\n\t"                            \
  "vfmadd231ps %%zmm29, %%zmm30, %%zmm" #high "\n\t"
#define TERM(k)                                                                \
  "vmovaps 128*" #k "(%[panel]), %%zmm28\n\t"                                  \
  "vmovaps 128*" #k "+64(%[panel]), %%zmm29\n\t"                               \
  PATCH (k, "(%[rows])", 0, 1)                                                 \
  PATCH (k, "(%[rows], %[stride])", 2, 3)                                      \
  PATCH (k, "(%[rows], %[stride], 2)", 4, 5)                                   \
  PATCH (k, "(%[rows], %[stride3])", 6, 7)                                     \
  PATCH (k, "(%[rows], %[stride], 4)", 8, 9)                                   \
  PATCH (k, "(%[rows], %[stride5])", 10, 11)                                   \
  PATCH (k, "(%[rows], %[stride3], 2)", 12, 13)                                \
  PATCH (k, "(%[rows7])", 14, 15)                                              \
  PATCH (k, "(%[rows7], %[stride])", 16, 17)                                   \
  PATCH (k, "(%[rows7], %[stride], 2)", 18, 19)                                \
  PATCH (k, "(%[rows7], %[stride3])", 20, 21)                                  \
  PATCH (k, "(%[rows7], %[stride], 4)", 22, 23)                                \
  PATCH (k, "(%[rows7], %[stride5])", 24, 25)                                  \
  PATCH (k, "(%[rows7], %[stride3], 2)", 26, 27)

/* Adds a chunk of terms, summed by itself, to sums[i], the 32 channels of patch
 * i.  Assembly, for compilers spill sums, and spend an addition on the address
 * of each row that is not a multiple of 1, 2, 3, 4, 5 or 6 strides away. */
static inline void
add_chunk (size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, Sums sums)
{
  const char *rows = (const char *) patches;
  size_t stride = patch_stride * sizeof (float);
  const char *rows7 = rows + 7 * stride;

  __asm__ volatile (VIT_TILES_28 (CLEAR)
                    "sub $4, %[n]\n\t"
                    "jb 2f\n\t"
                    ".p2align 5\n"
                    "1:\n\t" TERM (0) TERM (1) TERM (2) TERM (3)
                    "add $4*128, %[panel]\n\t"
                    "add $4*4, %[rows]\n\t"
                    "add $4*4, %[rows7]\n\t"
                    "sub $4, %[n]\n\t"
                    "jae 1b\n"
                    "2:\n\t"
                    "add $4, %[n]\n\t"
                    "jz 4f\n"
                    "3:\n\t" TERM (0)
                    "add $128, %[panel]\n\t"
                    "add $4, %[rows]\n\t"
                    "add $4, %[rows7]\n\t"
                    "dec %[n]\n\t"
                    "jnz 3b\n"
                    "4:\n\t" VIT_TILES_28 (ADD_TO_SUMS)
                    : [n] "+r"(n_terms), [panel] "+r"(panel),
                    [rows] "+r"(rows), [rows7] "+r"(rows7)
                    : [stride] "r"(stride), [stride3] "r"(3 * stride),
                    [stride5] "r"(5 * stride), [sums] "r"(sums)
                    : "memory", "cc", VIT_TILES_CLOBBER_32);
}

/* Channels channel .. channel + 31 of up to 14 patches; lanes past the last
 * channel are neither read nor written. */
static void
store_tile (const VitProduct *product, unsigned first, unsigned channel,
    const Sums sums)
{
  unsigned n = product->n_patches - first;
  unsigned n_lanes = product->n_channels - channel;
  uint32_t lanes = n_lanes >= 32 ? 0xffffffffu : (1u << n_lanes) - 1;
  __mmask16 low = (__mmask16) lanes, high = (__mmask16) (lanes >> 16);

  for (unsigned i = 0; i < PATCH_TILE && i < n; i++) {
    const float *add = product->add[first + i] + channel;
    float *out = product->out[first + i] + channel;

    _mm512_mask_storeu_ps (out, low,
        _mm512_add_ps (
            _mm512_load_ps (sums[i]), _mm512_maskz_loadu_ps (low, add)));
    _mm512_mask_storeu_ps (out + 16, high,
        _mm512_add_ps (_mm512_load_ps (sums[i] + 16),
            _mm512_maskz_loadu_ps (high, add + 16)));
  }
}

/* The sums of 32 channels of a group of tiles, a chunk of terms after the other:
 * what of the panel a chunk needs is fetched while the one before is summed, and
 * the rows that the tokens come from and go to during the last. */
static inline void
sum_group (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panel, unsigned first, unsigned channel,
    unsigned n_tiles, Sums sums[TILES])
{
  const size_t n_values = VIT_F32_CHUNK * CHANNEL_TILE;

  memset (sums, 0, n_tiles * sizeof sums[0]);
  patches += first * patch_stride;
  for (size_t k = 0; k < n_terms; k += VIT_F32_CHUNK, panel += n_values) {
    size_t n = n_terms - k < VIT_F32_CHUNK ? n_terms - k : VIT_F32_CHUNK;

    for (unsigned tile = 0; tile < n_tiles; tile++) {
      unsigned row = tile * PATCH_TILE;

      vit_tiles_fetch (
          panel + n_values, n_values * sizeof (float), tile, n_tiles);
      if (n_terms - k <= VIT_F32_CHUNK)
        vit_tiles_fetch_rows (
            product, first + row, PATCH_TILE, channel, CHANNEL_TILE);
      add_chunk (
          n, patches + row * patch_stride + k, patch_stride, panel, sums[tile]);
    }
  }
}

static void
product (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panels)
{
  _Alignas (64) Sums sums[TILES];

  for (unsigned first = 0; first < product->n_patches;
       first += TILES * PATCH_TILE) {
    unsigned n_tiles = vit_tiles_count (product, first, PATCH_TILE, TILES);

    for (unsigned channel = 0; channel < product->n_channels;
         channel += CHANNEL_TILE) {
      sum_group (product, n_terms, patches, patch_stride,
          panels + channel * n_terms, first, channel, n_tiles, sums);
      for (unsigned tile = 0; tile < n_tiles; tile++)
        store_tile (product, first + tile * PATCH_TILE, channel, sums[tile]);
    }
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

const VitKernelF32 vit_kernel_f32_avx512 = {
  .name = "avx512",
  .cpu = VIT_CPU_AVX512,
  .channel_tile = CHANNEL_TILE,
  .patch_tile = PATCH_TILE,
  .product = product,
  .widen = widen,
  .convert = convert_f32,
};
