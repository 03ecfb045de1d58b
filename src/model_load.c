/* SPDX-License-Identifier: MIT
 *
 * A checkpoint becomes a VitModel: first the shapes of all tensors that the
 * layout names are held against each other and against the config, then the
 * model is allocated once and only those tensors are read.
 *
 * D = embed_dim, P = patch_size, as in model.h.
 */
#include "model.h"

#include <string.h>

#include "detect.h"
#include "model_files.h"
#include "refuse.h"

/* The tensors of an input stage, and the sizes that follow from them. */
typedef struct {
  VitCheckpoint *checkpoint;
  const VitConfig *config;
  const char *wanted_prefix; /* NULL: whatever tower there is */
  VitTower tower;

  const VitTensor *patch_weight;
  const VitTensor *patch_bias;                    /* NULL: none */
  const VitTensor *prefix[VIT_LAYOUT_MAX_PREFIX]; /* NULL: none */
  const VitTensor *table;                         /* NULL: none */
  const VitTensor *norm_weight;                   /* NULL: none */
  const VitTensor *norm_bias;                     /* NULL: none */

  guint patch_size;
  guint embed_dim;
  guint n_prefix[VIT_LAYOUT_MAX_PREFIX]; /* tokens in each prefix tensor */
  guint n_prefix_tokens;                 /* their sum */
  gsize n_prefix_rows;                   /* rows of the table before the grid */
  guint table_rows;
  guint table_cols;
} Stage;

/* Always FALSE: "FILE: TENSOR: is [shape]; ..." */
static gboolean G_GNUC_PRINTF (5, 6)
    refuse_tensor (const Stage *stage, const VitTensor *tensor, VitError code,
        GError **error, const char *format, ...)
{
  g_autofree char *shape = vit_tensor_shape_string (tensor);
  g_autofree char *rest = NULL;
  va_list arguments;

  va_start (arguments, format);
  rest = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return vit_refuse (error, code,
      vit_checkpoint_path_of (stage->checkpoint, tensor->name), NULL,
      "%.200s is %s %s", tensor->name, shape, rest);
}

/* FALSE: an error.  *tensor stays NULL where the file has none. */
static gboolean
find_tensor (
    Stage *stage, const char *name, const VitTensor **tensor, GError **error)
{
  g_autofree char *full_name = NULL;

  if (!name)
    return TRUE;
  full_name = g_strconcat (stage->tower.prefix, name, NULL);
  if (!vit_checkpoint_has (stage->checkpoint, full_name))
    return TRUE;
  *tensor = vit_checkpoint_find (stage->checkpoint, full_name, error);
  return *tensor != NULL;
}

static gboolean
find_tensors (Stage *stage, GError **error)
{
  const VitLayout *layout = stage->tower.layout;

  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (!find_tensor (
            stage, layout->prefix[i].tensor, &stage->prefix[i], error))
      return FALSE;
  return find_tensor (stage, layout->patch_weight, &stage->patch_weight, error)
         && find_tensor (stage, layout->patch_bias, &stage->patch_bias, error)
         && find_tensor (stage, layout->table, &stage->table, error)
         && find_tensor (stage, layout->norm_weight, &stage->norm_weight, error)
         && find_tensor (stage, layout->norm_bias, &stage->norm_bias, error);
}

