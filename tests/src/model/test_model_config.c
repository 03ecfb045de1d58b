/* SPDX-License-Identifier: MIT
 *
 * What the JSON files beside the weights decide about a model, and what is
 * refused because of them, by file and key.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/model_folder.h"

static void
test_model_types_refused_by_name (void)
{
  static const char *const types[] = { "swin", "segformer", "pvt", "convnext",
    "idefics3", "yolos", "videomae", "vivit", "vjepa2", "qwen2_vl",
    "qwen2_5_vl", "aria", "minicpmv4_6",
    "cosmos3_edge", "layoutlmv3", "rf_detr", "vilt", "resnet", "bert", "clip_text_model" };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autofree char *text
        = g_strdup_printf ("{\"model_type\": \"%s\"}", types[i]);
    g_autofree char *quoted = g_strdup_printf ("\"%s\"", types[i]);

    folder_write_text ("config.json", text);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "config.json: model_type",
        quoted, "no plain ViT", NULL);
  }
}

static void
test_unknown_model_type (void)
{
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"new\\u001b[2Jnet\"}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"new\\033[2Jnet\"",
      "dinov2_with_registers", "/model.safetensors instead of the folder", NULL);
  model = folder_load ("model.safetensors");
  g_assert_cmpstr (model->layout, ==, "hf-vit");
  g_assert_nonnull (strstr (model->reason, "assumed"));
  g_assert_nonnull (strstr (model->reason, "not used: "));
  vit_model_unref (model);

  folder_write_text ("config.json", "{\"architecture\": \"cait_s24_224\"}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "architecture",
      "\"cait_s24_224\"", "vit_*", NULL);
}

static void
test_config_that_contradicts_the_weights (void)
{
  static const char *const texts[][2] = {
    { "{\"model_type\": \"vit\", \"patch_size\": 4}", "patch_size" },
    { "{\"model_type\": \"vit\", \"hidden_size\": 7}", "hidden_size" },
    { "{\"model_type\": \"dinov2_with_registers\"}", "register_tokens" },
  };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *path = folder_path (NULL);
    g_autoptr (GError) error = NULL;

    folder_write_text ("config.json", texts[i][0]);
    g_assert_null (vit_model_load (path, NULL, &error));
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, texts[i][1]));
  }
}

/* The family's own code leaves them out as well; but it should be seen. */
static void
test_registers_that_the_config_knows_nothing_of (void)
{
  const char *note = "not used: embeddings.register_tokens";
  Weights *weights;
  VitModel *model;

  folder_write_text ("config.json", "{\"model_type\": \"dinov2\"}");
  weights = weights_new_hugging_face ();
  weights_add (weights, "embeddings.mask_token", 2, 1, 6);
  folder_write_weights (weights, "model.safetensors");
  model = folder_load (NULL);
  g_assert_cmpstr (model->layout, ==, "hf-dinov2");
  g_assert_null (strstr (model->reason, "not used"));
  vit_model_unref (model);

  weights = weights_new_hugging_face ();
  weights_add (weights, "embeddings.mask_token", 2, 1, 6);
  weights_add (weights, "embeddings.register_tokens", 3, 1, 4, 6);
  folder_write_weights (weights, "model.safetensors");
  model = folder_load (NULL);
  g_assert_cmpstr (model->layout, ==, "hf-dinov2");
  g_assert_cmpuint (model->n_prefix_tokens, ==, 1);
  g_assert_nonnull (strstr (model->reason, note));
  g_assert_null (strstr (strstr (model->reason, note) + 1, note));
  vit_model_unref (model);

  folder_write_text (
      "config.json", "{\"model_type\": \"dinov2_with_registers\"}");
  model = folder_load (NULL);
  g_assert_cmpuint (model->n_prefix_tokens, ==, 5);
  g_assert_null (strstr (model->reason, "not used"));
  vit_model_unref (model);
}

