/* SPDX-License-Identifier: MIT
 *
 * Patch tokens in, features out: the front of the encoder.
 *
 *     vit_encoder_weights_share ()  once a model
 *     vit_encoder_new ()            once a use of it: what is wanted
 *     vit_encoder_measure ()        where memory is bounded
 *     vit_encoder_configure ()      once a grid, or several: working memory
 *     vit_encoder_run ()            every frame
 *
 * Tokens and features are [n_tokens][embed_dim] of each region: prefix tokens
 * first, then the patches in raster order.  All arithmetic is float32; the result
 * is the same to the last bit whatever the number of workers.
 *
 * Thread-safety: one thread at a time may use a VitEncoder; several of them may
 * share weights.
 */
#pragma once

#include "base/parallel.h"
#include "base/precision.h"
#include "encoder/text_classes.h"

G_BEGIN_DECLS

/* Whether the model's final norm is applied to features. */
typedef enum {
  VIT_FEATURE_NORM_AUTO,  /* as the model's package does: of the last block where
                             it has one over all tokens; of those before hardly
                             ever */
  VIT_FEATURE_NORM_NONE,  /* the blocks' own output */
  VIT_FEATURE_NORM_FINAL, /* all of them */
} VitFeatureNorm;

/* What an embedding is made of. */
typedef enum {
  VIT_EMBEDDING_AUTO,       /* the model's own */
  VIT_EMBEDDING_NONE,
  VIT_EMBEDDING_CLASS,      /* the features' class token: their first row */
  VIT_EMBEDDING_MEAN,       /* the mean of the patches' features */
  VIT_EMBEDDING_CLASS_MEAN, /* one after the other */
} VitEmbeddingKind;

typedef struct {
  const guint *layers; /* [n_layers]: after which blocks features are taken, from
                          1; ascending */
  guint n_layers;      /* 0: the last block */
  VitFeatureNorm norm;
  VitEmbeddingKind embedding;
  gboolean normalize;  /* embeddings have length 1 */
  gboolean logits;     /* wanted where the model has them */
  VitTextClasses *classes; /* (nullable): that were loaded for these weights; the
                              logits are their scores then, wanted in any case */
  gboolean attention;  /* the class token's, of the last block, is wanted */
  VitPrecision precision; /* AUTO or F32 */
  guint n_workers;     /* at least 1; how many may work at once */
} VitEncoderSettings;

/* The patches of one frame or region. */
typedef struct {
  guint rows;
  guint cols;
} VitEncoderGrid;

/* Where a frame's numbers lie.  The pointers of what was not asked for, or does
 * not exist, are not read. */
typedef struct {
  const float *const *tokens; /* [n_grids]: [n_tokens][embed_dim] each */
  float *const *features;     /* [n_layers][n_grids]: likewise; NULL: none */
  float *const *embedding;    /* [n_grids]: [embedding_dim] each */
  float *const *logits;       /* [n_grids]: [n_classes] each */
  float *const *attention;    /* [n_grids]: [n_heads][n_tokens] each: how much the
                                 first token attends to each, sums 1 */

  VitIsStopped is_stopped; /* (nullable): it is wanted */
  gpointer stop_data;
} VitEncoderFrame;

typedef struct _VitEncoder VitEncoder;

/* Keeps a reference to `weights` and to the classes, and a copy of the settings.
 * Errors: SETTING for layers that the model does not have, a norm or embedding that
 * it cannot make, a precision that is not float32. */
VitEncoder *vit_encoder_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error);
void vit_encoder_free (VitEncoder *encoder); /* (nullable) */

/* Must succeed before the first run; may be called again at any time.  The tokens
 * of each grid are to have `n_prefix_tokens` before the patches.  After an error
 * the former configuration still stands.  Errors: SETTING where the model has
 * another number of prefix tokens; FRAME_SIZE; NO_MEMORY. */
gboolean vit_encoder_configure (VitEncoder *encoder,
    const VitEncoderGrid *grids /* [n_grids] */, guint n_grids,
    guint n_prefix_tokens, GError **error);

/* *n_bytes: of the working memory that vit_encoder_configure() would take, which
 * here is not taken.  Errors: its own, but NO_MEMORY. */
gboolean vit_encoder_measure (const VitEncoder *encoder,
    const VitEncoderGrid *grids /* [n_grids] */, guint n_grids,
    guint n_prefix_tokens, gsize *n_bytes, GError **error);

/* `parallel` may be NULL: then the calling thread does everything.  Allocates
 * nothing and takes no lock.  Linear maps go over the tokens of all grids
 * together; attention stays within each.  Where no features of the last block are
 * wanted and the class token gives the rest, the last block computes that token
 * alone.  FALSE: it was stopped, and what was asked for is not all there. */
gboolean vit_encoder_run (VitEncoder *encoder, const VitEncoderFrame *frame,
    VitParallelFor parallel, gpointer user_data);

/* Of what is made: after which blocks, [n_layers]; values of an embedding and of
 * the logits, 0 where there are none. */
const guint *vit_encoder_layers (const VitEncoder *encoder, guint *n_layers);
guint vit_encoder_embedding_dim (const VitEncoder *encoder);
guint vit_encoder_n_classes (const VitEncoder *encoder);

/* (nullable): that the logits are scores of. */
const VitTextClasses *vit_encoder_text_classes (const VitEncoder *encoder);

/* Whether layer `i` of them is normed. */
gboolean vit_encoder_layer_is_normed (const VitEncoder *encoder, guint i);

/* Bytes of working memory of the last configuration. */
gsize vit_encoder_memory (const VitEncoder *encoder);

/* Rows of tokens that the last run did not take through the model's last block,
 * as nothing that was wanted needs them. */
guint vit_encoder_rows_left_out (const VitEncoder *encoder);

/* The name of the kernel in use: "c", "avx2", ... */
const char *vit_encoder_kernel (const VitEncoder *encoder);

G_END_DECLS
