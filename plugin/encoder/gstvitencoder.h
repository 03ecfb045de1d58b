/* SPDX-License-Identifier: MIT
 *
 * vitencoder: computes a Vision Transformer's blocks on the tokens that frames
 * carry, and attaches features, embedding and logits; the frame itself passes
 * untouched.
 */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_ENCODER (gst_vit_encoder_get_type ())
G_DECLARE_FINAL_TYPE (
    GstVitEncoder, gst_vit_encoder, GST, VIT_ENCODER, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (vitencoder);

G_END_DECLS
