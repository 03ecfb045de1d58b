/* SPDX-License-Identifier: MIT */
#include "view/token_picture.h"

#include <math.h>

#include "view/foreground.h"
#include "view/subspace.h"
#include "view/token_similarity.h"

G_STATIC_ASSERT (VIT_TOKEN_PICTURE_MAX_PATCHES
                 <= G_MAXINT / (VIT_SUBSPACE_DIM * sizeof (float)));

/* So that what differs by noise alone does not look different. */
#define MOST_ALIKE 0.9f

typedef struct {
  float *values;
  gsize n_values;
} Room;

struct _VitTokenPicture {
  VitTokenPca *pca;
  VitForeground *foreground;
  VitShadeRange cosines;
  VitShadeRange norms;
  Room values;   /* a frame's */
  guint8 *shown; /* [n_shown_room]: its patches of the foreground */
  guint n_shown_room;
  Room parts;    /* estimated of a frame's views, one after the other */
  gsize n_parts; /* of them written */
};

/* What was in it is lost; FALSE where there is not the memory. */
static gboolean
make_room (Room *room, gsize n_values)
{
  if (n_values <= room->n_values)
    return TRUE;
  g_free (room->values);
  room->values = g_try_new (float, n_values);
  room->n_values = room->values != NULL ? n_values : 0;
  return room->values != NULL;
}

VitTokenPicture *
vit_token_picture_new (void)
{
  VitTokenPicture *self = g_new0 (VitTokenPicture, 1);

  self->pca = vit_token_pca_new ();
  self->foreground = vit_foreground_new ();
  return self;
}

void
vit_token_picture_free (VitTokenPicture *self)
{
  if (self == NULL)
    return;
  vit_token_pca_free (self->pca);
  vit_foreground_free (self->foreground);
  g_free (self->shown);
  g_free (self->values.values);
  g_free (self->parts.values);
  g_free (self);
}

void
vit_token_picture_reset (VitTokenPicture *self)
{
  vit_token_pca_reset (self->pca);
  vit_foreground_reset (self->foreground);
  self->cosines.has_values = self->norms.has_values = FALSE;
}

gboolean
vit_token_picture_begin (VitTokenPicture *self, gsize n_parts)
{
  self->n_parts = 0;
  return make_room (&self->parts, n_parts);
}

gsize
vit_token_picture_n_parts (guint grid_width, guint grid_height, guint embed_dim)
{
  return ((gsize) grid_width + grid_height) * embed_dim;
}

void
vit_token_picture_estimate (VitTokenPicture *self, VitTokenView *view)
{
  float *rows = self->parts.values + self->n_parts;
  float *columns = rows + (gsize) view->grid_height * view->embed_dim;

  self->n_parts += vit_token_picture_n_parts (
      view->grid_width, view->grid_height, view->embed_dim);
  g_return_if_fail (self->n_parts <= self->parts.n_values);
  vit_token_view_fit (view, rows, columns);
  view->rows = rows;
  view->columns = columns;
}

/* (nullable) [factor * all patches] */
static float *
get_values (VitTokenPicture *self, const VitTokenView *views, guint n_views,
    guint factor, guint *n_patches)
{
  *n_patches = vit_token_views_n_patches (views, n_views);
  if (!make_room (&self->values, factor * *n_patches))
    return NULL;
  return self->values.values;
}

/* (nullable): which of the n patches are of the foreground. */
static const guint8 *
find_foreground (
    VitTokenPicture *self, const VitTokenView *views, guint n_views, guint n)
{
  if (n > self->n_shown_room) {
    g_free (self->shown);
    self->shown = g_try_new (guint8, n);
    self->n_shown_room = self->shown != NULL ? n : 0;
  }
  if (self->shown == NULL
      || !vit_foreground_find (self->foreground, views, n_views, self->shown))
    return NULL;
  return self->shown;
}

