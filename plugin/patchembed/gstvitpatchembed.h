/* SPDX-License-Identifier: MIT
 *
 * vitpatchembed: computes patch tokens of every frame and attaches them as
 * metadata; the frame itself passes untouched.
 */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_PATCH_EMBED (gst_vit_patch_embed_get_type ())
G_DECLARE_FINAL_TYPE (GstVitPatchEmbed, gst_vit_patch_embed, GST,
    VIT_PATCH_EMBED, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (vitpatchembed);

G_END_DECLS
