/* SPDX-License-Identifier: MIT
 *
 * The life of a VitModel: made empty, filled by the loader or the built-in
 * model, shared by reference, freed with the last one.
 *
 * The list of models that may be shared holds no references.  A model leaves
 * it when its last user drops it, under the same lock as it is looked up
 * with, so that nobody is given a model that is being freed.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "file_state.h"
#include "hub_name.h"

typedef struct {
  char *path;      /* without links */
  char *prefix;    /* NULL: none was asked for */
  VitModel *model; /* NULL while it is being read */
  GArray *files;   /* of VitFileState: of all that decided about the model */
} Shared;

static GMutex lock;
static GCond was_read;
static GSList *list; /* of Shared */

static void
shared_free (Shared *shared)
{
  g_array_unref (shared->files);
  g_free (shared->path);
  g_free (shared->prefix);
  g_free (shared);
}

/* The caller holds the lock. */
static void
forget (const VitModel *model)
{
  for (GSList *link = list; link; link = link->next) {
    Shared *shared = link->data;

    if (shared->model == model) {
      list = g_slist_delete_link (list, link);
      shared_free (shared);
      return;
    }
  }
}

static void
model_clear (gpointer data)
{
  VitModel *model = data;

  forget (model);
  g_free (model->id);
  g_free ((char *) model->reason);
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

VitModel *
vit_model_ref (VitModel *model)
{
  return g_atomic_rc_box_acquire (model);
}

void
vit_model_unref (VitModel *model)
{
  g_mutex_lock (&lock);
  g_atomic_rc_box_release_full (model, model_clear);
  g_mutex_unlock (&lock);
}

/* The configs that may be read, as they are before. */
static void
add_configs (GArray *files, const char *path)
{
  const char *const *names = vit_config_file_names ();
  g_autofree char *folder = g_file_test (path, G_FILE_TEST_IS_DIR)
                                ? g_strdup (path)
                                : g_path_get_dirname (path);

  for (gsize i = 0; names[i]; i++) {
    g_autofree char *config = g_build_filename (folder, names[i], NULL);

    vit_file_states_add (files, config, NULL);
  }
}

/* (nullable): what is in use or being read.  The caller holds the lock. */
static Shared *
find_shared (const char *path, const char *prefix)
{
  for (GSList *link = list; link; link = link->next) {
    Shared *shared = link->data;

    if (strcmp (shared->path, path) == 0
        && g_strcmp0 (shared->prefix, prefix) == 0
        && (!shared->model || vit_file_states_are_current (shared->files)))
      return shared;
  }
  return NULL;
}

/* The caller holds the lock, which is let go of while files are read. */
static VitModel *
load_shared (char *real_path /* (transfer full) */, const char *path,
    const char *prefix, GError **error)
{
  Shared *shared = g_new0 (Shared, 1);
  VitModel *model;

  shared->path = real_path;
  shared->prefix = g_strdup (prefix);
  shared->files = vit_file_states_new ();
  list = g_slist_prepend (list, shared);

  g_mutex_unlock (&lock);
  add_configs (shared->files, path);
  model = vit_model_load (path, prefix, error);
  g_mutex_lock (&lock);

  if (model) {
    shared->model = model;
    vit_file_states_add_all (shared->files, model->file_states);
  } else {
    list = g_slist_remove (list, shared);
    shared_free (shared);
  }
  g_cond_broadcast (&was_read);
  return model;
}

VitModel *
vit_model_share (const char *path, const char *prefix, GError **error)
{
  g_autofree char *snapshot = vit_hub_resolve (path, error);
  g_autofree char *real_path = NULL;
  char *resolved;
  Shared *shared;
  VitModel *model;

  if (!snapshot)
    return NULL;
  path = snapshot;
  resolved = realpath (path, NULL);
  real_path = g_strdup (resolved ? resolved : path);
  free (resolved);
  g_mutex_lock (&lock);
  while ((shared = find_shared (real_path, prefix)) && !shared->model)
    g_cond_wait (&was_read, &lock);
  if (shared)
    model = vit_model_ref (shared->model);
  else
    model = load_shared (g_steal_pointer (&real_path), path, prefix, error);
  g_mutex_unlock (&lock);
  return model;
}