gboolean
vit_token_picture_pca (VitTokenPicture *self, const VitTokenView *views,
    guint n_views, gboolean has_foreground, float alpha, guint32 *colours,
    double share[VIT_PCA_COMPONENTS], guint *n_shown)
{
  guint n;
  float *values = get_values (self, views, n_views, VIT_PCA_COMPONENTS, &n);
  const guint8 *shown
      = has_foreground ? find_foreground (self, views, n_views, n) : NULL;

  if (!values || (has_foreground && !shown)
      || !vit_token_pca_update (self->pca, views, n_views, shown, values))
    return FALSE;
  *n_shown = 0;
  for (guint i = 0; i < n; i++) {
    gboolean is_shown = !shown || shown[i];

    colours[i] = is_shown
        ? vit_shade_rgb (values + (gsize) VIT_PCA_COMPONENTS * i, alpha) : 0;
    *n_shown += is_shown;
  }
  for (guint j = 0; j < VIT_PCA_COMPONENTS; j++)
    share[j] = vit_token_pca_share (self->pca, j);
  return TRUE;
}

static gboolean
has_finite (const float *values, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (isfinite (values[i]))
      return TRUE;
  }
  return FALSE;
}

/* Values become places.  What is not finite is not taken for the least. */
static void
shade (const VitShadeRange *range, float *values, guint n, float alpha,
    guint32 *colours)
{
  static const float grey[3] = { 0.5f, 0.5f, 0.5f };
  guint32 none = vit_shade_rgb (grey, alpha);

  for (guint i = 0; i < n; i++) {
    values[i] = isfinite (values[i])
        ? vit_shade_range_place (range, values[i]) : NAN;
    colours[i] = isnan (values[i]) ? none : vit_shade_value (values[i], alpha);
  }
}

gboolean
vit_token_picture_similarity (VitTokenPicture *self, const VitTokenView *views,
    guint n_views, const float *queries, guint n_queries, gboolean is_new,
    float alpha, guint32 *colours, VitShadeRange *range)
{
  guint n, at = 0;
  float *values = get_values (self, views, n_views, 1, &n);

  if (!values)
    return FALSE;
  for (guint i = 0; i < n_views; i++) {
    vit_token_cosines (&views[i], queries, n_queries, values + at);
    at += vit_token_view_n_patches (&views[i]);
  }
  if (is_new)
    self->cosines.has_values = FALSE;
  vit_shade_range_follow (&self->cosines, values, n);
  *range = self->cosines;
  range->low = MIN (range->low, MOST_ALIKE);
  range->high = 1.0f;
  range->has_values = has_finite (values, n);
  shade (range, values, n, alpha, colours);
  return TRUE;
}

gboolean
vit_token_picture_norm (VitTokenPicture *self, const VitTokenView *views,
    guint n_views, float alpha, guint32 *colours, VitShadeRange *range)
{
  guint n, at = 0;
  float *values = get_values (self, views, n_views, 1, &n);

  if (!values)
    return FALSE;
  for (guint i = 0; i < n_views; i++) {
    vit_token_norms (&views[i], values + at);
    at += vit_token_view_n_patches (&views[i]);
  }
  vit_shade_range_follow (&self->norms, values, n);
  *range = self->norms;
  range->has_values = has_finite (values, n);
  shade (&self->norms, values, n, alpha, colours);
  return TRUE;
}

const float *
vit_token_picture_places (const VitTokenPicture *self)
{
  return self->values.values;
}

gboolean
vit_token_picture_attention (VitTokenPicture *self,
    const VitAttentionView *views, guint n_views, gint head, float alpha,
    guint32 *colours, VitShadeRange *range)
{
  guint n = 0, at = 0;

  for (guint i = 0; i < n_views; i++)
    n += vit_attention_view_n_patches (&views[i]);
  if (!make_room (&self->values, n))
    return FALSE;
  for (guint i = 0; i < n_views; i++) {
    vit_attention_view_read (&views[i], head, self->values.values + at);
    at += vit_attention_view_n_patches (&views[i]);
  }
  *range = (VitShadeRange){ 0 };
  for (guint i = 0; i < n; i++)
    if (isfinite (self->values.values[i]))
      range->high = MAX (range->high, self->values.values[i]);
  range->has_values = range->high > 0;
  shade (range, self->values.values, n, alpha, colours);
  return TRUE;
}