static void
test_config_of_wrong_types (void)
{
  static const char *const texts[][2] = {
    { "[]", "config.json" },
    { "{\"model_type\": 1}", "model_type: is an integer" },
    { "{\"model_type\": \"vit\", \"patch_size\": \"16\"}",
        "patch_size: is a string" },
    { "{\"model_type\": \"vit\", \"patch_size\": 0}",
        "patch_size: is 0; expected 1 to 2147483647" },
    { "{\"model_type\": \"vit\", \"image_size\": 4294967300}",
        "image_size: is 4294967300; expected 1 to 2147483647" },
    { "{\"model_type\": \"vit\", \"num_register_tokens\": 2147483648}",
        "is 2147483648; expected 0 to 2147483647" },
    { "{\"model_type\": \"vit\", \"patch_size\": [2, 2, 2, 2]}",
        "patch_size: has 4 values" },
    { "{\"model_type\": \"vit\", \"image_size\": 1.5}",
        "image_size: is a real number" },
    { "{\"model_type\": \"vit\", \"hidden_size\": -6}", "hidden_size: is -6" },
    { "{\"model_type\": \"clip\", \"vision_config\": []}",
        "vision_config: is an array" },
    { "{\"model_type\": \"llava\"}", "vision_config: does not say" },
    { "{\"architecture\": \"vit_x\", \"pretrained_cfg\": {\"mean\": [1, 2]}}",
        "mean: has 2 values" },
  };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    folder_write_text ("config.json", texts[i][0]);
    assert_refused (NULL, VIT_ERROR_CONFIG, "config.json", texts[i][1], NULL);
  }
}

static void
test_preprocessor_of_wrong_values (void)
{
  static const char *const texts[][2] = {
    { "{\"image_mean\": \"x\", \"image_std\": 1}", "image_mean: is a string" },
    { "{\"image_mean\": 0, \"image_std\": [1, 0, 1]}", "image_std: is 0" },
    { "{\"do_normalize\": 1}", "do_normalize: is an integer" },
    { "{\"rescale_factor\": 0}", "rescale_factor: is 0" },
    { "{\"rescale_factor\": -1}", "rescale_factor: is -1" },
    { "{\"rescale_factor\": 1e300}", "rescale_factor: is 1e+300" },
    { "{\"rescale_factor\": 1e-300}", "rescale_factor: is 1e-300" },
    { "{\"rescale_factor\": 1e999}", "line 1" },
    { "{\"rescale_factor\": NaN}", "line 1" },
    { "{\"rescale_factor\": \"1\"}", "rescale_factor: is a string" },
    { "{\"do_rescale\": \"yes\"}", "do_rescale: is a string" },
    { "{\"image_mean\": [0, 0, null], \"image_std\": 1}",
        "image_mean: is null" },
    { "{\"image_mean\": [1e300, 0, 0], \"image_std\": 1}", "sensible size" },
    { "{\"image_mean\": 0, \"image_std\": 1e-300}", "sensible size" },
    { "{\"image_mean\": 0, \"image_mean\": 1}", "line 1" },
  };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    folder_write_text ("preprocessor_config.json", texts[i][0]);
    assert_refused (
        NULL, VIT_ERROR_CONFIG, "preprocessor_config.json", texts[i][1], NULL);
  }
}

/* x = (pixel / 255 - mean) / std, whatever the family rescales by. */
static void
test_rescaling_is_part_of_mean_and_std (void)
{
  static const struct {
    const char *text;
    double mean, std;
  } cases[] = {
    { "{\"image_mean\": 0.5, \"image_std\": 0.25}", 0.5, 0.25 },
    { "{\"image_mean\": 0.5, \"image_std\": 0.25, "
      "\"rescale_factor\": 0.00392156862745098}",
        0.5, 0.25 },
    { "{\"image_mean\": 127.5, \"image_std\": 51, \"do_rescale\": false}", 0.5,
        0.2 },
    { "{\"do_normalize\": false}", 0.0, 1.0 },
    { "{\"do_normalize\": false, \"do_rescale\": false}", 0.0, 1.0 / 255 },
    { "{\"image_mean\": 1, \"image_std\": 1, "
      "\"rescale_factor\": 0.00784313725490196}",
        0.5, 0.5 },
  };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitModel *model;

    folder_write_text ("preprocessor_config.json", cases[i].text);
    model = folder_load (NULL);
    g_assert_cmpfloat_with_epsilon (model->mean[1], cases[i].mean, 1e-12);
    g_assert_cmpfloat_with_epsilon (model->std[1], cases[i].std, 1e-12);
    vit_model_unref (model);
  }
}

/* A table of 2 x 4, which only the config can tell from no grid at all. */
static void
test_image_size_tells_a_grid_that_is_not_square (void)
{
  Weights *weights = weights_new_hugging_face ();
  VitModel *model;

  weights_remove (weights, "embeddings.position_embeddings");
  weights_add (weights, "embeddings.position_embeddings", 3, 1, 9, 6);
  folder_write_weights (weights, "model.safetensors");
  assert_refused (NULL, VIT_ERROR_TENSOR, "no square grid", NULL);
  folder_write_text (
      "config.json", "{\"model_type\": \"vit\", \"image_size\": [4, 8]}");
  model = folder_load (NULL);
  g_assert_cmpuint (model->table_rows, ==, 2);
  g_assert_cmpuint (model->table_cols, ==, 4);
  vit_model_unref (model);
}

