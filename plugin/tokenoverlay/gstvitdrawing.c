/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitdrawing.h"

#include "tokenoverlay/gstvitcolours.h"
#include "tokenoverlay/gstvitgrids.h"
#include "tokenoverlay/gstvitlayers.h"
#include "tokenoverlay/gstvitlegend.h"

struct _GstVitDrawing {
  GstVitColours colours;
  GstVitLegend legend;
  GstVitGrids grids; /* of the frame that is being drawn */
};

GstVitDrawing *
gst_vit_drawing_new (void)
{
  GstVitDrawing *self = g_new0 (GstVitDrawing, 1);

  gst_vit_colours_init (&self->colours);
  gst_vit_grids_init (&self->grids);
  return self;
}

void
gst_vit_drawing_free (GstVitDrawing *self)
{
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
make_layer (
    const GstVitDrawing *self, const GstVitDrawingSettings *settings, guint i)
{
  static const gfloat yellow[3] = { 1.0f, 0.9f, 0.0f };
  const GstVitColours *colours = &self->colours;
  const GstVitGrid *grid = gst_vit_grids_get (&self->grids, i);
  GstVitLayer layer = { .cells = grid->cells };

  if (settings->mode == GST_VIT_DRAWING_GRID)
    layer.border = vit_shade_rgb (yellow, (gfloat) settings->opacity);
  else
    layer.colours = colours->colours + grid->first;
  layer.has_outline = settings->mode == GST_VIT_DRAWING_SIMILARITY
                      && colours->has_query && colours->query_grid == i;
  layer.outline_column = colours->query_column;
  layer.outline_row = colours->query_row;
  return layer;
}

/* FALSE if nothing of it can be drawn. */
static gboolean
add_picture (GstVitDrawing *self, const GstVitDrawingSettings *settings,
    guint width, guint height, GstVideoOverlayComposition *composition,
    const gchar **reason)
{
  guint n_layers = self->grids.grids->len;
  GstVitLayer *layers = g_new (GstVitLayer, n_layers);
  GstVideoOverlayRectangle *picture;
  gboolean is_drawn;

  for (guint i = 0; i < n_layers; i++)
    layers[i] = make_layer (self, settings, i);
  is_drawn
      = gst_vit_layers_draw (layers, n_layers, width, height, &picture, reason);
  g_free (layers);
  if (picture) {
    gst_video_overlay_composition_add_rectangle (composition, picture);
    gst_video_overlay_rectangle_unref (picture);
  }
  return is_drawn;
}

GstVideoOverlayComposition *
gst_vit_drawing_compose (GstVitDrawing *self,
    const GstVitDrawingSettings *settings, GstBuffer *frame, guint width,
    guint height, const gchar **reason)
{
  gboolean reads = gst_vit_drawing_settings_read_tokens (settings);
  GstVideoOverlayComposition *composition = NULL;
  GstVitLegendContent legend = { NULL };
  const gchar *fault = NULL;

  *reason = NULL;
  if (gst_vit_grids_collect (&self->grids, frame, reads, &fault, reason)
      && gst_vit_colours_make (&self->colours, settings, &self->grids, width,
          height, &legend, reason)) {
    composition = gst_video_overlay_composition_new (NULL);
    if (!add_picture (self, settings, width, height, composition, reason))
      g_clear_pointer (&composition, gst_video_overlay_composition_unref);
    else if (settings->legend)
      gst_vit_legend_add (&self->legend, composition, &legend, width, height);
  }
  *reason = *reason ? *reason : fault;
  g_free (legend.text);
  return composition;
}
