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

static gboolean
init_f32 (VitProjection *projection, const double *weight, guint n_channels,
    GError **error)
{
  gsize n_terms = projection->n_terms;
  gsize unit = VIT_ALIGNMENT / sizeof (float);

  projection->f32 = vit_kernel_choose_f32 (vit_cpu_mask ());
  /* Whole cache lines, an odd number of them: else the rows of a tile meet in a
   * few sets of the cache. */
  projection->stride = ((n_terms + unit - 1) / unit | 1) * unit;
  for (gsize i = 0; i < n_channels * n_terms; i++) {
    if (!isfinite ((float) weight[i]))
      return refuse_weights (error);
  }
  projection->f32_panels
      = vit_try_aligned (vit_pack_panels_size (n_channels, n_terms,
                             projection->f32->channel_tile),
          sizeof (float), error);
  if (projection->f32_panels == NULL)
    return FALSE;
  vit_pack_panels (weight, n_channels, n_terms, projection->f32->channel_tile,
      projection->f32_panels);
  return TRUE;
}

static gboolean
init_fixed (VitProjection *projection, const double *weight, guint n_channels,
    const guint8 *component, double unit, GError **error)
{
  gsize n_padded = (n_channels + (gsize) 15) / 16 * 16;
  gsize n_terms = (projection->n_terms + VIT_KERNEL_TERM_ALIGN - 1)
      / VIT_KERNEL_TERM_ALIGN * VIT_KERNEL_TERM_ALIGN;
  const VitKernelFixed *kernel = vit_kernel_choose_fixed (vit_cpu_mask ());
  gint16 *q = vit_try_aligned (n_channels * n_terms, sizeof (gint16), error);
  gboolean fits;

  projection->fixed = kernel;
  projection->stride = n_terms;
  if (q != NULL)
    projection->fixed_panels = vit_try_aligned (
        kernel->panels_size (n_channels, n_terms), 1, error);
  if (projection->fixed_panels != NULL)
    projection->scale = vit_try_aligned (n_padded, sizeof (float), error);
  if (projection->scale != NULL)
    projection->sum = vit_try_aligned (n_padded, sizeof (gint32), error);
  if (projection->sum == NULL) {
    free (q);
    return FALSE;
  }
  memset (projection->scale, 0, n_padded * sizeof (float));
  memset (projection->sum, 0, n_padded * sizeof (gint32));
  fits = vit_quantise (weight, n_channels, projection->n_terms, component, q,
      n_terms, projection->scale, projection->sum);
  if (fits) {
    kernel->pack (q, n_channels, n_terms, projection->fixed_panels);
    for (guint d = 0; d < n_channels; d++)
      projection->scale[d] *= (float) unit;
    projection->weights = (VitFixedWeights) { projection->fixed_panels,
      n_terms, projection->scale, projection->sum };
  }
  free (q);
  return fits || refuse_weights (error);
}

gboolean
vit_projection_init (VitProjection *projection, VitPrecision precision,
    const double *weight, guint n_channels, gsize n_terms,
    const guint8 *component, double unit, GError **error)
{
  memset (projection, 0, sizeof *projection);
  projection->precision = precision;
  projection->n_terms = n_terms;
  if (precision == VIT_PRECISION_F32)
    return init_f32 (projection, weight, n_channels, error);
  return init_fixed (
      projection, weight, n_channels, component, unit, error);
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