static void
test_relative_positions_only (void)
{
  Weights *weights = weights_new_hugging_face ();

  weights_remove (weights, "embeddings.position_embeddings");
  weights_add (weights,
      "encoder.layer.0.attention.relative_position_bias."
      "relative_position_bias_table",
      2, 4, 4);
  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"beit\"}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "relative only", NULL);
}

static void
test_positions_by_a_timm_config (void)
{
  static const struct {
    const char *text;
    VitPositionRule rule;
  } cases[] = {
    { "{\"architecture\": \"naflexvit_base_patch16_gap\"}",
        VIT_POSITION_RULE_TIMM },
    { "{\"architecture\": \"naflexvit_base_patch16_siglip\"}",
        VIT_POSITION_RULE_BILINEAR_ANTIALIAS },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_interp_mode\": \"bilinear\"}}",
        VIT_POSITION_RULE_BILINEAR_ANTIALIAS },
    { "{\"architecture\": \"naflexvit_base_patch16_siglip\", "
      "\"model_args\": {\"pos_embed_interp_mode\": \"bicubic\"}}",
        VIT_POSITION_RULE_TIMM },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_antialias\": false}}",
        VIT_POSITION_RULE_SIZE },
    { "{\"architecture\": \"naflexvit_base_patch16_siglip\", "
      "\"model_args\": {\"pos_embed_antialias\": false}}",
        VIT_POSITION_RULE_BILINEAR },
  };
  static const char *const refused[][2] = {
    { "{\"architecture\": \"naflexvit_base_patch16_par_gap\"}", "square" },
    { "{\"architecture\": \"naflexvit_base_patch16_radio_v3\"}", "pixels" },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_ar_preserving\": true}}",
        "pos_embed_ar_preserving" },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_use_grid_sample\": true}}",
        "pos_embed_use_grid_sample" },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_align_corners\": true}}",
        "pos_embed_align_corners" },
    { "{\"architecture\": \"naflexvit_base_patch16_gap\", "
      "\"model_args\": {\"pos_embed_interp_mode\": \"area\"}}",
        "\"area\"" },
  };
  Weights *weights = weights_new ();

  weights_add (weights, "embeds.proj.weight", 2, 8, 12);
  weights_add (weights, "embeds.proj.bias", 1, 8);
  weights_add (weights, "embeds.pos_embed", 4, 1, 3, 3, 8);
  folder_write_weights (weights, "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitModel *model;

    folder_write_text ("config.json", cases[i].text);
    model = folder_load (NULL);
    g_assert_cmpint (model->rule, ==, cases[i].rule);
    vit_model_unref (model);
  }
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    folder_write_text ("config.json", refused[i][0]);
    assert_refused (
        NULL, VIT_ERROR_UNSUPPORTED, "config.json", refused[i][1], NULL);
  }
}

/* Idefics3's tensors have the very names and shapes of SigLIP's. */
static void
test_refused_type_beside_a_file (void)
{
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"idefics3\"}");
  assert_refused ("model.safetensors", VIT_ERROR_UNSUPPORTED, "\"idefics3\"",
      "no plain ViT", NULL);
}

static void
test_hostile_configs (void)
{
  g_autoptr (GString) deep = g_string_new ("{\"model_type\": ");
  static const char *const texts[] = { "", "{", "\xff\xfe{}", "{} {}",
    "{\"model_type\": \"vit\", \"model_type\": \"swin\"}",
    "{\"model_type\": \"vit\", \"image_size\": 99999999999999999999}",
    "{\"model_type\": \"vit\", \"image_size\": 1e400}",
    "{\"model_type\": \"vit\", \"image_size\": []}",
    "{\"model_type\": \"vit\", \"image_size\": 4294967297}",
    "{\"model_type\": \"vit\", \"layer_norm_eps\": -1}",
    "{\"model_type\": \"vit\", \"num_register_tokens\": -1}" };

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    folder_write_text ("config.json", texts[i]);
    assert_refused (NULL, VIT_ERROR_CONFIG, "config.json", NULL);
  }
  folder_write_text ("config.json", deep->str);
  assert_refused (NULL, VIT_ERROR_CONFIG, "config.json", NULL);

  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"image_size\": [2147483647, 2147483647]}");
  assert_refused (
      NULL, VIT_ERROR_CONFIG, "image_size", "9 positions of patches", NULL);

  /* Of no use, but harmless. */
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"hidden_act\": {\"a\": [[1]]}}");
  vit_model_unref (folder_load (NULL));
}

