/* SPDX-License-Identifier: MIT */
#include "encoder/encoder.h"

#include <string.h>

#include "encoder/encoder_state.h"

static gboolean
check_layers (const VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error)
{
  for (guint i = 0; i < settings->n_layers; i++) {
    guint layer = settings->layers[i];

    if (layer < 1 || layer > weights->depth) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "features after block %u are asked for; expected numbers from 1 to "
          "%u, as many blocks as the model %s has",
          layer, weights->depth, weights->id);
      return FALSE;
    }
    if (i > 0 && layer <= settings->layers[i - 1]) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "in layers %u follows %u; expected ascending numbers", layer,
          settings->layers[i - 1]);
      return FALSE;
    }
  }
  return TRUE;
}

/* The norm that FINAL means: of all tokens, or where the package norms the class
 * token alone, that. */
static const VitEncoderNorm *
find_norm (const VitEncoderWeights *weights)
{
  if (weights->final_norm.n)
    return &weights->final_norm;
  if (weights->embedding.norm.n == weights->embed_dim && weights->embedding.raw)
    return &weights->embedding.norm;
  return NULL;
}

static gboolean
set_norm (VitEncoder *encoder, GError **error)
{
  encoder->norm = find_norm (encoder->weights);
  if (encoder->settings.norm != VIT_FEATURE_NORM_FINAL || encoder->norm)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "norm is final, but the model %s has no norm behind its last block",
      encoder->weights->id);
  return FALSE;
}

static gboolean
set_embedding (VitEncoder *encoder, GError **error)
{
  static const VitPool pools[]
      = { [VIT_EMBEDDING_NONE] = VIT_POOL_NONE,
          [VIT_EMBEDDING_CLASS] = VIT_POOL_TOKEN,
          [VIT_EMBEDDING_MEAN] = VIT_POOL_MEAN_PATCHES,
          [VIT_EMBEDDING_CLASS_MEAN] = VIT_POOL_CLASS_MEAN };
  VitEmbeddingKind kind = encoder->settings.embedding;

  encoder->head = &encoder->weights->embedding;
  if (kind == VIT_EMBEDDING_AUTO)
    return TRUE;
  encoder->embedding.pool = pools[kind];
  encoder->head = &encoder->embedding;
  if (encoder->weights->has_class_token
      || (kind != VIT_EMBEDDING_CLASS && kind != VIT_EMBEDDING_CLASS_MEAN))
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "the embedding is to be of the class token, but the model %s has none",
      encoder->weights->id);
  return FALSE;
}

static gboolean
set_up (VitEncoder *encoder, GError **error)
{
  const VitEncoderSettings *settings = &encoder->settings;

  if (settings->precision != VIT_PRECISION_AUTO
      && settings->precision != VIT_PRECISION_F32) {
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the encoder's precision can be auto or f32");
    return FALSE;
  }
  if (settings->attention && !encoder->weights->has_class_token) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the class token's attention is asked for, but the model %s has none",
        encoder->weights->id);
    return FALSE;
  }
  return set_norm (encoder, error) && set_embedding (encoder, error);
}

VitEncoder *
vit_encoder_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error)
{
  VitEncoder *encoder;

  if (!check_layers (weights, settings, error))
    return NULL;
  encoder = g_new0 (VitEncoder, 1);
  encoder->weights = vit_encoder_weights_ref (weights);
  encoder->settings = *settings;
  encoder->settings.n_workers = MAX (settings->n_workers, 1);
  if (settings->classes)
    vit_text_classes_ref (settings->classes);
  encoder->n_layers = MAX (settings->n_layers, 1);
  encoder->layers = g_new (guint, encoder->n_layers);
  encoder->layers[0] = weights->depth;
  for (guint i = 0; i < settings->n_layers; i++)
    encoder->layers[i] = settings->layers[i];
  encoder->settings.layers = encoder->layers;
  if (!set_up (encoder, error)) {
    vit_encoder_free (encoder);
    return NULL;
  }
  encoder->last = vit_encoder_makes_vectors (encoder) || settings->attention
                      ? weights->depth
                      : encoder->layers[encoder->n_layers - 1];
  return encoder;
}

