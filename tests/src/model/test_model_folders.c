/* SPDX-License-Identifier: MIT
 *
 * What may be given as a model beside a plain folder: a folder of shards, of
 * files under other names, of the hub's cache, a name on the hub; and that the
 * advice in a refusal can be followed.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "support/model_folder.h"

#define INDEX "model.safetensors.index.json"
#define REPOSITORY "models--facebook--dinov2-small"
#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER_COMMIT "1123456789abcdef0123456789abcdef01234567"

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

/* A snapshot whose patches have `first` as the first weight. */
static void
write_snapshot (const char *commit, float first)
{
  g_autofree char *folder
      = g_strconcat (REPOSITORY "/snapshots/", commit, NULL);
  g_autofree char *file = g_strconcat (folder, "/model.safetensors", NULL);
  Weights *weights = weights_new_dinov2 ();

  make_folder (folder);
  weights_set (weights, "patch_embed.proj.weight", 0, first);
  folder_write_weights (weights, file);
}

static VitModel *
share (const char *name)
{
  g_autofree char *path = folder_path (name);
  g_autoptr (GError) error = NULL;
  VitModel *model = vit_model_share (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_a_folder_of_the_cache (void)
{
  static const char *const names[] = { REPOSITORY, REPOSITORY "/",
    REPOSITORY "/snapshots", REPOSITORY "/snapshots/" COMMIT };
  VitModel *model, *later;

  write_snapshot (COMMIT, 3.0f);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    model = folder_load (names[i]);
    g_assert_cmpfloat (model->weight[0], ==, 3.0f);
    g_assert_cmpstr (model->id, ==, "facebook/dinov2-small");
    vit_model_unref (model);
  }
  write_snapshot (OTHER_COMMIT, 4.0f);
  assert_refused (REPOSITORY, VIT_ERROR_UNSUPPORTED, "2 snapshots",
      "/snapshots/" COMMIT, NULL);
  make_folder (REPOSITORY "/refs");
  folder_write_text (REPOSITORY "/refs/main", OTHER_COMMIT);
  model = share (REPOSITORY);
  g_assert_cmpfloat (model->weight[0], ==, 4.0f);
  /* What refs/main moves to is another model, also where this is in use. */
  folder_write_text (REPOSITORY "/refs/main", COMMIT "\n");
  later = share (REPOSITORY);
  g_assert_cmpfloat (later->weight[0], ==, 3.0f);
  vit_model_unref (later);
  vit_model_unref (model);
  /* One that leads nowhere or out of the folder is none. */
  folder_write_text (REPOSITORY "/refs/main", "../../..");
  assert_refused (REPOSITORY, VIT_ERROR_UNSUPPORTED, "2 snapshots", NULL);
  remove_all (REPOSITORY "/snapshots");
  make_folder (REPOSITORY "/snapshots");
  assert_refused (
      REPOSITORY, VIT_ERROR_NOT_FOUND, "no snapshot", "download", NULL);
  remove_all (REPOSITORY);
}

static void
assert_missing (const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vit_model_load (name, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, VIT_ERROR, VIT_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_prefix (error->message, name));
  g_assert_nonnull (strstr (error->message, "no such file or folder"));
  if (!text)
    g_assert_null (strstr (error->message, "hf download"));
  else if (!strstr (error->message, text))
    g_error ("\"%s\" does not say \"%s\"", error->message, text);
}

static void
test_a_name_on_the_hub (void)
{
  static const char *const names[] = { "facebook/dinov2-small",
    "hf-hub:facebook/dinov2-small", "hf://facebook/dinov2-small",
    "https://huggingface.co/facebook/dinov2-small",
    "https://huggingface.co/facebook/dinov2-small/tree/main" };
  static const char *const others[] = { "dinov2", "/facebook/dinov2-small",
    "a/b/c", "a/model.safetensors", "./dinov2-small", "../dinov2-small",
    "a/config.json", "a b/c" };
  static const char *const variables[]
      = { "HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME" };
  static const char *const below[] = { "", "hub", "huggingface/hub" };

  for (gsize v = 0; v < G_N_ELEMENTS (variables); v++)
    g_unsetenv (variables[v]);
  g_setenv ("HF_HOME", "/nonexistent", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    assert_missing (names[i], "\"hf download facebook/dinov2-small\"");
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    assert_missing (others[i], NULL);
  assert_missing ("", "\"\": no such file or folder: the path is empty");
  g_unsetenv ("HF_HOME");

  for (gsize v = 0; v < G_N_ELEMENTS (variables); v++) {
    g_autofree char *folder = folder_path (NULL);
    g_autofree char *cache = folder_path (v > 0 ? below[v] : NULL);
    g_autofree char *repository = g_build_filename (cache, REPOSITORY, NULL);
    g_autofree char *written = folder_path (REPOSITORY);
    g_autofree char *advice
        = g_strconcat (repository, "/snapshots/" COMMIT, NULL);

    write_snapshot (COMMIT, 1.0f);
    g_assert_cmpint (g_mkdir_with_parents (cache, 0700), ==, 0);
    if (v > 0)
      g_assert_cmpint (g_rename (written, repository), ==, 0);
    g_setenv (variables[v], folder, TRUE);
    assert_missing ("facebook/dinov2-small", advice);
    g_unsetenv (variables[v]);
    remove_all (v == 0 ? REPOSITORY : v == 1 ? "hub" : "huggingface");
  }
}

static const FolderTest tests[] = {
  { "advice-for-an-unknown-model-type", test_advice_for_an_unknown_model_type },
  { "an-index-of-another-name", test_an_index_of_another_name },
  { "an-index-of-pickles", test_an_index_of_pickles },
  { "weights-in-a-folder-below", test_weights_in_a_folder_below },
  { "a-link-to-nowhere", test_a_link_to_nowhere },
  { "a-folder-of-the-cache", test_a_folder_of_the_cache },
  { "a-name-on-the-hub", test_a_name_on_the_hub },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/folders/", tests, G_N_ELEMENTS (tests));
}
