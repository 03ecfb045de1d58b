/* SPDX-License-Identifier: MIT
 *
 * Scores of texts: beside logits_per_image of the packages in float64, from the
 * model's folder and the file of the texts' vectors alone; and beside the definition
 * in double, from the embedding that the encoder makes.
 */
#include <math.h>
#include <string.h>

#include "files/safetensors.h"
#include "support/features.h"

/* What is left of it is the embedding's error; see encoder_golden. */
#define MAX_ERROR 1e-5
#define MAX_DEFINITION_ERROR 2e-7

typedef struct {
  const Features *features;
  VitModel *model;
  VitEncoderWeights *weights;
  VitTextClasses *classes;
  float *tokens;
  VitEncoderGrid grid;
} ZeroShot;

static char *
classes_path (const Features *features)
{
  return g_build_filename (features->folder, "classes.safetensors", NULL);
}

static void
open_case (ZeroShot *test, const Features *features)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = classes_path (features);
  guint n_tokens;

  test->features = features;
  test->model = vit_model_load (features->model, NULL, &error);
  g_assert_no_error (error);
  test->weights = vit_encoder_weights_load (features->model, NULL, NULL, &error);
  g_assert_no_error (error);
  test->classes = vit_text_classes_load (path, test->weights, &error);
  g_assert_no_error (error);
  test->tokens
      = features_tokens (features, test->model, 0, &test->grid, &n_tokens);
}

static void
close_case (ZeroShot *test)
{
  g_free (test->tokens);
  vit_text_classes_unref (test->classes);
  vit_encoder_weights_unref (test->weights);
  vit_model_unref (test->model);
}

/* `vector` (nullable): the embedding.  (transfer full): the logits. */
static float *
run (ZeroShot *test, VitEmbeddingKind embedding, gboolean logits,
    VitTextClasses *classes, float *vector)
{
  g_autoptr (GError) error = NULL;
  const VitEncoderSettings settings = { .embedding = embedding,
    .normalize = TRUE,
    .logits = logits,
    .classes = classes,
    .n_workers = 1 };
  VitEncoder *encoder = vit_encoder_new (test->weights, &settings, &error);
  const float *tokens = test->tokens;
  g_autofree float *other = g_new (float, 65536);
  float *values = vector ? vector : other, *scores;
  VitEncoderFrame frame
      = { .tokens = &tokens, .embedding = &values, .logits = &scores };

  g_assert_no_error (error);
  g_assert_true (vit_encoder_text_classes (encoder) == classes);
  scores = g_new0 (float, vit_encoder_n_classes (encoder) + 1);
  vit_encoder_configure (
      encoder, &test->grid, 1, test->weights->n_prefix_tokens, &error);
  g_assert_no_error (error);
  vit_encoder_run (encoder, &frame, NULL, NULL);
  vit_encoder_free (encoder);
  return scores;
}

static void
check_package (const ZeroShot *test, const float *scores)
{
  g_autoptr (Npy) expected = features_array (test->features, 0, "logits");
  double error;

  g_assert_nonnull (expected);
  g_assert_cmpuint (expected->n_values, ==, test->classes->n);
  error = relative_l2 (scores, expected->values, expected->n_values);
  g_test_message (
      "%s, logits_per_image: %.2g", test->features->name, error);
  g_assert_cmpfloat (error, <=, MAX_ERROR);
}

/* The vectors as they are in the file. */
static void
check_definition (ZeroShot *test, const float *scores)
{
  g_autofree char *path = classes_path (test->features);
  guint dim = test->classes->dim, n_tensors;
  gboolean joint_logits = test->weights->joint.vector == VIT_JOINT_LOGITS;
  g_autofree float *embedding = g_new (float, 65536);
  g_autofree float *logits
      = run (test, VIT_EMBEDDING_AUTO, TRUE, NULL, embedding);
  const float *joint = joint_logits ? logits : embedding;
  VitSafetensors *file = vit_safetensors_open (path, NULL);
  const VitTensor *matrix = vit_safetensors_list (file, &n_tensors);
  g_autofree float *text = g_new (float, dim);
  g_autofree float *expected = g_new (float, test->classes->n);

  for (guint i = 0; i < test->classes->n; i++) {
    double sum = 0.0, length = 0.0, own = 0.0;

    g_assert_true (vit_safetensors_read (
        file, matrix, (guint64) i * dim, dim, text, NULL));
    for (guint k = 0; k < dim; k++) {
      sum += (double) text[k] * joint[k];
      length += (double) text[k] * text[k];
      own += (double) joint[k] * joint[k];
    }
    expected[i] = (float) (test->classes->scale * sum / sqrt (length * own)
                           + test->classes->bias);
  }
  vit_safetensors_close (file);
  g_assert_cmpfloat (relative_l2 (scores, expected, test->classes->n), <=,
      MAX_DEFINITION_ERROR);
}

/* Whatever else is made: scores are of the vector that is the model's own. */
static void
check_others (ZeroShot *test, const float *scores)
{
  static const VitEmbeddingKind kinds[]
      = { VIT_EMBEDDING_NONE, VIT_EMBEDDING_MEAN };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    for (gboolean logits = FALSE; logits <= TRUE; logits++) {
      g_autofree float *same
          = run (test, kinds[i], logits, test->classes, NULL);

      g_assert_cmpmem (scores, test->classes->n * sizeof (float), same,
          test->classes->n * sizeof (float));
    }
}

static void
test_scores (gconstpointer data)
{
  ZeroShot test;
  g_autofree float *scores = NULL;

  open_case (&test, data);
  g_test_message ("%s", test.classes->reason);
  scores = run (&test, VIT_EMBEDDING_AUTO, TRUE, test.classes, NULL);
  check_package (&test, scores);
  check_definition (&test, scores);
  check_others (&test, scores);
  g_assert_cmpint (test.classes->has_bias, ==,
      strstr (test.features->name, "sig") != NULL);
  g_assert_cmpstr (test.classes->names[0], ==, "cat");
  g_assert_cmpstr (test.classes->names[3], ==, "Stra\303\237e \347\214\253");
  g_assert_cmpstr (test.classes->names[4], ==, "nothing\\007 at all");
  g_assert_null (test.classes->names[5]);
  close_case (&test);
}

/* One has no direction, so it is like none of them. */
static void
test_vector_of_zeros (void)
{
  float vectors[] = { 1.0f, 0.0f, 0.6f, 0.8f }, scores[2];
  const VitTextClasses classes
      = { .n = 2, .dim = 2, .vectors = vectors, .scale = 10.0, .bias = -3.0 };

  vit_text_classes_score (&classes, (float[]) { 0.0f, 0.0f }, scores);
  g_assert_cmpfloat (scores[0], ==, -3.0);
  g_assert_cmpfloat (scores[1], ==, -3.0);
  vit_text_classes_score (&classes, (float[]) { 3e-30f, 0.0f }, scores);
  g_assert_cmpfloat (scores[0], ==, 7.0);
  g_assert_cmpfloat_with_epsilon (scores[1], 3.0, 1e-6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  features_add_zero_shot_tests ("/text-classes/scores/", test_scores);
  g_test_add_func ("/text-classes/vector-of-zeros", test_vector_of_zeros);
  return g_test_run ();
}
