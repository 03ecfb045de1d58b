/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitcolours.h"

#include <string.h>

#include "tokenoverlay/gstvitattention.h"

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
  gst_vit_similarity_clear (&self->similarity);
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

/* TRUE where there is nothing to compare with, too. */
static gboolean
colour_similarity (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, guint width, guint height,
    GstVitLegendContent *legend)
{
  GstVitSimilarity *similarity = &self->similarity;
  gchar *with;
  gboolean is_new;
  VitShadeRange range;

  if (!gst_vit_similarity_find (
          similarity, settings, grids, width, height, &is_new))
    return FALSE;
  with = gst_vit_similarity_describe (similarity);
  if (gst_vit_similarity_n_vectors (similarity) == 0) {
    memset (self->colours, 0, grids->n_patches * sizeof *self->colours);
    legend->text = with;
    return TRUE;
  }
  if (!vit_token_picture_similarity (self->picture, gst_vit_grids_views (grids),
          grids->views->len, similarity->vectors,
          gst_vit_similarity_n_vectors (similarity), is_new,
          (gfloat) settings->opacity, self->colours, &range)) {
    g_free (with);
    return FALSE;
  }
  self->places = vit_token_picture_places (self->picture);
  if (range.has_values) {
    gst_vit_legend_make_ramp (legend);
    legend->text = g_strdup_printf ("cosine %.1f to 1 with %s", range.low, with);
  } else {
    legend->text = g_strdup_printf ("no cosine with %s: zero or not finite", with);
  }
  g_free (with);
  return TRUE;
}

static gboolean
colour_pca (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, GstVitLegendContent *legend)
{
  gdouble share[VIT_PCA_COMPONENTS];
  guint n_shown;

  if (!vit_token_picture_pca (self->picture, gst_vit_grids_views (grids),
          grids->views->len, settings->foreground, (gfloat) settings->opacity,
          self->colours, share, &n_shown))
    return FALSE;
  if (!(share[0] > 0)) {
    legend->text = g_strdup (
        "no principal components: the tokens are alike or not finite");
    return TRUE;
  }
  legend->colours[0] = 0xffff0000;
  legend->colours[1] = 0xff00ff00;
  legend->colours[2] = 0xff0000ff;
  legend->n_colours = 3;
  legend->text = g_strdup_printf (
      "principal components%s: %.0f, %.0f, %.0f %% of the variance",
      settings->foreground ? " of the foreground" : "", 100 * share[0],
      100 * share[1], 100 * share[2]);
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
  if (!range.has_values) {
    legend->text = g_strdup ("no norm: the tokens are not finite");
    return TRUE;
  }
  self->places = vit_token_picture_places (self->picture);
  gst_vit_legend_make_ramp (legend);
  legend->text = g_strdup_printf ("norm %.3g to %.3g", range.low, range.high);
  return TRUE;
}

static const gfloat orange[3] = { 1.0f, 0.5f, 0.0f };
static const gfloat grey[3] = { 0.5f, 0.5f, 0.5f };

static void
describe_changes (guint n_changed, guint n_unknown, guint n_patches,
    GstVitLegendContent *legend)
{
  if (n_unknown < n_patches)
    legend->colours[legend->n_colours++] = vit_shade_rgb (orange, 1);
  if (n_unknown > 0)
    legend->colours[legend->n_colours++] = vit_shade_rgb (grey, 1);
  if (n_unknown == n_patches)
    legend->text = g_strdup ("changes not known, as on a first frame");
  else if (n_unknown > 0)
    legend->text = g_strdup_printf ("%u of %u patches changed, %u not known",
        n_changed, n_patches, n_unknown);
  else
    legend->text
        = g_strdup_printf ("%u of %u patches changed", n_changed, n_patches);
}

/* Not to know whether a token changed is another thing than that it did. */
static void
colour_changed (GstVitColours *self, const GstVitDrawingSettings *settings,
    const GstVitGrids *grids, GstVitLegendContent *legend)
{
  guint32 changed = vit_shade_rgb (orange, (gfloat) settings->opacity);
  guint32 unknown = vit_shade_rgb (grey, (gfloat) settings->opacity);
  guint n_changed = 0, n_unknown = 0;

  for (guint i = 0; i < grids->grids->len; i++) {
    const GstVitGrid *grid = gst_vit_grids_get (grids, i);
    const GstVitTokensMeta *meta = grid->meta;
    guint32 *colours = self->colours + grid->first;

    for (guint p = 0; p < meta->grid_width * meta->grid_height; p++) {
      if (!meta->changed) {
        colours[p] = unknown;
        n_unknown++;
      } else if (gst_vit_tokens_meta_is_changed (
                     meta, meta->n_prefix_tokens + p)) {
        colours[p] = changed;
        n_changed++;
      } else {
        colours[p] = 0;
      }
    }
  }
  describe_changes (n_changed, n_unknown, grids->n_patches, legend);
}

static void
describe_grid (const GstVitGrids *grids, GstVitLegendContent *legend)
{
  const GstVitTokensMeta *meta = gst_vit_grids_get (grids, 0)->meta;

  if (grids->grids->len > 1)
    legend->text = g_strdup_printf ("%u patches in %u grids, embed_dim %u",
        grids->n_patches, grids->grids->len, meta->embed_dim);
  else
    legend->text = g_strdup_printf ("%u x %u patches of %u x %u, embed_dim %u",
        meta->grid_width, meta->grid_height, meta->patch_size, meta->patch_size,
        meta->embed_dim);
}

static gboolean
colour_attention (GstVitColours *self, const GstVitDrawingSettings *settings,
    GstVitGrids *grids, GstVitLegendContent *legend, const gchar **reason)
{
  if (!gst_vit_attention_colour (
          grids, self->picture, settings, self->colours, legend, reason))
    return FALSE;
  if (legend->n_colours > 0)
    self->places = vit_token_picture_places (self->picture);
  return TRUE;
}

/* FALSE where there is not the memory, or for a reason that is said. */
static gboolean
colour_grids (GstVitColours *self, const GstVitDrawingSettings *settings,
    GstVitGrids *grids, guint width, guint height,
    GstVitLegendContent *legend, const gchar **reason)
{
  switch (settings->mode) {
    case GST_VIT_DRAWING_PCA:
      return colour_pca (self, settings, grids, legend);
    case GST_VIT_DRAWING_SIMILARITY:
      return colour_similarity (
          self, settings, grids, width, height, legend);
    case GST_VIT_DRAWING_NORM:
      return colour_norm (self, settings, grids, legend);
    case GST_VIT_DRAWING_CHANGED:
      colour_changed (self, settings, grids, legend);
      return TRUE;
    case GST_VIT_DRAWING_GRID:
      describe_grid (grids, legend);
      return TRUE;
    case GST_VIT_DRAWING_ATTENTION:
      return colour_attention (self, settings, grids, legend, reason);
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
  self->places = NULL;
  is_done = colour_grids (
      self, settings, grids, width, height, legend, reason);
  if (reads)
    gst_vit_grids_unmap (grids);
  if (!is_done && !*reason)
    *reason = NO_MEMORY;
  return is_done;
}
