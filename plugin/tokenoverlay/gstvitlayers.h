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

/* A cell that is framed, in white. */
typedef struct {
  guint layer;
  guint column;
  guint row;
} GstVitOutline;

typedef struct {
  VitCells cells;
  const guint32 *colours; /* [rows][columns]; NULL: only the cells' borders */
  const gfloat *places;   /* (nullable): theirs, as smooth.h has them */
  gboolean is_smooth;     /* colours pass from cell to cell */
  gfloat alpha;           /* of colours that are found of places */
  guint32 border;         /* the borders' colour */
} GstVitLayer;

/* Draws layers on a frame of width x height, each over those before, and some of
 * their cells framed.
 * *picture (out) (transfer full) (nullable): NULL if nothing of them is to be
 * seen.  *reason (nullable) says why some are left out; with FALSE, all. */
gboolean gst_vit_layers_draw (const GstVitLayer *layers, guint n_layers,
    const GstVitOutline *outlines, guint n_outlines, guint width, guint height,
    GstVideoOverlayRectangle **picture, const gchar **reason);

G_END_DECLS
