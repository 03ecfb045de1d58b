/* SPDX-License-Identifier: MIT */
#include "view/token_pca.h"

#include <math.h>
#include <string.h>

#include "view/axes.h"
#include "view/token_space.h"

/* Of the way from where it is to where it should be, a frame. */
#define TURN_RATE 0.05
#define RANGE_RATE 0.1

#define N VIT_PCA_COMPONENTS

G_STATIC_ASSERT (N == VIT_TOKEN_SPACE_COMPONENTS);

struct _VitTokenPca {
  VitTokenSpace space;
  float *axes; /* [N][embed_dim]; NULL before the first frame */
  gboolean has_axes;
  double origin[N]; /* the middle of the range, along the axes */
  double spread[N]; /* the standard deviation that the range stands for */
  double share[N];
};

VitTokenPca *
vit_token_pca_new (void)
{
  return g_new0 (VitTokenPca, 1);
}

void
vit_token_pca_reset (VitTokenPca *pca)
{
  vit_token_space_reset (&pca->space);
  g_clear_pointer (&pca->axes, g_free);
  pca->has_axes = FALSE;
}

void
vit_token_pca_free (VitTokenPca *pca)
{
  if (pca == NULL)
    return;
  vit_token_pca_reset (pca);
  vit_token_space_clear (&pca->space);
  g_free (pca);
}

const float *
vit_token_pca_axis (const VitTokenPca *pca, guint component)
{
  if (!pca->has_axes)
    return NULL;
  return pca->axes + component * vit_subspace_embed_dim (pca->space.subspace);
}

double
vit_token_pca_share (const VitTokenPca *pca, guint component)
{
  return pca->has_axes ? pca->share[component] : 0.0;
}

/* How the shown axes lie among the components: row i of `turn` is axis i. */
static void
turn_axes (VitTokenPca *pca, double turn[N * N])
{
  gsize n = vit_subspace_embed_dim (pca->space.subspace);
  double overlap[N * N];

  if (pca->has_axes) {
    for (guint i = 0; i < N; i++)
      vit_subspace_overlap (
          pca->space.subspace, pca->axes + i * n, N, overlap + i * N);
    pca->has_axes = vit_axes_follow (overlap, TURN_RATE, turn);
  }
  if (!pca->has_axes) {
    for (guint i = 0; i < N * N; i++)
      turn[i] = i % (N + 1) == 0;
  }
  for (guint i = 0; i < N; i++)
    vit_subspace_combine (
        pca->space.subspace, turn + i * N, N, pca->axes + i * n);
}

/* A component's sign is that of its largest value. */
static void
choose_signs (VitTokenPca *pca, double turn[N * N])
{
  gsize n = vit_subspace_embed_dim (pca->space.subspace);

  for (guint i = 0; i < N; i++) {
    float *axis = pca->axes + i * n, largest = 0.0f;

    for (gsize d = 0; d < n; d++) {
      if (fabsf (axis[d]) > fabsf (largest))
        largest = axis[d];
    }
    if (largest >= 0.0f)
      continue;
    for (gsize d = 0; d < n; d++)
      axis[d] = -axis[d];
    for (guint j = 0; j < N; j++)
      turn[i * N + j] = -turn[i * N + j];
  }
}

/* Mean and standard deviation of the frame's tokens along an axis. */
static void
measure_axis (const VitTokenPca *pca, const double *turn /* [N] */,
    double *mean, double *spread)
{
  const VitSubspace *subspace = pca->space.subspace;
  double variance = 0.0;

  *mean = 0.0;
  for (guint j = 0; j < N; j++) {
    variance += turn[j] * turn[j] * vit_subspace_variance (subspace, j);
    *mean += turn[j] * vit_subspace_mean (subspace, j);
  }
  *spread = fmax (sqrt (variance), vit_token_space_floor (&pca->space));
}

/* Whether the frame is of another scene: its colours would be all at one end of
 * the range, or pale.  They may as well start anew. */
static gboolean
is_other_scene (const VitTokenPca *pca, const double turn[N * N])
{
  for (guint i = 0; i < N; i++) {
    double mean, spread;

    measure_axis (pca, turn + i * N, &mean, &spread);
    if (fabs (mean - pca->origin[i]) > pca->spread[i]
        || spread > 2.0 * pca->spread[i] || spread < 0.5 * pca->spread[i])
      return TRUE;
  }
  return FALSE;
}

