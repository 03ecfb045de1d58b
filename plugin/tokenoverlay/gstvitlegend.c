/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitlegend.h"

#include <string.h>

#include "view/paint.h"

/* Frames as high as so many lines of text, and none lower than a line is
 * readable; nor so high that the words, which are as long as 40 lines are high,
 * are more than cairo draws (32767 pixels) or take gigabytes. */
#define LINES 32
#define LEAST_HEIGHT 12
#define MOST_HEIGHT 256
/* The bar is so many lines wide. */
#define BAR_LINES 6

void
gst_vit_legend_clear (GstVitLegend *legend)
{
  g_clear_pointer (&legend->text, g_free);
  g_clear_pointer (&legend->bar, gst_video_overlay_rectangle_unref);
  g_clear_pointer (&legend->words, gst_video_overlay_rectangle_unref);
}

GstVideoOverlayRectangle *
gst_vit_legend_new_picture (gint x, gint y, guint width, guint height,
    GstVideoOverlayFormatFlags flags, guint32 **pixels)
{
  gsize size = (gsize) width * height * sizeof **pixels;
  GstVideoOverlayRectangle *rectangle;
  GstBuffer *buffer;

  *pixels = g_try_malloc (size);
  if (!*pixels)
    return NULL;
  buffer = gst_buffer_new_wrapped (*pixels, size);
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  rectangle
      = gst_video_overlay_rectangle_new_raw (buffer, x, y, width, height, flags);
  gst_buffer_unref (buffer);
  return rectangle;
}

static GstVideoOverlayRectangle *
draw_bar (const guint32 *colours, guint n, gint x, gint y, guint width,
    guint height)
{
  VitCells cells = { { (gdouble) width / n, 0, 0, 0, height, 0 }, n, 1 };
  VitCanvas canvas = { NULL, 0, 0, width, height };
  GstVideoOverlayRectangle *rectangle = gst_vit_legend_new_picture (
      x, y, width, height, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE, &canvas.pixels);

  if (rectangle)
    vit_paint_cells (&cells, colours, &canvas);
  return rectangle;
}

void
gst_vit_legend_add_anew (GstVideoOverlayComposition *composition,
    GstVideoOverlayRectangle *drawn)
{
  GstVideoOverlayRectangle *copy;

  if (drawn == NULL)
    return;
  copy = gst_video_overlay_rectangle_copy (drawn);
  gst_video_overlay_composition_add_rectangle (composition, copy);
  gst_video_overlay_rectangle_unref (copy);
}

void
gst_vit_legend_add (GstVitLegend *legend,
    GstVideoOverlayComposition *composition,
    const GstVitLegendContent *content, guint width, guint height)
{
  const guint32 *colours = content->colours;
  const gchar *text = content->text;
  guint n_colours = content->n_colours;
  guint line = CLAMP (height / LINES, LEAST_HEIGHT, MOST_HEIGHT);
  guint margin = line / 2;
  guint bar_width = n_colours > 0 ? BAR_LINES * line : 0;
  gint y = (gint) height - (gint) (line + margin);
  gboolean has_moved = legend->width != width || legend->height != height;

  g_return_if_fail (n_colours <= G_N_ELEMENTS (legend->colours));
  if (has_moved || legend->n_colours != n_colours
      || memcmp (legend->colours, colours, n_colours * sizeof *colours) != 0) {
    gst_vit_legend_clear (legend);
    if (n_colours > 0) {
      memcpy (legend->colours, colours, n_colours * sizeof *colours);
      legend->bar = draw_bar (
          colours, n_colours, (gint) margin, y, bar_width, line);
    }
    legend->n_colours = n_colours;
    legend->width = width;
    legend->height = height;
  }
  if (g_strcmp0 (legend->text, text) != 0) {
    g_free (legend->text);
    legend->text = g_strdup (text);
    g_clear_pointer (&legend->words, gst_video_overlay_rectangle_unref);
    legend->words = gst_vit_legend_draw_text (
        text, (gint) (margin + bar_width), y, line);
  }
  gst_vit_legend_add_anew (composition, legend->bar);
  gst_vit_legend_add_anew (composition, legend->words);
}
