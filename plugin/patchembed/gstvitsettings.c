/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsettings.h"

#include <string.h>

#include "base/error.h"
#include "common/gstvittensor.h"
#include "common/gstvitworkers.h"
#include "gst/vit/gstvittokensmeta.h"
#include "patchembed/gstvitproperties.h"
#include "patchembed/gstvittriple.h"

/* The two enumerations are one, so that a value passes as it is. */
G_STATIC_ASSERT ((gint) VIT_TOKEN_F32 == (gint) GST_VIT_TOKEN_FORMAT_F32);
G_STATIC_ASSERT ((gint) VIT_TOKEN_F16 == (gint) GST_VIT_TOKEN_FORMAT_F16);
G_STATIC_ASSERT ((gint) VIT_TOKEN_BF16 == (gint) GST_VIT_TOKEN_FORMAT_BF16);

void
gst_vit_settings_init (GstVitSettings *settings)
{
  memset (settings, 0, sizeof *settings);
  settings->patch_size = 16;
  settings->embed_dim = 768;
  settings->prefix_tokens = TRUE;
  settings->tensor_id = g_quark_from_static_string ("vit-patch-tokens");
  settings->max_memory = G_GUINT64_CONSTANT (2) << 30;
  settings->live.reuse_tokens = TRUE;
  settings->live.interval = 1;
}

void
gst_vit_settings_clear (GstVitSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->model_prefix, g_free);
}

void
gst_vit_settings_copy (const GstVitSettings *from, GstVitSettings *out)
{
  *out = *from;
  out->model = g_strdup (from->model);
  out->model_prefix = g_strdup (from->model_prefix);
}

/* An empty array goes back to the model's numbers. */
static void
set_triple (
    const GValue *value, double triple[3], gboolean *is_set, gboolean *is_wrong)
{
  *is_set = gst_vit_value_get_triple (value, triple);
  *is_wrong = !*is_set && gst_value_array_get_size (value) > 0;
}

