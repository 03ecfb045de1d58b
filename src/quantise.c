/* SPDX-License-Identifier: MIT */
#include "quantise.h"

#include <math.h>
#include <string.h>

#include "kernel.h"

/* The smallest float32 step that keeps both bounds, or 0 for a channel of
 * zeros.  Rounding adds at most half a step a term to the sum. */
static float
choose_step (const double *weight, gsize n_terms)
{
  double largest = 0.0, total = 0.0, step;
  float rounded;

  for (gsize k = 0; k < n_terms; k++) {
    largest = MAX (largest, fabs (weight[k]));
    total += fabs (weight[k]);
  }
  step = MAX (largest / VIT_FIXED_MAX_WEIGHT,
      total / (VIT_FIXED_MAX_SUM - 0.5 * (double) n_terms));
  rounded = (float) step;
  return rounded < step ? nextafterf (rounded, INFINITY) : rounded;
}

gboolean
vit_quantise (const double *weight, guint n_channels, gsize n_terms, gint16 *q,
    gsize stride, float *scale, gint32 *sum, double *noise)
{
  g_return_val_if_fail (n_terms < VIT_FIXED_MAX_SUM, FALSE);

  *noise = 0.0;
  memset (q, 0, n_channels * stride * sizeof (gint16));
  for (guint d = 0; d < n_channels; d++) {
    const double *row = weight + d * n_terms;
    float step = choose_step (row, n_terms);

    /* A step below the normal range is too coarse itself. */
    if (!isfinite (step) || (step != 0.0f && step < 1e-30f))
      return FALSE;
    scale[d] = step;
    sum[d] = 0;
    for (gsize k = 0; k < n_terms && step != 0.0f; k++) {
      gint32 value = (gint32) lrint (row[k] / step);

      q[d * stride + k] = (gint16) value;
      sum[d] += value;
    }
    *noise += (double) n_terms * step * step / 12.0;
  }
  return TRUE;
}
