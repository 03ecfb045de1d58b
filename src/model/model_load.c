/* SPDX-License-Identifier: MIT
 *
 * A checkpoint becomes a VitModel: its input stage is measured, then the model
 * is allocated once and only the tensors of that stage are read.
 *
 * D = embed_dim, P = patch_size, as in model.h.
 */
#include "model/model.h"

#include <string.h>

#include "files/file_state.h"
#include "files/hub_name.h"
#include "model/adapter.h"
#include "model/model_files.h"
#include "model/model_name.h"
#include "model/range.h"
#include "model/stage.h"

/* All values of a tensor of as many as there is room for. */
static gboolean
read_all (VitStage *stage, const VitTensor *tensor, float *values, GError **error)
{
  return vit_checkpoint_read (
      stage->checkpoint, tensor, 0, (gsize) tensor->n_values, values, error);
}

/* (transfer full): n values; NULL on error. */
static float *
make_room (VitStage *stage, const VitTensor *tensor, gsize n, GError **error)
{
  float *values = g_try_new (float, n);

  if (!values)
    vit_stage_refuse (stage, tensor, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory for it");
  return values;
}

/* [D][y][x][channel] becomes [D][channel][y][x]. */
static gboolean
read_channels_last (VitStage *stage, VitModel *model, GError **error)
{
  gsize area = (gsize) stage->patch_size * stage->patch_size;
  float *values = make_room (stage, stage->patch_weight, 3 * area, error);
  gboolean done = values != NULL;

  for (gsize d = 0; d < stage->embed_dim && done; d++) {
    float *weight = model->weight + d * 3 * area;

    done = vit_checkpoint_read (stage->checkpoint, stage->patch_weight,
        d * 3 * area, 3 * area, values, error);
    for (gsize i = 0; i < area && done; i++)
      for (gsize c = 0; c < 3; c++)
        weight[c * area + i] = values[i * 3 + c];
  }
  g_free (values);
  return done;
}

static gboolean
read_projection (VitStage *stage, VitModel *model, GError **error)
{
  if (stage->is_channels_last) {
    if (!read_channels_last (stage, model, error))
      return FALSE;
  } else if (!read_all (stage, stage->patch_weight, model->weight, error)) {
    return FALSE;
  }
  return !stage->patch_bias
         || read_all (stage, stage->patch_bias, model->bias, error);
}

static gboolean
read_prefix_tokens (VitStage *stage, VitModel *model, GError **error)
{
  guint token = 0;

  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++) {
    if (stage->n_prefix[i] == 0)
      continue;
    if (!read_all (stage, stage->prefix[i],
            model->prefix_tokens + (gsize) token * stage->embed_dim, error))
      return FALSE;
    for (guint k = 0; k < stage->n_prefix[i]; k++)
      model->prefix_names[token++] = stage->tower.layout->prefix[i].kind;
  }
  return TRUE;
}

/* Adds the first rows to the prefix tokens that have one; `row`: room for one.
 * Those that nobody uses are read too: what is in the table must be finite. */
static gboolean
read_prefix_rows (
    VitStage *stage, VitModel *model, float *row, guint64 *n_rows, GError **error)
{
  const VitLayout *layout = stage->tower.layout;
  gsize width = stage->embed_dim;
  guint token = 0;

  for (*n_rows = 0; *n_rows < layout->table_unused; ++*n_rows)
    if (!vit_checkpoint_read (stage->checkpoint, stage->table, *n_rows * width,
            width, row, error))
      return FALSE;
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX && stage->n_prefix_rows; i++) {
    gboolean positioned = layout->prefix[i].position == VIT_PREFIX_POSITION;

    for (guint k = 0; k < stage->n_prefix[i]; k++, token++) {
      if (!positioned)
        continue;
      if (!vit_checkpoint_read (stage->checkpoint, stage->table,
              *n_rows * width, width, row, error))
        return FALSE;
      for (gsize d = 0; d < width; d++)
        model->prefix_tokens[token * width + d] += row[d];
      ++*n_rows;
    }
  }
  return TRUE;
}

/* The rest is the model's table. */
static gboolean
read_table (VitStage *stage, VitModel *model, GError **error)
{
  gsize width = stage->embed_dim;
  guint64 n_rows;
  gboolean done;
  float *row;

  if (!stage->table)
    return TRUE;
  row = make_room (stage, stage->table, width, error);
  done = row && read_prefix_rows (stage, model, row, &n_rows, error)
         && vit_checkpoint_read (stage->checkpoint, stage->table,
             n_rows * width, width * stage->table_rows * stage->table_cols,
             model->table, error);
  g_free (row);
  return done;
}

/* (transfer full): [D]; NULL on error. */
static float *
read_vector (VitStage *stage, const VitTensor *tensor, GError **error)
{
  float *values = make_room (stage, tensor, stage->embed_dim, error);

  if (values && !read_all (stage, tensor, values, error))
    g_clear_pointer (&values, g_free);
  return values;
}

