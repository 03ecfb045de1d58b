/* SPDX-License-Identifier: MIT
 *
 * The fixed-point product with AVX-512 VNNI: 12 patches x 16 channels x 2
 * planes of the weights (kernel_bytes.h) in 24 registers, four terms an
 * instruction.
 */
#if !defined(__AVX512VNNI__) || !defined(__AVX512DQ__)
#error "kernel_avx512_vnni.c must be compiled with AVX-512 DQ and VNNI"
#endif

#include "kernel_bytes.h"
#include "kernel_convert.h"

#define PATCH_TILE 12

typedef int32_t __attribute__ ((may_alias)) FourBytes;

/* out[i] = the high and the low plane's sums of patch i.  Summed in an array of
 * its own, which is never indexed but by constants, so that it lives in
 * registers; the broadcast is written as assembly because gcc else lifts all
 * twelve to the front and spills the sums. */
static inline void
sum_tile (const uint8_t *samples, size_t stride, const int8_t *panel,
    size_t n_terms, __m512i out[PATCH_TILE][2])
{
  __m512i sum[PATCH_TILE][2];

#pragma GCC unroll 12
  for (unsigned i = 0; i < PATCH_TILE; i++)
    sum[i][0] = sum[i][1] = _mm512_setzero_si512 ();

  for (size_t k = 0; k < n_terms; k += VIT_BYTES_TERMS) {
    for (unsigned row = 0; row < VIT_BYTES_TERMS / 4; row++) {
      __m512i high = _mm512_load_si512 (panel + row * 64);
      __m512i low = _mm512_load_si512 (panel + VIT_BYTES_PLANE + row * 64);

#pragma GCC unroll 12
      for (unsigned i = 0; i < PATCH_TILE; i++) {
        __m512i four;

        __asm__ volatile ("vpbroadcastd %1, %0"
                          : "=v"(four)
                          : "m"(*(const FourBytes *) (samples + i * stride
                              + k + 4 * row)));
        sum[i][0] = _mm512_dpbusd_epi32 (sum[i][0], four, high);
        sum[i][1] = _mm512_dpbusd_epi32 (sum[i][1], four, low);
      }
    }
    panel += 2 * VIT_BYTES_PLANE;
  }
#pragma GCC unroll 12
  for (unsigned i = 0; i < PATCH_TILE; i++) {
    out[i][0] = sum[i][0];
    out[i][1] = sum[i][1];
  }
}

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
  __m512i sum[PATCH_TILE][2], high[PATCH_TILE];

  n = n < PATCH_TILE ? n : PATCH_TILE;
  sum_tile (
      samples->high + start, samples->stride, panel, weights->n_terms, sum);
  for (unsigned i = 0; i < n; i++)
    high[i] = vit_bytes_centre (&finish, sum[i][0], sum[i][1]);
  if (samples->low == NULL) {
    for (unsigned i = 0; i < n; i++)
      vit_bytes_store (&finish, first + i, _mm512_cvtepi32_ps (high[i]));
    return;
  }
  sum_tile (
      samples->low + start, samples->stride, panel, weights->n_terms, sum);
  for (unsigned i = 0; i < n; i++)
    vit_bytes_store (&finish, first + i,
        vit_bytes_join (&finish, high[i],
            vit_bytes_centre (&finish, sum[i][0], sum[i][1])));
}

static void
product (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  for (unsigned channel = 0; channel < product->n_channels;
       channel += VIT_BYTES_CHANNELS) {
    for (unsigned first = 0; first < product->n_patches; first += PATCH_TILE)
      product_panel (product, samples, weights, first, channel);
  }
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n,
    const int32_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelFixed vit_kernel_fixed_avx512_vnni = {
  .name = "avx512-vnni",
  .cpu = VIT_CPU_AVX512 | VIT_CPU_AVX512_VNNI,
  .product = product,
  .panels_size = vit_bytes_panels_size,
  .pack = vit_bytes_pack,
  .convert = convert_fixed,
};
