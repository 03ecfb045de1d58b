/* SPDX-License-Identifier: MIT
 *
 * The rows: models of transformers 5.23 by their model_type, and patterns of
 * the architectures of timm 1.0.31.
 */
#include "model/family.h"

#include <string.h>

#define HUGGING_FACE(type, class, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .processor = class, .layouts = { __VA_ARGS__ } }
#define HUGGING_FACE_IMAGENET(type, class, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .processor = class, .layouts = { __VA_ARGS__ }, \
    .normalisation = &vit_normalisation_imagenet }
#define NESTED(type, class, object, ...) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, \
    .processor = class, .layouts = { __VA_ARGS__ }, .inside = object }
#define NESTED_CLIP(type, class) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, .processor = class, \
    .layouts = { "hf-clip" }, .inside = "vision_config", \
    .inside_before = "vision_config_dict" }
#define REFUSED(type, why) \
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = type, .refusal = why }
#define TIMM(pattern) { .origin = VIT_ORIGIN_TIMM, .name = pattern }
/* Those whose norms have an epsilon of 1e-6; that of the others is 1e-5. */
#define TIMM_6(pattern) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, .norm_epsilon = 1e-6 }
#define TIMM_BILINEAR(pattern) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, \
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS }
#define TIMM_LAYOUTS(pattern, ...) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, .layouts = { __VA_ARGS__ } }
#define REFUSED_TIMM(pattern, why) \
  { .origin = VIT_ORIGIN_TIMM, .name = pattern, .refusal = why }

#define STAGES \
  "it is a pyramid of stages, not one sequence of patch tokens with a table " \
  "of positions"
#define OVERLAP "its patches overlap"
#define TUBELETS \
  "its patches span several frames, so that one frame has no tokens of its own"
#define FRACTIONAL "it looks positions up by fractional coordinates"
#define TEXT "it is a text model"
#define CONVOLUTION "a convolutional network comes before its patches"
#define RELATIVE \
  "its positions are relative only, inside the blocks, and no part of the " \
  "input stage"
#define BLOCKS "its tokens come in blocks of neighbours, not in raster order"
#define ASPECT \
  "it cuts the frame's grid out of a square one, which no position rule does"

