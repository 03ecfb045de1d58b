/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencodertypes.h"

#include "encoder/encoder.h"

/**
 * GstVitEncoderPrecision:
 * @VIT_PRECISION_AUTO: the fastest whose features are as exact as those of
 *     float32; today that is float32
 * @VIT_PRECISION_F32: float32
 *
 * The arithmetic of #vitencoder's products: auto, f32.
 *
 * Since: 0.1
 */
GType
gst_vit_encoder_precision_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_PRECISION_AUTO, "The fastest that is as exact as float32", "auto" },
    { VIT_PRECISION_F32, "Float32", "f32" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEncoderPrecision", values));
  return type;
}

/**
 * GstVitEncoderNorm:
 * @VIT_FEATURE_NORM_AUTO: as the model's package gives them: after the last block
 *     where it norms all tokens there, after those before it hardly ever
 * @VIT_FEATURE_NORM_NONE: the blocks' own output
 * @VIT_FEATURE_NORM_FINAL: the model's norm behind the last block, after whichever
 *     block they are taken
 *
 * Whether #vitencoder norms features: auto, none, final.
 *
 * Since: 0.1
 */
GType
gst_vit_encoder_norm_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_FEATURE_NORM_AUTO, "As the model's package gives features", "auto" },
    { VIT_FEATURE_NORM_NONE, "The blocks' own output", "none" },
    { VIT_FEATURE_NORM_FINAL, "The model's norm behind its last block",
        "final" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEncoderNorm", values));
  return type;
}

/**
 * GstVitEncoderEmbedding:
 * @VIT_EMBEDDING_AUTO: the model's own: its pooling, norm and projection; none
 *     where it has no such thing
 * @VIT_EMBEDDING_NONE: none, and no logits
 * @VIT_EMBEDDING_CLASS: the features' class token
 * @VIT_EMBEDDING_MEAN: the mean of the patches' features
 * @VIT_EMBEDDING_CLASS_MEAN: the one, and then the other: of twice the length
 *
 * What #vitencoder makes an embedding of: auto, none, class, mean, class-mean.
 *
 * Since: 0.1
 */
GType
gst_vit_encoder_embedding_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_EMBEDDING_AUTO, "The model's own", "auto" },
    { VIT_EMBEDDING_NONE, "No embedding and no logits", "none" },
    { VIT_EMBEDDING_CLASS, "The features' class token", "class" },
    { VIT_EMBEDDING_MEAN, "The mean of the patches' features", "mean" },
    { VIT_EMBEDDING_CLASS_MEAN, "Class token, then the mean of the patches",
        "class-mean" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEncoderEmbedding", values));
  return type;
}

/**
 * GstVitEncoderActivation:
 * @VIT_ACTIVATION_AUTO: what the model's files say, or the table of its package
 * @VIT_ACTIVATION_GELU: x Phi (x)
 * @VIT_ACTIVATION_GELU_TANH: the same, approximated by tanh
 * @VIT_ACTIVATION_QUICK_GELU: x sigmoid (1.702 x)
 * @VIT_ACTIVATION_SILU: x sigmoid (x)
 *
 * What stands between the two maps of a block's MLP: auto, gelu, gelu-tanh,
 * quick-gelu, silu.
 *
 * Since: 0.1
 */
GType
gst_vit_encoder_activation_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_ACTIVATION_AUTO, "What the model's files tell", "auto" },
    { VIT_ACTIVATION_GELU, "x Phi (x)", "gelu" },
    { VIT_ACTIVATION_GELU_TANH, "x Phi (x), approximated by tanh",
        "gelu-tanh" },
    { VIT_ACTIVATION_QUICK_GELU, "x sigmoid (1.702 x)", "quick-gelu" },
    { VIT_ACTIVATION_SILU, "x sigmoid (x)", "silu" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEncoderActivation", values));
  return type;
}

/**
 * GstVitEncoderRopeRule:
 * @VIT_ROPE_AUTO: what the model's files say, or the table of its package
 * @VIT_ROPE_NONE: no rotary positions
 * @VIT_ROPE_DINOV3: by the patch's middle within the frame, as DINOv3
 * @VIT_ROPE_EVA: by the patch's place within a grid of 16 x 16, as EVA-02
 * @VIT_ROPE_PE: by its place within the grid of the training, as timm's PE
 * @VIT_ROPE_PE_GRID: by its row and column, as PE of its authors
 * @VIT_ROPE_ROPE_VIT: by its row and column, as RoPE-ViT
 *
 * By which angles queries and keys are turned: auto, none, dinov3, eva, pe,
 * pe-grid, rope-vit.
 *
 * Since: 0.1
 */
GType
gst_vit_encoder_rope_rule_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { VIT_ROPE_AUTO, "What the model's files tell", "auto" },
    { VIT_ROPE_NONE, "No rotary positions", "none" },
    { VIT_ROPE_DINOV3, "By the patch's middle within the frame", "dinov3" },
    { VIT_ROPE_EVA, "By its place within a grid of 16 x 16", "eva" },
    { VIT_ROPE_PE, "By its place within the grid of the training", "pe" },
    { VIT_ROPE_PE_GRID, "By row and column, as PE of its authors", "pe-grid" },
    { VIT_ROPE_ROPE_VIT, "By row and column, as RoPE-ViT", "rope-vit" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEncoderRopeRule", values));
  return type;
}
