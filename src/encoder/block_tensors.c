/* SPDX-License-Identifier: MIT */
#include "encoder/block_tensors.h"

#include <string.h>

#include "base/refuse.h"

/* Digits of a block's number. */
#define MAX_DIGITS 6

gboolean
vit_encoder_check_shape (const VitStage *stage, const VitTensor *tensor,
    guint64 rows, guint64 columns, GError **error)
{
  gboolean fits = columns > 0 ? tensor->rank == 2 && tensor->shape[0] == rows
                                    && tensor->shape[1] == columns
                              : tensor->rank == 1 && tensor->shape[0] == rows;

  if (fits)
    return TRUE;
  if (columns == 0)
    return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
        "but the tensors beside it make it [%" G_GUINT64_FORMAT "]", rows);
  return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
      "but the tensors beside it make it [%" G_GUINT64_FORMAT
      ",%" G_GUINT64_FORMAT "]",
      rows, columns);
}

/* The block's number in a name that begins with `path`; -1: there is none. */
static gint64
block_number (const char *name, const char *path)
{
  gsize length = strlen (path), digits;

  if (strncmp (name, path, length) != 0)
    return -1;
  digits = strspn (name + length, "0123456789");
  if (digits == 0 || name[length + digits] != '.')
    return -1;
  return digits > MAX_DIGITS ? G_MAXINT64
                             : g_ascii_strtoll (name + length, NULL, 10);
}

/* The number of blocks at `path`, 0 where there are none. */
static gint64
count_blocks (const VitStage *stage, const char *path)
{
  gsize n_names;
  const char *const *names
      = vit_checkpoint_names (stage->checkpoint, &n_names);
  gint64 last = -1;

  for (gsize i = 0; i < n_names; i++)
    last = MAX (last, block_number (names[i], path));
  return last == G_MAXINT64 ? last : last + 1;
}

/* Some files have their tower's blocks at the root, beside a prefix for the rest. */
gboolean
vit_encoder_tensors_locate (
    VitEncoderTensors *tensors, const VitStage *stage, GError **error)
{
  const char *const *paths = vit_block_paths ();
  gint64 n_blocks = 0;

  memset (tensors, 0, sizeof *tensors);
  for (guint i = 0; paths[i] && n_blocks == 0; i++) {
    g_free (tensors->path);
    tensors->path = g_strconcat (stage->tower.prefix, paths[i], NULL);
    n_blocks = count_blocks (stage, tensors->path);
  }
  if (n_blocks == 0 && strcmp (stage->tower.prefix, "vit.") == 0) {
    g_free (tensors->path);
    tensors->path = g_strdup (paths[0]);
    n_blocks = count_blocks (stage, tensors->path);
  }
  if (n_blocks == 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
        vit_checkpoint_path (stage->checkpoint), NULL,
        "holds an input stage alone: no tensor of a block, such as "
        "%.100s%s0..., is in it; features need the whole model's checkpoint",
        stage->tower.prefix, paths[0]);
  if (n_blocks > VIT_ENCODER_MAX_DEPTH)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
        vit_checkpoint_path (stage->checkpoint), NULL,
        "numbers its blocks at %.100s past %d; expected 1 to %d blocks",
        tensors->path, VIT_ENCODER_MAX_DEPTH, VIT_ENCODER_MAX_DEPTH);
  tensors->depth = (guint) n_blocks;
  return TRUE;
}

/* Also marks it as used.  FALSE: an error. */
static gboolean
find_tensor (const VitStage *stage, GHashTable *used, const char *block,
    const char *name, const VitTensor **tensor, GError **error)
{
  g_autofree char *full_name = g_strconcat (block, name, NULL);

  *tensor = NULL;
  if (!vit_checkpoint_has (stage->checkpoint, full_name))
    return TRUE;
  *tensor = vit_checkpoint_find (stage->checkpoint, full_name, error);
  if (*tensor)
    g_hash_table_add (used, (gpointer) (*tensor)->name);
  return *tensor != NULL;
}

