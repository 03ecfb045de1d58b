/* SPDX-License-Identifier: MIT */
#include "model/stage.h"

#include <string.h>

#include "base/refuse.h"
#include "model/beside.h"
#include "model/model.h"

gboolean
vit_stage_refuse (const VitStage *stage, const VitTensor *tensor,
    VitError code, GError **error, const char *format, ...)
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
    VitStage *stage, const char *name, const VitTensor **tensor, GError **error)
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
find_tensors (VitStage *stage, GError **error)
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

/* What lies beside the tensors that are read must not change them. */
static gboolean
check_beside (VitStage *stage, GError **error)
{
  VitUsedTensors used
      = { stage->used, strlen (stage->tower.prefix) };
  const VitTensor *tensors[] = { stage->patch_weight, stage->patch_bias,
    stage->table, stage->norm_weight, stage->norm_bias };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    if (tensors[i])
      stage->used[n++] = tensors[i]->name;
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (stage->prefix[i])
      stage->used[n++] = stage->prefix[i]->name;
  return vit_beside_check (
      stage->checkpoint, &used, &stage->unused_adapter, error);
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

/* As MLX keeps a convolution, [D][P][P][3].  Patches of 3 x 3 are taken for
 * PyTorch's, [D][3][3][3]. */
static gboolean
is_channels_last (const VitTensor *weight, VitPatchShape shape)
{
  return shape == VIT_PATCH_CONV2D && weight->shape[1] != 3
         && weight->shape[3] == 3 && weight->shape[1] == weight->shape[2];
}

/* 0 where the shape is no patch weight's. */
static guint64
patch_size_of (const VitTensor *weight, VitPatchShape shape)
{
  guint64 root;

  if (is_channels_last (weight, shape))
    return weight->shape[1];
  if (shape == VIT_PATCH_CONV2D)
    return weight->shape[1] == 3 && weight->shape[2] == weight->shape[3]
               ? weight->shape[2]
               : 0;
  root = integer_root (weight->shape[1] / 3);
  return root * root * 3 == weight->shape[1] ? root : 0;
}

static gboolean
check_config_size (const VitStage *stage, const char *key, guint expected,
    guint found, GError **error)
{
  if (expected == 0 || expected == found)
    return TRUE;
  return vit_stage_refuse (stage, stage->patch_weight, VIT_ERROR_CONFIG, error,
      "but %s in %s is %u", key, stage->config->source, expected);
}

static gboolean
measure_patch (VitStage *stage, GError **error)
{
  const VitTensor *weight = stage->patch_weight;
  VitPatchShape shape = stage->tower.layout->patch_shape;
  guint64 size = patch_size_of (weight, shape);

  if (size == 0)
    return vit_stage_refuse (stage, weight, VIT_ERROR_TENSOR, error,
        "but a patch embedding is %s, of square RGB patches",
        shape == VIT_PATCH_CONV2D ? "[D,3,P,P], or [D,P,P,3] with the channels "
                                    "last as in MLX"
                                  : "[D,P*P*3]");
  if (size > VIT_MODEL_MAX_PATCH_SIZE || weight->shape[0] == 0
      || weight->shape[0] > VIT_MODEL_MAX_EMBED_DIM)
    return vit_stage_refuse (stage, weight, VIT_ERROR_UNSUPPORTED, error,
        "but a patch is at most %u x %u and an embedding at most %u values",
        VIT_MODEL_MAX_PATCH_SIZE, VIT_MODEL_MAX_PATCH_SIZE,
        VIT_MODEL_MAX_EMBED_DIM);
  if (weight->shape[0] * size * size * 3 > VIT_MODEL_MAX_WEIGHTS)
    return vit_stage_refuse (stage, weight, VIT_ERROR_UNSUPPORTED, error,
        "but a projection has at most %u weights", VIT_MODEL_MAX_WEIGHTS);
  stage->is_channels_last
      = shape == VIT_PATCH_LINEAR || is_channels_last (weight, shape);
  stage->patch_size = (guint) size;
  stage->embed_dim = (guint) weight->shape[0];
  return check_config_size (stage, "patch_size", stage->config->patch_size,
             stage->patch_size, error)
         && check_config_size (stage, "hidden_size", stage->config->embed_dim,
             stage->embed_dim, error);
}

/* [D] and nothing else, where it is there. */
static gboolean
check_vector (const VitStage *stage, const VitTensor *tensor, GError **error)
{
  g_autofree char *weight_shape = NULL;

  if (!tensor || (tensor->rank == 1 && tensor->shape[0] == stage->embed_dim))
    return TRUE;
  weight_shape = vit_tensor_shape_string (stage->patch_weight);
  return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
      "but %.200s is %s: expected [%u]", stage->patch_weight->name,
      weight_shape, stage->embed_dim);
}

