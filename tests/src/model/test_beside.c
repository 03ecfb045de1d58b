/* SPDX-License-Identifier: MIT
 *
 * Tensors that change others: scales and packed values of quantised weights, as
 * bitsandbytes, transformers' fp8, compressed-tensors, AutoGPTQ, quanto and MLX
 * write them, and adapters, as peft does, in the weights' file and beside it.
 * What they change is never read without them.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "support/model_folder.h"

#define PROJECTION "embeddings.patch_embeddings.projection"
#define IN_ADAPTER "base_model.model."

/* A Hugging Face ViT with one tensor more. */
static void
write_with (const char *prefix, const char *name)
{
  Weights *weights = weights_new_hugging_face ();

  weights_add_prefix (weights, prefix);
  weights_add (weights, name, 1, 6);
  folder_write_weights (weights, "model.safetensors");
}

static void
test_scales_beside_float_weights (void)
{
  static const char *const names[] = { PROJECTION ".weight_scale",
    PROJECTION ".weight_scale_inv", PROJECTION ".weight.absmax",
    PROJECTION ".weight.quant_map",
    PROJECTION ".weight.quant_state.bitsandbytes__nf4", PROJECTION ".SCB",
    PROJECTION ".input_scale", PROJECTION ".weight_packed",
    PROJECTION ".weight_zero_point", PROJECTION ".qweight",
    PROJECTION ".scales", PROJECTION ".weight._scale",
    PROJECTION ".weight_quantizer._amax", "embeddings.cls_token_scale",
    "embeddings.position_embeddings_scale",
    "embeddings.position_embeddings.absmax" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    write_with ("", names[i]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, names[i], "quantised",
        "dequantise", NULL);
    assert_refused ("model.safetensors", VIT_ERROR_UNSUPPORTED, names[i], NULL);
  }
}

/* A convolution has a weight and a bias alone. */
static void
test_other_tensors_of_the_module (void)
{
  static const char *const names[]
      = { PROJECTION ".gain", PROJECTION ".weight.x", PROJECTION ".0.weight" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    write_with ("", names[i]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, names[i], "not known",
        "plain weights", NULL);
  }
}

/* Scales of blocks, and names that only begin alike. */
static void
test_what_changes_nothing_here (void)
{
  static const char *const names[] = { "encoder.layer.0.output.weight_scale",
    "encoder.layer.0.output.weight.absmax", PROJECTION "2.weight_scale",
    "embeddings.position_embeddings_2", "embeddings.patch_embeddings.norm.x",
    "x." PROJECTION ".weight_scale" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    VitModel *model;

    write_with ("", names[i]);
    model = folder_load (NULL);
    g_assert_null (strstr (model->reason, "adapter"));
    vit_model_unref (model);
  }
}

/* What stands in the place of a weight that is not there. */
static void
test_weights_that_were_replaced (void)
{
  static const char *const names[][2] = { { PROJECTION ".qweight", "quantised" },
    { PROJECTION ".weight_packed", "quantised" },
    { PROJECTION ".weight._data", "quantised" },
    { PROJECTION ".base_layer.weight", "merge_and_unload()" },
    { PROJECTION ".original_module.weight", "merge_and_unload()" },
    { PROJECTION ".modules_to_save.default.weight", "merge_and_unload()" } };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_hugging_face ();

    weights_rename (weights, PROJECTION ".weight", names[i][0]);
    weights_add_prefix (weights, "vit.");
    folder_write_weights (weights, "model.safetensors");
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, names[i][0], names[i][1],
        "vit." PROJECTION ".weight", NULL);
  }
}

/* Packed values have another rank than the weight. */
static void
test_packed_weights (void)
{
  Weights *weights = weights_new_hugging_face ();

  weights_remove (weights, PROJECTION ".weight");
  weights_add (weights, PROJECTION ".weight", 2, 36, 1);
  weights_add (weights, PROJECTION ".weight.absmax", 1, 2);
  folder_write_weights (weights, "model.safetensors");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "absmax", "quantised", NULL);
}

static void
write_linear (const char *scale)
{
  Weights *weights = weights_new ();

  weights_add (weights, "v.embeddings.patch_embedding.weight", 2, 6, 12);
  weights_add (weights, "v.embeddings.patch_embedding.bias", 1, 6);
  weights_add (weights, "v.embeddings.position_embedding.weight", 2, 9, 6);
  if (scale)
    weights_add (weights, scale, 1, 6);
  folder_write_weights (weights, "model.safetensors");
}

/* Floats that a config says to quantise: a convolution never is, and a linear
 * layer is not where the rest was quantised before it was stored. */
static void
test_a_config_that_quantises (void)
{
  const char *quantised = "\"quantization_config\": {\"quant_method\": "
                          "\"bitsandbytes\", \"load_in_4bit\": true}}";
  g_autofree char *vit
      = g_strconcat ("{\"model_type\": \"vit\", ", quantised, NULL);
  g_autofree char *siglip2
      = g_strconcat ("{\"model_type\": \"siglip2_vision_model\", ", quantised, NULL);
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", vit);
  model = folder_load (NULL);
  g_assert_nonnull (strstr (model->reason, "; quantised by bitsandbytes, but not"));
  vit_model_unref (model);

  folder_write_text ("config.json", siglip2);
  write_linear ("v.encoder.layers.0.mlp.fc1.weight.absmax");
  model = folder_load (NULL);
  g_assert_nonnull (strstr (model->reason, "; quantised by bitsandbytes, but not"));
  vit_model_unref (model);
  write_linear (NULL);
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "patch_embedding.weight",
      "quantization_config in", "(bitsandbytes)", NULL);
  folder_write_text (
      "config.json", "{\"model_type\": \"siglip2_vision_model\"}");
  vit_model_unref (folder_load (NULL));
}

