/* SPDX-License-Identifier: MIT
 *
 * What was loaded and decided, as the property `model-info` of vitpatchembed
 * tells people and programs.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

#include "patch/patch_embed.h"
#include "patchembed/gstvitsettings.h"

G_BEGIN_DECLS

/* (transfer full): a GstVitPrefixKind for each of the model's prefix tokens. */
GBytes *gst_vit_model_prefix_kinds (const VitModel *model);

/* (transfer full): the name and the digest of the model, "vit-base#1a2b3c4d",
 * which is what the metadata says. */
gchar *gst_vit_model_full_id (const VitModel *model);

/* (transfer full): a structure "vit-model-info".  `settings`: what was set
 * instead of the model's own.  Prefix tokens are those that are emitted. */
GstStructure *gst_vit_model_info_new (const VitModel *model,
    const GstVitSettings *settings, const VitPatchEmbed *embed);

G_END_DECLS
