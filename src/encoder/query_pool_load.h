/* SPDX-License-Identifier: MIT
 *
 * A pool with a learned query, from its tensors: see head_load.h.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_plan.h"

G_BEGIN_DECLS

/* Fills weights->attention_pool; `weights` has its sizes, choices and kernel. */
gboolean vit_query_pool_load (VitEncoderWeights *weights,
    const VitStage *stage, const VitEncoderPlan *plan, GError **error);
void vit_query_pool_clear (VitAttentionPool *pool);

G_END_DECLS
