/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay draws of a frame's grids: a colour a patch as the mode asks
 * for it, and what the legend is to say of the colours.
 */
#pragma once

#include "tokenoverlay/gstvitdrawingsettings.h"
#include "tokenoverlay/gstvitgrids.h"
#include "tokenoverlay/gstvitlegend.h"
#include "tokenoverlay/gstvitsimilarity.h"

G_BEGIN_DECLS

typedef struct {
  VitTokenPicture *picture; /* what goes on from frame to frame */
  GstVitSimilarity similarity; /* what patches are compared with */

  /* Of the last frame. */
  guint32 *colours;     /* [n_patches], all grids' */
  guint n_room;         /* that there is room for */
  const gfloat *places; /* (nullable) [n_patches]: on the colours' scale */
} GstVitColours;

void gst_vit_colours_init (GstVitColours *colours);
void gst_vit_colours_clear (GstVitColours *colours);

/* The next frame follows none. */
void gst_vit_colours_reset (GstVitColours *colours);

/* Colours the patches of `grids`, which are collected, on a frame of width x
 * height.  FALSE if it cannot be done: *reason says why. */
gboolean gst_vit_colours_make (GstVitColours *colours,
    const GstVitDrawingSettings *settings, GstVitGrids *grids, guint width,
    guint height, GstVitLegendContent *legend, const gchar **reason);

G_END_DECLS
