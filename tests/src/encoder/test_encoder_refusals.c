/* SPDX-License-Identifier: MIT
 *
 * What an encoder's loading refuses, and how it says so.  Each test starts from
 * a small model that would load and spoils it; where only the encoder cannot be,
 * the input stage of the same folder still opens.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "encoder/encoder.h"
#include "support/encoder_folder.h"

static void
assert_input_stage_opens (void)
{
  vit_model_unref (folder_load (NULL));
}

static void
test_whole (void)
{
  VitEncoderWeights *weights;

  folder_write_vit (weights_new_vit ());
  weights = folder_load_encoder ();
  g_assert_cmpuint (weights->depth, ==, 2);
  g_assert_cmpuint (weights->hidden, ==, 20);
  g_assert_cmpuint (weights->head_dim, ==, 6);
  vit_encoder_weights_unref (weights);
}

static void
remove_from_folder (const char *name)
{
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (g_remove (path), ==, 0);
}

/* Both elements are given the same path, and tell models apart by the id. */
static void
test_hub_cache (void)
{
  static const char *const names[] = { "models--facebook--vit",
    "models--facebook--vit/snapshots/1a" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = folder_path (names[i]);
    g_autofree char *snapshot
        = folder_path ("models--facebook--vit/snapshots/1a");
    g_autoptr (GError) error = NULL;
    VitEncoderWeights *weights, *shared;
    VitModel *model;

    g_assert_cmpint (g_mkdir_with_parents (snapshot, 0700), ==, 0);
    folder_write_text ("models--facebook--vit/snapshots/1a/config.json",
        "{\"model_type\": \"vit\", \"num_attention_heads\": 2, "
        "\"hidden_act\": \"gelu\"}");
    folder_write_weights (weights_new_vit (),
        "models--facebook--vit/snapshots/1a/model.safetensors");
    weights = vit_encoder_weights_load (path, NULL, NULL, &error);
    g_assert_no_error (error);
    shared = vit_encoder_weights_share (path, NULL, NULL, &error);
    g_assert_no_error (error);
    model = folder_load (names[i]);
    g_assert_cmpstr (weights->id, ==, "facebook/vit");
    g_assert_cmpstr (shared->id, ==, "facebook/vit");
    g_assert_cmpstr (model->id, ==, "facebook/vit");
    vit_model_unref (model);
    vit_encoder_weights_unref (shared);
    vit_encoder_weights_unref (weights);
  }
  remove_from_folder ("models--facebook--vit/snapshots/1a/model.safetensors");
  remove_from_folder ("models--facebook--vit/snapshots/1a/config.json");
  remove_from_folder ("models--facebook--vit/snapshots/1a");
  remove_from_folder ("models--facebook--vit/snapshots");
}

static void
write_adapter (const char *tensor)
{
  Weights *weights = weights_new ();

  weights_add (weights, tensor, 2, 6, 2);
  folder_write_weights (weights, "adapter_model.safetensors");
  folder_write_text ("adapter_config.json", "{\"peft_type\": \"LORA\"}");
}

/* It changes what the input stage does not read, and this does. */
static void
test_adapter (void)
{
  static const char *const names[] = {
    "base_model.model.encoder.layer.0.attention.attention.query.lora_A.weight",
    "base_model.model.vit.encoder.layer.1.output.dense.lora_B.weight",
    "base_model.model.layernorm.weight",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    folder_write_vit (weights_new_vit ());
    write_adapter (names[i]);
    assert_encoder_refused (VIT_ERROR_UNSUPPORTED, "adapter_model.safetensors",
        names[i], "merge_and_unload()", NULL);
    assert_input_stage_opens ();
  }
  /* Of another part of a larger model. */
  folder_write_vit (weights_new_vit ());
  write_adapter ("base_model.model.text_model.layers.0.q_proj.lora_A.weight");
  vit_encoder_weights_unref (folder_load_encoder ());
}

