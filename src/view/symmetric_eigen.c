/* SPDX-License-Identifier: MIT */
#include "view/symmetric_eigen.h"

#include <math.h>

/* More than any matrix was ever seen to take: convergence is quadratic. */
#define MAX_SWEEPS 30

/* Turns the plane of axes p and q so that matrix[p][q] becomes 0. */
static void
rotate (guint n, double *a, double *vectors, guint p, guint q)
{
  double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
  double t = (theta < 0.0 ? -1.0 : 1.0) / (fabs (theta) + hypot (theta, 1.0));
  double c = 1.0 / hypot (t, 1.0), s = t * c;

  for (guint k = 0; k < n; k++) {
    double x = a[k * n + p], y = a[k * n + q];

    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
  for (guint k = 0; k < n; k++) {
    double x = a[p * n + k], y = a[q * n + k];

    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
  }
  for (guint k = 0; k < n; k++) {
    double x = vectors[k * n + p], y = vectors[k * n + q];

    vectors[k * n + p] = c * x - s * y;
    vectors[k * n + q] = s * x + c * y;
  }
}

static void
sort (guint n, double *values, double *vectors)
{
  for (guint i = 0; i < n; i++) {
    guint largest = i;
    double value;

    for (guint j = i + 1; j < n; j++) {
      if (values[j] > values[largest])
        largest = j;
    }
    value = values[i];
    values[i] = values[largest];
    values[largest] = value;
    for (guint k = 0; k < n && largest != i; k++) {
      value = vectors[k * n + i];
      vectors[k * n + i] = vectors[k * n + largest];
      vectors[k * n + largest] = value;
    }
  }
}

void
vit_symmetric_eigen (guint n, double *matrix, double *values, double *vectors)
{
  for (guint i = 0; i < n * n; i++)
    vectors[i] = i % (n + 1) == 0;

  for (guint sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    gboolean is_diagonal = TRUE;

    for (guint p = 0; p + 1 < n; p++) {
      for (guint q = p + 1; q < n; q++) {
        double scale = fabs (matrix[p * n + p]) + fabs (matrix[q * n + q]);

        if (fabs (matrix[p * n + q]) <= 1e-17 * scale)
          continue;
        is_diagonal = FALSE;
        rotate (n, matrix, vectors, p, q);
      }
    }
    if (is_diagonal)
      break;
  }
  for (guint i = 0; i < n; i++)
    values[i] = matrix[i * n + i];
  sort (n, values, vectors);
}
