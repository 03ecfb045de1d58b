/* SPDX-License-Identifier: MIT */
#include "patch/projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "patch/pack.h"
#include "patch/quantise.h"

static gboolean
refuse_weights (GError **error)
{
  g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
      "weights, mean and std together make numbers that float32 cannot hold");
  return FALSE;
}

gsize
vit_projection_stride (VitPrecision precision, gsize n_terms)
{
  gsize unit = VIT_ALIGNMENT / sizeof (float);

  if (precision == VIT_PRECISION_INT16)
    return (n_terms + VIT_KERNEL_TERM_ALIGN - 1) / VIT_KERNEL_TERM_ALIGN
        * VIT_KERNEL_TERM_ALIGN;
  /* Whole cache lines, an odd number of them: else the rows of a tile meet in a
   * few sets of the cache. */
  return ((n_terms + unit - 1) / unit | 1) * unit;
}

static gboolean
init_f32 (VitProjection *projection, guint n_channels, GError **error)
{
  gsize n_terms = projection->n_terms, n_values;

  projection->f32 = vit_kernel_choose_f32 (vit_cpu_mask ());
  n_values = vit_pack_panels_size (
      n_channels, n_terms, projection->f32->channel_tile);
  projection->f32_panels = vit_try_aligned (n_values, sizeof (float), error);
  if (projection->f32_panels == NULL)
    return FALSE;
  memset (projection->f32_panels, 0, n_values * sizeof (float));
  return TRUE;
}

static gboolean
init_fixed (VitProjection *projection, guint n_channels, GError **error)
{
  gsize n_padded = (n_channels + (gsize) 15) / 16 * 16;
  gsize n_terms = projection->stride;

  projection->fixed = vit_kernel_choose_fixed (vit_cpu_mask ());
  projection->fixed_panels = vit_try_aligned (
      projection->fixed->panels_size (n_channels, n_terms), 1, error);
  if (projection->fixed_panels != NULL)
    projection->scale = vit_try_aligned (n_padded, sizeof (float), error);
  if (projection->scale != NULL)
    projection->sum = vit_try_aligned (n_padded, sizeof (gint32), error);
  if (projection->sum == NULL)
    return FALSE;
  memset (projection->scale, 0, n_padded * sizeof (float));
  memset (projection->sum, 0, n_padded * sizeof (gint32));
  projection->weights = (VitFixedWeights) { projection->fixed_panels, n_terms,
    projection->scale, projection->sum };
  return TRUE;
}

gboolean
vit_projection_init (VitProjection *projection, VitPrecision precision,
    guint n_channels, gsize n_terms, GError **error)
{
  memset (projection, 0, sizeof *projection);
  projection->precision = precision;
  projection->n_terms = n_terms;
  projection->stride = vit_projection_stride (precision, n_terms);
  if (precision == VIT_PRECISION_F32)
    return init_f32 (projection, n_channels, error);
  return init_fixed (projection, n_channels, error);
}

static gboolean
fill_f32 (VitProjection *projection, const VitProjectionPart *part,
    GError **error)
{
  for (gsize i = 0; i < part->n_channels * projection->n_terms; i++) {
    if (!isfinite ((float) part->weight[i]))
      return refuse_weights (error);
  }
  vit_pack_panels (part->weight, part->first, part->n_channels,
      projection->n_terms, projection->f32->channel_tile,
      projection->f32_panels);
  return TRUE;
}

static gboolean
fill_fixed (VitProjection *projection, const VitProjectionPart *part,
    GError **error)
{
  const VitKernelFixed *kernel = projection->fixed;
  gsize n_terms = projection->weights.n_terms;
  float *scale = projection->scale + part->first;
  guint8 *panels = projection->fixed_panels;
  gint16 *q
      = vit_try_aligned (part->n_channels * n_terms, sizeof (gint16), error);
  gboolean fits;

  if (q == NULL)
    return FALSE;
  fits = vit_quantise (part->weight, part->n_channels, projection->n_terms,
      part->largest, part->component, q, n_terms, scale,
      projection->sum + part->first);
  if (fits) {
    kernel->pack (q, part->n_channels, n_terms,
        panels + kernel->panels_size (part->first, n_terms));
    for (guint d = 0; d < part->n_channels; d++)
      scale[d] *= (float) part->unit;
  }
  free (q);
  return fits || refuse_weights (error);
}

gboolean
vit_projection_fill (VitProjection *projection, const VitProjectionPart *part,
    GError **error)
{
  g_return_val_if_fail (part->first % VIT_KERNEL_CHANNEL_ALIGN == 0, FALSE);

  return projection->precision == VIT_PRECISION_F32
      ? fill_f32 (projection, part, error)
      : fill_fixed (projection, part, error);
}

void
vit_projection_clear (VitProjection *projection)
{
  free (projection->f32_panels);
  free (projection->fixed_panels);
  free (projection->scale);
  free (projection->sum);
  memset (projection, 0, sizeof *projection);
}