/* A file is read as it is; and `reason` says that there is an adapter beside it. */
static void
test_adapter_beside_a_file (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights;
  const char *note;

  folder_write_vit (weights_new_vit ());
  weights = vit_encoder_weights_load (path, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (strstr (weights->choices.reason, "adapter"));
  vit_encoder_weights_unref (weights);
  write_adapter ("base_model.model.layernorm.weight");
  weights = vit_encoder_weights_load (path, NULL, NULL, &error);
  g_assert_no_error (error);
  note = strstr (weights->choices.reason,
      "adapter_model.safetensors, the adapter beside the file");
  g_assert_nonnull (note);
  g_assert_nonnull (strstr (note, ": not used"));
  g_assert_null (strstr (note + 1, "adapter_model.safetensors"));
  vit_encoder_weights_unref (weights);
}

static void
test_adapter_of_a_classifier (void)
{
  Weights *weights = weights_new_vit ();

  weights_add_prefix (weights, "vit.");
  weights_add (weights, "classifier.weight", 2, 3, 12);
  weights_add (weights, "classifier.bias", 1, 3);
  folder_write_vit (weights);
  vit_encoder_weights_unref (folder_load_encoder ());
  write_adapter ("base_model.model.classifier.weight");
  assert_encoder_refused (VIT_ERROR_UNSUPPORTED, "adapter_model.safetensors",
      "classifier.weight", NULL);
  assert_input_stage_opens ();
}

/* transformers quantises the blocks as it loads them, and not the patches'
 * convolution. */
static void
test_quantised_when_loaded (void)
{
  folder_write_vit (weights_new_vit ());
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": 2, "
      "\"hidden_act\": \"gelu\", "
      "\"quantization_config\": {\"quant_method\": \"bitsandbytes\"}}");
  assert_encoder_refused (VIT_ERROR_UNSUPPORTED, "quantization_config",
      "bitsandbytes", "config.json", NULL);
  assert_input_stage_opens ();
}

static void
test_input_stage_alone (void)
{
  folder_write_vit_config ();
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  assert_encoder_refused (VIT_ERROR_UNSUPPORTED, "input stage alone",
      "encoder.layer.0", NULL);
  assert_input_stage_opens ();
}

static void
test_missing_tensor (void)
{
  Weights *weights = weights_new_vit ();

  weights_remove (weights, "encoder.layer.1.attention.attention.key.weight");
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_TENSOR, "encoder.layer.1.", "keys",
      "encoder.layer.0.attention.attention.key.weight", NULL);
  assert_input_stage_opens ();

  weights = weights_new_vit ();
  weights_remove (weights, "encoder.layer.1.output.dense.bias");
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_TENSOR, "encoder.layer.1.",
      "encoder.layer.0.output.dense.bias", NULL);

  weights = weights_new_vit ();
  weights_remove (weights, "encoder.layer.0.layernorm_after.weight");
  folder_write_vit (weights);
  assert_encoder_refused (
      VIT_ERROR_TENSOR, "encoder.layer.0.", "the norm before its MLP", NULL);
}

static void
test_missing_block (void)
{
  Weights *weights = weights_new_vit ();

  weights_add (weights, "encoder.layer.3.layernorm_before.weight", 1, 12);
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_TENSOR, "encoder.layer.2.", NULL);
}

static void
test_missing_final_norm (void)
{
  Weights *weights = weights_new_vit ();

  weights_remove (weights, "layernorm.weight");
  folder_write_vit (weights);
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "\"vit\"", "norm behind its last block", NULL);
}

/* What it does would else be left out in silence. */
static void
test_unknown_tensor (void)
{
  static const char *const names[]
      = { "encoder.layer.1.attention.attention.relative_position_bias_table",
          "encoder.layer.0.attn.ln_q.weight", "encoder.layer.0.gate" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_vit ();

    weights_add (weights, names[i], 1, 12);
    folder_write_vit (weights);
    assert_encoder_refused (
        VIT_ERROR_UNSUPPORTED, names[i], "none of a plain ViT's", NULL);
    assert_input_stage_opens ();
  }
}

