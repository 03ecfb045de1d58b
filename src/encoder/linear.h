/* SPDX-License-Identifier: MIT
 *
 * A linear map over rows of tokens: weights of a checkpoint go in row by row, in
 * double, and lie as the panels that the float32 product of kernel.h reads.
 *
 *     panels [ceil (n_terms / chunk)][ceil (n_channels / tile)][terms][tile]
 *
 * where `terms` are those of the chunk: a map whose input is made a chunk at a
 * time is added up a chunk at a time.
 *
 * Thread-safety: immutable once filled.
 */
#pragma once

#include "base/error.h"
#include "kernel/patch.h"

G_BEGIN_DECLS

typedef struct {
  guint n_channels; /* 0: there is no such map */
  gsize n_terms;
  gsize chunk; /* terms */
  guint tile;  /* channels of a panel */
  float *panels;
  float *bias; /* [n_channels]; zeros where there is none */

  /* The square sums of all weights and of the bias: no output row is longer than
   * the root of the one times its input's length, plus that of the other. */
  double weight_squares;
  double bias_squares;
} VitLinear;

/* VitProduct.chunk: terms that are normed, or shares, have signs and sizes of all
 * kinds, so more of them may be summed at once than pixels.  Shares of a softmax are
 * all positive and sum to 1 at most: those of a block of keys may all be. */
#define VIT_LINEAR_SUMMED 128

/* The terms of one chunk of a map that is computed whole. */
#define VIT_LINEAR_WHOLE G_MAXSIZE

/* All weights zero.  `chunk`: at most n_terms of it count.  Errors: NO_MEMORY.
 * Clear with vit_linear_clear(), also after an error. */
gboolean vit_linear_init (VitLinear *linear, guint n_channels, gsize n_terms,
    gsize chunk, const VitKernelF32 *kernel, GError **error);
void vit_linear_clear (VitLinear *linear);

/* Of memory, in bytes, without allocating it; G_MAXUINT64 for too much. */
guint64 vit_linear_size (guint n_channels, gsize n_terms);

/* FALSE where a number leaves float32. */
gboolean vit_linear_set_row (VitLinear *linear, guint channel,
    const double *weight /* [n_terms] */, double bias);
void vit_linear_set_column (
    VitLinear *linear, gsize term, const float *weight /* [n_channels] */);

/* Room for the rows of one product, of at most `n` tokens. */
typedef struct {
  const float **add; /* [n] */
  float **out;       /* [n] */
} VitLinearRows;

/* out[i][d] = bias[first + d] + sum over k of in[i][k] w[first + d][k] for
 * i < n, d < n_channels.  `first` is a multiple of the tile.  `in` has 31 rows
 * more that may be read. */
void vit_linear_apply (const VitLinear *linear, const VitKernelF32 *kernel,
    const VitLinearRows *rows, guint n, const float *in, gsize in_stride,
    guint first, guint n_channels, float *out, gsize out_stride);

/* out[i][d] += the terms of chunk `c`, which `in` begins with, and with chunk 0
 * the bias. */
void vit_linear_add_chunk (const VitLinear *linear, const VitKernelF32 *kernel,
    const VitLinearRows *rows, guint n, const float *in, gsize in_stride,
    gsize c, float *out, gsize out_stride);

/* The number of chunks, and terms of chunk `c`. */
gsize vit_linear_n_chunks (const VitLinear *linear);
gsize vit_linear_chunk_terms (const VitLinear *linear, gsize c);

G_END_DECLS
