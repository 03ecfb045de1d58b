/* SPDX-License-Identifier: MIT
 *
 * What vitencoder's properties of several named values may be: the library's
 * enumerations as GTypes, with the nicks that gst-launch takes.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_ENCODER_PRECISION (gst_vit_encoder_precision_get_type ())
GType gst_vit_encoder_precision_get_type (void);

#define GST_TYPE_VIT_ENCODER_NORM (gst_vit_encoder_norm_get_type ())
GType gst_vit_encoder_norm_get_type (void);

#define GST_TYPE_VIT_ENCODER_EMBEDDING (gst_vit_encoder_embedding_get_type ())
GType gst_vit_encoder_embedding_get_type (void);

#define GST_TYPE_VIT_ENCODER_ACTIVATION (gst_vit_encoder_activation_get_type ())
GType gst_vit_encoder_activation_get_type (void);

#define GST_TYPE_VIT_ENCODER_ROPE_RULE (gst_vit_encoder_rope_rule_get_type ())
GType gst_vit_encoder_rope_rule_get_type (void);

G_END_DECLS
