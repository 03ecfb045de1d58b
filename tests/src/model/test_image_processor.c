/* SPDX-License-Identifier: MIT
 *
 * Which file says mean and std, and what is made of it.  The numbers are what
 * transformers 5.23, timm 1.0.31 and open_clip 3.3 made of the same files.
 */
#include <string.h>

#include "support/model_folder.h"

#define MEAN "\"image_mean\": [0.1, 0.2, 0.3]"
#define STD "\"image_std\": [0.4, 0.5, 0.6]"
#define VIT "\"image_processor_type\": \"ViTImageProcessor\""

static void
write_model (const char *config)
{
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", config);
}

/* Of the second channel, green. */
static void
assert_normalises (const char *name, double mean, double std)
{
  VitModel *model = folder_load (name);

  g_assert_cmpfloat_with_epsilon (model->mean[1], mean, 1e-9);
  g_assert_cmpfloat_with_epsilon (model->std[1], std, 1e-9);
  vit_model_unref (model);
}

/* The nested one counts, whole, for a folder as for the file in it. */
static void
test_order_of_the_files (void)
{
  static const struct {
    const char *processor, *preprocessor;
    double mean;
  } cases[] = {
    { "{\"image_processor\": {" VIT ", " MEAN "}}",
        "{" VIT ", \"image_mean\": 0.7}", 0.2 },
    { "{\"image_processor\": {" VIT "}}", "{" VIT ", " MEAN "}", 0.5 },
    { "{\"image_processor\": {\"image_processor_type\": "
      "\"CLIPImageProcessor\"}}",
        "{" VIT ", " MEAN "}", 0.4578275 },
    { "{\"image_processor\": null}", "{" VIT ", " MEAN "}", 0.2 },
    { "{\"processor_class\": \"X\"}", "{" VIT ", " MEAN "}", 0.2 },
    { "{\"image_processor\": {" VIT ", " MEAN "}}", "not even JSON", 0.2 },
  };

  write_model ("{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    folder_write_text ("processor_config.json", cases[i].processor);
    folder_write_text ("preprocessor_config.json", cases[i].preprocessor);
    assert_normalises (NULL, cases[i].mean, i == 2 ? 0.26130258 : 0.5);
    assert_normalises (
        "model.safetensors", cases[i].mean, i == 2 ? 0.26130258 : 0.5);
  }
  folder_write_text ("processor_config.json", "{\"image_processor\": []}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "processor_config.json",
      "image_processor: is an array", NULL);
}

/* A field that is not there is the class's; null is false. */
static void
test_fields_alone_and_together (void)
{
  static const struct {
    const char *fields;
    double mean, std;
  } cases[] = {
    { "", 0.5, 0.5 },
    { ", " MEAN, 0.2, 0.5 },
    { ", " STD, 0.5, 0.5 },
    { ", " MEAN ", " STD, 0.2, 0.5 },
    { ", \"do_rescale\": false", 0.5 / 255, 0.5 / 255 },
    { ", \"do_rescale\": null", 0.5 / 255, 0.5 / 255 },
    { ", \"do_rescale\": true", 0.5, 0.5 },
    { ", \"rescale_factor\": 0.0078431372549019607", 0.25, 0.25 },
    { ", \"do_rescale\": false, \"rescale_factor\": 7", 0.5 / 255, 0.5 / 255 },
    { ", \"do_rescale\": false, \"rescale_factor\": null", 0.5 / 255,
        0.5 / 255 },
    { ", \"do_rescale\": false, " MEAN, 0.2 / 255, 0.5 / 255 },
    { ", \"rescale_factor\": 0.0078431372549019607, " STD, 0.25, 0.25 },
    { ", \"do_normalize\": false", 0.0, 1.0 },
    { ", \"do_normalize\": null", 0.0, 1.0 },
    { ", \"do_normalize\": false, " MEAN ", " STD, 0.0, 1.0 },
    { ", \"do_normalize\": false, \"image_mean\": null", 0.0, 1.0 },
    { ", \"do_normalize\": null, \"do_rescale\": null", 0.0, 1.0 / 255 },
    { ", \"do_normalize\": false, \"rescale_factor\": 0.0078431372549019607",
        0.0, 0.5 },
  };
  static const char *const refused[][2] = {
    { ", \"image_mean\": null", "image_mean: is null" },
    { ", \"image_std\": null, " MEAN, "image_std: is null" },
    { ", \"rescale_factor\": null", "rescale_factor: is null" },
  };

  write_model ("{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf ("{" VIT "%s}", cases[i].fields);

    folder_write_text ("preprocessor_config.json", text);
    assert_normalises (NULL, cases[i].mean, cases[i].std);
  }
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree char *text = g_strdup_printf ("{" VIT "%s}", refused[i][0]);

    folder_write_text ("preprocessor_config.json", text);
    assert_refused (NULL, VIT_ERROR_CONFIG, "preprocessor_config.json",
        refused[i][1], NULL);
  }
}

