/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitdrawing.h"

#include <string.h>

#include "common/gstvitreading.h"
#include "gst/vit/gstvittokensmeta.h"
#include "tokenoverlay/gstvitlayers.h"
#include "tokenoverlay/gstvitlegend.h"
#include "view/token_picture.h"

#define NO_MEMORY "there is not the memory for it"

/* What is drawn of one meta. */
typedef struct {
  const GstVitTokensMeta *meta;
  GstVitReading *tokens;    /* (nullable) */
  GstVitReading *positions; /* (nullable) */
  VitCells cells;
  guint first; /* of its colours */
} Grid;

struct _GstVitDrawing {
  VitTokenPicture *picture;
  GstVitLegend legend;
  gint query_x; /* of the frame before */
  gint query_y;

  /* Of the frame that is being drawn. */
  const GstVitDrawingSettings *settings;
  GArray *grids; /* of Grid */
  GArray *views; /* of VitTokenView, a grid each */
  guint n_patches;
  guint32 *colours; /* [n_patches], all grids' */
  guint n_colours;  /* that there is room for */
  gboolean has_query;
  guint query_grid;
  guint query_column;
  guint query_row;
};

GstVitDrawing *
gst_vit_drawing_new (void)
{
  GstVitDrawing *self = g_new0 (GstVitDrawing, 1);

  self->picture = vit_token_picture_new ();
  self->grids = g_array_new (FALSE, TRUE, sizeof (Grid));
  self->views = g_array_new (FALSE, TRUE, sizeof (VitTokenView));
  return self;
}

void
gst_vit_drawing_free (GstVitDrawing *self)
{
  vit_token_picture_free (self->picture);
  gst_vit_legend_clear (&self->legend);
  g_array_unref (self->grids);
  g_array_unref (self->views);
  g_free (self->colours);
  g_free (self);
}

void
gst_vit_drawing_reset (GstVitDrawing *self)
{
  vit_token_picture_reset (self->picture);
}

static gboolean
reads_tokens (GstVitDrawingMode mode)
{
  return mode == GST_VIT_DRAWING_PCA || mode == GST_VIT_DRAWING_SIMILARITY
         || mode == GST_VIT_DRAWING_NORM;
}

