/* SPDX-License-Identifier: MIT
 *
 * Which files a model makes the library open: every call of open() and socket()
 * passes here.  Whatever the JSON files say, it is files of the model's own
 * folder and nothing else.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/model_folder.h"

/* One slot past the last is never overwritten: it ends the list. */
#define MAX_OPENED 64

static char *opened[MAX_OPENED + 1];
static guint n_opened;
static guint n_sockets;
static gboolean is_watching;

int open64 (const char *path, int flags, ...);

int
open64 (const char *path, int flags, ...)
{
  int (*real_open) (const char *, int, ...)
      = (int (*) (const char *, int, ...)) dlsym (RTLD_NEXT, "open64");
  va_list arguments;
  int mode;

  va_start (arguments, flags);
  mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg (arguments, int) : 0;
  va_end (arguments);
  if (is_watching && n_opened < MAX_OPENED)
    opened[n_opened++] = strdup (path);
  return real_open (path, flags, mode);
}

int
socket (int domain, int type, int protocol)
{
  int (*real_socket) (int, int, int)
      = (int (*) (int, int, int)) dlsym (RTLD_NEXT, "socket");

  n_sockets += is_watching;
  return real_socket (domain, type, protocol);
}

/* Loads the folder, which succeeds or does not. */
static void
watch_load (void)
{
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;
  VitModel *model;

  while (n_opened > 0)
    free (opened[--n_opened]);
  is_watching = TRUE;
  model = vit_model_load (path, NULL, &error);
  is_watching = FALSE;
  g_assert_true ((model != NULL) != (error != NULL));
  if (model)
    vit_model_unref (model);

  g_assert_cmpuint (n_opened, >, 0);
  g_assert_cmpuint (n_opened, <, MAX_OPENED);
  g_assert_cmpuint (n_sockets, ==, 0);
  for (guint i = 0; i < n_opened; i++) {
    g_autofree char *folder = g_path_get_dirname (opened[i]);
    g_autofree char *name = g_path_get_basename (opened[i]);

    g_test_message ("%s", opened[i]);
    g_assert_cmpstr (folder, ==, path);
    g_assert_true (g_str_has_suffix (name, ".json")
                   || g_str_has_suffix (name, ".safetensors"));
  }
}

static gboolean
was_opened (const char *name)
{
  g_autofree char *path = folder_path (name);

  return g_strv_contains ((const char *const *) opened, path);
}

static void
test_a_model_opens_its_own_files (void)
{
  folder_write_weights (weights_new_dinov2 (), "model.safetensors");
  folder_write_text ("config.json", "{}");
  folder_write_text ("embedder.json", "{}");
  folder_write_text ("modeling.py", "raise SystemExit");
  watch_load ();
  g_assert_true (was_opened ("model.safetensors"));
  g_assert_true (was_opened ("config.json"));
  g_assert_false (was_opened ("embedder.json"));
}

/* Of the places that an index may try, the plain names alone are opened. */
static void
test_an_index_stays_in_its_folder (void)
{
  static const char *const names[] = { "../a.safetensors",
    "/etc/a.safetensors", "./a.safetensors", "sub/../../a.safetensors",
    "~/a.safetensors\\u002fb.safetensors", "..\\\\a.safetensors",
    "file:a.safetensors", "https://example.org/a.safetensors",
    "\\u002e\\u002e\\u002fa.safetensors", ".safetensors", "a.bin",
    "%2e%2e%2fa.safetensors", "a.safetensors" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"weight_map\":{\"patch_embed.proj.weight\":\"%s\"}}", names[i]);

    folder_write_text ("model.safetensors.index.json", text);
    watch_load ();
  }
  g_assert_true (was_opened ("a.safetensors"));
}

/* What Hugging Face's models name code, and other repositories, by. */
static void
test_configs_name_nothing_that_is_opened (void)
{
  folder_write_weights (weights_new_hugging_face (), "model.safetensors");
  folder_write_text ("modeling.py", "raise SystemExit");
  folder_write_text ("config.json",
      "{\"model_type\":\"dinov2\",\"auto_map\":{\"AutoModel\":"
      "\"modeling.Model\"},\"_name_or_path\":\"../elsewhere\","
      "\"architecture\":null,\"vision_config\":\"/etc/passwd\"}");
  watch_load ();
  g_assert_cmpuint (n_opened, >=, 2);
  g_assert_false (was_opened ("modeling.py"));
}

/* The hub's cache is a folder of links: they are its owner's, not the model's. */
static void
test_links_in_the_folder_are_followed (void)
{
  g_autofree char *link = folder_path ("model.safetensors");
  VitModel *model;

  folder_write_weights (weights_new_dinov2 (), "blob");
  g_assert_cmpint (symlink ("blob", link), ==, 0);
  watch_load ();
  model = folder_load (NULL);
  vit_model_unref (model);
}

static const FolderTest tests[] = {
  { "a-model-opens-its-own-files", test_a_model_opens_its_own_files },
  { "an-index-stays-in-its-folder", test_an_index_stays_in_its_folder },
  { "configs-name-nothing-that-is-opened",
      test_configs_name_nothing_that_is_opened },
  { "links-in-the-folder-are-followed",
      test_links_in_the_folder_are_followed },
};

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  failed = folder_run_tests ("/opened-files/", tests, G_N_ELEMENTS (tests));
  while (n_opened > 0)
    free (opened[--n_opened]);
  return failed;
}
