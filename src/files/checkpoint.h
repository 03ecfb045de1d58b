/* SPDX-License-Identifier: MIT
 *
 * All tensors of a model, looked up by name, whether they lie in one
 * safetensors file or in shards that an index lists:
 *
 *     { "metadata": { "total_size": 1234 },
 *       "weight_map": { "pos_embed": "model-00001-of-00002.safetensors" } }
 *
 * A shard is opened when a tensor of it is first asked for, and no more than 64
 * are, with no more header in all than one file may have: an index cannot make
 * the reader open files without end, or one file many times.  Its name must
 * be a plain file name: an index never leads out of its own folder, and no name
 * in it brings codes that a terminal obeys into a message.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "files/safetensors.h"

G_BEGIN_DECLS

typedef struct _VitCheckpoint VitCheckpoint;

/* Opens a .safetensors file or, where `path` ends in ".json", an index.
 * Errors: those of vit_safetensors_open(); CONFIG for an index that makes no
 * sense.  Where a shard is needed later: UNSUPPORTED for one too many, or one
 * with too long a header.  Free with vit_checkpoint_close(). */
VitCheckpoint *vit_checkpoint_open (const char *path, GError **error);
void vit_checkpoint_close (VitCheckpoint *checkpoint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitCheckpoint, vit_checkpoint_close)

/* Every tensor's name; NULL-terminated. */
const char *const *vit_checkpoint_names (
    const VitCheckpoint *checkpoint, gsize *n_names);

gboolean vit_checkpoint_has (const VitCheckpoint *checkpoint, const char *name);

/* NULL without an error where there is no such tensor; NULL with an error
 * where its shard cannot be opened or does not hold it. */
const VitTensor *vit_checkpoint_find (
    VitCheckpoint *checkpoint, const char *name, GError **error);

/* Reads values of a tensor that vit_checkpoint_find() gave, as
 * vit_safetensors_read(). */
gboolean vit_checkpoint_read (VitCheckpoint *checkpoint,
    const VitTensor *tensor, guint64 first, gsize n_values,
    float *values /* [n_values] */, GError **error);

/* For messages: the path that was opened; the file that holds `name`. */
const char *vit_checkpoint_path (const VitCheckpoint *checkpoint);
const char *vit_checkpoint_path_of (
    const VitCheckpoint *checkpoint, const char *name);

/* Appends all files opened so far. */
void vit_checkpoint_add_files (const VitCheckpoint *checkpoint,
    GArray *files /* of VitFileState */);

/* Adds the headers of all shards opened so far to a digest, in an order that is
 * theirs alone. */
void vit_checkpoint_add_headers (
    const VitCheckpoint *checkpoint, GChecksum *checksum);

/* vit_file_check_unchanged() of all of them. */
gboolean vit_checkpoint_check_unchanged (
    const VitCheckpoint *checkpoint, GError **error);

G_END_DECLS
