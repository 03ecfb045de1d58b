/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitgrids.h"

#include <string.h>

#define NO_MEMORY "there is not the memory for it"

void
gst_vit_grids_init (GstVitGrids *self)
{
  self->grids = g_array_new (FALSE, TRUE, sizeof (GstVitGrid));
  self->views = g_array_new (FALSE, TRUE, sizeof (VitTokenView));
  self->n_patches = 0;
}

void
gst_vit_grids_clear (GstVitGrids *self)
{
  g_array_unref (self->grids);
  g_array_unref (self->views);
}

/* Of what changed, those that know it tell: of features, any of which may differ
 * where a single patch did, that is often not known. */
static gboolean
is_preferred (GstVitDrawingMode mode, const GstVitTokensMeta *meta,
    const GstVitTokensMeta *before)
{
  if (mode == GST_VIT_DRAWING_CHANGED && !meta->changed != !before->changed)
    return meta->changed != NULL;
  return meta->n_blocks > before->n_blocks;
}

/* (nullable): the first of the valid metas that were taken deepest in a network.
 * *fault (nullable): of the last that are not valid. */
static const GstVitTokensMeta *
find_deepest (GstVitDrawingMode mode, GstBuffer *frame, const gchar **fault)
{
  const GstVitTokensMeta *meta, *deepest = NULL;
  gpointer state = NULL;
  const gchar *reason;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (!gst_vit_tokens_meta_is_valid (meta, &reason))
      *fault = reason;
    else if (!deepest || is_preferred (mode, meta, deepest))
      deepest = meta;
  }
  return deepest;
}

void
gst_vit_grids_begin (GstVitGrids *self)
{
  g_array_set_size (self->grids, 0);
  self->n_patches = 0;
}

gboolean
gst_vit_grids_add (GstVitGrids *self, GstVitGrid grid)
{
  guint64 n_patches = (guint64) grid.cells.columns * grid.cells.rows;

  if (n_patches > VIT_TOKEN_PICTURE_MAX_PATCHES - self->n_patches)
    return FALSE;
  grid.first = self->n_patches;
  g_array_append_val (self->grids, grid);
  self->n_patches += (guint) n_patches;
  return TRUE;
}

static GstVitGrid
make_grid (const GstVitTokensMeta *meta)
{
  GstVitGrid grid = { .meta = meta };

  memcpy (grid.cells.map, meta->map, sizeof grid.cells.map);
  grid.cells.columns = meta->grid_width;
  grid.cells.rows = meta->grid_height;
  return grid;
}

GstVitGrid *
gst_vit_grids_get (const GstVitGrids *self, guint i)
{
  return &g_array_index (self->grids, GstVitGrid, i);
}

const VitTokenView *
gst_vit_grids_views (const GstVitGrids *self)
{
  return (const VitTokenView *) (gpointer) self->views->data;
}

gboolean
gst_vit_grids_collect (GstVitGrids *self, GstBuffer *frame,
    const GstVitDrawingSettings *settings, const gchar **fault,
    const gchar **reason)
{
  gboolean reads_tokens = gst_vit_drawing_settings_read_tokens (settings);
  const GstVitTokensMeta *like = find_deepest (settings->mode, frame, fault);
  const GstVitTokensMeta *meta;
  gpointer state = NULL;

  gst_vit_grids_begin (self);
  if (!like)
    return FALSE;
  if (reads_tokens && like->embed_dim > VIT_TOKEN_PICTURE_MAX_EMBED_DIM) {
    *reason = "they are too long";
    return FALSE;
  }
  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (meta->n_blocks == like->n_blocks && meta->embed_dim == like->embed_dim
        && gst_vit_tokens_meta_is_valid (meta, NULL)
        && !gst_vit_grids_add (self, make_grid (meta))) {
      *reason = "there are too many";
      return FALSE;
    }
  }
  if (reads_tokens
      && (guint64) self->n_patches * like->embed_dim
             > VIT_TOKEN_PICTURE_MAX_VALUES) {
    *reason = "there are too many";
    return FALSE;
  }
  return TRUE;
}

/* FALSE if there are not so many values. */
static gboolean
read_buffer (GstBuffer *buffer, guint64 n_values, gsize value_size,
    GstVitReading **reading)
{
  *reading = gst_vit_reading_new (buffer);
  return *reading && (*reading)->size / value_size >= n_values;
}

