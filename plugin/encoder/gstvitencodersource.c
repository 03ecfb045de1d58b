/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencodersource.h"

#include <string.h>

#include "base/error.h"

/* "teacher" and "teacher." are one. */
static gsize
length_of_prefix (const gchar *prefix)
{
  gsize length = strlen (prefix);

  return length > 0 && prefix[length - 1] == '.' ? length - 1 : length;
}

static gboolean
is_same_tower (const gchar *a, const gchar *b)
{
  gsize length = length_of_prefix (a);

  return length == length_of_prefix (b) && strncmp (a, b, length) == 0;
}

static gboolean
check_tower (const GstVitModelSource *chosen, const GstVitModelSource *tokens,
    GError **error)
{
  if (tokens == NULL || tokens->prefix == NULL || chosen->prefix == NULL
      || g_strcmp0 (tokens->path, chosen->path) != 0
      || is_same_tower (tokens->prefix, chosen->prefix))
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "the tokens are of the tower %s of %s, but model-prefix of vitencoder is "
      "%s",
      tokens->prefix, tokens->path, chosen->prefix);
  return FALSE;
}

static gboolean
check_tokens (const GstVitModelSource *tokens, GError **error)
{
  if (tokens == NULL)
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
        "no model is set, and no vitpatchembed in front says which one the "
        "tokens are of; set model of vitencoder");
  else if (tokens->path == NULL)
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the tokens are of vitpatchembed's built-in model, which has no blocks; "
        "set model of vitpatchembed");
  return tokens != NULL && tokens->path != NULL;
}

GstVitModelSource *
gst_vit_encoder_choose_source (const GstVitEncoderSettings *settings,
    const GstVitModelSource *tokens, GError **error)
{
  const gchar *prefix = settings->model_prefix;
  GstVitModelSource *chosen;

  if (settings->model == NULL && !check_tokens (tokens, error))
    return NULL;
  if (settings->model == NULL)
    chosen = gst_vit_model_source_new (
        tokens->path, prefix != NULL ? prefix : tokens->prefix);
  else
    chosen = gst_vit_model_source_new (settings->model, prefix);
  if (check_tower (chosen, tokens, error))
    return chosen;
  gst_vit_model_source_unref (chosen);
  return NULL;
}
