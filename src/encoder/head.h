/* SPDX-License-Identifier: MIT
 *
 * From the rows behind the last block to vectors: one region's embedding and
 * logits.
 *
 * Thread-safety: any number of workers, each with regions and memory of its own.
 */
#pragma once

#include "encoder/attention.h"

G_BEGIN_DECLS

/* `embedding` stands for the weights' own.  `vector`, `logits` (nullable: not
 * wanted): of vit_encoder_weights_embedding_dim() or as many as the pool gives,
 * and of vit_encoder_weights_n_classes() values. */
void vit_heads_run (const VitAttention *attention,
    const VitEncoderRegion *region, const VitEncoderHead *embedding,
    VitEncoderWorker *worker, float *vector, float *logits);

/* The vector that lies in one space with texts, of
 * vit_encoder_weights_joint_dim() values. */
void vit_heads_run_joint (const VitAttention *attention,
    const VitEncoderRegion *region, VitEncoderWorker *worker, float *vector);

/* Makes the vector's length 1; one of zeros stays. */
void vit_normalize (float *vector, gsize n);

G_END_DECLS
