/* SPDX-License-Identifier: MIT
 *
 * Detection by names and ranks: every key is held against every row of the
 * layout table, and the first row that fits it counts.  Where none does, the
 * row that lacks least is what the message is about.
 */
#include "model/detect.h"

#include <string.h>

#include "base/refuse.h"
#include "model/beside.h"

/* Of the names that end like one, few are a tower's: a convolutional network
 * beside it has a "conv1.weight" in every block.  Each costs a look at all that
 * every layout needs. */
#define MAX_PATCH_WEIGHTS 1024

/* The best of the towers that do not fit. */
typedef struct {
  const VitLayout *layout;
  guint n_missing;
  char *patch_weight;
  char *missing;
} NearMiss;

typedef struct {
  VitCheckpoint *checkpoint;
  const char *prefix;
  guint n_missing;
  char *missing; /* the first */
  GError *error;
} Fit;

/* (transfer full, nullable): what stands in `key` before `suffix`, at the
 * boundary of a component. */
static char *
prefix_of (const char *key, const char *suffix)
{
  gsize length;

  if (!g_str_has_suffix (key, suffix))
    return NULL;
  length = strlen (key) - strlen (suffix);
  if (length > 0 && key[length - 1] != '.')
    return NULL;
  return g_strndup (key, length);
}

static void
fit_tensor (Fit *fit, const char *tensor, guint rank)
{
  g_autofree char *name = g_strconcat (fit->prefix, tensor, NULL);
  const VitTensor *found;

  if (fit->error)
    return;
  if (rank == 0 && vit_checkpoint_has (fit->checkpoint, name))
    return;
  found = vit_checkpoint_find (fit->checkpoint, name, &fit->error);
  if (found && (rank == 0 || found->rank == rank))
    return;
  fit->n_missing++;
  if (!fit->missing && !found)
    fit->missing = g_strdup_printf ("%.200s is missing", name);
  if (!fit->missing && found) {
    g_autofree char *shape = vit_tensor_shape_string (found);

    fit->missing = g_strdup_printf (
        "%.200s is %s, expected %u dimensions", name, shape, rank);
  }
}

static void
fit_absent (Fit *fit, const char *tensor)
{
  g_autofree char *name = g_strconcat (fit->prefix, tensor, NULL);

  if (!vit_checkpoint_has (fit->checkpoint, name))
    return;
  fit->n_missing++;
  if (!fit->missing)
    fit->missing = g_strdup_printf ("%.200s is there, expected none", name);
}

static guint
table_rank (const VitLayout *layout)
{
  switch (layout->table_shape) {
    case VIT_TABLE_ND:
      return 2;
    case VIT_TABLE_NHWC:
      return 4;
    default:
      return 3;
  }
}

/* Fills fit->n_missing, fit->missing and fit->error.  `is_named`: by a family,
 * so that nothing need tell it from others. */
static void
fit_layout (Fit *fit, const VitLayout *layout, gboolean is_named)
{
  fit_tensor (fit, layout->patch_weight,
      layout->patch_shape == VIT_PATCH_LINEAR ? 2 : 4);
  if (layout->patch_bias && !layout->bias_optional)
    fit_tensor (fit, layout->patch_bias, 0);
  if (layout->table)
    fit_tensor (fit, layout->table, table_rank (layout));
  for (guint i = 0; i < VIT_LAYOUT_MAX_PREFIX; i++)
    if (layout->prefix[i].required)
      fit_tensor (fit, layout->prefix[i].tensor, 0);
  if (layout->norm_weight)
    fit_tensor (fit, layout->norm_weight, 0);
  if (layout->norm_bias)
    fit_tensor (fit, layout->norm_bias, 0);
  for (guint i = 0; i < G_N_ELEMENTS (layout->present) && !is_named; i++)
    if (layout->present[i].tensor)
      fit_tensor (fit, layout->present[i].tensor, layout->present[i].rank);
  for (guint i = 0; i < VIT_LAYOUT_MAX_MARKS; i++)
    if (layout->absent[i])
      fit_absent (fit, layout->absent[i]);
}

static void
near_miss_take (
    NearMiss *miss, const VitLayout *layout, const char *key, const Fit *fit)
{
  if (miss->layout && miss->n_missing <= fit->n_missing)
    return;
  g_free (miss->patch_weight);
  g_free (miss->missing);
  miss->layout = layout;
  miss->n_missing = fit->n_missing;
  miss->patch_weight = g_strdup (key);
  miss->missing = g_strdup (fit->missing);
}