static gboolean
read_norm (VitStage *stage, VitModel *model, GError **error)
{
  const VitLayout *layout = stage->tower.layout;
  const VitConfig *config = stage->config;

  model->norm = layout->norm;
  model->norm_epsilon = layout->norm_epsilon;
  if (layout->norm == VIT_INPUT_NORM_LAYER && config->layer_norm_epsilon > 0.0)
    model->norm_epsilon = config->layer_norm_epsilon;
  if (layout->norm == VIT_INPUT_NORM_RMS && config->rms_norm_epsilon > 0.0)
    model->norm_epsilon = config->rms_norm_epsilon;
  if (stage->norm_weight) {
    model->norm_weight = read_vector (stage, stage->norm_weight, error);
    if (!model->norm_weight)
      return FALSE;
  }
  if (stage->norm_bias) {
    model->norm_bias = read_vector (stage, stage->norm_bias, error);
    if (!model->norm_bias)
      return FALSE;
  }
  return TRUE;
}

/* Each value is finite; but a sum of them may not be. */
static gboolean
check_range (VitStage *stage, const VitModel *model, GError **error)
{
  double patches = vit_range_of_patches (model, model->mean, model->std);
  double prefix = vit_range_of_prefix (model);

  if (!(prefix <= G_MAXFLOAT))
    return vit_stage_refuse (stage, stage->table, VIT_ERROR_VALUE, error,
        "and makes prefix tokens that are infinite; expected finite float32");
  if (!(patches <= G_MAXFLOAT))
    return vit_stage_refuse (stage, stage->patch_weight, VIT_ERROR_VALUE, error,
        "and with the bias, positions and norm beside it may make tokens of up "
        "to %.2g; expected at most %.2g, as float32 holds",
        patches, (double) G_MAXFLOAT);
  return TRUE;
}

/* Remarks are joined by semicolons. */
static void G_GNUC_PRINTF (2, 3)
add_remark (GString *remarks, const char *format, ...)
{
  va_list arguments;

  if (remarks->len)
    g_string_append (remarks, "; ");
  va_start (arguments, format);
  g_string_append_vprintf (remarks, format, arguments);
  va_end (arguments);
}

/* Register tokens by any layout's name for them that are there although this
 * layout, which a config decided on, has none of that name: as the family's own
 * code does, they are left out. */
static void
note_unused_registers (const VitStage *stage, GString *remarks)
{
  gsize n_layouts;
  const VitLayout *layouts = vit_layout_list (&n_layouts);
  const char *last = NULL;

  for (gsize i = 0; i < n_layouts * VIT_LAYOUT_MAX_PREFIX; i++) {
    const VitPrefixTensor *row
        = &layouts[i / VIT_LAYOUT_MAX_PREFIX].prefix[i % VIT_LAYOUT_MAX_PREFIX];
    g_autofree char *name = NULL;
    gboolean is_known = FALSE;

    if (!row->tensor || strcmp (row->kind, "register") != 0
        || g_strcmp0 (row->tensor, last) == 0)
      continue;
    for (guint k = 0; k < VIT_LAYOUT_MAX_PREFIX; k++)
      is_known |= g_strcmp0 (
                      row->tensor, stage->tower.layout->prefix[k].tensor)
          == 0;
    name = g_strconcat (stage->tower.prefix, row->tensor, NULL);
    if (is_known || !vit_checkpoint_has (stage->checkpoint, name))
      continue;
    last = row->tensor;
    add_remark (remarks,
        "not used: %s, which is there, but layout %s has no register tokens "
        "of that name",
        row->tensor, stage->tower.layout->name);
  }
}

static void
decide_rule (const VitStage *stage, VitModel *model)
{
  const VitConfig *config = stage->config;
  const VitLayout *layout = stage->tower.layout;

  model->rule
      = config->rule != VIT_POSITION_RULE_AUTO ? config->rule : layout->rule;
  if (config->family) {
    g_autofree char *source = g_path_get_basename (config->source);

    model->rule_reason = g_strdup_printf (
        "%s %s in %s", config->name_key, config->name, source);
    return;
  }
  model->rule_is_assumed = TRUE;
  model->rule_reason = g_strdup_printf (
      "assumed, since only the names of the tensors tell what model this is: "
      "layout %s",
      layout->name);
}

static void
decide_normalisation (const VitStage *stage, VitModel *model)
{
  const VitConfig *config = stage->config;
  const VitStatedNormalisation *stated = &config->stated;
  const VitLayout *layout = stage->tower.layout;
  const VitNormalisation *assumed = config->family_normalisation
                                        ? config->family_normalisation
                                        : layout->normalisation;

  model->normalisation_is_assumed = !stated->source || stated->is_assumed;
  if (stated->source) {
    memcpy (model->mean, stated->mean, sizeof model->mean);
    memcpy (model->std, stated->std, sizeof model->std);
    model->normalisation_reason = g_strdup (stated->source);
    return;
  }
  for (guint c = 0; c < 3; c++) {
    model->mean[c] = assumed->mean[c] / stated->scale;
    model->std[c] = assumed->std[c] / stated->scale;
  }
  model->normalisation_reason = g_strdup_printf (
      "assumed, %s, the default of layout %s", assumed->name, layout->name);
}

