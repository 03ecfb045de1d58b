/* SPDX-License-Identifier: MIT
 *
 * What vit_model_load() refuses, and how it says so: every message begins with
 * the file, and names the tensor or key, what was found and what was expected.
 * Each test starts from a small checkpoint that would load and spoils it.
 */
#include <math.h>
#include <string.h>

#include "support/model_folder.h"

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
write_bytes (const char *name, const char *bytes, gsize length)
{
  g_autofree char *path = folder_path (name);

  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
}

/* Whatever such a file is called: by how it begins. */
static void
test_other_formats_under_any_name (void)
{
  static const struct {
    const char *bytes;
    gsize length;
    const char *word;
  } files[] = { { "PK\003\004\0\0\010\010\0\0\0\0", 12, "zip archive" },
    { "\200\002\212\nl\374\234F\371 j\250P", 13, "pickle" },
    { "\200\005\225\0", 4, "pickle" }, { "\200\002", 2, "pickle" },
    { "GGUF\003\0\0\0\0\0\0\0", 12, "GGUF" },
    { "\211HDF\r\n\032\n\0", 9, "not a safetensors file" } };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    write_bytes ("model.safetensors", files[i].bytes, files[i].length);
    assert_refused ("model.safetensors", VIT_ERROR_UNSUPPORTED, files[i].word,
        "safetensors", NULL);
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, files[i].word, NULL);
    write_bytes ("weights", files[i].bytes, files[i].length);
    assert_refused (
        "weights", VIT_ERROR_UNSUPPORTED, files[i].word, NULL);
  }
  folder_write_text ("M.PTH", "x");
  assert_refused ("M.PTH", VIT_ERROR_UNSUPPORTED, "pickle", NULL);
  folder_write_text ("m.Zip", "x");
  assert_refused ("m.Zip", VIT_ERROR_UNSUPPORTED, "zip archive", NULL);
}

