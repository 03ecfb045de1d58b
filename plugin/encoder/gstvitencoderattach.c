/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderattach.h"

#include "common/gstvitclassification.h"
#include "common/gstvittensor.h"

/* Of every region, whether they were known or not. */
static void
find_labels (const GstVitEncoderStream *stream, const GstVitEncoderShape *shape)
{
  const GstVitEncoderLabelsWanted wanted = {
    .top = stream->settings.live.top,
    .threshold = stream->settings.live.threshold,
    .has_probabilities = shape->probabilities,
  };

  for (guint i = 0; shape->labels && i < stream->results->len; i++)
    gst_vit_encoder_result_find_labels (
        g_ptr_array_index (stream->results, i), &stream->classes, &wanted);
}

static void
attach_probabilities (const GstVitEncoderStream *stream, GstBuffer *frame)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < stream->results->len; i++) {
    const GstVitEncoderResult *result = g_ptr_array_index (stream->results, i);

    if (result->labels != NULL)
      g_ptr_array_add (all, result->labels->probabilities);
  }
  gst_vit_tensor_attach_probabilities (frame, all);
  g_ptr_array_unref (all);
}

static void
attach_vectors (const GstVitEncoderStream *stream,
    const GstVitEncoderShape *shape, GstBuffer *frame)
{
  GPtrArray *inputs = stream->inputs.tokens;
  guint n_before
      = gst_buffer_get_n_meta (frame, GST_VIT_EMBEDDING_META_API_TYPE);

  for (guint i = 0; i < inputs->len; i++)
    gst_vit_encoder_result_attach_vectors (
        g_ptr_array_index (stream->results, i), shape, &stream->classes,
        g_ptr_array_index (inputs, i), frame);
  gst_vit_classification_attach (frame, n_before);
  if (stream->embedding_id == 0)
    return;
  gst_vit_tensor_attach_embeddings (frame, n_before,
      GST_VIT_EMBEDDING_KIND_EMBEDDING, stream->embedding_id);
  gst_vit_tensor_attach_embeddings (frame, n_before,
      GST_VIT_EMBEDDING_KIND_LOGITS, stream->logits_id);
  if (shape->probabilities)
    attach_probabilities (stream, frame);
}

static void
attach_features (const GstVitEncoderStream *stream,
    const GstVitEncoderShape *shape, GstBuffer *frame)
{
  GPtrArray *inputs = stream->inputs.tokens, *results = stream->results;

  for (guint layer = 0; shape->features && layer < shape->n_layers; layer++) {
    guint n_before
        = gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE);

    for (guint i = 0; i < inputs->len; i++)
      gst_vit_encoder_result_attach_features (g_ptr_array_index (results, i),
          shape, layer, g_ptr_array_index (stream->known, i) != NULL,
          g_ptr_array_index (inputs, i), frame);
    if (stream->tensor_ids[layer] != 0)
      gst_vit_tensor_attach (frame, n_before, stream->tensor_ids[layer]);
  }
}

static void
attach_attention (const GstVitEncoderStream *stream,
    const GstVitEncoderShape *shape, GstBuffer *frame)
{
  GPtrArray *inputs = stream->inputs.tokens;
  guint n_before
      = gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE);

  for (guint i = 0; i < inputs->len; i++)
    gst_vit_encoder_result_attach_attention (
        g_ptr_array_index (stream->results, i), shape,
        g_ptr_array_index (inputs, i), frame);
  if (stream->attention_id != 0)
    gst_vit_tensor_attach_attention (frame, n_before, stream->attention_id);
}

void
gst_vit_encoder_attach_results (const GstVitEncoderStream *stream,
    const GstVitEncoderShape *shape, GstBuffer *frame)
{
  find_labels (stream, shape);
  attach_features (stream, shape, frame);
  attach_attention (stream, shape, frame);
  attach_vectors (stream, shape, frame);
}