static guint64
integer_root (guint64 square)
{
  guint64 low = 0, high = (guint64) 1 << 32;

  while (high - low > 1) {
    guint64 middle = low + (high - low) / 2;

    if (middle * middle <= square)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* 0 where the shape is no patch weight's. */
static guint64
patch_size_of (const VitTensor *weight, VitPatchShape shape)
{
  guint64 root;

  if (shape == VIT_PATCH_CONV2D)
    return weight->shape[1] == 3 && weight->shape[2] == weight->shape[3]
               ? weight->shape[2]
               : 0;
  root = integer_root (weight->shape[1] / 3);
  return root * root * 3 == weight->shape[1] ? root : 0;
}

static gboolean
check_config_size (const Stage *stage, const char *key, guint expected,
    guint found, GError **error)
{
  if (expected == 0 || expected == found)
    return TRUE;
  return refuse_tensor (stage, stage->patch_weight, VIT_ERROR_CONFIG, error,
      "but %s in %s is %u", key, stage->config->name_source, expected);
}

static gboolean
measure_patch (Stage *stage, GError **error)
{
  const VitTensor *weight = stage->patch_weight;
  VitPatchShape shape = stage->tower.layout->patch_shape;
  guint64 size = patch_size_of (weight, shape);

  if (size == 0)
    return refuse_tensor (stage, weight, VIT_ERROR_TENSOR, error,
        "but a patch embedding is %s, of square RGB patches",
        shape == VIT_PATCH_CONV2D ? "[D,3,P,P]" : "[D,P*P*3]");
  if (size > VIT_MODEL_MAX_PATCH_SIZE || weight->shape[0] == 0
      || weight->shape[0] > VIT_MODEL_MAX_EMBED_DIM)
    return refuse_tensor (stage, weight, VIT_ERROR_UNSUPPORTED, error,
        "but a patch is at most %u x %u and an embedding at most %u values",
        VIT_MODEL_MAX_PATCH_SIZE, VIT_MODEL_MAX_PATCH_SIZE,
        VIT_MODEL_MAX_EMBED_DIM);
  stage->patch_size = (guint) size;
  stage->embed_dim = (guint) weight->shape[0];
  return check_config_size (stage, "patch_size", stage->config->patch_size,
             stage->patch_size, error)
         && check_config_size (stage, "hidden_size", stage->config->embed_dim,
             stage->embed_dim, error);
}

/* [D] and nothing else, where it is there. */
static gboolean
check_vector (const Stage *stage, const VitTensor *tensor, GError **error)
{
  g_autofree char *weight_shape = NULL;

  if (!tensor || (tensor->rank == 1 && tensor->shape[0] == stage->embed_dim))
    return TRUE;
  weight_shape = vit_tensor_shape_string (stage->patch_weight);
  return refuse_tensor (stage, tensor, VIT_ERROR_TENSOR, error,
      "but %.200s is %s: expected [%u]", stage->patch_weight->name,
      weight_shape, stage->embed_dim);
}

static gboolean
measure_prefix (Stage *stage, guint i, GError **error)
{
  const VitPrefixTensor *row = &stage->tower.layout->prefix[i];
  const VitTensor *tensor = stage->prefix[i];
  guint64 count;

  if (!tensor)
    return TRUE;
  if (tensor->rank < 1 || tensor->rank > 3
      || tensor->shape[tensor->rank - 1] != stage->embed_dim
      || (tensor->rank == 3 && tensor->shape[0] != 1))
    return refuse_tensor (stage, tensor, VIT_ERROR_TENSOR, error,
        "but %.200s has an embed_dim of %u: expected [1,k,%u]",
        stage->patch_weight->name, stage->embed_dim, stage->embed_dim);
  count = tensor->n_values / stage->embed_dim;
  if (count > VIT_MODEL_MAX_PREFIX_TOKENS)
    return refuse_tensor (stage, tensor, VIT_ERROR_UNSUPPORTED, error,
        "but a model has at most %u such tokens", VIT_MODEL_MAX_PREFIX_TOKENS);
  if (stage->config->n_registers >= 0 && strcmp (row->kind, "register") == 0
      && count != (guint64) stage->config->n_registers)
    return refuse_tensor (stage, tensor, VIT_ERROR_CONFIG, error,
        "but num_register_tokens in %s is %d", stage->config->name_source,
        stage->config->n_registers);

  stage->n_prefix[i] = (guint) count;
  stage->n_prefix_tokens += (guint) count;
  if (row->position == VIT_PREFIX_POSITION)
    stage->n_prefix_rows += count;
  return TRUE;
}

/* The grid of `n` positions: that of the config's image size where it has as
 * many patches, else a square. */
static gboolean
find_grid (Stage *stage, guint64 n)
{
  guint64 rows = stage->config->image_height / stage->patch_size;
  guint64 cols = stage->config->image_width / stage->patch_size;

  if (n == 0 || rows * cols != n)
    rows = cols = integer_root (n);
  if (n == 0 || rows * cols != n || rows > VIT_MODEL_MAX_TABLE_SIDE
      || cols > VIT_MODEL_MAX_TABLE_SIDE)
    return FALSE;
  stage->table_rows = (guint) rows;
  stage->table_cols = (guint) cols;
  return TRUE;
}

static gboolean
measure_grid (Stage *stage, guint64 n, GError **error)
{
  n -= MIN (n, stage->tower.layout->table_unused);
  if (n >= stage->n_prefix_rows && find_grid (stage, n - stage->n_prefix_rows))
    return TRUE;
  if (stage->tower.layout->prefix_rows_optional && find_grid (stage, n)) {
    stage->n_prefix_rows = 0;
    return TRUE;
  }
  return refuse_tensor (stage, stage->table, VIT_ERROR_TENSOR, error,
      "but %" G_GUINT64_FORMAT " positions less those of %" G_GSIZE_FORMAT
      " prefix tokens are no square grid, and no config beside the file gives "
      "an image size with as many patches of %u x %u",
      n, stage->n_prefix_rows, stage->patch_size, stage->patch_size);
}

static gboolean
measure_table (Stage *stage, GError **error)
{
  const VitTensor *table = stage->table;
  const VitTensor *weight = stage->patch_weight;
  guint64 columns;

  if (!table)
    return TRUE;
  columns = table->shape[table->rank - 1];
  if (columns != stage->embed_dim)
    return refuse_tensor (stage, weight, VIT_ERROR_TENSOR, error,
        "but %.200s has %" G_GUINT64_FORMAT " columns", table->name, columns);
  if (table->rank > 2 && table->shape[0] != 1)
    return refuse_tensor (stage, table, VIT_ERROR_TENSOR, error,
        "but its first dimension must be 1");
  if (stage->tower.layout->table_shape != VIT_TABLE_NHWC)
    return measure_grid (stage, table->shape[table->rank - 2], error);

  stage->n_prefix_rows = 0;
  if (table->shape[1] < 1 || table->shape[1] > VIT_MODEL_MAX_TABLE_SIDE
      || table->shape[2] < 1 || table->shape[2] > VIT_MODEL_MAX_TABLE_SIDE)
    return refuse_tensor (stage, table, VIT_ERROR_UNSUPPORTED, error,
        "but a table has 1 to %u positions a side", VIT_MODEL_MAX_TABLE_SIDE);
  stage->table_rows = (guint) table->shape[1];
  stage->table_cols = (guint) table->shape[2];
  return TRUE;
}

static gboolean
measure (Stage *stage, GError **error)
{
  if (!measure_patch (stage, error))
    return FALSE;
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (!measure_prefix (stage, i, error))
      return FALSE;
  return check_vector (stage, stage->patch_bias, error)
         && check_vector (stage, stage->norm_weight, error)
         && check_vector (stage, stage->norm_bias, error)
         && measure_table (stage, error);
}

/* (transfer full): all values of `tensor`; NULL on error. */
static float *
read_values (Stage *stage, const VitTensor *tensor, GError **error)
{
  float *values = g_try_new (float, tensor->n_values + 1);

  if (!values) {
    refuse_tensor (stage, tensor, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory for it");
    return NULL;
  }
  if (vit_checkpoint_read (stage->checkpoint, tensor, values, error))
    return values;
  g_free (values);
  return NULL;
}

/* [D][y][x][channel] becomes [D][channel][y][x]. */
static gboolean
read_linear_weight (Stage *stage, VitModel *model, GError **error)
{
  gsize area = (gsize) stage->patch_size * stage->patch_size;
  float *values = read_values (stage, stage->patch_weight, error);

  if (!values)
    return FALSE;
  for (gsize d = 0; d < stage->embed_dim; d++)
    for (gsize i = 0; i < area; i++)
      for (gsize c = 0; c < 3; c++)
        model->weight[(d * 3 + c) * area + i] = values[(d * area + i) * 3 + c];
  g_free (values);
  return TRUE;
}

static gboolean
read_projection (Stage *stage, VitModel *model, GError **error)
{
  if (stage->tower.layout->patch_shape == VIT_PATCH_LINEAR) {
    if (!read_linear_weight (stage, model, error))
      return FALSE;
  } else if (!vit_checkpoint_read (stage->checkpoint, stage->patch_weight,
                 model->weight, error)) {
    return FALSE;
  }
  return !stage->patch_bias
         || vit_checkpoint_read (
             stage->checkpoint, stage->patch_bias, model->bias, error);
}

static gboolean
read_prefix_tokens (Stage *stage, VitModel *model, GError **error)
{
  guint token = 0;

  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++) {
    if (stage->n_prefix[i] == 0)
      continue;
    if (!vit_checkpoint_read (stage->checkpoint, stage->prefix[i],
            model->prefix_tokens + (gsize) token * stage->embed_dim, error))
      return FALSE;
    for (guint k = 0; k < stage->n_prefix[i]; k++)
      model->prefix_names[token++] = stage->tower.layout->prefix[i].kind;
  }
  return TRUE;
}

/* Adds the first rows to the prefix tokens that have one; the rest is the
 * model's table. */
static gboolean
read_table (Stage *stage, VitModel *model, GError **error)
{
  gsize width = stage->embed_dim;
  float *values, *row;
  guint token = 0;

  if (!stage->table)
    return TRUE;
  values = row = read_values (stage, stage->table, error);
  if (!values)
    return FALSE;
  row += width * stage->tower.layout->table_unused;
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX && stage->n_prefix_rows; i++) {
    gboolean positioned
        = stage->tower.layout->prefix[i].position == VIT_PREFIX_POSITION;

    for (guint k = 0; k < stage->n_prefix[i]; k++, token++) {
      for (gsize d = 0; positioned && d < width; d++)
        model->prefix_tokens[token * width + d] += row[d];
      row += positioned ? width : 0;
    }
  }
  memcpy (model->table, row,
      sizeof (float) * width * stage->table_rows * stage->table_cols);
  g_free (values);
  return TRUE;
}

static gboolean
read_norm (Stage *stage, VitModel *model, GError **error)
{
  const VitLayout *layout = stage->tower.layout;

  model->norm = layout->norm;
  model->norm_epsilon = stage->config->norm_epsilon > 0.0
                            ? stage->config->norm_epsilon
                            : layout->norm_epsilon;
  if (stage->norm_weight) {
    model->norm_weight = read_values (stage, stage->norm_weight, error);
    if (!model->norm_weight)
      return FALSE;
  }
  if (stage->norm_bias) {
    model->norm_bias = read_values (stage, stage->norm_bias, error);
    if (!model->norm_bias)
      return FALSE;
  }
  return TRUE;
}

/* Register tokens by any layout's name for them that are there although this
 * layout, which a config decided on, has none of that name: as the family's own
 * code does, they are left out. */
static void
note_unused_registers (const Stage *stage, GString *reason)
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
    g_string_append_printf (reason,
        "; not used: %s, which is there, but layout %s has no register tokens "
        "of that name",
        row->tensor, stage->tower.layout->name);
  }
}

