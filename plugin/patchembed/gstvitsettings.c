/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsettings.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "common/gstvitworkers.h"
#include "gst/vit/gstvittokensmeta.h"
#include "patchembed/gstvitsettingstypes.h"

#define DEFAULT_TENSOR_ID "vit-patch-tokens"

/* The two enumerations are one, so that a value passes as it is. */
G_STATIC_ASSERT ((gint) VIT_TOKEN_F32 == (gint) GST_VIT_TOKEN_FORMAT_F32);
G_STATIC_ASSERT ((gint) VIT_TOKEN_F16 == (gint) GST_VIT_TOKEN_FORMAT_F16);
G_STATIC_ASSERT ((gint) VIT_TOKEN_BF16 == (gint) GST_VIT_TOKEN_FORMAT_BF16);

static GParamSpec *
triple_pspec (const gchar *name, const gchar *nick, const gchar *blurb)
{
  return gst_param_spec_array (name, nick, blurb, NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
}

/* Those that are read once, at the start. */
static void
install_fixed (GObjectClass *klass)
{
  GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, GST_VIT_SETTING_MODEL,
      g_param_spec_string ("model", "Model",
          "A .safetensors file, a .safetensors.index.json, a model folder or a "
          "model's folder in the Hugging Face hub's cache; "
          "NULL: the built-in model",
          NULL, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_MODEL_PREFIX,
      g_param_spec_string ("model-prefix", "Model prefix",
          "Which vision tower, of a file that holds several: what begins the "
          "names of its tensors; NULL: the only one",
          NULL, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_PATCH_SIZE,
      g_param_spec_uint ("patch-size", "Patch size",
          "Side of a patch in pixels, of the built-in model only", 1, 64, 16,
          flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_EMBED_DIM,
      g_param_spec_uint ("embed-dim", "Embedding dimension",
          "Numbers in a token, of the built-in model only", 1, 65536, 768,
          flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_POSITION_RULE,
      g_param_spec_enum ("position-rule", "Position rule",
          "How the position table is resampled to the frame's grid",
          GST_TYPE_VIT_POSITION_RULE, VIT_POSITION_RULE_AUTO, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_MEAN,
      triple_pspec ("mean", "Mean",
          "Mean of R, G, B, where 0 is black and 1 is white: "
          "mean=\"<0.5,0.5,0.5>\"; empty: the model's"));
  g_object_class_install_property (klass, GST_VIT_SETTING_STD,
      triple_pspec ("std", "Standard deviation",
          "Standard deviation of R, G, B, where 0 is black and 1 is white, "
          "each greater than 0: std=\"<0.5,0.5,0.5>\"; empty: the model's"));
  g_object_class_install_property (klass, GST_VIT_SETTING_PRECISION,
      g_param_spec_enum ("precision", "Precision",
          "Arithmetic of the projection", GST_TYPE_VIT_PRECISION,
          VIT_PRECISION_AUTO, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_FIT,
      g_param_spec_enum ("fit", "Fit",
          "What becomes of pixels on the right and at the bottom that no whole "
          "patch covers",
          GST_TYPE_VIT_FIT, VIT_FIT_CROP, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_PREFIX_TOKENS,
      g_param_spec_boolean ("prefix-tokens", "Prefix tokens",
          "Emit class, register and distillation tokens, before the patches'",
          TRUE, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_TOKEN_FORMAT,
      g_param_spec_enum ("token-format", "Token format",
          "Type of the emitted numbers", GST_TYPE_VIT_TOKEN_FORMAT,
          GST_VIT_TOKEN_FORMAT_F32, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Threads that compute a frame, of a pool that all elements of the "
          "process share and that is as large as the most that one asks for; "
          "0: one per processor",
          0, GST_VIT_MAX_WORKERS, 0, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_TENSOR_ID,
      g_param_spec_string ("tensor-id", "Tensor id",
          "Id of the GstTensor of the tokens [1, n_tokens, embed_dim], attached "
          "with GStreamer 1.26 or later; NULL: none is attached",
          DEFAULT_TENSOR_ID, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_ADVERTISE_TENSORS,
      g_param_spec_boolean ("advertise-tensors", "Advertise tensors",
          "Name the tensor in the source caps, field tensors (GStreamer 1.28 "
          "or later)",
          FALSE, flags));
}

static void
install_live (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (klass, GST_VIT_SETTING_REUSE_TOKENS,
      g_param_spec_boolean ("reuse-tokens", "Reuse tokens",
          "Keep the tokens of patches that did not change since the last frame",
          TRUE, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_REUSE_TOLERANCE,
      g_param_spec_uint ("reuse-tolerance", "Reuse tolerance",
          "Largest difference of a sample, in steps of 8 or 10 bits, from that "
          "its token was computed of that still keeps the token; 0: tokens are "
          "exact",
          0, 1023, 0, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
          "Tokens on every n-th frame; the others pass untouched", 1, G_MAXINT,
          1, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_SKIP_LATE,
      g_param_spec_boolean ("skip-late", "Skip late frames",
          "Let frames pass without tokens that would reach the sink too late, "
          "as its QoS events say or, in live pipelines, the clock, and post a "
          "QoS message for each; one in a second has them all the same",
          FALSE, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_REGIONS,
      g_param_spec_enum ("regions", "Regions",
          "What the tokens are of: the frame, or one set of tokens for each "
          "region that a GstVideoRegionOfInterestMeta marks in it",
          GST_TYPE_VIT_REGIONS, GST_VIT_REGIONS_FRAME, flags));
  g_object_class_install_property (klass, GST_VIT_SETTING_MAX_TOKENS,
      g_param_spec_uint ("max-tokens", "Most tokens",
          "Most tokens of a frame or region, prefix tokens included; larger "
          "pictures are scaled down to it, but not under one patch; 0: no "
          "limit",
          0, G_MAXINT, 0, flags));
}

void
gst_vit_settings_install (GObjectClass *klass)
{
  const GType types[] = { GST_TYPE_VIT_POSITION_RULE, GST_TYPE_VIT_PRECISION,
    GST_TYPE_VIT_FIT, GST_TYPE_VIT_REGIONS, GST_TYPE_VIT_TOKEN_FORMAT };

  install_fixed (klass);
  install_live (klass);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    gst_type_mark_as_plugin_api (types[i], (GstPluginAPIFlags) 0);
}

void
gst_vit_settings_init (GstVitSettings *settings)
{
  memset (settings, 0, sizeof *settings);
  settings->patch_size = 16;
  settings->embed_dim = 768;
  settings->prefix_tokens = TRUE;
  settings->tensor_id = g_quark_from_static_string (DEFAULT_TENSOR_ID);
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

/* A finite number, in whatever type gst-launch or a program wrote it; FALSE if
 * it is none. */
static gboolean
get_number (const GValue *value, double *number)
{
  GValue converted = G_VALUE_INIT;

  if (G_VALUE_HOLDS_STRING (value)) {
    const gchar *text = g_value_get_string (value);
    gchar *end = NULL;

    *number = text != NULL ? g_ascii_strtod (text, &end) : 0.0;
    return end != text && *end == '\0' && isfinite (*number);
  }
  g_value_init (&converted, G_TYPE_DOUBLE);
  if (!g_value_transform (value, &converted))
    return FALSE;
  *number = g_value_get_double (&converted);
  return isfinite (*number);
}

/* An empty array goes back to the model's numbers. */
static void
set_triple (
    const GValue *value, double triple[3], gboolean *is_set, gboolean *is_wrong)
{
  guint n_values = gst_value_array_get_size (value);
  double parsed[3];

  *is_wrong = n_values != 0 && n_values != 3;
  for (guint c = 0; n_values == 3 && c < 3; c++) {
    if (!get_number (gst_value_array_get_value (value, c), &parsed[c]))
      *is_wrong = TRUE;
  }
  *is_set = n_values == 3 && !*is_wrong;
  if (*is_set)
    memcpy (triple, parsed, sizeof parsed);
}

void
gst_vit_value_set_triple (GValue *value, const double triple[3])
{
  for (guint c = 0; c < 3; c++) {
    GValue number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_DOUBLE);
    g_value_set_double (&number, triple[c]);
    gst_value_array_append_and_take_value (value, &number);
  }
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
    case GST_VIT_SETTING_N_THREADS:
      settings->n_threads = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_SETTING_TENSOR_ID:
      settings->tensor_id = g_quark_from_string (g_value_get_string (value));
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