static gboolean
measure_prefix (VitStage *stage, guint i, GError **error)
{
  const VitPrefixTensor *row = &stage->tower.layout->prefix[i];
  const VitTensor *tensor = stage->prefix[i];
  guint64 count;

  if (!tensor)
    return TRUE;
  if (tensor->rank < 1 || tensor->rank > 3
      || tensor->shape[tensor->rank - 1] != stage->embed_dim
      || (tensor->rank == 3 && tensor->shape[0] != 1))
    return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
        "but %.200s has an embed_dim of %u: expected [1,k,%u]",
        stage->patch_weight->name, stage->embed_dim, stage->embed_dim);
  count = tensor->n_values / stage->embed_dim;
  if (count > VIT_MODEL_MAX_PREFIX_TOKENS)
    return vit_stage_refuse (stage, tensor, VIT_ERROR_UNSUPPORTED, error,
        "but a model has at most %u such tokens", VIT_MODEL_MAX_PREFIX_TOKENS);
  if (stage->config->n_registers >= 0 && strcmp (row->kind, "register") == 0
      && count != (guint64) stage->config->n_registers)
    return vit_stage_refuse (stage, tensor, VIT_ERROR_CONFIG, error,
        "but num_register_tokens in %s is %d", stage->config->source,
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
find_grid (VitStage *stage, guint64 n)
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

/* A config that says how large the table is must be right about it; and one of
 * a model that is not known does not say which side it names first, or of what. */
static gboolean
check_image_size (const VitStage *stage, guint64 n, GError **error)
{
  const VitConfig *config = stage->config;
  guint64 rows = config->image_height / stage->patch_size;
  guint64 cols = config->image_width / stage->patch_size;
  guint64 side = integer_root (n);

  /* Of a linear patch weight pictures have no size of their own. */
  if (!config->sizes_table || config->image_height == 0
      || stage->tower.layout->patch_shape == VIT_PATCH_LINEAR)
    return TRUE;
  if (rows * cols != n)
    return vit_stage_refuse (stage, stage->table, VIT_ERROR_CONFIG, error,
        "with %" G_GUINT64_FORMAT " positions of patches, but image_size in %s "
        "is %u x %u, which is %" G_GUINT64_FORMAT " patches of %u x %u",
        n, config->source, config->image_height, config->image_width,
        rows * cols, stage->patch_size, stage->patch_size);
  if (!config->family && rows != cols && side * side == n)
    return vit_stage_refuse (stage, stage->table, VIT_ERROR_CONFIG, error,
        "with %" G_GUINT64_FORMAT " positions of patches, which image_size in "
        "%s makes %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT
        ", but they could be %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT
        " as well; give the file a model_type that is known",
        n, config->source, rows, cols, side, side);
  return TRUE;
}

static gboolean
measure_grid (VitStage *stage, guint64 n, GError **error)
{
  n -= MIN (n, stage->tower.layout->table_unused);
  if (n >= stage->n_prefix_rows
      && !check_image_size (stage, n - stage->n_prefix_rows, error))
    return FALSE;
  if (n >= stage->n_prefix_rows && find_grid (stage, n - stage->n_prefix_rows))
    return TRUE;
  if (stage->tower.layout->prefix_rows_optional && find_grid (stage, n)) {
    stage->n_prefix_rows = 0;
    return TRUE;
  }
  return vit_stage_refuse (stage, stage->table, VIT_ERROR_TENSOR, error,
      "but %" G_GUINT64_FORMAT " positions less those of %" G_GSIZE_FORMAT
      " prefix tokens are no square grid, and no config beside the file gives "
      "an image size with as many patches of %u x %u",
      n, stage->n_prefix_rows, stage->patch_size, stage->patch_size);
}

static gboolean
measure_table (VitStage *stage, GError **error)
{
  const VitTensor *table = stage->table;
  const VitTensor *weight = stage->patch_weight;
  guint64 columns;

  if (!table)
    return TRUE;
  columns = table->shape[table->rank - 1];
  if (columns != stage->embed_dim)
    return vit_stage_refuse (stage, weight, VIT_ERROR_TENSOR, error,
        "but %.200s has %" G_GUINT64_FORMAT " columns", table->name, columns);
  if (table->rank > 2 && table->shape[0] != 1)
    return vit_stage_refuse (stage, table, VIT_ERROR_TENSOR, error,
        "but its first dimension must be 1");
  if (stage->tower.layout->table_shape != VIT_TABLE_NHWC)
    return measure_grid (stage, table->shape[table->rank - 2], error);

  stage->n_prefix_rows = 0;
  if (table->shape[1] < 1 || table->shape[1] > VIT_MODEL_MAX_TABLE_SIDE
      || table->shape[2] < 1 || table->shape[2] > VIT_MODEL_MAX_TABLE_SIDE)
    return vit_stage_refuse (stage, table, VIT_ERROR_UNSUPPORTED, error,
        "but a table has 1 to %u positions a side", VIT_MODEL_MAX_TABLE_SIDE);
  stage->table_rows = (guint) table->shape[1];
  stage->table_cols = (guint) table->shape[2];
  return TRUE;
}

gboolean
vit_stage_measure (VitStage *stage, const char *prefix, GError **error)
{
  if (!vit_tower_find (stage->checkpoint, stage->config->family, prefix,
          &stage->tower, error)
      || !find_tensors (stage, error) || !check_beside (stage, error)
      || !measure_patch (stage, error))
    return FALSE;
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (!measure_prefix (stage, i, error))
      return FALSE;
  return check_vector (stage, stage->patch_bias, error)
         && check_vector (stage, stage->norm_weight, error)
         && check_vector (stage, stage->norm_bias, error)
         && measure_table (stage, error);
}

void
vit_stage_clear (VitStage *stage)
{
  g_free (stage->tower.prefix);
}
