/* SPDX-License-Identifier: MIT
 *
 * What was computed of one set of tokens, and attaching it to a frame.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "encoder/encoder.h"
#include "encoder/gstvitencoderlabels.h"
#include "encoder/gstvitencoderpools.h"
#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/* How much there is of each. */
typedef struct {
  guint n_layers;
  gboolean features;   /* are made */
  guint embed_dim;
  guint embedding_dim; /* 0: none is made */
  guint n_classes;     /* likewise */
  gboolean labels;     /* are looked for */
  gboolean probabilities; /* of all classes are made too */
  guint n_heads;       /* of the attention that is made; 0: none is */
  guint depth;         /* blocks of the model */
  gboolean normalize;
  const guint *layers; /* [n_layers] */
} GstVitEncoderShape;

/* Counts its references, with g_rc_box_acquire(). */
typedef struct {
  GstBuffer *tokens;    /* of these, whatever they are on */
  guint grid_width;
  guint grid_height;
  guint n_layers;
  GstBuffer *embedding; /* [embedding_dim], or NULL; likewise: */
  GstBuffer *logits;    /* [n_classes] */
  GstBuffer *attention; /* [n_heads][n_tokens] */
  GstVitEncoderLabels *labels; /* of the logits, or NULL: not looked for */
  GstBuffer *features[]; /* [n_layers], each [n_tokens][embed_dim] */
} GstVitEncoderResult;

/* Bytes of what is made of so many tokens. */
guint64 gst_vit_encoder_result_size (
    const GstVitEncoderShape *shape, guint n_tokens);

/* (transfer full) (nullable): with room for all of it, of the pools, or where these
 * are NULL of none; NULL where there is no memory. */
GstVitEncoderResult *gst_vit_encoder_result_new (const GstVitTokensMeta *tokens,
    const GstVitEncoderShape *shape, GstVitEncoderPools *pools /* (nullable) */);
void gst_vit_encoder_result_unref (gpointer result); /* (nullable) */

/* Whether it is of these very tokens. */
gboolean gst_vit_encoder_result_is_of (
    const GstVitEncoderResult *result, const GstVitTokensMeta *tokens);

/* Attaches the features of layer `layer`; `is_known`: they were computed for a
 * frame before, whose tokens these are, so that what is told of the tokens' change
 * is true of them. */
void gst_vit_encoder_result_attach_features (const GstVitEncoderResult *result,
    const GstVitEncoderShape *shape, guint layer, gboolean is_known,
    const GstVitTokensMeta *tokens, GstBuffer *frame);

/* Attaches the class token's attention, where there is some. */
void gst_vit_encoder_result_attach_attention (
    const GstVitEncoderResult *result, const GstVitEncoderShape *shape,
    const GstVitTokensMeta *tokens, GstBuffer *frame);

/* Looks for the labels of the logits, where there are any and that was not done. */
void gst_vit_encoder_result_find_labels (GstVitEncoderResult *result,
    const GstVitEncoderClasses *classes,
    const GstVitEncoderLabelsWanted *wanted);
void gst_vit_encoder_result_forget_labels (GstVitEncoderResult *result);

/* Attaches embedding and logits, where there are any, and the labels of these. */
void gst_vit_encoder_result_attach_vectors (const GstVitEncoderResult *result,
    const GstVitEncoderShape *shape, const GstVitEncoderClasses *classes,
    const GstVitTokensMeta *tokens, GstBuffer *frame);

G_END_DECLS
