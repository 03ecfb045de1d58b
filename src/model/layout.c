/* SPDX-License-Identifier: MIT
 *
 * The rows.  Tensors, orders and rules as in each family's own source:
 * facebookresearch/dino and dinov2, huggingface/transformers,
 * huggingface/pytorch-image-models (timm), mlfoundations/open_clip.
 */
#include "model/layout.h"

#define IMAGENET &vit_normalisation_imagenet
#define HALF &vit_normalisation_half
#define OPENAI &vit_normalisation_clip

/* Hugging Face's names; "embeddings." begins the tower. */
#define HF_PATCH "embeddings.patch_embeddings.projection.weight"
#define HF_PATCH_BIAS "embeddings.patch_embeddings.projection.bias"
#define HF_TABLE "embeddings.position_embeddings"
#define HF_CLS \
  { "embeddings.cls_token", "cls", TRUE, VIT_PREFIX_POSITION }
#define HF_REGISTERS \
  { "embeddings.register_tokens", "register", TRUE, VIT_PREFIX_NO_POSITION }

/* Hugging Face's names for the towers of image-text models. */
#define CLIP_PATCH "embeddings.patch_embedding.weight"
#define CLIP_PATCH_BIAS "embeddings.patch_embedding.bias"
#define CLIP_TABLE "embeddings.position_embedding.weight"
#define CLIP_CLS \
  { "embeddings.class_embedding", "cls", TRUE, VIT_PREFIX_POSITION }

/* The names of the original repositories, which timm shares. */
#define PATCH "patch_embed.proj.weight"
#define PATCH_BIAS "patch_embed.proj.bias"
#define TABLE "pos_embed"
#define CLS { "cls_token", "cls", TRUE, VIT_PREFIX_POSITION }

/* OpenAI's names, of CLIP and what descends from it. */
#define CONV1 \
  .patch_weight = "conv1.weight", .table = "positional_embedding", \
  .table_shape = VIT_TABLE_ND
#define CONV1_CLS(is_required) \
  { "class_embedding", "cls", is_required, VIT_PREFIX_POSITION }
#define CONV1_NORM \
  .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "ln_pre.weight", \
  .norm_bias = "ln_pre.bias", .norm_epsilon = 1e-5

#define TIMM_PREFIX(dist_required) \
  { { "cls_token", "cls", FALSE, VIT_PREFIX_POSITION }, \
    { "dist_token", "distillation", dist_required, VIT_PREFIX_POSITION }, \
    { "reg_token", "register", FALSE, VIT_PREFIX_POSITION } }

/* What only timm's files hold beside these names. */
#define TIMM_ONLY \
  "head.weight", "head_dist.weight", "fc_norm.weight", "norm_pre.weight", \
      "reg_token", "dist_token", "attn_pool.latent", \
      "blocks.0.attn.q_proj.weight", "patch_embed.norm.weight"

/* Norms that some arguments of timm's classes add to the input stage. */
#define NO_NORMS "norm_pre.weight", "patch_embed.norm.weight"

