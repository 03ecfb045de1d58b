/* SPDX-License-Identifier: MIT */
#include "support/features.h"

#include <math.h>
#include <string.h>

#include "patch/patch_embed.h"

/* The least number of folders, so that none are lost unnoticed. */
#define MIN_FOLDERS 20
#define MIN_ZERO_SHOT_FOLDERS 5

static Features *
features_open (const char *root, const char *name, const char *model)
{
  g_autofree char *path = g_build_filename (root, name, "case.json", NULL);
  const char *beside;
  Features *features;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  features = g_new0 (Features, 1);
  features->name = g_strdup (name);
  features->folder = g_build_filename (root, name, NULL);
  features->description = json_load_file (path, 0, NULL);
  g_assert_nonnull (features->description);
  beside = json_string_value (json_object_get (features->description, "model"));
  features->model = model    ? g_strdup (model)
                    : beside ? g_build_filename (features->folder, beside, NULL)
                             : g_strdup (features->folder);
  return features;
}

void
features_free (gpointer data)
{
  Features *features = data;

  json_decref (features->description);
  g_free (features->name);
  g_free (features->folder);
  g_free (features->model);
  g_free (features);
}

/* (transfer full) */
static char *
more_path (void)
{
  const char *folder = g_getenv ("VIT_TEST_FEATURES");

  return folder ? g_strdup (folder)
                : g_build_filename (TEST_DATA_DIR, "..", "..", "..", "shared",
                    "features", NULL);
}

/* key (nullable): an array that the first case is to have; known (nullable): names
 * that are passed over, to which those that are added come. */
static guint
add_folders (const char *root, const char *prefix, const char *key,
    GTestDataFunc function, GHashTable *known)
{
  GDir *folder = g_dir_open (root, 0, NULL);
  const char *name;
  guint n = 0;

  while (folder && (name = g_dir_read_name (folder)) != NULL) {
    Features *features = known && g_hash_table_contains (known, name)
                             ? NULL
                             : features_open (root, name, NULL);
    g_autofree char *test = g_strconcat (prefix, name, NULL);

    if (!features)
      continue;
    if (key && !json_object_get (features_case (features, 0), key)) {
      features_free (features);
      continue;
    }
    if (known)
      g_hash_table_add (known, g_strdup (name));
    g_test_add_data_func_full (test, features, function, features_free);
    n++;
  }
  if (folder)
    g_dir_close (folder);
  return n;
}

void
features_add_tests (const char *prefix, GTestDataFunc function)
{
  g_autoptr (GHashTable) known
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *kept = g_build_filename (TEST_DATA_DIR, "features", NULL);
  g_autofree char *more = more_path ();
  guint n = 0;

  if (!g_getenv ("VIT_TEST_EMULATED")) /* which would take minutes */
    n += add_folders (more, prefix, NULL, function, known);
  n += add_folders (kept, prefix, NULL, function, known);
  g_assert_cmpuint (n, >=, MIN_FOLDERS);
}

void
features_add_zero_shot_tests (const char *prefix, GTestDataFunc function)
{
  g_autoptr (GHashTable) known
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *kept = g_build_filename (TEST_DATA_DIR, "zero-shot", NULL);

  g_assert_cmpuint (add_folders (kept, prefix, NULL, function, known), >=,
      MIN_ZERO_SHOT_FOLDERS);
}

void
features_add_kept_tests (const char *prefix, const char *key, guint least,
    GTestDataFunc function)
{
  g_autofree char *kept = g_build_filename (TEST_DATA_DIR, "features", NULL);

  g_assert_cmpuint (
      add_folders (kept, prefix, key, function, NULL), >=, least);
}

Features *
features_trained (void)
{
  g_autofree char *more = more_path ();
  g_autofree char *models = g_build_filename (more, "..", "models", NULL);

  return features_open (
      models, "dinov2-small", EXAMPLES_DIR "/models/dinov2-small");
}

guint
features_n_cases (const Features *features)
{
  return (guint) json_array_size (
      json_object_get (features->description, "cases"));
}

