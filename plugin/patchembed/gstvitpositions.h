/* SPDX-License-Identifier: MIT
 *
 * The positions of a frame size's tokens, as the metadata carries them where
 * downstream asked for them.
 */
#pragma once

#include <gst/gst.h>

#include "patch/patch_embed.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): float32 [n_patches][embed_dim] of the configured
 * size, read-only; empty where nothing is added; NULL where they cannot be told
 * apart from what follows them, or there is no memory. */
GstBuffer *gst_vit_positions_new (const VitPatchEmbed *embed);

G_END_DECLS
