/* SPDX-License-Identifier: MIT
 *
 * What the name of a model in its config decides, and what is made of a config
 * that gives no name or one that is not known.
 */
#include "support/model_folder.h"

static void
write_table (guint n_positions)
{
  Weights *weights = weights_new_hugging_face ();

  weights_remove (weights, "embeddings.position_embeddings");
  weights_add (
      weights, "embeddings.position_embeddings", 3, 1, 1 + n_positions, 6);
  folder_write_weights (weights, "model.safetensors");
}

static void
assert_table (const char *name, guint rows, guint cols)
{
  VitModel *model = folder_load (name);

  g_assert_cmpuint (model->table_rows, ==, rows);
  g_assert_cmpuint (model->table_cols, ==, cols);
  vit_model_unref (model);
}

/* A config that names no model, or beside a file one that is not known. */
static void
test_sizes_of_a_model_that_is_not_known (void)
{
  static const char *const names[] = { "", "\"model_type\": \"new\", " };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const char *given = i == 0 ? NULL : "model.safetensors";
    g_autofree char *agrees = g_strdup_printf (
        "{%s\"image_size\": [6, 8], \"patch_size\": 2, \"hidden_size\": 99}",
        names[i]);
    g_autofree char *oblong
        = g_strdup_printf ("{%s\"image_size\": [4, 16]}", names[i]);
    g_autofree char *other
        = g_strdup_printf ("{%s\"image_size\": 8}", names[i]);
    g_autofree char *patch
        = g_strdup_printf ("{%s\"patch_size\": 3}", names[i]);

    write_table (12);
    folder_write_text ("config.json", agrees);
    assert_table (given, 3, 4);
    assert_table ("model.safetensors", 3, 4);
    folder_write_text ("config.json", other);
    assert_refused (given, VIT_ERROR_CONFIG, "12 positions of patches",
        "image_size", "8 x 8", "16 patches of 2 x 2", NULL);
    folder_write_text ("config.json", patch);
    assert_refused (given, VIT_ERROR_CONFIG, "patch_size", "is 3", NULL);
    write_table (16);
    folder_write_text ("config.json", other);
    assert_table (given, 4, 4);
    /* 16 could be a square as well, and no family says which side is first. */
    folder_write_text ("config.json", oblong);
    assert_refused (
        given, VIT_ERROR_CONFIG, "2 x 8", "4 x 4", "model_type", NULL);
  }
  folder_write_text (
      "config.json", "{\"model_type\": \"vit\", \"image_size\": [4, 16]}");
  assert_table (NULL, 2, 8);

  /* Of a pyramid, for one: it is the name that is said. */
  folder_write_text ("config.json",
      "{\"model_type\": \"new\", \"patch_size\": [7, 3, 3, 3]}");
  assert_refused (
      NULL, VIT_ERROR_UNSUPPORTED, "\"new\" is not known", NULL);
  assert_table ("model.safetensors", 4, 4);
}

static void
test_epsilon (void)
{
  static const struct {
    const char *text;
    double epsilon;
  } cases[] = {
    { "{\"model_type\": \"clip_vision_model\"}", 1e-5 },
    { "{\"model_type\": \"clip_vision_model\", \"layer_norm_eps\": 1e-3}",
        1e-3 },
    { "{\"model_type\": \"clip_vision_model\", \"rms_norm_eps\": 1e-3}",
        1e-5 },
    { "{\"layer_norm_eps\": 1e-3}", 1e-3 },
    { "{\"model_type\": \"clip\", \"vision_config\": {\"layer_norm_eps\": "
      "1e-3}}",
        1e-3 },
    { "{\"model_type\": \"clip\", \"vision_config\": {\"layer_norm_eps\": "
      "1e-3, \"image_size\": 8}, \"vision_config_dict\": "
      "{\"layer_norm_eps\": 1e-2, \"image_size\": 6}}",
        1e-2 },
  };
  Weights *weights = weights_new ();

  weights_add (weights, "embeddings.patch_embedding.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "embeddings.class_embedding", 1, 6);
  weights_add (weights, "embeddings.position_embedding.weight", 2, 10, 6);
  weights_add (weights, "pre_layrnorm.weight", 1, 6);
  weights_add (weights, "pre_layrnorm.bias", 1, 6);
  folder_write_weights (weights, "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitModel *model;

    folder_write_text ("config.json", cases[i].text);
    model = folder_load (NULL);
    g_assert_cmpfloat (model->norm_epsilon, ==, cases[i].epsilon);
    vit_model_unref (model);
  }
}

static void
test_epsilon_of_open_clip (void)
{
  static const char *start = "{\"model_cfg\": {\"vision_cfg\": {";
  static const struct {
    const char *norm;
    double epsilon;
  } cases[] = {
    { "", 1e-5 },
    { "\"norm_kwargs\": null", 1e-5 },
    { "\"norm_kwargs\": {\"eps\": 1e-6}", 1e-6 },
    { "\"norm_kwargs\": {\"eps\": 1e-3, \"bias\": true}", 1e-3 },
  };
  Weights *weights = weights_new ();

  weights_add (weights, "visual.conv1.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "visual.class_embedding", 1, 6);
  weights_add (weights, "visual.positional_embedding", 2, 10, 6);
  weights_add (weights, "visual.ln_pre.weight", 1, 6);
  weights_add (weights, "visual.ln_pre.bias", 1, 6);
  folder_write_weights (weights, "open_clip_model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strconcat (start, cases[i].norm, "}}}", NULL);
    VitModel *model;

    folder_write_text ("open_clip_config.json", text);
    model = folder_load (NULL);
    g_assert_cmpfloat (model->norm_epsilon, ==, cases[i].epsilon);
    vit_model_unref (model);
  }
  folder_write_text ("open_clip_config.json",
      "{\"model_cfg\": {\"vision_cfg\": {\"norm_kwargs\": "
      "{\"elementwise_affine\": false}}}}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "norm_kwargs",
      "elementwise_affine", NULL);
}

