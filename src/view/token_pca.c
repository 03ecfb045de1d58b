/* SPDX-License-Identifier: MIT */
#include "view/token_pca.h"

#include <math.h>
#include <string.h>

#include "view/axes.h"
#include "view/subspace.h"

/* Of the way from where it is to where it should be, a frame. */
#define TURN_RATE 0.05
#define RANGE_RATE 0.1

/* A variation of less than this part of a token's length is none. */
#define FLAT 1e-3

/* A first frame's components are found from so many patches, then those of all
 * from them. */
#define SAMPLED_PATCHES 512
#define FIRST_STEPS 48
#define SETTLED 1e-3
/* A frame that is so unlike the one before is treated likewise, but in a stream
 * of such frames each has to be done in time. */
#define LOST 0.2
#define LOST_STEPS 12

#define N VIT_PCA_COMPONENTS

struct _VitTokenPca {
  VitSubspace *subspace; /* NULL before the first frame */
  float *axes;           /* [N][embed_dim] */
  gboolean is_settled; /* the subspace was searched for once */
  gboolean has_axes;
  double origin[N]; /* the middle of the range, along the axes */
  double spread[N]; /* the standard deviation that the range stands for */
  double share[N];
  float *projected; /* [n_projected][VIT_SUBSPACE_DIM] */
  guint n_projected;
};

VitTokenPca *
vit_token_pca_new (void)
{
  return g_new0 (VitTokenPca, 1);
}

void
vit_token_pca_reset (VitTokenPca *pca)
{
  g_clear_pointer (&pca->subspace, vit_subspace_free);
  g_clear_pointer (&pca->axes, g_free);
  pca->has_axes = pca->is_settled = FALSE;
}

void
vit_token_pca_free (VitTokenPca *pca)
{
  if (pca == NULL)
    return;
  vit_token_pca_reset (pca);
  g_free (pca->projected);
  g_free (pca);
}

const float *
vit_token_pca_axis (const VitTokenPca *pca, guint component)
{
  if (!pca->has_axes)
    return NULL;
  return pca->axes + component * vit_subspace_embed_dim (pca->subspace);
}

double
vit_token_pca_share (const VitTokenPca *pca, guint component)
{
  return pca->has_axes ? pca->share[component] : 0.0;
}

static guint
count_patches (const VitTokenView *views, guint n_views)
{
  guint n = 0;

  for (guint i = 0; i < n_views; i++)
    n += vit_token_view_n_patches (&views[i]);
  return n;
}

/* Steps over a part of the patches until the components stand. */
static void
settle (VitTokenPca *pca, const VitTokenView *views, guint n_views, guint n,
    guint max_steps)
{
  guint every = (n + SAMPLED_PATCHES - 1) / SAMPLED_PATCHES;

  for (guint i = 0; i < max_steps; i++) {
    vit_subspace_measure (pca->subspace, views, n_views, every, NULL);
    if (vit_subspace_residual (pca->subspace, N) < SETTLED)
      return;
    vit_subspace_step (pca->subspace);
  }
}

/* How the shown axes lie among the components: row i of `turn` is axis i. */
static void
turn_axes (VitTokenPca *pca, double turn[N * N])
{
  gsize n = vit_subspace_embed_dim (pca->subspace);
  double overlap[N * N];

  if (pca->has_axes) {
    for (guint i = 0; i < N; i++)
      vit_subspace_overlap (
          pca->subspace, pca->axes + i * n, N, overlap + i * N);
    pca->has_axes = vit_axes_follow (overlap, TURN_RATE, turn);
  }
  if (!pca->has_axes) {
    for (guint i = 0; i < N * N; i++)
      turn[i] = i % (N + 1) == 0;
  }
  for (guint i = 0; i < N; i++)
    vit_subspace_combine (
        pca->subspace, turn + i * N, N, pca->axes + i * n);
}