static void
test_adapters_in_the_same_file (void)
{
  static const char *const changing[]
      = { PROJECTION ".lora_A.default.weight", PROJECTION ".lora_magnitude_vector",
          IN_ADAPTER PROJECTION ".lora_B.weight", "x." PROJECTION ".lokr_w1",
          "vit.embeddings.lora_A.weight", "embeddings.hada_w1_a",
          "vit." PROJECTION ".original_module.bias" };
  static const char *const others[]
      = { "vit.encoder.layer.0.attention.query.base_layer.weight",
          IN_ADAPTER "vit.encoder.layer.0.query.lora_A.weight" };

  for (gsize i = 0; i < G_N_ELEMENTS (changing); i++) {
    write_with ("vit.", changing[i]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, changing[i], "adapter",
        "merge_and_unload()", NULL);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    VitModel *model;

    write_with ("vit.", others[i]);
    model = folder_load (NULL);
    g_assert_nonnull (strstr (model->reason, "; not used: "));
    g_assert_nonnull (strstr (model->reason, others[i]));
    g_assert_nonnull (strstr (model->reason, "adapter"));
    vit_model_unref (model);
  }
}

static void
write_adapter (const char *tensor)
{
  Weights *weights = weights_new ();

  weights_add (weights, tensor, 2, 6, 2);
  folder_write_weights (weights, "adapter_model.safetensors");
  folder_write_text ("adapter_config.json", "{\"peft_type\": \"LORA\"}");
}

static void
test_adapters_beside_the_weights (void)
{
  static const char *const changing[] = { IN_ADAPTER PROJECTION ".lora_A.weight",
    IN_ADAPTER PROJECTION ".lora_embedding_B", IN_ADAPTER PROJECTION ".bias",
    IN_ADAPTER "embeddings.cls_token", IN_ADAPTER "vit." PROJECTION ".oft_r.weight",
    IN_ADAPTER "a.b.vit." PROJECTION ".weight", IN_ADAPTER "vit.embeddings.lora_A",
    IN_ADAPTER PROJECTION ".new_kind", IN_ADAPTER PROJECTION ".new.kind",
    "prompt_embeddings" };
  VitModel *model;

  for (gsize i = 0; i < G_N_ELEMENTS (changing); i++) {
    folder_write_weights (weights_new_hugging_face (), "model.safetensors");
    write_adapter (changing[i]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "adapter_model.safetensors", changing[i], "merge_and_unload()",
        "model.safetensors itself", NULL);
    /* The advice can be followed. */
    model = folder_load ("model.safetensors");
    g_assert_nonnull (
        strstr (model->reason, "; not used: adapter_model.safetensors"));
    vit_model_unref (model);
  }
}

static void
test_adapters_of_other_parts (void)
{
  static const char *const others[]
      = { IN_ADAPTER "vit.encoder.layer.0.attention.query.lora_A.weight",
          IN_ADAPTER "classifier.weight",
          IN_ADAPTER "vit.encoder.layer.0.query.new_kind",
          IN_ADAPTER "vit.layernorm.weight" };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    VitModel *model;

    folder_write_weights (weights_new_hugging_face (), "model.safetensors");
    write_adapter (others[i]);
    model = folder_load (NULL);
    g_assert_nonnull (strstr (model->reason,
        "; not used: adapter_model.safetensors, an adapter that changes other"));
    vit_model_unref (model);
  }
}

/* An adapter that nobody can look into is not taken for a harmless one. */
static void
test_adapters_that_cannot_be_read (void)
{
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("adapter_config.json", "{}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "adapter_config.json",
      "no adapter_model.safetensors", "merge_and_unload()", NULL);
  folder_write_text ("adapter_model.safetensors", "Entry not found");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "adapter_model.safetensors",
      "is text", NULL);
}

static void
test_adapters_alone (void)
{
  static const char *const names[] = { IN_ADAPTER PROJECTION ".lora_A.weight",
    IN_ADAPTER "encoder.layer.0.query.lora_A.weight" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    write_adapter (names[i]);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED,
        "an adapter (LoRA or the like), \"adapter_model.safetensors\"",
        "merge_and_unload()", NULL);
    assert_refused ("adapter_model.safetensors", VIT_ERROR_UNSUPPORTED,
        names[i], "adapter", "merge_and_unload()", NULL);
  }
}

/* One that comes later makes another model of the folder. */
static void
test_adapters_that_come_later (void)
{
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;
  VitModel *model, *again;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  model = vit_model_share (path, NULL, &error);
  g_assert_no_error (error);
  again = vit_model_share (path, NULL, &error);
  g_assert_true (again == model);
  write_adapter (IN_ADAPTER PROJECTION ".lora_A.weight");
  g_assert_null (vit_model_share (path, NULL, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
  vit_model_unref (again);
  vit_model_unref (model);
}

static const FolderTest tests[] = {
  { "scales-beside-float-weights", test_scales_beside_float_weights },
  { "other-tensors-of-the-module", test_other_tensors_of_the_module },
  { "what-changes-nothing-here", test_what_changes_nothing_here },
  { "weights-that-were-replaced", test_weights_that_were_replaced },
  { "packed-weights", test_packed_weights },
  { "a-config-that-quantises", test_a_config_that_quantises },
  { "adapters-in-the-same-file", test_adapters_in_the_same_file },
  { "adapters-beside-the-weights", test_adapters_beside_the_weights },
  { "adapters-of-other-parts", test_adapters_of_other_parts },
  { "adapters-that-cannot-be-read", test_adapters_that_cannot_be_read },
  { "adapters-alone", test_adapters_alone },
  { "adapters-that-come-later", test_adapters_that_come_later },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/beside/", tests, G_N_ELEMENTS (tests));
}
