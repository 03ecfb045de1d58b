/* SPDX-License-Identifier: MIT */
#include "model/range.h"

#include <math.h>

/* Pixels and samples are within 131 of their centre, and no row of a colour
 * matrix, taken without signs, is above 3.5. */
#define MAX_TERM (3.5 * 131.0)

/* The cubics' weights without signs add up to at most 1.375 an axis. */
#define MAX_OVERSHOOT (1.375 * 1.375)

static double
largest_of (const float *values /* (nullable) */, gsize n)
{
  double largest = 0.0;

  for (gsize i = 0; values && i < n; i++)
    largest = MAX (largest, fabs ((double) values[i]));
  return largest;
}

static double
project (const VitModel *model, const double mean[3], const double std[3])
{
  gsize area = (gsize) model->patch_size * model->patch_size;
  const float *weight = model->weight;
  double largest = 0.0;

  for (guint d = 0; d < model->embed_dim; d++) {
    double sum = fabs ((double) model->bias[d]);

    for (guint c = 0; c < 3; c++, weight += area) {
      /* A padded frame has pixels of 255 mean; the folded bias is as far. */
      double offset = fabs (255.0 * mean[c] - 128.0) + 3.0;
      double gain = 1.0 / (255.0 * std[c]), total = 0.0;

      /* Of weights that are zero this would make NaN. */
      if (!isfinite (gain) || !isfinite (offset))
        return INFINITY;
      for (gsize i = 0; i < area; i++)
        total += fabs ((double) weight[i]);
      sum += total * gain * (fmax (MAX_TERM, offset) + offset);
    }
    largest = fmax (largest, sum);
  }
  return largest;
}

double
vit_range_of_prefix (const VitModel *model)
{
  return largest_of (model->prefix_tokens,
      (gsize) model->n_prefix_tokens * model->embed_dim);
}

/* What positions add. */
static double
position (const VitModel *model)
{
  gsize n = (gsize) model->table_rows * model->table_cols * model->embed_dim;

  return fmax (1.0, MAX_OVERSHOOT * largest_of (model->table, n));
}

/* A norm's input of n values has none above sqrt (n) of their rms. */
static double
norm (const VitModel *model)
{
  gsize width = model->embed_dim;

  return sqrt ((double) width)
      * (model->norm_weight ? largest_of (model->norm_weight, width) : 1.0)
      + largest_of (model->norm_bias, width);
}

double
vit_range_of_patches (
    const VitModel *model, const double mean[3], const double std[3])
{
  double projected = project (model, mean, std);

  if (model->norm == VIT_INPUT_NORM_NONE)
    return projected + position (model);
  if (model->norm == VIT_INPUT_NORM_LAYER)
    return fmax (norm (model), projected + position (model));
  return fmax (norm (model) + position (model), projected);
}

double
vit_range_of_tokens (
    const VitModel *model, const double mean[3], const double std[3])
{
  if (model->norm == VIT_INPUT_NORM_NONE)
    return vit_range_of_patches (model, mean, std);
  if (model->norm == VIT_INPUT_NORM_LAYER)
    return norm (model);
  return norm (model) + position (model);
}
