/* SPDX-License-Identifier: MIT
 *
 * Words as pictures, by pango, which GStreamer's own textoverlay takes too.
 */
#include "tokenoverlay/gstvitlegend.h"

#ifdef HAVE_PANGO

#include <pango/pangocairo.h>

/* (transfer full): a layout of one line that is `height` pixels high. */
static PangoLayout *
new_layout (cairo_t *cairo, const gchar *text, guint height)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Sans");

  /* Ascent and descent take a fifth more than the letters. */
  pango_font_description_set_absolute_size (
      font, (gdouble) (height * PANGO_SCALE / 6 * 5));
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

GstVideoOverlayRectangle *
gst_vit_legend_draw_text (const gchar *text, gint x, gint y, guint height)
{
  guint32 pixel = 0, *pixels;
  gint padding = (gint) height / 3, width;
  cairo_t *cairo = new_context (&pixel, 1, 1);
  PangoLayout *layout = new_layout (cairo, text, height);
  GstVideoOverlayRectangle *rectangle;

  pango_layout_get_pixel_size (layout, &width, NULL);
  cairo_destroy (cairo);
  width += 2 * padding;
  rectangle = gst_vit_legend_new_picture (x, y, (guint) width, height,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA, &pixels);
  if (!rectangle) {
    g_object_unref (layout);
    return NULL;
  }
  cairo = new_context (pixels, width, (gint) height);
  cairo_set_operator (cairo, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_rgba (cairo, 0, 0, 0, 0.7);
  cairo_paint (cairo);
  cairo_set_operator (cairo, CAIRO_OPERATOR_OVER);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_move_to (cairo, padding, 0);
  pango_cairo_update_layout (cairo, layout);
  pango_cairo_show_layout (cairo, layout);
  cairo_destroy (cairo);
  g_object_unref (layout);
  return rectangle;
}

#else

GstVideoOverlayRectangle *
gst_vit_legend_draw_text (const gchar *text G_GNUC_UNUSED,
    gint x G_GNUC_UNUSED, gint y G_GNUC_UNUSED, guint height G_GNUC_UNUSED)
{
  return NULL;
}

#endif
