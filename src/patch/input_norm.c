/* SPDX-License-Identifier: MIT */
#include "patch/input_norm.h"

#include <math.h>

static void
normalise (const VitModel *model, float *token /* [embed_dim] */)
{
  guint n = model->embed_dim;
  double mean = 0.0, square = 0.0, gain;

  if (model->norm == VIT_INPUT_NORM_LAYER) {
    for (guint d = 0; d < n; d++)
      mean += token[d];
    mean /= n;
  }
  for (guint d = 0; d < n; d++)
    square += (token[d] - mean) * (token[d] - mean);
  gain = 1.0 / sqrt (square / n + model->norm_epsilon);

  for (guint d = 0; d < n; d++) {
    double value = (token[d] - mean) * gain;

    if (model->norm_weight)
      value *= model->norm_weight[d];
    if (model->norm_bias)
      value += model->norm_bias[d];
    token[d] = (float) value;
  }
}

void
vit_input_norm (const VitModel *model, float *tokens, gsize n_tokens)
{
  if (model->norm == VIT_INPUT_NORM_NONE)
    return;
  for (gsize i = 0; i < n_tokens; i++)
    normalise (model, tokens + i * model->embed_dim);
}
