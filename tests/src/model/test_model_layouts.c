/* SPDX-License-Identifier: MIT
 *
 * Layouts that are told by the names of the tensors alone: a checkpoint with
 * the tensors that a family's code writes, and what is then assumed.  Patches
 * of 2 x 2, 8 channels, a table of 3 x 3 positions.
 */
#include <stdlib.h>
#include <string.h>

#include "support/model_folder.h"

#define RULE(name) VIT_POSITION_RULE_##name

#define ORIGINAL                                                               \
  "patch_embed.proj.weight 8,3,2,2; patch_embed.proj.bias 8; "                 \
  "blocks.0.attn.qkv.weight 24,8; "
#define TIMM ORIGINAL "head.weight 5,8; "
#define CONV1                                                                  \
  "visual.conv1.weight 8,3,2,2; visual.proj 8,4; "                             \
  "visual.transformer.resblocks.0.ln_1.weight 8; "                             \
  "token_embedding.weight 7,4; positional_embedding 5,4; "
#define LN_PRE "visual.ln_pre.weight 8; visual.ln_pre.bias 8; "
#define HF                                                                     \
  "embeddings.patch_embeddings.projection.weight 8,3,2,2; "                    \
  "embeddings.patch_embeddings.projection.bias 8; "
#define HF_CLIP                                                                \
  "vision_model.embeddings.patch_embedding.weight 8,3,2,2; "                   \
  "vision_model.embeddings.position_embedding.weight 10,8; "                   \
  "vision_model.embeddings.class_embedding 8; "                                \
  "text_model.embeddings.position_embedding.weight 7,4; "                      \
  "text_model.embeddings.token_embedding.weight 7,4; "

typedef struct {
  const char *name;
  const char *tensors; /* "name shape; ..." */
  const char *layout;
  VitPositionRule rule;
  guint n_prefix;
  double mean; /* of red */
} LayoutCase;

