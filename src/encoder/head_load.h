/* SPDX-License-Identifier: MIT
 *
 * What comes after the last block, from its tensors: the final norm, the pool,
 * projection and classifiers.
 *
 * A pool with a learned query is folded as it is read.  Its query is the same for
 * every frame, so a head's score of a row x is one product
 *
 *     q . (Wk x + bk) = (Wk' q) . x + what all rows have alike,
 *
 * and what the head makes of the rows is Wv times their weighted sum.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_plan.h"

G_BEGIN_DECLS

/* Fills `weights` from final_norm on.  Errors: as of vit_encoder_weights_load().
 * Clear with vit_encoder_heads_clear(), also after an error. */
gboolean vit_encoder_heads_load (VitEncoderWeights *weights,
    const VitStage *stage, const VitEncoderPlan *plan, GError **error);
void vit_encoder_heads_clear (VitEncoderWeights *weights);

G_END_DECLS