/* The first layout that fits `key`, with its prefix; NULL where none does. */
static const VitLayout *
fit_key (VitCheckpoint *checkpoint, const VitFamily *family, const char *key,
    char **prefix, NearMiss *miss, GError **error)
{
  gsize n_layouts;
  const VitLayout *layouts = vit_layout_list (&n_layouts);

  for (gsize i = 0; i < n_layouts; i++) {
    const VitLayout *layout = &layouts[i];
    Fit fit = { checkpoint, NULL, 0, NULL, NULL };
    g_autofree char *candidate = NULL;

    if (!vit_family_allows (family, layout))
      continue;
    candidate = prefix_of (key, layout->patch_weight);
    if (!candidate)
      continue;
    fit.prefix = candidate;
    fit_layout (&fit, layout, family && family->layouts[0]);
    if (!fit.error && fit.n_missing == 0) {
      *prefix = g_steal_pointer (&candidate);
      return layout;
    }
    if (!fit.error)
      near_miss_take (miss, layout, key, &fit);
    g_free (fit.missing);
    if (fit.error) {
      g_propagate_error (error, fit.error);
      return NULL;
    }
  }
  return NULL;
}

/* Whether a tensor says that the tower at `prefix` is of another kind. */
static gboolean
check_refusals (VitCheckpoint *checkpoint, const char *prefix, GError **error)
{
  gsize n_refusals;
  const VitRefusal *refusals = vit_refusal_list (&n_refusals);

  for (gsize i = 0; i < n_refusals; i++) {
    g_autofree char *name = g_strconcat (prefix, refusals[i].tensor, NULL);

    if (!refusals[i].anywhere && vit_checkpoint_has (checkpoint, name))
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
          vit_checkpoint_path (checkpoint), name, "%s", refusals[i].refusal);
  }
  return TRUE;
}

/* The same by one key of the file, for the refusals that need no tower. */
static gboolean
check_refusals_anywhere (
    VitCheckpoint *checkpoint, const char *key, GError **error)
{
  gsize n_refusals;
  const VitRefusal *refusals = vit_refusal_list (&n_refusals);

  for (gsize i = 0; i < n_refusals; i++) {
    g_autofree char *prefix = NULL;
    const VitTensor *tensor;

    if (refusals[i].anywhere)
      prefix = prefix_of (key, refusals[i].tensor);
    if (!prefix)
      continue;
    tensor = vit_checkpoint_find (checkpoint, key, error);
    if (!tensor)
      return FALSE;
    if (refusals[i].rank == 0 || tensor->rank == refusals[i].rank)
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
          vit_checkpoint_path (checkpoint), key, "%s", refusals[i].refusal);
  }
  return TRUE;
}

static gboolean
ends_like_patch_weight (const char *key)
{
  gsize n_layouts;
  const VitLayout *layouts = vit_layout_list (&n_layouts);

  for (gsize i = 0; i < n_layouts; i++)
    if (g_str_has_suffix (key, layouts[i].patch_weight))
      return TRUE;
  return FALSE;
}

/* Whether a quantiser or an adapter put other tensors in the place of a patch
 * weight, or the file is an adapter's alone. */
static gboolean
check_replaced (VitCheckpoint *checkpoint, GError **error)
{
  gsize n_names;
  const char *const *names = vit_checkpoint_names (checkpoint, &n_names);
  const char *adapter = NULL;

  for (gsize i = 0; i < n_names; i++) {
    g_autofree char *plain = vit_beside_plain_name (names[i]);

    if (plain && ends_like_patch_weight (plain))
      return vit_beside_refuse (
          vit_checkpoint_path (checkpoint), names[i], plain, error);
    if (!adapter && g_str_has_prefix (names[i], "base_model.model."))
      adapter = names[i];
  }
  return !adapter
         || vit_refuse (error, VIT_ERROR_UNSUPPORTED,
             vit_checkpoint_path (checkpoint), adapter,
             "is a part of an adapter (LoRA or the like), and the model that it "
             "was made for is not in the file; merge the adapter into that "
             "model, with peft's merge_and_unload(), and save it");
}

/* Always FALSE: says as well as it can why no layout fits. */
static gboolean
explain_no_tower (VitCheckpoint *checkpoint, const VitFamily *family,
    const NearMiss *miss, GError **error)
{
  gsize n_names;
  const char *const *names = vit_checkpoint_names (checkpoint, &n_names);
  const char *path = vit_checkpoint_path (checkpoint);

  if (!check_replaced (checkpoint, error))
    return FALSE;
  if (miss->layout) {
    g_autofree char *prefix
        = prefix_of (miss->patch_weight, miss->layout->patch_weight);

    if (!check_refusals (checkpoint, prefix, error))
      return FALSE;
  }
  for (gsize i = 0; i < n_names; i++)
    if (!check_refusals_anywhere (checkpoint, names[i], error))
      return FALSE;
  if (miss->layout)
    return vit_refuse (error, VIT_ERROR_TENSOR, path, NULL,
        "%s (beside %.200s, taken for layout %s)", miss->missing,
        miss->patch_weight, miss->layout->name);
  if (family)
    return vit_refuse (error, VIT_ERROR_TENSOR, path, NULL,
        "none of its %" G_GSIZE_FORMAT " tensors is the patch embedding of "
        "a %s, which its config says it is",
        n_names, family->name);
  return vit_refuse (error, VIT_ERROR_TENSOR, path, NULL,
      "none of its %" G_GSIZE_FORMAT " tensors is a patch embedding of a "
      "known layout, such as patch_embed.proj.weight; give the checkpoint of "
      "a Vision Transformer",
      n_names);
}

