/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderinfo.h"

static void
append_string (GValue *array, const gchar *string)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, string);
  gst_value_array_append_and_take_value (array, &value);
}

static void
set_files (GstStructure *info, gchar **files)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; files != NULL && files[i] != NULL; i++)
    append_string (&array, files[i]);
  gst_structure_take_value (info, "files", &array);
}

static void
set_layers (GstStructure *info, const VitEncoder *encoder)
{
  GValue layers = G_VALUE_INIT, normed = G_VALUE_INIT;
  const guint *numbers;
  guint n;

  g_value_init (&layers, GST_TYPE_ARRAY);
  g_value_init (&normed, GST_TYPE_ARRAY);
  numbers = vit_encoder_layers (encoder, &n);
  for (guint i = 0; i < n; i++) {
    GValue layer = G_VALUE_INIT, is_normed = G_VALUE_INIT;

    g_value_init (&layer, G_TYPE_INT);
    g_value_set_int (&layer, (gint) numbers[i]);
    gst_value_array_append_and_take_value (&layers, &layer);
    g_value_init (&is_normed, G_TYPE_BOOLEAN);
    g_value_set_boolean (&is_normed, vit_encoder_layer_is_normed (encoder, i));
    gst_value_array_append_and_take_value (&normed, &is_normed);
  }
  gst_structure_take_value (info, "layers", &layers);
  gst_structure_take_value (info, "normed", &normed);
}

static void
set_classes (
    GstStructure *info, const VitTextClasses *texts, const gchar *path)
{
  const gchar *reason = gst_structure_get_string (info, "reason");
  g_autofree gchar *longer
      = g_strdup_printf ("%s; scores of texts: %s", reason, texts->reason);

  gst_structure_set (info, "classes", G_TYPE_STRING, path, "reason",
      G_TYPE_STRING, longer, NULL);
}

GstStructure *
gst_vit_encoder_info_new (
    const VitEncoderWeights *weights, const gchar *model_id,
    const VitEncoder *encoder, const gchar *classes)
{
  const VitEncoderChoices *choices = &weights->choices;
  GstStructure *info = gst_structure_new ("vit-encoder-info",
      "id", G_TYPE_STRING, model_id,
      "patch-size", G_TYPE_UINT, weights->patch_size,
      "embed-dim", G_TYPE_UINT, weights->embed_dim,
      "n-prefix-tokens", G_TYPE_UINT, weights->n_prefix_tokens,
      "depth", G_TYPE_UINT, weights->depth,
      "heads", G_TYPE_UINT, choices->n_heads,
      "hidden-dim", G_TYPE_UINT, weights->hidden,
      "epsilon", G_TYPE_DOUBLE, choices->epsilon,
      "norm", G_TYPE_STRING,
      choices->norm == VIT_NORM_RMS ? "rms" : "layer",
      "activation", G_TYPE_STRING, vit_activation_name (choices->activation),
      "rope-rule", G_TYPE_STRING, vit_rope_rule_name (choices->rope.rule),
      "embedding-dim", G_TYPE_UINT, vit_encoder_embedding_dim (encoder),
      "n-classes", G_TYPE_UINT, vit_encoder_n_classes (encoder),
      "precision", G_TYPE_STRING, "f32",
      "kernel", G_TYPE_STRING, vit_encoder_kernel (encoder),
      "reason", G_TYPE_STRING, choices->reason, NULL);

  if (classes != NULL)
    set_classes (info, vit_encoder_text_classes (encoder), classes);
  set_layers (info, encoder);
  set_files (info, weights->files);
  return info;
}