static const LayoutCase cases[] = {
  { "dino", ORIGINAL "cls_token 1,1,8; pos_embed 1,10,8", "dino", RULE (DINO),
      1, 0.485 },
  { "dinov2", ORIGINAL "cls_token 1,1,8; pos_embed 1,10,8; mask_token 1,8",
      "dinov2", RULE (DINO), 1, 0.485 },
  { "dinov2-with-registers",
      ORIGINAL "cls_token 1,1,8; pos_embed 1,10,8; mask_token 1,8; "
               "register_tokens 1,4,8",
      "dinov2-with-registers", RULE (SIZE_ANTIALIAS), 5, 0.485 },
  { "dinov3",
      ORIGINAL "cls_token 1,1,8; storage_tokens 1,4,8; mask_token 1,8; "
               "rope_embed.periods 2",
      "dinov3", RULE (NONE), 5, 0.485 },
  { "mae-with-decoder",
      ORIGINAL "cls_token 1,1,8; pos_embed 1,10,8; mask_token 1,1,4; "
               "decoder_pos_embed 1,10,4; decoder_embed.weight 4,8",
      "mae", RULE (SIZE), 1, 0.485 },
  { "ijepa",
      "module.patch_embed.proj.weight 8,3,2,2; module.patch_embed.proj.bias 8; "
      "module.pos_embed 1,9,8; module.blocks.0.norm1.weight 8",
      "ijepa", RULE (SIZE), 0, 0.485 },
  { "sam",
      "image_encoder.patch_embed.proj.weight 8,3,2,2; "
      "image_encoder.patch_embed.proj.bias 8; "
      "image_encoder.pos_embed 1,3,3,8; image_encoder.neck.0.weight 4,8,1,1; "
      "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix 2,4",
      "timm-sam", RULE (TIMM), 0, 0.485 },
  { "beit3",
      "beit3.vision_embed.proj.weight 8,3,2,2; beit3.vision_embed.proj.bias 8; "
      "beit3.vision_embed.cls_token 1,1,8; beit3.vision_embed.mask_token "
      "1,1,8; beit3.encoder.embed_positions.A.weight 12,8; "
      "beit3.encoder.embed_positions.B.weight 7,8; "
      "beit3.text_embed.weight 7,8",
      "beit3", RULE (SIZE), 1, 0.5 },
  { "timm-vit", TIMM "cls_token 1,1,8; pos_embed 1,10,8", "timm-vit",
      RULE (TIMM), 1, 0.5 },
  { "timm-deit-distilled",
      TIMM "cls_token 1,1,8; dist_token 1,1,8; pos_embed 1,11,8", "timm-deit",
      RULE (TIMM), 2, 0.485 },
  { "timm-eva02",
      TIMM "cls_token 1,1,8; pos_embed 1,10,8; blocks.0.attn.q_proj.weight 8,8",
      "timm-eva", RULE (TIMM), 1, 0.48145466 },
  { "timm-clip",
      "patch_embed.proj.weight 8,3,2,2; cls_token 1,1,8; pos_embed 1,10,8; "
      "norm_pre.weight 8; norm_pre.bias 8",
      "timm-clip", RULE (TIMM), 1, 0.48145466 },
  { "timm-siglip", ORIGINAL "pos_embed 1,9,8; attn_pool.latent 1,1,8",
      "timm-vit", RULE (TIMM), 0, 0.5 },
  { "timm-aimv2", TIMM "pos_embed 1,9,8; patch_embed.norm.weight 8",
      "timm-aimv2", RULE (TIMM), 0, 0.48145466 },
  { "timm-dinov3", ORIGINAL "cls_token 1,1,8; reg_token 1,4,8", "timm-dinov3",
      RULE (NONE), 5, 0.485 },
  { "timm-trunk-of-openclip",
      "visual.trunk.patch_embed.proj.weight 8,3,2,2; "
      "visual.trunk.patch_embed.proj.bias 8; visual.trunk.pos_embed 1,9,8; "
      "visual.trunk.attn_pool.latent 1,1,8; text.positional_embedding 7,4",
      "timm-vit", RULE (TIMM), 0, 0.5 },
  { "openclip",
      CONV1 LN_PRE "visual.class_embedding 8; visual.positional_embedding 10,8",
      "openclip", RULE (OPENCLIP), 1, 0.48145466 },
  { "openclip-without-ln-pre",
      CONV1 "visual.class_embedding 8; visual.positional_embedding 10,8",
      "openclip-no-ln-pre", RULE (OPENCLIP), 1, 0.48145466 },
  { "perception-encoder-core",
      CONV1 LN_PRE "visual.class_embedding 8; visual.attn_pool.probe 1,1,8; "
                   "visual.positional_embedding 10,8",
      "perception-encoder", RULE (BILINEAR), 1, 0.5 },
  { "perception-encoder-core-without-class-token",
      CONV1 LN_PRE "visual.attn_pool.probe 1,1,8; "
                   "visual.positional_embedding 9,8",
      "perception-encoder", RULE (BILINEAR), 0, 0.5 },
  { "perception-encoder-spatial",
      "conv1.weight 8,3,2,2; ln_pre.weight 8; ln_pre.bias 8; "
      "positional_embedding 9,8; transformer.resblocks.0.ls_1.gamma 8",
      "perception-encoder-dense", RULE (BILINEAR), 0, 0.5 },
  { "hf-vit",
      HF "embeddings.cls_token 1,1,8; embeddings.position_embeddings "
         "1,10,8; embeddings.mask_token 1,1,8",
      "hf-vit", RULE (SIZE), 1, 0.5 },
  { "hf-vit-with-eight-class-tokens",
      HF "embeddings.cls_token 1,8,8; embeddings.position_embeddings 1,17,8",
      "hf-vit", RULE (SIZE), 8, 0.5 },
  { "hf-eomt",
      HF "embeddings.cls_token 1,1,8; embeddings.register_tokens 1,4,8; "
         "embeddings.position_embeddings.weight 9,8",
      "hf-eomt", RULE (SIZE), 5, 0.485 },
  { "hf-aimv2-native",
      "embeddings.patch_embed.weight 8,3,2,2; embeddings.patch_embed.bias 8; "
      "embeddings.rms_norm.weight 8",
      "hf-aimv2-native", RULE (SINCOS), 0, 0.48145466 },
  { "hf-clip-not-its-text",
      HF_CLIP "vision_model.pre_layrnorm.weight 8; "
              "vision_model.pre_layrnorm.bias 8; "
              "vision_model.embeddings.position_ids 1,10",
      "hf-clip", RULE (SIZE), 1, 0.48145466 },
  { "hf-owlvit",
      HF_CLIP "vision_model.pre_layernorm.weight 8; "
              "vision_model.pre_layernorm.bias 8",
      "hf-owlvit", RULE (SIZE), 1, 0.48145466 },
  { "hf-siglip2-linear",
      "embeddings.patch_embedding.weight 8,12; embeddings.patch_embedding.bias "
      "8; embeddings.position_embedding.weight 9,8",
      "hf-siglip2", RULE (BILINEAR_ANTIALIAS), 0, 0.5 },
};

