/* SPDX-License-Identifier: MIT
 *
 * Bounded reading of files: what is opened and what is refused (a FIFO must not
 * hang the reader, so a failure of that test is a timeout), reading past the
 * end, and the errors of JSON files.
 */
#include "files/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failing_memory.h"

static char *folder, *path; /* `path` is the file that most tests write */

static void
write_text (const char *text)
{
  GError *error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* The error must be of this kind, name the file first, and say `found`. */
static void
assert_error (GError *error, const char *file, VitError code, const char *found)
{
  g_autofree char *start = g_strconcat (file, ": ", NULL);

  g_assert_error (error, VIT_ERROR, (int) code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (!g_str_has_prefix (error->message, start) || strstr (error->message, found) == NULL)
    g_error ("expected \"%s...%s\", got \"%s\"", start, found, error->message);
  g_error_free (error);
}

static void
assert_refused (const char *file, VitError code, const char *found)
{
  GError *error = NULL;

  g_assert_null (vit_file_open (file, &error));
  assert_error (error, file, code, found);
}

static VitFile *
open_file (const char *name)
{
  GError *error = NULL;
  VitFile *file = vit_file_open (name, &error);

  g_assert_no_error (error);
  return file;
}

static void
test_refuses_a_fifo (void)
{
  g_autofree char *fifo = g_build_filename (folder, "fifo", NULL);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_refused (fifo, VIT_ERROR_READ, "pipe or device; expected a regular file");
  g_unlink (fifo);
}

static void
test_refuses_a_folder (void)
{
  assert_refused (folder, VIT_ERROR_READ, "folder; expected a regular file");
}

static void
test_refuses_a_device (void)
{
  assert_refused ("/dev/zero", VIT_ERROR_READ, "pipe or device; expected a regular file");
}

static void
test_refuses_a_missing_file (void)
{
  g_autofree char *below = g_build_filename (path, "model", NULL);

  assert_refused ("", VIT_ERROR_NOT_FOUND, g_strerror (ENOENT));
  assert_refused ("/nonexistent/model", VIT_ERROR_NOT_FOUND, g_strerror (ENOENT));
  write_text ("");
  assert_refused (below, VIT_ERROR_NOT_FOUND, g_strerror (ENOTDIR));
}

static void
test_refuses_an_unreadable_file (void)
{
  if (geteuid () == 0) {
    g_test_skip ("root may read every file");
    return;
  }
  write_text ("");
  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  assert_refused (path, VIT_ERROR_READ, g_strerror (EACCES));
  g_unlink (path);
}

/* Caches of downloaded models are folders of links. */
static void
test_follows_a_symbolic_link (void)
{
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  VitFile *file;

  write_text ("abc");
  g_assert_cmpint (symlink (path, link), ==, 0);
  file = open_file (link);
  g_assert_cmpstr (vit_file_path (file), ==, link);
  g_assert_cmpuint (vit_file_size (file), ==, 3);
  vit_file_close (file);
  g_unlink (link);
}

static void
test_messages_are_utf8_when_the_path_is_not (void)
{
  GError *error = NULL;

  g_assert_null (vit_file_open ("/nonexistent/\xff", &error));
  assert_error (error, "/nonexistent/\xef\xbf\xbd", VIT_ERROR_NOT_FOUND, "cannot be found");
}

static void
test_reads_only_within_the_file (void)
{
  GError *error = NULL;
  VitFile *file;
  char text[5] = "????";

  write_text ("abcdef");
  file = open_file (path);
  g_assert_true (vit_file_read (file, 2, 4, text, &error));
  g_assert_cmpstr (text, ==, "cdef");
  g_assert_true (vit_file_read (file, 6, 0, text, &error));
  g_assert_false (vit_file_read (file, 3, 4, text, &error));
  assert_error (g_steal_pointer (&error), path, VIT_ERROR_READ, "is 6 bytes; expected 4 more");
  g_assert_false (vit_file_read (file, G_MAXUINT64, 1, text, &error));
  assert_error (error, path, VIT_ERROR_READ, "from byte 18446744073709551615");
  g_assert_cmpstr (text, ==, "cdef");
  vit_file_close (file);
}

static void
test_a_file_that_becomes_shorter_is_an_error (void)
{
  GError *error = NULL;
  VitFile *file;
  char text[6];

  write_text ("abcdef");
  file = open_file (path);
  g_assert_cmpint (truncate (path, 5), ==, 0);
  g_assert_true (vit_file_read (file, 0, 5, text, &error));
  g_assert_false (vit_file_read (file, 0, 6, text, &error));
  assert_error (error, path, VIT_ERROR_READ,
      "has become shorter while being read: it ends before byte 5 of 6");
  vit_file_close (file);
}

static void
assert_json_refused (const char *text, gsize limit, const char *found)
{
  GError *error = NULL;

  write_text (text);
  g_assert_null (vit_file_load_json (path, limit, 1000, NULL, &error));
  assert_error (error, path, VIT_ERROR_CONFIG, found);
}

static void
test_json_errors_name_the_line (void)
{
  assert_json_refused ("{\n\"a\": 1,\n}", 100, ": line 3: ");
  assert_json_refused ("{\"a\": 1,\n\"\\u0061\": 2}", 100, ": line 2: duplicate object key");
  assert_json_refused ("{}\n{}", 100, ": line 2: found '{'; expected the end");
  assert_json_refused ("{\"a\": \"\xff\"}", 100, ": line 1: found 0xff; expected UTF-8");
  assert_json_refused ("[]", 100, ": line 1: found '['; expected an object");
  assert_json_refused ("", 100, ": line 1: ");
}

static void
test_json_errors_hold_no_escape_codes (void)
{
  assert_json_refused ("{\033}", 100, "'\\033'");
}

/* jansson itself would read {"a": 1}. */
static void
test_json_with_a_nul_is_refused (void)
{
  GError *error = NULL;

  g_assert_true (g_file_set_contents (path, "{\"a\": 1\0}", 9, NULL));
  g_assert_null (vit_file_load_json (path, 100, 1000, NULL, &error));
  assert_error (error, path, VIT_ERROR_CONFIG, "found a NUL; expected JSON");
}

static void
test_json_nesting_is_bounded (void)
{
  g_autofree char *brackets = g_strnfill (1000000, '[');

  memcpy (brackets, "{\"a\":", 5);
  assert_json_refused (brackets, 1000000, ": line 1: found '['; expected nothing nested deeper");
}

static void
test_json_size_is_bounded (void)
{
  GError *error = NULL;
  json_t *root;

  assert_json_refused ("{\"a\": 7}", 7, "is 8 bytes of JSON; expected at most 7");
  root = vit_file_load_json (path, 8, 2, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_integer_value (json_object_get (root, "a")), ==, 7);
  json_decref (root);
}

/* Every value of a tree takes far more memory than its text. */
static void
test_json_values_are_counted (void)
{
  GError *error = NULL;
  json_t *root;

  write_text ("{\"a\": [1, {}, \"b\", [null]]}");
  g_assert_null (vit_file_load_json (path, 100, 6, NULL, &error));
  assert_error (g_steal_pointer (&error), path, VIT_ERROR_CONFIG, "expected fewer values in all");
  root = vit_file_load_json (path, 100, 7, NULL, &error);
  g_assert_no_error (error);
  json_decref (root);
}

static gboolean
load_json (gpointer data G_GNUC_UNUSED, GError **error)
{
  json_t *root = vit_file_load_json (path, 200, 50, NULL, error);

  json_decref (root);
  return root != NULL;
}

/* Where Jansson cannot make a string or a table it may say that the text is wrong.
 * Strings of less than 16 bytes: longer ones it reads in a buffer which it takes to
 * have grown even if that failed, lex_save() in its load.c. */
static void
test_json_without_memory_is_not_called_wrong (void)
{
  guint n_calls;

  write_text ("{\"a\": [1, {}, \"b\", [null, 2.5]], \"type\": \"vit\", "
              "\"c\": 1, \"d\": 2, \"e\": 3, \"f\": 4, \"g\": 5, \"h\": 6, "
              "\"i\": 7, \"j\": {\"k\": true}}");
  n_calls = failing_memory_each (load_json, NULL);
  g_assert_cmpuint (n_calls, >, 20);
}

static void
test_json_of_a_missing_file_is_not_found (void)
{
  GError *error = NULL;

  g_assert_null (vit_file_load_json ("/nonexistent", 8, 2, NULL, &error));
  assert_error (error, "/nonexistent", VIT_ERROR_NOT_FOUND, "cannot be found");
}

#define ADD(name, function) g_test_add_func ("/file/" name, function)

int
main (int argc, char **argv)
{
  int status;

  failing_memory_watch_jansson ();
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("test-file-XXXXXX", NULL);
  path = g_build_filename (folder, "model", NULL);

  ADD ("refuses-a-fifo", test_refuses_a_fifo);
  ADD ("refuses-a-folder", test_refuses_a_folder);
  ADD ("refuses-a-device", test_refuses_a_device);
  ADD ("refuses-a-missing-file", test_refuses_a_missing_file);
  ADD ("refuses-an-unreadable-file", test_refuses_an_unreadable_file);
  ADD ("follows-a-symbolic-link", test_follows_a_symbolic_link);
  ADD ("messages-are-utf8-when-the-path-is-not", test_messages_are_utf8_when_the_path_is_not);
  ADD ("reads-only-within-the-file", test_reads_only_within_the_file);
  ADD ("a-file-that-becomes-shorter-is-an-error", test_a_file_that_becomes_shorter_is_an_error);
  ADD ("json-errors-name-the-line", test_json_errors_name_the_line);
  ADD ("json-errors-hold-no-escape-codes", test_json_errors_hold_no_escape_codes);
  ADD ("json-with-a-nul-is-refused", test_json_with_a_nul_is_refused);
  ADD ("json-nesting-is-bounded", test_json_nesting_is_bounded);
  ADD ("json-size-is-bounded", test_json_size_is_bounded);
  ADD ("json-values-are-counted", test_json_values_are_counted);
  ADD ("json-without-memory-is-not-called-wrong", test_json_without_memory_is_not_called_wrong);
  ADD ("json-of-a-missing-file-is-not-found", test_json_of_a_missing_file_is_not_found);
  status = g_test_run ();

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
  return status;
}
