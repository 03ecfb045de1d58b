/* SPDX-License-Identifier: MIT */
#include "patch/quantise.h"

#include <math.h>
#include <string.h>

#include "kernel/patch.h"

/* Weights that are this small beside the largest of all are what is left of
 * numbers that cancel; tokens do not show them. */
#define NEGLIGIBLE 1e-15

double
vit_quantise_largest (const double *weight, gsize n)
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

/* The smallest float32 step that keeps both bounds.  Rounding adds at most a
 * step a term to the sum. */
static float
choose_step (const double *weight, gsize n_terms)
{
  double total = 0.0, step;
  float rounded;

  for (gsize k = 0; k < n_terms; k++)
    total += fabs (weight[k]);
  step = MAX (vit_quantise_largest (weight, n_terms) / VIT_FIXED_MAX_WEIGHT,
      total / (VIT_FIXED_MAX_SUM - (double) n_terms));
  step = MAX (step, LEAST_STEP);
  rounded = (float) step;
  return rounded < step ? nextafterf (rounded, INFINITY) : rounded;
}

/* One channel's weights; what is left of each goes to the next two of its
 * component.  Returns their sum. */
static gint32
round_channel (const double *weight, gsize n_terms, const guint8 *component,
    double step, gint16 *q)
{
  double next[3] = { 0 }, after[3] = { 0 };
  gint32 sum = 0;

  for (gsize k = 0; k < n_terms; k++) {
    guint c = component ? component[k] : 0;
    double value = weight[k] / step + next[c], left;
    gint32 rounded = (gint32) lrint (value);

    rounded = CLAMP (rounded, -VIT_FIXED_MAX_WEIGHT, VIT_FIXED_MAX_WEIGHT);
    left = value - rounded;
    next[c] = after[c] + 0.5 * left;
    after[c] = 0.5 * left;
    q[k] = (gint16) rounded;
    sum += rounded;
  }
  return sum;
}

gboolean
vit_quantise (const double *weight, guint n_channels, gsize n_terms,
    double largest, const guint8 *component, gint16 *q, gsize stride,
    float *scale, gint32 *sum)
{
  g_return_val_if_fail (n_terms < VIT_FIXED_MAX_SUM, FALSE);

  double least = NEGLIGIBLE * largest;

  if (!isfinite (largest))
    return FALSE;
  memset (q, 0, n_channels * stride * sizeof (gint16));
  for (guint d = 0; d < n_channels; d++) {
    const double *row = weight + d * n_terms;
    gboolean is_zero = vit_quantise_largest (row, n_terms) <= least;
    float step = is_zero ? 0.0f : choose_step (row, n_terms);

    if (!isfinite (step))
      return FALSE;
    scale[d] = step;
    sum[d] = is_zero ? 0
                     : round_channel (
                         row, n_terms, component, step, q + d * stride);
  }
  return TRUE;
}
