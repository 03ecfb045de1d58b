/* SPDX-License-Identifier: MIT
 *
 * Encoders' weights shared through the registry of models.
 */
#include "encoder/encoder_weights.h"

#include "files/hub_name.h"
#include "model/config.h"
#include "model/model_share.h"

typedef struct {
  const char *path;
  const char *prefix;
  const VitEncoderOverrides *overrides;
} Request;

static gpointer
load (gpointer data, GArray *files, GError **error)
{
  const Request *request = data;
  VitEncoderWeights *weights;

  vit_config_add_files (files, request->path);
  weights = vit_encoder_weights_load (
      request->path, request->prefix, request->overrides, error);
  if (weights)
    vit_file_states_add_all (files, weights->file_states);
  return weights;
}

VitEncoderWeights *
vit_encoder_weights_share (const char *path, const char *prefix,
    const VitEncoderOverrides *overrides, GError **error)
{
  VitEncoderOverrides none = { VIT_ACTIVATION_AUTO, VIT_ROPE_AUTO };
  g_autofree char *snapshot = vit_hub_resolve (path, error);
  Request request = { snapshot, prefix, overrides ? overrides : &none };
  g_autofree char *kind = g_strdup_printf ("encoder, activation %s, rope %s",
      vit_activation_name (request.overrides->activation),
      vit_rope_rule_name (request.overrides->rope));

  if (!snapshot)
    return NULL;
  return vit_model_share_get (snapshot, prefix, kind, load, &request, error);
}
