/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitlayers.h"

#include "tokenoverlay/gstvitlegend.h"

#define WHITE 0xffffffffu
#define OUTLINE_WIDTH 2
#define TEXT(number) #number
#define COUNT(macro) TEXT (macro)

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
find_extent (const GstVitLayer *layers, guint n_layers, guint width,
    guint height, Extent *extent)
{
  guint64 left = (guint64) width * height * GST_VIT_LAYERS_MAX_COVERS;

  for (guint i = 0; i < n_layers; i++) {
    VitCanvas *bounds = &extent->bounds[i];

    if (!vit_paint_bounds (
            &layers[i].cells, layers[i].colours, width, height, bounds)) {
      bounds->width = 0;
      continue;
    }
    if (count_pixels (bounds) > left) {
      for (; i < n_layers; i++)
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
paint_layer (const GstVitLayer *layer, VitCanvas *canvas)
{
  if (layer->colours) {
    vit_paint_cells (&layer->cells, layer->colours, canvas);
  } else {
    vit_paint_fill (0, canvas);
    vit_paint_grid (&layer->cells, layer->border, canvas);
  }
  if (layer->has_outline)
    vit_paint_outline (&layer->cells, layer->outline_column,
        layer->outline_row, OUTLINE_WIDTH, WHITE, canvas);
}

/* Each for itself and then over the others, but where it is the only one. */
static gboolean
paint_layers (const GstVitLayer *layers, guint n_layers, const Extent *extent,
    VitCanvas *canvas)
{
  guint32 *pixels = NULL;

  if (extent->n_visible > 1) {
    pixels = g_try_new (guint32, extent->most_pixels);
    if (!pixels)
      return FALSE;
    vit_paint_fill (0, canvas);
  }
  for (guint i = 0; i < n_layers; i++) {
    VitCanvas own = extent->bounds[i];

    if (own.width == 0)
      continue;
    own.pixels = pixels ? pixels : canvas->pixels;
    paint_layer (&layers[i], &own);
    if (pixels)
      vit_paint_over (&own, canvas);
  }
  g_free (pixels);
  return TRUE;
}

static gboolean
draw_extent (const GstVitLayer *layers, guint n_layers, Extent *extent,
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
  if (*picture && paint_layers (layers, n_layers, extent, all))
    return TRUE;
  g_clear_pointer (picture, gst_video_overlay_rectangle_unref);
  *reason = "there is not the memory for it";
  return FALSE;
}

gboolean
gst_vit_layers_draw (const GstVitLayer *layers, guint n_layers, guint width,
    guint height, GstVideoOverlayRectangle **picture, const gchar **reason)
{
  Extent extent = { .bounds = g_new (VitCanvas, n_layers) };
  gboolean is_drawn;

  *picture = NULL;
  *reason = NULL;
  if (!find_extent (layers, n_layers, width, height, &extent))
    *reason = "those that would cover the frame more than " COUNT (
        GST_VIT_LAYERS_MAX_COVERS) " times";
  is_drawn = draw_extent (layers, n_layers, &extent, picture, reason);
  g_free (extent.bounds);
  return is_drawn;
}
