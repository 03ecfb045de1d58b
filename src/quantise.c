/* SPDX-License-Identifier: MIT */
#include "quantise.h"

#include <math.h>
#include <string.h>

#include "kernel.h"

/* Weights that are this small beside the largest of all are what is left of
 * numbers that cancel; tokens do not show them. */
#define NEGLIGIBLE 1e-15

static double
largest_of (const double *weight, gsize n)
{
  double largest = 0.0;

  for (gsize i = 0; i < n; i++) {
    if (!isfinite (weight[i]))
      return INFINITY;
    largest = MAX (largest, fabs (weight[i]));
  }
  return largest;
}

/* Below this a float32 is too coarse for a step. */
#define LEAST_STEP 1e-30

/* The smallest float32 step that keeps both bounds.  Rounding adds at most half
 * a step a term to the sum. */
static float
choose_step (const double *weight, gsize n_terms)
{
  double total = 0.0, step;
  float rounded;

  for (gsize k = 0; k < n_terms; k++)
    total += fabs (weight[k]);
  step = MAX (largest_of (weight, n_terms) / VIT_FIXED_MAX_WEIGHT,
      total / (VIT_FIXED_MAX_SUM - 0.5 * (double) n_terms));
  step = MAX (step, LEAST_STEP);
  rounded = (float) step;
  return rounded < step ? nextafterf (rounded, INFINITY) : rounded;
}

gboolean
vit_quantise (const double *weight, guint n_channels, gsize n_terms, gint16 *q,
    gsize stride, float *scale, gint32 *sum, double *noise)
{
  g_return_val_if_fail (n_terms < VIT_FIXED_MAX_SUM, FALSE);

  double least
      = NEGLIGIBLE * largest_of (weight, n_channels * n_terms);

  if (!isfinite (least))
    return FALSE;
  *noise = 0.0;
  memset (q, 0, n_channels * stride * sizeof (gint16));
  for (guint d = 0; d < n_channels; d++) {
    const double *row = weight + d * n_terms;
    gboolean is_zero = largest_of (row, n_terms) <= least;
    float step = is_zero ? 0.0f : choose_step (row, n_terms);

    if (!isfinite (step))
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
