/* SPDX-License-Identifier: MIT
 *
 * The tensors of an encoder's blocks, found in a checkpoint and held against each
 * other before any is read: their shapes give all sizes of the encoder.  A tensor
 * of a block that has no part in this is an error, for what it does would be left
 * out in silence.
 *
 * D = embed_dim.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/block_layout.h"
#include "encoder/encoder_plan.h"

G_BEGIN_DECLS

typedef struct {
  const VitTensor *weight; /* NULL: the block has no such part */
  const VitTensor *bias;   /* NULL: none */
} VitPartTensors;

typedef struct {
  VitPartTensors parts[VIT_N_PARTS];
  const VitTensor *query_bias; /* beside a joint weight without a bias */
  const VitTensor *value_bias;
} VitBlockTensors;

typedef struct {
  char *path;              /* "encoder.layer.", the prefix with it */
  guint depth;
  guint attention_dim;
  guint hidden;            /* of the MLP, gates not counted */
  gboolean gated;
  gboolean packed;         /* gates and the other half in one tensor */
  VitBlockTensors *blocks; /* [depth] */
} VitEncoderTensors;

/* Fills `path` and `depth`.  Errors: UNSUPPORTED for a checkpoint without blocks,
 * and for too many.  Clear with vit_encoder_tensors_clear(), also after an
 * error. */
gboolean vit_encoder_tensors_locate (
    VitEncoderTensors *tensors, const VitStage *stage, GError **error);

/* Fills the rest, of those that were located.  Errors: UNSUPPORTED for sizes past
 * the limits of encoder_weights.h, for heads that do not divide and for a tensor
 * that has no part; TENSOR. */
gboolean vit_encoder_tensors_find (VitEncoderTensors *tensors,
    const VitStage *stage, const VitEncoderPlan *plan, GError **error);
void vit_encoder_tensors_clear (VitEncoderTensors *tensors);

/* An error where `tensor` is not of this shape; `columns` 0: a vector. */
gboolean vit_encoder_check_shape (const VitStage *stage,
    const VitTensor *tensor, guint64 rows, guint64 columns, GError **error);

G_END_DECLS
