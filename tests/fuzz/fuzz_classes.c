/* SPDX-License-Identifier: MIT
 *
 * A file of classes that are told by texts, with or without the file of their names
 * beside it, for models with a scale, with a scale and a bias, and with nothing to
 * share with texts.  An input is a byte, two bytes of length, the header of the
 * safetensors file, and the text of the other.  What is read scores vectors.
 *
 *     bit 0-1: the model   2: there is a file of names   3-5: FuzzFill   6: a whole
 *     safetensors file in place of a header
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "encoder/class_names.h"
#include "encoder/text_classes.h"

static const char *const names[]
    = { "features/hf-clip", "zero-shot/hf-siglip", "zero-shot/openclip-sigmoid",
        "features/hf-vit-classifier" };

static VitEncoderWeights *models[G_N_ELEMENTS (names)];

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (FUZZ_GOLDEN, names[i], NULL);

    models[i] = vit_encoder_weights_load (path, NULL, NULL, NULL);
    g_assert_nonnull (models[i]);
  }
  return 0;
}

static void
check_scores (const VitTextClasses *classes)
{
  g_autofree float *vector = g_new (float, classes->dim);
  g_autofree float *scores = g_new (float, classes->n);

  for (guint round = 0; round < 3; round++) {
    for (guint i = 0; i < classes->dim; i++)
      vector[i] = round == 0 ? 0.0f : round == 1 ? 1e18f : (float) i - 5.5f;
    vit_text_classes_score (classes, vector, scores);
    for (guint i = 0; i < classes->n; i++)
      g_assert_true (isfinite (scores[i]));
  }
}

static void
check_classes (const VitTextClasses *classes, const VitEncoderWeights *weights)
{
  g_assert_cmpuint (classes->n, >, 0);
  g_assert_cmpuint (classes->n, <=, VIT_TEXT_CLASSES_MAX);
  g_assert_cmpuint (
      classes->dim, ==, vit_encoder_weights_joint_dim (weights));
  g_assert_true (isfinite (classes->scale) && classes->scale > 0.0);
  g_assert_true (isfinite (classes->bias));
  g_assert_cmpuint (g_strv_length (classes->names), ==, classes->n);
  for (guint i = 0; i < classes->n; i++) {
    g_assert_true (g_utf8_validate (classes->names[i], -1, NULL));
    g_assert_cmpuint (strlen (classes->names[i]), <=, VIT_CLASS_NAME_MAX);
  }
  check_scores (classes);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path
      = g_build_filename (fuzz_folder (), "a.safetensors", NULL);
  Input input = { data, size };
  guint kind = input_take (&input, 1);
  gsize length = input_take (&input, 2);
  const VitEncoderWeights *weights = models[kind % G_N_ELEMENTS (models)];
  GError *error = NULL;
  VitTextClasses *classes;

  length = MIN (length, input.size);
  fuzz_folder_clear ();
  if (kind >> 6 & 1)
    fuzz_write ("a.safetensors", input.data, length);
  else
    fuzz_write_container ("a.safetensors", (const char *) input.data, length,
        (FuzzFill) (kind >> 3 & 7));
  if (kind >> 2 & 1)
    fuzz_write ("a.json", input.data + length, input.size - length);
  classes = vit_text_classes_load (path, weights, &error);
  if (!classes) {
    fuzz_check_error (error);
    return 0;
  }
  check_classes (classes, weights);
  vit_text_classes_unref (classes);
  return 0;
}