/* Headers of all lengths, of which some begin like a pickle: 0x280 bytes. */
static void
test_a_header_as_long_as_a_pickle_begins (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  g_autofree char *bytes = NULL;
  gsize length;
  guint64 header;
  GString *longer = g_string_new (NULL);

  folder_write_weights (weights_new_dinov2 (), "m.safetensors");
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  memcpy (&header, bytes, sizeof header);
  g_assert_cmpuint (header, <=, 0x0280);
  /* Spaces may end a header. */
  g_string_append_len (longer, "\200\002\0\0\0\0\0\0", 8);
  g_string_append_len (longer, bytes + 8, (gssize) header);
  for (guint64 i = header; i < 0x0280; i++)
    g_string_append_c (longer, ' ');
  g_string_append_len (
      longer, bytes + 8 + header, (gssize) (length - 8 - header));
  write_bytes ("m.safetensors", longer->str, longer->len);
  vit_model_unref (folder_load ("m.safetensors"));
  g_string_free (longer, TRUE);
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
    "sub/a.safetensors", "..\\\\a.safetensors", "..", "", "a.txt" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"weight_map\": {\"pos_embed\": \"%s\"}}", names[i]);

    folder_write_text ("model.safetensors.index.json", text);
    assert_refused (NULL, VIT_ERROR_CONFIG, "pos_embed", "plain name", NULL);
  }
  folder_write_text (
      "model.safetensors.index.json", "{\"weight_map\": {\"a\": 1}}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "no string", NULL);
  folder_write_text ("model.safetensors.index.json",
      "{\"weight_map\": {\"a\": \"a.safetensors\", \"b\": \"a.safetensors\", "
      "\"\\u0061\": \"b.safetensors\"}}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "a: is there twice", NULL);
  folder_write_text ("model.safetensors.index.json",
      "{\"weight_map\": {}, \"weight_map\": {\"a\": \"a.safetensors\"}}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "weight_map", "several", NULL);
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
test_float8 (void)
{
  static const char *const names[]
      = { "patch_embed.proj.weight", "cls_token", "pos_embed" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_dinov2 ();

    weights_set_float8 (weights, names[i], "F8_E4M3");
    folder_write_weights (weights, "m.safetensors");
    assert_refused (
        "m.safetensors", VIT_ERROR_TENSOR, names[i], "F8_E4M3", "BF16", NULL);
  }
}

/* An index that names a patch embedding in each of many shards. */
static void
test_too_many_shards_that_might_matter (void)
{
  static const guint counts[] = { 64, 65, 3000 };

  for (guint n = 0; n < G_N_ELEMENTS (counts); n++) {
    g_autoptr (GString) index = g_string_new ("{\"weight_map\": {");

    for (guint i = 0; i < counts[n]; i++) {
      g_autofree char *shard = g_strdup_printf ("s%u.safetensors", i);
      g_autofree char *key
          = g_strdup_printf ("m%u.patch_embed.proj.weight", i);
      Weights *weights = weights_new_dinov2 ();

      weights_rename (weights, "patch_embed.proj.weight", key);
      if (i < 70)
        folder_write_weights (weights, shard);
      else
        weights_free (weights);
      g_string_append_printf (
          index, "%s\"%s\": \"%s\"", i ? ", " : "", key, shard);
    }
    g_string_append (index, "}}");
    folder_write_text ("m.safetensors.index.json", index->str);
    if (counts[n] > 64)
      assert_refused ("m.safetensors.index.json", VIT_ERROR_UNSUPPORTED,
          "more than 64 of its shards", "into one file", NULL);
    else
      assert_refused (
          "m.safetensors.index.json", VIT_ERROR_TENSOR, "missing", NULL);
  }
}

/* Each would be held against every layout: a header of a few MB would keep the
 * element from its start for seconds. */
static void
test_too_many_patch_embeddings (void)
{
  static const guint counts[] = { 1024, 1025 };

  for (guint n = 0; n < G_N_ELEMENTS (counts); n++) {
    Weights *weights = weights_new ();

    for (guint i = 0; i < counts[n]; i++) {
      g_autofree char *key = g_strdup_printf ("m%u.patch_embed.proj.weight", i);

      weights_add (weights, key, 4, 1, 3, 1, 1);
    }
    folder_write_weights (weights, "m.safetensors");
    if (counts[n] > 1024)
      assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED,
          "more than 1024 of its 1025 tensors", NULL);
    else
      assert_refused ("m.safetensors", VIT_ERROR_TENSOR, "missing", NULL);
  }
}

/* Three towers: two below "teacher." and one without a prefix, told apart by
 * their first weight. */
static void
write_three_towers (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_set (weights, "patch_embed.proj.weight", 0, 1.0f);
  weights_add_prefix (weights, "backbone.");
  weights_join (weights, weights_new_dinov2 ());
  weights_set (weights, "patch_embed.proj.weight", 0, 2.0f);
  weights_add_prefix (weights, "teacher.");
  weights_join (weights, weights_new_dinov2 ());
  weights_set (weights, "patch_embed.proj.weight", 0, 3.0f);
  folder_write_weights (weights, "m.safetensors");
}

static void
test_prefix_picks_a_tower (void)
{
  static const struct {
    const char *prefix;
    float first_weight;
  } cases[] = { { "teacher.backbone.", 1.0f }, { "teacher.backbone", 1.0f },
    { "teacher.", 2.0f }, { "teacher", 2.0f }, { "", 3.0f } };
  g_autofree char *path = folder_path ("m.safetensors");

  write_three_towers ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    VitModel *model = vit_model_load (path, cases[i].prefix, &error);

    g_assert_no_error (error);
    g_assert_cmpfloat (model->weight[0], ==, cases[i].first_weight);
    vit_model_unref (model);
  }
}

/* What holds the tower's own prefix may stand for it where that is the only
 * one below. */
static void
test_prefix_may_end_early (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  g_autoptr (GError) error = NULL;
  Weights *weights = weights_new_dinov2 ();
  VitModel *model;

  weights_add_prefix (weights, "model.vision_tower.");
  folder_write_weights (weights, "m.safetensors");
  model = vit_model_load (path, "model", &error);
  g_assert_no_error (error);
  vit_model_unref (model);
}

static void
test_prefix_of_no_tower (void)
{
  static const char *const prefixes[] = { "student.", "teach", "teacher.back",
    "teacher..", ".", "teacher.backbone.patch_embed" };
  g_autofree char *path = folder_path ("m.safetensors");

  write_three_towers ();
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (vit_model_load (path, prefixes[i], &error));
    g_test_message ("%s", error->message);
    g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
    g_assert_nonnull (strstr (error->message, prefixes[i]));
    g_assert_nonnull (strstr (error->message, "\"teacher.backbone.\""));
  }
}

