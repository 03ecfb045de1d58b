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

typedef struct {
  GstVitDrawingMode mode;
  gdouble opacity; /* [0,1] */
  gint x;          /* of the patch that others are compared with, in pixels of */
  gint y;          /* the frame; -1: its middle */
  gint head;       /* whose attention is drawn; -1: the mean of all */
  gboolean legend;
  gboolean keep_positions; /* draw tokens with their positions in them */
} GstVitDrawingSettings;

void gst_vit_drawing_settings_install (GObjectClass *klass);
void gst_vit_drawing_settings_init (GstVitDrawingSettings *settings);

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
