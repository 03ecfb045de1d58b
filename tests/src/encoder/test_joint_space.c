/* SPDX-License-Identifier: MIT
 *
 * Which of a model's vectors lies in one space with texts, and what its checkpoint
 * says of scale and bias: a small CLIP's, spoiled and varied.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "support/encoder_folder.h"

#define DIM 40

/* With its config in the folder. */
static Weights *
take (const char *name)
{
  g_autofree char *model = g_build_filename (TEST_DATA_DIR, name, NULL);
  g_autofree char *path = g_build_filename (model, "config.json", NULL);
  g_autofree char *weights = g_build_filename (model, "model.safetensors", NULL);
  g_autofree char *config = NULL;

  g_assert_true (g_file_get_contents (path, &config, NULL, NULL));
  folder_write_text ("config.json", config);
  return weights_read (weights);
}

static Weights *
take_clip (void)
{
  return take ("features/hf-clip");
}

static VitEncoderWeights *
load (Weights *weights)
{
  folder_write_weights (weights, "model.safetensors");
  return folder_load_encoder ();
}

static void
test_scale_and_bias (void)
{
  Weights *weights = take_clip ();
  VitEncoderWeights *encoder;

  weights_set (weights, "logit_scale", 0, 4.6052f);
  weights_add (weights, "logit_bias", 1, 1);
  weights_set (weights, "logit_bias", 0, -12.5f);
  encoder = load (weights);
  g_assert_cmpint (encoder->joint.vector, ==, VIT_JOINT_EMBEDDING);
  g_assert_cmpuint (vit_encoder_weights_joint_dim (encoder), ==, DIM);
  g_assert_true (encoder->joint.has_scale);
  g_assert_cmpfloat (encoder->joint.scale, ==, exp (4.6052f));
  g_assert_true (encoder->joint.has_bias);
  g_assert_cmpfloat (encoder->joint.bias, ==, -12.5);
  vit_encoder_weights_unref (encoder);
}

/* CLIPSeg's stand where the rest of its CLIP does. */
static void
test_inner_model (void)
{
  Weights *weights = take_clip ();
  VitEncoderWeights *encoder;

  weights_add_prefix (weights, "clip.");
  encoder = load (weights);
  g_assert_true (encoder->joint.has_scale);
  g_assert_cmpuint (vit_encoder_weights_joint_dim (encoder), ==, DIM);
  vit_encoder_weights_unref (encoder);
}

static void
test_temperature (void)
{
  Weights *weights = take_clip ();
  VitEncoderWeights *encoder;

  weights_rename (weights, "logit_scale", "temperature");
  weights_set (weights, "temperature", 0, 0.0625f);
  encoder = load (weights);
  g_assert_cmpfloat (encoder->joint.scale, ==, 16.0);
  vit_encoder_weights_unref (encoder);
}

