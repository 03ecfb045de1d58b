/* SPDX-License-Identifier: MIT
 *
 * The fixed-point product in AMX tiles: 32 patches x 16 channels x 2 planes of
 * the weights (bytes.h).
 *
 *     tile   0, 1      sums, high plane of the weights, patches 0-15, 16-31
 *            2, 3      sums, low plane
 *            4, 5      samples: 16 patches x 64 terms
 *            6, 7      weights: 64 terms x 16 channels, high and low plane
 */
/* clang before 17 spells it without the underscore. */
#if !(defined(__AMX_INT8__) || defined(__AMXINT8__)) || !defined(__AVX512DQ__)
#error "patch_amx.c must be compiled with AMX-INT8 and AVX-512 DQ"
#endif

#include "kernel/bytes.h"
#include "kernel/convert.h"

#define PATCH_TILE 32

/* Sums of one tile: [patch][channel]. */
typedef struct {
  int32_t plane[2][PATCH_TILE][VIT_BYTES_CHANNELS];
} Sums;

/* All eight tiles are whole: 16 rows of 64 bytes.  A constant, because gcc
 * takes _tile_loadconfig() to read 8 bytes only, and would leave out stores. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} tile_config = {
  .palette = 1,
  .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
  .rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
};

/* Unsigned samples times signed weights. */
static inline void
sum_tile (const uint8_t *samples, size_t stride, const int8_t *panel,
    size_t n_terms, Sums *sums)
{
  _tile_zero (0);
  _tile_zero (1);
  _tile_zero (2);
  _tile_zero (3);
  for (size_t k = 0; k < n_terms;
       k += VIT_BYTES_TERMS, panel += 2 * VIT_BYTES_PLANE) {
    _tile_loadd (4, samples + k, stride);
    _tile_loadd (6, panel, 64);
    _tile_loadd (7, panel + VIT_BYTES_PLANE, 64);
    _tile_dpbusd (0, 4, 6);
    _tile_dpbusd (2, 4, 7);
    _tile_loadd (5, samples + 16 * stride + k, stride);
    _tile_dpbusd (1, 5, 6);
    _tile_dpbusd (3, 5, 7);
  }
  _tile_stored (0, sums->plane[0][0], 64);
  _tile_stored (1, sums->plane[0][16], 64);
  _tile_stored (2, sums->plane[1][0], 64);
  _tile_stored (3, sums->plane[1][16], 64);
}

static inline __m512i
centred (const VitBytesFinish *finish, const Sums *sums, unsigned i)
{
  return vit_bytes_centre (finish, _mm512_loadu_si512 (sums->plane[0][i]),
      _mm512_loadu_si512 (sums->plane[1][i]));
}

/* One panel of channels for up to 32 patches. */
static inline void
product_panel (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights, unsigned first, unsigned channel)
{
  const int8_t *panel
      = (const int8_t *) weights->panels + 2 * channel * weights->n_terms;
  VitBytesFinish finish
      = vit_bytes_finish_init (product, samples, weights, channel);
  size_t start = first * samples->stride;
  unsigned n = product->n_patches - first;
  Sums high, low;

  n = n < PATCH_TILE ? n : PATCH_TILE;
  sum_tile (samples->high + start, samples->stride, panel, weights->n_terms,
      &high);
  if (samples->low == NULL) {
    for (unsigned i = 0; i < n; i++)
      vit_bytes_store (&finish, first + i,
          _mm512_cvtepi32_ps (centred (&finish, &high, i)));
    return;
  }
  sum_tile (
      samples->low + start, samples->stride, panel, weights->n_terms, &low);
  for (unsigned i = 0; i < n; i++)
    vit_bytes_store (&finish, first + i,
        vit_bytes_join (&finish, centred (&finish, &high, i),
            centred (&finish, &low, i)));
}

static void
product (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  _tile_loadconfig (&tile_config);
  for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE) {
    for (unsigned channel = 0; channel < product->n_channels;
         channel += VIT_BYTES_CHANNELS)
      product_panel (product, samples, weights, first, channel);
  }
  _tile_release ();
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n,
    const int16_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelFixed vit_kernel_fixed_amx = {
  .name = "amx",
  .cpu = VIT_CPU_AVX512 | VIT_CPU_AMX,
  .product = product,
  .panels_size = vit_bytes_panels_size,
  .pack = vit_bytes_pack,
  .convert = convert_fixed,
};
