/* SPDX-License-Identifier: MIT
 *
 * Which layout a checkpoint has and where its vision tower begins: the key
 * that ends in a layout's patch weight, beside which all that the layout needs
 * is found.  What stands before it is the prefix of all other tensors, so that
 * text towers and decoders in the same file are never taken for the tower.
 */
#pragma once

#include "files/checkpoint.h"
#include "model/family.h"
#include "model/layout.h"

G_BEGIN_DECLS

typedef struct {
  const VitLayout *layout;
  char *prefix; /* "" or "vit.", ...; g_free() */
} VitTower;

/* Finds the one tower in `checkpoint`, of a layout that `family` (nullable)
 * allows.  `prefix` (nullable: whatever there is one of) picks among several
 * the one of this prefix, with or without its last dot, or else the only one
 * whose prefix begins with it; "" is the one without a prefix.
 * Errors: TENSOR where nothing fits, saying what is missing; UNSUPPORTED for a
 * tower that is refused by its tensors and for several towers, which are
 * listed; SETTING for a `prefix` that picks none; those of
 * vit_checkpoint_find(). */
gboolean vit_tower_find (VitCheckpoint *checkpoint, const VitFamily *family,
    const char *prefix, VitTower *tower, GError **error);

G_END_DECLS
