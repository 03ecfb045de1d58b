/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitcolours.h"

#include <string.h>

#define NO_MEMORY "there is not the memory for it"

void
gst_vit_colours_init (GstVitColours *self)
{
  *self = (GstVitColours){ .picture = vit_token_picture_new () };
}

void
gst_vit_colours_clear (GstVitColours *self)
{
  vit_token_picture_free (self->picture);
  g_free (self->colours);
}

void
gst_vit_colours_reset (GstVitColours *self)
{
  vit_token_picture_reset (self->picture);
}

static gboolean
make_room (GstVitColours *self, guint n_patches)
{
  if (n_patches <= self->n_room)
    return TRUE;
  g_free (self->colours);
  self->colours = g_try_new (guint32, n_patches);
  self->n_room = self->colours ? n_patches : 0;
  return self->colours != NULL;
}

/* The patch that others are compared with. */
static void
find_query (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, guint width, guint height)
{
  gint x = settings->x, y = settings->y;

  x = x < 0 ? (gint) width / 2 : x;
  y = y < 0 ? (gint) height / 2 : y;
  self->has_query = FALSE;
  for (guint i = 0; i < grids->grids->len && !self->has_query; i++) {
    self->query_grid = i;
    self->has_query
        = gst_vit_tokens_meta_find_patch (gst_vit_grids_get (grids, i)->meta, x,
            y, &self->query_column, &self->query_row);
  }
}

/* A legend of steps from dark to bright. */
static void
make_ramp (guint32 colours[32])
{
  for (guint i = 0; i < 32; i++)
    colours[i] = vit_shade_value ((gfloat) i / 31, 1);
}

static gboolean
colour_similarity (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, guint width, guint height,
    GstVitLegendContent *legend)
{
  gboolean is_new
      = self->query_x != settings->x || self->query_y != settings->y;
  VitShadeRange range;
  GstVitGrid *grid;

  find_query (self, settings, grids, width, height);
  if (!self->has_query) {
    memset (self->colours, 0, grids->n_patches * sizeof *self->colours);
    legend->text
        = g_strdup_printf ("no patch at %d, %d", settings->x, settings->y);
    return TRUE;
  }
  grid = gst_vit_grids_get (grids, self->query_grid);
  if (!vit_token_picture_similarity (self->picture, gst_vit_grids_views (grids),
          grids->views->len, self->query_grid,
          self->query_row * grid->cells.columns + self->query_column, is_new,
          (gfloat) settings->opacity, self->colours, &range))
    return FALSE;
  self->query_x = settings->x;
  self->query_y = settings->y;
  make_ramp (legend->colours);
  legend->n_colours = 32;
  legend->text
      = g_strdup_printf ("cosine %.1f to 1 with the framed patch", range.low);
  return TRUE;
}

static gboolean
colour_pca (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, GstVitLegendContent *legend)
{
  gdouble share[VIT_PCA_COMPONENTS];

  if (!vit_token_picture_pca (self->picture, gst_vit_grids_views (grids),
          grids->views->len, (gfloat) settings->opacity, self->colours, share))
    return FALSE;
  legend->colours[0] = 0xffff0000;
  legend->colours[1] = 0xff00ff00;
  legend->colours[2] = 0xff0000ff;
  legend->n_colours = 3;
  legend->text = g_strdup_printf (
      "principal components: %.0f, %.0f, %.0f %% of the variance",
      100 * share[0], 100 * share[1], 100 * share[2]);
  return TRUE;
}

static gboolean
colour_norm (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, GstVitLegendContent *legend)
{
  VitShadeRange range;

  if (!vit_token_picture_norm (self->picture, gst_vit_grids_views (grids),
          grids->views->len, (gfloat) settings->opacity, self->colours, &range))
    return FALSE;
  make_ramp (legend->colours);
  legend->n_colours = 32;
  legend->text = g_strdup_printf ("norm %.3g to %.3g", range.low, range.high);
  return TRUE;
}

static void
colour_changed (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, GstVitLegendContent *legend)
{
  static const gfloat orange[3] = { 1.0f, 0.5f, 0.0f };
  guint32 colour = vit_shade_rgb (orange, (gfloat) settings->opacity);
  guint n_changed = 0;

  for (guint i = 0; i < grids->grids->len; i++) {
    const GstVitGrid *grid = gst_vit_grids_get (grids, i);
    const GstVitTokensMeta *meta = grid->meta;

    for (guint p = 0; p < meta->grid_width * meta->grid_height; p++) {
      gboolean is_changed
          = gst_vit_tokens_meta_is_changed (meta, meta->n_prefix_tokens + p);

      self->colours[grid->first + p] = is_changed ? colour : 0;
      n_changed += is_changed;
    }
  }
  legend->colours[0] = vit_shade_rgb (orange, 1);
  legend->n_colours = 1;
  legend->text = g_strdup_printf (
      "%u of %u patches changed", n_changed, grids->n_patches);
}

static void
describe_grid (const GstVitGrids *grids, GstVitLegendContent *legend)
{
  const GstVitTokensMeta *meta = gst_vit_grids_get (grids, 0)->meta;

  legend->text = g_strdup_printf ("%u x %u patches of %u x %u, embed_dim %u",
      meta->grid_width, meta->grid_height, meta->patch_size, meta->patch_size,
      meta->embed_dim);
}

/* FALSE where there is not the memory. */
static gboolean
colour_grids (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, guint width, guint height,
    GstVitLegendContent *legend)
{
  switch (settings->mode) {
    case GST_VIT_DRAWING_PCA:
      return colour_pca (self, settings, grids, legend);
    case GST_VIT_DRAWING_SIMILARITY:
      return colour_similarity (self, settings, grids, width, height, legend);
    case GST_VIT_DRAWING_NORM:
      return colour_norm (self, settings, grids, legend);
    case GST_VIT_DRAWING_CHANGED:
      colour_changed (self, settings, grids, legend);
      return TRUE;
    case GST_VIT_DRAWING_GRID:
      describe_grid (grids, legend);
      return TRUE;
  }
  g_return_val_if_reached (FALSE);
}

gboolean
gst_vit_colours_make (GstVitColours *self,
    const GstVitDrawingSettings *settings, GstVitGrids *grids, guint width,
    guint height, GstVitLegendContent *legend, const gchar **reason)
{
  gboolean reads = gst_vit_drawing_settings_read_tokens (settings);
  gboolean is_done;

  if (!make_room (self, grids->n_patches)) {
    *reason = NO_MEMORY;
    return FALSE;
  }
  if (reads
      && !gst_vit_grids_map (
          grids, self->picture, settings->keep_positions, reason))
    return FALSE;
  is_done = colour_grids (self, settings, grids, width, height, legend);
  if (reads)
    gst_vit_grids_unmap (grids);
  if (!is_done)
    *reason = NO_MEMORY;
  return is_done;
}
