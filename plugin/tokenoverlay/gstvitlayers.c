/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitlayers.h"

#include "tokenoverlay/gstvitlegend.h"
#include "view/smooth.h"

#define WHITE 0xffffffffu
#define OUTLINE_WIDTH 2
#define TEXT(number) #number
#define COUNT(macro) TEXT (macro)

/* What is drawn. */
typedef struct {
  const GstVitLayer *layers;
  guint n_layers;
  const GstVitOutline *outlines;
  guint n_outlines;
} Drawn;

/* Where the layers lie that are drawn. */
typedef struct {
  VitCanvas *bounds; /* [n_layers]; of no width: not to be seen */
  guint n_visible;
  VitCanvas all;     /* around them */
  gsize most_pixels; /* of one of them */
} Extent;

static gsize
count_pixels (const VitCanvas *canvas)
{
  return (gsize) canvas->width * canvas->height;
}

static void
extend (VitCanvas *all, const VitCanvas *canvas)
{
  gint right
      = MAX (all->x + (gint) all->width, canvas->x + (gint) canvas->width);
  gint bottom
      = MAX (all->y + (gint) all->height, canvas->y + (gint) canvas->height);

  all->x = MIN (all->x, canvas->x);
  all->y = MIN (all->y, canvas->y);
  all->width = (guint) (right - all->x);
  all->height = (guint) (bottom - all->y);
}

/* FALSE if some are left out. */
static gboolean
find_extent (
    const Drawn *drawn, guint width, guint height, Extent *extent)
{
  guint64 left = (guint64) width * height * GST_VIT_LAYERS_MAX_COVERS;

  for (guint i = 0; i < drawn->n_layers; i++) {
    const GstVitLayer *layer = &drawn->layers[i];
    VitCanvas *bounds = &extent->bounds[i];

    /* Smooth colours reach half a cell beyond their own. */
    if (!vit_paint_bounds (&layer->cells, layer->colours, layer->is_smooth,
            width, height, bounds)) {
      bounds->width = 0;
      continue;
    }
    if (count_pixels (bounds) > left) {
      for (; i < drawn->n_layers; i++)
        extent->bounds[i].width = 0;
      return FALSE;
    }
    left -= count_pixels (bounds);
    extent->most_pixels = MAX (extent->most_pixels, count_pixels (bounds));
    if (extent->n_visible++ == 0)
      extent->all = *bounds;
    else
      extend (&extent->all, bounds);
  }
  return TRUE;
}

static void
paint_cells (const GstVitLayer *layer, VitCanvas *canvas)
{
  if (!layer->colours) {
    vit_paint_fill (0, canvas);
    vit_paint_grid (&layer->cells, layer->border, canvas);
  } else if (!layer->is_smooth) {
    vit_paint_cells (&layer->cells, layer->colours, canvas);
  } else if (layer->places) {
    vit_smooth_places (&layer->cells, layer->places, layer->colours,
        layer->alpha, canvas);
  } else {
    vit_smooth_colours (&layer->cells, layer->colours, canvas);
  }
}

static void
paint_layer (const Drawn *drawn, guint i, VitCanvas *canvas)
{
  paint_cells (&drawn->layers[i], canvas);
  for (guint j = 0; j < drawn->n_outlines; j++) {
    const GstVitOutline *outline = &drawn->outlines[j];

    if (outline->layer == i)
      vit_paint_outline (&drawn->layers[i].cells, outline->column,
          outline->row, OUTLINE_WIDTH, WHITE, canvas);
  }
}

/* Each for itself and then over the others, but where it is the only one. */
static gboolean
paint_layers (const Drawn *drawn, const Extent *extent, VitCanvas *canvas)
{
  guint32 *pixels = NULL;

  if (extent->n_visible > 1) {
    pixels = g_try_new (guint32, extent->most_pixels);
    if (!pixels)
      return FALSE;
    vit_paint_fill (0, canvas);
  }
  for (guint i = 0; i < drawn->n_layers; i++) {
    VitCanvas own = extent->bounds[i];

    if (own.width == 0)
      continue;
    own.pixels = pixels ? pixels : canvas->pixels;
    paint_layer (drawn, i, &own);
    if (pixels)
      vit_paint_over (&own, canvas);
  }
  g_free (pixels);
  return TRUE;
}

static gboolean
draw_extent (const Drawn *drawn, Extent *extent,
    GstVideoOverlayRectangle **picture, const gchar **reason)
{
  VitCanvas *all = &extent->all;

  if (extent->n_visible == 0)
    return TRUE;
  if (count_pixels (all) > G_MAXINT / sizeof *all->pixels) {
    *reason = "the picture would be larger than GStreamer can count";
    return FALSE;
  }
  *picture = gst_vit_legend_new_picture (all->x, all->y, all->width,
      all->height, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE, &all->pixels);
  if (*picture && paint_layers (drawn, extent, all))
    return TRUE;
  g_clear_pointer (picture, gst_video_overlay_rectangle_unref);
  *reason = "there is not the memory for it";
  return FALSE;
}

gboolean
gst_vit_layers_draw (const GstVitLayer *layers, guint n_layers,
    const GstVitOutline *outlines, guint n_outlines, guint width, guint height,
    GstVideoOverlayRectangle **picture, const gchar **reason)
{
  const Drawn drawn = { layers, n_layers, outlines, n_outlines };
  Extent extent = { .bounds = g_new (VitCanvas, n_layers) };
  gboolean is_drawn;

  *picture = NULL;
  *reason = NULL;
  if (!find_extent (&drawn, width, height, &extent))
    *reason = "those that would cover the frame more than " COUNT (
        GST_VIT_LAYERS_MAX_COVERS) " times";
  is_drawn = draw_extent (&drawn, &extent, picture, reason);
  g_free (extent.bounds);
  return is_drawn;
}
