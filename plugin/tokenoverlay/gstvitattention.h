/* SPDX-License-Identifier: MIT
 *
 * The attention that a frame carries, as grids like those of tokens, and its
 * colours.
 */
#pragma once

#include "tokenoverlay/gstvitgrids.h"
#include "tokenoverlay/gstvitlegend.h"

G_BEGIN_DECLS

/* The attention metas of `frame`, which must outlive their use, that are of as many
 * heads and of the same block as the first valid one.  Otherwise as
 * gst_vit_grids_collect(). */
gboolean gst_vit_attention_collect (GstVitGrids *grids, GstBuffer *frame,
    const gchar **fault, const gchar **reason);

/* Colours the patches of these grids.  FALSE, with *reason, where they cannot be
 * read or there is not the memory. */
gboolean gst_vit_attention_colour (GstVitGrids *grids,
    VitTokenPicture *picture, const GstVitDrawingSettings *settings,
    guint32 *colours, GstVitLegendContent *legend, const gchar **reason);

G_END_DECLS