static void
test_wrong_shapes (void)
{
  static const struct {
    const char *name;
    int rows;
    int columns;
  } shapes[] = {
    { "encoder.layer.1.attention.attention.query.weight", 12, 10 },
    { "encoder.layer.1.attention.output.dense.weight", 12, 14 },
    { "encoder.layer.0.layernorm_before.weight", 10, 0 },
    { "encoder.layer.0.layernorm_before.bias", 12, 12 },
    { "encoder.layer.1.intermediate.dense.weight", 22, 12 },
    { "encoder.layer.0.intermediate.dense.bias", 21, 0 },
    { "encoder.layer.1.output.dense.weight", 12, 40 },
    { "layernorm.weight", 13, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    Weights *weights = weights_new_vit ();

    weights_remove (weights, shapes[i].name);
    if (shapes[i].columns)
      weights_add (
          weights, shapes[i].name, 2, shapes[i].rows, shapes[i].columns);
    else
      weights_add (weights, shapes[i].name, 1, shapes[i].rows);
    folder_write_vit (weights);
    assert_encoder_refused (VIT_ERROR_TENSOR, shapes[i].name, NULL);
  }
}

static void
test_heads (void)
{
  static const char *const counts[] = { "5", "2000000000", "24" };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree char *config = g_strdup_printf (
        "{\"model_type\": \"vit\", \"num_attention_heads\": %s}", counts[i]);

    folder_write_vit (weights_new_vit ());
    folder_write_text ("config.json", config);
    assert_encoder_refused (VIT_ERROR_UNSUPPORTED, counts[i],
        "attention.attention.query.weight", "heads", NULL);
  }
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": 0}");
  assert_encoder_refused (VIT_ERROR_CONFIG, "num_attention_heads", NULL);
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": \"two\"}");
  assert_encoder_refused (VIT_ERROR_CONFIG, "num_attention_heads", NULL);
  assert_input_stage_opens ();
}

/* No file says how many heads: 12 channels do not tell. */
static void
test_heads_unknown (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  g_autoptr (GError) error = NULL;

  folder_write_weights (weights_new_vit (), "model.safetensors");
  g_assert_null (vit_encoder_weights_load (path, NULL, NULL, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "heads"));
}

static void
test_activation_unknown (void)
{
  folder_write_vit (weights_new_vit ());
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": 2, \"hidden_act\": "
      "\"mish\"}");
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "hidden_act", "\"mish\"", "quick_gelu", NULL);
  assert_input_stage_opens ();
}

static void
test_not_finite (void)
{
  static const struct {
    const char *name;
    float value;
  } values[]
      = { { "encoder.layer.1.attention.attention.value.weight", NAN },
          { "encoder.layer.0.output.dense.bias", INFINITY },
          { "encoder.layer.0.layernorm_after.weight", NAN },
          { "layernorm.bias", -INFINITY } };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    Weights *weights = weights_new_vit ();

    weights_set (weights, values[i].name, 3, values[i].value);
    folder_write_vit (weights);
    assert_encoder_refused (
        VIT_ERROR_VALUE, values[i].name, "value 3", NULL);
  }
}

/* Each number is a float32, what the encoder makes of them is none. */
static void
test_too_large (void)
{
  Weights *weights = weights_new_vit ();

  weights_set (weights, "encoder.layer.1.layernorm_before.weight", 0, 1e30f);
  weights_set (
      weights, "encoder.layer.1.attention.attention.query.weight", 0, 1e30f);
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_VALUE,
      "encoder.layer.1.attention.attention.query.weight", "float32", NULL);

  weights = weights_new_vit ();
  weights_set (weights, "encoder.layer.1.intermediate.dense.weight", 0, 1e30f);
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_VALUE, "block 1", "float32", NULL);

  weights = weights_new_vit ();
  for (guint i = 0; i < 144; i++) {
    weights_set (
        weights, "encoder.layer.0.attention.attention.value.weight", i, 1e12f);
    weights_set (weights, "encoder.layer.0.attention.output.dense.weight", i,
        1e12f);
  }
  folder_write_vit (weights);
  assert_encoder_refused (VIT_ERROR_VALUE, "block 0", NULL);
}

