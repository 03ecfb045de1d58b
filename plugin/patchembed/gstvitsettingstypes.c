/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsettingstypes.h"

#include "patchembed/gstvitsettings.h"

GType
gst_vit_position_rule_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[VIT_N_POSITION_RULES + 1];
  static const gchar *const descriptions[VIT_N_POSITION_RULES] = {
    [VIT_POSITION_RULE_AUTO] = "What the model's files say",
    [VIT_POSITION_RULE_DINO] = "Bicubic, scale (grid + 0.1) / table",
    [VIT_POSITION_RULE_SIZE] = "Bicubic to the size",
    [VIT_POSITION_RULE_SIZE_ANTIALIAS] = "Antialiased bicubic to the size",
    [VIT_POSITION_RULE_TIMM] = "Antialiased bicubic, as timm",
    [VIT_POSITION_RULE_OPENCLIP] = "Antialiased bicubic, as OpenCLIP",
    [VIT_POSITION_RULE_BILINEAR] = "Bilinear to the size",
    [VIT_POSITION_RULE_BILINEAR_ANTIALIAS]
    = "Antialiased bilinear to the size",
    [VIT_POSITION_RULE_SINCOS]
    = "Sines and cosines, computed for the grid; no table is read",
    [VIT_POSITION_RULE_NONE] = "No position is added",
  };

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < VIT_N_POSITION_RULES; i++) {
      values[i].value = i;
      values[i].value_name = descriptions[i];
      values[i].value_nick = vit_position_rule_name ((VitPositionRule) i);
    }
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitPositionRule", values));
  }
  return type;
}

GType
gst_vit_precision_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_PRECISION_AUTO, "Fixed point where it is foreseen to be exact to 1e-4",
        "auto" },
    { VIT_PRECISION_F32, "Float32", "f32" },
    { VIT_PRECISION_INT16, "Fixed point: the same bits on every machine",
        "int16" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitPrecision", values));
  return type;
}

GType
gst_vit_fit_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_FIT_CROP, "Right and bottom remainders are not seen", "crop" },
    { VIT_FIT_PAD,
        "Padded right and down with normalised zeros, also what is smaller "
        "than a patch",
        "pad" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstVitFit", values));
  return type;
}

GType
gst_vit_regions_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_VIT_REGIONS_FRAME, "The whole frame", "frame" },
    { GST_VIT_REGIONS_ROI, "Each GstVideoRegionOfInterestMeta", "roi" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstVitRegions", values));
  return type;
}
