/* SPDX-License-Identifier: MIT
 *
 * The properties of vittokenoverlay: what they are called and what they hold.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum {
  GST_VIT_DRAWING_PCA,
  GST_VIT_DRAWING_SIMILARITY,
  GST_VIT_DRAWING_NORM,
  GST_VIT_DRAWING_CHANGED,
  GST_VIT_DRAWING_GRID,
  GST_VIT_DRAWING_ATTENTION,
} GstVitDrawingMode;

#define GST_VIT_DRAWING_MAX_POINTS 64

/* All but `query` is held by value. */
typedef struct {
  GstVitDrawingMode mode;
  gdouble opacity; /* [0,1] */
  gboolean foreground; /* of components, the rest is left as it is */
  gboolean smooth;     /* colours pass from patch to patch */
  gint x;          /* of the patch that others are compared with, in pixels of */
  gint y;          /* the frame; -1: its middle */
  gint points[2 * GST_VIT_DRAWING_MAX_POINTS]; /* more of them: x, y, x, y, ... */
  guint n_points;
  GRefString *query; /* (nullable): of a file with vectors that patches are
                      * compared with; another whenever it is set */
  gint head;       /* whose attention is drawn; -1: the mean of all */
  gboolean legend;
  gboolean keep_positions; /* draw tokens with their positions in them */
} GstVitDrawingSettings;

void gst_vit_drawing_settings_install (GObjectClass *klass);
void gst_vit_drawing_settings_init (GstVitDrawingSettings *settings);

/* copy (out): what was in it is not looked at. */
void gst_vit_drawing_settings_copy (
    const GstVitDrawingSettings *settings, GstVitDrawingSettings *copy);
void gst_vit_drawing_settings_clear (GstVitDrawingSettings *settings);

/* FALSE if `id` is none of theirs.  The caller holds the object lock. */
gboolean gst_vit_drawing_settings_set (
    GstVitDrawingSettings *settings, guint id, const GValue *value);
gboolean gst_vit_drawing_settings_get (
    const GstVitDrawingSettings *settings, guint id, GValue *value);

gboolean gst_vit_drawing_settings_are_equal (
    const GstVitDrawingSettings *one, const GstVitDrawingSettings *other);

/* Whether the values of the tokens are drawn, or what else is known of them. */
gboolean gst_vit_drawing_settings_read_tokens (
    const GstVitDrawingSettings *settings);

/* Whether the positions of the tokens are of use. */
gboolean gst_vit_drawing_settings_want_positions (
    const GstVitDrawingSettings *settings);

G_END_DECLS