/* Middle and range along each axis, and what share of the variance it has. */
static void
follow_range (
    VitTokenPca *pca, const double turn[N * N], gboolean is_first)
{
  double total = vit_subspace_total_variance (pca->space.subspace);

  for (guint i = 0; i < N; i++) {
    double mean, spread;

    measure_axis (pca, turn + i * N, &mean, &spread);
    if (is_first) {
      pca->spread[i] = spread;
      pca->origin[i] = mean;
    } else {
      pca->spread[i] *= pow (spread / pca->spread[i], RANGE_RATE);
      pca->origin[i] += RANGE_RATE * (mean - pca->origin[i]);
    }
    pca->share[i] = total > 0.0 && vit_token_space_differs (&pca->space, turn + i * N)
                        ? MIN (spread * spread / total, 1.0)
                        : 0.0;
  }
}

/* Of the `n` patches those that are shown, in their order, were projected. */
static void
write_colours (const VitTokenPca *pca, const double turn[N * N],
    const guint8 *shown, guint n, float *colours)
{
  float weights[N][VIT_SUBSPACE_DIM], offset[N];
  const float *at = pca->space.projected;

  for (guint i = 0; i < N; i++) {
    double scale = 0.25 / pca->spread[i];

    vit_subspace_weights (pca->space.subspace, turn + i * N, N, scale, weights[i]);
    offset[i] = (float) (0.5 - scale * pca->origin[i]);
  }
  for (guint p = 0; p < n; p++) {
    if (shown && !shown[p])
      continue;
    for (guint i = 0; i < N; i++) {
      float value = offset[i];

      for (guint k = 0; k < VIT_SUBSPACE_DIM; k++)
        value += weights[i][k] * at[k];
      colours[(gsize) p * N + i] = CLAMP (value, 0.0f, 1.0f);
    }
    at += VIT_SUBSPACE_DIM;
  }
}

/* From what was measured to axes and ranges. */
static void
follow (VitTokenPca *pca, double turn[N * N])
{
  gboolean is_first;

  turn_axes (pca, turn);
  if (pca->has_axes && is_other_scene (pca, turn)) {
    pca->has_axes = FALSE;
    turn_axes (pca, turn);
  }
  is_first = !pca->has_axes;
  if (is_first)
    choose_signs (pca, turn);
  pca->has_axes = TRUE;
  follow_range (pca, turn, is_first);
}

static gboolean
is_any_shown (const guint8 *shown, guint n)
{
  guint p = 0;

  while (shown && p < n && !shown[p])
    p++;
  return p < n;
}

/* FALSE where there is not the memory. */
static gboolean
measure (VitTokenPca *pca, const VitTokenView *views, guint n_views,
    const guint8 *shown)
{
  const VitSubspace *before = pca->space.subspace;
  guint embed_dim = views[0].embed_dim;
  gboolean is_new;

  if (before && vit_subspace_embed_dim (before) != embed_dim)
    vit_token_pca_reset (pca);
  if (!pca->axes)
    pca->axes = g_try_new0 (float, (gsize) N * embed_dim);
  if (pca->axes
      && vit_token_space_measure (
          &pca->space, views, n_views, shown, &is_new))
    return TRUE;
  vit_token_pca_reset (pca);
  return FALSE;
}

gboolean
vit_token_pca_update (VitTokenPca *pca, const VitTokenView *views,
    guint n_views, const guint8 *shown, float *colours)
{
  guint n = vit_token_views_n_patches (views, n_views);
  double turn[N * N];

  for (gsize i = 0; i < (gsize) n * N; i++)
    colours[i] = 0.5f;
  if (!is_any_shown (shown, n))
    return TRUE;
  if (!measure (pca, views, n_views, shown))
    return FALSE;
  if (!vit_subspace_is_finite (pca->space.subspace)) {
    vit_token_pca_reset (pca);
    return TRUE;
  }
  follow (pca, turn);
  write_colours (pca, turn, shown, n, colours);
  vit_subspace_step (pca->space.subspace);
  return TRUE;
}
