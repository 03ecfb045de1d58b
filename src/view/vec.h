/* SPDX-License-Identifier: MIT
 *
 * Sums over long float32 rows, four at a time in the compiler's own vectors, as
 * wide as every machine has them: for what is looked at, not for tokens, whose
 * sums have an order of their own.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Four floats, at any float's address. */
typedef float VitVec
    __attribute__ ((vector_size (16), aligned (4), may_alias));

static inline float
vit_vec_sum (VitVec v)
{
  return (v[0] + v[1]) + (v[2] + v[3]);
}

/* Sum of a[i] b[i], i < n. */
static inline float
vit_vec_dot (const float *a, const float *b, gsize n)
{
  const VitVec *x = (const VitVec *) (gconstpointer) a;
  const VitVec *y = (const VitVec *) (gconstpointer) b;
  VitVec even = { 0 }, odd = { 0 };
  gsize i = 0;
  float sum;

  for (; i + 8 <= n; i += 8) {
    even += x[i / 4] * y[i / 4];
    odd += x[i / 4 + 1] * y[i / 4 + 1];
  }
  sum = vit_vec_sum (even + odd);
  for (; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

G_END_DECLS