gboolean
gst_vit_drawing_wants_positions (const GstVitDrawingSettings *settings)
{
  return reads_tokens (settings->mode) && !settings->keep_positions;
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
find_deepest (
    GstVitDrawingMode mode, GstBuffer *frame, const gchar **fault)
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

/* FALSE if there are too many patches. */
static gboolean
add_grid (GstVitDrawing *self, const GstVitTokensMeta *meta)
{
  guint64 n_patches = (guint64) meta->grid_width * meta->grid_height;
  Grid grid = { .meta = meta, .first = self->n_patches };

  if (n_patches > VIT_TOKEN_PICTURE_MAX_PATCHES - self->n_patches)
    return FALSE;
  memcpy (grid.cells.map, meta->map, sizeof grid.cells.map);
  grid.cells.columns = meta->grid_width;
  grid.cells.rows = meta->grid_height;
  g_array_append_val (self->grids, grid);
  self->n_patches += (guint) n_patches;
  return TRUE;
}

static Grid *
get_grid (const GstVitDrawing *self, guint i)
{
  return &g_array_index (self->grids, Grid, i);
}

/* FALSE if there is nothing that can be drawn.  *fault as of find_deepest(). */
static gboolean
collect_grids (GstVitDrawing *self, GstBuffer *frame, const gchar **fault,
    const gchar **reason)
{
  const GstVitTokensMeta *like
      = find_deepest (self->settings->mode, frame, fault);
  const GstVitTokensMeta *meta;
  gpointer state = NULL;

  g_array_set_size (self->grids, 0);
  self->n_patches = 0;
  if (!like)
    return FALSE;
  if (reads_tokens (self->settings->mode)
      && like->embed_dim > VIT_TOKEN_PICTURE_MAX_EMBED_DIM) {
    *reason = "they are too long";
    return FALSE;
  }
  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    if (meta->n_blocks == like->n_blocks && meta->embed_dim == like->embed_dim
        && gst_vit_tokens_meta_is_valid (meta, NULL)
        && !add_grid (self, meta)) {
      *reason = "there are too many";
      return FALSE;
    }
  }
  if (reads_tokens (self->settings->mode)
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

static gboolean
make_room (GstVitDrawing *self, const gchar **reason)
{
  if (self->n_patches <= self->n_colours)
    return TRUE;
  g_free (self->colours);
  self->colours = g_try_new (guint32, self->n_patches);
  self->n_colours = self->colours ? self->n_patches : 0;
  *reason = self->colours ? NULL : NO_MEMORY;
  return self->colours != NULL;
}

/* Positions are known, or known to be none, or to be estimated; after a block
 * of the network they are no longer a part of their own. */
static gboolean
must_estimate (const GstVitDrawing *self, const GstVitTokensMeta *meta)
{
  return !self->settings->keep_positions && meta->n_blocks == 0
      && !meta->positions;
}

/* Room for what is estimated of all grids. */
static gboolean
begin_estimates (GstVitDrawing *self, const gchar **reason)
{
  guint64 n_parts = 0;

  for (guint i = 0; i < self->grids->len; i++) {
    const GstVitTokensMeta *meta = get_grid (self, i)->meta;

    if (must_estimate (self, meta))
      n_parts += vit_token_picture_n_parts (
          meta->grid_width, meta->grid_height, meta->embed_dim);
  }
  *reason = n_parts > VIT_TOKEN_PICTURE_MAX_PARTS ? "there are too many"
                                                  : NO_MEMORY;
  return n_parts <= VIT_TOKEN_PICTURE_MAX_PARTS
      && vit_token_picture_begin (self->picture, n_parts);
}

static gboolean
leave_out_positions (GstVitDrawing *self, guint i, const gchar **reason)
{
  Grid *grid = get_grid (self, i);
  VitTokenView *view = &g_array_index (self->views, VitTokenView, i);
  GstBuffer *positions = grid->meta->positions;
  guint64 n_values
      = (guint64) vit_token_view_n_patches (view) * view->embed_dim;

  if (must_estimate (self, grid->meta))
    vit_token_picture_estimate (self->picture, view);
  if (self->settings->keep_positions || grid->meta->n_blocks > 0 || !positions
      || gst_buffer_get_size (positions) == 0)
    return TRUE;
  *reason = "their positions cannot be read";
  if (!read_buffer (positions, n_values, sizeof (gfloat), &grid->positions)
      || (guintptr) grid->positions->data % sizeof (gfloat) != 0)
    return FALSE;
  view->positions = (const float *) (gconstpointer) grid->positions->data;
  return TRUE;
}

static void
unmap_grids (GstVitDrawing *self)
{
  for (guint i = 0; i < self->grids->len; i++) {
    Grid *grid = get_grid (self, i);

    g_clear_pointer (&grid->tokens, gst_vit_reading_unref);
    g_clear_pointer (&grid->positions, gst_vit_reading_unref);
  }
}

static gboolean
map_grid (GstVitDrawing *self, guint i, const gchar **reason)
{
  Grid *grid = get_grid (self, i);
  const GstVitTokensMeta *meta = grid->meta;
  VitTokenView *view = &g_array_index (self->views, VitTokenView, i);
  gsize value_size = gst_vit_token_format_get_size (meta->format);
  guint64 n_prefix_values
      = (guint64) meta->n_prefix_tokens * meta->embed_dim;

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

/* FALSE, with nothing mapped, if a grid cannot be. */
static gboolean
map_grids (GstVitDrawing *self, const gchar **reason)
{
  gboolean is_done = TRUE;

  g_array_set_size (self->views, self->grids->len);
  for (guint i = 0; is_done && i < self->grids->len; i++)
    is_done = map_grid (self, i, reason);
  is_done = is_done && begin_estimates (self, reason);
  for (guint i = 0; is_done && i < self->grids->len; i++)
    is_done = leave_out_positions (self, i, reason);
  if (is_done)
    *reason = NULL;
  else
    unmap_grids (self);
  return is_done;
}

/* The patch that others are compared with. */
static void
find_query (GstVitDrawing *self, guint width, guint height)
{
  gint x = self->settings->x, y = self->settings->y;

  x = x < 0 ? (gint) width / 2 : x;
  y = y < 0 ? (gint) height / 2 : y;
  self->has_query = FALSE;
  for (guint i = 0; i < self->grids->len && !self->has_query; i++) {
    self->query_grid = i;
    self->has_query
        = gst_vit_tokens_meta_find_patch (get_grid (self, i)->meta, x, y,
            &self->query_column, &self->query_row);
  }
}

/* A legend of steps from dark to bright. */
static void
make_ramp (guint32 colours[32])
{
  for (guint i = 0; i < 32; i++)
    colours[i] = vit_shade_value ((gfloat) i / 31, 1);
}

/* What the legend shows. */
typedef struct {
  gchar *text; /* (transfer full) */
  guint32 colours[32];
  guint n_colours;
} LegendContent;

static gboolean
colour_similarity (GstVitDrawing *self, guint width, guint height,
    LegendContent *legend)
{
  const GstVitDrawingSettings *settings = self->settings;
  gboolean is_new
      = self->query_x != settings->x || self->query_y != settings->y;
  VitShadeRange range;
  Grid *grid;

  find_query (self, width, height);
  if (!self->has_query) {
    memset (self->colours, 0, self->n_patches * sizeof *self->colours);
    legend->text = g_strdup_printf (
        "no patch at %d, %d", settings->x, settings->y);
    return TRUE;
  }
  grid = get_grid (self, self->query_grid);
  if (!vit_token_picture_similarity (self->picture,
          (const VitTokenView *) (gpointer) self->views->data,
          self->views->len, self->query_grid,
          self->query_row * grid->cells.columns + self->query_column, is_new,
          (gfloat) settings->opacity, self->colours, &range))
    return FALSE;
  self->query_x = settings->x;
  self->query_y = settings->y;
  make_ramp (legend->colours);
  legend->n_colours = 32;
  legend->text = g_strdup_printf (
      "cosine %.1f to 1 with the framed patch", range.low);
  return TRUE;
}

static gboolean
colour_pca (GstVitDrawing *self, LegendContent *legend)
{
  gdouble share[VIT_PCA_COMPONENTS];

  if (!vit_token_picture_pca (self->picture,
          (const VitTokenView *) (gpointer) self->views->data,
          self->views->len, (gfloat) self->settings->opacity, self->colours,
          share))
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
colour_norm (GstVitDrawing *self, LegendContent *legend)
{
  VitShadeRange range;

  if (!vit_token_picture_norm (self->picture,
          (const VitTokenView *) (gpointer) self->views->data,
          self->views->len, (gfloat) self->settings->opacity, self->colours,
          &range))
    return FALSE;
  make_ramp (legend->colours);
  legend->n_colours = 32;
  legend->text
      = g_strdup_printf ("norm %.3g to %.3g", range.low, range.high);
  return TRUE;
}

static void
colour_changed (GstVitDrawing *self, LegendContent *legend)
{
  static const gfloat orange[3] = { 1.0f, 0.5f, 0.0f };
  guint32 colour = vit_shade_rgb (orange, (gfloat) self->settings->opacity);
  guint n_changed = 0;

  for (guint i = 0; i < self->grids->len; i++) {
    const Grid *grid = get_grid (self, i);
    const GstVitTokensMeta *meta = grid->meta;

    for (guint p = 0; p < meta->grid_width * meta->grid_height; p++) {
      gboolean is_changed = gst_vit_tokens_meta_is_changed (
          meta, meta->n_prefix_tokens + p);

      self->colours[grid->first + p] = is_changed ? colour : 0;
      n_changed += is_changed;
    }
  }
  legend->colours[0] = vit_shade_rgb (orange, 1);
  legend->n_colours = 1;
  legend->text = g_strdup_printf (
      "%u of %u patches changed", n_changed, self->n_patches);
}

static void
describe_grid (GstVitDrawing *self, LegendContent *legend)
{
  const GstVitTokensMeta *meta = get_grid (self, 0)->meta;

  legend->text = g_strdup_printf ("%u x %u patches of %u x %u, embed_dim %u",
      meta->grid_width, meta->grid_height, meta->patch_size, meta->patch_size,
      meta->embed_dim);
}

/* What is to be painted of one grid. */
static GstVitLayer
make_layer (const GstVitDrawing *self, guint i)
{
  static const gfloat yellow[3] = { 1.0f, 0.9f, 0.0f };
  const GstVitDrawingSettings *settings = self->settings;
  const Grid *grid = get_grid (self, i);
  GstVitLayer layer = { .cells = grid->cells };

  if (settings->mode == GST_VIT_DRAWING_GRID)
    layer.border = vit_shade_rgb (yellow, (gfloat) settings->opacity);
  else
    layer.colours = self->colours + grid->first;
  layer.has_outline = settings->mode == GST_VIT_DRAWING_SIMILARITY
      && self->has_query && self->query_grid == i;
  layer.outline_column = self->query_column;
  layer.outline_row = self->query_row;
  return layer;
}

/* FALSE if nothing of it can be drawn. */
static gboolean
add_picture (GstVitDrawing *self, guint width, guint height,
    GstVideoOverlayComposition *composition, const gchar **reason)
{
  GstVitLayer *layers = g_new (GstVitLayer, self->grids->len);
  GstVideoOverlayRectangle *picture;
  gboolean is_drawn;

  for (guint i = 0; i < self->grids->len; i++)
    layers[i] = make_layer (self, i);
  is_drawn = gst_vit_layers_draw (
      layers, self->grids->len, width, height, &picture, reason);
  g_free (layers);
  if (picture) {
    gst_video_overlay_composition_add_rectangle (composition, picture);
    gst_video_overlay_rectangle_unref (picture);
  }
  return is_drawn;
}

/* FALSE where there is not the memory. */
static gboolean
colour_grids (GstVitDrawing *self, guint width, guint height,
    LegendContent *legend)
{
  switch (self->settings->mode) {
    case GST_VIT_DRAWING_PCA:
      return colour_pca (self, legend);
    case GST_VIT_DRAWING_SIMILARITY:
      return colour_similarity (self, width, height, legend);
    case GST_VIT_DRAWING_NORM:
      return colour_norm (self, legend);
    case GST_VIT_DRAWING_CHANGED:
      colour_changed (self, legend);
      return TRUE;
    case GST_VIT_DRAWING_GRID:
      describe_grid (self, legend);
      return TRUE;
  }
  g_return_val_if_reached (FALSE);
}

/* Of features, after which block they were taken. */
static void
say_depth (const GstVitDrawing *self, LegendContent *legend)
{
  guint n_blocks = get_grid (self, 0)->meta->n_blocks;
  gchar *text = legend->text;

  if (n_blocks == 0)
    return;
  legend->text
      = g_strdup_printf ("features after block %u: %s", n_blocks, text);
  g_free (text);
}

const gchar *
gst_vit_drawing_get_legend (const GstVitDrawing *self)
{
  return self->legend.text;
}

GstVideoOverlayComposition *
gst_vit_drawing_compose (GstVitDrawing *self,
    const GstVitDrawingSettings *settings, GstBuffer *frame, guint width,
    guint height, const gchar **reason)
{
  gboolean needs_tokens = reads_tokens (settings->mode);
  GstVideoOverlayComposition *composition;
  LegendContent legend = { NULL };
  const gchar *fault = NULL;
  gboolean is_drawn;

  self->settings = settings;
  *reason = NULL;
  if (!collect_grids (self, frame, &fault, reason)
      || !make_room (self, reason)
      || (needs_tokens && !map_grids (self, reason))) {
    *reason = *reason ? *reason : fault;
    return NULL;
  }
  is_drawn = colour_grids (self, width, height, &legend);
  if (needs_tokens)
    unmap_grids (self);

  composition = gst_video_overlay_composition_new (NULL);
  if (!is_drawn)
    *reason = NO_MEMORY;
  else
    is_drawn = add_picture (self, width, height, composition, reason);
  if (!is_drawn) {
    g_clear_pointer (&composition, gst_video_overlay_composition_unref);
  } else if (settings->legend) {
    say_depth (self, &legend);
    gst_vit_legend_add (&self->legend, composition, legend.text,
        legend.colours, legend.n_colours, width, height);
  }
  *reason = *reason ? *reason : fault;
  g_free (legend.text);
  return composition;
}
