/* SPDX-License-Identifier: MIT
 *
 * From a frame that carries GstVitTokensMeta to what vittokenoverlay draws on
 * it: a picture of all of them, later metas over earlier ones, and a legend.
 */
#pragma once

#include <gst/video/video.h>

#include "tokenoverlay/gstvitdrawingsettings.h"

G_BEGIN_DECLS

typedef struct _GstVitDrawing GstVitDrawing;

GstVitDrawing *gst_vit_drawing_new (void);
void gst_vit_drawing_free (GstVitDrawing *drawing);

/* Colours and ranges of the next tokens follow none. */
void gst_vit_drawing_reset (GstVitDrawing *drawing);

/* The last tokens stand for no frame to come. */
void gst_vit_drawing_forget (GstVitDrawing *drawing);

/* (transfer full) (nullable): what to draw on a frame of width x height; NULL
 * if there are no tokens, or none that can be drawn.  On a frame that carries none
 * those of the last that did are drawn again, as gstvitlasttokens.h says, and the
 * legend says their age.  *reason (nullable) says why something is not drawn that
 * the frame carries: all of it, or the metas that are not valid, which are passed
 * over.  Where metas are from several depths of a network, or differ in embed_dim,
 * those are drawn that are like the first of the deepest; of what changed, the
 * deepest that know it. */
GstVideoOverlayComposition *gst_vit_drawing_compose (GstVitDrawing *drawing,
    const GstVitDrawingSettings *settings, GstBuffer *frame, guint width,
    guint height, const gchar **reason);

/* (transfer full) (nullable): why nothing of the settings' file of vectors was
 * compared with, once for each that is read. */
GError *gst_vit_drawing_take_query_error (GstVitDrawing *drawing);

/* (transfer none) (nullable): what the legend says of what was drawn last, but for
 * its age. */
const gchar *gst_vit_drawing_describe (const GstVitDrawing *drawing);

G_END_DECLS
