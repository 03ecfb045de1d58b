/* SPDX-License-Identifier: MIT
 *
 * Names and folders of the Hugging Face hub.  Its cache keeps a model as
 *
 *     models--facebook--dinov2-small/refs/main          a commit
 *     models--facebook--dinov2-small/snapshots/COMMIT/  the files, as links
 *
 * A folder of the first kind, or its "snapshots", stands for the snapshot of
 * refs/main, as the name stands for it in transformers.  A name alone,
 * "facebook/dinov2-small", is not opened: which folder it means depends on the
 * environment, and one model property should mean the same for everyone.
 *
 * Thread-safety: none is needed; no state.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* The snapshot that `path` stands for, or `path` itself, whatever it is.
 * Errors: UNSUPPORTED where several snapshots are there and none is refs/main's;
 * NOT_FOUND where there are none.  (transfer full): g_free(). */
char *vit_hub_resolve (const char *path, GError **error);

/* "facebook/dinov2-small" for a path that leads into a model's folder in the
 * cache: to a snapshot, or what is in one, or to a file that the snapshots link
 * to.  (nullable) (transfer full) */
char *vit_hub_name_of_path (const char *path);

/* Always FALSE: `path` is not there; where it looks like a name on the hub, the
 * message says how to come by its files.  Error: NOT_FOUND. */
gboolean vit_hub_refuse_missing (const char *path, GError **error);

G_END_DECLS