void
vit_encoder_free (VitEncoder *encoder)
{
  if (!encoder)
    return;
  vit_encoder_scratch_clear (&encoder->scratch);
  vit_encoder_weights_unref (encoder->weights);
  vit_text_classes_unref (encoder->settings.classes);
  g_free (encoder->layers);
  g_free (encoder);
}

/* `scratch` is to be cleared, also after an error. */
static gboolean
lay_out (const VitEncoder *encoder, const VitEncoderGrid *grids, guint n_grids,
    guint n_prefix_tokens, VitEncoderScratch *scratch, GError **error)
{
  g_autofree VitEncoderRegion *regions = NULL;

  memset (scratch, 0, sizeof *scratch);
  if (n_prefix_tokens != encoder->weights->n_prefix_tokens) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "tokens have %u prefix tokens, but those of the model %s have %u",
        n_prefix_tokens, encoder->weights->id,
        encoder->weights->n_prefix_tokens);
    return FALSE;
  }
  regions = g_new0 (VitEncoderRegion, n_grids);
  for (guint i = 0; i < n_grids; i++)
    regions[i] = (VitEncoderRegion) { .grid_rows = grids[i].rows,
      .grid_cols = grids[i].cols,
      .n_prefix_tokens = n_prefix_tokens };
  return vit_encoder_scratch_lay_out (scratch, encoder->weights, regions,
      n_grids, vit_encoder_makes_vectors (encoder),
      encoder->settings.n_workers, error);
}

gboolean
vit_encoder_measure (const VitEncoder *encoder, const VitEncoderGrid *grids,
    guint n_grids, guint n_prefix_tokens, gsize *n_bytes, GError **error)
{
  VitEncoderScratch scratch;
  gboolean is_possible
      = lay_out (encoder, grids, n_grids, n_prefix_tokens, &scratch, error);

  *n_bytes = scratch.n_bytes;
  vit_encoder_scratch_clear (&scratch);
  return is_possible;
}

gboolean
vit_encoder_configure (VitEncoder *encoder, const VitEncoderGrid *grids,
    guint n_grids, guint n_prefix_tokens, GError **error)
{
  VitEncoderScratch scratch;

  if (!lay_out (encoder, grids, n_grids, n_prefix_tokens, &scratch, error)
      || !vit_encoder_scratch_take (&scratch, encoder->weights, error)) {
    vit_encoder_scratch_clear (&scratch);
    return FALSE;
  }
  vit_encoder_scratch_clear (&encoder->scratch);
  encoder->scratch = scratch;
  return TRUE;
}

gboolean
vit_encoder_layer_is_normed (const VitEncoder *encoder, guint i)
{
  const VitEncoderWeights *weights = encoder->weights;

  switch (encoder->settings.norm) {
    case VIT_FEATURE_NORM_NONE:
      return FALSE;
    case VIT_FEATURE_NORM_FINAL:
      return TRUE;
    default:
      return weights->final_norm.n > 0
             && (weights->inner_layers_normed
                 || encoder->layers[i] == weights->depth);
  }
}

const guint *
vit_encoder_layers (const VitEncoder *encoder, guint *n_layers)
{
  *n_layers = encoder->n_layers;
  return encoder->layers;
}

guint
vit_encoder_embedding_dim (const VitEncoder *encoder)
{
  if (encoder->head == &encoder->weights->embedding)
    return vit_encoder_weights_embedding_dim (encoder->weights);
  return vit_encoder_weights_pooled_dim (encoder->weights, encoder->head);
}

const VitTextClasses *
vit_encoder_text_classes (const VitEncoder *encoder)
{
  return encoder->settings.classes;
}

guint
vit_encoder_n_classes (const VitEncoder *encoder)
{
  if (encoder->settings.classes)
    return encoder->settings.classes->n;
  return vit_encoder_makes_logits (encoder)
             ? vit_encoder_weights_n_classes (encoder->weights)
             : 0;
}

gsize
vit_encoder_memory (const VitEncoder *encoder)
{
  return encoder->scratch.n_bytes;
}

guint
vit_encoder_rows_left_out (const VitEncoder *encoder)
{
  return encoder->rows_left_out;
}

const char *
vit_encoder_kernel (const VitEncoder *encoder)
{
  return encoder->weights->kernel->name;
}