/* A component's sign is that of its largest value. */
static void
choose_signs (VitTokenPca *pca, double turn[N * N])
{
  gsize n = vit_subspace_embed_dim (pca->subspace);

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

/* Tokens that differ by less are taken to be alike. */
static double
get_floor (const VitTokenPca *pca)
{
  return fmax (FLAT * sqrt (vit_subspace_mean_square (pca->subspace)), 1e-30);
}

/* Mean and standard deviation of the frame's tokens along an axis. */
static void
measure_axis (const VitTokenPca *pca, const double *turn /* [N] */,
    double *mean, double *spread)
{
  const VitSubspace *subspace = pca->subspace;
  double variance = 0.0;

  *mean = 0.0;
  for (guint j = 0; j < N; j++) {
    variance += turn[j] * turn[j] * vit_subspace_variance (subspace, j);
    *mean += turn[j] * vit_subspace_mean (subspace, j);
  }
  *spread = fmax (sqrt (variance), get_floor (pca));
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

/* Whether the tokens differ along an axis.  What was summed of all of them does not
 * tell: its rounding can be more than the tokens differ by. */
static gboolean
differs_along (const VitTokenPca *pca, const double *turn /* [N] */, guint n)
{
  float weights[VIT_SUBSPACE_DIM], first = 0.0f;
  double sum = 0.0, squares = 0.0, floor = get_floor (pca);

  vit_subspace_weights (pca->subspace, turn, N, 1.0, weights);
  for (guint p = 0; p < n; p++) {
    const float *at = pca->projected + (gsize) p * VIT_SUBSPACE_DIM;
    float place = 0.0f;

    for (guint k = 0; k < VIT_SUBSPACE_DIM; k++)
      place += weights[k] * at[k];
    first = p == 0 ? place : first;
    sum += place - first;
    squares += (double) (place - first) * (place - first);
  }
  return squares / n - sum / n * (sum / n) > floor * floor;
}

/* Middle and range along each axis, and what share of the variance it has. */
static void
follow_range (
    VitTokenPca *pca, const double turn[N * N], guint n, gboolean is_first)
{
  double total = vit_subspace_total_variance (pca->subspace);

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
    pca->share[i] = total > 0.0 && differs_along (pca, turn + i * N, n)
                        ? MIN (spread * spread / total, 1.0)
                        : 0.0;
  }
}

static void
write_colours (
    VitTokenPca *pca, const double turn[N * N], guint n, float *colours)
{
  float weights[N][VIT_SUBSPACE_DIM], offset[N];

  for (guint i = 0; i < N; i++) {
    double scale = 0.25 / pca->spread[i];

    vit_subspace_weights (pca->subspace, turn + i * N, N, scale, weights[i]);
    offset[i] = (float) (0.5 - scale * pca->origin[i]);
  }
  for (guint p = 0; p < n; p++) {
    const float *at = pca->projected + (gsize) p * VIT_SUBSPACE_DIM;

    for (guint i = 0; i < N; i++) {
      float value = offset[i];

      for (guint k = 0; k < VIT_SUBSPACE_DIM; k++)
        value += weights[i][k] * at[k];
      colours[(gsize) p * N + i] = CLAMP (value, 0.0f, 1.0f);
    }
  }
}

/* For n patches; FALSE where there is not the memory. */
static gboolean
allocate (VitTokenPca *pca, guint n, guint embed_dim)
{
  if (n > pca->n_projected) {
    g_free (pca->projected);
    pca->projected = g_try_new (float, (gsize) n * VIT_SUBSPACE_DIM);
    pca->n_projected = pca->projected != NULL ? n : 0;
  }
  if (pca->subspace && vit_subspace_embed_dim (pca->subspace) != embed_dim)
    vit_token_pca_reset (pca);
  if (pca->subspace == NULL) {
    pca->subspace = vit_subspace_new (embed_dim);
    pca->axes = g_try_new0 (float, (gsize) N * embed_dim);
  }
  if (pca->projected != NULL && pca->subspace != NULL && pca->axes != NULL)
    return TRUE;
  vit_token_pca_reset (pca);
  return FALSE;
}

/* From what was measured to colours. */
static void
follow (VitTokenPca *pca, guint n, float *colours)
{
  double turn[N * N];
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
  follow_range (pca, turn, n, is_first);
  write_colours (pca, turn, n, colours);
}

gboolean
vit_token_pca_update (VitTokenPca *pca, const VitTokenView *views,
    guint n_views, float *colours)
{
  guint n = count_patches (views, n_views);

  if (n == 0)
    return TRUE;
  if (!allocate (pca, n, views[0].embed_dim))
    return FALSE;
  if (!pca->is_settled)
    settle (pca, views, n_views, n, FIRST_STEPS);
  pca->is_settled = TRUE;

  vit_subspace_measure (pca->subspace, views, n_views, 1, pca->projected);
  if (vit_subspace_residual (pca->subspace, N) > LOST) {
    settle (pca, views, n_views, n, LOST_STEPS);
    vit_subspace_measure (pca->subspace, views, n_views, 1, pca->projected);
  }
  if (!vit_subspace_is_finite (pca->subspace)) {
    vit_token_pca_reset (pca);
    for (gsize i = 0; i < (gsize) n * N; i++)
      colours[i] = 0.5f;
    return TRUE;
  }
  follow (pca, n, colours);
  vit_subspace_step (pca->subspace);
  return TRUE;
}
