/* SPDX-License-Identifier: MIT
 *
 * What a model is called, wherever it lies and whatever its files are called;
 * and the digits by which two of one name are told apart.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "support/model_folder.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define SHA256 COMMIT "0123456789abcdef01234567"
#define CACHE "models--facebook--dinov2-small/"

static void
make_folder_of (const char *file)
{
  g_autofree char *name = g_path_get_dirname (file);
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
}

static void
write_model (const char *file)
{
  make_folder_of (file);
  folder_write_weights (weights_new_dinov2 (), file);
}

static void
assert_named (const char *given, const char *expected)
{
  VitModel *model = folder_load (given);

  g_assert_cmpstr (model->id, ==, expected);
  g_assert_cmpuint (strlen (model->digest), ==, 8);
  vit_model_unref (model);
}

static void
test_names_of_paths (void)
{
  static const struct {
    const char *file, *given, *name;
  } cases[] = {
    { "vit-small/model.safetensors", "vit-small", "vit-small" },
    { "vit-small/model.safetensors", "vit-small/model.safetensors",
        "vit-small" },
    { "a/dinov2_vits14.safetensors", "a/dinov2_vits14.safetensors",
        "dinov2_vits14" },
    { "b/open_clip_model.safetensors", "b/open_clip_model.safetensors", "b" },
    { "c/Model.fp16.safetensors", "c/Model.fp16.safetensors", "c" },
    { "d/best-00001-of-00001.safetensors",
        "d/best-00001-of-00001.safetensors", "d" },
    { "d/own-00001-of-00001.safetensors", "d/own-00001-of-00001.safetensors",
        "own" },
    { "run/checkpoint-500/model.safetensors", "run/checkpoint-500",
        "run/checkpoint-500" },
    { "run/" COMMIT "/model.safetensors", "run/" COMMIT, "run" },
    { "run/7/model.safetensors", "run/7", "run" },
    { "e/" SHA256 ".safetensors", "e/" SHA256 ".safetensors", "e" },
    { CACHE "snapshots/" COMMIT "/model.safetensors",
        CACHE "snapshots/" COMMIT, "facebook/dinov2-small" },
    { CACHE "snapshots/" COMMIT "/model.safetensors",
        CACHE "snapshots/" COMMIT "/model.safetensors",
        "facebook/dinov2-small" },
    { CACHE "snapshots/" COMMIT "/vision/own.safetensors",
        CACHE "snapshots/" COMMIT "/vision/own.safetensors",
        "facebook/dinov2-small" },
    { CACHE "blobs/" SHA256, CACHE "blobs/" SHA256, "facebook/dinov2-small" },
    { "models--gpt2/snapshots/" COMMIT "/model.safetensors",
        "models--gpt2/snapshots/" COMMIT, "gpt2" },
    { "f\xff\x1b[31m/model.safetensors", "f\xff\x1b[31m",
        "f\xef\xbf\xbd[31m" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    write_model (cases[i].file);
    assert_named (cases[i].given, cases[i].name);
  }
}

/* A folder's name says less than its config; but a file of its own name and a
 * place in the cache are by who gave them. */
static void
test_names_of_configs (void)
{
  static const struct {
    const char *config, *name;
  } cases[] = {
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"facebook/dinov2-small\"",
        "facebook/dinov2-small" },
    { "\"_name_or_path\":\"own/vit-of-cats\"", "own/vit-of-cats" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"/home/a/b/vit-cats/\"",
        "vit-cats" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"C:\\\\runs\\\\vit-cats\"",
        "vit-cats" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"/runs/checkpoint-50\"",
        "folder" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"./\"", "folder" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"\"", "folder" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":7", "folder" },
    { "\"model_type\":\"dinov2\",\"_name_or_path\":\"a\\u001b[2J\\u0007\\n\"",
        "a[2J" },
    { "\"model_type\":\"dinov2\"", "folder" },
    { "\"architecture\":\"vit_small_patch14_dinov2\","
      "\"pretrained_cfg\":{\"tag\":\"lvd142m\"}",
        "vit_small_patch14_dinov2.lvd142m" },
    { "\"architecture\":\"vit_small_patch14_dinov2\","
      "\"pretrained_cfg\":{\"tag\":\"\"}",
        "vit_small_patch14_dinov2" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *config = g_strdup_printf ("{%s}", cases[i].config);
    gboolean is_hugging_face = strstr (config, "dinov2\"") != NULL
                               && strstr (config, "model_type") != NULL;

    make_folder_of ("folder/own.safetensors");
    folder_write_weights (is_hugging_face ? weights_new_hugging_face ()
                                          : weights_new_dinov2 (),
        "folder/model.safetensors");
    folder_write_text ("folder/config.json", config);
    assert_named ("folder/model.safetensors", cases[i].name);
  }
  folder_write_weights (weights_new_dinov2 (), "folder/own.safetensors");
  assert_named ("folder/own.safetensors", "own");
}