const json_t *
features_case (const Features *features, guint i)
{
  return json_array_get (json_object_get (features->description, "cases"), i);
}

Npy *
features_array (const Features *features, guint i, const char *key)
{
  const json_t *array = json_object_get (features_case (features, i), key);
  const char *name = json_string_value (json_array_get (array, 0));
  g_autofree char *path
      = name ? g_build_filename (features->folder, name, NULL) : NULL;

  return path && g_file_test (path, G_FILE_TEST_EXISTS) ? npy_read (path) : NULL;
}

gboolean
features_compare (const Features *features, guint i, const char *key,
    const float *found, gsize n_values, double *relative, double *greatest)
{
  g_autoptr (Npy) expected = features_array (features, i, key);

  if (!expected)
    return FALSE;
  g_assert_cmpuint (expected->n_values, <=, n_values);
  found += n_values - expected->n_values;
  *relative = relative_l2 (found, expected->values, expected->n_values);
  *greatest = 0.0;
  for (gsize k = 0; k < expected->n_values; k++)
    *greatest
        = MAX (*greatest, fabs ((double) found[k] - expected->values[k]));
  g_test_message ("%s, frame %u, %s: relative %.2g, greatest %.2g",
      features->name, i, key, *relative, *greatest);
  return TRUE;
}

/* (transfer full): the RGB frame, from beside the features or the tests. */
static char *
read_frame (const Features *features, guint i, gsize n_bytes)
{
  const char *name = json_string_value (
      json_object_get (features_case (features, i), "frame"));
  g_autofree char *base = g_path_get_basename (name);
  g_autofree char *own = g_build_filename (TEST_DATA_DIR, "frames", base, NULL);
  g_autofree char *other = g_build_filename (features->folder, name, NULL);
  char *bytes;
  gsize length;

  g_assert_true (g_file_get_contents (own, &bytes, &length, NULL)
                 || g_file_get_contents (other, &bytes, &length, NULL));
  g_assert_cmpuint (length, ==, n_bytes);
  return bytes;
}

char *
features_frame (const Features *features, guint i, guint *width, guint *height)
{
  const json_t *one = features_case (features, i);

  *width = (guint) json_integer_value (json_object_get (one, "width"));
  *height = (guint) json_integer_value (json_object_get (one, "height"));
  return read_frame (features, i, (gsize) *width * *height * 3);
}

float *
features_tokens (const Features *features, VitModel *model, guint i,
    VitEncoderGrid *grid, guint *n_tokens)
{
  VitImageFormat format = { .pixel = vit_pixel_format_find ("RGB") };
  VitPatchEmbedSettings settings = { .precision = VIT_PRECISION_F32,
    .prefix_tokens = TRUE,
    .n_workers = 1 };
  g_autofree char *frame
      = features_frame (features, i, &format.width, &format.height);
  VitImage image = { { (const guint8 *) frame }, { 3 * format.width } };
  VitPatchEmbed *embed = vit_patch_embed_new (model, &settings, NULL);
  VitTokensShape shape;
  float *tokens;

  g_assert_nonnull (embed);
  g_assert_true (vit_patch_embed_configure (embed, &format, NULL));
  shape = vit_patch_embed_shape (embed);
  tokens = g_new (float, (gsize) shape.n_tokens *shape.embed_dim);
  vit_patch_embed_plan (embed, &image, FALSE, 0, NULL, NULL);
  vit_patch_embed_run (embed, &image, NULL, tokens, NULL, NULL);
  vit_patch_embed_free (embed);
  grid->rows = shape.grid_height;
  grid->cols = shape.grid_width;
  *n_tokens = shape.n_tokens;
  return tokens;
}

double
relative_l2 (const float *a, const float *b, gsize n)
{
  double difference = 0.0, length = 0.0;

  for (gsize i = 0; i < n; i++) {
    difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
    length += (double) b[i] * b[i];
  }
  return sqrt (difference / length);
}
