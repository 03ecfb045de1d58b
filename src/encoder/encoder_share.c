/* SPDX-License-Identifier: MIT
 *
 * Encoders' weights shared through the registry of models.
 */
#include "encoder/encoder_weights.h"

#include "model/model_share.h"

static gpointer
load (const char *path, const char *prefix, gpointer overrides, GArray *files,
    GError **error)
{
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, prefix, overrides, error);

  if (weights)
    vit_file_states_add_all (files, weights->file_states);
  return weights;
}

VitEncoderWeights *
vit_encoder_weights_share (const char *path, const char *prefix,
    const VitEncoderOverrides *overrides, GError **error)
{
  VitEncoderOverrides used = { VIT_ACTIVATION_AUTO, VIT_ROPE_AUTO };
  g_autofree char *kind = NULL;

  if (overrides)
    used = *overrides;
  kind = g_strdup_printf ("encoder, activation %s, rope %s",
      vit_activation_name (used.activation), vit_rope_rule_name (used.rope));
  return vit_model_share_get (path, prefix, kind, load, &used, error);
}