/* Positions are known, or known to be none, or to be estimated; after a block
 * of the network they are no longer a part of their own. */
static gboolean
must_estimate (const GstVitTokensMeta *meta)
{
  return meta->n_blocks == 0 && !meta->positions;
}

/* Room for what is estimated of all grids. */
static gboolean
begin_estimates (
    GstVitGrids *self, VitTokenPicture *picture, const gchar **reason)
{
  guint64 n_parts = 0;

  for (guint i = 0; i < self->grids->len; i++) {
    const GstVitTokensMeta *meta = gst_vit_grids_get (self, i)->meta;

    if (must_estimate (meta))
      n_parts += vit_token_picture_n_parts (
          meta->grid_width, meta->grid_height, meta->embed_dim);
  }
  *reason = n_parts > VIT_TOKEN_PICTURE_MAX_PARTS ? "there are too many"
                                                  : NO_MEMORY;
  return n_parts <= VIT_TOKEN_PICTURE_MAX_PARTS
         && vit_token_picture_begin (picture, n_parts);
}

static gboolean
leave_out_positions (
    GstVitGrids *self, VitTokenPicture *picture, guint i, const gchar **reason)
{
  GstVitGrid *grid = gst_vit_grids_get (self, i);
  VitTokenView *view = &g_array_index (self->views, VitTokenView, i);
  GstBuffer *positions = grid->meta->positions;
  guint64 n_values
      = (guint64) vit_token_view_n_patches (view) * view->embed_dim;

  if (must_estimate (grid->meta))
    vit_token_picture_estimate (picture, view);
  if (grid->meta->n_blocks > 0 || !positions
      || gst_buffer_get_size (positions) == 0)
    return TRUE;
  *reason = "their positions cannot be read";
  if (!read_buffer (positions, n_values, sizeof (gfloat), &grid->positions)
      || (guintptr) grid->positions->data % sizeof (gfloat) != 0)
    return FALSE;
  view->positions = (const float *) (gconstpointer) grid->positions->data;
  return TRUE;
}

void
gst_vit_grids_unmap (GstVitGrids *self)
{
  for (guint i = 0; i < self->grids->len; i++) {
    GstVitGrid *grid = gst_vit_grids_get (self, i);

    g_clear_pointer (&grid->tokens, gst_vit_reading_unref);
    g_clear_pointer (&grid->positions, gst_vit_reading_unref);
  }
}

static gboolean
map_grid (GstVitGrids *self, guint i, const gchar **reason)
{
  GstVitGrid *grid = gst_vit_grids_get (self, i);
  const GstVitTokensMeta *meta = grid->meta;
  VitTokenView *view = &g_array_index (self->views, VitTokenView, i);
  gsize value_size = gst_vit_token_format_get_size (meta->format);
  guint64 n_prefix_values = (guint64) meta->n_prefix_tokens * meta->embed_dim;

  *view = (VitTokenView){ .type = (VitTokenType) meta->format,
    .grid_width = meta->grid_width,
    .grid_height = meta->grid_height,
    .embed_dim = meta->embed_dim };
  *reason = "they cannot be read";
  if (!read_buffer (meta->tokens,
          n_prefix_values
              + (guint64) vit_token_view_n_patches (view) * meta->embed_dim,
          value_size, &grid->tokens))
    return FALSE;
  view->tokens = grid->tokens->data + n_prefix_values * value_size;
  return TRUE;
}

gboolean
gst_vit_grids_map (GstVitGrids *self, VitTokenPicture *picture,
    gboolean keep_positions, const gchar **reason)
{
  gboolean is_done = TRUE;

  g_array_set_size (self->views, self->grids->len);
  for (guint i = 0; is_done && i < self->grids->len; i++)
    is_done = map_grid (self, i, reason);
  if (is_done && !keep_positions) {
    is_done = begin_estimates (self, picture, reason);
    for (guint i = 0; is_done && i < self->grids->len; i++)
      is_done = leave_out_positions (self, picture, i, reason);
  }
  if (is_done)
    *reason = NULL;
  else
    gst_vit_grids_unmap (self);
  return is_done;
}
