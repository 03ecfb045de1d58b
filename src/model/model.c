/* SPDX-License-Identifier: MIT
 *
 * The life of a VitModel: made empty, filled by the loader or the built-in
 * model, shared by reference, freed with the last one.
 */
#include "model/model.h"

#include "model/model_share.h"

static void
model_clear (gpointer data)
{
  VitModel *model = data;

  g_free (model->id);
  g_free ((char *) model->reason);
  g_free (model->rule_reason);
  g_free (model->normalisation_reason);
  g_free (model->remarks);
  g_free (model->unused_adapter);
  g_strfreev (model->files);
  g_clear_pointer (&model->file_states, g_array_unref);
  g_free (model->weight);
  g_free (model->bias);
  g_free (model->prefix_tokens);
  g_free (model->prefix_names);
  g_free (model->table);
  g_free (model->norm_weight);
  g_free (model->norm_bias);
}

static gboolean
check_sizes (guint patch_size, guint embed_dim, guint n_prefix_tokens,
    guint table_rows, guint table_cols, GError **error)
{
  guint64 weight = (guint64) embed_dim * 3 * patch_size * patch_size;
  guint64 table = (guint64) table_rows * table_cols;

  if (patch_size < 1 || patch_size > VIT_MODEL_MAX_PATCH_SIZE || embed_dim < 1
      || embed_dim > VIT_MODEL_MAX_EMBED_DIM
      || n_prefix_tokens > VIT_MODEL_MAX_PREFIX_TOKENS
      || table_rows > VIT_MODEL_MAX_TABLE_SIDE
      || table_cols > VIT_MODEL_MAX_TABLE_SIDE || weight > VIT_MODEL_MAX_VALUES
      || table * embed_dim > VIT_MODEL_MAX_VALUES) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED,
        "patch size %u, embed_dim %u, %u prefix tokens and a position table "
        "of %u x %u is past what a model may have (patch size %u, embed_dim "
        "%u)",
        patch_size, embed_dim, n_prefix_tokens, table_rows, table_cols,
        VIT_MODEL_MAX_PATCH_SIZE, VIT_MODEL_MAX_EMBED_DIM);
    return FALSE;
  }
  return TRUE;
}

VitModel *
vit_model_alloc (guint patch_size, guint embed_dim, guint n_prefix_tokens,
    guint table_rows, guint table_cols, GError **error)
{
  gsize n_weights = (gsize) embed_dim * 3 * patch_size * patch_size;
  gsize n_table = (gsize) table_rows * table_cols * embed_dim;
  VitModel *model;

  if (!check_sizes (patch_size, embed_dim, n_prefix_tokens, table_rows,
          table_cols, error))
    return NULL;

  model = g_atomic_rc_box_new0 (VitModel);
  model->patch_size = patch_size;
  model->embed_dim = embed_dim;
  model->n_prefix_tokens = n_prefix_tokens;
  model->table_rows = table_rows;
  model->table_cols = table_cols;
  model->rule = VIT_POSITION_RULE_NONE;
  for (guint c = 0; c < 3; c++)
    model->std[c] = 1.0;

  model->weight = g_try_new0 (float, n_weights);
  model->bias = g_try_new0 (float, embed_dim);
  model->prefix_tokens = g_try_new0 (float, (gsize) n_prefix_tokens *embed_dim);
  model->prefix_names = g_new0 (const char *, n_prefix_tokens + 1);
  model->table = g_try_new0 (float, n_table);
  if (!model->weight || !model->bias || (n_table && !model->table)
      || (n_prefix_tokens && !model->prefix_tokens)) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "no memory for a model of patch size %u and embed_dim %u", patch_size,
        embed_dim);
    vit_model_unref (model);
    return NULL;
  }
  return model;
}

char *
vit_model_explain (const VitModel *model, VitPositionRule rule,
    gboolean mean_is_set, gboolean std_is_set)
{
  gboolean rule_is_set = rule != VIT_POSITION_RULE_AUTO;
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "position rule %s: %s",
      vit_position_rule_name (rule_is_set ? rule : model->rule),
      rule_is_set ? "as it was set" : model->rule_reason);
  if (mean_is_set && std_is_set)
    g_string_append (text, "; mean and std: as they were set");
  else if (mean_is_set || std_is_set)
    g_string_append_printf (text, "; %s: as it was set; %s: %s",
        mean_is_set ? "mean" : "std", mean_is_set ? "std" : "mean",
        model->normalisation_reason);
  else
    g_string_append_printf (
        text, "; mean and std: %s", model->normalisation_reason);
  if (model->remarks)
    g_string_append_printf (text, "; %s", model->remarks);
  return g_string_free (text, FALSE);
}

VitModel *
vit_model_ref (VitModel *model)
{
  return g_atomic_rc_box_acquire (model);
}

void
vit_model_unref (VitModel *model)
{
  vit_model_share_release (model, model_clear);
}

static gpointer
load (const char *path, const char *prefix, gpointer data G_GNUC_UNUSED,
    GArray *files, GError **error)
{
  VitModel *model = vit_model_load (path, prefix, error);

  if (model)
    vit_file_states_add_all (files, model->file_states);
  return model;
}

VitModel *
vit_model_share (const char *path, const char *prefix, GError **error)
{
  return vit_model_share_get (
      path, prefix, "input stage", load, NULL, error);
}
