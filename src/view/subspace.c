/* SPDX-License-Identifier: MIT */
#include "view/subspace.h"

#include <math.h>
#include <string.h>

#include "view/symmetric_eigen.h"
#include "view/vec.h"

#define K VIT_SUBSPACE_DIM

/* Tokens that are worked on at once, so that the sums are touched less often. */
#define BATCH 4

/* A direction shorter than this part of what it was has nothing of its own. */
#define VANISHED 1e-5f

struct _VitSubspace {
  guint embed_dim;
  gsize stride;   /* embed_dim, up to whole vectors; what is beyond is 0 */
  float *basis;   /* [K][stride]: orthonormal; 0 where embed_dim < K */
  float *product; /* [K][stride]: covariance times basis, times n_tokens */
  float *sum;     /* [stride]: of the tokens */
  float *batch;   /* [BATCH][stride] */
  double n_tokens;
  double square;       /* sum of the tokens' squared lengths */
  double total;        /* the same about their mean */
  double mean[K];      /* of the tokens, in the basis */
  double values[K];    /* variance times n_tokens */
  double vectors[K * K]; /* column j: component j in the basis */
};

/* In [-1,1), the same on every machine. */
static void
fill_random (float *values, gsize n, guint32 seed)
{
  guint32 state = seed * 2654435761u + 1;

  for (gsize d = 0; d < n; d++) {
    state = state * 1664525u + 1013904223u;
    values[d] = (float) (gint32) state * 0x1p-31f;
  }
}

static float
take_off (const VitSubspace *self, guint k)
{
  float *vector = self->basis + k * self->stride;

  /* Twice: what the first round leaves is rounding of its own size. */
  for (guint round = 0; round < 2; round++) {
    for (guint j = 0; j < k; j++) {
      const float *other = self->basis + j * self->stride;
      float part = vit_vec_dot (vector, other, self->stride);

      for (gsize d = 0; d < self->stride; d++)
        vector[d] -= part * other[d];
    }
  }
  return sqrtf (vit_vec_dot (vector, vector, self->stride));
}

static void
scale (float *vector, gsize n, float factor)
{
  for (gsize d = 0; d < n; d++)
    vector[d] *= factor;
}

/* Gram and Schmidt; a direction that vanishes is replaced by a random one. */
static void
orthonormalise (VitSubspace *self)
{
  for (guint k = 0; k < K; k++) {
    float *vector = self->basis + k * self->stride;
    float before = sqrtf (vit_vec_dot (vector, vector, self->stride)), after;

    /* Squares shall neither overflow nor vanish. */
    scale (vector, self->stride, before > 0.0f ? 1.0f / before : 0.0f);
    after = take_off (self, k);
    if (!(after > VANISHED)) {
      fill_random (vector, self->embed_dim, k + 1);
      scale (vector, self->embed_dim, 1.0f / sqrtf ((float) self->embed_dim));
      after = take_off (self, k);
    }
    scale (vector, self->stride, after > VANISHED ? 1.0f / after : 0.0f);
  }
}

VitSubspace *
vit_subspace_new (guint embed_dim)
{
  VitSubspace *self = g_new0 (VitSubspace, 1);

  self->embed_dim = embed_dim;
  self->stride = (embed_dim + (gsize) 7) / 8 * 8;
  self->basis = g_try_new0 (float, K * self->stride);
  self->product = g_try_new0 (float, K * self->stride);
  self->sum = g_try_new0 (float, self->stride);
  self->batch = g_try_new0 (float, BATCH * self->stride);
  if (!self->basis || !self->product || !self->sum || !self->batch) {
    vit_subspace_free (self);
    return NULL;
  }
  orthonormalise (self);
  return self;
}

void
vit_subspace_free (VitSubspace *self)
{
  if (self == NULL)
    return;
  g_free (self->basis);
  g_free (self->product);
  g_free (self->sum);
  g_free (self->batch);
  g_free (self);
}

guint
vit_subspace_embed_dim (const VitSubspace *self)
{
  return self->embed_dim;
}

