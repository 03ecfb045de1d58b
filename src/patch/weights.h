/* SPDX-License-Identifier: MIT
 *
 * A model's weights and bias folded for frames of one format, whatever their
 * size: the part of a frame's preparation that costs most and can be shared.
 *
 * Thread-safety: immutable once made; references are counted atomically.
 */
#pragma once

#include "patch/fold.h"
#include "patch/projection.h"

G_BEGIN_DECLS

/* What the weights depend on. */
typedef struct {
  const VitModel *model;
  VitImageFormat format; /* of any size */
  double mean[3];
  double std[3];
  VitPrecision precision; /* F32 or INT16 */
  gboolean needs_pixels;  /* some patch may be multiplied as pixels */
} VitWeightsRequest;

typedef struct {
  gint ref_count; /* atomic */
  VitWeightsRequest request;
  VitProjection samples; /* n_terms is 0 where no patch is multiplied so */
  VitProjection pixels;  /* likewise */
  double *bias;          /* [embed_dim] */
} VitWeights;

/* Errors: NO_MEMORY, SETTING.  Keeps no reference to the model. */
VitWeights *vit_weights_new (const VitWeightsRequest *request, GError **error);
VitWeights *vit_weights_ref (VitWeights *weights);
void vit_weights_unref (VitWeights *weights); /* (nullable) */

/* Whether these (nullable) are what vit_weights_new() would make, or more. */
gboolean vit_weights_serve (
    const VitWeights *weights, const VitWeightsRequest *request);

G_END_DECLS