static gboolean
find_part (const VitStage *stage, GHashTable *used, const char *block,
    const VitPartName *names, VitPartTensors *part, GError **error)
{
  for (; names->weight; names++) {
    if (!find_tensor (stage, used, block, names->weight, &part->weight, error))
      return FALSE;
    if (part->weight)
      return !names->bias
             || find_tensor (
                 stage, used, block, names->bias, &part->bias, error);
  }
  return TRUE;
}

/* The authors' AIMv2 calls the gate fc1 and the other half fc3. */
static gboolean
find_third (const VitStage *stage, GHashTable *used, const char *block,
    VitBlockTensors *tensors, GError **error)
{
  static const VitPartName third[]
      = { { "mlp.fc3.weight", "mlp.fc3.bias" }, { NULL, NULL } };
  VitPartTensors up = { NULL, NULL };

  if (!find_part (stage, used, block, third, &up, error))
    return FALSE;
  if (up.weight && !tensors->parts[VIT_PART_GATE].weight) {
    tensors->parts[VIT_PART_GATE] = tensors->parts[VIT_PART_UP];
    tensors->parts[VIT_PART_UP] = up;
  }
  return TRUE;
}

/* Always FALSE. */
static gboolean
refuse_missing (const VitStage *stage, const char *block, VitPart part,
    const char *like, GError **error)
{
  if (like)
    return vit_refuse (error, VIT_ERROR_TENSOR,
        vit_checkpoint_path (stage->checkpoint), block,
        "lacks %s, which block 0 has as %.200s", vit_part_title (part), like);
  return vit_refuse (error, VIT_ERROR_TENSOR,
      vit_checkpoint_path (stage->checkpoint), block,
      "lacks %s; expected a tensor such as %.200s%s", vit_part_title (part),
      block, vit_part_names (part)[0].weight);
}

static gboolean
check_parts (const VitStage *stage, const char *block,
    const VitBlockTensors *tensors, const VitBlockTensors *first,
    GError **error)
{
  static const VitPart needed[]
      = { VIT_PART_NORM1, VIT_PART_PROJECTION, VIT_PART_NORM2, VIT_PART_UP,
          VIT_PART_DOWN };
  gboolean joint = tensors->parts[VIT_PART_QKV].weight != NULL;

  /* The first block says what all have. */
  for (guint part = 0; part < VIT_N_PARTS; part++) {
    const VitPartTensors *here = &tensors->parts[part];
    const VitPartTensors *there = &first->parts[part];

    if ((!here->weight && there->weight) || (!here->bias && there->bias))
      return refuse_missing (stage, block, part,
          !here->weight ? there->weight->name : there->bias->name, error);
    if ((here->weight && !there->weight) || (here->bias && !there->bias))
      return vit_refuse (error, VIT_ERROR_TENSOR,
          vit_checkpoint_path (stage->checkpoint), NULL,
          "%.200s is there, but block 0 has no such tensor",
          !there->weight ? here->weight->name : here->bias->name);
  }
  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (!tensors->parts[needed[i]].weight)
      return refuse_missing (stage, block, needed[i], NULL, error);
  for (guint part = VIT_PART_QUERY; part <= VIT_PART_VALUE && !joint; part++)
    if (!tensors->parts[part].weight)
      return refuse_missing (stage, block, part, NULL, error);
  return TRUE;
}

