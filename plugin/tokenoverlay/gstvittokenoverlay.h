/* SPDX-License-Identifier: MIT
 *
 * vittokenoverlay: draws the tokens that a frame carries onto it.
 */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_TOKEN_OVERLAY (gst_vit_token_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstVitTokenOverlay, gst_vit_token_overlay, GST,
    VIT_TOKEN_OVERLAY, GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE (vittokenoverlay);

G_END_DECLS