/* To the file a config that is no config is nothing; to the folder an error. */
static void
test_config_that_is_no_file (void)
{
  g_autofree char *path = folder_path ("config.json");

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_refused (NULL, VIT_ERROR_READ, "config.json", "pipe", NULL);
  vit_model_unref (folder_load ("model.safetensors"));
}

static void
link_to_itself (const char *name)
{
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (symlink (name, path), ==, 0);
}

static void
remove_file (const char *name)
{
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (unlink (path), ==, 0);
}

/* What it would say counts: it is not the same as none. */
static void
test_files_that_cannot_be_looked_at (void)
{
  static const char *const configs[] = { "config.json",
    "preprocessor_config.json", "processor_config.json",
    "open_clip_config.json" };
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++) {
    link_to_itself (configs[i]);
    assert_refused (NULL, VIT_ERROR_READ, configs[i], "symbolic links", NULL);
    /* Beside a file that was given itself it is said, and set aside. */
    model = folder_load ("model.safetensors");
    g_assert_nonnull (strstr (model->reason, "not used: "));
    g_assert_nonnull (strstr (model->reason, configs[i]));
    vit_model_unref (model);
    remove_file (configs[i]);
  }
  vit_model_unref (folder_load (NULL));
}

static void
test_weights_that_cannot_be_looked_at (void)
{
  folder_write_weights (weights_new_hugging_face (), "one.safetensors");
  vit_model_unref (folder_load (NULL));
  link_to_itself ("model.safetensors.index.json");
  assert_refused (NULL, VIT_ERROR_READ, "index.json", "symbolic links", NULL);
  link_to_itself ("model.safetensors");
  assert_refused (
      NULL, VIT_ERROR_READ, "model.safetensors: ", "symbolic links", NULL);
  assert_refused ("model.safetensors", VIT_ERROR_READ, "symbolic links", NULL);
  assert_refused ("one.safetensors/x", VIT_ERROR_NOT_FOUND, "no such", NULL);

  remove_file ("model.safetensors");
  remove_file ("model.safetensors.index.json");
  remove_file ("one.safetensors");
  link_to_itself ("two.safetensors");
  assert_refused (
      NULL, VIT_ERROR_READ, "two.safetensors", "symbolic links", NULL);
}

/* A link to what is not there is as good as none. */
static void
test_a_config_that_leads_nowhere_is_absent (void)
{
  g_autofree char *path = folder_path ("config.json");

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  g_assert_cmpint (symlink ("not-there", path), ==, 0);
  vit_model_unref (folder_load (NULL));
}

static void
test_config_given_as_the_model (void)
{
  folder_write_text ("config.json", "{\"model_type\": \"vit\"}");
  assert_refused (
      "config.json", VIT_ERROR_CONFIG, "weight_map", "give the folder", NULL);
}

static const FolderTest tests[] = {
  { "registers-that-the-config-knows-nothing-of",
      test_registers_that_the_config_knows_nothing_of },
  { "positions-by-a-timm-config", test_positions_by_a_timm_config },
  { "refused-type-beside-a-file", test_refused_type_beside_a_file },
  { "hostile-configs", test_hostile_configs },
  { "config-that-is-no-file", test_config_that_is_no_file },
  { "files-that-cannot-be-looked-at", test_files_that_cannot_be_looked_at },
  { "weights-that-cannot-be-looked-at", test_weights_that_cannot_be_looked_at },
  { "a-config-that-leads-nowhere-is-absent",
      test_a_config_that_leads_nowhere_is_absent },
  { "config-given-as-the-model", test_config_given_as_the_model },
  { "relative-positions-only", test_relative_positions_only },
  { "model-types-refused-by-name", test_model_types_refused_by_name },
  { "unknown-model-type", test_unknown_model_type },
  { "config-that-contradicts-the-weights",
      test_config_that_contradicts_the_weights },
  { "config-of-wrong-types", test_config_of_wrong_types },
  { "preprocessor-of-wrong-values", test_preprocessor_of_wrong_values },
  { "rescaling-is-part-of-mean-and-std",
      test_rescaling_is_part_of_mean_and_std },
  { "image-size-tells-a-grid-that-is-not-square",
      test_image_size_tells_a_grid_that_is_not_square },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/config/", tests, G_N_ELEMENTS (tests));
}
