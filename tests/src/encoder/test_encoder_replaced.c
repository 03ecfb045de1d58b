/* SPDX-License-Identifier: MIT
 *
 * Files of an encoder, and of classes, that change while they are read: before each
 * call of pread() in turn a file is renamed to their name, written over, or cut
 * short.  What is loaded is of one state, or there is an error, by name.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "encoder/text_classes.h"
#include "support/encoder_folder.h"
#include "support/file_change.h"

#define FILE_NAME "model.safetensors"
#define FIRST "encoder.layer.0.output.dense.bias"
#define LAST "layernorm.bias"

static void
write_state (const char *name, float value)
{
  Weights *weights = weights_new_vit ();

  weights_set (weights, FIRST, 0, value);
  weights_set (weights, LAST, 0, value);
  folder_write_weights (weights, name);
}

/* Both values are of one state, and this is which. */
static float
state_of (const VitEncoderWeights *weights)
{
  float first = weights->blocks[0].down.bias[0];

  g_assert_cmpfloat (first, ==, weights->final_norm.bias[0]);
  return first;
}

static VitEncoderWeights *
share (GError **error)
{
  g_autofree char *path = folder_path (NULL);

  return vit_encoder_weights_share (path, NULL, NULL, error);
}

static void
rename_model (void)
{
  write_state (FILE_NAME, 2.0f);
}

static void
overwrite_model (void)
{
  g_autofree char *path = folder_path (FILE_NAME);
  g_autofree char *other = folder_path ("other");

  write_state ("other", 2.0f);
  file_overwrite (path, other);
  g_unlink (other);
}

static void
cut_model (void)
{
  g_autofree char *path = folder_path (FILE_NAME);

  file_cut (path, 3000);
}

/* An error names the file and says that it is not what it was. */
static void
check_error (GError *error /* (transfer full) */)
{
  g_autofree char *path = folder_path (NULL);

  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == VIT_ERROR);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_error_free (error);
}

/* Loads with this change before each call in turn; whoever asks afterwards gets
 * what the files then say, `after`, or is refused where that is 0.  How often the
 * first was loaded all the same, and how often not. */
static void
change_before_each (
    void (*change) (void), float after, guint *n_loaded, guint *n_refused)
{
  *n_loaded = *n_refused = 0;
  for (guint call = 1;; call++) {
    VitEncoderWeights *first, *second;
    GError *error = NULL;

    folder_write_vit_config ();
    write_state (FILE_NAME, 1.0f);
    file_change_set (call, change);
    first = share (&error);
    if (!file_change_is_done ()) {
      g_assert_no_error (error);
      vit_encoder_weights_unref (first);
      return;
    }
    if (first)
      g_assert_true (state_of (first) == 1.0f || state_of (first) == 2.0f);
    else
      check_error (g_steal_pointer (&error));
    *n_loaded += first != NULL;
    *n_refused += first == NULL;
    second = share (&error);
    if (after != 0.0f) {
      g_assert_no_error (error);
      g_assert_cmpfloat (state_of (second), ==, after);
    } else {
      g_assert_null (second);
      check_error (g_steal_pointer (&error));
    }
    vit_encoder_weights_unref (first);
    vit_encoder_weights_unref (second);
  }
}

/* Its bytes are there still for who has opened it. */
static void
test_a_renamed_model (void)
{
  guint n_loaded, n_refused;

  change_before_each (rename_model, 2.0f, &n_loaded, &n_refused);
  g_assert_cmpuint (n_loaded, >, 30);
  g_assert_cmpuint (n_refused, ==, 0);
}

static void
test_a_model_that_is_written_over (void)
{
  guint n_loaded, n_refused;

  change_before_each (overwrite_model, 2.0f, &n_loaded, &n_refused);
  g_assert_cmpuint (n_refused, >, 30);
}

static void
test_a_model_that_is_cut_short (void)
{
  guint n_loaded, n_refused;

  change_before_each (cut_model, 0.0f, &n_loaded, &n_refused);
  g_assert_cmpuint (n_loaded, ==, 0);
  g_assert_cmpuint (n_refused, >, 30);
}

/* -------------------------------------------------------------- classes */

#define GOLDEN_CLASSES TEST_DATA_DIR "/zero-shot/hf-siglip/"

static void
copy_classes (const char *name, const char *to)
{
  g_autofree char *path = folder_path (to);
  g_autofree char *from = g_strconcat (GOLDEN_CLASSES, name, NULL);
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (from, &text, &length, NULL));
  g_assert_true (g_file_set_contents (path, text, (gssize) length, NULL));
}

static void
overwrite_classes (void)
{
  g_autofree char *path = folder_path ("classes.safetensors");
  g_autofree char *other = folder_path ("other");

  copy_classes ("classes.safetensors", "other");
  file_overwrite (path, other);
  g_unlink (other);
}

static void
cut_classes (void)
{
  g_autofree char *path = folder_path ("classes.safetensors");

  file_cut (path, 200);
}

static void
cut_names (void)
{
  g_autofree char *path = folder_path ("classes.json");

  file_cut (path, 10);
}

/* How many calls of pread() there were, before each of which the change was made;
 * how often the classes were loaded all the same. */
static guint
change_classes (void (*change) (void), guint *n_loaded)
{
  g_autofree char *path = folder_path ("classes.safetensors");
  VitEncoderWeights *weights;
  GError *error = NULL;

  weights = vit_encoder_weights_load (GOLDEN_CLASSES, NULL, NULL, &error);
  g_assert_no_error (error);
  *n_loaded = 0;
  for (guint call = 1;; call++) {
    VitTextClasses *classes;

    copy_classes ("classes.safetensors", "classes.safetensors");
    copy_classes ("classes.json", "classes.json");
    file_change_set (call, change);
    classes = vit_text_classes_load (path, weights, &error);
    if (!file_change_is_done ()) {
      g_assert_no_error (error);
      vit_text_classes_unref (classes);
      vit_encoder_weights_unref (weights);
      return call - 1;
    }
    if (!classes)
      check_error (g_steal_pointer (&error));
    *n_loaded += classes != NULL;
    vit_text_classes_unref (classes);
  }
}

static void
test_classes (void)
{
  static void (*const changes[]) (void)
      = { overwrite_classes, cut_classes, cut_names };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    guint n_loaded, n_calls = change_classes (changes[i], &n_loaded);

    g_test_message ("%u of %u loaded", n_loaded, n_calls);
    g_assert_cmpuint (n_calls, >, 3);
    g_assert_cmpuint (n_loaded, <, n_calls);
  }
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "a-renamed-model", test_a_renamed_model },
    { "a-model-that-is-written-over", test_a_model_that_is_written_over },
    { "a-model-that-is-cut-short", test_a_model_that_is_cut_short },
    { "classes", test_classes },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/replaced/", tests, G_N_ELEMENTS (tests));
}
