/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderresult.h"

#include "common/gstvittokenspool.h"
#include "gst/vit/vit.h"

static void
clear (gpointer data)
{
  GstVitEncoderResult *result = data;

  gst_clear_buffer (&result->tokens);
  gst_clear_buffer (&result->embedding);
  gst_clear_buffer (&result->logits);
  gst_clear_buffer (&result->attention);
  gst_vit_encoder_result_forget_labels (result);
  for (guint i = 0; i < result->n_layers; i++)
    gst_clear_buffer (&result->features[i]);
}

void
gst_vit_encoder_result_unref (gpointer result)
{
  if (result != NULL)
    g_rc_box_release_full (result, clear);
}

/* Of one layer. */
static gsize
n_feature_values (const GstVitEncoderShape *shape, guint n_tokens)
{
  return shape->features ? (gsize) n_tokens * shape->embed_dim : 0;
}

guint64
gst_vit_encoder_result_size (const GstVitEncoderShape *shape, guint n_tokens)
{
  guint64 n_values = (guint64) shape->embedding_dim + shape->n_classes;

  if (shape->probabilities)
    n_values += shape->n_classes;
  n_values += shape->n_layers * (guint64) n_feature_values (shape, n_tokens);
  n_values += (guint64) shape->n_heads * n_tokens;
  return n_values * sizeof (gfloat);
}

/* Whether `n_values` are there; 0: none are wanted. */
static gboolean
acquire (GstVitEncoderPools *pools, gsize n_values, GstBuffer **buffer)
{
  if (n_values > 0 && pools != NULL)
    *buffer = gst_vit_encoder_pools_acquire (pools, n_values);
  else if (n_values > 0)
    *buffer = gst_vit_tokens_buffer_new (n_values * sizeof (gfloat));
  return n_values == 0 || *buffer != NULL;
}

GstVitEncoderResult *
gst_vit_encoder_result_new (const GstVitTokensMeta *tokens,
    const GstVitEncoderShape *shape, GstVitEncoderPools *pools)
{
  GstVitEncoderResult *result = g_rc_box_alloc0 (sizeof (GstVitEncoderResult)
      + shape->n_layers * sizeof (GstBuffer *));
  gsize n_values = n_feature_values (shape, tokens->n_tokens);
  gboolean complete = acquire (pools, shape->embedding_dim, &result->embedding)
      && acquire (pools, shape->n_classes, &result->logits)
      && acquire (pools, (gsize) shape->n_heads * tokens->n_tokens,
          &result->attention);

  result->tokens = gst_buffer_ref (tokens->tokens);
  result->grid_width = tokens->grid_width;
  result->grid_height = tokens->grid_height;
  result->n_layers = shape->n_layers;
  for (guint i = 0; complete && i < shape->n_layers; i++)
    complete = acquire (pools, n_values, &result->features[i]);
  if (complete)
    return result;
  gst_vit_encoder_result_unref (result);
  return NULL;
}

gboolean
gst_vit_encoder_result_is_of (
    const GstVitEncoderResult *result, const GstVitTokensMeta *tokens)
{
  return result->tokens == tokens->tokens
         && result->grid_width == tokens->grid_width
         && result->grid_height == tokens->grid_height;
}

void
gst_vit_encoder_result_attach_features (const GstVitEncoderResult *result,
    const GstVitEncoderShape *shape, guint layer, gboolean is_known,
    const GstVitTokensMeta *tokens, GstBuffer *frame)
{
  GstVitTokensMeta *features = gst_buffer_add_vit_features_meta (frame, tokens,
      result->features[layer], GST_VIT_TOKEN_FORMAT_F32, shape->embed_dim,
      shape->layers[layer]);

  if (is_known && tokens->changed != NULL)
    gst_vit_tokens_meta_set_changed (features, tokens->changed);
}

void
gst_vit_encoder_result_attach_attention (const GstVitEncoderResult *result,
    const GstVitEncoderShape *shape, const GstVitTokensMeta *tokens,
    GstBuffer *frame)
{
  if (result->attention != NULL)
    gst_buffer_add_vit_attention_meta (
        frame, tokens, result->attention, shape->n_heads, shape->depth);
}

void
gst_vit_encoder_result_find_labels (GstVitEncoderResult *result,
    const GstVitEncoderClasses *classes,
    const GstVitEncoderLabelsWanted *wanted)
{
  if (result->labels == NULL && result->logits != NULL)
    result->labels
        = gst_vit_encoder_labels_new (result->logits, classes, wanted);
}

void
gst_vit_encoder_result_forget_labels (GstVitEncoderResult *result)
{
  g_clear_pointer (&result->labels, gst_vit_encoder_labels_free);
}

void
gst_vit_encoder_result_attach_vectors (const GstVitEncoderResult *result,
    const GstVitEncoderShape *shape, const GstVitEncoderClasses *classes,
    const GstVitTokensMeta *tokens, GstBuffer *frame)
{
  GstVitEmbeddingMeta *logits;

  if (result->embedding != NULL)
    gst_buffer_add_vit_embedding_meta (frame,
        GST_VIT_EMBEDDING_KIND_EMBEDDING, result->embedding,
        shape->embedding_dim, shape->normalize, tokens);
  if (result->logits == NULL)
    return;
  logits = gst_buffer_add_vit_embedding_meta (frame,
      GST_VIT_EMBEDDING_KIND_LOGITS, result->logits, shape->n_classes, FALSE,
      tokens);
  if (result->labels != NULL)
    gst_vit_encoder_labels_attach (result->labels, classes, logits);
}
