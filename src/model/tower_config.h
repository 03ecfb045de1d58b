/* SPDX-License-Identifier: MIT
 *
 * The vision tower in the config of a model of several parts, of whatever name:
 *
 *     { "model_type": "gemma3", "text_config": { ... },
 *       "vision_config": { "model_type": "siglip_vision_model", ... } }
 *
 * A tower that is known is known by its own model_type wherever it stands, so a
 * new model around it needs no row of its own in the table of families.
 *
 * Thread-safety: as that of a VitSection.
 */
#pragma once

#include "files/section.h"
#include "model/family.h"

G_BEGIN_DECLS

/* Looks in `root` for the one object that describes a tower of a family that
 * can be used; else for one that is refused.  tower->object stays as it is, and
 * *type, where there is none.  Errors: CONFIG; UNSUPPORTED for several towers
 * that differ. */
gboolean vit_tower_config_find (const VitSection *root, VitSection *tower,
    const char **type, GError **error);

G_END_DECLS