static gboolean
set_live (GstVitLiveSettings *live, guint id, const GValue *value)
{
  switch (id) {
    case GST_VIT_SETTING_REUSE_TOKENS:
      live->reuse_tokens = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_SETTING_REUSE_TOLERANCE:
      live->reuse_tolerance = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_INTERVAL:
      live->interval = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_SKIP_LATE:
      live->skip_late = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_SETTING_REGIONS:
      live->regions = (GstVitRegions) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_SETTING_MAX_TOKENS:
      live->max_tokens = g_value_get_uint (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_vit_settings_set (GstVitSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case GST_VIT_SETTING_MODEL:
      g_free (settings->model);
      settings->model = g_value_dup_string (value);
      return TRUE;
    case GST_VIT_SETTING_MODEL_PREFIX:
      g_free (settings->model_prefix);
      settings->model_prefix = g_value_dup_string (value);
      return TRUE;
    case GST_VIT_SETTING_PATCH_SIZE:
      settings->patch_size = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_EMBED_DIM:
      settings->embed_dim = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_POSITION_RULE:
      settings->rule = (VitPositionRule) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_SETTING_MEAN:
      set_triple (value, settings->mean, &settings->has_mean,
          &settings->mean_is_wrong);
      return TRUE;
    case GST_VIT_SETTING_STD:
      set_triple (value, settings->std, &settings->has_std,
          &settings->std_is_wrong);
      return TRUE;
    case GST_VIT_SETTING_PRECISION:
      settings->precision = (VitPrecision) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_SETTING_FIT:
      settings->fit = (VitFit) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_SETTING_PREFIX_TOKENS:
      settings->prefix_tokens = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_SETTING_TOKEN_FORMAT:
      settings->token_format = (VitTokenType) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_SETTING_MAX_MEMORY:
      settings->max_memory = g_value_get_uint64 (value);
      return TRUE;
    case GST_VIT_SETTING_N_THREADS:
      settings->n_threads = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_TENSOR_ID:
      settings->tensor_id = gst_vit_tensor_id_of (value);
      return TRUE;
    case GST_VIT_SETTING_ADVERTISE_TENSORS:
      settings->advertise_tensors = g_value_get_boolean (value);
      return TRUE;
    default:
      return set_live (&settings->live, id, value);
  }
}

static gboolean
get_live (const GstVitLiveSettings *live, guint id, GValue *value)
{
  switch (id) {
    case GST_VIT_SETTING_REUSE_TOKENS:
      g_value_set_boolean (value, live->reuse_tokens);
      return TRUE;
    case GST_VIT_SETTING_REUSE_TOLERANCE:
      g_value_set_uint (value, live->reuse_tolerance);
      return TRUE;
    case GST_VIT_SETTING_INTERVAL:
      g_value_set_uint (value, live->interval);
      return TRUE;
    case GST_VIT_SETTING_SKIP_LATE:
      g_value_set_boolean (value, live->skip_late);
      return TRUE;
    case GST_VIT_SETTING_REGIONS:
      g_value_set_enum (value, (gint) live->regions);
      return TRUE;
    case GST_VIT_SETTING_MAX_TOKENS:
      g_value_set_uint (value, live->max_tokens);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_vit_settings_get (const GstVitSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case GST_VIT_SETTING_MODEL:
      g_value_set_string (value, settings->model);
      return TRUE;
    case GST_VIT_SETTING_MODEL_PREFIX:
      g_value_set_string (value, settings->model_prefix);
      return TRUE;
    case GST_VIT_SETTING_PATCH_SIZE:
      g_value_set_uint (value, settings->patch_size);
      return TRUE;
    case GST_VIT_SETTING_EMBED_DIM:
      g_value_set_uint (value, settings->embed_dim);
      return TRUE;
    case GST_VIT_SETTING_POSITION_RULE:
      g_value_set_enum (value, (gint) settings->rule);
      return TRUE;
    case GST_VIT_SETTING_MEAN:
      if (settings->has_mean)
        gst_vit_value_set_triple (value, settings->mean);
      return TRUE;
    case GST_VIT_SETTING_STD:
      if (settings->has_std)
        gst_vit_value_set_triple (value, settings->std);
      return TRUE;
    case GST_VIT_SETTING_PRECISION:
      g_value_set_enum (value, (gint) settings->precision);
      return TRUE;
    case GST_VIT_SETTING_FIT:
      g_value_set_enum (value, (gint) settings->fit);
      return TRUE;
    case GST_VIT_SETTING_PREFIX_TOKENS:
      g_value_set_boolean (value, settings->prefix_tokens);
      return TRUE;
    case GST_VIT_SETTING_TOKEN_FORMAT:
      g_value_set_enum (value, (gint) settings->token_format);
      return TRUE;
    case GST_VIT_SETTING_MAX_MEMORY:
      g_value_set_uint64 (value, settings->max_memory);
      return TRUE;
    case GST_VIT_SETTING_N_THREADS:
      g_value_set_uint (value, settings->n_threads);
      return TRUE;
    case GST_VIT_SETTING_TENSOR_ID:
      g_value_set_static_string (value, g_quark_to_string (settings->tensor_id));
      return TRUE;
    case GST_VIT_SETTING_ADVERTISE_TENSORS:
      g_value_set_boolean (value, settings->advertise_tensors);
      return TRUE;
    default:
      return get_live (&settings->live, id, value);
  }
}

guint
gst_vit_settings_n_workers (const GstVitSettings *settings)
{
  guint n = settings->n_threads;

  return MIN (n > 0 ? n : g_get_num_processors (), GST_VIT_MAX_WORKERS);
}

VitPatchEmbedSettings
gst_vit_settings_for_embed (const GstVitSettings *settings)
{
  VitPatchEmbedSettings out = {
    .rule = settings->rule,
    .override_mean = settings->has_mean,
    .override_std = settings->has_std,
    .precision = settings->precision,
    .type = settings->token_format,
    .fit = settings->fit,
    .prefix_tokens = settings->prefix_tokens,
    .n_workers = gst_vit_settings_n_workers (settings),
  };

  memcpy (out.mean, settings->mean, sizeof out.mean);
  memcpy (out.std, settings->std, sizeof out.std);
  return out;
}

VitModel *
gst_vit_settings_load_model (const GstVitSettings *settings, GError **error)
{
  if (settings->mean_is_wrong || settings->std_is_wrong) {
    const gchar *name = settings->mean_is_wrong ? "mean" : "std";

    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "property '%s' takes three numbers, such as %s=\"<0.5,0.5,0.5>\"",
        name, name);
    return NULL;
  }
  if (settings->model == NULL)
    return vit_model_new_builtin (
        settings->patch_size, settings->embed_dim, error);
  return vit_model_share (settings->model, settings->model_prefix, error);
}