/* Rule, mean and std, and for people where each came from. */
static void
decide (const Stage *stage, const VitModelFiles *files, VitModel *model)
{
  const VitConfig *config = stage->config;
  const VitLayout *layout = stage->tower.layout;
  const VitNormalisation *normalisation = config->family_normalisation
                                              ? config->family_normalisation
                                              : layout->normalisation;
  GString *reason = g_string_new (NULL);
  g_autofree char *source = NULL;

  model->layout = layout->name;
  model->rule
      = config->rule != VIT_POSITION_RULE_AUTO ? config->rule : layout->rule;
  g_string_append_printf (
      reason, "position rule %s: ", vit_position_rule_name (model->rule));
  if (config->family) {
    source = g_path_get_basename (config->name_source);
    g_string_append_printf (
        reason, "%s %s in %s", config->name_key, config->name, source);
    g_clear_pointer (&source, g_free);
  } else {
    model->rule_is_assumed = TRUE;
    g_string_append_printf (reason,
        "assumed, since only the names of the "
        "tensors tell what model this is: layout %s",
        layout->name);
  }
  if (config->normalisation_source) {
    memcpy (model->mean, config->mean, sizeof model->mean);
    memcpy (model->std, config->std, sizeof model->std);
    source = g_path_get_basename (config->normalisation_source);
    g_string_append_printf (reason, "; mean and std: %s", source);
  } else {
    memcpy (model->mean, normalisation->mean, sizeof model->mean);
    memcpy (model->std, normalisation->std, sizeof model->std);
    model->normalisation_is_assumed = TRUE;
    g_string_append_printf (reason,
        "; mean and std: assumed, %s, the default "
        "of layout %s",
        normalisation->name, layout->name);
  }
  if (stage->tower.prefix[0]) {
    g_autofree char *prefix = g_strescape (stage->tower.prefix, NULL);

    g_string_append_printf (
        reason, "; tensors: those that begin with %.200s", prefix);
  }
  note_unused_registers (stage, reason);
  if (files->set_aside)
    g_string_append_printf (reason, "; not used: %s", files->set_aside);
  model->reason = g_string_free (reason, FALSE);
}

