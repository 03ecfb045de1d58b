/* SPDX-License-Identifier: MIT
 *
 * The legend of vittokenoverlay, in the frame's lower left corner: a bar of
 * colours and, where the plugin was built with pango, words beside or, on frames
 * too narrow for that, above it.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* What it shows. */
typedef struct {
  gchar *text;         /* (transfer full) */
  guint32 colours[32]; /* of the bar, from the left */
  guint n_colours;     /* 0: no bar */
} GstVitLegendContent;

/* Its colours become steps from dark, the least, to bright. */
void gst_vit_legend_make_ramp (GstVitLegendContent *content);

/* All zeros: nothing drawn yet. */
typedef struct {
  gchar *text;
  guint32 colours[32]; /* of the bar that `bar` shows */
  guint n_colours;
  guint width, height; /* of the frame that it is for */
  GstVideoOverlayRectangle *bar;
  GstVideoOverlayRectangle *words;
} GstVitLegend;

void gst_vit_legend_clear (GstVitLegend *legend);

/* Adds the legend to what is drawn on a frame; what did not change since the
 * frame before is used again. */
void gst_vit_legend_add (GstVitLegend *legend,
    GstVideoOverlayComposition *composition, const GstVitLegendContent *content,
    guint width, guint height);

/* How wide text is in one line of that height; 0 where the plugin was built
 * without pango. */
guint gst_vit_legend_measure_text (const gchar *text, guint line_height);

/* (transfer full) (nullable): text as a picture, its upper left corner at x, y, at
 * most so wide, and of at most so many lines, broken between words; what does not
 * fit ends in an ellipsis.  NULL where there is no room at all, the plugin was
 * built without pango, or there is not the memory. */
GstVideoOverlayRectangle *gst_vit_legend_draw_text (const gchar *text, gint x,
    gint y, guint most_width, guint most_lines, guint line_height);

/* (transfer full) (nullable): a picture of 0xAARRGGBB pixels; *pixels
 * [height][width] is to be filled before it is drawn anywhere.  NULL where there
 * is not the memory. */
GstVideoOverlayRectangle *gst_vit_legend_new_picture (gint x, gint y,
    guint width, guint height, GstVideoOverlayFormatFlags flags,
    guint32 **pixels);

/* Adds a rectangle of its own around the same pixels: sinks that draw by GL keep
 * one that they know before those that are new, which then hide it. */
void gst_vit_legend_add_anew (GstVideoOverlayComposition *composition,
    GstVideoOverlayRectangle *drawn /* (nullable) */);

G_END_DECLS
