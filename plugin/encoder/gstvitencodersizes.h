/* SPDX-License-Identifier: MIT
 *
 * The sizes of frames in a stream, each a list of grids that are encoded together,
 * with an encoder ready for each: found, made where there is none, and given up for
 * another where there are many, or where a frame would else take more memory than
 * it may.  They share the weights.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include <gst/gst.h>

#include "base/token_type.h"
#include "encoder/encoder.h"
#include "encoder/gstvitencoderpools.h"

G_BEGIN_DECLS

/* Ready for one list of grids.  The fields are for reading. */
typedef struct {
  VitEncoder *encoder;
  guint n_grids;
  VitEncoderGrid *grids;    /* [n_grids] */
  GstVitEncoderPools *pools; /* for what is computed */
  guint64 n_pooled;         /* bytes that these keep of one frame */
  guint64 last_use;
  gfloat **converted;       /* [n_grids]: room for tokens as float32, or NULL */
  const gfloat **tokens;    /* [n_grids], for a VitEncoderFrame to point to */
  gfloat **features;        /* [n_layers][n_grids], likewise */
  gfloat **embedding;       /* [n_grids], likewise */
  gfloat **logits;          /* [n_grids], likewise */
  gfloat **attention;       /* [n_grids], likewise */
} GstVitEncoderSize;

/* Bytes that a frame takes beside the working memory of its encoder. */
typedef struct {
  guint64 pooled;  /* of what is computed into the size's pools */
  guint64 passing; /* that are not kept: what else it carries, and tokens that are
                      made float32 */
} GstVitEncoderCost;

typedef struct _GstVitEncoderSizes GstVitEncoderSizes;

/* Keeps a reference to the weights.  `max_memory`: bytes of all sizes and of what a
 * frame takes beside them; 0: no limit.  The settings are checked, by
 * vit_encoder_new(), whose errors are given. */
GstVitEncoderSizes *gst_vit_encoder_sizes_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, guint64 max_memory, GError **error);
void gst_vit_encoder_sizes_free (GstVitEncoderSizes *sizes);

/* Gives up all sizes: others will come. */
void gst_vit_encoder_sizes_clear (GstVitEncoderSizes *sizes);

/* An encoder with these settings, to ask what it makes. */
const VitEncoder *gst_vit_encoder_sizes_peek (const GstVitEncoderSizes *sizes);

/* (transfer none) (nullable): as vit_encoder_configure(), whose errors are given;
 * LIMIT where the frame alone would take more than max_memory: nothing is taken or
 * given up then. */
GstVitEncoderSize *gst_vit_encoder_sizes_find (GstVitEncoderSizes *sizes,
    const VitEncoderGrid *grids /* [n_grids] */, guint n_grids,
    const GstVitEncoderCost *cost, GError **error);

/* Tokens as float32 where they are of another type, or lie askew: in memory of
 * `size`.  (nullable): NULL where there is no memory for them. */
const gfloat *gst_vit_encoder_size_convert (GstVitEncoderSize *size,
    const VitEncoderWeights *weights, guint grid, VitTokenType type,
    gconstpointer values);

G_END_DECLS
