/* SPDX-License-Identifier: MIT */
#include "patch/fold.h"

#include <string.h>

void
vit_fold_pixels (const VitModel *model, const double mean[3],
    const double std[3], double pixel_centre, guint first, guint n_channels,
    double *weight, double *bias)
{
  gsize area = (gsize) model->patch_size * model->patch_size;
  const float *from = model->weight + first * 3 * area;

  for (guint d = 0; d < n_channels; d++) {
    double sum = model->bias[first + d];

    for (guint c = 0; c < 3; c++) {
      gsize start = (d * (gsize) 3 + c) * area;
      double gain = 1.0 / (255.0 * std[c]);
      double centre = pixel_centre - 255.0 * mean[c];

      for (gsize i = start; i < start + area; i++) {
        weight[i] = from[i] * gain;
        sum += weight[i] * centre;
      }
    }
    bias[d] = sum;
  }
}

/* Adds what colour c of all pixels takes from component k, of one channel. */
static void
fold_component (const VitSamples *samples, guint c, guint k, double factor,
    const double *pixel_weight, double *weight)
{
  const VitComponent *component = &samples->format.pixel->component[k];
  guint size = samples->patch_size, shift = component->shift_x;
  const double *from = pixel_weight + c * (gsize) size * size;

  for (guint y = 0; y < size; y++, from += size) {
    gsize first, step;
    double *to;

    vit_samples_terms (samples, k, y >> component->shift_y, &first, &step);
    to = weight + first;
    for (guint x = 0; x < size; x++)
      to[(x >> shift) * step] += from[x] * factor;
  }
}

void
vit_fold_samples (const VitSamples *samples, guint n_channels,
    const double *pixel_weight, double *weight)
{
  gsize n_pixels = (gsize) 3 * samples->patch_size * samples->patch_size;
  double matrix[3][4];

  vit_image_sample_to_pixel (&samples->format, matrix);
  memset (weight, 0, n_channels * samples->n_terms * sizeof (double));
  for (guint d = 0; d < n_channels; d++) {
    for (guint i = 0; i < 9; i++) {
      if (matrix[i / 3][i % 3] != 0.0)
        fold_component (samples, i / 3, i % 3, matrix[i / 3][i % 3],
            pixel_weight + d * n_pixels, weight + d * samples->n_terms);
    }
  }
}
