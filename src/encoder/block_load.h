/* SPDX-License-Identifier: MIT
 *
 * One block of an encoder from its tensors: what the blocks' norms, scales and
 * the softmax's factor are folded into stands here.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/block_tensors.h"
#include "encoder/encoder_weights.h"

G_BEGIN_DECLS

/* `weights` has its sizes, choices and kernel.  Errors: NO_MEMORY; those of
 * vit_rows_load().  Clear with vit_encoder_block_clear(), also after an error. */
gboolean vit_encoder_block_load (VitEncoderBlock *block,
    const VitEncoderWeights *weights, const VitStage *stage,
    const VitEncoderPlan *plan, const VitEncoderTensors *tensors, guint i,
    GError **error);
void vit_encoder_block_clear (VitEncoderBlock *block);

/* Bytes of all blocks' maps at most, and how many weights they have. */
guint64 vit_encoder_blocks_size (
    const VitEncoderTensors *tensors, guint d, guint64 *n_values);

/* A norm that is applied as it is: NAME.weight, and NAME.bias where there is one.
 * Of `n` values, 0: as many as there are.  Without a bias it is an RMS norm, too
 * where `rms` is FALSE.  Errors: TENSOR; as of vit_checkpoint_read(). */
gboolean vit_encoder_norm_load (VitEncoderNorm *norm, const VitStage *stage,
    const char *name, guint64 n, gboolean rms, double epsilon, GError **error);
void vit_encoder_norm_clear (VitEncoderNorm *norm);

/* log2 (e) / sqrt (head_dim) */
double vit_encoder_query_scale (guint head_dim);

G_END_DECLS