/* AIMv2's package keeps the scale between 1 and max_logit_scale, by default 100. */
static void
test_scale_within_bounds (void)
{
  static const struct {
    float logarithm;
    double scale;
  } cases[] = { { 10.0f, 100.0 }, { -3.0f, 1.0 }, { 2.0f, 7.38905609893065 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Weights *weights = take ("features/hf-aimv2");
    VitEncoderWeights *encoder;

    weights_add (weights, "logit_scale", 1, 1);
    weights_set (weights, "logit_scale", 0, cases[i].logarithm);
    encoder = load (weights);
    g_assert_cmpfloat_with_epsilon (
        encoder->joint.scale, cases[i].scale, 1e-12);
    vit_encoder_weights_unref (encoder);
  }
}

/* Then the vector is of the tower's own. */
static void
test_no_projection (void)
{
  Weights *weights = take_clip ();
  VitEncoderWeights *encoder;

  weights_remove (weights, "visual_projection.weight");
  encoder = load (weights);
  g_assert_cmpint (encoder->joint.vector, ==, VIT_JOINT_NONE);
  g_assert_cmpuint (vit_encoder_weights_embedding_dim (encoder), >, 0);
  g_assert_cmpuint (vit_encoder_weights_joint_dim (encoder), ==, 0);
  vit_encoder_weights_unref (encoder);
}

static void
test_tower_alone (void)
{
  Weights *weights = take_clip ();
  VitEncoderWeights *encoder;

  weights_remove (weights, "logit_scale");
  encoder = load (weights);
  g_assert_cmpuint (vit_encoder_weights_joint_dim (encoder), ==, DIM);
  g_assert_false (encoder->joint.has_scale);
  g_assert_false (encoder->joint.has_bias);
  vit_encoder_weights_unref (encoder);
}

static void
test_damage (void)
{
  static const struct {
    const char *name;
    float value;
    const char *text;
  } cases[] = {
    { "logit_scale", 14.0f, "1.2026e+06" },
    { "logit_scale", 1e30f, "inf" },
    { "logit_scale", -1e30f, "makes a scale of 0" },
    { "logit_scale", NAN, "NaN" },
    { "logit_bias", 2e6f, "2e+06" },
    { "logit_bias", INFINITY, "infinite" },
    { "temperature", 0.0f, "inf" },
    { "temperature", -1.0f, "-1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Weights *weights = take_clip ();

    if (strcmp (cases[i].name, "temperature") == 0)
      weights_remove (weights, "logit_scale");
    if (strcmp (cases[i].name, "logit_scale") != 0)
      weights_add (weights, cases[i].name, 1, 1);
    weights_set (weights, cases[i].name, 0, cases[i].value);
    folder_write_weights (weights, "model.safetensors");
    assert_encoder_refused (
        VIT_ERROR_VALUE, cases[i].name, cases[i].text, NULL);
  }
}

static void
test_more_than_one_number (void)
{
  Weights *weights = take_clip ();

  weights_remove (weights, "logit_scale");
  weights_add (weights, "logit_scale", 1, 2);
  folder_write_weights (weights, "model.safetensors");
  assert_encoder_refused (
      VIT_ERROR_TENSOR, "logit_scale", "[2]", "one number", NULL);
}

/* timm calls the projection a classifier; of other models it is one. */
static void
test_by_name (void)
{
  static const struct {
    const char *model;
    VitJointVector vector;
  } cases[] = {
    { "features/timm-eva02-clip", VIT_JOINT_LOGITS },
    { "features/timm-pe-core", VIT_JOINT_LOGITS },
    { "features/timm-siglip", VIT_JOINT_EMBEDDING },
    { "features/openclip-quickgelu", VIT_JOINT_EMBEDDING },
    { "features/hf-siglip2-naflex", VIT_JOINT_EMBEDDING },
    { "features/hf-aimv2", VIT_JOINT_EMBEDDING },
    { "features/hf-vit-classifier", VIT_JOINT_NONE },
    { "features/hf-dinov2-classifier", VIT_JOINT_NONE },
    { "features/timm-pe-spatial", VIT_JOINT_NONE },
    { "features/timm-eva02", VIT_JOINT_NONE },
    { "features/timm-reg4-gap", VIT_JOINT_NONE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path
        = g_build_filename (TEST_DATA_DIR, cases[i].model, NULL);
    VitEncoderWeights *encoder
        = vit_encoder_weights_load (path, NULL, NULL, NULL);

    g_assert_nonnull (encoder);
    g_test_message ("%s", cases[i].model);
    g_assert_cmpint (encoder->joint.vector, ==, cases[i].vector);
    vit_encoder_weights_unref (encoder);
  }
}

/* Their classifier's logits are no vector, nor is what they are made of, though the
 * architecture's name is that of CLIP, PE or SigLIP. */
static void
test_fine_tuned_to_classes (void)
{
  static const struct {
    const char *model, *key, *value;
    gboolean is_joint;
  } cases[] = {
    { "features/timm-eva02-clip", "tag", "\"merged2b\"", TRUE },
    { "features/timm-eva02-clip", "tag", "\"merged2b_ft_inat21\"", FALSE },
    { "features/timm-eva02-clip", "label_names", "[\"a\",\"b\",\"c\",\"d\"]",
        TRUE },
    { "features/timm-eva02-clip", "label_names",
        "[\"a\",\"b\",\"c\",\"d\",\"e\"]", FALSE },
    { "features/timm-pe-core", "tag", "\"fb_ft_in1k\"", FALSE },
    { "features/timm-siglip", "tag", "\"v2_webli_ft_in1k\"", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Weights *weights = take (cases[i].model);
    g_autofree char *path = folder_path ("config.json");
    json_t *config = json_load_file (path, 0, NULL);
    VitEncoderWeights *encoder;

    g_assert_cmpint (
        json_object_set_new (json_object_get (config, "pretrained_cfg"),
            cases[i].key, json_loads (cases[i].value, JSON_DECODE_ANY, NULL)),
        ==, 0);
    g_assert_cmpint (json_dump_file (config, path, 0), ==, 0);
    json_decref (config);
    encoder = load (weights);
    g_test_message ("%s %s", cases[i].model, cases[i].value);
    g_assert_cmpint (encoder->joint.vector, ==,
        cases[i].is_joint ? VIT_JOINT_LOGITS : VIT_JOINT_NONE);
    g_assert_cmpint (encoder->logits_meaning, ==,
        cases[i].is_joint ? VIT_LOGITS_JOINT : VIT_LOGITS_ONE_OF);
    vit_encoder_weights_unref (encoder);
  }
}

static const FolderTest tests[] = {
  { "scale-and-bias", test_scale_and_bias },
  { "inner-model", test_inner_model },
  { "temperature", test_temperature },
  { "scale-within-bounds", test_scale_within_bounds },
  { "no-projection", test_no_projection },
  { "tower-alone", test_tower_alone },
  { "damage", test_damage },
  { "more-than-one-number", test_more_than_one_number },
  { "by-name", test_by_name },
  { "fine-tuned-to-classes", test_fine_tuned_to_classes },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/joint-space/", tests, G_N_ELEMENTS (tests));
}