/* at[r][k] = token r times direction k; two directions at a time. */
static void
project_batch (const VitSubspace *self, float at[BATCH][K])
{
  gsize n = self->stride / 4;
  const VitVec *tokens = (const VitVec *) (gconstpointer) self->batch;

  G_STATIC_ASSERT (K % 2 == 0 && BATCH == 4);
  for (guint k = 0; k < K; k += 2) {
    const VitVec *v
        = (const VitVec *) (gconstpointer) (self->basis + k * self->stride);
    const VitVec *w = v + n;
    VitVec a0 = { 0 }, a1 = { 0 }, a2 = { 0 }, a3 = { 0 };
    VitVec b0 = { 0 }, b1 = { 0 }, b2 = { 0 }, b3 = { 0 };

    for (gsize d = 0; d < n; d++) {
      VitVec x = v[d], y = w[d];

      a0 += x * tokens[d];
      b0 += y * tokens[d];
      a1 += x * tokens[d + n];
      b1 += y * tokens[d + n];
      a2 += x * tokens[d + 2 * n];
      b2 += y * tokens[d + 2 * n];
      a3 += x * tokens[d + 3 * n];
      b3 += y * tokens[d + 3 * n];
    }
    at[0][k] = vit_vec_sum (a0), at[0][k + 1] = vit_vec_sum (b0);
    at[1][k] = vit_vec_sum (a1), at[1][k + 1] = vit_vec_sum (b1);
    at[2][k] = vit_vec_sum (a2), at[2][k + 1] = vit_vec_sum (b2);
    at[3][k] = vit_vec_sum (a3), at[3][k + 1] = vit_vec_sum (b3);
  }
}

/* product[k] += at[r][k] token r, and the tokens' sum and squares. */
static void
add_batch (VitSubspace *self, float at[BATCH][K])
{
  gsize n = self->stride / 4;
  const VitVec *tokens = (const VitVec *) (gconstpointer) self->batch;
  VitVec *sum = (VitVec *) (gpointer) self->sum, square = { 0 };

  for (guint k = 0; k < K; k += 2) {
    VitVec *v = (VitVec *) (gpointer) (self->product + k * self->stride);
    VitVec *w = v + n;

    for (gsize d = 0; d < n; d++) {
      VitVec t0 = tokens[d], t1 = tokens[d + n];
      VitVec t2 = tokens[d + 2 * n], t3 = tokens[d + 3 * n];

      v[d] += (at[0][k] * t0 + at[1][k] * t1) + (at[2][k] * t2 + at[3][k] * t3);
      w[d] += (at[0][k + 1] * t0 + at[1][k + 1] * t1)
              + (at[2][k + 1] * t2 + at[3][k + 1] * t3);
    }
  }
  for (gsize d = 0; d < n; d++) {
    VitVec t0 = tokens[d], t1 = tokens[d + n];
    VitVec t2 = tokens[d + 2 * n], t3 = tokens[d + 3 * n];

    sum[d] += (t0 + t1) + (t2 + t3);
    square += (t0 * t0 + t1 * t1) + (t2 * t2 + t3 * t3);
  }
  self->square += vit_vec_sum (square);
}

static void
take_batch (VitSubspace *self, guint n, float **projected)
{
  float at[BATCH][K];

  /* Tokens that are not there are 0 and change no sum. */
  if (n < BATCH)
    memset (self->batch + n * self->stride, 0,
        (BATCH - n) * self->stride * sizeof (float));
  project_batch (self, at);
  add_batch (self, at);
  self->n_tokens += n;
  if (*projected != NULL) {
    memcpy (*projected, at, n * sizeof at[0]);
    *projected += n * K;
  }
}

/* What was summed, about the tokens' mean; then the components. */
static void
find_components (VitSubspace *self)
{
  double n = self->n_tokens, covariance[K * K], length = 0.0;

  for (gsize d = 0; d < self->embed_dim; d++)
    length += (double) self->sum[d] * self->sum[d];
  self->total = MAX (self->square - length / n, 0.0);
  for (guint k = 0; k < K; k++)
    self->mean[k] = vit_vec_dot (self->basis + k * self->stride, self->sum,
                        self->stride)
                    / n;
  for (guint k = 0; k < K; k++) {
    float *product = self->product + k * self->stride;
    float mean = (float) self->mean[k];

    for (gsize d = 0; d < self->stride; d++)
      product[d] -= mean * self->sum[d];
  }
  for (guint k = 0; k < K; k++) {
    for (guint j = 0; j <= k; j++)
      covariance[k * K + j] = covariance[j * K + k]
          = vit_vec_dot (self->basis + j * self->stride,
              self->product + k * self->stride, self->stride);
  }
  if (vit_subspace_is_finite (self))
    vit_symmetric_eigen (K, covariance, self->values, self->vectors);
}

