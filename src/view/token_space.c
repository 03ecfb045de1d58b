/* SPDX-License-Identifier: MIT */
#include "view/token_space.h"

#include <math.h>

#define N VIT_TOKEN_SPACE_COMPONENTS

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

void
vit_token_space_reset (VitTokenSpace *space)
{
  g_clear_pointer (&space->subspace, vit_subspace_free);
  space->is_settled = FALSE;
}

void
vit_token_space_clear (VitTokenSpace *space)
{
  vit_token_space_reset (space);
  g_clear_pointer (&space->projected, g_free);
  space->n_room = 0;
}

static guint
count_shown (const VitTokenView *views, guint n_views, const guint8 *shown)
{
  guint n = vit_token_views_n_patches (views, n_views), n_shown = 0;

  if (!shown)
    return n;
  for (guint p = 0; p < n; p++)
    n_shown += shown[p] != 0;
  return n_shown;
}

static gboolean
allocate (VitTokenSpace *space, guint embed_dim)
{
  if (space->n_shown > space->n_room) {
    g_free (space->projected);
    space->projected
        = g_try_new (float, (gsize) space->n_shown * VIT_SUBSPACE_DIM);
    space->n_room = space->projected != NULL ? space->n_shown : 0;
  }
  if (space->subspace
      && vit_subspace_embed_dim (space->subspace) != embed_dim)
    vit_token_space_reset (space);
  if (space->subspace == NULL)
    space->subspace = vit_subspace_new (embed_dim);
  if (space->projected != NULL && space->subspace != NULL)
    return TRUE;
  vit_token_space_reset (space);
  return FALSE;
}

/* Steps over a part of the patches until the components stand. */
static void
settle (VitTokenSpace *space, const VitTokenView *views, guint n_views,
    const guint8 *shown, guint max_steps)
{
  guint every = (space->n_shown + SAMPLED_PATCHES - 1) / SAMPLED_PATCHES;

  for (guint i = 0; i < max_steps; i++) {
    vit_subspace_measure (
        space->subspace, views, n_views, shown, every, NULL);
    if (vit_subspace_residual (space->subspace, N) < SETTLED)
      return;
    vit_subspace_step (space->subspace);
  }
}

gboolean
vit_token_space_measure (VitTokenSpace *space, const VitTokenView *views,
    guint n_views, const guint8 *shown, gboolean *is_new)
{
  space->n_shown = count_shown (views, n_views, shown);
  if (!allocate (space, views[0].embed_dim))
    return FALSE;
  *is_new = !space->is_settled;
  if (*is_new)
    settle (space, views, n_views, shown, FIRST_STEPS);
  space->is_settled = TRUE;

  vit_subspace_measure (
      space->subspace, views, n_views, shown, 1, space->projected);
  if (vit_subspace_residual (space->subspace, N) > LOST) {
    *is_new = TRUE;
    settle (space, views, n_views, shown, LOST_STEPS);
    vit_subspace_measure (
        space->subspace, views, n_views, shown, 1, space->projected);
  }
  return TRUE;
}

void
vit_token_space_places (
    const VitTokenSpace *space, const double factors[N], float *places)
{
  float weights[VIT_SUBSPACE_DIM];

  vit_subspace_weights (space->subspace, factors, N, 1.0, weights);
  for (guint p = 0; p < space->n_shown; p++) {
    const float *at = space->projected + (gsize) p * VIT_SUBSPACE_DIM;

    places[p] = 0.0f;
    for (guint k = 0; k < VIT_SUBSPACE_DIM; k++)
      places[p] += weights[k] * at[k];
  }
}

double
vit_token_space_floor (const VitTokenSpace *space)
{
  return fmax (
      FLAT * sqrt (vit_subspace_mean_square (space->subspace)), 1e-30);
}

gboolean
vit_token_space_differs (const VitTokenSpace *space, const double factors[N])
{
  float weights[VIT_SUBSPACE_DIM], first = 0.0f;
  double sum = 0.0, squares = 0.0, floor = vit_token_space_floor (space);
  guint n = space->n_shown;

  vit_subspace_weights (space->subspace, factors, N, 1.0, weights);
  for (guint p = 0; p < n; p++) {
    const float *at = space->projected + (gsize) p * VIT_SUBSPACE_DIM;
    float place = 0.0f;

    for (guint k = 0; k < VIT_SUBSPACE_DIM; k++)
      place += weights[k] * at[k];
    first = p == 0 ? place : first;
    sum += place - first;
    squares += (double) (place - first) * (place - first);
  }
  return squares / n - sum / n * (sum / n) > floor * floor;
}
