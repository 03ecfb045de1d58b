/* SPDX-License-Identifier: MIT
 *
 * What has been read from model files, shared by all in the process who ask for
 * the same of the same files: each kind of value has a loader, and is read once
 * while somebody uses it.
 *
 * Ownership: values are g_atomic_rc_box memory, immutable once loaded.  Nothing
 * is kept once the last reference is dropped.
 * Thread-safety: any; who asks for a value that another thread is loading waits
 * for it.
 */
#pragma once

#include "files/file_state.h"

G_BEGIN_DECLS

/* (transfer full): makes the value, or NULL with an error, and adds to `files`
 * those that were read, as they were opened.  `path`: of a file or folder, none
 * of the hub's cache that stands for another; `data`: the caller's. */
typedef gpointer (*VitModelLoad) (const char *path, const char *prefix,
    gpointer data, GArray *files /* of VitFileState */, GError **error);

/* (transfer full): the value of `kind` (one for each loader and its settings)
 * that was loaded with the same prefix (nullable) from `path`, however that is
 * spelled, and whose files are all still as they were then, with none of the
 * configs come or gone that could lie beside them; else load ()'s.  A value whose
 * files were replaced while it was loaded is given to who asked, but to nobody who
 * asks after that.  Errors: the loader's, and those of vit_hub_resolve(). */
gpointer vit_model_share_get (const char *path, const char *prefix,
    const char *kind, VitModelLoad load, gpointer data, GError **error);

/* Drops a reference; with the last, clear (value), and its memory is freed.
 * Also of values that were never shared.  `clear` is called with the registry's
 * lock held: it may not share or release. */
void vit_model_share_release (gpointer value, GDestroyNotify clear);

G_END_DECLS
