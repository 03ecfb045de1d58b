/* SPDX-License-Identifier: MIT */
#include "encoder/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"

static gsize
padded_channels (const VitLinear *linear)
{
  return ((gsize) linear->n_channels + linear->tile - 1) / linear->tile
         * linear->tile;
}

guint64
vit_linear_size (guint n_channels, gsize n_terms)
{
  guint64 size;

  /* No tile is wider. */
  if (!g_uint64_checked_mul (
          &size, ((guint64) n_channels + 63) / 64 * 64, n_terms)
      || !g_uint64_checked_mul (&size, size, sizeof (float)))
    return G_MAXUINT64;
  return size;
}

gboolean
vit_linear_init (VitLinear *linear, guint n_channels, gsize n_terms,
    gsize chunk, const VitKernelF32 *kernel, GError **error)
{
  gsize n;

  memset (linear, 0, sizeof *linear);
  linear->n_channels = n_channels;
  linear->n_terms = n_terms;
  linear->chunk = MIN (chunk, n_terms);
  linear->tile = kernel->channel_tile;
  n = padded_channels (linear) * n_terms;
  linear->panels = vit_try_aligned (n, sizeof (float), error);
  if (linear->panels == NULL)
    return FALSE;
  memset (linear->panels, 0, n * sizeof (float));
  linear->bias = vit_try_aligned (n_channels, sizeof (float), error);
  if (linear->bias == NULL)
    return FALSE;
  memset (linear->bias, 0, n_channels * sizeof (float));
  return TRUE;
}

void
vit_linear_clear (VitLinear *linear)
{
  free (linear->panels);
  free (linear->bias);
  memset (linear, 0, sizeof *linear);
}

gsize
vit_linear_n_chunks (const VitLinear *linear)
{
  return (linear->n_terms + linear->chunk - 1) / linear->chunk;
}

gsize
vit_linear_chunk_terms (const VitLinear *linear, gsize c)
{
  return MIN (linear->chunk, linear->n_terms - c * linear->chunk);
}

/* The panels of chunk `c` from channel `first` on. */
static float *
chunk_panels (const VitLinear *linear, gsize c, guint first)
{
  return linear->panels + c * linear->chunk * padded_channels (linear)
         + first * vit_linear_chunk_terms (linear, c);
}

static float *
place (const VitLinear *linear, guint channel, gsize term)
{
  gsize c = term / linear->chunk;

  return chunk_panels (linear, c, channel / linear->tile * linear->tile)
         + (term - c * linear->chunk) * linear->tile + channel % linear->tile;
}

gboolean
vit_linear_set_row (
    VitLinear *linear, guint channel, const double *weight, double bias)
{
  double squares = 0.0;

  for (gsize c = 0; c < vit_linear_n_chunks (linear); c++) {
    float *to = place (linear, channel, c * linear->chunk);

    for (gsize k = 0; k < vit_linear_chunk_terms (linear, c); k++)
      to[k * linear->tile] = (float) weight[c * linear->chunk + k];
  }
  for (gsize k = 0; k < linear->n_terms; k++)
    squares += weight[k] * weight[k];
  linear->bias[channel] = (float) bias;
  linear->weight_squares += squares;
  linear->bias_squares += bias * bias;
  /* Finite where each is at most float32's greatest; else it is asked one by
   * one. */
  if (squares + bias * bias <= (double) G_MAXFLOAT * G_MAXFLOAT)
    return TRUE;
  for (gsize k = 0; k < linear->n_terms; k++)
    if (!(fabs (weight[k]) <= G_MAXFLOAT))
      return FALSE;
  return fabs (bias) <= G_MAXFLOAT;
}

void
vit_linear_set_column (VitLinear *linear, gsize term, const float *weight)
{
  for (guint d = 0; d < linear->n_channels; d++) {
    *place (linear, d, term) = weight[d];
    linear->weight_squares += (double) weight[d] * weight[d];
  }
}

void
vit_linear_apply (const VitLinear *linear, const VitKernelF32 *kernel,
    const VitLinearRows *rows, guint n, const float *in, gsize in_stride,
    guint first, guint n_channels, float *out, gsize out_stride)
{
  VitProduct product
      = { n, n_channels, rows->add, rows->out, VIT_LINEAR_SUMMED };

  for (guint i = 0; i < n; i++) {
    rows->add[i] = linear->bias + first;
    rows->out[i] = out + i * out_stride;
  }
  for (gsize c = 0; c < vit_linear_n_chunks (linear); c++) {
    kernel->product (&product, vit_linear_chunk_terms (linear, c),
        in + c * linear->chunk, in_stride, chunk_panels (linear, c, first));
    for (guint i = 0; i < n; i++)
      rows->add[i] = rows->out[i];
  }
}

void
vit_linear_add_chunk (const VitLinear *linear, const VitKernelF32 *kernel,
    const VitLinearRows *rows, guint n, const float *in, gsize in_stride,
    gsize c, float *out, gsize out_stride)
{
  VitProduct product
      = { n, linear->n_channels, rows->add, rows->out, VIT_LINEAR_SUMMED };

  for (guint i = 0; i < n; i++) {
    float *row = out + i * out_stride;

    rows->add[i] = rows->out[i] = row;
    for (guint d = 0; c == 0 && d < linear->n_channels; d++)
      row[d] += linear->bias[d];
  }
  kernel->product (&product, vit_linear_chunk_terms (linear, c), in, in_stride,
      chunk_panels (linear, c, 0));
}