static void
name_files (const Stage *stage, const char *path, VitModel *model)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  GPtrArray *names = g_ptr_array_new ();

  model->id = g_path_get_basename (absolute);
  vit_checkpoint_add_files (stage->checkpoint, names);
  for (guint i = 0; i < stage->config->files->len; i++)
    g_ptr_array_add (names, g_strdup (stage->config->files->pdata[i]));
  g_ptr_array_add (names, NULL);
  model->files = (char **) g_ptr_array_free (names, FALSE);
}

static VitModel *
build (
    Stage *stage, const VitModelFiles *files, const char *path, GError **error)
{
  VitModel *model;

  if (!vit_tower_find (
          stage->checkpoint, stage->config->family, stage->wanted_prefix,
          &stage->tower, error)
      || !find_tensors (stage, error) || !measure (stage, error))
    return NULL;
  model = vit_model_alloc (stage->patch_size, stage->embed_dim,
      stage->n_prefix_tokens, stage->table_rows, stage->table_cols, error);
  if (!model) {
    g_prefix_error (error, "%s: ", vit_checkpoint_path (stage->checkpoint));
    return NULL;
  }
  decide (stage, files, model);
  if (read_projection (stage, model, error)
      && read_prefix_tokens (stage, model, error)
      && read_table (stage, model, error) && read_norm (stage, model, error)) {
    name_files (stage, path, model);
    return model;
  }
  vit_model_unref (model);
  return NULL;
}

VitModel *
vit_model_load (const char *path, const char *prefix, GError **error)
{
  VitModelFiles files;
  VitModel *model = NULL;
  Stage stage = { 0 };

  if (vit_model_files_find (path, &files, error)) {
    stage.config = files.config;
    stage.wanted_prefix = prefix;
    stage.checkpoint = vit_checkpoint_open (files.weights, error);
  }
  if (stage.checkpoint)
    model = build (&stage, &files, path, error);
  g_free (stage.tower.prefix);
  vit_checkpoint_close (stage.checkpoint);
  vit_model_files_clear (&files);
  return model;
}
