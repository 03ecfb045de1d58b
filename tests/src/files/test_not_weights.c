/* SPDX-License-Identifier: MIT
 *
 * What lies in a file's place: a pointer of a repository, a server's answer, an
 * archive, another framework's file, a download that was cut.  As weights, as a
 * shard, as a config and as an index it is refused in words that say what it is
 * and what to do.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "support/model_folder.h"

#define INDEX "model.safetensors.index.json"
#define SHARD "model-00001-of-00001.safetensors"

typedef struct {
  const char *bytes;
  gsize length; /* 0: that of the text */
  const char *what;
  const char *advice;
} Kind;

static const Kind texts[] = {
  { "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 88\n", 0,
      "is a Git LFS pointer", "git lfs pull" },
  { "/annex/objects/SHA256E-s8--0.safetensors\n", 0, "git-annex",
      "git annex get" },
  { "<!DOCTYPE html>\n<html><body>Entry not found</body></html>\n", 0,
      "is a web page (HTML)", "download the file again" },
  { "\n\n<HTML>\n<head></head></HTML>", 0, "is a web page (HTML)",
      "download the file again" },
  { "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", 0,
      "is XML text", "download the file again" },
  { "Entry not found", 0, "is text, \"Entry not found\"",
      "download the file again" },
  { "404", 0, "is text, \"404\"", "download the file again" },
};

static const Kind binaries[] = {
  { "PK\003\004\0\0\010\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\020\0\0\0"
    "archive/data.pkl",
      46, "zip archive with a PyTorch pickle in it", "save_file" },
  { "PK\003\004\0\0\010\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\005\0\0\0"
    "a.npy",
      35, "a file of NumPy arrays", "as .safetensors" },
  { "PK\005\006\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "is a zip archive",
      "unpack it" },
  { "\200\002\212\nl\374\234F\371 j\250P", 13, "is a PyTorch pickle",
      "weights_only=True" },
  { "GGUF\003\0\0\0\0\0\0\0", 12, "is a GGUF file", "as .safetensors" },
  { "\211HDF\r\n\032\n\0", 9, "HDF5", "as .safetensors" },
  { "\037\213\010\0\0\0\0\0\0\003", 10, "is packed with gzip", "gunzip" },
  { "\010\007\022\007pytorch\032\0052.4.0", 18, "is an ONNX graph",
      "exported from" },
  { "\201\246params\202\251embedding", 18, "as Flax writes", "as .safetensors" },
  { "\034\0\0\0TFL3\0\0\0\0", 12, "a TensorFlow file", "as .safetensors" },
  { "\223NUMPY\001\0v\0", 10, "NumPy", "as .safetensors" },
  { "\211PNG\r\n\032\n\0\0\0\015", 12, "is a picture", ".safetensors" },
};

static void
write_kind (const char *name, const Kind *kind)
{
  g_autofree char *path = folder_path (name);

  g_assert_true (g_file_set_contents (path, kind->bytes,
      kind->length ? (gssize) kind->length : -1, NULL));
}

static void
remove_file (const char *name)
{
  g_autofree char *path = folder_path (name);

  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
assert_refused_as_weights (const Kind *kind)
{
  write_kind ("model.safetensors", kind);
  assert_refused (
      NULL, VIT_ERROR_UNSUPPORTED, kind->what, kind->advice, NULL);
  assert_refused ("model.safetensors", VIT_ERROR_UNSUPPORTED, kind->what,
      kind->advice, NULL);
  remove_file ("model.safetensors");
  folder_write_text (INDEX,
      "{\"weight_map\":{\"patch_embed.proj.weight\":\"" SHARD "\"}}");
  write_kind (SHARD, kind);
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, SHARD ": is ", kind->what,
      kind->advice, NULL);
  remove_file (INDEX);
  remove_file (SHARD);
}

static void
test_as_weights_and_as_a_shard (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused_as_weights (&texts[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (binaries); i++)
    assert_refused_as_weights (&binaries[i]);
}

static void
test_as_a_config_and_as_an_index (void)
{
  static const char *const names[] = { "config.json",
    "preprocessor_config.json", "open_clip_config.json", INDEX };

  for (gsize n = 0; n < G_N_ELEMENTS (names); n++) {
    if (strcmp (names[n], INDEX) != 0)
      folder_write_weights (weights_new_dinov2 (), "model.safetensors");
    else
      remove_file ("model.safetensors");
    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
      write_kind (names[n], &texts[i]);
      assert_refused (NULL, VIT_ERROR_CONFIG, names[n], texts[i].what,
          texts[i].advice, NULL);
    }
    write_kind (names[n], &binaries[0]);
    assert_refused (NULL, VIT_ERROR_CONFIG, names[n], binaries[0].what, NULL);
    remove_file (names[n]);
  }
}

