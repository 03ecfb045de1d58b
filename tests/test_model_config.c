/* SPDX-License-Identifier: MIT
 *
 * What the JSON files beside the weights decide about a model, and what is
 * refused because of them, by file and key.
 */
#include <string.h>

#include "model_folder.h"

static void
test_model_types_refused_by_name (void)
{
  static const char *const types[] = { "swin", "segformer", "pvt", "convnext",
    "idefics3", "yolos", "videomae", "vjepa2", "qwen2_vl", "bert" };

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
      "dinov2_with_registers", "FOLDER/model.safetensors", NULL);
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
    g_assert_null (vit_model_load (path, &error));
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, texts[i][1]));
  }
}

static void
test_config_of_wrong_types (void)
{
  static const char *const texts[][2] = {
    { "[]", "config.json" },
    { "{\"model_type\": 1}", "model_type: is an integer" },
    { "{\"model_type\": \"vit\", \"patch_size\": \"16\"}",
        "patch_size: is a string" },
    { "{\"model_type\": \"vit\", \"patch_size\": 0}", "patch_size: is 0" },
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
    { "{\"image_mean\": [0, 0, 0]}", "image_std: is missing" },
    { "{\"image_mean\": 0, \"image_std\": [1, 0, 1]}", "image_std: is 0" },
    { "{\"do_normalize\": 1}", "do_normalize: is an integer" },
    { "{\"rescale_factor\": 0}", "rescale_factor: is 0" },
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
test_config_given_as_the_model (void)
{
  folder_write_text ("config.json", "{\"model_type\": \"vit\"}");
  assert_refused (
      "config.json", VIT_ERROR_CONFIG, "weight_map", "give the folder", NULL);
}

static const FolderTest tests[] = {
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