static const VitFamily families[] = {
  HUGGING_FACE ("vit", "ViTImageProcessor", "hf-vit"),
  HUGGING_FACE ("deit", "DeiTImageProcessor", "hf-deit"),
  HUGGING_FACE_IMAGENET ("vit_msn", "ViTImageProcessor", "hf-vit"),
  HUGGING_FACE_IMAGENET ("vit_mae", "ViTImageProcessor", "hf-vit"),
  HUGGING_FACE ("ijepa", "ViTImageProcessor", "hf-ijepa"),
  HUGGING_FACE ("beit", "BeitImageProcessor", "hf-vit"),
  HUGGING_FACE ("dinov2", "BitImageProcessor", "hf-dinov2"),
  HUGGING_FACE ("dinov2_with_registers", "BitImageProcessor", "hf-dinov2-with-registers"),
  HUGGING_FACE ("dinov3_vit", "DINOv3ViTImageProcessor", "hf-dinov3"),
  HUGGING_FACE ("eomt", "EomtImageProcessor", "hf-eomt"),
  HUGGING_FACE ("eomt_dinov3", "EomtImageProcessor", "hf-dinov3"),
  HUGGING_FACE_IMAGENET ("pixio", "BitImageProcessor", "hf-vit"),
  HUGGING_FACE_IMAGENET ("internvl_vision", "GotOcr2ImageProcessor", "hf-vit"),
  NESTED ("internvl", "GotOcr2ImageProcessor", "vision_config", NULL),
  NESTED ("depth_anything", "DPTImageProcessor", "backbone_config", NULL),
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "dpt",
    .processor = "DPTImageProcessor", .layouts = { "hf-vit" },
    .inside = "backbone_config", .rule = VIT_POSITION_RULE_BILINEAR },
  NESTED_CLIP ("clip", "CLIPImageProcessor"),
  HUGGING_FACE ("clip_vision_model", "CLIPImageProcessor", "hf-clip"),
  NESTED_CLIP ("metaclip_2", "CLIPImageProcessor"),
  HUGGING_FACE ("metaclip_2_vision_model", "CLIPImageProcessor", "hf-clip"),
  NESTED_CLIP ("chinese_clip", "ChineseCLIPImageProcessor"),
  HUGGING_FACE ("chinese_clip_vision_model", "ChineseCLIPImageProcessor", "hf-clip"),
  NESTED_CLIP ("clipseg", "ViTImageProcessor"),
  HUGGING_FACE ("clipseg_vision_model", "ViTImageProcessor", "hf-clip"),
  NESTED ("owlvit", "OwlViTImageProcessor", "vision_config", "hf-owlvit"),
  HUGGING_FACE ("owlvit_vision_model", "OwlViTImageProcessor", "hf-owlvit"),
  NESTED ("owlv2", "Owlv2ImageProcessor", "vision_config", "hf-owlvit"),
  HUGGING_FACE ("owlv2_vision_model", "Owlv2ImageProcessor", "hf-owlvit"),
  NESTED ("blip", "BlipImageProcessor", "vision_config", "hf-blip"),
  HUGGING_FACE ("blip_vision_model", "BlipImageProcessor", "hf-blip"),
  NESTED ("siglip", "SiglipImageProcessor", "vision_config", "hf-siglip"),
  HUGGING_FACE ("siglip_vision_model", "SiglipImageProcessor", "hf-siglip"),
  NESTED ("siglip2", "Siglip2ImageProcessor", "vision_config", "hf-siglip2"),
  HUGGING_FACE ("siglip2_vision_model", "Siglip2ImageProcessor", "hf-siglip2"),
  NESTED ("llava", "LlavaImageProcessor", "vision_config", NULL),
  NESTED ("paligemma", "SiglipImageProcessor", "vision_config", NULL),
  NESTED ("sam", "SamImageProcessor", "vision_config", "hf-sam"),
  HUGGING_FACE ("sam_vision_model", "SamImageProcessor", "hf-sam"),
  HUGGING_FACE ("aimv2_vision_model", "CLIPImageProcessor", "hf-aimv2", "hf-aimv2-native"),
  NESTED ("aimv2", "CLIPImageProcessor", "vision_config", "hf-aimv2", "hf-aimv2-native"),
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "tipsv2_vision_model",
    .layouts = { "dinov2-with-registers" },
    .processor = "Tipsv2ImageProcessor",
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS,
    .normalisation = &vit_normalisation_unit },
  { .origin = VIT_ORIGIN_HUGGING_FACE, .name = "tipsv2",
    .layouts = { "dinov2-with-registers" }, .inside = "vision_config",
    .processor = "Tipsv2ImageProcessor",
    .rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS,
    .normalisation = &vit_normalisation_unit },

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
  REFUSED ("aria", FRACTIONAL),
  REFUSED ("minicpm_ocr", FRACTIONAL),
  REFUSED ("minicpm_ocr_vision", FRACTIONAL),
  REFUSED ("minicpmv4_6", FRACTIONAL),
  REFUSED ("minicpmv4_6_vision", FRACTIONAL),
  REFUSED ("minicpmv4_7", FRACTIONAL),
  REFUSED ("minicpmv4_7_vision", FRACTIONAL),
  REFUSED ("ultravbert", FRACTIONAL),
  REFUSED ("cosmos3_edge", BLOCKS),
  REFUSED ("cosmos3_edge_vision", BLOCKS),
  REFUSED ("layoutlmv3", "a norm of its own follows the positions"),
  REFUSED ("rf_detr", "it divides the tokens among windows"),
  REFUSED ("rf_detr_dinov2", "it divides the tokens among windows"),
  REFUSED ("vilt", "it resamples positions with their corners aligned"),
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
  REFUSED_TIMM ("vit_*_r26_*", CONVOLUTION),
  REFUSED_TIMM ("vit_*_r50_*", CONVOLUTION),
  REFUSED_TIMM ("vit_*_r_*", CONVOLUTION),
  REFUSED_TIMM ("vit_*_resnet*", CONVOLUTION),
  REFUSED_TIMM ("vit_*_mci_*", CONVOLUTION),
  REFUSED_TIMM ("vit_*relpos_*", RELATIVE),
  REFUSED_TIMM ("test_vit_relpos*", RELATIVE),
  REFUSED_TIMM ("vit_*_xp_*", "it normalises the tokens by an RMSNorm after "
      "the positions"),
  /* Rotary positions, inside the blocks; some have a table as well. */
  TIMM_LAYOUTS ("vit_*_rope_*", "timm-rope", "timm-vit"),
  TIMM ("vit_*_clip_*"), TIMM ("vit_pe_*"), TIMM ("vit_*dinov3*"),
  TIMM ("vit_*lingbot*"), TIMM ("beit3_*"), TIMM ("aimv2_*"),
  TIMM_6 ("vit_*"), TIMM_6 ("deit_*"), TIMM_6 ("deit3_*"),
  TIMM_6 ("flexivit_*"), TIMM_6 ("eva_*"), TIMM_6 ("eva02_*"),
  TIMM_6 ("beit_*"), TIMM_6 ("beitv2_*"), TIMM_6 ("test_vit*"),
  REFUSED_TIMM ("samvit_base_patch16_224*", RELATIVE),
  TIMM ("samvit_*"),

  { .origin = VIT_ORIGIN_OPEN_CLIP, .name = "vision_cfg" },
};

gboolean
vit_family_allows (const VitFamily *family, const VitLayout *layout)
{
  if (!family)
    return !layout->by_name_only;
  if (!family->layouts[0])
    return family->origin == layout->origin && !layout->by_name_only;
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
