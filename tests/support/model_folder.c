/* SPDX-License-Identifier: MIT
 *
 * Each test finds the folder empty and may leave in it what it likes.
 */
#include "support/model_folder.h"

#include <glib/gstdio.h>
#include <string.h>

static char *folder;

char *
folder_path (const char *name)
{
  return name ? g_build_filename (folder, name, NULL) : g_strdup (folder);
}

/* All that is in a folder; links are not followed. */
static void
clear (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir))) {
    g_autofree char *inner = g_build_filename (path, name, NULL);

    if (!g_file_test (inner, G_FILE_TEST_IS_SYMLINK)
        && g_file_test (inner, G_FILE_TEST_IS_DIR))
      clear (inner);
    g_assert_cmpint (g_remove (inner), ==, 0);
  }
}

static void
folder_clear (void)
{
  clear (folder);
}

void
folder_write_text (const char *name, const char *text)
{
  g_autofree char *path = folder_path (name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

void
folder_write_weights (Weights *weights, const char *name)
{
  g_autofree char *path = folder_path (name);

  weights_write (weights, path);
  weights_free (weights);
}

VitModel *
folder_load (const char *name)
{
  g_autofree char *path = folder_path (name);
  GError *error = NULL;
  VitModel *model = vit_model_load (path, NULL, &error);

  g_assert_no_error (error);
  g_test_message ("%s", model->reason);
  return model;
}

void
assert_refused (const char *name, int code, ...)
{
  g_autofree char *path = folder_path (name);
  g_autoptr (GError) error = NULL;
  VitModel *model = vit_model_load (path, NULL, &error);
  const char *text;
  va_list texts;

  g_assert_null (model);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_error (error, VIT_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, folder));
  va_start (texts, code);
  while ((text = va_arg (texts, const char *)))
    if (!strstr (error->message, text))
      g_error ("\"%s\" does not say \"%s\"", error->message, text);
  va_end (texts);
}

Weights *
weights_new_dinov2 (void)
{
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.proj.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "patch_embed.proj.bias", 1, 6);
  weights_add (weights, "cls_token", 3, 1, 1, 6);
  weights_add (weights, "mask_token", 2, 1, 6);
  weights_add (weights, "pos_embed", 3, 1, 10, 6);
  return weights;
}

Weights *
weights_new_hugging_face (void)
{
  Weights *weights = weights_new ();

  weights_add (
      weights, "embeddings.patch_embeddings.projection.weight", 4, 6, 3, 2, 2);
  weights_add (weights, "embeddings.patch_embeddings.projection.bias", 1, 6);
  weights_add (weights, "embeddings.cls_token", 3, 1, 1, 6);
  weights_add (weights, "embeddings.position_embeddings", 3, 1, 10, 6);
  return weights;
}

static void
run_in_folder (gconstpointer data)
{
  const FolderTest *test = data;

  test->run ();
  folder_clear ();
}

int
folder_run_tests (const char *path, const FolderTest *tests, gsize n_tests)
{
  int failed;

  folder = g_dir_make_tmp ("vit-model-XXXXXX", NULL);
  for (gsize i = 0; i < n_tests; i++) {
    g_autofree char *test = g_strconcat (path, tests[i].name, NULL);

    g_test_add_data_func (test, &tests[i], run_in_folder);
  }
  failed = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return failed;
}
