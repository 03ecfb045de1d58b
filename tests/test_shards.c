/* SPDX-License-Identifier: MIT
 *
 * What an index of shards cannot bring about: names that a terminal obeys or
 * that flood a log.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "model_folder.h"

#define INDEX "model.safetensors.index.json"
#define KEY "patch_embed.proj.weight"

static void
write_index (const char *shard)
{
  g_autofree char *text
      = g_strdup_printf ("{\"weight_map\":{\"" KEY "\":\"%s\"}}", shard);

  folder_write_text (INDEX, text);
}

/* Short, and nothing in it that a terminal could obey. */
static void
assert_message_is_plain (void)
{
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (vit_model_load (path, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_cmpuint (strlen (error->message), <, 1000);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  for (const char *at = error->message; *at; at = g_utf8_next_char (at))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
}

static void
test_names_with_control_characters (void)
{
  static const char *const names[] = { "\\u001b[31mX\\u001b]0;x\\u0007\\n",
    "a\\u007f", "\177", "a\\u0080", "\xc2\x9b" "31m", "\\t", "\\u0001" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *name = g_strconcat (names[i], ".safetensors", NULL);

    write_index (name);
    assert_refused (
        NULL, VIT_ERROR_CONFIG, KEY, "without control characters", NULL);
    assert_message_is_plain ();
  }
}

static void
test_names_longer_than_a_file_can_have (void)
{
  static const gsize lengths[] = { 256, 1000000 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree char *name = g_strnfill (lengths[i], 'x');

    strcpy (name + lengths[i] - strlen (".safetensors"), ".safetensors");
    write_index (name);
    assert_refused (NULL, VIT_ERROR_CONFIG, KEY, "at most 255 bytes", NULL);
    assert_message_is_plain ();
  }
}

/* 255 bytes, and letters of all kinds. */
static void
test_names_that_a_file_can_have (void)
{
  g_autofree char *longest = g_strnfill (255, 'x');
  const char *const names[] = { longest, "\xc3\xa9\xe2\x82\xac.safetensors",
    "a b\xc2\xa0.safetensors" };

  strcpy (longest + 255 - strlen (".safetensors"), ".safetensors");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *written = folder_path ("written");
    g_autofree char *path = folder_path (names[i]);

    folder_write_weights (weights_new_dinov2 (), "written");
    g_assert_cmpint (g_rename (written, path), ==, 0);
    write_index (names[i]);
    assert_refused (
        INDEX, VIT_ERROR_TENSOR, "patch_embed.proj.bias", "missing", NULL);
  }
}

static const FolderTest tests[] = {
  { "names-with-control-characters", test_names_with_control_characters },
  { "names-longer-than-a-file-can-have",
      test_names_longer_than_a_file_can_have },
  { "names-that-a-file-can-have", test_names_that_a_file_can_have },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/shards/", tests, G_N_ELEMENTS (tests));
}
