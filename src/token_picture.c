/* SPDX-License-Identifier: MIT */
#include "token_picture.h"

#include "subspace.h"
#include "token_similarity.h"

G_STATIC_ASSERT (VIT_TOKEN_PICTURE_MAX_PATCHES
                 <= G_MAXINT / (VIT_SUBSPACE_DIM * sizeof (float)));

/* So that what differs by noise alone does not look different. */
#define MOST_ALIKE 0.9f

typedef struct {
  float *rows;
  float *columns;
} Parts;

struct _VitTokenPicture {
  VitTokenPca *pca;
  VitShadeRange cosines;
  VitShadeRange norms;
  GArray *parts;  /* of Parts, a view each */
  GArray *values; /* of float: a frame's */
};

static void
clear_parts (gpointer data)
{
  Parts *parts = data;

  g_clear_pointer (&parts->rows, g_free);
  g_clear_pointer (&parts->columns, g_free);
}

VitTokenPicture *
vit_token_picture_new (void)
{
  VitTokenPicture *self = g_new0 (VitTokenPicture, 1);

  self->pca = vit_token_pca_new ();
  self->parts = g_array_new (FALSE, TRUE, sizeof (Parts));
  g_array_set_clear_func (self->parts, clear_parts);
  self->values = g_array_new (FALSE, FALSE, sizeof (float));
  return self;
}

void
vit_token_picture_free (VitTokenPicture *self)
{
  if (self == NULL)
    return;
  vit_token_pca_free (self->pca);
  g_array_unref (self->parts);
  g_array_unref (self->values);
  g_free (self);
}

void
vit_token_picture_reset (VitTokenPicture *self)
{
  vit_token_pca_reset (self->pca);
  self->cosines.has_values = self->norms.has_values = FALSE;
  g_array_set_size (self->parts, 0);
}

void
vit_token_picture_estimate (
    VitTokenPicture *self, guint slot, VitTokenView *view)
{
  Parts *parts;

  if (slot >= self->parts->len)
    g_array_set_size (self->parts, slot + 1);
  parts = &g_array_index (self->parts, Parts, slot);
  parts->rows = g_renew (
      float, parts->rows, (gsize) view->grid_height * view->embed_dim);
  parts->columns = g_renew (
      float, parts->columns, (gsize) view->grid_width * view->embed_dim);
  vit_token_view_fit (view, parts->rows, parts->columns);
  view->rows = parts->rows;
  view->columns = parts->columns;
}

/* [factor * all patches] */
static float *
get_values (VitTokenPicture *self, const VitTokenView *views, guint n_views,
    guint factor, guint *n_patches)
{
  *n_patches = 0;
  for (guint i = 0; i < n_views; i++)
    *n_patches += vit_token_view_n_patches (&views[i]);
  g_array_set_size (self->values, factor * *n_patches);
  return (float *) (gpointer) self->values->data;
}

void
vit_token_picture_pca (VitTokenPicture *self, const VitTokenView *views,
    guint n_views, float alpha, guint32 *colours,
    double share[VIT_PCA_COMPONENTS])
{
  guint n;
  float *values = get_values (self, views, n_views, VIT_PCA_COMPONENTS, &n);

  vit_token_pca_update (self->pca, views, n_views, values);
  for (guint i = 0; i < n; i++)
    colours[i] = vit_shade_rgb (values + VIT_PCA_COMPONENTS * i, alpha);
  for (guint j = 0; j < VIT_PCA_COMPONENTS; j++)
    share[j] = vit_token_pca_share (self->pca, j);
}

static void
shade (const VitShadeRange *range, const float *values, guint n, float alpha,
    guint32 *colours)
{
  for (guint i = 0; i < n; i++)
    colours[i]
        = vit_shade_value (vit_shade_range_place (range, values[i]), alpha);
}

void
vit_token_picture_similarity (VitTokenPicture *self,
    const VitTokenView *views, guint n_views, guint query_view,
    guint query_patch, gboolean is_new, float alpha, guint32 *colours,
    VitShadeRange *range)
{
  guint n, at = 0;
  float *values = get_values (self, views, n_views, 1, &n);
  float *query = g_new (float, views[query_view].embed_dim);

  vit_token_view_read (&views[query_view], query_patch, query);
  for (guint i = 0; i < n_views; i++) {
    vit_token_cosines (&views[i], query, values + at);
    at += vit_token_view_n_patches (&views[i]);
  }
  g_free (query);
  if (is_new)
    self->cosines.has_values = FALSE;
  vit_shade_range_follow (&self->cosines, values, n);
  *range = self->cosines;
  range->low = MIN (range->low, MOST_ALIKE);
  range->high = 1.0f;
  shade (range, values, n, alpha, colours);
}

void
vit_token_picture_norm (VitTokenPicture *self, const VitTokenView *views,
    guint n_views, float alpha, guint32 *colours, VitShadeRange *range)
{
  guint n, at = 0;
  float *values = get_values (self, views, n_views, 1, &n);

  for (guint i = 0; i < n_views; i++) {
    vit_token_norms (&views[i], values + at);
    at += vit_token_view_n_patches (&views[i]);
  }
  vit_shade_range_follow (&self->norms, values, n);
  shade (&self->norms, values, n, alpha, colours);
  *range = self->norms;
}