/* timm's norms by the architecture, or by the name of the norm itself. */
static void
test_epsilon_of_timm (void)
{
  static const struct {
    const char *name, *arguments;
    double epsilon;
  } cases[] = {
    { "vit_base_patch16_clip_224.openai", "", 1e-5 },
    { "vit_pe_core_base_patch16_224", "", 1e-5 },
    { "vit_base_patch16_224", "\"pre_norm\": true", 1e-6 },
    { "eva02_base_patch14_224", "\"use_pre_transformer_norm\": true", 1e-6 },
    { "vit_base_patch16_clip_224", "\"norm_layer\": \"layernorm\"", 1e-6 },
  };
  Weights *weights = weights_new_dinov2 ();

  weights_add (weights, "norm_pre.weight", 1, 6);
  weights_add (weights, "norm_pre.bias", 1, 6);
  folder_write_weights (weights, "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"architecture\": \"%s\", \"model_args\": {%s}}", cases[i].name,
        cases[i].arguments);
    VitModel *model;

    folder_write_text ("config.json", text);
    model = folder_load (NULL);
    g_assert_cmpstr (model->layout, ==, "timm-clip");
    g_assert_cmpfloat (model->norm_epsilon, ==, cases[i].epsilon);
    vit_model_unref (model);
  }
}

/* Norms that arguments add, of which the layouts know nothing. */
static void
test_norms_that_arguments_add (void)
{
  static const char *const norms[]
      = { "norm_pre.weight", "patch_embed.norm.weight" };

  folder_write_text (
      "config.json", "{\"architecture\": \"vit_base_patch16_224\"}");
  for (guint i = 0; i < G_N_ELEMENTS (norms); i++) {
    Weights *weights = weights_new_dinov2 ();

    weights_add (weights, norms[i], 1, 6);
    folder_write_weights (weights, "model.safetensors");
    assert_refused (NULL, VIT_ERROR_TENSOR, "norm", "layout timm-", NULL);
  }
}

/* What tells DINOv2 from a ViT is not needed where the config does. */
static void
test_dinov2_without_a_mask_token (void)
{
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"dinov2\"}");
  model = folder_load (NULL);
  g_assert_cmpstr (model->layout, ==, "hf-dinov2");
  vit_model_unref (model);
}

/* The same tensors without such a name are a table's that is missing. */
static void
test_rotary_positions_by_name (void)
{
  static const char *const names[] = { "vit_small_patch16_rope_224",
    "vit_base_patch16_rope_mixed_224.naver_in1k",
    "vit_medium_patch16_rope_reg1_gap_256" };
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, "pos_embed");
  weights_remove (weights, "mask_token");
  folder_write_weights (weights, "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *text
        = g_strdup_printf ("{\"architecture\": \"%s\"}", names[i]);
    VitModel *model;

    folder_write_text ("config.json", text);
    model = folder_load (NULL);
    g_assert_cmpstr (model->layout, ==, "timm-rope");
    g_assert_cmpint (model->rule, ==, VIT_POSITION_RULE_NONE);
    g_assert_cmpuint (model->n_prefix_tokens, ==, 1);
    vit_model_unref (model);
  }
  folder_write_text (
      "config.json", "{\"architecture\": \"vit_small_patch16_224\"}");
  assert_refused (NULL, VIT_ERROR_TENSOR, "pos_embed is missing", NULL);

  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  folder_write_text (
      "config.json", "{\"architecture\": \"vit_small_patch16_rope_ape_224\"}");
  assert_table (NULL, 3, 3);
}

