/* SPDX-License-Identifier: MIT
 *
 * Tensors beside a model's own that change what its own are: scales and packed
 * values of quantised weights, and adapters (LoRA and the like).  To read the
 * weights without them would give other numbers than the model's, so they are
 * told by their names and refused, with what to do.
 *
 * Names here are whole names of tensors, "vit.patch_embed.proj.weight".
 *
 * Thread-safety: one thread at a time for one checkpoint.
 */
#pragma once

#include "files/checkpoint.h"

G_BEGIN_DECLS

/* The tensors that are read, and where the tower's own names begin in them. */
typedef struct {
  const char *const *names; /* NULL-terminated */
  gsize prefix_length;
} VitUsedTensors;

/* (nullable): the first of `used` that the tensor `name` of an adapter may
 * change: one of the same module, of a module in it or of one around it,
 * whatever kind of adapter it is.  What stands before the tower's names may
 * differ, as an adapter is often made for a larger model. */
const char *vit_beside_touches (const VitUsedTensors *used, const char *name);

/* Whether nothing in the checkpoint changes a tensor that is used.
 * *adapter (transfer none): a tensor of an adapter that changes others alone, or
 * NULL.  Errors: UNSUPPORTED. */
gboolean vit_beside_check (const VitCheckpoint *checkpoint,
    const VitUsedTensors *used, const char **adapter, GError **error);

/* Whether any tensor is a part of quantised weights. */
gboolean vit_beside_is_quantised (const VitCheckpoint *checkpoint);

/* For a checkpoint in which no input stage was found: whether `name` is what a
 * quantiser or an adapter made of a weight.  (nullable) (transfer full): the
 * name that the weight would have without it; "" for an adapter's tensor that
 * has none. */
char *vit_beside_plain_name (const char *name);

/* Always FALSE: the refusal of `name`, which changes `changed` (nullable: what
 * it changes is not a tensor in use). */
gboolean vit_beside_refuse (const char *path, const char *name,
    const char *changed, GError **error);

G_END_DECLS
