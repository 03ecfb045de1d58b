/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderinputs.h"

#include "base/error.h"
#include "common/gstvitmodelid.h"
#include "common/gstvitregionsmax.h"

gboolean
gst_vit_encoder_inputs_are_on (GstBuffer *frame)
{
  return gst_buffer_get_vit_tokens_meta (frame) != NULL;
}

/* Tokens without an id may be anyone's. */
static gboolean
is_of_model (const GstVitTokensMeta *tokens, const gchar *model_id)
{
  return tokens->model_id == NULL
         || gst_vit_model_id_is_same (tokens->model_id, model_id);
}

static gboolean
fits (const GstVitTokensMeta *tokens, const VitEncoderWeights *weights,
    GError **error)
{
  if (tokens->embed_dim != weights->embed_dim
      || tokens->patch_size != weights->patch_size) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the tokens have %u numbers each, of patches of %ux%u pixels, but the "
        "model %s has %u, of %ux%u",
        tokens->embed_dim, tokens->patch_size, tokens->patch_size, weights->id,
        weights->embed_dim, weights->patch_size, weights->patch_size);
    return FALSE;
  }
  if (tokens->n_prefix_tokens == weights->n_prefix_tokens)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "the tokens have %u prefix tokens, but the blocks of the model %s take "
      "%u%s",
      tokens->n_prefix_tokens, weights->id, weights->n_prefix_tokens,
      tokens->n_prefix_tokens == 0
          ? "; leave prefix-tokens of vitpatchembed at true"
          : "");
  return FALSE;
}

/* Of a frame that has tokens, but none to take.  Where such have come before, the
 * frame may be one that vitpatchembed left out: another model's are not our
 * business then. */
static gboolean
refuse (const GstVitTokensMeta *other, const GstVitTokensMeta *computed,
    const gchar *model_id, GError **error)
{
  if (other != NULL)
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the tokens are of the model %s, but the blocks are of the model %s; "
        "give both elements the same, or leave model of vitencoder unset",
        other->model_id, model_id);
  else if (computed != NULL)
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the tokens were taken after block %u; the encoder begins with the "
        "input of the first block, which the frame does not carry",
        computed->n_blocks);
  return other == NULL && computed == NULL;
}

gboolean
gst_vit_encoder_inputs_find (GstBuffer *frame,
    const VitEncoderWeights *weights, const gchar *model_id,
    GstVitEncoderInputs *inputs, GError **error)
{
  const GstVitTokensMeta *other = NULL, *computed = NULL;
  GstVitTokensMeta *tokens;
  gpointer state = NULL;

  g_ptr_array_set_size (inputs->tokens, 0);
  inputs->malformed = NULL;
  inputs->has_more = FALSE;
  while ((tokens = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    const gchar *reason = NULL;

    if (!gst_vit_tokens_meta_is_valid (tokens, &reason)) {
      inputs->malformed = reason;
    } else if (tokens->n_blocks > 0) {
      computed = tokens;
    } else if (!is_of_model (tokens, model_id)) {
      other = tokens;
    } else {
      if (!fits (tokens, weights, error))
        return FALSE;
      inputs->has_more = inputs->tokens->len == GST_VIT_REGIONS_MAX;
      if (inputs->has_more)
        break;
      g_ptr_array_add (inputs->tokens, tokens);
    }
  }
  inputs->have_come = inputs->have_come || inputs->tokens->len > 0;
  return inputs->have_come || refuse (other, computed, model_id, error);
}
