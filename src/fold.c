/* SPDX-License-Identifier: MIT */
#include "fold.h"

void
vit_fold (const VitModel *model, const double mean[3], const double std[3],
    float *weight, double *bias)
{
  gsize area = (gsize) model->patch_size * model->patch_size;

  for (guint d = 0; d < model->embed_dim; d++) {
    double sum = model->bias[d];

    for (guint c = 0; c < 3; c++) {
      gsize start = (d * (gsize) 3 + c) * area;
      double gain = 1.0 / (255.0 * std[c]);
      double centre = 128.0 - 255.0 * mean[c];

      for (gsize i = start; i < start + area; i++) {
        double folded = model->weight[i] * gain;

        weight[i] = (float) folded;
        sum += folded * centre;
      }
    }
    bias[d] = sum;
  }
}
