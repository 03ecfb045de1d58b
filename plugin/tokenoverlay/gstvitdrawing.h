/* SPDX-License-Identifier: MIT
 *
 * From a frame that carries GstVitTokensMeta to what vittokenoverlay draws on
 * it: a picture of all of them, later metas over earlier ones, and a legend.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef enum {
  GST_VIT_DRAWING_PCA,
  GST_VIT_DRAWING_SIMILARITY,
  GST_VIT_DRAWING_NORM,
  GST_VIT_DRAWING_CHANGED,
  GST_VIT_DRAWING_GRID,
} GstVitDrawingMode;

typedef struct {
  GstVitDrawingMode mode;
  gdouble opacity; /* [0,1] */
  gint x;          /* of the patch that others are compared with, in pixels of */
  gint y;          /* the frame; -1: its middle */
  gboolean legend;
  gboolean keep_positions; /* draw tokens with their positions in them */
} GstVitDrawingSettings;

typedef struct _GstVitDrawing GstVitDrawing;

GstVitDrawing *gst_vit_drawing_new (void);
void gst_vit_drawing_free (GstVitDrawing *drawing);

/* The next frame follows none. */
void gst_vit_drawing_reset (GstVitDrawing *drawing);

/* Whether the positions of the tokens are of use. */
gboolean gst_vit_drawing_wants_positions (
    const GstVitDrawingSettings *settings);

/* (transfer full) (nullable): what to draw on a frame of width x height; NULL
 * if it carries no tokens, or none that can be drawn.  *reason (nullable) says
 * why something is not drawn that the frame carries: all of it, or the metas
 * that are not valid, which are passed over.  Where metas are from several
 * depths of a network, or differ in embed_dim, those are drawn that are like the
 * first of the deepest; of what changed, the deepest that know it. */
GstVideoOverlayComposition *gst_vit_drawing_compose (GstVitDrawing *drawing,
    const GstVitDrawingSettings *settings, GstBuffer *frame, guint width,
    guint height, const gchar **reason);

/* (transfer none) (nullable): the words of the last legend, if there was one. */
const gchar *gst_vit_drawing_get_legend (const GstVitDrawing *drawing);

G_END_DECLS
