/* SPDX-License-Identifier: MIT
 *
 * What may be given as a model beside a plain folder: a folder of shards, of
 * files under other names; and that the advice in a refusal can be followed.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "model_folder.h"

#define INDEX "model.safetensors.index.json"

static void
make_folder (const char *name)
{
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

static void
remove_all (const char *name)
{
  g_autofree char *path = folder_path (name);
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *inner;

  while (dir && (inner = g_dir_read_name (dir))) {
    g_autofree char *below = g_build_filename (name, inner, NULL);

    remove_all (below);
  }
  if (dir)
    g_dir_close (dir);
  g_assert_cmpint (g_remove (path), ==, 0);
}

/* A name of a model that is not known, in a folder of one file or of shards. */
static void
test_advice_for_an_unknown_model_type (void)
{
  static const char *const given[] = { "model.safetensors", INDEX, "own.safetensors" };

  for (gsize i = 0; i < G_N_ELEMENTS (given); i++) {
    gboolean is_index = g_str_has_suffix (given[i], ".json");
    g_autofree char *advice
        = g_strdup_printf ("/%s instead of the folder", given[i]);
    VitModel *model;

    folder_write_text ("config.json", "{\"model_type\": \"never_seen\"}");
    folder_write_weights (weights_new_dinov2 (),
        is_index ? "model-00001-of-00001.safetensors" : given[i]);
    if (is_index)
      folder_write_text (INDEX,
          "{\"weight_map\": {"
          "\"patch_embed.proj.weight\": \"model-00001-of-00001.safetensors\","
          "\"patch_embed.proj.bias\": \"model-00001-of-00001.safetensors\","
          "\"cls_token\": \"model-00001-of-00001.safetensors\","
          "\"mask_token\": \"model-00001-of-00001.safetensors\","
          "\"pos_embed\": \"model-00001-of-00001.safetensors\"}}");
    assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"never_seen\"", advice, NULL);
    model = folder_load (given[i]);
    g_assert_cmpstr (model->layout, ==, "dinov2");
    vit_model_unref (model);
    remove_all (given[i]);
    if (is_index)
      remove_all ("model-00001-of-00001.safetensors");
  }
}

static void
test_an_index_of_another_name (void)
{
  folder_write_weights (weights_new_dinov2 (), "m-00001-of-00002.safetensors");
  folder_write_weights (weights_new_dinov2 (), "m-00002-of-00002.safetensors");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "\"m-00001-of-00002.safetensors\"",
      "shards", "index.json", "download that", NULL);
  folder_write_text ("m.safetensors.index.json",
      "{\"weight_map\": {\"a\": \"m-00001-of-00002.safetensors\"}}");
  assert_refused (
      NULL, VIT_ERROR_TENSOR, "m.safetensors.index.json", "1 tensors", NULL);
}

static void
test_an_index_of_pickles (void)
{
  folder_write_text ("pytorch_model.bin.index.json",
      "{\"weight_map\": {\"a\": \"pytorch_model-00001-of-00002.bin\"}}");
  assert_refused ("pytorch_model.bin.index.json", VIT_ERROR_CONFIG,
      "\"pytorch_model-00001-of-00002.bin\"", "pickle", "save_file", NULL);
  folder_write_text ("pytorch_model-00001-of-00002.bin", "x");
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED,
      "pytorch_model-00001-of-00002.bin", "pickle", NULL);
}

static void
test_weights_in_a_folder_below (void)
{
  make_folder ("image_encoder");
  folder_write_weights (
      weights_new_dinov2 (), "image_encoder/model.safetensors");
  assert_refused (
      NULL, VIT_ERROR_NOT_FOUND, "its folder \"image_encoder\" does", NULL);
  vit_model_unref (folder_load ("image_encoder"));
  remove_all ("image_encoder");
}

static void
test_a_link_to_nowhere (void)
{
  g_autofree char *path = folder_path ("model.safetensors");

  g_assert_cmpint (symlink ("../blobs/0", path), ==, 0);
  assert_refused (NULL, VIT_ERROR_NOT_FOUND, "model.safetensors: is a link",
      "download the model again", NULL);
}

static const FolderTest tests[] = {
  { "advice-for-an-unknown-model-type", test_advice_for_an_unknown_model_type },
  { "an-index-of-another-name", test_an_index_of_another_name },
  { "an-index-of-pickles", test_an_index_of_pickles },
  { "weights-in-a-folder-below", test_weights_in_a_folder_below },
  { "a-link-to-nowhere", test_a_link_to_nowhere },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/folders/", tests, G_N_ELEMENTS (tests));
}