/* Before any memory is taken for it. */
static void
test_depth (void)
{
  static const char *const names[]
      = { "encoder.layer.600.layernorm_before.weight",
          "encoder.layer.999999999999.layernorm_before.weight" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_vit ();

    weights_add (weights, names[i], 1, 12);
    folder_write_vit (weights);
    assert_encoder_refused (
        VIT_ERROR_UNSUPPORTED, "encoder.layer.", "1 to 512", NULL);
  }
}

/* Maps of one channel would be padded to many: a file that is mostly hole. */
static void
test_padding (void)
{
  enum { WIDE = 65536 };
  Weights *weights = weights_new ();
  static const char *const vectors[]
      = { "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias" };
  static const char *const rows[]
      = { "attn.q_proj.weight", "attn.k_proj.weight", "attn.v_proj.weight",
          "mlp.fc1.weight" };
  static const char *const columns[] = { "attn.proj.weight", "mlp.fc2.weight" };

  weights_add (weights, "patch_embed.proj.weight", 4, WIDE, 3, 1, 1);
  weights_add (weights, "patch_embed.proj.bias", 1, WIDE);
  weights_add (weights, "pos_embed", 3, 1, 1, WIDE);
  for (guint i = 0; i < 2; i++) {
    for (guint k = 0; k < 4; k++) {
      g_autofree char *vector = g_strdup_printf ("blocks.%u.%s", i, vectors[k]);
      g_autofree char *row = g_strdup_printf ("blocks.%u.%s", i, rows[k]);

      weights_add (weights, vector, 1, WIDE);
      weights_add (weights, row, 2, 1, WIDE);
    }
    for (guint k = 0; k < 2; k++) {
      g_autofree char *column = g_strdup_printf ("blocks.%u.%s", i, columns[k]);

      weights_add (weights, column, 2, WIDE, 1);
    }
  }
  folder_write_text ("config.json",
      "{\"architecture\": \"vit_base_patch16_224\", \"model_args\": "
      "{\"num_heads\": 1}}");
  folder_write_weights (weights, "model.safetensors");
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "1 and 1 channels", "expected less", NULL);
}

static void
test_relative_positions (void)
{
  folder_write_vit (weights_new_vit ());
  folder_write_text ("config.json",
      "{\"model_type\": \"beit\", \"num_attention_heads\": 2, "
      "\"use_relative_position_bias\": true}");
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "\"beit\"", "relative positions", NULL);
  assert_input_stage_opens ();
}

static void
test_sam (void)
{
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.projection.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "patch_embed.projection.bias", 1, 6);
  weights_add (weights, "pos_embed", 4, 1, 3, 3, 6);
  folder_write_text ("config.json", "{\"model_type\": \"sam_vision_model\"}");
  folder_write_weights (weights, "model.safetensors");
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "\"sam_vision_model\"", "windows", NULL);
  assert_input_stage_opens ();
}

static void
test_timm_name (void)
{
  static const struct {
    const char *name;
    const char *why;
  } names[] = {
    { "vit_small_patch16_18x2_224", "side by side" },
    { "eva02_enormous_patch14_clip_224", "come after" },
    { "vit_base_patch16_rpn_224", "come after" },
    { "vit_dlittle_patch16_reg1_gap_256", "differential" },
    { "vit_base_patch16_rope_mixed_224", "learnt" },
    { "vit_large_patch16_sapiens2", "share keys and values" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *config
        = g_strdup_printf ("{\"architecture\": \"%s\"}", names[i].name);
    Weights *weights = weights_new_dinov2 ();

    weights_remove (weights, "mask_token");
    folder_write_text ("config.json", config);
    folder_write_weights (weights, "model.safetensors");
    assert_encoder_refused (
        VIT_ERROR_UNSUPPORTED, names[i].name, names[i].why, NULL);
    assert_input_stage_opens ();
  }
}

/* A model of another size than its name, and nothing says with how many heads. */
static void
test_timm_size_without_heads (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, "mask_token");
  folder_write_text ("config.json",
      "{\"architecture\": \"vit_base_patch16_224\", \"model_args\": "
      "{\"embed_dim\": 6}}");
  folder_write_weights (weights, "model.safetensors");
  assert_encoder_refused (
      VIT_ERROR_UNSUPPORTED, "num_heads", "embed_dim", NULL);
}

