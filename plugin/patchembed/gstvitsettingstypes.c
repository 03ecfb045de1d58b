/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsettingstypes.h"

#include "patchembed/gstvitsettings.h"

/**
 * GstVitPositionRule:
 * @VIT_POSITION_RULE_AUTO: what the model's files and tensors tell
 * @VIT_POSITION_RULE_DINO: bicubic, by (grid + 0.1) / table, as DINO and
 *     DINOv2 of their authors
 * @VIT_POSITION_RULE_SIZE: bicubic to the grid's size, as most models of
 *     Hugging Face
 * @VIT_POSITION_RULE_SIZE_ANTIALIAS: antialiased bicubic to the grid's size,
 *     as DINOv2 with registers
 * @VIT_POSITION_RULE_TIMM: the same; a table of as many positions stays as it
 *     is for a square grid, as in timm
 * @VIT_POSITION_RULE_OPENCLIP: the same; a table of as many positions stays as
 *     it is for any grid, as in OpenCLIP
 * @VIT_POSITION_RULE_BILINEAR: bilinear to the grid's size
 * @VIT_POSITION_RULE_BILINEAR_ANTIALIAS: antialiased bilinear to the grid's
 *     size, as SigLIP 2 NaFlex
 * @VIT_POSITION_RULE_SINCOS: sines and cosines computed for the grid, as
 *     AIMv2's native models; no table is read
 * @VIT_POSITION_RULE_NONE: nothing is added
 *
 * How #vitpatchembed resamples a position table to a frame's grid: auto, dino,
 * size, size-antialias, timm, openclip, bilinear, bilinear-antialias, sincos,
 * none.  "Antialiased" widens the filter as the grid shrinks.
 *
 * Since: 0.1
 */
GType
gst_vit_position_rule_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[VIT_N_POSITION_RULES + 1];
  static const gchar *const descriptions[VIT_N_POSITION_RULES] = {
    [VIT_POSITION_RULE_AUTO] = "What the model's files tell",
    [VIT_POSITION_RULE_DINO] = "Bicubic, by (grid + 0.1) / table",
    [VIT_POSITION_RULE_SIZE] = "Bicubic to the grid's size",
    [VIT_POSITION_RULE_SIZE_ANTIALIAS]
    = "Antialiased bicubic to the grid's size",
    [VIT_POSITION_RULE_TIMM] = "Antialiased bicubic, as in timm",
    [VIT_POSITION_RULE_OPENCLIP] = "Antialiased bicubic, as in OpenCLIP",
    [VIT_POSITION_RULE_BILINEAR] = "Bilinear to the grid's size",
    [VIT_POSITION_RULE_BILINEAR_ANTIALIAS]
    = "Antialiased bilinear to the grid's size",
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

/**
 * GstVitPrecision:
 * @VIT_PRECISION_AUTO: fixed point where its error is foreseen to be at most
 *     1e-4 of the tokens' root mean square, else float32
 * @VIT_PRECISION_F32: float32
 * @VIT_PRECISION_INT16: fixed point, weights of 16 bits and exact sums: the
 *     same bits on every machine
 *
 * The arithmetic of #vitpatchembed's projection: auto, f32, int16.
 *
 * Since: 0.1
 */
GType
gst_vit_precision_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_PRECISION_AUTO,
        "Fixed point where it is foreseen to be exact to 1e-4, else float32",
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

/**
 * GstVitFit:
 * @VIT_FIT_CROP: they are not seen
 * @VIT_FIT_PAD: the picture grows right and down to whole patches, by pixels
 *     that are 0 once mean and std are applied
 *
 * What #vitpatchembed does with pixels that no whole patch covers: crop, pad.
 *
 * Since: 0.1
 */
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

/**
 * GstVitRegions:
 * @GST_VIT_REGIONS_FRAME: the whole frame
 * @GST_VIT_REGIONS_ROI: each region that a #GstVideoRegionOfInterestMeta marks
 *     or, from GStreamer 1.24 on, that a GstAnalyticsODMtd says was detected
 *
 * What #vitpatchembed computes tokens of: frame, roi.
 *
 * Since: 0.1
 */
GType
gst_vit_regions_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_VIT_REGIONS_FRAME, "The whole frame", "frame" },
    { GST_VIT_REGIONS_ROI,
        "Each region that a GstVideoRegionOfInterestMeta or a detection marks", "roi" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstVitRegions", values));
  return type;
}
