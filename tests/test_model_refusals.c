/* SPDX-License-Identifier: MIT
 *
 * What vit_model_load() refuses, and how it says so: every message begins with
 * the file, and names the tensor or key, what was found and what was expected.
 * Each test starts from a small checkpoint that would load and spoils it.
 */
#include <math.h>

#include "model_folder.h"

static void
test_what_is_not_there (void)
{
  assert_refused ("absent.safetensors", VIT_ERROR_NOT_FOUND, "no such", NULL);
  assert_refused (
      NULL, VIT_ERROR_NOT_FOUND, "expected model.safetensors", NULL);
}

static void
test_other_formats (void)
{
  static const char *const names[][2]
      = { { "m.pth", "pickle" }, { "m.pt", "pickle" }, { "m.bin", "pickle" },
          { "m.ckpt", "pickle" }, { "m.onnx", "ONNX" }, { "m.gguf", "GGUF" },
          { "m.npz", "not a safetensors file" } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    folder_write_text (names[i][0], "x");
    assert_refused (
        names[i][0], VIT_ERROR_UNSUPPORTED, names[i][1], "safetensors", NULL);
  }
}

static void
test_folder_with_pickles_only (void)
{
  folder_write_text ("pytorch_model.bin", "x");
  folder_write_text ("config.json", "{\"model_type\": \"vit\"}");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "pytorch_model.bin", "pickle",
      "save_file", NULL);
}

static void
test_folder_with_several_files (void)
{
  folder_write_weights (weights_new_dinov2 (), "b.safetensors");
  vit_model_unref (folder_load (NULL));
  folder_write_weights (weights_new_dinov2 (), "a.safetensors");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"a.safetensors\"",
      "\"b.safetensors\"", "give the file", NULL);
}

static void
test_shards_outside_the_folder (void)
{
  static const char *const names[] = { "../a.safetensors", "/etc/a.safetensors",
    "sub/a.safetensors", "..\\\\a.safetensors", "..", "", "a.bin" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"weight_map\": {\"pos_embed\": \"%s\"}}", names[i]);

    folder_write_text ("model.safetensors.index.json", text);
    assert_refused (NULL, VIT_ERROR_CONFIG, "pos_embed", "plain name", NULL);
  }
  folder_write_text (
      "model.safetensors.index.json", "{\"weight_map\": {\"a\": 1}}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "no string", NULL);
  folder_write_text ("model.safetensors.index.json", "{\"weight_map\": []}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "weight_map", NULL);
}

static void
test_shards_that_lack_what_the_index_says (void)
{
  const char *key = "patch_embed.proj.weight";
  g_autofree char *text
      = g_strdup_printf ("{\"weight_map\": {\"%s\": \"a.safetensors\"}}", key);
  Weights *weights = weights_new_dinov2 ();

  folder_write_text ("model.safetensors.index.json", text);
  assert_refused (NULL, VIT_ERROR_NOT_FOUND, "a.safetensors", NULL);
  weights_remove (weights, key);
  folder_write_weights (weights, "a.safetensors");
  assert_refused (
      NULL, VIT_ERROR_TENSOR, "a.safetensors", key, "the index", NULL);
}

static void
test_missing_tensors (void)
{
  static const char *const names[] = { "patch_embed.proj.bias", "pos_embed" };
  Weights *weights;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    weights = weights_new_dinov2 ();
    weights_remove (weights, names[i]);
    folder_write_weights (weights, "m.safetensors");
    assert_refused (
        "m.safetensors", VIT_ERROR_TENSOR, names[i], "missing", NULL);
  }
  weights = weights_new ();
  weights_add (weights, "wte.weight", 2, 4, 4);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_TENSOR, "none of its 1 tensors",
      "patch_embed.proj.weight", NULL);
}

/* One tensor replaced by one of another shape. */
static void
assert_shape_refused (const char *name, const char *expected, guint rank, int a,
    int b, int c, int d)
{
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, name);
  weights_add (weights, name, rank, a, b, c, d);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_TENSOR, name, expected, NULL);
}

