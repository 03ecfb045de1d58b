/* SPDX-License-Identifier: MIT
 *
 * Attention by blocks: softmax (q k') v of one head, the scores of a block of
 * queries with a block of keys at a time, with a running maximum and sum; the
 * scores of all pairs never exist.
 *
 * Thread-safety: any number of workers, each with tokens and memory of its own.
 */
#pragma once

#include "encoder/scratch.h"

G_BEGIN_DECLS

typedef struct {
  const VitEncoderWeights *weights;
  const VitKernelRows *rows;
  VitEncoderScratch *scratch;
} VitAttention;

/* Queries, keys and values of tokens first .. first + n - 1, n at most
 * VIT_ENCODER_TOKENS, from their normed rows in the worker's memory.  Queries of
 * the first `n_queries` tokens of each region alone, if that is not 0. */
void vit_attention_project (const VitAttention *attention,
    const VitEncoderBlock *block, VitEncoderWorker *worker, guint first,
    guint n, guint n_queries);

/* The queries first .. first + n - 1 of a region, n at most
 * VIT_ENCODER_QUERIES, of one head become its output. */
void vit_attention_head (const VitAttention *attention,
    const VitEncoderRegion *region, guint head, VitEncoderWorker *worker,
    guint first, guint n);

/* How much token `query` of a region attends to each, by head: after
 * vit_attention_project() of all its tokens and before vit_attention_head(). */
void vit_attention_weights (const VitAttention *attention,
    const VitEncoderRegion *region, guint head, VitEncoderWorker *worker,
    guint query, float *weights /* [n_tokens] */);

G_END_DECLS
