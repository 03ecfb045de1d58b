/* SPDX-License-Identifier: MIT
 *
 * The fixed-point product with AVX-512 VNNI: 12 patches x 16 channels x 2
 * planes of the weights (bytes.h) in 24 registers, four terms an
 * instruction.
 */
#if !defined(__AVX512VNNI__) || !defined(__AVX512DQ__)
#error "patch_vnni.c must be compiled with AVX-512 DQ and VNNI"
#endif

#include <string.h>

#include "kernel/bytes.h"
#include "kernel/convert.h"
#include "kernel/tiles.h"

#define PATCH_TILE 12

/* Tiles of patches that are taken through so many terms before the next, so
 * that the weights are read from the first-level cache. */
#define TILES 8
#define DEPTH 768

typedef int32_t Sums[PATCH_TILE][2][VIT_BYTES_CHANNELS];

#define LOAD_SUMS(i) "vmovdqa32 64*" #i "(%[sums]), %%zmm" #i "\n\t"
#define STORE_SUMS(i) "vmovdqa32 %%zmm" #i ", 64*" #i "(%[sums])\n\t"
#define PATCH(k, row, high, low)                                               \
  "vpbroadcastd 4*" #k row ", %%zmm30\n\t"                                     \
  "vpdpbusd %%zmm28, %%zmm30, %%zmm" #high "\n\t"                              \
  "vpdpbusd %%zmm29, %%zmm30, %%zmm" #low "\n\t"
#define FOUR_TERMS(k)                                                          \
  "vmovdqa32 64*" #k "(%[panel]), %%zmm28\n\t"                                 \
  "vmovdqa32 64*" #k "+1024(%[panel]), %%zmm29\n\t"                            \
  PATCH (k, "(%[rows])", 0, 1)                                                 \
  PATCH (k, "(%[rows], %[stride])", 2, 3)                                      \
  PATCH (k, "(%[rows], %[stride], 2)", 4, 5)                                   \
  PATCH (k, "(%[rows], %[stride3])", 6, 7)                                     \
  PATCH (k, "(%[rows], %[stride], 4)", 8, 9)                                   \
  PATCH (k, "(%[rows], %[stride5])", 10, 11)                                   \
  PATCH (k, "(%[rows6])", 12, 13)                                              \
  PATCH (k, "(%[rows6], %[stride])", 14, 15)                                   \
  PATCH (k, "(%[rows6], %[stride], 2)", 16, 17)                                \
  PATCH (k, "(%[rows6], %[stride3])", 18, 19)                                  \
  PATCH (k, "(%[rows6], %[stride], 4)", 20, 21)                                \
  PATCH (k, "(%[rows6], %[stride5])", 22, 23)

/* Adds terms, a multiple of 64, to sums[i], the high and the low plane's sums of
 * patch i.  Assembly, for compilers spill sums or weights. */
static inline void
add_terms (size_t n_terms, const uint8_t *rows, size_t stride,
    const int8_t *panel, Sums sums)
{
  const uint8_t *rows6 = rows + 6 * stride;
  size_t n;

  __asm__ volatile (VIT_TILES_24 (LOAD_SUMS)
                    ".p2align 5\n"
                    "1:\n\t"
                    "mov $4, %k[n]\n"
                    "2:\n\t"
                    FOUR_TERMS (0) FOUR_TERMS (1) FOUR_TERMS (2) FOUR_TERMS (3)
                    "add $4*64, %[panel]\n\t"
                    "add $4*4, %[rows]\n\t"
                    "add $4*4, %[rows6]\n\t"
                    "dec %k[n]\n\t"
                    "jnz 2b\n\t"
                    "add $1024, %[panel]\n\t"
                    "sub $64, %[n_terms]\n\t"
                    "jnz 1b\n\t"
                    VIT_TILES_24 (STORE_SUMS)
                    : [n_terms] "+r"(n_terms), [panel] "+r"(panel),
                    [rows] "+r"(rows), [rows6] "+r"(rows6), [n] "=&r"(n)
                    : [stride] "r"(stride), [stride3] "r"(3 * stride),
                    [stride5] "r"(5 * stride), [sums] "r"(sums)
                    : "memory", "cc", VIT_TILES_CLOBBER_32);
}

/* The sums of 16 channels of a group of tiles, of one plane of samples or both;
 * with the last, the rows that tokens come from and go to are fetched. */
static inline void
sum_group (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned channel,
    unsigned n_tiles, Sums sums[2][TILES])
{
  size_t n_terms = weights->n_terms, stride = samples->stride;
  const int8_t *panel
      = (const int8_t *) weights->panels + 2 * channel * n_terms;

  memset (sums[0], 0, n_tiles * sizeof sums[0][0]);
  if (samples->low != NULL)
    memset (sums[1], 0, n_tiles * sizeof sums[1][0]);
  for (size_t k = 0; k < n_terms; k += DEPTH) {
    size_t n = n_terms - k < DEPTH ? n_terms - k : DEPTH;
    const int8_t *part = panel + 2 * VIT_BYTES_CHANNELS * k;

    for (unsigned tile = 0; tile < n_tiles; tile++) {
      unsigned row = first + tile * PATCH_TILE;

      if (n_terms - k <= DEPTH)
        vit_tiles_fetch_rows (
            product, row, PATCH_TILE, channel, VIT_BYTES_CHANNELS);
      add_terms (
          n, samples->high + row * stride + k, stride, part, sums[0][tile]);
      if (samples->low != NULL)
        add_terms (
            n, samples->low + row * stride + k, stride, part, sums[1][tile]);
    }
  }
}

static inline __m512i
centred (const VitBytesFinish *finish, int32_t sums[2][VIT_BYTES_CHANNELS])
{
  return vit_bytes_centre (
      finish, _mm512_load_si512 (sums[0]), _mm512_load_si512 (sums[1]));
}

static inline void
store_group (const VitBytesFinish *finish, unsigned first, unsigned n,
    int has_low, Sums sums[2][TILES])
{
  for (unsigned i = 0; i < n; i++) {
    __m512i high
        = centred (finish, sums[0][i / PATCH_TILE][i % PATCH_TILE]);

    vit_bytes_store (finish, first + i,
        has_low ? vit_bytes_join (finish, high,
            centred (finish, sums[1][i / PATCH_TILE][i % PATCH_TILE]))
                : _mm512_cvtepi32_ps (high));
  }
}

static void
product (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  _Alignas (64) Sums sums[2][TILES];

  for (unsigned first = 0; first < product->n_patches;
       first += TILES * PATCH_TILE) {
    unsigned n_tiles = vit_tiles_count (product, first, PATCH_TILE, TILES);
    unsigned n = product->n_patches - first;

    n = n < TILES * PATCH_TILE ? n : TILES * PATCH_TILE;
    for (unsigned channel = 0; channel < product->n_channels;
         channel += VIT_BYTES_CHANNELS) {
      VitBytesFinish finish
          = vit_bytes_finish_init (product, samples, weights, channel);

      sum_group (product, samples, weights, first, channel, n_tiles, sums);
      store_group (&finish, first, n, samples->low != NULL, sums);
    }
  }
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n,
    const int16_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelFixed vit_kernel_fixed_vnni = {
  .name = "avx512-vnni",
  .cpu = VIT_CPU_AVX512 | VIT_CPU_AVX512_VNNI,
  .product = product,
  .panels_size = vit_bytes_panels_size,
  .pack = vit_bytes_pack,
  .convert = convert_fixed,
};
