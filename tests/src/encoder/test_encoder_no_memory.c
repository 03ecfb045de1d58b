/* SPDX-License-Identifier: MIT
 *
 * Memory that is gone at each allocation of failing_memory.h in turn, none of them
 * Jansson's: while a model of each family is loaded, while its working memory is made,
 * and while classes are read.  Each is an error, and the same again with memory
 * succeeds.  The frames themselves take none.
 */
#include "encoder/encoder.h"
#include "support/failing_memory.h"
#include "support/features.h"

static gboolean
load_encoder (gpointer data, GError **error)
{
  VitEncoderWeights *weights
      = vit_encoder_weights_load (data, NULL, NULL, error);

  if (!weights)
    return FALSE;
  vit_encoder_weights_unref (weights);
  return TRUE;
}

static void
test_loading (gconstpointer data)
{
  const Features *features = data;
  guint n_calls = failing_memory_each (load_encoder, features->model);

  g_test_message ("%u calls", n_calls);
  g_assert_cmpuint (n_calls, >, 50);
}

/* ------------------------------------------------------- working memory */

static VitEncoderWeights *
open_weights (const Features *features)
{
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (features->model, NULL, NULL, &error);

  g_assert_no_error (error);
  return weights;
}

typedef struct {
  VitEncoderWeights *weights;
  VitEncoderSettings settings;
} Use;

static const VitEncoderGrid grids[] = { { 3, 5 }, { 2, 2 }, { 7, 1 } };

/* Of one grid and of several; what is refused leaves what was. */
static gboolean
use_encoder (gpointer data, GError **error)
{
  const Use *use = data;
  VitEncoder *encoder = vit_encoder_new (use->weights, &use->settings, error);
  guint n_prefix = use->weights->n_prefix_tokens;
  gboolean is_done = FALSE;

  if (encoder && vit_encoder_configure (encoder, grids, 1, n_prefix, error)) {
    gsize before = vit_encoder_memory (encoder);

    is_done = vit_encoder_configure (
        encoder, grids, G_N_ELEMENTS (grids), n_prefix, error);
    if (!is_done)
      g_assert_cmpuint (vit_encoder_memory (encoder), ==, before);
  }
  vit_encoder_free (encoder);
  return is_done;
}

static void
run_encoder (const Use *use)
{
  g_autoptr (GError) error = NULL;
  VitEncoder *encoder = vit_encoder_new (use->weights, &use->settings, &error);
  guint n_prefix = use->weights->n_prefix_tokens;
  gsize n = (15 + (gsize) n_prefix) * use->weights->embed_dim;
  g_autofree float *values = g_new0 (float, n);
  g_autofree float *features = g_new (float, n);
  g_autofree float *vector = NULL, *logits = NULL;
  const float *tokens = values;
  VitEncoderFrame frame = { &tokens, &features, &vector, &logits, NULL };

  g_assert_no_error (error);
  vit_encoder_configure (encoder, grids, 1, n_prefix, &error);
  g_assert_no_error (error);
  vector = g_new (float, vit_encoder_embedding_dim (encoder) + 1);
  logits = g_new (float, vit_encoder_n_classes (encoder) + 1);
  failing_memory_set (1);
  vit_encoder_run (encoder, &frame, NULL, NULL);
  g_assert_cmpuint (failing_memory_count (), ==, 0);
  failing_memory_set (0);
  vit_encoder_free (encoder);
}

static void
test_use (gconstpointer data)
{
  VitEncoderWeights *weights = open_weights (data);
  Use use = { weights, { .logits = TRUE, .n_workers = 2 } };

  g_assert_cmpuint (failing_memory_each (use_encoder, &use), >=, 2);
  run_encoder (&use);
  vit_encoder_weights_unref (weights);
}

/* -------------------------------------------------------------- classes */

typedef struct {
  const char *path;
  const VitEncoderWeights *weights;
} Classes;

static gboolean
load_classes (gpointer data, GError **error)
{
  const Classes *classes = data;
  VitTextClasses *loaded
      = vit_text_classes_load (classes->path, classes->weights, error);

  vit_text_classes_unref (loaded);
  return loaded != NULL;
}

static void
test_classes (gconstpointer data)
{
  const Features *features = data;
  VitEncoderWeights *weights = open_weights (features);
  g_autofree char *path
      = g_build_filename (features->folder, "classes.safetensors", NULL);
  Classes classes = { path, weights };

  g_assert_cmpuint (failing_memory_each (load_classes, &classes), >=, 3);
  vit_encoder_weights_unref (weights);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  features_add_kept_tests (
      "/encoder/no-memory/loading/", "features", 20, test_loading);
  features_add_kept_tests (
      "/encoder/no-memory/use/", "features", 20, test_use);
  features_add_zero_shot_tests ("/encoder/no-memory/classes/", test_classes);
  return g_test_run ();
}
