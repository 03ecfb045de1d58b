/* SPDX-License-Identifier: MIT
 *
 * The strings of __metadata__: those that are there, those that are not, and a
 * header that was written to since it was checked.
 */
#include "files/safetensors_metadata.h"

#include <string.h>

#include "support/model_folder.h"

static const char *const keys[] = { "names", "scale" };

static void
write_header (const char *header)
{
  g_autofree char *path = folder_path ("file.safetensors");
  guint64 length = strlen (header);
  g_autofree char *bytes = g_malloc (sizeof length + length);

  memcpy (bytes, &length, sizeof length);
  memcpy (bytes + sizeof length, header, length);
  g_assert_true (g_file_set_contents (
      path, bytes, (gssize) (sizeof length + length), NULL));
}

static void
check (const char *header, const char *names, const char *scale)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = folder_path ("file.safetensors");
  VitSafetensors *file;
  char *values[2];

  write_header (header);
  file = vit_safetensors_open (path, &error);
  g_assert_no_error (error);
  vit_safetensors_read_metadata (file, keys, 2, values, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (values[0], ==, names);
  g_assert_cmpstr (values[1], ==, scale);
  g_free (values[0]);
  g_free (values[1]);
  vit_safetensors_close (file);
}

static void
test_strings (void)
{
  check ("{}", NULL, NULL);
  check ("{\"__metadata__\":{}}", NULL, NULL);
  check ("{\"__metadata__\":{\"other\":\"1\"}}", NULL, NULL);
  check ("{\"__metadata__\":{\"scale\":\"1\",\"names\":\"\"}}", "", "1");
  check ("{\"__metadata__\" : { \"a\":\"\", \"na\\u006des\" : "
         "\"[\\\"\\u00e9\\\"]\" } }",
      "[\"\303\251\"]", NULL);
  /* The last counts. */
  check ("{\"__metadata__\":{\"scale\":\"1\",\"scale\":\"2\"}}", NULL, "2");
}

/* In its place, so that the open file is another. */
static void
test_written_to (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = folder_path ("file.safetensors");
  VitSafetensors *file;
  char *values[2];
  FILE *writer;

  write_header ("{\"__metadata__\":{\"scale\":\"1\"}}");
  file = vit_safetensors_open (path, NULL);
  writer = fopen (path, "r+b");
  g_assert_cmpint (fseek (writer, 8, SEEK_SET), ==, 0);
  fputs ("[[[[[", writer);
  fclose (writer);
  g_assert_false (
      vit_safetensors_read_metadata (file, keys, 2, values, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_READ);
  g_assert_null (values[0]);
  g_assert_null (values[1]);
  vit_safetensors_close (file);
}

static const FolderTest tests[] = {
  { "strings", test_strings },
  { "written-to", test_written_to },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests (
      "/safetensors-metadata/", tests, G_N_ELEMENTS (tests));
}
