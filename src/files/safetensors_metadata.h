/* SPDX-License-Identifier: MIT
 *
 * What a safetensors file says beside its tensors: the strings of "__metadata__".
 * Models need none of it, so it is read only where it is asked for.
 *
 * Thread-safety: any number of threads may read from one file.
 */
#pragma once

#include "files/safetensors.h"

G_BEGIN_DECLS

/* values[i] (transfer full): what stands under keys[i], NULL where nothing does;
 * of two entries with one key it is the last, as for the reference reader.  Errors:
 * READ, also where the header is no longer the one that was checked; NO_MEMORY;
 * nothing is given then. */
gboolean vit_safetensors_read_metadata (const VitSafetensors *file,
    const char *const *keys /* [n_keys] */, gsize n_keys,
    char **values /* [n_keys] */, GError **error);

G_END_DECLS
