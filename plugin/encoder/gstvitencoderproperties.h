/* SPDX-License-Identifier: MIT
 *
 * The properties of vitencoder as programs and people see them: names, types,
 * ranges, defaults and what they mean.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

enum {
  /* What gst_vit_encoder_settings_set() takes. */
  GST_VIT_ENCODER_SETTING_MODEL = 1,
  GST_VIT_ENCODER_SETTING_MODEL_PREFIX,
  GST_VIT_ENCODER_SETTING_PRECISION,
  GST_VIT_ENCODER_SETTING_LAYERS,
  GST_VIT_ENCODER_SETTING_NORM,
  GST_VIT_ENCODER_SETTING_FEATURES,
  GST_VIT_ENCODER_SETTING_EMBEDDING,
  GST_VIT_ENCODER_SETTING_NORMALIZE,
  GST_VIT_ENCODER_SETTING_ACTIVATION,
  GST_VIT_ENCODER_SETTING_ROPE_RULE,
  GST_VIT_ENCODER_SETTING_N_THREADS,
  GST_VIT_ENCODER_SETTING_SKIP_LATE,
  GST_VIT_ENCODER_SETTING_TENSOR_ID,
  /* What the element tells. */
  GST_VIT_ENCODER_PROPERTY_STATS,
  GST_VIT_ENCODER_PROPERTY_MODEL_INFO,
};

void gst_vit_encoder_properties_install (GObjectClass *klass);

G_END_DECLS
