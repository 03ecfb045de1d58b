/* SPDX-License-Identifier: MIT
 *
 * The list holds no references.  A value leaves it when its last user drops it,
 * under the same lock as it is looked up with, so that nobody is given a value
 * that is being freed.
 */
#include "model/model_share.h"

#include <stdlib.h>
#include <string.h>

#include "files/hub_name.h"
#include "model/config.h"

typedef struct {
  char *path;     /* without links */
  char *prefix;   /* NULL: none was asked for */
  char *kind;
  gpointer value; /* NULL while it is being loaded */
  GArray *files;  /* of VitFileState: of all that decided about the value */
} Shared;

static GMutex lock;
static GCond was_loaded;
static GSList *list; /* of Shared */

static Shared *
shared_new (const char *path, const char *prefix, const char *kind)
{
  Shared *shared = g_new0 (Shared, 1);

  shared->path = g_strdup (path);
  shared->prefix = g_strdup (prefix);
  shared->kind = g_strdup (kind);
  shared->files = vit_file_states_new ();
  return shared;
}

static void
shared_free (Shared *shared)
{
  g_array_unref (shared->files);
  g_free (shared->path);
  g_free (shared->prefix);
  g_free (shared->kind);
  g_free (shared);
}

/* (nullable): what is in use or being loaded.  The caller holds the lock. */
static Shared *
find_shared (const char *path, const char *prefix, const char *kind)
{
  for (GSList *link = list; link; link = link->next) {
    Shared *shared = link->data;

    if (strcmp (shared->path, path) == 0 && strcmp (shared->kind, kind) == 0
        && g_strcmp0 (shared->prefix, prefix) == 0
        && (!shared->value || vit_file_states_are_current (shared->files)))
      return shared;
  }
  return NULL;
}

/* The caller holds the lock, which is let go of while files are read. */
static gpointer
load_shared (Shared *shared /* (transfer full) */, const char *path,
    VitModelLoad load, gpointer data, GError **error)
{
  gpointer value;

  list = g_slist_prepend (list, shared);
  g_mutex_unlock (&lock);
  /* Those that may be read, as they are before. */
  vit_config_add_files (shared->files, path);
  value = load (path, shared->prefix, data, shared->files, error);
  g_mutex_lock (&lock);

  if (value) {
    shared->value = value;
  } else {
    list = g_slist_remove (list, shared);
    shared_free (shared);
  }
  g_cond_broadcast (&was_loaded);
  return value;
}

gpointer
vit_model_share_get (const char *path, const char *prefix, const char *kind,
    VitModelLoad load, gpointer data, GError **error)
{
  g_autofree char *snapshot = vit_hub_resolve (path, error);
  char *resolved = snapshot ? realpath (snapshot, NULL) : NULL;
  const char *real_path = resolved ? resolved : snapshot;
  Shared *shared;
  gpointer value;

  if (!snapshot)
    return NULL;
  g_mutex_lock (&lock);
  while ((shared = find_shared (real_path, prefix, kind)) && !shared->value)
    g_cond_wait (&was_loaded, &lock);
  if (shared)
    value = g_atomic_rc_box_acquire (shared->value);
  else
    value = load_shared (shared_new (real_path, prefix, kind), snapshot, load,
        data, error);
  g_mutex_unlock (&lock);
  free (resolved);
  return value;
}

/* Called with the lock held, and by the last to hold the value. */
static void
forget (gconstpointer value)
{
  for (GSList *link = list; link; link = link->next) {
    Shared *shared = link->data;

    if (shared->value == value) {
      list = g_slist_delete_link (list, link);
      shared_free (shared);
      return;
    }
  }
}

/* What forget_and_clear() is to call: it takes no argument of its own, and the
 * lock is held. */
static GDestroyNotify clear_value;

static void
forget_and_clear (gpointer value)
{
  forget (value);
  clear_value (value);
}

void
vit_model_share_release (gpointer value, GDestroyNotify clear)
{
  g_mutex_lock (&lock);
  clear_value = clear;
  g_atomic_rc_box_release_full (value, forget_and_clear);
  g_mutex_unlock (&lock);
}