static gboolean
find_block (VitEncoderTensors *tensors, const VitStage *stage,
    GHashTable *used, guint i, GError **error)
{
  g_autofree char *block = g_strdup_printf ("%s%u.", tensors->path, i);
  VitBlockTensors *found = &tensors->blocks[i];

  for (guint part = 0; part < VIT_N_PARTS; part++)
    if (!find_part (stage, used, block, vit_part_names (part),
            &found->parts[part], error))
      return FALSE;
  if (!find_third (stage, used, block, found, error))
    return FALSE;
  if (found->parts[VIT_PART_QKV].weight && !found->parts[VIT_PART_QKV].bias
      && (!find_tensor (stage, used, block, VIT_PART_QUERY_BIAS,
              &found->query_bias, error)
          || !find_tensor (stage, used, block, VIT_PART_VALUE_BIAS,
              &found->value_bias, error)))
    return FALSE;
  return check_parts (stage, block, found, &tensors->blocks[0], error);
}

/* What nothing uses would be left out in silence. */
static gboolean
check_used (const VitEncoderTensors *tensors, const VitStage *stage,
    GHashTable *used, GError **error)
{
  gsize n_names;
  const char *const *names
      = vit_checkpoint_names (stage->checkpoint, &n_names);

  for (gsize i = 0; i < n_names; i++) {
    gint64 block = block_number (names[i], tensors->path);

    if (block >= 0 && block < (gint64) tensors->depth
        && !g_hash_table_contains (used, names[i]))
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
          vit_checkpoint_path (stage->checkpoint), names[i],
          "is a tensor of a block that is none of a plain ViT's, so the "
          "encoder cannot be computed; its input tokens can");
  }
  return TRUE;
}

/* Rows of a map that are `n` to one output. */
static guint64
rows_of (const VitTensor *weight, guint n)
{
  return weight->rank == 2 && weight->shape[0] % n == 0 ? weight->shape[0] / n
                                                        : 0;
}

static gboolean
measure (VitEncoderTensors *tensors, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  const VitPartTensors *parts = tensors->blocks[0].parts;
  const VitTensor *up = parts[VIT_PART_UP].weight;
  const VitTensor *down = parts[VIT_PART_DOWN].weight;
  const VitTensor *query = parts[VIT_PART_QKV].weight
                               ? parts[VIT_PART_QKV].weight
                               : parts[VIT_PART_QUERY].weight;
  guint64 width = rows_of (query, parts[VIT_PART_QKV].weight ? 3 : 1);
  guint64 hidden = rows_of (up, 1), inner;

  if (width == 0 || width > VIT_ENCODER_MAX_WIDTH)
    return vit_stage_refuse (stage, query, VIT_ERROR_TENSOR, error,
        "but queries, keys and values are maps of 1 to %d channels each",
        VIT_ENCODER_MAX_WIDTH);
  inner = down->rank == 2 ? down->shape[1] : 0;
  tensors->packed
      = !parts[VIT_PART_GATE].weight && inner > 0 && hidden == 2 * inner;
  tensors->gated = tensors->packed || parts[VIT_PART_GATE].weight;
  if (tensors->packed)
    hidden = inner;
  if (hidden == 0 || hidden > VIT_ENCODER_MAX_HIDDEN)
    return vit_stage_refuse (stage, up, VIT_ERROR_TENSOR, error,
        "but an MLP has 1 to %d hidden channels", VIT_ENCODER_MAX_HIDDEN);
  tensors->attention_dim = (guint) width;
  tensors->hidden = (guint) hidden;
  if (plan->n_heads > VIT_ENCODER_MAX_HEADS || width % plan->n_heads != 0)
    return vit_stage_refuse (stage, query, VIT_ERROR_UNSUPPORTED, error,
        "but attention of %u heads cannot divide %" G_GUINT64_FORMAT
        " channels; expected a divisor of it, at most %d",
        plan->n_heads, width, VIT_ENCODER_MAX_HEADS);
  if (plan->rope.rule != VIT_ROPE_NONE && width / plan->n_heads % 4 != 0)
    return vit_stage_refuse (stage, query, VIT_ERROR_UNSUPPORTED, error,
        "but rotary positions need heads of a multiple of 4 channels, not of "
        "%" G_GUINT64_FORMAT,
        width / plan->n_heads);
  return TRUE;
}

