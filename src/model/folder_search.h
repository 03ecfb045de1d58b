/* SPDX-License-Identifier: MIT
 *
 * The weights of a folder that has none under the usual names: the only
 * .safetensors file or index in it counts.  Otherwise what the folder does hold
 * is named: shards without their index, several models, an adapter, files of
 * other formats, or folders with weights of their own.
 *
 * Thread-safety: none is needed; no state.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* (transfer full): g_free().  NULL: error, READ, NOT_FOUND or UNSUPPORTED. */
char *vit_folder_search (const char *folder, GError **error);

G_END_DECLS