static const VitLayout layouts[] = {
  { .name = "hf-dinov2-with-registers", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS, HF_REGISTERS },
    .rule = VIT_POSITION_RULE_SIZE_ANTIALIAS, .normalisation = IMAGENET },
  { .name = "hf-dinov2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET,
    .present = { { "embeddings.mask_token", 2 } } },
  { .name = "hf-deit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE,
    .prefix = { HF_CLS, { "embeddings.distillation_token", "distillation",
        TRUE, VIT_PREFIX_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET },
  { .name = "hf-vit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = HALF },
  { .name = "hf-ijepa", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET,
    .absent = { "embeddings.cls_token" } },
  { .name = "hf-dinov3", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embeddings.weight",
    .patch_bias = "embeddings.patch_embeddings.bias",
    .prefix = { { "embeddings.cls_token", "cls", TRUE,
        VIT_PREFIX_NO_POSITION }, HF_REGISTERS },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = IMAGENET },
  { .name = "hf-eomt", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE ".weight", .table_shape = VIT_TABLE_ND,
    .prefix = { { "embeddings.cls_token", "cls", TRUE,
        VIT_PREFIX_NO_POSITION }, HF_REGISTERS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET },
  { .name = "hf-clip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND, .prefix = { CLIP_CLS },
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "pre_layrnorm.weight",
    .norm_bias = "pre_layrnorm.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = OPENAI },
  { .name = "hf-owlvit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND, .prefix = { CLIP_CLS },
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "pre_layernorm.weight",
    .norm_bias = "pre_layernorm.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = OPENAI },
  { .name = "hf-blip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .table = "embeddings.position_embedding", .prefix = { CLIP_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = OPENAI },
  { .name = "hf-siglip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = HALF,
    .absent = { "embeddings.class_embedding", "embeddings.rms_norm.weight" } },
  { .name = "hf-siglip2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .patch_shape = VIT_PATCH_LINEAR,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS, .normalisation = HALF,
    .absent = { "embeddings.class_embedding" } },
  { .name = "hf-sam", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "patch_embed.projection.weight",
    .patch_bias = "patch_embed.projection.bias",
    .table = TABLE, .table_shape = VIT_TABLE_NHWC,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET },
  { .name = "hf-aimv2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embed.weight",
    .patch_bias = "embeddings.patch_embed.bias",
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "embeddings.rms_norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = OPENAI },
  { .name = "hf-aimv2-native", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embed.weight",
    .patch_bias = "embeddings.patch_embed.bias",
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "embeddings.rms_norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SINCOS, .normalisation = OPENAI,
    .absent = { CLIP_TABLE } },

  { .name = "dinov2-with-registers", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS, { "register_tokens", "register", TRUE,
        VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE_ANTIALIAS, .normalisation = IMAGENET },
  { .name = "dinov2", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_DINO, .normalisation = IMAGENET,
    .present = { { "mask_token", 2 } } },
  { .name = "dinov3", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .prefix = { { "cls_token", "cls", TRUE, VIT_PREFIX_NO_POSITION },
        { "storage_tokens", "register", TRUE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = IMAGENET,
    .absent = { TABLE } },
  { .name = "mae", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET,
    .present = { { "decoder_pos_embed", 3 } } },
  { .name = "dino", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_DINO, .normalisation = IMAGENET,
    .absent = { TIMM_ONLY } },
  { .name = "ijepa", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = IMAGENET,
    .absent = { TIMM_ONLY, "cls_token" } },

  { .name = "beit3", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = "vision_embed.proj.weight",
    .patch_bias = "vision_embed.proj.bias",
    .table = "encoder.embed_positions.A.weight", .table_shape = VIT_TABLE_ND,
    .table_unused = 2,
    .prefix = { { "vision_embed.cls_token", "cls", TRUE,
        VIT_PREFIX_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = HALF },

  { .name = "timm-clip", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS, .bias_optional = TRUE,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "norm_pre.weight",
    .norm_bias = "norm_pre.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = OPENAI,
    .absent = { "patch_embed.norm.weight" } },
  { .name = "timm-deit", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (TRUE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = IMAGENET,
    .absent = { NO_NORMS } },
  { .name = "timm-eva", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = OPENAI,
    .present = { { "blocks.0.attn.q_proj.weight", 2 } },
    .absent = { NO_NORMS } },
  { .name = "timm-vit", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = HALF,
    .absent = { NO_NORMS } },
  { .name = "timm-aimv2", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE,
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "patch_embed.norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = OPENAI,
    .absent = { "norm_pre.weight", "cls_token" } },
  { .name = "timm-sam", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .table_shape = VIT_TABLE_NHWC,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = IMAGENET,
    .absent = { NO_NORMS } },
  { .name = "timm-dinov3", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .prefix = { { "cls_token", "cls", TRUE, VIT_PREFIX_NO_POSITION },
        { "reg_token", "register", TRUE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = IMAGENET,
    .absent = { NO_NORMS, TABLE } },
  { .name = "timm-rope", .origin = VIT_ORIGIN_TIMM, .by_name_only = TRUE,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .prefix = {
        { "cls_token", "cls", FALSE, VIT_PREFIX_NO_POSITION },
        { "reg_token", "register", FALSE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = HALF,
    .absent = { NO_NORMS, TABLE } },
  { .name = "timm-naflex", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = "embeds.proj.weight", .patch_bias = "embeds.proj.bias",
    .patch_shape = VIT_PATCH_LINEAR,
    .table = "embeds.pos_embed", .table_shape = VIT_TABLE_NHWC,
    .prefix = {
        { "embeds.cls_token", "cls", FALSE, VIT_PREFIX_NO_POSITION },
        { "embeds.reg_token", "register", FALSE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = HALF,
    .absent = { "norm_pre.weight", "embeds.norm.weight",
        "embeds.norm_input.weight" } },

  { .name = "perception-encoder", .origin = VIT_ORIGIN_AUTHORS,
    CONV1, .prefix = { CONV1_CLS (FALSE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_BILINEAR, .normalisation = HALF,
    .present = { { "attn_pool.probe", 3 } } },
  { .name = "perception-encoder-dense", .origin = VIT_ORIGIN_AUTHORS,
    CONV1, .prefix = { CONV1_CLS (FALSE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_BILINEAR, .normalisation = HALF,
    .present = { { "transformer.resblocks.0.ls_1.gamma", 1 } },
    .absent = { "proj" } },
  { .name = "openclip", .origin = VIT_ORIGIN_OPEN_CLIP,
    CONV1, .prefix = { CONV1_CLS (TRUE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_OPENCLIP, .normalisation = OPENAI },
  { .name = "openclip-no-ln-pre", .origin = VIT_ORIGIN_OPEN_CLIP,
    CONV1, .prefix = { CONV1_CLS (TRUE) },
    .rule = VIT_POSITION_RULE_OPENCLIP, .normalisation = OPENAI,
    .absent = { "ln_pre.weight" } },
};

#define CONV3D \
  "the patch weight is a Conv3d: its patches span several frames, so that one " \
  "frame has no tokens of its own; use an image model"

static const VitRefusal refusals[] = {
  { "embeddings.detection_tokens", 0, FALSE,
    "detection tokens (YOLOS) share the table of positions, whose grid the "
    "weights do not tell; it cannot be used" },
  { "embeddings.time_embeddings", 0, FALSE,
    "positions in time are added as well (TimeSformer); it is no model of "
    "single pictures and cannot be used" },
  { "encoder.stages.0.layers.0.layernorm_before.weight", 0, FALSE,
    "the blocks change width and patches overlap (Hiera); it is no plain ViT "
    "and cannot be used" },
  { "embeddings.x_position_embeddings.weight", 0, FALSE,
    "a norm of its own follows the positions (LayoutLMv3); it is no plain ViT "
    "and cannot be used" },
  { "embeddings.norm.weight", 0, FALSE,
    "patch tokens are normalised and then merged in stages (Swin); it is no "
    "plain ViT and cannot be used" },
  { "patch_embed.norm.bias", 0, FALSE,
    "patch tokens have a LayerNorm of their own (Swin, which then merges them "
    "in stages, and others); it cannot be used" },
  { "embeddings.layernorm.weight", 0, FALSE,
    "patch tokens are normalised in the embedding (GroupViT, ConvNeXt); it is "
    "no plain ViT and cannot be used" },
  { "blocks_token_only.0.norm1.weight", 0, FALSE,
    "class tokens join only in the last blocks (CaiT); it is no plain ViT and "
    "cannot be used" },
  { "blocks.0.attn.gating_param", 0, FALSE,
    "class tokens join only in the last blocks (ConViT); it is no plain ViT "
    "and cannot be used" },
  { "blocks.1.proj.weight", 0, FALSE,
    "the blocks change width (Hiera, MViT); it is no plain ViT and cannot be "
    "used" },
  { "blocks.2.proj.weight", 0, FALSE,
    "the blocks change width (Hiera, MViT); it is no plain ViT and cannot be "
    "used" },
  { "patch_embeddings.projection.weight", 5, TRUE,
    CONV3D },
  { "patch_embeddings.proj.weight", 5, TRUE,
    CONV3D },
  { "patch_embed.proj.weight", 5, TRUE,
    CONV3D },
  { "relative_position_bias_table", 0, TRUE,
    "positions are relative only, inside the blocks (BEiT), so they are no "
    "part of the input stage; use a model with a table of absolute positions" },
};

const VitLayout *
vit_layout_list (gsize *n_layouts)
{
  *n_layouts = G_N_ELEMENTS (layouts);
  return layouts;
}

const VitRefusal *
vit_refusal_list (gsize *n_refusals)
{
  *n_refusals = G_N_ELEMENTS (refusals);
  return refusals;
}
