/* SPDX-License-Identifier: MIT
 *
 * What the patches of a frame are compared with: the tokens of the patches at some
 * points, and the vectors of a file.
 */
#pragma once

#include "tokenoverlay/gstvitdrawingsettings.h"
#include "tokenoverlay/gstvitgrids.h"
#include "tokenoverlay/gstvitlayers.h"
#include "tokenoverlay/gstvitquery.h"

G_BEGIN_DECLS

/* Beside those of `points` the one at x, y. */
#define GST_VIT_SIMILARITY_MAX_POINTS (GST_VIT_DRAWING_MAX_POINTS + 1)

/* All zeros: nothing compared yet. */
typedef struct {
  GstVitQuery query;

  /* Of the last frame. */
  gint points[2 * GST_VIT_SIMILARITY_MAX_POINTS]; /* x, y, x, y, ... */
  guint n_points;
  GstVitOutline framed[GST_VIT_SIMILARITY_MAX_POINTS]; /* the patches at them */
  guint n_framed;
  const VitNpy *npy; /* (nullable) */
  gfloat *vectors;   /* [n_framed + npy->n_vectors][embed_dim] */
  gsize n_room;
} GstVitSimilarity;

void gst_vit_similarity_clear (GstVitSimilarity *similarity);

/* Finds the points of a frame of width x height: that of `settings`' x, y where it
 * is given or nothing else is, and all of `settings`' points.  Then what is at
 * them in `grids`, which are mapped, and what is in the file, if anything
 * (gst_vit_query_take_error()).  *is_new: these are not those of the frame before.
 * FALSE where there is not the memory. */
gboolean gst_vit_similarity_find (GstVitSimilarity *similarity,
    const GstVitDrawingSettings *settings, const GstVitGrids *grids,
    guint width, guint height, gboolean *is_new);

/* How many vectors there are. */
guint gst_vit_similarity_n_vectors (const GstVitSimilarity *similarity);

/* (transfer full): what they are, in words, to follow "with "; if there are none,
 * why, as a sentence. */
gchar *gst_vit_similarity_describe (const GstVitSimilarity *similarity);

G_END_DECLS