/* "name 1,2,3" */
static void
add_tensor (Weights *weights, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, " ", 2);
  g_auto (GStrv) sizes = g_strsplit (parts[1], ",", 4);
  int size[4] = { 0 };
  guint rank = g_strv_length (sizes);

  g_assert_cmpuint (rank, <=, 4);
  for (guint i = 0; i < rank; i++)
    size[i] = atoi (sizes[i]);
  weights_add (weights, parts[0], rank, size[0], size[1], size[2], size[3]);
}

static void
test_layout (gconstpointer data)
{
  const LayoutCase *one = data;
  g_auto (GStrv) tensors = g_strsplit (one->tensors, ";", -1);
  Weights *weights = weights_new ();
  VitModel *model;

  for (guint i = 0; tensors[i]; i++)
    if (*g_strstrip (tensors[i]))
      add_tensor (weights, tensors[i]);
  folder_write_weights (weights, "m.safetensors");
  model = folder_load ("m.safetensors");
  g_assert_cmpstr (model->layout, ==, one->layout);
  g_assert_cmpint (model->rule, ==, one->rule);
  g_assert_cmpuint (model->n_prefix_tokens, ==, one->n_prefix);
  g_assert_cmpfloat (model->mean[0], ==, one->mean);
  g_assert_cmpuint (model->patch_size, ==, 2);
  g_assert_cmpuint (model->embed_dim, ==, 8);
  g_assert_nonnull (strstr (model->reason, "assumed"));
  if (one->rule != RULE (NONE) && one->rule != RULE (SINCOS)) {
    g_assert_cmpuint (model->table_rows, ==, 3);
    g_assert_cmpuint (model->table_cols, ==, 3);
  }
  vit_model_unref (model);
}

/* The first two rows of BEiT-3's table are no positions. */
static void
test_unused_rows_are_left_out (void)
{
  const char *table = "encoder.embed_positions.A.weight";
  Weights *weights = weights_new ();
  VitModel *model;

  add_tensor (weights, "vision_embed.proj.weight 8,3,2,2");
  add_tensor (weights, "vision_embed.proj.bias 8");
  add_tensor (weights, "vision_embed.cls_token 1,1,8");
  weights_add (weights, table, 2, 12, 8);
  for (guint row = 0; row < 12; row++)
    weights_set (weights, table, row * 8, (float) row);
  folder_write_weights (weights, "m.safetensors");
  model = folder_load ("m.safetensors");
  g_assert_cmpfloat (model->prefix_tokens[0], ==, 0.5f + 2.0f);
  g_assert_cmpfloat (model->table[0], ==, 3.0f);
  g_assert_cmpfloat (model->table[8 * 8], ==, 11.0f);
  vit_model_unref (model);
}

static const FolderTest tests[] = {
  { "unused-rows-are-left-out", test_unused_rows_are_left_out },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path
        = g_strconcat ("/model/layouts/", cases[i].name, NULL);

    g_test_add_data_func (path, &cases[i], test_layout);
  }
  return folder_run_tests ("/model/layouts/", tests, G_N_ELEMENTS (tests));
}
