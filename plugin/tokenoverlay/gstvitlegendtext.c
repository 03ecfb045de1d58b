/* SPDX-License-Identifier: MIT
 *
 * Words as pictures, by pango, which GStreamer's own textoverlay takes too.
 */
#include "tokenoverlay/gstvitlegend.h"

#ifdef HAVE_PANGO

#include <pango/pangocairo.h>

/* Left and right of the words. */
static gint
get_padding (guint line_height)
{
  return (gint) line_height / 3;
}

/* (transfer full): a layout whose lines are about so high. */
static PangoLayout *
new_layout (cairo_t *cairo, const gchar *text, guint line_height)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Sans");

  /* Ascent and descent take a fifth more than the letters. */
  pango_font_description_set_absolute_size (
      font, (gdouble) (line_height * PANGO_SCALE / 6 * 5));
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_text (layout, text, -1);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  return layout;
}

/* (transfer full) */
static cairo_t *
new_context (guint32 *pixels, gint width, gint height)
{
  cairo_surface_t *surface
      = cairo_image_surface_create_for_data ((unsigned char *) pixels,
          CAIRO_FORMAT_ARGB32, width, height, width * (gint) sizeof *pixels);
  cairo_t *cairo = cairo_create (surface);

  cairo_surface_destroy (surface);
  return cairo;
}

/* (transfer full): a layout that is drawn nowhere. */
static PangoLayout *
measure (const gchar *text, guint line_height)
{
  guint32 pixel = 0;
  cairo_t *cairo = new_context (&pixel, 1, 1);
  PangoLayout *layout = new_layout (cairo, text, line_height);

  cairo_destroy (cairo);
  return layout;
}

guint
gst_vit_legend_measure_text (const gchar *text, guint line_height)
{
  PangoLayout *layout = measure (text, line_height);
  gint width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  g_object_unref (layout);
  return (guint) (width + 2 * get_padding (line_height));
}

static void
draw_layout (
    PangoLayout *layout, gint padding, guint32 *pixels, gint width, gint height)
{
  cairo_t *cairo = new_context (pixels, width, height);

  cairo_set_operator (cairo, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_rgba (cairo, 0, 0, 0, 0.7);
  cairo_paint (cairo);
  cairo_set_operator (cairo, CAIRO_OPERATOR_OVER);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_move_to (cairo, padding, 0);
  pango_cairo_update_layout (cairo, layout);
  pango_cairo_show_layout (cairo, layout);
  cairo_destroy (cairo);
}

GstVideoOverlayRectangle *
gst_vit_legend_draw_text (const gchar *text, gint x, gint y, guint most_width,
    guint most_lines, guint line_height)
{
  gint padding = get_padding (line_height);
  gint room = (gint) most_width - 2 * padding, width, height;
  GstVideoOverlayRectangle *rectangle;
  PangoLayout *layout;
  guint32 *pixels;

  if (room < (gint) line_height || most_lines == 0)
    return NULL;
  layout = measure (text, line_height);
  pango_layout_set_width (layout, room * PANGO_SCALE);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_height (layout, -(gint) most_lines);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_get_pixel_size (layout, &width, &height);
  width = MIN (width, room) + 2 * padding;
  /* One line is as high as the bar beside it. */
  if (pango_layout_get_line_count (layout) == 1)
    height = (gint) line_height;
  rectangle = gst_vit_legend_new_picture (x, y, (guint) width, (guint) height,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA, &pixels);
  if (rectangle)
    draw_layout (layout, padding, pixels, width, height);
  g_object_unref (layout);
  return rectangle;
}

#else

guint
gst_vit_legend_measure_text (
    const gchar *text G_GNUC_UNUSED, guint line_height G_GNUC_UNUSED)
{
  return 0;
}

GstVideoOverlayRectangle *
gst_vit_legend_draw_text (const gchar *text G_GNUC_UNUSED, gint x G_GNUC_UNUSED,
    gint y G_GNUC_UNUSED, guint most_width G_GNUC_UNUSED,
    guint most_lines G_GNUC_UNUSED, guint line_height G_GNUC_UNUSED)
{
  return NULL;
}

#endif
