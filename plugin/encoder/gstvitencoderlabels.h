/* SPDX-License-Identifier: MIT
 *
 * The best classes of the logits of a frame or region, and what the frame is told
 * of them.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "encoder/labels.h"
#include "encoder/text_classes.h"
#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

/* What logits are the scores of.  What it points to outlives it. */
typedef struct {
  gboolean are_known; /* else they are of no classes, and have no labels */
  const gchar *const *names; /* [n_classes] (nullable): they have none */
  VitProbabilityRule rule;
} GstVitEncoderClasses;

typedef struct {
  guint top; /* at most GST_VIT_EMBEDDING_META_MAX_LABELS */
  gdouble threshold;
  gboolean has_probabilities; /* those of all classes are wanted too */
} GstVitEncoderLabelsWanted;

typedef struct {
  GstBuffer *probabilities; /* (nullable): float32 [n_classes] */
  guint n;
  VitLabel labels[]; /* [n] */
} GstVitEncoderLabels;

/* Of a model's own classifier, or of texts (nullable) in its place. */
GstVitEncoderClasses gst_vit_encoder_classes_of (
    const VitEncoderWeights *weights, const VitTextClasses *texts);

/* (transfer full) (nullable): NULL where the logits, float32 [n_classes], cannot
 * be read, or there is no memory. */
GstVitEncoderLabels *gst_vit_encoder_labels_new (GstBuffer *logits,
    const GstVitEncoderClasses *classes,
    const GstVitEncoderLabelsWanted *wanted);
void gst_vit_encoder_labels_free (GstVitEncoderLabels *labels); /* (nullable) */

/* Tells `meta`, which is of those logits and has none yet, of the labels.  A class
 * without a name is called by its number. */
void gst_vit_encoder_labels_attach (const GstVitEncoderLabels *labels,
    const GstVitEncoderClasses *classes, GstVitEmbeddingMeta *meta);

/* (transfer full): a structure with the arrays `labels`, of names, and
 * `label-scores`, of doubles. */
GstStructure *gst_vit_encoder_labels_describe (
    const GstVitEncoderLabels *labels /* (nullable): none */,
    const GstVitEncoderClasses *classes);

G_END_DECLS
