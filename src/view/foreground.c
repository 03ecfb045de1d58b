/* SPDX-License-Identifier: MIT */
#include "view/foreground.h"

#include <math.h>
#include <string.h>

#include "view/token_space.h"

#define N VIT_TOKEN_SPACE_COMPONENTS

/* Of the way from where it is to where it should be, a frame. */
#define TURN_RATE 0.05
#define EDGE_RATE 0.1

/* The least cosine of the old axis with the new space. */
#define NEAR 0.3

/* How far above the mean the edges must have been before the axis turns about. */
#define ABOVE 0.1

struct _VitForeground {
  VitTokenSpace space;
  float *axis; /* [embed_dim]; NULL before the first frame */
  gboolean has_axis;
  double edge; /* the mean of the grids' edges less that of all, in standard
                * deviations, as it was in the last frames */
  float *places; /* [n_room], along the axis */
  guint n_room;
};

VitForeground *
vit_foreground_new (void)
{
  return g_new0 (VitForeground, 1);
}

void
vit_foreground_reset (VitForeground *self)
{
  vit_token_space_reset (&self->space);
  g_clear_pointer (&self->axis, g_free);
  self->has_axis = FALSE;
}

void
vit_foreground_free (VitForeground *self)
{
  if (self == NULL)
    return;
  vit_foreground_reset (self);
  vit_token_space_clear (&self->space);
  g_free (self->places);
  g_free (self);
}

/* The old axis among the components, of length 1; FALSE where it all but lies
 * outside of them. */
static gboolean
find_old (const VitForeground *self, double factors[N])
{
  double square = 0.0;

  vit_subspace_overlap (self->space.subspace, self->axis, N, factors);
  for (guint j = 0; j < N; j++)
    square += factors[j] * factors[j];
  for (guint j = 0; j < N; j++)
    factors[j] /= sqrt (square);
  return square >= NEAR * NEAR;
}

/* From the old axis a part of the way to the first component, whichever way
 * that points. */
static void
turn_axis (VitForeground *self, double factors[N])
{
  double length = 0.0;

  self->has_axis = self->has_axis && find_old (self, factors);
  if (!self->has_axis) {
    for (guint j = 0; j < N; j++)
      factors[j] = j == 0;
    return;
  }
  for (guint j = 0; j < N; j++)
    factors[j] *= 1.0 - TURN_RATE;
  factors[0] += factors[0] < 0.0 ? -TURN_RATE : TURN_RATE;
  for (guint j = 0; j < N; j++)
    length += factors[j] * factors[j];
  for (guint j = 0; j < N; j++)
    factors[j] /= sqrt (length);
}

static gboolean
is_at_edge (const VitTokenView *view, guint patch)
{
  guint column = patch % view->grid_width, row = patch / view->grid_width;

  return column == 0 || column + 1 == view->grid_width || row == 0
         || row + 1 == view->grid_height;
}

/* The mean of all places, and the edges' above it in standard deviations. */
static void
measure_places (const VitForeground *self, const VitTokenView *views,
    guint n_views, double *mean, double *edge)
{
  double sum = 0.0, squares = 0.0, edge_sum = 0.0;
  guint n_edge = 0, n = self->space.n_shown, at = 0;

  for (guint i = 0; i < n; i++)
    sum += self->places[i];
  *mean = sum / n;
  for (guint i = 0; i < n_views; i++) {
    for (guint p = 0; p < vit_token_view_n_patches (&views[i]); p++, at++) {
      double place = self->places[at] - *mean;

      squares += place * place;
      if (is_at_edge (&views[i], p)) {
        edge_sum += place;
        n_edge++;
      }
    }
  }
  *edge = edge_sum / n_edge / sqrt (squares / n);
}

static void
turn_about (VitForeground *self, double factors[N], double *mean)
{
  for (guint j = 0; j < N; j++)
    factors[j] = -factors[j];
  for (guint i = 0; i < self->space.n_shown; i++)
    self->places[i] = -self->places[i];
  *mean = -*mean;
  self->edge = -self->edge;
}

/* FALSE where there is not the memory. */
static gboolean
measure (VitForeground *self, const VitTokenView *views, guint n_views)
{
  const VitSubspace *before = self->space.subspace;
  guint embed_dim = views[0].embed_dim;
  guint n = vit_token_views_n_patches (views, n_views);
  gboolean is_new;

  if (before && vit_subspace_embed_dim (before) != embed_dim)
    vit_foreground_reset (self);
  if (!self->axis)
    self->axis = g_try_new0 (float, embed_dim);
  if (n > self->n_room) {
    g_free (self->places);
    self->places = g_try_new (float, n);
    self->n_room = self->places != NULL ? n : 0;
  }
  if (!self->axis || !self->places
      || !vit_token_space_measure (
          &self->space, views, n_views, NULL, &is_new)) {
    vit_foreground_reset (self);
    return FALSE;
  }
  self->has_axis = self->has_axis && !is_new;
  return TRUE;
}

/* From what was measured to the axis, and who lies above the mean. */
static void
follow (VitForeground *self, const VitTokenView *views, guint n_views,
    guint8 *shown)
{
  double factors[N], mean, edge;

  turn_axis (self, factors);
  if (!vit_token_space_differs (&self->space, factors)) {
    self->has_axis = FALSE;
    return;
  }
  vit_token_space_places (&self->space, factors, self->places);
  measure_places (self, views, n_views, &mean, &edge);
  if (self->has_axis)
    self->edge += EDGE_RATE * (edge - self->edge);
  else
    self->edge = edge;
  if (self->edge > (self->has_axis ? ABOVE : 0.0))
    turn_about (self, factors, &mean);
  self->has_axis = TRUE;
  vit_subspace_combine (self->space.subspace, factors, N, self->axis);
  for (guint i = 0; i < self->space.n_shown; i++)
    shown[i] = self->places[i] > mean;
}

gboolean
vit_foreground_find (VitForeground *self, const VitTokenView *views,
    guint n_views, guint8 *shown)
{
  guint n = vit_token_views_n_patches (views, n_views);

  if (n == 0)
    return TRUE;
  if (!measure (self, views, n_views))
    return FALSE;
  memset (shown, 1, n);
  if (!vit_subspace_is_finite (self->space.subspace)) {
    vit_foreground_reset (self);
    return TRUE;
  }
  follow (self, views, n_views, shown);
  vit_subspace_step (self->space.subspace);
  return TRUE;
}
