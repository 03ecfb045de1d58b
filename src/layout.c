/* SPDX-License-Identifier: MIT
 *
 * The rows.  Tensors, orders and rules as in each family's own source:
 * facebookresearch/dino and dinov2, huggingface/transformers,
 * huggingface/pytorch-image-models (timm), mlfoundations/open_clip.
 */
#include "layout.h"

#include <string.h>

static const VitNormalisation imagenet = {
  "ImageNet", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }
};
static const VitNormalisation half = {
  "Inception", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }
};
static const VitNormalisation clip = {
  "OpenAI CLIP", { 0.48145466, 0.4578275, 0.40821073 },
  { 0.26862954, 0.26130258, 0.27577711 }
};
static const VitNormalisation unit = {
  "none", { 0.0, 0.0, 0.0 }, { 1.0, 1.0, 1.0 }
};

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
      "blocks.0.attn.q_proj.weight"

static const VitLayout layouts[] = {
  { .name = "hf-dinov2-with-registers", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS, HF_REGISTERS },
    .rule = VIT_POSITION_RULE_SIZE_ANTIALIAS, .normalisation = &imagenet },
  { .name = "hf-dinov2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet,
    .present = { { "embeddings.mask_token", 2 } } },
  { .name = "hf-deit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE,
    .prefix = { HF_CLS, { "embeddings.distillation_token", "distillation",
        TRUE, VIT_PREFIX_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet },
  { .name = "hf-vit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE, .prefix = { HF_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &half },
  { .name = "hf-ijepa", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = HF_PATCH, .patch_bias = HF_PATCH_BIAS,
    .table = HF_TABLE,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet,
    .absent = { "embeddings.cls_token" } },
  { .name = "hf-dinov3", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embeddings.weight",
    .patch_bias = "embeddings.patch_embeddings.bias",
    .prefix = { { "embeddings.cls_token", "cls", TRUE,
        VIT_PREFIX_NO_POSITION }, HF_REGISTERS },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = &imagenet },
  { .name = "hf-clip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND, .prefix = { CLIP_CLS },
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "pre_layrnorm.weight",
    .norm_bias = "pre_layrnorm.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &clip },
  { .name = "hf-owlvit", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND, .prefix = { CLIP_CLS },
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "pre_layernorm.weight",
    .norm_bias = "pre_layernorm.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &clip },
  { .name = "hf-blip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .table = "embeddings.position_embedding", .prefix = { CLIP_CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &clip },
  { .name = "hf-siglip", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &half,
    .absent = { "embeddings.class_embedding" } },
  { .name = "hf-siglip2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = CLIP_PATCH, .patch_bias = CLIP_PATCH_BIAS,
    .patch_shape = VIT_PATCH_LINEAR,
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS, .normalisation = &half,
    .absent = { "embeddings.class_embedding" } },
  { .name = "hf-sam", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "patch_embed.projection.weight",
    .patch_bias = "patch_embed.projection.bias",
    .table = TABLE, .table_shape = VIT_TABLE_NHWC,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet },
  { .name = "hf-aimv2", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embed.weight",
    .patch_bias = "embeddings.patch_embed.bias",
    .table = CLIP_TABLE, .table_shape = VIT_TABLE_ND,
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "embeddings.rms_norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &clip },
  { .name = "hf-aimv2-native", .origin = VIT_ORIGIN_HUGGING_FACE,
    .patch_weight = "embeddings.patch_embed.weight",
    .patch_bias = "embeddings.patch_embed.bias",
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "embeddings.rms_norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_SINCOS, .normalisation = &clip,
    .absent = { CLIP_TABLE } },

  { .name = "dinov2-with-registers", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS, { "register_tokens", "register", TRUE,
        VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE_ANTIALIAS, .normalisation = &imagenet },
  { .name = "dinov2", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_DINO, .normalisation = &imagenet,
    .present = { { "mask_token", 2 } } },
  { .name = "dinov3", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .prefix = { { "cls_token", "cls", TRUE, VIT_PREFIX_NO_POSITION },
        { "storage_tokens", "register", TRUE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = &imagenet,
    .absent = { TABLE } },
  { .name = "mae", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet,
    .present = { { "decoder_pos_embed", 3 } } },
  { .name = "dino", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = { CLS },
    .rule = VIT_POSITION_RULE_DINO, .normalisation = &imagenet,
    .absent = { TIMM_ONLY } },
  { .name = "ijepa", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE,
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &imagenet,
    .absent = { TIMM_ONLY, "cls_token" } },

  { .name = "beit3", .origin = VIT_ORIGIN_AUTHORS,
    .patch_weight = "vision_embed.proj.weight",
    .patch_bias = "vision_embed.proj.bias",
    .table = "encoder.embed_positions.A.weight", .table_shape = VIT_TABLE_ND,
    .table_unused = 2,
    .prefix = { { "vision_embed.cls_token", "cls", TRUE,
        VIT_PREFIX_POSITION } },
    .rule = VIT_POSITION_RULE_SIZE, .normalisation = &half },

  { .name = "timm-clip", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS, .bias_optional = TRUE,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .norm = VIT_INPUT_NORM_LAYER, .norm_weight = "norm_pre.weight",
    .norm_bias = "norm_pre.bias", .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &clip },
  { .name = "timm-aimv2", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE,
    .norm = VIT_INPUT_NORM_RMS, .norm_weight = "patch_embed.norm.weight",
    .norm_epsilon = 1e-5,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &clip,
    .absent = { "cls_token" } },
  { .name = "timm-deit", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (TRUE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &imagenet },
  { .name = "timm-eva", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &clip,
    .present = { { "blocks.0.attn.q_proj.weight", 2 } } },
  { .name = "timm-vit", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .prefix = TIMM_PREFIX (FALSE),
    .prefix_rows_optional = TRUE,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &half },
  { .name = "timm-sam", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .table = TABLE, .table_shape = VIT_TABLE_NHWC,
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &imagenet },
  { .name = "timm-dinov3", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = PATCH, .patch_bias = PATCH_BIAS,
    .prefix = { { "cls_token", "cls", TRUE, VIT_PREFIX_NO_POSITION },
        { "reg_token", "register", TRUE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_NONE, .normalisation = &imagenet,
    .absent = { TABLE } },
  { .name = "timm-naflex", .origin = VIT_ORIGIN_TIMM,
    .patch_weight = "embeds.proj.weight", .patch_bias = "embeds.proj.bias",
    .patch_shape = VIT_PATCH_LINEAR,
    .table = "embeds.pos_embed", .table_shape = VIT_TABLE_NHWC,
    .prefix = {
        { "embeds.cls_token", "cls", FALSE, VIT_PREFIX_NO_POSITION },
        { "embeds.reg_token", "register", FALSE, VIT_PREFIX_NO_POSITION } },
    .rule = VIT_POSITION_RULE_TIMM, .normalisation = &half },

  { .name = "perception-encoder", .origin = VIT_ORIGIN_AUTHORS,
    CONV1, .prefix = { CONV1_CLS (FALSE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_BILINEAR, .normalisation = &half,
    .present = { { "attn_pool.probe", 3 } } },
  { .name = "perception-encoder-dense", .origin = VIT_ORIGIN_AUTHORS,
    CONV1, .prefix = { CONV1_CLS (FALSE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_BILINEAR, .normalisation = &half,
    .present = { { "transformer.resblocks.0.ls_1.gamma", 1 } },
    .absent = { "proj" } },
  { .name = "openclip", .origin = VIT_ORIGIN_OPEN_CLIP,
    CONV1, .prefix = { CONV1_CLS (TRUE) }, CONV1_NORM,
    .rule = VIT_POSITION_RULE_OPENCLIP, .normalisation = &clip },
  { .name = "openclip-no-ln-pre", .origin = VIT_ORIGIN_OPEN_CLIP,
    CONV1, .prefix = { CONV1_CLS (TRUE) },
    .rule = VIT_POSITION_RULE_OPENCLIP, .normalisation = &clip,
    .absent = { "ln_pre.weight" } },
};

#define HUGGING_FACE(type, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .layouts = { __VA_ARGS__ } }
#define HUGGING_FACE_IMAGENET(type, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .layouts = { __VA_ARGS__ }, .normalisation = &imagenet }
#define NESTED(type, object, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .layouts = { __VA_ARGS__ }, .inside = object }
#define REFUSED(type, why) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, .refusal = why }
#define TIMM(pattern) { .origin = VIT_ORIGIN_TIMM, .name = pattern }
#define TIMM_BILINEAR(pattern) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, \
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS }
#define REFUSED_TIMM(pattern, why) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, .refusal = why }

#define STAGES \
  "it is a pyramid of stages, not one sequence of patch tokens with a table " \
  "of positions"
#define OVERLAP "its patches overlap"
#define TUBELETS \
  "its patches span several frames, so that one frame has no tokens of its own"
#define CONV3D \
  "the patch weight is a Conv3d: " TUBELETS "; use an image model"
#define FRACTIONAL "it looks positions up by fractional coordinates"
#define TEXT "it is a text model"
#define ASPECT \
  "it cuts the frame's grid out of a square one, which no position rule does"

static const VitFamily families[] = {
  HUGGING_FACE ("vit", "hf-vit"),
  HUGGING_FACE ("deit", "hf-deit"),
  HUGGING_FACE_IMAGENET ("vit_msn", "hf-vit"),
  HUGGING_FACE_IMAGENET ("vit_mae", "hf-vit"),
  HUGGING_FACE ("ijepa", "hf-ijepa"),
  HUGGING_FACE ("beit", "hf-vit"),
  HUGGING_FACE ("dinov2", "hf-dinov2"),
  HUGGING_FACE ("dinov2_with_registers", "hf-dinov2-with-registers"),
  HUGGING_FACE ("dinov3_vit", "hf-dinov3"),
  HUGGING_FACE ("eomt_dinov3", "hf-dinov3"),
  HUGGING_FACE_IMAGENET ("pixio", "hf-vit"),
  HUGGING_FACE_IMAGENET ("internvl_vision", "hf-vit"),
  NESTED ("internvl", "vision_config", NULL),
  NESTED ("depth_anything", "backbone_config", NULL),
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "dpt",
    .layouts = { "hf-vit" }, .inside = "backbone_config",
    .rule = VIT_POSITION_RULE_BILINEAR },
  NESTED ("clip", "vision_config", "hf-clip"),
  HUGGING_FACE ("clip_vision_model", "hf-clip"),
  NESTED ("metaclip_2", "vision_config", "hf-clip"),
  HUGGING_FACE ("metaclip_2_vision_model", "hf-clip"),
  NESTED ("chinese_clip", "vision_config", "hf-clip"),
  HUGGING_FACE ("chinese_clip_vision_model", "hf-clip"),
  NESTED ("clipseg", "vision_config", "hf-clip"),
  HUGGING_FACE ("clipseg_vision_model", "hf-clip"),
  NESTED ("owlvit", "vision_config", "hf-owlvit"),
  HUGGING_FACE ("owlvit_vision_model", "hf-owlvit"),
  NESTED ("owlv2", "vision_config", "hf-owlvit"),
  HUGGING_FACE ("owlv2_vision_model", "hf-owlvit"),
  NESTED ("blip", "vision_config", "hf-blip"),
  HUGGING_FACE ("blip_vision_model", "hf-blip"),
  NESTED ("siglip", "vision_config", "hf-siglip"),
  HUGGING_FACE ("siglip_vision_model", "hf-siglip"),
  NESTED ("siglip2", "vision_config", "hf-siglip2"),
  HUGGING_FACE ("siglip2_vision_model", "hf-siglip2"),
  NESTED ("llava", "vision_config", NULL),
  NESTED ("paligemma", "vision_config", NULL),
  NESTED ("sam", "vision_config", "hf-sam"),
  HUGGING_FACE ("sam_vision_model", "hf-sam"),
  HUGGING_FACE ("aimv2_vision_model", "hf-aimv2", "hf-aimv2-native"),
  NESTED ("aimv2", "vision_config", "hf-aimv2", "hf-aimv2-native"),
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "tipsv2_vision_model",
    .layouts = { "dinov2-with-registers" },
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS, .normalisation = &unit },
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "tipsv2",
    .layouts = { "dinov2-with-registers" }, .inside = "vision_config",
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS, .normalisation = &unit },

  REFUSED ("swin", STAGES),
  REFUSED ("swinv2", STAGES),
  REFUSED ("donut-swin", STAGES),
  REFUSED ("maskformer-swin", STAGES),
  REFUSED ("convnext", STAGES),
  REFUSED ("convnextv2", STAGES),
  REFUSED ("dinov3_convnext", STAGES),
  REFUSED ("hiera", STAGES),
  REFUSED ("resnet", "it is a convolutional network"),
  REFUSED ("segformer", OVERLAP),
  REFUSED ("pvt", STAGES),
  REFUSED ("pvt_v2", OVERLAP),
  REFUSED ("cvt", OVERLAP),
  REFUSED ("levit", OVERLAP),
  REFUSED ("vitpose_backbone", OVERLAP),
  REFUSED ("idefics2", FRACTIONAL),
  REFUSED ("idefics3", FRACTIONAL),
  REFUSED ("idefics3_vision", FRACTIONAL),
  REFUSED ("idefics2_vision", FRACTIONAL),
  REFUSED ("smolvlm", FRACTIONAL),
  REFUSED ("smolvlm_vision", FRACTIONAL),
  REFUSED ("yolos", "its detection tokens share the table of positions, whose "
      "grid the weights do not tell"),
  REFUSED ("groupvit", "it normalises the patch tokens in its own way"),
  REFUSED ("data2vec-vision", "its positions live inside the blocks"),
  REFUSED ("videomae", TUBELETS),
  REFUSED ("vivit", TUBELETS),
  REFUSED ("vjepa2", TUBELETS),
  REFUSED ("qwen2_vl", TUBELETS),
  REFUSED ("qwen2_5_vl", TUBELETS),
  REFUSED ("qwen3_vl", TUBELETS),
  REFUSED ("qwen2_vl_vision", TUBELETS),
  REFUSED ("qwen2_5_vl_vision", TUBELETS),
  REFUSED ("qwen3_vl_vision", TUBELETS),
  REFUSED ("timesformer", "it adds positions in time as well"),
  REFUSED ("bert", TEXT),
  REFUSED ("roberta", TEXT),
  REFUSED ("xlm-roberta", TEXT),
  REFUSED ("gpt2", TEXT),
  REFUSED ("t5", TEXT),
  REFUSED ("llama", TEXT),
  REFUSED ("mistral", TEXT),
  REFUSED ("qwen2", TEXT),
  REFUSED ("gemma", TEXT),
  REFUSED ("clip_text_model", TEXT),
  REFUSED ("siglip_text_model", TEXT),

  /* The first that matches counts. */
  REFUSED_TIMM ("naflexvit_*_par_*", ASPECT),
  REFUSED_TIMM ("naflexvit_*_parfac_*", ASPECT),
  REFUSED_TIMM ("naflexvit_*_radio_*", "it conditions the pixels and "
      "resamples positions in its own way"),
  TIMM_BILINEAR ("naflexvit_*_siglip"),
  TIMM ("naflexvit_*"),
  TIMM ("vit_*"), TIMM ("deit_*"), TIMM ("deit3_*"), TIMM ("flexivit_*"),
  TIMM ("eva_*"), TIMM ("eva02_*"), TIMM ("samvit_*"), TIMM ("beit_*"),
  TIMM ("beitv2_*"), TIMM ("beit3_*"), TIMM ("aimv2_*"), TIMM ("test_vit*"),

  { .origin = VIT_ORIGIN_OPEN_CLIP, .name = "vision_cfg" },
};

static const VitRefusal refusals[] = {
  { "embeddings.detection_tokens", 0, FALSE,
    "detection tokens (YOLOS) share the table of positions, whose grid the "
    "weights do not tell; it cannot be used" },
  { "embeddings.norm.weight", 0, FALSE,
    "patch tokens are normalised and then merged in stages (Swin); it is no "
    "plain ViT and cannot be used" },
  { "patch_embed.norm.bias", 0, FALSE,
    "patch tokens are normalised and then merged in stages (Swin); it is no "
    "plain ViT and cannot be used" },
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

gboolean
vit_family_allows (const VitFamily *family, const VitLayout *layout)
{
  if (!family)
    return TRUE;
  if (!family->layouts[0])
    return family->origin == layout->origin;
  for (gsize i = 0; i < G_N_ELEMENTS (family->layouts); i++)
    if (g_strcmp0 (family->layouts[i], layout->name) == 0)
      return TRUE;
  return FALSE;
}

const VitFamily *
vit_family_find (VitOrigin origin, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++) {
    if (families[i].origin != origin)
      continue;
    if (origin == VIT_ORIGIN_TIMM
            ? g_pattern_match_simple (families[i].name, name)
            : strcmp (name, families[i].name) == 0)
      return &families[i];
  }
  return NULL;
}

char *
vit_family_names (VitOrigin origin)
{
  GString *names = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++) {
    if (families[i].origin != origin || families[i].refusal)
      continue;
    if (names->len)
      g_string_append (names, ", ");
    g_string_append (names, families[i].name);
  }
  return g_string_free (names, FALSE);
}
