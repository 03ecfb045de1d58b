/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitlegend.h"

#include <string.h>

#include "view/paint.h"
#include "view/shade.h"

/* Frames as high as so many lines of text, and as wide as so many are high; none
 * lower than a line is readable; nor so high that the words, which are as long as
 * 70 lines are high, are more than cairo draws (32767 pixels) or take gigabytes. */
#define LINES 32
#define COLUMNS 24
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

void
gst_vit_legend_make_ramp (GstVitLegendContent *content)
{
  guint n = G_N_ELEMENTS (content->colours);

  for (guint i = 0; i < n; i++)
    content->colours[i] = vit_shade_value ((gfloat) i / (gfloat) (n - 1), 1);
  content->n_colours = n;
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
  rectangle = gst_video_overlay_rectangle_new_raw (
      buffer, x, y, width, height, flags);
  gst_buffer_unref (buffer);
  return rectangle;
}

static GstVideoOverlayRectangle *
draw_bar (
    const guint32 *colours, guint n, gint x, gint y, guint width, guint height)
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
gst_vit_legend_add_anew (
    GstVideoOverlayComposition *composition, GstVideoOverlayRectangle *drawn)
{
  GstVideoOverlayRectangle *copy;

  if (drawn == NULL)
    return;
  copy = gst_video_overlay_rectangle_copy (drawn);
  gst_video_overlay_composition_add_rectangle (composition, copy);
  gst_video_overlay_rectangle_unref (copy);
}

/* Where the parts of a legend lie. */
typedef struct {
  guint line; /* the height of one of text, and of the bar */
  guint margin;
  guint bar_width;
  gint bar_y;
} Layout;

/* FALSE on a frame that has no room for any. */
static gboolean
find_layout (guint width, guint height, gboolean has_bar, Layout *layout)
{
  guint line = MIN (height / LINES, width / COLUMNS);

  line = CLAMP (line, LEAST_HEIGHT, MOST_HEIGHT);
  layout->line = line;
  layout->margin = line / 2;
  if (width <= 2 * layout->margin || height < line + layout->margin)
    return FALSE;
  layout->bar_width
      = has_bar ? MIN (BAR_LINES * line, width - 2 * layout->margin) : 0;
  layout->bar_y = (gint) (height - line - layout->margin);
  return TRUE;
}

/* Beside the bar, or, if they are too long for that, above it in several lines, in
 * no more than half of the frame. */
static GstVideoOverlayRectangle *
draw_words (const gchar *text, const Layout *layout, guint width, guint height)
{
  guint left = layout->margin + layout->bar_width, bottom, words_height;
  GstVideoOverlayRectangle *words;

  if (gst_vit_legend_measure_text (text, layout->line) <= width - left)
    return gst_vit_legend_draw_text (
        text, (gint) left, layout->bar_y, width - left, 1, layout->line);
  bottom = (guint) layout->bar_y + (layout->bar_width > 0 ? 0 : layout->line);
  words = gst_vit_legend_draw_text (text, (gint) layout->margin, 0,
      width - 2 * layout->margin, MIN (bottom, height / 2) / layout->line,
      layout->line);
  if (!words)
    return NULL;
  gst_video_overlay_rectangle_get_render_rectangle (
      words, NULL, NULL, &width, &words_height);
  gst_video_overlay_rectangle_set_render_rectangle (words,
      (gint) layout->margin, (gint) bottom - (gint) words_height, width,
      words_height);
  return words;
}

void
gst_vit_legend_add (GstVitLegend *legend,
    GstVideoOverlayComposition *composition, const GstVitLegendContent *content,
    guint width, guint height)
{
  const guint32 *colours = content->colours;
  guint n_colours = content->n_colours;
  gboolean has_moved = legend->width != width || legend->height != height;
  Layout layout;

  g_return_if_fail (n_colours <= G_N_ELEMENTS (legend->colours));
  if (!find_layout (width, height, n_colours > 0, &layout))
    return;
  if (has_moved || legend->n_colours != n_colours
      || memcmp (legend->colours, colours, n_colours * sizeof *colours) != 0) {
    gst_vit_legend_clear (legend);
    if (n_colours > 0) {
      memcpy (legend->colours, colours, n_colours * sizeof *colours);
      legend->bar = draw_bar (colours, n_colours, (gint) layout.margin,
          layout.bar_y, layout.bar_width, layout.line);
    }
    legend->n_colours = n_colours;
    legend->width = width;
    legend->height = height;
  }
  if (g_strcmp0 (legend->text, content->text) != 0) {
    g_free (legend->text);
    legend->text = g_strdup (content->text);
    g_clear_pointer (&legend->words, gst_video_overlay_rectangle_unref);
    legend->words = draw_words (content->text, &layout, width, height);
  }
  gst_vit_legend_add_anew (composition, legend->bar);
  gst_vit_legend_add_anew (composition, legend->words);
}
