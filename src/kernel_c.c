/* SPDX-License-Identifier: MIT
 *
 * The product in C: the text that every other kernel is tested against.  The
 * vector type is the compilers' own, which any machine has.
 */
#include "kernel.h"

#define CHANNEL_TILE 16

#define LANES 4
#define VECTORS (CHANNEL_TILE / LANES)

typedef float Vector __attribute__ ((vector_size (LANES * sizeof (float))));

static void
product_f32 (unsigned n_patches, unsigned n_channels, size_t n_terms,
    const float *patches, size_t patch_stride, const float *panel,
    const float *add, size_t add_stride, float *out, size_t out_stride)
{
  for (unsigned i = 0; i < n_patches; i++) {
    const Vector *weights = (const Vector *) panel;
    Vector sum[VECTORS] = { { 0.0f } };

    for (size_t k = 0; k < n_terms; k++, weights += VECTORS) {
      for (unsigned v = 0; v < VECTORS; v++)
        sum[v] += patches[i * patch_stride + k] * weights[v];
    }
    for (unsigned d = 0; d < n_channels; d++) {
      out[i * out_stride + d]
          = add[i * add_stride + d] + sum[d / LANES][d % LANES];
    }
  }
}

const VitKernel vit_kernel_c = {
  .name = "c",
  .cpu = 0,
  .patch_tile = 1,
  .channel_tile = CHANNEL_TILE,
  .product_f32 = product_f32,
};