/* (nullable) (transfer full): for people, what is not applied and why. */
static char *
name_adapter (const VitStage *stage, const VitModelFiles *files)
{
  g_autofree char *name = NULL;

  if (files->adapter)
    return g_strdup (files->adapter);
  if (!stage->unused_adapter)
    return NULL;
  name = g_strescape (stage->unused_adapter, NULL);
  return g_strdup_printf (
      "%.200s, of an adapter that changes other parts of the model", name);
}

/* Rule, mean and std, and for people where each came from. */
static void
decide (const VitStage *stage, const VitModelFiles *files, VitModel *model)
{
  GString *remarks = g_string_new (NULL);

  model->layout = stage->tower.layout->name;
  decide_rule (stage, model);
  decide_normalisation (stage, model);
  if (stage->config->stated.note)
    add_remark (
        remarks, "left to the pipeline: %s", stage->config->stated.note);
  if (stage->tower.prefix[0]) {
    g_autofree char *prefix = g_strescape (stage->tower.prefix, NULL);

    add_remark (remarks, "tensors: those that begin with %.200s", prefix);
  }
  note_unused_registers (stage, remarks);
  if (stage->config->quantised_by)
    add_remark (remarks, "quantised by %s, but not what is read here",
        stage->config->quantised_by);
  model->unused_adapter = name_adapter (stage, files);
  if (model->unused_adapter)
    add_remark (remarks, "not used: %s", model->unused_adapter);
  if (files->set_aside)
    add_remark (remarks, "not used: %s", files->set_aside);
  model->remarks = g_string_free (remarks, remarks->len == 0);
  model->reason
      = vit_model_explain (model, VIT_POSITION_RULE_AUTO, FALSE, FALSE);
}

static void
name_files (const VitStage *stage, const char *path, VitModel *model)
{
  model->id = vit_model_name (path, stage->config, stage->tower.layout);
  vit_model_set_digest (model, stage->checkpoint);
  model->file_states = vit_file_states_new ();
  vit_checkpoint_add_files (stage->checkpoint, model->file_states);
  vit_file_states_add_all (model->file_states, stage->config->files);
  model->files = g_new0 (char *, model->file_states->len + 1);
  for (guint i = 0; i < model->file_states->len; i++)
    model->files[i] = g_strdup (
        g_array_index (model->file_states, VitFileState, i).path);
}

static VitModel *
build (
    VitStage *stage, const VitModelFiles *files, const char *path, GError **error)
{
  VitModel *model;

  model = vit_model_alloc (stage->patch_size, stage->embed_dim,
      stage->n_prefix_tokens, stage->table_rows, stage->table_cols, error);
  if (!model) {
    g_prefix_error (error, "%s: ", vit_checkpoint_path (stage->checkpoint));
    return NULL;
  }
  decide (stage, files, model);
  if (read_projection (stage, model, error)
      && read_prefix_tokens (stage, model, error)
      && read_table (stage, model, error) && read_norm (stage, model, error)
      && vit_checkpoint_check_unchanged (stage->checkpoint, error)
      && check_range (stage, model, error)) {
    name_files (stage, path, model);
    return model;
  }
  vit_model_unref (model);
  return NULL;
}

/* A linear layer that is stored as floats is quantised when transformers loads
 * it, unless the rest was before it was stored; a convolution never is. */
static gboolean
check_quantisation (const VitStage *stage, GError **error)
{
  const VitConfig *config = stage->config;

  if (!config->quantised_by
      || stage->tower.layout->patch_shape != VIT_PATCH_LINEAR
      || vit_beside_is_quantised (stage->checkpoint))
    return TRUE;
  return vit_stage_refuse (stage, stage->patch_weight, VIT_ERROR_UNSUPPORTED,
      error,
      "and stored as floats, but quantization_config in %s says to quantise it "
      "when it is loaded (%s), which is not done here; give the model without "
      "quantization_config for the tokens as they are before",
      config->source, config->quantised_by);
}

static gboolean
check_adapter (const VitStage *stage, VitModelFiles *files, GError **error)
{
  VitUsedTensors used = { stage->used, strlen (stage->tower.prefix) };

  return vit_adapter_check (files->weights, files->is_folder, &used,
      files->config->files, &files->adapter, error);
}

VitModel *
vit_model_load (const char *path, const char *prefix, GError **error)
{
  VitModelFiles files;
  VitModel *model = NULL;
  VitStage stage = { 0 };
  g_autofree char *snapshot = vit_hub_resolve (path, error);

  if (!snapshot)
    return NULL;
  path = snapshot;
  if (vit_model_files_find (path, &files, error)) {
    stage.config = files.config;
    stage.checkpoint = vit_checkpoint_open (files.weights, error);
  }
  if (stage.checkpoint && vit_stage_measure (&stage, prefix, error)
      && check_quantisation (&stage, error)
      && check_adapter (&stage, &files, error))
    model = build (&stage, &files, path, error);
  vit_stage_clear (&stage);
  vit_checkpoint_close (stage.checkpoint);
  vit_model_files_clear (&files);
  return model;
}
