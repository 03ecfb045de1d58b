/* SPDX-License-Identifier: MIT
 *
 * Tokens, embeddings and attention as GStreamer's own tensors: GstTensorMeta on
 * the frame (1.26) and, for tokens, the field `tensors` in its caps and
 * GstAnalyticsTensorMtd beside a detection (1.28).
 *
 * All are compiled in where gstreamer-analytics-1.0 is there, in that release
 * or a later one; elsewhere these functions do nothing.
 */
#pragma once

#include "gst/vit/vit.h"

G_BEGIN_DECLS

/* Of a property; 0: no tensor is wanted, which an empty text says too, as
 * gst-launch-1.0 users write it. */
GQuark gst_vit_tensor_id_of (const GValue *text);

/* Attaches a GstTensorMeta for each valid tokens meta on `frame` but the first
 * `n_before`: one tensor [1, n_tokens, embed_dim] called `id`, row-major, whose
 * data is the tokens' own buffer, by reference. */
void gst_vit_tensor_attach (GstBuffer *frame, guint n_before, GQuark id);

/* The same for each valid embedding meta of this kind but those among the first
 * `n_before` of either kind: one tensor [1, dim] of float32 called `id`. */
void gst_vit_tensor_attach_embeddings (
    GstBuffer *frame, guint n_before, GstVitEmbeddingKind kind, GQuark id);

/* Whether these are compiled in. */
gboolean gst_vit_tensor_is_supported (void);

/* Attaches the probabilities of a classifier's classes as GStreamer's own decoder,
 * classifiertensordecoder, reads them: of each of `probabilities`, GstBuffers of
 * float32 [n], a tensor [1, n], "classification-generic-softmaxed-out". */
void gst_vit_tensor_attach_probabilities (
    GstBuffer *frame, const GPtrArray *probabilities);

/* The same for each valid attention meta but the first `n_before`: one tensor
 * [1, n_heads, n_tokens] of float32 called `id`. */
void gst_vit_tensor_attach_attention (
    GstBuffer *frame, guint n_before, GQuark id);

/* Adds the same tensor of these tokens, which are valid, to the frame's
 * GstAnalyticsRelationMeta, related to the detection of id `detection` in it, and
 * that to the tensor (GST_ANALYTICS_REL_TYPE_RELATE_TO). */
void gst_vit_tensor_relate (GstBuffer *frame, const GstVitTokensMeta *tokens,
    GQuark id, guint detection);

/* What the caps say of the tokens. */
typedef struct {
  GQuark id; /* of the tensor, and of the group in which it is alone */
  GstVitTokenFormat format;
  guint embed_dim; /* 0: not known yet */
} GstVitTensorNotice;

/* Whether caps can carry such a notice. */
gboolean gst_vit_tensor_can_advertise (const GstVitTensorNotice *notice);

/* (transfer full): `caps` as they are on the other pad of an element, the one
 * that adds such tokens: with the notice beside what `tensors` holds already,
 * on the way from the sink pad, and without it on the way to that.  Takes
 * `caps`. */
GstCaps *gst_vit_tensor_transform_caps (
    const GstVitTensorNotice *notice, GstPadDirection direction, GstCaps *caps);

G_END_DECLS
