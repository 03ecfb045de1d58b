/* SPDX-License-Identifier: MIT */
#include "view/axes.h"

#include <math.h>
#include <string.h>

#include "view/symmetric_eigen.h"

/* The least cosine of an old axis with the new space. */
#define NEAR 0.3

/* (m m')^(-1/2) m; FALSE where m shortens some direction to less than NEAR. */
static gboolean
nearest_orthogonal (const double m[9], double out[9])
{
  double square[9], values[3], vectors[9], root[9];

  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < 3; j++) {
      square[3 * i + j] = 0.0;
      for (guint k = 0; k < 3; k++)
        square[3 * i + j] += m[3 * i + k] * m[3 * j + k];
    }
  }
  vit_symmetric_eigen (3, square, values, vectors);
  if (!(values[2] >= NEAR * NEAR))
    return FALSE;
  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < 3; j++) {
      root[3 * i + j] = 0.0;
      for (guint k = 0; k < 3; k++)
        root[3 * i + j]
            += vectors[3 * i + k] * vectors[3 * j + k] / sqrt (values[k]);
    }
  }
  for (guint i = 0; i < 3; i++) {
    for (guint j = 0; j < 3; j++) {
      out[3 * i + j] = 0.0;
      for (guint k = 0; k < 3; k++)
        out[3 * i + j] += root[3 * i + k] * m[3 * k + j];
    }
  }
  return TRUE;
}

/* The order of the basis vectors that is nearest to the axes. */
static const guint8 *
match (const double turn[9])
{
  static const guint8 orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  double best = -1.0;
  guint found = 0;

  for (guint o = 0; o < 6; o++) {
    double sum = 0.0;

    for (guint i = 0; i < 3; i++)
      sum += fabs (turn[3 * i + orders[o][i]]);
    if (sum > best) {
      best = sum;
      found = o;
    }
  }
  return orders[found];
}

gboolean
vit_axes_follow (const double overlap[9], double rate, double turn[9])
{
  double nearest[9], mixed[9];
  const guint8 *order;

  if (!nearest_orthogonal (overlap, nearest))
    return FALSE;
  order = match (nearest);
  for (guint i = 0; i < 9; i++)
    mixed[i] = (1.0 - rate) * nearest[i];
  for (guint i = 0; i < 3; i++) {
    guint at = 3 * i + order[i];

    mixed[at] += nearest[at] < 0.0 ? -rate : rate;
  }
  return nearest_orthogonal (mixed, turn);
}