void
vit_subspace_measure (VitSubspace *self, const VitTokenView *views,
    guint n_views, const guint8 *shown, guint every, float *projected)
{
  guint n_batch = 0, n_shown = 0, at = 0;

  memset (self->product, 0, K * self->stride * sizeof (float));
  memset (self->sum, 0, self->stride * sizeof (float));
  self->n_tokens = self->square = 0.0;
  for (guint i = 0; i < n_views; i++) {
    for (guint p = 0; p < vit_token_view_n_patches (&views[i]); p++, at++) {
      if ((shown && !shown[at]) || n_shown++ % every != 0)
        continue;
      vit_token_view_read (
          &views[i], p, self->batch + n_batch * self->stride);
      if (++n_batch == BATCH) {
        take_batch (self, n_batch, &projected);
        n_batch = 0;
      }
    }
  }
  if (n_batch > 0)
    take_batch (self, n_batch, &projected);
  find_components (self);
}

gboolean
vit_subspace_is_finite (const VitSubspace *self)
{
  double sum = self->square;

  for (gsize i = 0; i < K * self->stride; i++)
    sum += self->product[i];
  return isfinite (sum) && isfinite (self->total);
}

/* out = component j, or its image under the covariance, times n_tokens. */
static void
turn (const VitSubspace *self, const float *from, guint j, float *out)
{
  memset (out, 0, self->stride * sizeof *out);
  for (guint k = 0; k < K; k++) {
    float factor = (float) self->vectors[k * K + j];

    for (gsize d = 0; d < self->stride; d++)
      out[d] += factor * from[k * self->stride + d];
  }
}

double
vit_subspace_residual (const VitSubspace *self, guint n)
{
  double worst = 0.0;
  float *image = self->batch; /* between two measurements of no use */

  if (!vit_subspace_is_finite (self))
    return 0.0;
  for (guint j = 0; j < n; j++) {
    double value = self->values[j], square;

    turn (self, self->product, j, image);
    square = vit_vec_dot (image, image, self->stride);
    worst = MAX (worst, square - value * value);
  }
  return self->values[0] > 0.0 ? sqrt (worst) / self->values[0] : 0.0;
}

double
vit_subspace_variance (const VitSubspace *self, guint j)
{
  return MAX (self->values[j], 0.0) / self->n_tokens;
}

double
vit_subspace_mean (const VitSubspace *self, guint j)
{
  double mean = 0.0;

  for (guint k = 0; k < K; k++)
    mean += self->vectors[k * K + j] * self->mean[k];
  return mean;
}

double
vit_subspace_total_variance (const VitSubspace *self)
{
  return self->total / self->n_tokens;
}

double
vit_subspace_mean_square (const VitSubspace *self)
{
  return self->square / self->n_tokens;
}

void
vit_subspace_overlap (
    const VitSubspace *self, const float *axis, guint n, double *overlap)
{
  memset (overlap, 0, n * sizeof *overlap);
  for (guint k = 0; k < K; k++) {
    double product
        = vit_vec_dot (axis, self->basis + k * self->stride, self->embed_dim);

    for (guint j = 0; j < n; j++)
      overlap[j] += product * self->vectors[k * K + j];
  }
}

void
vit_subspace_weights (const VitSubspace *self, const double *factors, guint n,
    double length, float *weights)
{
  for (guint k = 0; k < K; k++) {
    double sum = 0.0;

    for (guint j = 0; j < n; j++)
      sum += factors[j] * self->vectors[k * K + j];
    weights[k] = (float) (length * sum);
  }
}

void
vit_subspace_combine (
    const VitSubspace *self, const double *factors, guint n, float *axis)
{
  float weights[K];

  vit_subspace_weights (self, factors, n, 1.0, weights);
  memset (axis, 0, self->embed_dim * sizeof *axis);
  for (guint k = 0; k < K; k++) {
    for (gsize d = 0; d < self->embed_dim; d++)
      axis[d] += weights[k] * self->basis[k * self->stride + d];
  }
}

void
vit_subspace_step (VitSubspace *self)
{
  if (!vit_subspace_is_finite (self))
    return;
  for (guint j = 0; j < K; j++)
    turn (self, self->product, j, self->basis + j * self->stride);
  orthonormalise (self);
}
