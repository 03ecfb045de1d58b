/* SPDX-License-Identifier: MIT */
#include "signal_power.h"

#define CORRELATION 0.95

/* x becomes C x along one axis, C[i][j] = CORRELATION^|i - j|: itself, what lies
 * before and what lies after, each by one multiplication a step. */
static void
correlate (double *x, guint n, gsize stride, double *line /* [n] */)
{
  double before = 0.0, after = 0.0;

  for (guint i = 0; i < n; i++) {
    line[i] = x[i * stride];
    x[i * stride] += before;
    before = CORRELATION * (before + line[i]);
  }
  for (guint i = n; i-- > 0;) {
    x[i * stride] += after;
    after = CORRELATION * (after + line[i]);
  }
}

double
vit_signal_power (const double *weight, guint n_channels, guint patch_size)
{
  gsize area = (gsize) patch_size * patch_size;
  double *sum = g_try_new (double, 2 * area + patch_size);
  double noise = 0.0, natural = 0.0;

  if (sum == NULL)
    return -1.0;
  for (guint d = 0; d < n_channels; d++, weight += 3 * area) {
    double *spread = sum + area, *line = spread + area;

    for (gsize i = 0; i < 3 * area; i++)
      noise += weight[i] * weight[i];
    for (gsize i = 0; i < area; i++)
      spread[i] = sum[i] = weight[i] + weight[area + i] + weight[2 * area + i];
    for (guint y = 0; y < patch_size; y++)
      correlate (spread + y * patch_size, patch_size, 1, line);
    for (guint x = 0; x < patch_size; x++)
      correlate (spread + x, patch_size, patch_size, line);
    for (gsize i = 0; i < area; i++)
      natural += sum[i] * spread[i];
  }
  g_free (sum);
  return MIN (noise, natural);
}
