/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencodersettings.h"

#include <string.h>

#include "common/gstvittensor.h"
#include "common/gstvitworkers.h"
#include "encoder/gstvitencoderproperties.h"

void
gst_vit_encoder_settings_init (GstVitEncoderSettings *settings)
{
  memset (settings, 0, sizeof *settings);
  settings->layers = g_array_new (FALSE, FALSE, sizeof (guint));
  settings->tensor_id = g_quark_from_static_string ("vit-features");
  settings->max_memory = G_GUINT64_CONSTANT (2) << 30;
  settings->live.features = TRUE;
  settings->live.top = 5;
}

void
gst_vit_encoder_settings_clear (GstVitEncoderSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->model_prefix, g_free);
  g_clear_pointer (&settings->layers, g_array_unref);
}

void
gst_vit_encoder_settings_copy (
    const GstVitEncoderSettings *from, GstVitEncoderSettings *out)
{
  *out = *from;
  out->model = g_strdup (from->model);
  out->model_prefix = g_strdup (from->model_prefix);
  out->layers = g_array_ref (from->layers);
}

/* What is no number of a block becomes 0, which no model has. */
static GArray *
read_layers (const GValue *value)
{
  GArray *layers = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < gst_value_array_get_size (value); i++) {
    const GValue *one = gst_value_array_get_value (value, i);
    gint number = G_VALUE_HOLDS_INT (one) ? g_value_get_int (one) : 0;
    guint layer = (guint) MAX (number, 0);

    g_array_append_val (layers, layer);
  }
  return layers;
}

static void
write_layers (const GArray *layers, GValue *value)
{
  for (guint i = 0; i < layers->len; i++) {
    GValue number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number, (gint) g_array_index (layers, guint, i));
    gst_value_array_append_and_take_value (value, &number);
  }
}

static void
set_classes (GstVitEncoderLiveSettings *live, const gchar *path)
{
  live->classes
      = path != NULL && path[0] != '\0' ? g_quark_from_string (path) : 0;
  live->n_times_classes++;
}

static gboolean
set_live (GstVitEncoderLiveSettings *live, guint id, const GValue *value)
{
  switch (id) {
    case GST_VIT_ENCODER_SETTING_FEATURES:
      live->features = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_EMBEDDING:
      live->embedding = (VitEmbeddingKind) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_NORMALIZE:
      live->normalize = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ATTENTION:
      live->attention = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_SKIP_LATE:
      live->skip_late = g_value_get_boolean (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_TOP:
      live->top = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_THRESHOLD:
      live->threshold = g_value_get_double (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_CLASSES:
      set_classes (live, g_value_get_string (value));
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_vit_encoder_settings_set (
    GstVitEncoderSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case GST_VIT_ENCODER_SETTING_MODEL:
      g_free (settings->model);
      settings->model = g_value_dup_string (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_MODEL_PREFIX:
      g_free (settings->model_prefix);
      settings->model_prefix = g_value_dup_string (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_PRECISION:
      settings->precision = (VitPrecision) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_LAYERS:
      g_array_unref (settings->layers);
      settings->layers = read_layers (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_NORM:
      settings->norm = (VitFeatureNorm) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ACTIVATION:
      settings->overrides.activation = (VitActivation) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ROPE_RULE:
      settings->overrides.rope = (VitRopeRule) g_value_get_enum (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_N_THREADS:
      settings->n_threads = g_value_get_uint (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_MAX_MEMORY:
      settings->max_memory = g_value_get_uint64 (value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_TENSOR_ID:
      settings->tensor_id = gst_vit_tensor_id_of (value);
      return TRUE;
    default:
      return set_live (&settings->live, id, value);
  }
}

static gboolean
get_live (const GstVitEncoderLiveSettings *live, guint id, GValue *value)
{
  switch (id) {
    case GST_VIT_ENCODER_SETTING_FEATURES:
      g_value_set_boolean (value, live->features);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_EMBEDDING:
      g_value_set_enum (value, (gint) live->embedding);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_NORMALIZE:
      g_value_set_boolean (value, live->normalize);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ATTENTION:
      g_value_set_boolean (value, live->attention);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_SKIP_LATE:
      g_value_set_boolean (value, live->skip_late);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_TOP:
      g_value_set_uint (value, live->top);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_THRESHOLD:
      g_value_set_double (value, live->threshold);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_CLASSES:
      g_value_set_static_string (value, g_quark_to_string (live->classes));
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_vit_encoder_settings_get (
    const GstVitEncoderSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case GST_VIT_ENCODER_SETTING_MODEL:
      g_value_set_string (value, settings->model);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_MODEL_PREFIX:
      g_value_set_string (value, settings->model_prefix);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_PRECISION:
      g_value_set_enum (value, (gint) settings->precision);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_LAYERS:
      write_layers (settings->layers, value);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_NORM:
      g_value_set_enum (value, (gint) settings->norm);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ACTIVATION:
      g_value_set_enum (value, (gint) settings->overrides.activation);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_ROPE_RULE:
      g_value_set_enum (value, (gint) settings->overrides.rope);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_N_THREADS:
      g_value_set_uint (value, settings->n_threads);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_MAX_MEMORY:
      g_value_set_uint64 (value, settings->max_memory);
      return TRUE;
    case GST_VIT_ENCODER_SETTING_TENSOR_ID:
      g_value_set_static_string (value, g_quark_to_string (settings->tensor_id));
      return TRUE;
    default:
      return get_live (&settings->live, id, value);
  }
}

guint
gst_vit_encoder_settings_n_workers (const GstVitEncoderSettings *settings)
{
  guint n = settings->n_threads;

  return MIN (n > 0 ? n : g_get_num_processors (), GST_VIT_MAX_WORKERS);
}

VitEncoderSettings
gst_vit_encoder_settings_for_library (const GstVitEncoderSettings *settings)
{
  return (VitEncoderSettings) {
    .layers = (const guint *) (const void *) settings->layers->data,
    .n_layers = settings->layers->len,
    .norm = settings->norm,
    .embedding = settings->live.embedding,
    .normalize = settings->live.normalize,
    /* They come from behind the last block, which the layers may not need. */
    .logits = settings->live.embedding != VIT_EMBEDDING_NONE,
    .attention = settings->live.attention,
    .precision = settings->precision,
    .n_workers = gst_vit_encoder_settings_n_workers (settings),
  };
}