static void
test_names_are_short (void)
{
  g_autofree char *many = g_strnfill (3000, 'v');
  g_autofree char *config = g_strdup_printf (
      "{\"model_type\":\"dinov2\",\"_name_or_path\":\"%s\"}", many);
  VitModel *model;

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("config.json", config);
  model = folder_load (NULL);
  g_assert_cmpuint (strlen (model->id), ==, 200);
  vit_model_unref (model);
}

/* (transfer full) */
static char *
digest_of (const char *name)
{
  VitModel *model = folder_load (name);
  char *digest = g_strdup (model->digest);

  vit_model_unref (model);
  return digest;
}

static void
assert_digests (const char *a, const char *b, gboolean are_same)
{
  g_autofree char *one = digest_of (a), *other = digest_of (b);

  g_assert_cmpint (strcmp (one, other) == 0, ==, are_same);
}

static void
test_digests (void)
{
  static const char *const names[] = { "patch_embed.proj.weight",
    "patch_embed.proj.bias", "cls_token", "pos_embed" };
  Weights *weights;

  write_model ("a/model.safetensors");
  write_model ("b/other.safetensors");
  assert_digests ("a", "b", TRUE);
  /* Trained further: the same header, and one number that is another. */
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    weights = weights_new_dinov2 ();
    weights_set (weights, names[i], 5, 0.25f);
    folder_write_weights (weights, "b/other.safetensors");
    assert_digests ("a", "b", FALSE);
  }
  /* The same numbers, and a tensor that is not read. */
  weights = weights_new_dinov2 ();
  weights_add (weights, "blocks.0.norm1.weight", 1, 6);
  folder_write_weights (weights, "b/other.safetensors");
  assert_digests ("a", "b", FALSE);
}

static void
write_shards (const char *folder, const char *first, const char *second)
{
  const char *names[2] = { first, second };
  g_autoptr (GString) index = g_string_new ("{\"weight_map\":{");
  Weights *weights = weights_new_dinov2 ();
  guint n = weights_count (weights);

  for (guint i = 0; i < 2; i++) {
    g_autofree char *file = g_strdup_printf ("%s/%s", folder, names[i]);
    g_autofree char *path = folder_path (file);

    make_folder_of (file);
    weights_write_some (weights, i ? n / 2 : 0, i ? n : n / 2, path);
  }
  for (guint i = 0; i < n; i++)
    g_string_append_printf (index, "%s\"%s\":\"%s\"", i ? "," : "",
        weights_name (weights, i), names[i >= n / 2]);
  g_string_append (index, "}}");
  weights_free (weights);
  {
    g_autofree char *file
        = g_strdup_printf ("%s/model.safetensors.index.json", folder);

    folder_write_text (file, index->str);
  }
}

/* Whatever shards are called, and in whichever order they are found. */
static void
test_digests_of_shards (void)
{
  static const char *const names[] = { "a.safetensors", "z.safetensors",
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors" };
  g_autofree char *first = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (names); k++) {
      g_autofree char *folder = g_strdup_printf (
          "s%" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT, i, k);
      g_autofree char *digest = NULL;

      if (i == k)
        continue;
      write_shards (folder, names[i], names[k]);
      digest = digest_of (folder);
      if (first)
        g_assert_cmpstr (digest, ==, first);
      else
        first = g_steal_pointer (&digest);
    }
}

static void
test_builtin (void)
{
  VitModel *one = vit_model_new_builtin (16, 768, NULL);
  VitModel *same = vit_model_new_builtin (16, 768, NULL);
  VitModel *other = vit_model_new_builtin (8, 768, NULL);

  g_assert_cmpstr (one->id, ==, "builtin");
  /* The first digits of: printf 'builtin 16 768' | sha256sum */
  g_assert_cmpstr (one->digest, ==, "695227f9");
  g_assert_cmpstr (one->digest, ==, same->digest);
  g_assert_cmpstr (one->digest, !=, other->digest);
  vit_model_unref (one);
  vit_model_unref (same);
  vit_model_unref (other);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "names-of-paths", test_names_of_paths },
    { "names-of-configs", test_names_of_configs },
    { "names-are-short", test_names_are_short },
    { "digests-tell-files-apart", test_digests },
    { "digests-of-shards", test_digests_of_shards },
    { "builtin", test_builtin },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model-id", tests, G_N_ELEMENTS (tests));
}