/* "vision_model." of layout hf-clip, ...; (transfer full) */
static char *
list_towers (const GArray *found)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < found->len && i < 8; i++) {
    const VitTower *tower = &g_array_index (found, VitTower, i);

    g_string_append_printf (list, "%s\"%.200s\" of layout %s", i ? ", " : "",
        tower->prefix, tower->layout->name);
  }
  if (found->len > 8)
    g_string_append (list, ", ...");
  return g_string_free (list, FALSE);
}

/* Appends all towers to `found`. */
static gboolean
find_all (VitCheckpoint *checkpoint, const VitFamily *family, NearMiss *miss,
    GArray *found, GError **error)
{
  gsize n_names;
  guint n_patch_weights = 0;
  const char *const *names = vit_checkpoint_names (checkpoint, &n_names);

  for (gsize i = 0; i < n_names; i++) {
    VitTower tower = { NULL, NULL };
    GError *fit_error = NULL;

    if (!ends_like_patch_weight (names[i]))
      continue;
    if (++n_patch_weights > MAX_PATCH_WEIGHTS)
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
          vit_checkpoint_path (checkpoint), NULL,
          "more than %d of its %" G_GSIZE_FORMAT " tensors are named like a "
          "patch embedding; give the checkpoint of one Vision Transformer",
          MAX_PATCH_WEIGHTS, n_names);
    tower.layout = fit_key (
        checkpoint, family, names[i], &tower.prefix, miss, &fit_error);
    if (fit_error) {
      g_propagate_error (error, fit_error);
      return FALSE;
    }
    if (tower.layout)
      g_array_append_val (found, tower);
  }
  return TRUE;
}

/* Whether `prefix` names the tower at `found`: 2 by all of it, 1 by its first
 * components, 0 not at all. */
static guint
match_prefix (const char *found, const char *prefix)
{
  gsize length = strlen (prefix);

  if (strcmp (found, prefix) == 0)
    return 2;
  if (length == 0 || !g_str_has_prefix (found, prefix))
    return 0;
  if (prefix[length - 1] == '.')
    return 1;
  if (found[length] != '.')
    return 0;
  return found[length + 1] == '\0' ? 2 : 1;
}

/* (nullable): the tower that is meant, without an error where there are none
 * at all. */
static VitTower *
choose (const VitCheckpoint *checkpoint, const GArray *found,
    const char *prefix, GError **error)
{
  g_autofree char *list = list_towers (found);
  const char *path = vit_checkpoint_path (checkpoint);
  VitTower *chosen[3] = { NULL };
  guint n_chosen[3] = { 0 };

  for (guint i = 0; i < found->len; i++) {
    VitTower *tower = &g_array_index (found, VitTower, i);
    guint match = prefix ? match_prefix (tower->prefix, prefix) : 2;

    n_chosen[match]++;
    chosen[match] = tower;
  }
  for (guint match = 2; match > 0; match--)
    if (n_chosen[match] == 1)
      return chosen[match];
    else if (n_chosen[match] > 1)
      break;
  if (found->len > 0 && n_chosen[0] == found->len)
    vit_refuse (error, VIT_ERROR_SETTING, path, NULL,
        "model-prefix is \"%.200s\", but what begins the names of its patch "
        "embeddings is %s",
        prefix, list);
  else if (found->len > 0)
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "holds %u patch embeddings and nothing says which one is meant; set "
        "model-prefix to what begins its name: %s",
        found->len, list);
  return NULL;
}

static void
clear_tower (gpointer data)
{
  VitTower *tower = data;

  g_free (tower->prefix);
}

gboolean
vit_tower_find (VitCheckpoint *checkpoint, const VitFamily *family,
    const char *prefix, VitTower *tower, GError **error)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (VitTower));
  NearMiss miss = { NULL, 0, NULL, NULL };
  VitTower *chosen = NULL;
  gboolean usable = FALSE;

  g_array_set_clear_func (found, clear_tower);
  if (find_all (checkpoint, family, &miss, found, error)) {
    chosen = choose (checkpoint, found, prefix, error);
    if (found->len == 0)
      explain_no_tower (checkpoint, family, &miss, error);
    else if (chosen)
      usable = check_refusals (checkpoint, chosen->prefix, error);
  }
  g_free (miss.patch_weight);
  g_free (miss.missing);
  if (usable) {
    tower->layout = chosen->layout;
    tower->prefix = g_steal_pointer (&chosen->prefix);
  }
  return usable;
}
