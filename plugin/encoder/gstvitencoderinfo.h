/* SPDX-License-Identifier: MIT
 *
 * What was loaded and decided, as the property `model-info` of vitencoder tells
 * people and programs.
 */
#pragma once

#include <gst/gst.h>

#include "encoder/encoder.h"

G_BEGIN_DECLS

/* (transfer full): a structure "vit-encoder-info" of an encoder of these weights.
 * `classes` (nullable): the path of the file of its classes. */
GstStructure *gst_vit_encoder_info_new (const VitEncoderWeights *weights,
    const gchar *model_id, const VitEncoder *encoder, const gchar *classes);

G_END_DECLS
