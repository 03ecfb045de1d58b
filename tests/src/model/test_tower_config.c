/* SPDX-License-Identifier: MIT
 *
 * Models of several parts are opened by the config of the tower in them, by
 * whatever name they and the object that holds it go.
 */
#include <string.h>

#include "support/model_folder.h"

#define TOWER "{\"model_type\": \"dinov2\", \"patch_size\": 2, \"image_size\": 6}"
#define OTHER "{\"model_type\": \"vit\", \"patch_size\": 2}"
#define TEXT "{\"model_type\": \"llama\", \"hidden_size\": 4096}"

/* A Hugging Face DINOv2 below "model.vision_tower.". */
static void
write_tower (void)
{
  Weights *weights = weights_new_hugging_face ();

  weights_add (weights, "embeddings.mask_token", 2, 1, 6);
  weights_add_prefix (weights, "model.vision_tower.");
  folder_write_weights (weights, "model.safetensors");
}

static void
test_towers_wherever_they_stand (void)
{
  static const char *const configs[] = {
    "{\"model_type\": \"new_vl\", \"vision_config\": " TOWER
    ", \"text_config\": " TEXT "}",
    "{\"model_type\": \"vision-encoder-decoder\", \"decoder\": " TEXT
    ", \"encoder\": " TOWER "}",
    "{\"model_type\": \"new_depth\", \"backbone_config\": " TOWER "}",
    "{\"model_type\": \"dpt\", \"hidden_size\": 768, \"patch_size\": 16, "
    "\"backbone_config\": " TOWER "}",
    "{\"model_type\": \"new_search\", \"vlm_config\": {\"model_type\": "
    "\"new_vl\", \"vision_config\": " TOWER "}}",
    "{\"model_type\": \"new_search\", \"vlm_config\": {\"model_type\": "
    "\"llava\", \"vision_config\": " TOWER ", \"text_config\": " TEXT "}}",
    "{\"model_type\": \"new_depth\", \"a_config\": " TOWER
    ", \"b_config\": " TOWER "}",
    "{\"model_type\": \"new\", \"vision_config\": " TOWER
    ", \"text_config\": {\"model_type\": \"vit\"}, \"other\": {}, \"x\": [1]}",
  };

  write_tower ();
  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++) {
    VitModel *model;

    folder_write_text ("config.json", configs[i]);
    model = folder_load (NULL);
    g_assert_cmpstr (model->layout, ==, "hf-dinov2");
    g_assert_false (model->rule_is_assumed);
    g_assert_nonnull (
        strstr (model->reason, "model_type dinov2 in config.json"));
    vit_model_unref (model);
  }
}

/* Its sizes are held against the tensors, not those of the whole. */
static void
test_sizes_of_the_tower (void)
{
  write_tower ();
  folder_write_text ("config.json",
      "{\"model_type\": \"new_vl\", \"hidden_size\": 6, \"vision_config\": "
      "{\"model_type\": \"dinov2\", \"hidden_size\": 7}}");
  assert_refused (
      NULL, VIT_ERROR_CONFIG, "hidden_size in", "config.json is 7", NULL);
}

static void
test_towers_that_differ (void)
{
  static const char *const others[] = { OTHER,
    "{\"model_type\": \"dinov2\", \"patch_size\": 2, \"image_size\": 8}" };

  write_tower ();
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autofree char *config = g_strdup_printf (
        "{\"model_type\": \"new\", \"vision_config\": " TOWER
        ", \"high_config\": %s}",
        others[i]);
    VitModel *model;

    folder_write_text ("config.json", config);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "config.json: vision_config",
        "high_config is another", "model-prefix", NULL);
    /* The advice can be followed. */
    model = folder_load ("model.safetensors");
    g_assert_cmpstr (model->layout, ==, "hf-dinov2");
    g_assert_nonnull (strstr (model->reason, "not used: "));
    vit_model_unref (model);
  }
}

static void
test_towers_that_are_refused (void)
{
  write_tower ();
  folder_write_text ("config.json",
      "{\"model_type\": \"new_segmenter\", \"backbone_config\": "
      "{\"model_type\": \"swin\"}}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"swin\" is no plain ViT",
      "pyramid", NULL);
  folder_write_text ("config.json",
      "{\"model_type\": \"new_chat\", \"text_config\": " TEXT "}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"new_chat\" is not known", NULL);
  /* Three levels down is no tower of this model. */
  folder_write_text ("config.json",
      "{\"model_type\": \"n\", \"a\": {\"model_type\": \"n\", \"b\": "
      "{\"model_type\": \"n\", \"c\": " TOWER "}}}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"n\" is not known", NULL);
  folder_write_text ("config.json",
      "{\"model_type\": \"n\", \"a\": {\"model_type\": 3}}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "model_type", "a string", NULL);
}

/* DPT without a backbone is a ViT whose positions are resampled plainly. */
static void
test_dpt_of_its_own (void)
{
  Weights *weights = weights_new_hugging_face ();
  VitModel *model;

  weights_add_prefix (weights, "dpt.");
  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("config.json",
      "{\"model_type\": \"dpt\", \"backbone_config\": null, \"patch_size\": 2, "
      "\"hidden_size\": 6, \"image_size\": 6}");
  model = folder_load (NULL);
  g_assert_cmpint (model->rule, ==, VIT_POSITION_RULE_BILINEAR);
  g_assert_cmpfloat (model->mean[0], ==, 0.5);
  vit_model_unref (model);
  folder_write_text (
      "config.json", "{\"model_type\": \"dpt\", \"patch_size\": 4}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "patch_size", "is 4", NULL);
}

static const FolderTest tests[] = {
  { "towers-wherever-they-stand", test_towers_wherever_they_stand },
  { "sizes-of-the-tower", test_sizes_of_the_tower },
  { "towers-that-differ", test_towers_that_differ },
  { "towers-that-are-refused", test_towers_that_are_refused },
  { "dpt-of-its-own", test_dpt_of_its_own },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/tower-config/", tests, G_N_ELEMENTS (tests));
}