static void
test_truncated (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  g_autofree char *bytes = NULL;
  gsize length;

  folder_write_vit (weights_new_vit ());
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_true (
      g_file_set_contents (path, bytes, (gssize) length - 4, NULL));
  assert_encoder_refused (VIT_ERROR_CONTAINER, NULL);
}

static void
test_overrides (void)
{
  const VitEncoderOverrides pe = { VIT_ACTIVATION_AUTO, VIT_ROPE_PE };
  const VitEncoderOverrides eva = { VIT_ACTIVATION_AUTO, VIT_ROPE_EVA };
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;

  folder_write_vit (weights_new_vit ());
  g_assert_null (vit_encoder_weights_load (path, NULL, &pe, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  g_clear_error (&error);
  /* Heads of six channels have no two axes of pairs. */
  g_assert_null (vit_encoder_weights_load (path, NULL, &eva, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "multiple of 4"));
}

/* A model whose only prefix tokens are registers; and one with a class token. */
static void
test_no_class_token (void)
{
  static const VitEncoderSettings cases[] = {
    { .embedding = VIT_EMBEDDING_CLASS },
    { .embedding = VIT_EMBEDDING_CLASS_MEAN },
    { .attention = TRUE },
  };
  static const char *const models[] = { "timm-reg4-gap", "timm-dinov3-plus" };

  for (gsize model = 0; model < G_N_ELEMENTS (models); model++) {
    g_autofree char *path
        = g_build_filename (TEST_DATA_DIR, "features", models[model], NULL);
    g_autoptr (GError) error = NULL;
    VitEncoderWeights *weights
        = vit_encoder_weights_load (path, NULL, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (weights->n_prefix_tokens, >=, 4);
    for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
      VitEncoder *encoder = vit_encoder_new (weights, &cases[i], &error);

      if (model == 0) {
        g_assert_null (encoder);
        g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
        g_assert_nonnull (strstr (error->message, "class token"));
        g_clear_error (&error);
      }
      g_assert_no_error (error);
      vit_encoder_free (encoder);
    }
    vit_encoder_weights_unref (weights);
  }
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "whole", test_whole },
    { "hub-cache", test_hub_cache },
    { "adapter", test_adapter },
    { "adapter-beside-a-file", test_adapter_beside_a_file },
    { "adapter-of-a-classifier", test_adapter_of_a_classifier },
    { "quantised-when-loaded", test_quantised_when_loaded },
    { "input-stage-alone", test_input_stage_alone },
    { "missing-tensor", test_missing_tensor },
    { "missing-block", test_missing_block },
    { "missing-final-norm", test_missing_final_norm },
    { "unknown-tensor", test_unknown_tensor },
    { "wrong-shapes", test_wrong_shapes },
    { "heads", test_heads },
    { "heads-unknown", test_heads_unknown },
    { "activation-unknown", test_activation_unknown },
    { "not-finite", test_not_finite },
    { "too-large", test_too_large },
    { "depth", test_depth },
    { "padding", test_padding },
    { "relative-positions", test_relative_positions },
    { "sam", test_sam },
    { "timm-name", test_timm_name },
    { "timm-size-without-heads", test_timm_size_without_heads },
    { "truncated", test_truncated },
    { "overrides", test_overrides },
    { "no-class-token", test_no_class_token },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/refusals/", tests, G_N_ELEMENTS (tests));
}
