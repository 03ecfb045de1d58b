/* SPDX-License-Identifier: MIT
 *
 * The working memory of an encoder, taken when the grids are known: it grows with
 * the number of tokens, never with its square, and a run takes none.
 *
 * T = tokens of all regions, D = embed_dim, A = attention_dim, hd = head_dim.
 * Keys and values lie as panels of the product of kernel/patch.h: those of a
 * region's head, a block of keys after the other, as wide as its tile.
 *
 * Thread-safety: of the working memory of one worker, that worker; of the rest
 * whoever computes those tokens.
 */
#pragma once

#include "encoder/encoder_weights.h"

G_BEGIN_DECLS

/* Tokens that a worker takes through the linear maps at once, at most: whole
 * tiles of every kernel. */
#define VIT_ENCODER_TOKENS 126

/* Queries that a worker scores at once, at most VIT_ENCODER_TOKENS and whole tiles
 * of every kernel, and keys that it scores them with, at least
 * VIT_ENCODER_MAX_QUERY_HEADS. */
#define VIT_ENCODER_QUERIES 42
#define VIT_ENCODER_KEYS 256

/* Floats from a row of scores to the next: not a power of two of lines, else the
 * rows of a tile meet in a few sets of the cache. */
#define VIT_ENCODER_SCORE_STRIDE (VIT_ENCODER_KEYS + 16)

/* One frame or a region of one. */
typedef struct {
  guint grid_rows;
  guint grid_cols;
  guint first;        /* its first token among those of all regions */
  guint n_tokens;
  guint n_prefix_tokens;
  guint query_block;  /* queries of one task of the attention, and keys that they */
  guint key_block;    /* are scored with at once: of the last there are fewer */
  guint first_task;   /* of the attention: its first among those of all regions */
  gsize keys;         /* where its panels begin, in floats */
  gsize values;       /* likewise */
  gsize head_keys;    /* of one head, likewise */
  gsize head_values;
  gsize angles;       /* likewise, in cosine and sine */
  gsize pool_scores;  /* likewise */
} VitEncoderRegion;

/* Floats rounded up to whole cache lines. */
static inline gsize
vit_encoder_lines (gsize n)
{
  return (n + 15) / 16 * 16;
}

/* Of rows of n floats: an odd number of lines, else the rows of a tile meet in a
 * few sets of the cache. */
static inline gsize
vit_encoder_stride (gsize n)
{
  return ((n + 15) / 16 | 1) * 16;
}

typedef struct {
  VitLinearRows rows;   /* [VIT_ENCODER_TOKENS] */
  float *normed;        /* [VIT_ENCODER_TOKENS][the widest of D, A and a pool's] */
  float *mapped;        /* [VIT_ENCODER_TOKENS][mapped_stride]: keys, then values;
                           vectors of the heads */
  float *vector;        /* [mapped_stride] */
  float *joint;         /* [vit_encoder_weights_joint_dim()] */
  float *hidden;        /* [VIT_ENCODER_TOKENS][of a chunk, or all, once or twice] */
  float *scores;        /* [VIT_ENCODER_TOKENS][VIT_ENCODER_SCORE_STRIDE]: of queries,
                           no more; of a pool's heads with tokens */
  float *sums;          /* [VIT_ENCODER_QUERIES][hd] */
  float *softmax;       /* [3][VIT_ENCODER_QUERIES]: maximum, sum, factor */
} VitEncoderWorker;

typedef struct {
  guint n_tokens;       /* T */
  guint n_regions;
  VitEncoderRegion *regions;
  gboolean pooled;      /* vectors are wanted */
  guint n_workers;
  guint block;          /* tokens, at most VIT_ENCODER_TOKENS */
  guint n_attention_tasks;

  gsize token_stride;   /* of a row of D */
  gsize query_stride;   /* of a row of A */
  gsize normed_stride;
  gsize mapped_stride;
  gsize hidden_stride;
  float *tokens;        /* [T][D]: the residual stream */
  float *queries;       /* [T][A]; after the attention, its output */
  float *keys;
  float *values;
  float *cosine;        /* [patches][hd / 2], or NULL without rotary positions */
  float *sine;
  float *features;      /* [T][D]: normed, for pooling; or NULL */
  float *pool_scores;   /* [heads of the pool][tokens of a region]; or NULL */

  VitEncoderWorker *workers; /* [n_workers] */
  void *memory;         /* all of it */
  gsize n_bytes;
} VitEncoderScratch;

/* Attention tasks of a head of a region, each a block of queries. */
static inline guint
vit_encoder_query_blocks (const VitEncoderRegion *region)
{
  return (region->n_tokens + region->query_block - 1) / region->query_block;
}

/* The number of the region that token `token` of all is of: many regions may be
 * asked for, so they are not walked. */
guint vit_encoder_find_region (const VitEncoderScratch *scratch, guint token);

/* All but the memory: where things are to lie in it, and scratch->n_bytes of it.
 * `regions` have their grids and prefix tokens.  `pooled`: vectors are wanted.
 * Errors: FRAME_SIZE for too many tokens.  Clear with
 * vit_encoder_scratch_clear(), also after an error. */
gboolean vit_encoder_scratch_lay_out (VitEncoderScratch *scratch,
    const VitEncoderWeights *weights, const VitEncoderRegion *regions,
    guint n_regions, gboolean pooled, guint n_workers, GError **error);

/* And the memory, once.  Errors: NO_MEMORY. */
gboolean vit_encoder_scratch_take (VitEncoderScratch *scratch,
    const VitEncoderWeights *weights, GError **error);

void vit_encoder_scratch_clear (VitEncoderScratch *scratch);

G_END_DECLS