static void
test_several_towers_are_listed (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_add_prefix (weights, "teacher.");
  weights_join (weights, weights_new_dinov2 ());
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED,
      "2 patch embeddings", "\"teacher.\" of layout dinov2, \"\" of",
      "model-prefix", NULL);
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
    { "embeddings.detection_tokens", "YOLOS" },
    { "embeddings.time_embeddings", "TimeSformer" },
    { "embeddings.x_position_embeddings.weight", "LayoutLMv3" },
    { "encoder.stages.0.layers.0.layernorm_before.weight", "Hiera" } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Weights *weights = weights_new_hugging_face ();

    weights_add (weights, names[i][0], 1, 6);
    weights_add_prefix (weights, "backbone.");
    folder_write_weights (weights, "m.safetensors");
    assert_refused ("m.safetensors", VIT_ERROR_UNSUPPORTED, names[i][1], NULL);
  }
}

/* AIMv2's norm under SigLIP's names for the rest. */
static void
test_norm_that_the_layout_lacks (void)
{
  Weights *weights = weights_new ();

  weights_add (weights, "embeddings.patch_embedding.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "embeddings.patch_embedding.bias", 1, 6);
  weights_add (weights, "embeddings.position_embedding.weight", 2, 9, 6);
  folder_write_weights (weights, "m.safetensors");
  vit_model_unref (folder_load ("m.safetensors"));
  weights = weights_new ();
  weights_add (weights, "embeddings.patch_embedding.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "embeddings.patch_embedding.bias", 1, 6);
  weights_add (weights, "embeddings.position_embedding.weight", 2, 9, 6);
  weights_add (weights, "embeddings.rms_norm.weight", 1, 6);
  folder_write_weights (weights, "m.safetensors");
  assert_refused ("m.safetensors", VIT_ERROR_TENSOR,
      "embeddings.rms_norm.weight is there, expected none", NULL);
}

static const FolderTest tests[] = {
  { "norm-that-the-layout-lacks", test_norm_that_the_layout_lacks },
  { "what-is-not-there", test_what_is_not_there },
  { "other-formats", test_other_formats },
  { "other-formats-under-any-name", test_other_formats_under_any_name },
  { "a-header-as-long-as-a-pickle-begins",
      test_a_header_as_long_as_a_pickle_begins },
  { "too-many-shards-that-might-matter",
      test_too_many_shards_that_might_matter },
  { "too-many-patch-embeddings", test_too_many_patch_embeddings },
  { "folder-with-pickles-only", test_folder_with_pickles_only },
  { "folder-with-several-files", test_folder_with_several_files },
  { "shards-outside-the-folder", test_shards_outside_the_folder },
  { "shards-that-lack-what-the-index-says",
      test_shards_that_lack_what_the_index_says },
  { "missing-tensors", test_missing_tensors },
  { "wrong-shapes", test_wrong_shapes },
  { "sizes-past-all-sense", test_sizes_past_all_sense },
  { "values-that-are-no-numbers", test_values_that_are_no_numbers },
  { "float8", test_float8 },
  { "several-towers-are-listed", test_several_towers_are_listed },
  { "prefix-picks-a-tower", test_prefix_picks_a_tower },
  { "prefix-may-end-early", test_prefix_may_end_early },
  { "prefix-of-no-tower", test_prefix_of_no_tower },
  { "video-tubelets", test_video_tubelets },
  { "networks-told-by-their-tensors", test_networks_told_by_their_tensors },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/refusals/", tests, G_N_ELEMENTS (tests));
}
