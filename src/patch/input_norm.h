/* SPDX-License-Identifier: MIT
 *
 * The normalisation that some families apply to tokens before the first
 * block, one token at a time over its D values:
 *
 *     LayerNorm  (v - mean) / sqrt (variance + epsilon) * weight + bias
 *     RMSNorm    v / sqrt (mean of squares + epsilon) * weight
 *
 * (torch.nn.LayerNorm, torch.nn.RMSNorm), summed in double in ascending order
 * and without contraction, so that every machine gives the same bits.
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include "model/model.h"

G_BEGIN_DECLS

/* In place.  Does nothing for a model without an input norm. */
void vit_input_norm (const VitModel *model, float *tokens, gsize n_tokens
    /* [n_tokens][embed_dim] */);

G_END_DECLS
