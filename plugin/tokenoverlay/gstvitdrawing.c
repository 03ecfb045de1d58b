/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitdrawing.h"

#include "tokenoverlay/gstvitattention.h"
#include "tokenoverlay/gstvitbestlabels.h"
#include "tokenoverlay/gstvitcolours.h"
#include "tokenoverlay/gstvitgrids.h"
#include "tokenoverlay/gstvitlasttokens.h"
#include "tokenoverlay/gstvitlayers.h"
#include "tokenoverlay/gstvitlegend.h"

struct _GstVitDrawing {
  GstVitColours colours;
  GstVitLegend legend;
  GstVitGrids grids; /* of the frame that is being drawn */
  GstVitLastTokens last;

  /* What was drawn of the last tokens. */
  GstVitDrawingSettings settings;
  GstVideoOverlayRectangle *picture; /* (nullable): nothing to be seen */
  GstVitLegendContent content;
};

GstVitDrawing *
gst_vit_drawing_new (void)
{
  GstVitDrawing *self = g_new0 (GstVitDrawing, 1);

  gst_vit_colours_init (&self->colours);
  gst_vit_grids_init (&self->grids);
  gst_vit_last_tokens_clear (&self->last);
  return self;
}

static void
clear_drawn (GstVitDrawing *self)
{
  g_clear_pointer (&self->picture, gst_video_overlay_rectangle_unref);
  g_clear_pointer (&self->content.text, g_free);
}

void
gst_vit_drawing_forget (GstVitDrawing *self)
{
  gst_vit_last_tokens_clear (&self->last);
  clear_drawn (self);
}

void
gst_vit_drawing_free (GstVitDrawing *self)
{
  gst_vit_drawing_forget (self);
  gst_vit_drawing_settings_clear (&self->settings);
  gst_vit_colours_clear (&self->colours);
  gst_vit_legend_clear (&self->legend);
  gst_vit_grids_clear (&self->grids);
  g_free (self);
}

void
gst_vit_drawing_reset (GstVitDrawing *self)
{
  gst_vit_colours_reset (&self->colours);
}

/* What is to be painted of one grid. */
static GstVitLayer
make_layer (const GstVitDrawing *self, guint i)
{
  static const gfloat yellow[3] = { 1.0f, 0.9f, 0.0f };
  const GstVitDrawingSettings *settings = &self->settings;
  const GstVitColours *colours = &self->colours;
  const GstVitGrid *grid = gst_vit_grids_get (&self->grids, i);
  GstVitLayer layer = { .cells = grid->cells };

  if (settings->mode == GST_VIT_DRAWING_GRID)
    layer.border = vit_shade_rgb (yellow, (gfloat) settings->opacity);
  else
    layer.colours = colours->colours + grid->first;
  if (colours->places)
    layer.places = colours->places + grid->first;
  layer.is_smooth = settings->smooth
                    && (gst_vit_drawing_settings_read_tokens (settings)
                        || settings->mode == GST_VIT_DRAWING_ATTENTION);
  layer.alpha = (gfloat) settings->opacity;
  return layer;
}

/* FALSE if nothing of it can be drawn. */
static gboolean
draw_picture (
    GstVitDrawing *self, guint width, guint height, const gchar **reason)
{
  gboolean has_outlines = self->settings.mode == GST_VIT_DRAWING_SIMILARITY;
  const GstVitSimilarity *similarity = &self->colours.similarity;
  guint n_layers = self->grids.grids->len;
  GstVitLayer *layers = g_new (GstVitLayer, n_layers);
  gboolean is_drawn;

  for (guint i = 0; i < n_layers; i++)
    layers[i] = make_layer (self, i);
  is_drawn = gst_vit_layers_draw (layers, n_layers, similarity->framed,
      has_outlines ? similarity->n_framed : 0, width, height, &self->picture,
      reason);
  g_free (layers);
  return is_drawn;
}

/* Of features, after which block they were taken. */
static void
say_depth (GstVitDrawing *self)
{
  const GstVitTokensMeta *meta = gst_vit_grids_get (&self->grids, 0)->meta;
  gchar *text = self->content.text;

  if (!meta || meta->n_blocks == 0)
    return;
  self->content.text
      = g_strdup_printf ("features after block %u: %s", meta->n_blocks, text);
  g_free (text);
}

static void
say_labels (GstVitDrawing *self, GstBuffer *tokens)
{
  gchar *labels = gst_vit_best_labels_say (tokens);
  gchar *text = self->content.text;

  if (!labels)
    return;
  self->content.text = g_strdup_printf ("%s, %s", labels, text);
  g_free (labels);
  g_free (text);
}

