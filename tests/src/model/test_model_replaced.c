/* SPDX-License-Identifier: MIT
 *
 * Files that change while a model is read from them: before each call of pread() in
 * turn one file is changed.  Who asks for the
 * model afterwards gets what the files then say.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "support/file_change.h"
#include "support/model_folder.h"

#define CONFIG "preprocessor_config.json"
#define INDEX "model.safetensors.index.json"

static VitModel *
share (GError **error)
{
  g_autofree char *path = folder_path (NULL);

  return vit_model_share (path, NULL, error);
}

static void
write_weights (const char *name, float value)
{
  Weights *weights = weights_new_dinov2 ();

  weights_set (weights, "patch_embed.proj.weight", 0, value);
  weights_set (weights, "pos_embed", 59, value);
  folder_write_weights (weights, name);
}

static void
write_index (const char *shard)
{
  static const char *const names[] = { "patch_embed.proj.weight",
    "patch_embed.proj.bias", "cls_token", "mask_token", "pos_embed" };
  g_autoptr (GString) text = g_string_new ("{\"weight_map\":");

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_string_append_printf (
        text, "%s\"%s\":\"%s\"", i ? "," : "{", names[i], shard);
  g_string_append (text, "}}");
  folder_write_text (INDEX, text->str);
}

/* Both values are of one state, and this is which. */
static float
state_of (const VitModel *model)
{
  g_assert_cmpfloat (model->weight[0], ==, model->table[53]);
  return model->weight[0];
}

static void
rename_weights (void)
{
  write_weights ("model.safetensors", 2.0f);
}

static void
rename_index (void)
{
  write_index ("b.safetensors");
}

static void
rename_config (void)
{
  folder_write_text (CONFIG, "{\"image_mean\":0.25,\"image_std\":1}");
}

static void
overwrite_weights (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  g_autofree char *other = folder_path ("other");

  write_weights ("other", 2.0f);
  file_overwrite (path, other);
  g_assert_cmpint (g_unlink (other), ==, 0);
}

/* FALSE: a load does not call pread() so often. */
static gboolean
change_before (
    guint call, void (*change) (void), VitModel **first, GError **error)
{
  file_change_set (call, change);
  *first = share (error);
  if (file_change_is_done ())
    return TRUE;
  vit_model_unref (*first);
  return FALSE;
}

static void
test_renamed_weights (void)
{
  guint call, n_old = 0;

  for (call = 1;; call++) {
    GError *error = NULL;
    VitModel *first, *second;

    write_weights ("model.safetensors", 1.0f);
    if (!change_before (call, rename_weights, &first, &error))
      break;
    g_assert_no_error (error);
    n_old += state_of (first) == 1.0f;
    second = share (&error);
    g_assert_no_error (error);
    g_assert_cmpfloat (state_of (second), ==, 2.0f);
    vit_model_unref (first);
    vit_model_unref (second);
  }
  g_assert_cmpuint (call, >, 5);
  g_assert_cmpuint (n_old, >, 3);
}

static void
test_a_renamed_index (void)
{
  guint call;

  write_weights ("a.safetensors", 1.0f);
  write_weights ("b.safetensors", 2.0f);
  for (call = 1;; call++) {
    GError *error = NULL;
    VitModel *first, *second;

    write_index ("a.safetensors");
    if (!change_before (call, rename_index, &first, &error))
      break;
    g_assert_no_error (error);
    second = share (&error);
    g_assert_no_error (error);
    g_assert_cmpfloat (state_of (second), ==, 2.0f);
    vit_model_unref (first);
    vit_model_unref (second);
  }
  g_assert_cmpuint (call, >, 5);
}

static void
try_config (gboolean is_there)
{
  g_autofree char *path = folder_path (CONFIG);
  guint call;

  write_weights ("model.safetensors", 1.0f);
  for (call = 1;; call++) {
    GError *error = NULL;
    VitModel *first, *second;

    g_unlink (path);
    if (is_there)
      folder_write_text (CONFIG, "{\"image_mean\":0.75,\"image_std\":1}");
    if (!change_before (call, rename_config, &first, &error))
      break;
    g_assert_no_error (error);
    second = share (&error);
    g_assert_no_error (error);
    g_assert_cmpfloat (second->mean[0], ==, 0.25);
    vit_model_unref (first);
    vit_model_unref (second);
  }
  g_assert_cmpuint (call, >, 5);
}

static void
test_a_renamed_config (void)
{
  try_config (TRUE);
}

static void
test_a_config_that_appears (void)
{
  try_config (FALSE);
}

static void
test_weights_that_are_overwritten (void)
{
  guint call, n_refused = 0;

  for (call = 1;; call++) {
    GError *error = NULL;
    VitModel *first, *second;

    write_weights ("model.safetensors", 1.0f);
    if (!change_before (call, overwrite_weights, &first, &error))
      break;
    if (first) {
      g_assert_cmpfloat (state_of (first), ==, 2.0f);
      vit_model_unref (first);
    } else {
      g_assert_error (error, VIT_ERROR, VIT_ERROR_READ);
      g_assert_nonnull (strstr (error->message, "while being read"));
      g_clear_error (&error);
      n_refused++;
    }
    second = share (&error);
    g_assert_no_error (error);
    g_assert_cmpfloat (state_of (second), ==, 2.0f);
    vit_model_unref (second);
  }
  g_assert_cmpuint (n_refused, >, 3);
}

static const FolderTest tests[] = {
  { "renamed-weights", test_renamed_weights },
  { "a-renamed-index", test_a_renamed_index },
  { "a-renamed-config", test_a_renamed_config },
  { "a-config-that-appears", test_a_config_that_appears },
  { "weights-that-are-overwritten", test_weights_that_are_overwritten },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/replaced/", tests, G_N_ELEMENTS (tests));
}
