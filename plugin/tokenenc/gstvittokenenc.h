/* SPDX-License-Identifier: MIT
 *
 * The element vittokenenc: frames with tokens in, the tokens as the bytes of a
 * file format out.
 */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_TOKEN_ENC (gst_vit_token_enc_get_type ())

G_DECLARE_FINAL_TYPE (
    GstVitTokenEnc, gst_vit_token_enc, GST, VIT_TOKEN_ENC, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (vittokenenc);

G_END_DECLS
