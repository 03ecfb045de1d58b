/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitmodelinfo.h"

#include "common/gstvitmodelid.h"
#include "patchembed/gstvittriple.h"

static void
set_strings (GstStructure *info, const gchar *field,
    const gchar *const *strings, guint n_strings)
{
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  for (guint i = 0; i < n_strings; i++) {
    GValue string = G_VALUE_INIT;

    g_value_init (&string, G_TYPE_STRING);
    g_value_set_string (&string, strings[i]);
    gst_value_array_append_and_take_value (&list, &string);
  }
  gst_structure_take_value (info, field, &list);
}

static void
set_triple (GstStructure *info, const gchar *field, const double triple[3])
{
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  gst_vit_value_set_triple (&list, triple);
  gst_structure_take_value (info, field, &list);
}

/* The model's own word for a kind is "cls" where ours is "class". */
static GstVitPrefixKind
find_kind (const gchar *name)
{
  static const gchar *const names[] = {
    [GST_VIT_PREFIX_KIND_CLASS] = "cls",
    [GST_VIT_PREFIX_KIND_REGISTER] = "register",
    [GST_VIT_PREFIX_KIND_DISTILLATION] = "distillation",
  };

  for (guint kind = 1; kind < G_N_ELEMENTS (names); kind++)
    if (g_str_equal (name, names[kind]))
      return (GstVitPrefixKind) kind;
  return GST_VIT_PREFIX_KIND_UNKNOWN;
}

GBytes *
gst_vit_model_prefix_kinds (const VitModel *model)
{
  guint8 *kinds = g_new (guint8, model->n_prefix_tokens);

  for (guint i = 0; i < model->n_prefix_tokens; i++)
    kinds[i] = (guint8) find_kind (model->prefix_names[i]);
  return g_bytes_new_take (kinds, model->n_prefix_tokens);
}

gchar *
gst_vit_model_full_id (const VitModel *model)
{
  return gst_vit_model_id_new (model->id, model->digest);
}

static void
set_kinds (GstStructure *info, const gchar *field, const VitModel *model,
    guint n)
{
  g_autofree const gchar **names = g_new (const gchar *, n + 1);

  for (guint i = 0; i < n; i++)
    names[i] = gst_vit_prefix_kind_get_name (find_kind (model->prefix_names[i]));
  set_strings (info, field, names, n);
}

GstStructure *
gst_vit_model_info_new (const VitModel *model,
    const GstVitSettings *settings, const VitPatchEmbed *embed)
{
  const gchar *const *files = (const gchar *const *) model->files;
  guint n_prefix_tokens = settings->prefix_tokens ? model->n_prefix_tokens : 0;
  gboolean is_f32 = vit_patch_embed_precision (embed) == VIT_PRECISION_F32;
  gchar *reason = vit_model_explain (
      model, settings->rule, settings->has_mean, settings->has_std);
  gchar *id = gst_vit_model_full_id (model);
  GstStructure *info = gst_structure_new ("vit-model-info",
      "id", G_TYPE_STRING, id,
      "layout", G_TYPE_STRING, model->layout,
      "position-rule", G_TYPE_STRING,
      vit_position_rule_name (vit_patch_embed_rule (embed)),
      "patch-size", G_TYPE_UINT, model->patch_size,
      "embed-dim", G_TYPE_UINT, model->embed_dim,
      "n-prefix-tokens", G_TYPE_UINT, n_prefix_tokens,
      "precision", G_TYPE_STRING, is_f32 ? "f32" : "int16",
      "precision-reason", G_TYPE_STRING,
      vit_patch_embed_precision_reason (embed),
      "predicted-error", G_TYPE_DOUBLE,
      vit_patch_embed_predicted_error (embed),
      "kernel", G_TYPE_STRING, vit_patch_embed_kernel (embed),
      "reason", G_TYPE_STRING, reason, NULL);

  g_free (reason);
  g_free (id);
  set_kinds (info, "prefix-tokens", model, n_prefix_tokens);
  set_strings (info, "files", files,
      files != NULL ? g_strv_length (model->files) : 0);
  set_triple (info, "mean", vit_patch_embed_mean (embed));
  set_triple (info, "std", vit_patch_embed_std (embed));
  return info;
}
