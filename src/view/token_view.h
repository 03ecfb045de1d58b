/* SPDX-License-Identifier: MIT
 *
 * The patch tokens of a frame as float32 rows, whatever their type, without the
 * part of them that says where a patch lies.  What that part is, is known where
 * the positions are; else it is estimated as what all patches of a row of the
 * grid and all patches of a column have in common, the least-squares fit of
 * row[r] + column[c] (two-way analysis of variance without interaction), which
 * takes more than positions: a sky that is brighter above, for example.
 *
 * Thread-safety: a view is only read; several threads may.
 */
#pragma once

#include "base/token_type.h"

G_BEGIN_DECLS

/* Owns nothing.  All NULL: tokens as they are. */
typedef struct {
  gconstpointer tokens; /* [grid_height * grid_width][embed_dim] */
  VitTokenType type;
  guint grid_width;
  guint grid_height;
  guint embed_dim;
  const float *positions; /* (nullable) [grid_height * grid_width][embed_dim] */
  const float *rows;      /* (nullable) [grid_height][embed_dim] */
  const float *columns;   /* (nullable) [grid_width][embed_dim] */
} VitTokenView;

/* grid_width * grid_height */
guint vit_token_view_n_patches (const VitTokenView *view);

/* Of all views together. */
guint vit_token_views_n_patches (const VitTokenView *views, guint n_views);

/* The token of a patch, without what `view` says is to be taken off. */
void vit_token_view_read (const VitTokenView *view, guint patch,
    float *token /* [embed_dim] */);

/* Estimates the parts of the view's tokens for `view->rows` and
 * `view->columns`; the mean of all tokens stays in them. */
void vit_token_view_fit (const VitTokenView *view,
    float *rows /* [grid_height][embed_dim] */,
    float *columns /* [grid_width][embed_dim] */);

G_END_DECLS
