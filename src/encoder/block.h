/* SPDX-License-Identifier: MIT
 *
 * A block of an encoder over some tokens, in two halves around its attention:
 *
 *     x += projection (attention (norm (x)));  x += mlp (norm (x))
 *
 * Thread-safety: any number of workers, each with tokens and memory of its own.
 */
#pragma once

#include "encoder/attention.h"

G_BEGIN_DECLS

/* Before the attention: tokens first .. first + n - 1, n at most
 * VIT_ENCODER_TOKENS, give their queries, keys and values.  `n_queries` as of
 * vit_attention_project(). */
void vit_block_enter (const VitAttention *attention,
    const VitEncoderBlock *block, VitEncoderWorker *worker, guint first,
    guint n, guint n_queries);

/* After it: they get its output, and the MLP's. */
void vit_block_leave (const VitAttention *attention,
    const VitEncoderBlock *block, VitEncoderWorker *worker, guint first,
    guint n);

G_END_DECLS
