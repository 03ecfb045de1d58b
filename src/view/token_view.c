/* SPDX-License-Identifier: MIT */
#include "view/token_view.h"

#include <string.h>

guint
vit_token_view_n_patches (const VitTokenView *view)
{
  return view->grid_width * view->grid_height;
}

guint
vit_token_views_n_patches (const VitTokenView *views, guint n_views)
{
  guint n = 0;

  for (guint i = 0; i < n_views; i++)
    n += vit_token_view_n_patches (&views[i]);
  return n;
}

static void
subtract (float *token, const float *part, gsize n)
{
  for (gsize d = 0; d < n; d++)
    token[d] -= part[d];
}

void
vit_token_view_read (const VitTokenView *view, guint patch, float *token)
{
  gsize n = view->embed_dim;
  const guint8 *tokens = view->tokens;

  vit_token_type_read (view->type,
      tokens + patch * n * vit_token_type_size (view->type), n, token);
  if (view->positions != NULL)
    subtract (token, view->positions + patch * n, n);
  if (view->rows != NULL)
    subtract (token, view->rows + patch / view->grid_width * n, n);
  if (view->columns != NULL)
    subtract (token, view->columns + patch % view->grid_width * n, n);
}

static void
add (float *sum, const float *token, gsize n)
{
  for (gsize d = 0; d < n; d++)
    sum[d] += token[d];
}

static void
scale (float *values, gsize n, float factor)
{
  for (gsize i = 0; i < n; i++)
    values[i] *= factor;
}

void
vit_token_view_fit (const VitTokenView *view, float *rows, float *columns)
{
  VitTokenView bare = *view;
  gsize n = view->embed_dim;
  float *token = g_new (float, n), *mean = g_new0 (float, n);

  bare.rows = bare.columns = NULL;
  memset (rows, 0, view->grid_height * n * sizeof *rows);
  memset (columns, 0, view->grid_width * n * sizeof *columns);
  for (guint i = 0; i < vit_token_view_n_patches (view); i++) {
    vit_token_view_read (&bare, i, token);
    add (rows + i / view->grid_width * n, token, n);
    add (columns + i % view->grid_width * n, token, n);
  }
  scale (rows, view->grid_height * n, 1.0f / (float) view->grid_width);
  scale (columns, view->grid_width * n, 1.0f / (float) view->grid_height);

  for (guint row = 0; row < view->grid_height; row++)
    add (mean, rows + row * n, n);
  scale (mean, n, 1.0f / (float) view->grid_height);
  for (guint row = 0; row < view->grid_height; row++)
    subtract (rows + row * n, mean, n);
  for (guint column = 0; column < view->grid_width; column++)
    subtract (columns + column * n, mean, n);
  g_free (token);
  g_free (mean);
}