static void
test_class_by_any_of_its_names (void)
{
  static const struct {
    const char *text;
    double mean;
  } cases[] = {
    { "{\"image_processor_type\": \"CLIPImageProcessor\"}", 0.4578275 },
    { "{\"image_processor_type\": \"CLIPImageProcessorFast\"}", 0.4578275 },
    { "{\"image_processor_type\": \"CLIPImageProcessorPil\"}", 0.4578275 },
    { "{\"feature_extractor_type\": \"CLIPFeatureExtractor\"}", 0.4578275 },
    { "{\"image_processor_type\": \"BitImageProcessor\", "
      "\"feature_extractor_type\": \"ViTFeatureExtractor\"}",
        0.4578275 },
    { "{\"image_processor_type\": \"EomtImageProcessor\"}", 0.456 },
    { "{\"image_processor_type\": \"Siglip2ImageProcessorFast\"}", 0.5 },
    { "{\"image_processor_type\": \"Tipsv2ImageProcessor\"}", 0.0 },
    { "{\"image_processor_type\": null}", 0.5 },
    { "{}", 0.5 }, /* the model's own: ViTImageProcessor */
  };

  Weights *weights = weights_new_hugging_face ();

  weights_remove (weights, "embeddings.cls_token");
  weights_remove (weights, "embeddings.position_embeddings");
  weights_add (weights, "embeddings.position_embeddings", 3, 1, 9, 6);
  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("config.json", "{\"model_type\": \"ijepa\"}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitModel *model;

    folder_write_text ("preprocessor_config.json", cases[i].text);
    model = folder_load (NULL);
    g_assert_cmpfloat (model->mean[1], ==, cases[i].mean);
    g_assert_false (model->normalisation_is_assumed);
    vit_model_unref (model);
  }
}

/* Its fields are taken, and it is said that they may not be all. */
static void
test_class_that_is_not_known (void)
{
  static const char *const texts[] = {
    "{\"image_processor_type\": \"NewImageProcessor\", " MEAN ", " STD "}",
    "{\"image_processor_type\": \"ViTImageProcessorNew\", " MEAN ", " STD "}",
    "{\"auto_map\": {\"AutoImageProcessor\": \"a.B\"}, " MEAN ", " STD "}",
    "{" VIT ", \"auto_map\": {\"AutoImageProcessor\": \"a.B\"}, " MEAN
    ", " STD "}",
  };
  VitModel *model;

  write_model ("{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    folder_write_text ("preprocessor_config.json", texts[i]);
    model = folder_load (NULL);
    g_assert_cmpfloat (model->mean[1], ==, 0.2);
    g_assert_true (model->normalisation_is_assumed);
    g_assert_nonnull (strstr (model->reason, "assumed to say all"));
    vit_model_unref (model);
  }
  /* Without numbers those of the layout count, of the same scale. */
  folder_write_text ("preprocessor_config.json",
      "{\"image_processor_type\": \"New\", \"do_rescale\": false}");
  assert_normalises (NULL, 0.5 / 255, 0.5 / 255);
  folder_write_text ("preprocessor_config.json",
      "{\"image_processor_type\": \"New\", " MEAN "}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "image_std: is missing", NULL);
}

/* What mean and std cannot express; beside a file it is set aside and said. */
static void
test_classes_and_fields_that_do_more (void)
{
  static const char *const texts[][2] = {
    { "{\"image_processor_type\": \"EfficientNetImageProcessor\", "
      "\"rescale_offset\": true}",
        "takes 1 off" },
    { "{\"image_processor_type\": \"New\", \"rescale_offset\": true}",
        "rescale_offset" },
    { "{\"image_processor_type\": \"New\", \"do_flip_channel_order\": true}",
        "do_flip_channel_order" },
    { "{\"image_processor_type\": \"MobileViTImageProcessor\"}", "red" },
    { "{\"image_processor_type\": \"SuperPointImageProcessor\"}", "grey" },
  };

  write_model ("{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    VitModel *model;

    folder_write_text ("preprocessor_config.json", texts[i][0]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "preprocessor_config.json",
        texts[i][1], NULL);
    model = folder_load ("model.safetensors");
    g_assert_true (model->normalisation_is_assumed);
    g_assert_nonnull (strstr (model->reason, texts[i][1]));
    vit_model_unref (model);
  }
  /* A class that has no such field does not look at it. */
  folder_write_text ("preprocessor_config.json",
      "{" VIT ", \"rescale_offset\": true, \"do_flip_channel_order\": true}");
  assert_normalises (NULL, 0.5, 0.5);
}

static void
test_padding_is_said (void)
{
  static const char *const texts[][2] = {
    { "{" VIT ", \"do_pad\": true}", "left to the pipeline: do_pad" },
    { "{" VIT ", \"do_pad\": true, \"pad_size\": {\"height\": 8, \"width\": "
      "9}}",
        "left to the pipeline: do_pad, to 9 x 8" },
    { "{\"image_processor_type\": \"SamImageProcessor\"}",
        "left to the pipeline: do_pad" },
    { "{\"image_processor_type\": \"SamImageProcessor\", \"do_pad\": null}",
        NULL },
    { "{" VIT "}", NULL },
  };

  write_model ("{\"model_type\": \"vit\"}");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    VitModel *model;

    folder_write_text ("preprocessor_config.json", texts[i][0]);
    model = folder_load (NULL);
    if (texts[i][1])
      g_assert_nonnull (strstr (model->reason, texts[i][1]));
    else
      g_assert_null (strstr (model->reason, "pipeline"));
    vit_model_unref (model);
  }
}

