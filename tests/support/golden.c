/* SPDX-License-Identifier: MIT */
#include "support/golden.h"

#include "support/npy.h"

/* The least number of folders, so that none are lost unnoticed. */
#define MIN_GOLDEN_FOLDERS 16

gchar *
golden_path (const gchar *name)
{
  const gchar *folder = g_getenv ("VIT_TEST_DATA");

  return g_build_filename (folder ? folder : TEST_DATA_DIR, name, NULL);
}

static void
golden_free (gpointer data)
{
  Golden *golden = data;

  json_decref (golden->description);
  g_free (golden->folder);
  g_free (golden->name);
  g_free (golden);
}

void
golden_add_tests (const gchar *prefix, GTestDataFunc function)
{
  gchar *root = golden_path ("");
  GDir *folder = g_dir_open (root, 0, NULL);
  const gchar *name;
  guint n_folders = 0;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL) {
    gchar *path = g_build_filename (root, name, "case.json", NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS)) {
      Golden *golden = g_new (Golden, 1);
      gchar *test = g_strconcat (prefix, name, NULL);

      golden->name = g_strdup (name);
      golden->folder = g_build_filename (root, name, NULL);
      golden->description = json_load_file (path, 0, NULL);
      g_assert_nonnull (golden->description);
      golden->trained = g_str_has_prefix (name, "trained-");
      golden->n_cases = (guint) json_array_size (
          json_object_get (golden->description, "cases"));
      g_assert_cmpuint (golden->n_cases, >, 0);
      g_test_add_data_func_full (test, golden, function, golden_free);
      g_free (test);
      n_folders++;
    }
    g_free (path);
  }
  g_dir_close (folder);
  g_free (root);
  g_assert_cmpuint (n_folders, >=,
      g_getenv ("VIT_TEST_DATA") != NULL ? 1 : MIN_GOLDEN_FOLDERS);
}

static gchar *
triple_property (const json_t *triple)
{
  return g_strdup_printf ("\"<%.17g,%.17g,%.17g>\"",
      json_number_value (json_array_get (triple, 0)),
      json_number_value (json_array_get (triple, 1)),
      json_number_value (json_array_get (triple, 2)));
}

/* The families' own folders say everything; the original repositories' files
 * hold no mean, std or rule. */
gchar *
golden_launch (const Golden *golden, const gchar *precision)
{
  const json_t *description = golden->description;
  gchar *mean, *std, *launch;

  /* Its weights lie among the examples, once. */
  if (golden->trained && g_getenv ("VIT_TEST_DATA") == NULL)
    return g_strdup_printf ("vitpatchembed precision=%s model=\"%s\"",
        precision, EXAMPLES_DIR "/models/dinov2-small");
  if (json_is_true (json_object_get (description, "official")))
    return g_strdup_printf ("vitpatchembed precision=%s model=\"%s\"",
        precision, golden->folder);
  mean = triple_property (json_object_get (description, "mean"));
  std = triple_property (json_object_get (description, "std"));
  launch = g_strdup_printf ("vitpatchembed precision=%s "
                            "model=\"%s/model.safetensors\" "
                            "position-rule=%s mean=%s std=%s",
      precision, golden->folder,
      json_string_value (json_object_get (description, "rule")), mean, std);
  g_free (mean);
  g_free (std);
  return launch;
}

GoldenCase
golden_read_case (const Golden *golden, guint i)
{
  const json_t *one
      = json_array_get (json_object_get (golden->description, "cases"), i);
  GoldenCase result = {
    .width = (gint) json_integer_value (json_object_get (one, "width")),
    .height = (gint) json_integer_value (json_object_get (one, "height")),
    .frame = g_build_filename (golden->folder,
        json_string_value (json_object_get (one, "frame")), NULL),
    .tokens = json_string_value (json_object_get (one, "tokens")),
  };
  gchar *path = g_build_filename (golden->folder, result.tokens, NULL);
  Npy *npy = npy_read (path);

  result.n_values = npy->n_values;
  result.expected = g_new (gdouble, npy->n_values);
  for (gsize k = 0; k < npy->n_values; k++)
    result.expected[k] = npy->values[k];
  npy_free (npy);
  g_free (path);
  return result;
}

void
golden_case_clear (GoldenCase *one)
{
  g_free (one->frame);
  g_free (one->expected);
}