/* Every tensor of one part, where it is there. */
static gboolean
check_part (const VitStage *stage, const VitPartTensors *part, guint64 rows,
    guint64 columns, GError **error)
{
  if (!part->weight)
    return TRUE;
  return vit_encoder_check_shape (stage, part->weight, rows, columns, error)
         && (!part->bias
             || vit_encoder_check_shape (stage, part->bias, rows, 0, error));
}

/* Over a head, or over all of them. */
static gboolean
check_head_norm (const VitStage *stage, const VitPartTensors *part,
    guint width, guint head_dim, GError **error)
{
  gboolean all = part->weight && part->weight->rank == 1
                 && part->weight->shape[0] == width;

  return check_part (stage, part, all ? width : head_dim, 0, error);
}

static gboolean
check_shapes (const VitEncoderTensors *tensors, const VitStage *stage,
    const VitEncoderPlan *plan, const VitBlockTensors *block, GError **error)
{
  const VitPartTensors *parts = block->parts;
  guint d = stage->embed_dim, a = tensors->attention_dim;
  guint h = tensors->hidden, head_dim = a / plan->n_heads;

  for (guint part = VIT_PART_QUERY; part <= VIT_PART_VALUE; part++)
    if (!check_part (stage, &parts[part], a, d, error))
      return FALSE;
  return check_part (stage, &parts[VIT_PART_NORM1], d, 0, error)
         && check_part (stage, &parts[VIT_PART_QKV], 3 * (guint64) a, d, error)
         && (!block->query_bias
             || vit_encoder_check_shape (stage, block->query_bias, a, 0, error))
         && (!block->value_bias
             || vit_encoder_check_shape (stage, block->value_bias, a, 0, error))
         && check_head_norm (
             stage, &parts[VIT_PART_QUERY_NORM], a, head_dim, error)
         && check_head_norm (
             stage, &parts[VIT_PART_KEY_NORM], a, head_dim, error)
         && check_part (stage, &parts[VIT_PART_ATTENTION_NORM], a, 0, error)
         && check_part (stage, &parts[VIT_PART_PROJECTION], d, a, error)
         && check_part (stage, &parts[VIT_PART_SCALE1], d, 0, error)
         && check_part (stage, &parts[VIT_PART_NORM2], d, 0, error)
         && check_part (stage, &parts[VIT_PART_GATE], h, d, error)
         && check_part (stage, &parts[VIT_PART_UP],
             tensors->packed ? 2 * (guint64) h : h, d, error)
         && check_part (stage, &parts[VIT_PART_MLP_NORM], h, 0, error)
         && check_part (stage, &parts[VIT_PART_DOWN], d, h, error)
         && check_part (stage, &parts[VIT_PART_SCALE2], d, 0, error);
}

gboolean
vit_encoder_tensors_find (VitEncoderTensors *tensors, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  g_autoptr (GHashTable) used = g_hash_table_new (g_str_hash, g_str_equal);

  if (tensors->depth <= plan->n_last_blocks)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
        vit_checkpoint_path (stage->checkpoint), NULL,
        "has %u blocks, of which the last %u are no plain ones; expected more",
        tensors->depth, plan->n_last_blocks);
  tensors->blocks = g_new0 (VitBlockTensors, tensors->depth);
  for (guint i = 0; i < tensors->depth; i++)
    if (!find_block (tensors, stage, used, i, error))
      return FALSE;
  if (!check_used (tensors, stage, used, error)
      || !measure (tensors, stage, plan, error))
    return FALSE;
  for (guint i = 0; i < tensors->depth; i++)
    if (!check_shapes (tensors, stage, plan, &tensors->blocks[i], error))
      return FALSE;
  tensors->depth -= plan->n_last_blocks;
  return TRUE;
}

void
vit_encoder_tensors_clear (VitEncoderTensors *tensors)
{
  g_free (tensors->path);
  g_free (tensors->blocks);
}