/* timm fills in ImageNet's, each alone, and looks at no other file. */
static void
test_defaults_of_timm (void)
{
  static const struct {
    const char *fields;
    double mean, std;
  } cases[] = {
    { "", 0.456, 0.224 },
    { "\"mean\": [0.1, 0.2, 0.3]", 0.2, 0.224 },
    { "\"std\": [0.4, 0.5, 0.6]", 0.456, 0.5 },
    { "\"mean\": null, \"std\": null", 0.456, 0.224 },
  };
  Weights *weights = weights_new_dinov2 ();

  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("preprocessor_config.json", "{\"image_mean\": 0.7}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"architecture\": \"vit_base_patch16_224\", \"pretrained_cfg\": {%s}}",
        cases[i].fields);
    g_autofree char *old = g_strdup_printf (
        "{\"architecture\": \"vit_base_patch16_224\"%s%s}",
        cases[i].fields[0] ? ", " : "", cases[i].fields);

    folder_write_text ("config.json", text);
    assert_normalises (NULL, cases[i].mean, cases[i].std);
    assert_normalises ("model.safetensors", cases[i].mean, cases[i].std);
    folder_write_text ("config.json", old);
    assert_normalises (NULL, cases[i].mean, cases[i].std);
  }
}

/* open_clip fills in OpenAI's, each alone. */
static void
test_defaults_of_open_clip (void)
{
  static const struct {
    const char *fields;
    double mean, std;
  } cases[] = {
    { "", 0.4578275, 0.26130258 },
    { ", \"preprocess_cfg\": {}", 0.4578275, 0.26130258 },
    { ", \"preprocess_cfg\": {\"mean\": [0.1, 0.2, 0.3]}", 0.2, 0.26130258 },
    { ", \"preprocess_cfg\": {\"std\": [0.4, 0.5, 0.6]}", 0.4578275, 0.5 },
    { ", \"preprocess_cfg\": {\"mean\": null}", 0.4578275, 0.26130258 },
  };
  Weights *weights = weights_new ();

  weights_add (weights, "visual.conv1.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "visual.class_embedding", 1, 6);
  weights_add (weights, "visual.positional_embedding", 2, 10, 6);
  folder_write_weights (weights, "open_clip_model.safetensors");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"model_cfg\": {\"vision_cfg\": {\"patch_size\": 2, \"width\": 6}}%s}",
        cases[i].fields);

    folder_write_text ("open_clip_config.json", text);
    assert_normalises (NULL, cases[i].mean, cases[i].std);
  }
}

static const FolderTest tests[] = {
  { "order-of-the-files", test_order_of_the_files },
  { "fields-alone-and-together", test_fields_alone_and_together },
  { "class-by-any-of-its-names", test_class_by_any_of_its_names },
  { "class-that-is-not-known", test_class_that_is_not_known },
  { "classes-and-fields-that-do-more", test_classes_and_fields_that_do_more },
  { "padding-is-said", test_padding_is_said },
  { "defaults-of-timm", test_defaults_of_timm },
  { "defaults-of-open-clip", test_defaults_of_open_clip },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests (
      "/model/image-processor/", tests, G_N_ELEMENTS (tests));
}
