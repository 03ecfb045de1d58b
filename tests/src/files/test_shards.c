/* SPDX-License-Identifier: MIT
 *
 * What an index of shards cannot bring about: names that a terminal obeys or
 * that flood a log, and headers without end.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "support/model_folder.h"

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
    "a\\u007f", "\177", "a\\u0080", "\302\23331m", "\\t", "\\u0001" };

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

/* Each names a patch embedding, so that both shards are opened. */
static void
write_index_of_two (void)
{
  folder_write_text (INDEX, "{\"weight_map\":{"
                            "\"a." KEY "\":\"a.safetensors\","
                            "\"b." KEY "\":\"b.safetensors\"}}");
}

/* The header of a patch embedding and `n_others` tensors without a value,
 * filled up to `n_bytes`: with zeros, which are no JSON, as a hole. */
static void
write_shard (const char *name, guint n_others, guint64 n_bytes, char fill)
{
  g_autofree char *file = g_strdup_printf ("%s.safetensors", name);
  g_autofree char *path = folder_path (file);
  g_autoptr (GString) text = g_string_sized_new (8);
  const char *empty = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";

  for (guint i = 0; i < n_others; i++)
    g_string_append_printf (text, "%s\"%x\":%s", i ? "," : "{", i, empty);
  g_string_append_printf (text,
      "%s\"%s." KEY "\":{\"dtype\":\"F32\",\"shape\":[0,3,2,2],"
      "\"data_offsets\":[0,0]}}",
      n_others ? "," : "{", name);
  while (fill && text->len < n_bytes)
    g_string_append_c (text, fill);
  n_bytes = MAX (n_bytes, text->len);
  g_string_prepend_len (text, (const char *) &n_bytes, 8);
  g_assert_true (
      g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  g_assert_cmpint (truncate (path, (off_t) (8 + n_bytes)), ==, 0);
}

static void
test_headers_that_are_too_long_together (void)
{
  const guint64 most = 100000000, length_of_a = 1 << 20;

  write_index_of_two ();
  write_shard ("a", 0, length_of_a, ' ');
  write_shard ("b", 0, most - length_of_a + 1, '\0');
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "b.safetensors",
      "98951425 bytes of header", "at most 98951424", "together", NULL);
  /* One byte less is read. */
  write_shard ("b", 0, most - length_of_a, '\0');
  assert_refused (NULL, VIT_ERROR_CONTAINER, "b.safetensors: header", NULL);
}

static void
test_headers_of_too_many_tensors_together (void)
{
  write_index_of_two ();
  write_shard ("a", 1 << 17, 0, ' ');
  write_shard ("b", 1 << 17, 0, ' ');
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "b.safetensors",
      "131073 tensors; expected at most 131071", "together", NULL);
  write_shard ("b", (1 << 17) - 2, 0, ' ');
  assert_refused (NULL, VIT_ERROR_TENSOR, "missing", NULL);
}

static const FolderTest tests[] = {
  { "names-with-control-characters", test_names_with_control_characters },
  { "names-longer-than-a-file-can-have",
      test_names_longer_than_a_file_can_have },
  { "names-that-a-file-can-have", test_names_that_a_file_can_have },
  { "headers-that-are-too-long-together",
      test_headers_that_are_too_long_together },
  { "headers-of-too-many-tensors-together",
      test_headers_of_too_many_tensors_together },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/shards/", tests, G_N_ELEMENTS (tests));
}
