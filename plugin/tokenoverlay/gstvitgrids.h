/* SPDX-License-Identifier: MIT
 *
 * The token grids of a frame that are drawn together, and their tokens as views
 * that leave out what positions added to them.
 */
#pragma once

#include <gst/gst.h>

#include "common/gstvitreading.h"
#include "gst/vit/vit.h"
#include "tokenoverlay/gstvitdrawingsettings.h"
#include "view/paint.h"
#include "view/token_picture.h"

G_BEGIN_DECLS

/* What is drawn of one meta. */
typedef struct {
  const GstVitTokensMeta *meta; /* or, where attention is drawn: */
  const GstVitAttentionMeta *attention;
  GstVitReading *tokens;    /* (nullable): mapped */
  GstVitReading *positions; /* (nullable): mapped */
  VitCells cells;
  guint first; /* of its patches, among those of all grids */
} GstVitGrid;

typedef struct {
  GArray *grids; /* of GstVitGrid */
  GArray *views; /* of VitTokenView, a grid each while they are mapped */
  guint n_patches;
} GstVitGrids;

void gst_vit_grids_init (GstVitGrids *grids);
void gst_vit_grids_clear (GstVitGrids *grids);

GstVitGrid *gst_vit_grids_get (const GstVitGrids *grids, guint i);
const VitTokenView *gst_vit_grids_views (const GstVitGrids *grids);

/* No grids; and one more, whose `first` is not looked at: FALSE if there are too
 * many patches. */
void gst_vit_grids_begin (GstVitGrids *grids);
gboolean gst_vit_grids_add (GstVitGrids *grids, GstVitGrid grid);

/* The metas of `frame`, which must outlive their use, that are like the first of
 * the valid ones that were taken deepest in a network; where changes are drawn, the
 * deepest that know them.  FALSE if there is nothing that can be drawn: *reason
 * (nullable) says why.  *fault (nullable): of the last meta that is not valid. */
gboolean gst_vit_grids_collect (GstVitGrids *grids, GstBuffer *frame,
    const GstVitDrawingSettings *settings, const gchar **fault,
    const gchar **reason);

/* Maps the tokens of all grids.  `picture` estimates positions that are not known,
 * unless `keep_positions`.  FALSE, with nothing mapped, if a grid cannot be. */
gboolean gst_vit_grids_map (GstVitGrids *grids, VitTokenPicture *picture,
    gboolean keep_positions, const gchar **reason);
void gst_vit_grids_unmap (GstVitGrids *grids);

G_END_DECLS
