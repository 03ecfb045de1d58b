/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitattention.h"

#include <string.h>

/* (nullable): the first valid meta.  *fault (nullable): of the last that is not. */
static const GstVitAttentionMeta *
find_first (GstBuffer *frame, const gchar **fault)
{
  const GstVitAttentionMeta *meta, *first = NULL;
  gpointer state = NULL;
  const gchar *reason;

  while ((meta = gst_buffer_iterate_vit_attention_meta (frame, &state))) {
    if (!gst_vit_attention_meta_is_valid (meta, &reason))
      *fault = reason;
    else if (!first)
      first = meta;
  }
  return first;
}

static GstVitGrid
make_grid (const GstVitAttentionMeta *meta)
{
  GstVitGrid grid = { .attention = meta };

  memcpy (grid.cells.map, meta->map, sizeof grid.cells.map);
  grid.cells.columns = meta->grid_width;
  grid.cells.rows = meta->grid_height;
  return grid;
}

gboolean
gst_vit_attention_collect (GstVitGrids *grids, GstBuffer *frame,
    const gchar **fault, const gchar **reason)
{
  const GstVitAttentionMeta *like = find_first (frame, fault), *meta;
  gpointer state = NULL;

  gst_vit_grids_begin (grids);
  if (!like)
    return FALSE;
  while ((meta = gst_buffer_iterate_vit_attention_meta (frame, &state))) {
    if (meta->n_heads == like->n_heads && meta->block == like->block
        && gst_vit_attention_meta_is_valid (meta, NULL)
        && !gst_vit_grids_add (grids, make_grid (meta))) {
      *reason = "there are too many";
      return FALSE;
    }
  }
  if ((guint64) grids->n_patches * like->n_heads
      > VIT_TOKEN_PICTURE_MAX_VALUES) {
    *reason = "there are too many";
    return FALSE;
  }
  return TRUE;
}

/* FALSE where one cannot be read. */
static gboolean
map_grids (GstVitGrids *grids, VitAttentionView *views)
{
  for (guint i = 0; i < grids->grids->len; i++) {
    GstVitGrid *grid = gst_vit_grids_get (grids, i);
    const GstVitAttentionMeta *meta = grid->attention;

    grid->tokens = gst_vit_reading_new (meta->values);
    if (!grid->tokens
        || grid->tokens->size / sizeof (gfloat) / meta->n_heads
               < meta->n_tokens)
      return FALSE;
    views[i] = (VitAttentionView){ grid->tokens->data, meta->n_heads,
      meta->n_tokens, meta->n_prefix_tokens };
  }
  return TRUE;
}

static void
describe (const GstVitAttentionMeta *meta, gint head,
    const VitShadeRange *range, GstVitLegendContent *legend)
{
  gchar *heads = head < 0
                     ? g_strdup_printf ("mean of %u heads", meta->n_heads)
                     : g_strdup_printf ("head %d of %u", head, meta->n_heads);

  if (range->has_values) {
    gst_vit_legend_make_ramp (legend);
    legend->text = g_strdup_printf (
        "attention of the class token, block %u, %s: 0 to %.3g", meta->block,
        heads, range->high);
  } else {
    legend->text = g_strdup_printf ("no attention, block %u, %s: all is 0 or "
                                    "not finite",
        meta->block, heads);
  }
  g_free (heads);
}

gboolean
gst_vit_attention_colour (GstVitGrids *grids, VitTokenPicture *picture,
    const GstVitDrawingSettings *settings, guint32 *colours,
    GstVitLegendContent *legend, const gchar **reason)
{
  const GstVitAttentionMeta *first = gst_vit_grids_get (grids, 0)->attention;
  guint n = grids->grids->len;
  VitShadeRange range;
  VitAttentionView *views;
  gboolean is_done;

  if (settings->head >= 0 && (guint) settings->head >= first->n_heads) {
    memset (colours, 0, grids->n_patches * sizeof *colours);
    legend->text = g_strdup_printf (
        "no head %d: there are %u, from 0", settings->head, first->n_heads);
    return TRUE;
  }
  views = g_new (VitAttentionView, n);
  is_done = map_grids (grids, views);
  if (!is_done)
    *reason = "they cannot be read";
  is_done = is_done
            && vit_token_picture_attention (picture, views, n, settings->head,
                (gfloat) settings->opacity, colours, &range);
  gst_vit_grids_unmap (grids);
  g_free (views);
  if (is_done)
    describe (first, settings->head, &range, legend);
  return is_done;
}