/* A server's answer may be JSON itself. */
static void
test_an_answer_in_json (void)
{
  const char *answer = "{\"error\":\"Repository not found\"}";

  folder_write_text ("model.safetensors", answer);
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "is JSON text",
      "Repository not found", "download it again", NULL);
  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  folder_write_text ("config.json", answer);
  assert_refused (NULL, VIT_ERROR_CONFIG, "config.json",
      "\"Repository not found\"", "download the file again", NULL);
  remove_file ("config.json");
  remove_file ("model.safetensors");
  folder_write_text (INDEX, answer);
  assert_refused (NULL, VIT_ERROR_CONFIG, INDEX, "\"Repository not found\"",
      "download the file again", NULL);
}

/* A model given by a file keeps the words about the config as a note. */
static void
test_a_config_beside_a_file_is_named (void)
{
  VitModel *model;

  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  write_kind ("config.json", &texts[0]);
  model = folder_load ("model.safetensors");
  g_assert_nonnull (strstr (model->reason, "not used: "));
  g_assert_nonnull (strstr (model->reason, "is a Git LFS pointer"));
  vit_model_unref (model);
}

/* After every byte of a whole file. */
static void
test_a_file_that_was_cut (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  g_autofree char *zeros = g_malloc0 (4096);
  GStatBuf status;

  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  for (goffset length = status.st_size - 1; length > 0; length -= 7) {
    g_assert_cmpint (truncate (path, length), ==, 0);
    assert_refused (NULL, VIT_ERROR_CONTAINER, "was cut short",
        "download it again", NULL);
  }
  g_assert_cmpint (truncate (path, 0), ==, 0);
  assert_refused (NULL, VIT_ERROR_CONTAINER, "is empty", "download", NULL);
  g_assert_true (g_file_set_contents (path, zeros, 4096, NULL));
  assert_refused (NULL, VIT_ERROR_UNSUPPORTED, "zeros alone",
      "download the file again", NULL);
}

static void
test_json_that_was_cut (void)
{
  static const char *const starts[] = { "{\"model_type\": \"vit\",",
    "{\"model_type\": \"vi", "{", "{\"image_size\": 22", "{\"a\": [1, 2" };

  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  for (gsize i = 0; i < G_N_ELEMENTS (starts); i++) {
    folder_write_text ("config.json", starts[i]);
    assert_refused (NULL, VIT_ERROR_CONFIG, "config.json: line 1",
        "was cut short", "download it again", NULL);
  }
  folder_write_text ("config.json", "");
  assert_refused (NULL, VIT_ERROR_CONFIG, "config.json: line 1", "is empty",
      "download it again", NULL);
  /* A fault elsewhere is none. */
  folder_write_text ("config.json", "{\"model_type\": vit}");
  assert_refused (NULL, VIT_ERROR_CONFIG, "found 'v'; expected", NULL);
}

/* Quoted text is short, on one line, and nothing a terminal obeys. */
static void
test_quoted_text_is_plain (void)
{
  static const char *const starts[]
      = { "a\033[2Jb", "\303\251\303\251\303\251\303\251 caf\303\251 ", "a\nb" };
  g_autofree char *path = folder_path ("model.safetensors");

  for (gsize i = 0; i < G_N_ELEMENTS (starts); i++) {
    g_autoptr (GString) text = g_string_new (starts[i]);
    g_autoptr (GError) error = NULL;

    while (text->len < 5000)
      g_string_append (text, starts[i]);
    folder_write_text ("model.safetensors", text->str);
    g_assert_null (vit_model_load (path, NULL, &error));
    g_test_message ("%s", error->message);
    g_assert_cmpuint (strlen (error->message), <, strlen (path) + 300);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    g_assert_null (strchr (error->message, '\n'));
    g_assert_null (strchr (error->message, '\033'));
  }
}

static const FolderTest tests[] = {
  { "as-weights-and-as-a-shard", test_as_weights_and_as_a_shard },
  { "as-a-config-and-as-an-index", test_as_a_config_and_as_an_index },
  { "an-answer-in-json", test_an_answer_in_json },
  { "a-config-beside-a-file-is-named", test_a_config_beside_a_file_is_named },
  { "a-file-that-was-cut", test_a_file_that_was_cut },
  { "json-that-was-cut", test_json_that_was_cut },
  { "quoted-text-is-plain", test_quoted_text_is_plain },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/not-weights/", tests, G_N_ELEMENTS (tests));
}