static void
test_architectures_refused_by_name (void)
{
  static const char *const names[] = { "vit_base_r50_s16_224.orig_in21k",
    "vit_tiny_r_s16_p8_224", "vit_small_resnet26d_224", "vit_base_mci_224",
    "vit_relpos_base_patch16_clsgap_224", "vit_srelpos_small_patch16_224",
    "vit_large_patch14_xp_224", "samvit_base_patch16_224" };

  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *text
        = g_strdup_printf ("{\"architecture\": \"%s\"}", names[i]);

    folder_write_text ("config.json", text);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "config.json: architecture",
        names[i], "no plain ViT", NULL);
  }
}

/* A DPT of its own is a ViT that resamples in its own way; one on another
 * backbone goes by that backbone. */
static void
test_rule_of_dpt (void)
{
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text (
      "config.json", "{\"model_type\": \"dpt\", \"backbone_config\": null}");
  model = folder_load (NULL);
  g_assert_cmpint (model->rule, ==, VIT_POSITION_RULE_BILINEAR);
  vit_model_unref (model);

  folder_write_text ("config.json", "{\"model_type\": \"dpt\", "
                                    "\"backbone_config\": {\"model_type\": "
                                    "\"vit\"}}");
  model = folder_load (NULL);
  g_assert_cmpint (model->rule, ==, VIT_POSITION_RULE_SIZE);
  vit_model_unref (model);

  folder_write_text ("config.json", "{\"model_type\": \"dpt\", "
                                    "\"backbone_config\": {\"model_type\": "
                                    "\"bit\"}}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"bit\"", NULL);
}

/* EoMT keeps DINOv2's names for a table without rows of prefix tokens. */
static void
test_eomt (void)
{
  Weights *weights = weights_new_hugging_face ();
  VitModel *model;

  weights_remove (weights, "embeddings.position_embeddings");
  weights_add (weights, "embeddings.position_embeddings.weight", 2, 9, 6);
  weights_add (weights, "embeddings.register_tokens", 3, 1, 4, 6);
  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"eomt\"}");
  model = folder_load (NULL);
  g_assert_cmpstr (model->layout, ==, "hf-eomt");
  g_assert_cmpuint (model->n_prefix_tokens, ==, 5);
  g_assert_cmpuint (model->table_rows, ==, 3);
  /* No row is added to a prefix token. */
  g_assert_cmpfloat (model->prefix_tokens[0], ==, 0.5f);
  vit_model_unref (model);
}

/* Where each number in force came from, whatever was set instead. */
static void
test_explanation (void)
{
  g_autofree char *set = NULL, *mean = NULL, *rule = NULL;
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"vit\"}");
  folder_write_text ("preprocessor_config.json",
      "{\"image_mean\": 0.5, \"image_std\": 0.5}");
  model = folder_load (NULL);
  g_assert_cmpstr (model->reason, ==,
      "position rule size: model_type vit in config.json; mean and std: "
      "preprocessor_config.json");
  set = vit_model_explain (model, VIT_POSITION_RULE_DINO, TRUE, TRUE);
  g_assert_cmpstr (set, ==,
      "position rule dino: as it was set; mean and std: as they were set");
  mean = vit_model_explain (model, VIT_POSITION_RULE_AUTO, TRUE, FALSE);
  g_assert_cmpstr (mean, ==,
      "position rule size: model_type vit in config.json; mean: as it was set; "
      "std: preprocessor_config.json");
  rule = vit_model_explain (model, VIT_POSITION_RULE_SIZE, FALSE, TRUE);
  g_assert_cmpstr (rule, ==,
      "position rule size: as it was set; std: as it was set; mean: "
      "preprocessor_config.json");
  vit_model_unref (model);
}

static const FolderTest tests[] = {
  { "sizes-of-a-model-that-is-not-known",
      test_sizes_of_a_model_that_is_not_known },
  { "epsilon", test_epsilon },
  { "epsilon-of-open-clip", test_epsilon_of_open_clip },
  { "epsilon-of-timm", test_epsilon_of_timm },
  { "norms-that-arguments-add", test_norms_that_arguments_add },
  { "dinov2-without-a-mask-token", test_dinov2_without_a_mask_token },
  { "rotary-positions-by-name", test_rotary_positions_by_name },
  { "architectures-refused-by-name", test_architectures_refused_by_name },
  { "rule-of-dpt", test_rule_of_dpt },
  { "eomt", test_eomt },
  { "explanation", test_explanation },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/names/", tests, G_N_ELEMENTS (tests));
}
