/* SPDX-License-Identifier: MIT
 *
 * Grids drawn one over the other, as one picture: what it takes is bounded by the
 * frame's size, however many there are.
 */
#pragma once

#include <gst/video/video.h>

#include "view/paint.h"

G_BEGIN_DECLS

/* All layers together have at most so many times the frame's pixels; what comes
 * after is left out. */
#define GST_VIT_LAYERS_MAX_COVERS 16

typedef struct {
  VitCells cells;
  const guint32 *colours; /* [rows][columns]; NULL: only the cells' borders */
  guint32 border;         /* their colour */
  gboolean has_outline;   /* of one cell, white */
  guint outline_column;
  guint outline_row;
} GstVitLayer;

/* Draws layers on a frame of width x height, each over those before.
 * *picture (out) (transfer full) (nullable): NULL if nothing of them is to be
 * seen.  *reason (nullable) says why some are left out; with FALSE, all. */
gboolean gst_vit_layers_draw (const GstVitLayer *layers, guint n_layers,
    guint width, guint height, GstVideoOverlayRectangle **picture,
    const gchar **reason);

G_END_DECLS