static gboolean
collect (GstVitDrawing *self, GstBuffer *tokens, const gchar **fault,
    const gchar **reason)
{
  if (self->settings.mode == GST_VIT_DRAWING_ATTENTION)
    return gst_vit_attention_collect (&self->grids, tokens, fault, reason);
  return gst_vit_grids_collect (
      &self->grids, tokens, &self->settings, fault, reason);
}

/* What is drawn of the metas of `tokens`; FALSE, with nothing, if it cannot be. */
static gboolean
draw (GstVitDrawing *self, const GstVitDrawingSettings *settings,
    GstBuffer *tokens, guint width, guint height, const gchar **reason)
{
  const gchar *fault = NULL;
  gboolean is_drawn;

  clear_drawn (self);
  gst_vit_drawing_settings_clear (&self->settings);
  gst_vit_drawing_settings_copy (settings, &self->settings);
  self->content = (GstVitLegendContent){ NULL };
  is_drawn
      = collect (self, tokens, &fault, reason)
        && gst_vit_colours_make (&self->colours, settings, &self->grids, width,
            height, &self->content, reason)
        && draw_picture (self, width, height, reason);
  *reason = *reason ? *reason : fault;
  if (is_drawn) {
    say_depth (self);
    say_labels (self, tokens);
  } else {
    clear_drawn (self);
  }
  return is_drawn;
}

/* Whether the frame carries what is drawn.  *reason (nullable) says why not, where
 * something else is missing than tokens. */
static gboolean
carries (const GstVitDrawingSettings *settings, GstBuffer *frame,
    const gchar **reason)
{
  gboolean has_tokens
      = gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE) > 0;

  if (settings->mode != GST_VIT_DRAWING_ATTENTION)
    return has_tokens;
  if (gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE) > 0)
    return TRUE;
  if (has_tokens)
    *reason = "no attention is with them, which vitencoder attaches with "
              "attention=true";
  return FALSE;
}

/* Whether an encoder made something of the frame's tokens: attention that is not
 * with it is missing on purpose, and not only late. */
static gboolean
is_encoded (GstBuffer *frame)
{
  const GstVitTokensMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    if (meta->n_blocks > 0)
      return TRUE;
  return gst_buffer_get_n_meta (frame, GST_VIT_EMBEDDING_META_API_TYPE) > 0;
}

/* Whether something is drawn, anew or of the last tokens. */
static gboolean
draw_if_new (GstVitDrawing *self, const GstVitDrawingSettings *settings,
    GstBuffer *frame, guint width, guint height, const gchar **reason)
{
  const gchar *missing = NULL;
  gboolean has_tokens = carries (settings, frame, &missing);

  if (missing && is_encoded (frame))
    gst_vit_last_tokens_end (&self->last);
  if (!has_tokens && !gst_vit_last_tokens_stand_for (&self->last, frame)) {
    *reason = missing;
    return FALSE;
  }
  if (!has_tokens
      && gst_vit_drawing_settings_are_equal (settings, &self->settings))
    return TRUE;
  if (!draw (self, settings, has_tokens ? frame : self->last.metas, width,
          height, reason)) {
    gst_vit_last_tokens_end (&self->last);
    return FALSE;
  }
  if (has_tokens)
    gst_vit_last_tokens_take (&self->last, frame);
  return TRUE;
}

/* (transfer none): what the legend says of them on `frame`. */
static GstVitLegendContent
make_content (const GstVitDrawing *self, GstBuffer *frame, gchar **text)
{
  GstVitLegendContent content = self->content;
  gchar *age = gst_vit_last_tokens_say_age (&self->last, frame);

  *text = age ? g_strdup_printf ("%s, %s", content.text, age)
              : g_strdup (content.text);
  content.text = *text;
  g_free (age);
  return content;
}

GError *
gst_vit_drawing_take_query_error (GstVitDrawing *self)
{
  return gst_vit_query_take_error (&self->colours.similarity.query);
}

const gchar *
gst_vit_drawing_describe (const GstVitDrawing *self)
{
  return self->content.text;
}

GstVideoOverlayComposition *
gst_vit_drawing_compose (GstVitDrawing *self,
    const GstVitDrawingSettings *settings, GstBuffer *frame, guint width,
    guint height, const gchar **reason)
{
  GstVideoOverlayComposition *composition;

  *reason = NULL;
  if (!draw_if_new (self, settings, frame, width, height, reason))
    return NULL;
  composition = gst_video_overlay_composition_new (NULL);
  gst_vit_legend_add_anew (composition, self->picture);
  if (settings->legend) {
    gchar *text;
    GstVitLegendContent content = make_content (self, frame, &text);

    gst_vit_legend_add (&self->legend, composition, &content, width, height);
    g_free (text);
  }
  return composition;
}
