/* SPDX-License-Identifier: MIT
 *
 * The sizes of frames in a stream, each a list of grids that are encoded together,
 * with an encoder ready for each: found, made where there is none, and given up for
 * another where there are many.  They share the weights.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include <gst/gst.h>

#include "base/token_type.h"
#include "encoder/encoder.h"

G_BEGIN_DECLS

/* Ready for one list of grids.  The fields are for reading. */
typedef struct {
  VitEncoder *encoder;
  guint n_grids;
  VitEncoderGrid *grids;    /* [n_grids] */
  guint64 last_use;
  gfloat **converted;       /* [n_grids]: room for tokens as float32, or NULL */
  const gfloat **tokens;    /* [n_grids], for a VitEncoderFrame to point to */
  gfloat **features;        /* [n_layers][n_grids], likewise */
  gfloat **embedding;       /* [n_grids], likewise */
  gfloat **logits;          /* [n_grids], likewise */
} GstVitEncoderSize;

typedef struct _GstVitEncoderSizes GstVitEncoderSizes;

/* Keeps a reference to the weights.  The settings are checked, by
 * vit_encoder_new(), whose errors are given. */
GstVitEncoderSizes *gst_vit_encoder_sizes_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error);
void gst_vit_encoder_sizes_free (GstVitEncoderSizes *sizes);

/* Gives up all sizes: others will come. */
void gst_vit_encoder_sizes_clear (GstVitEncoderSizes *sizes);

/* An encoder with these settings, to ask what it makes. */
const VitEncoder *gst_vit_encoder_sizes_peek (const GstVitEncoderSizes *sizes);

/* (transfer none) (nullable): as vit_encoder_configure(), whose errors are given. */
GstVitEncoderSize *gst_vit_encoder_sizes_find (GstVitEncoderSizes *sizes,
    const VitEncoderGrid *grids /* [n_grids] */, guint n_grids, GError **error);

/* Tokens as float32 where they are of another type, or lie askew: in memory of
 * `size`.  (nullable): NULL where there is no memory for them. */
const gfloat *gst_vit_encoder_size_convert (GstVitEncoderSize *size,
    const VitEncoderWeights *weights, guint grid, VitTokenType type,
    gconstpointer values);

G_END_DECLS