static void
test_wrong_shapes (void)
{
  const char *patch = "patch_embed.proj.weight";

  assert_shape_refused (patch, "[6,1,2,2] but", 4, 6, 1, 2, 2);
  assert_shape_refused (patch, "[6,3,2,4] but", 4, 6, 3, 2, 4);
  assert_shape_refused (patch, "[6,3,0,0] but", 4, 6, 3, 0, 0);
  assert_shape_refused (patch, "expected 4 dimensions", 3, 6, 3, 4, 0);
  assert_shape_refused ("pos_embed",
      "patch_embed.proj.weight is [6,3,2,2] but pos_embed has 5 columns", 3, 1,
      10, 5, 0);
  assert_shape_refused ("pos_embed", "[2,10,6] but", 3, 2, 10, 6, 0);
  assert_shape_refused ("pos_embed", "no square grid", 3, 1, 9, 6, 0);
  assert_shape_refused ("pos_embed", "no square grid", 3, 1, 0, 6, 0);
  assert_shape_refused ("pos_embed", "no square grid", 3, 1, 1, 6, 0);
  assert_shape_refused (
      "pos_embed", "is [10,6], expected 3 dimensions", 2, 10, 6, 0, 0);
  assert_shape_refused ("cls_token", "[1,1,5] but", 3, 1, 1, 5, 0);
  assert_shape_refused ("cls_token", "[2,1,6] but", 3, 2, 1, 6, 0);
  assert_shape_refused ("patch_embed.proj.bias", "expected [6]", 1, 7, 0, 0, 0);
}

static void
test_sizes_past_all_sense (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, "patch_embed.proj.weight");
  weights_add (weights, "patch_embed.proj.weight", 4, 1, 3, 257, 257);
  folder_write_weights (weights, "m.safetensors");
  assert_refused (
      "m.safetensors", VIT_ERROR_UNSUPPORTED, "at most 256 x 256", NULL);
}

static void
test_values_that_are_no_numbers (void)
{
  static const char *const names[] = { "patch_embed.proj.weight",
    "patch_embed.proj.bias", "cls_token", "pos_embed" };
  static const float values[] = { NAN, INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint k = 0; k < G_N_ELEMENTS (values); k++) {
      Weights *weights = weights_new_dinov2 ();

      weights_set (weights, names[i], 3, values[k]);
      folder_write_weights (weights, "m.safetensors");
      assert_refused ("m.safetensors", VIT_ERROR_VALUE, names[i], NULL);
    }
}

static void
test_several_towers_are_listed (void)
{
  static const char *const names[] = { "patch_embed.proj.weight",
    "patch_embed.proj.bias", "cls_token", "pos_embed", "mask_token" };
  Weights *weights = weights_new_dinov2 ();

  weights_add_prefix (weights, "teacher.");
  weights_add (weights, names[0], 4, 6, 3, 2, 2);
  weights_add (weights, names[1], 1, 6);
  weights_add (weights, names[2], 3, 1, 1, 6);
  weights_add (weights, names[3], 3, 1, 10, 6);
  weights_add (weights, names[4], 2, 1, 6);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED,
      "teacher.patch_embed.proj.weight", ", patch_embed.proj.weight",
      "2 patch embeddings", NULL);
}

static void
test_video_tubelets (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, "patch_embed.proj.weight");
  weights_add (weights, "patch_embed.proj.weight", 5, 6, 3, 2, 2, 2);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED, "Conv3d",
      "use an image model", NULL);
}

static void
test_networks_told_by_their_tensors (void)
{
  static const char *const names[][2] = { { "embeddings.norm.weight", "Swin" },
    { "embeddings.detection_tokens", "YOLOS" } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_hugging_face ();

    weights_add (weights, names[i][0], 1, 6);
    weights_add_prefix (weights, "backbone.");
    folder_write_weights (weights, "m.safetensors");
    assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED, names[i][1], NULL);
  }
}

static const FolderTest tests[] = {
  { "what-is-not-there", test_what_is_not_there },
  { "other-formats", test_other_formats },
  { "folder-with-pickles-only", test_folder_with_pickles_only },
  { "folder-with-several-files", test_folder_with_several_files },
  { "shards-outside-the-folder", test_shards_outside_the_folder },
  { "shards-that-lack-what-the-index-says",
      test_shards_that_lack_what_the_index_says },
  { "missing-tensors", test_missing_tensors },
  { "wrong-shapes", test_wrong_shapes },
  { "sizes-past-all-sense", test_sizes_past_all_sense },
  { "values-that-are-no-numbers", test_values_that_are_no_numbers },
  { "several-towers-are-listed", test_several_towers_are_listed },
  { "video-tubelets", test_video_tubelets },
  { "networks-told-by-their-tensors", test_networks_told_by_their_tensors },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/refusals/", tests, G_N_ELEMENTS (tests));
}
