/* SPDX-License-Identifier: MIT
 *
 * The products in C: the text that every other kernel is tested against.  The
 * vector type is the compilers' own, which any machine has.
 */
#include "kernel/convert.h"

#include <math.h>

#define CHANNEL_TILE 16
#define LANES 4
#define VECTORS (CHANNEL_TILE / LANES)

typedef float Vector __attribute__ ((vector_size (LANES * sizeof (float))));

/* Adds the sum of some terms of one patch to those before. */
static inline void
add_chunk (const float *patch, const float *panel, size_t n_terms,
    Vector total[VECTORS])
{
  const Vector *weights = (const Vector *) panel;
  Vector sum[VECTORS] = { { 0.0f } };

  for (size_t k = 0; k < n_terms; k++, weights += VECTORS) {
    for (unsigned v = 0; v < VECTORS; v++)
      sum[v] += patch[k] * weights[v];
  }
  for (unsigned v = 0; v < VECTORS; v++)
    total[v] += sum[v];
}

static void
product_f32 (const VitProduct *product, size_t n_terms, const float *patches,
    size_t patch_stride, const float *panels)
{
  for (unsigned first = 0; first < product->n_channels;
       first += CHANNEL_TILE, panels += n_terms * CHANNEL_TILE) {
    for (unsigned i = 0; i < product->n_patches; i++) {
      Vector total[VECTORS] = { { 0.0f } };

      for (size_t k = 0; k < n_terms; k += VIT_F32_CHUNK)
        add_chunk (patches + i * patch_stride + k, panels + k * CHANNEL_TILE,
            n_terms - k < VIT_F32_CHUNK ? n_terms - k : VIT_F32_CHUNK, total);
      for (unsigned d = 0;
           d < CHANNEL_TILE && first + d < product->n_channels; d++) {
        product->out[i][first + d]
            = product->add[i][first + d] + total[d / LANES][d % LANES];
      }
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

/* One patch, one channel: centred bytes, whose sum stays within 32 bits. */
static int32_t
sum_bytes (const uint8_t *bytes, const int16_t *q, size_t n_terms)
{
  int32_t sum = 0;

  for (size_t k = 0; k < n_terms; k++)
    sum += q[k] * (bytes[k] - 128);
  return sum;
}

static void
product_fixed (const VitProduct *product, const VitFixedSamples *samples,
    const VitFixedWeights *weights)
{
  for (unsigned i = 0; i < product->n_patches; i++) {
    for (unsigned d = 0; d < product->n_channels; d++) {
      const int16_t *q
          = (const int16_t *) weights->panels + d * weights->n_terms;
      int64_t sum = sum_bytes (
          samples->high + i * samples->stride, q, weights->n_terms);

      if (samples->low != NULL) {
        sum = 256 * sum
            + sum_bytes (
                samples->low + i * samples->stride, q, weights->n_terms);
        sum += (int64_t) (256 * 128 + 128 - samples->centre) * weights->sum[d];
      }
      product->out[i][d]
          = fmaf ((float) sum, weights->scale[d], product->add[i][d]);
    }
  }
}

static size_t
panels_size (unsigned n_channels, size_t n_terms)
{
  return n_channels * n_terms * sizeof (int16_t);
}

static void
pack (const int16_t *q, unsigned n_channels, size_t n_terms, void *panels)
{
  int16_t *to = panels;

  for (size_t i = 0; i < n_channels * n_terms; i++)
    to[i] = q[i];
}

static void
convert_fixed (const VitConvertFixed *convert, size_t n,
    const int16_t *samples, uint8_t *high, uint8_t *low)
{
  vit_convert_fixed (convert, n, samples, high, low);
}

const VitKernelF32 vit_kernel_f32_c = {
  .name = "c",
  .cpu = 0,
  .channel_tile = CHANNEL_TILE,
  .patch_tile = 1,
  .product = product_f32,
  .widen = widen,
  .convert = convert_f32,
};

const VitKernelFixed vit_kernel_fixed_c = {
  .name = "c",
  .cpu = 0,
  .product = product_fixed,
  .panels_size = panels_size,
  .pack = pack,
  .convert = convert_fixed,
};
