/* SPDX-License-Identifier: MIT
 *
 * The encoder's front: what is asked for and where it goes, regions, workers,
 * memory.
 */
#include <math.h>
#include <string.h>

#include "support/encoder_buffers.h"

static gpointer
run_worker (gpointer data)
{
  gpointer *arguments = data;

  ((VitWork) arguments[0]) (arguments[1], GPOINTER_TO_UINT (arguments[2]));
  return NULL;
}

/* A thread a worker; the last is left out where `user_data` says so. */
static void
parallel (gpointer user_data, guint n_workers, VitWork work, gpointer data)
{
  GThread *threads[16];
  gpointer arguments[16][3];
  guint n = user_data && n_workers > 1 ? n_workers - 1 : n_workers;

  for (guint i = 0; i < n; i++) {
    arguments[i][0] = (gpointer) work;
    arguments[i][1] = data;
    arguments[i][2] = GUINT_TO_POINTER (i);
    threads[i] = g_thread_new (NULL, run_worker, arguments[i]);
  }
  for (guint i = 0; i < n; i++)
    g_thread_join (threads[i]);
}

static void
test_workers (void)
{
  static const VitEncoderGrid grids[] = { { 17, 23 }, { 3, 2 } };
  VitEncoderWeights *weights = buffers_load_encoder ();
  Buffers *one = buffers_run (weights, &buffers_everything, grids, 2, NULL, NULL);

  for (guint n = 1; n <= 7; n++) {
    VitEncoderSettings settings = buffers_everything;
    Buffers *many, *fewer;

    settings.n_workers = n;
    many = buffers_run (weights, &settings, grids, 2, parallel, NULL);
    fewer = buffers_run (weights, &settings, grids, 2, parallel, &settings);
    for (guint i = 0; i < 2; i++) {
      buffers_assert_same (one, i, many, i, 2);
      buffers_assert_same (one, i, fewer, i, 2);
    }
    buffers_free (many);
    buffers_free (fewer);
  }
  buffers_free (one);
  vit_encoder_weights_unref (weights);
}

/* Each region as if it were alone. */
static void
test_regions (void)
{
  static const VitEncoderGrid grids[] = { { 5, 7 }, { 1, 1 }, { 16, 16 } };
  VitEncoderWeights *weights = buffers_load_encoder ();
  Buffers *together = buffers_new (grids, 3);
  VitEncoderFrame frame = buffers_frame (together);
  VitEncoder *encoder = vit_encoder_new (weights, &buffers_everything, NULL);

  g_assert_true (vit_encoder_configure (encoder, grids, 3, 1, NULL));
  vit_encoder_run (encoder, &frame, NULL, NULL);
  for (guint i = 0; i < 3; i++) {
    Buffers *alone = buffers_new (&grids[i], 1);
    VitEncoderFrame own = buffers_frame (alone);

    memcpy (alone->tokens[0], together->tokens[i],
        alone->n_tokens[0] * D * sizeof (float));
    g_assert_true (vit_encoder_configure (encoder, &grids[i], 1, 1, NULL));
    vit_encoder_run (encoder, &own, NULL, NULL);
    buffers_assert_same (together, i, alone, 0, 2);
    buffers_free (alone);
  }
  vit_encoder_free (encoder);
  buffers_free (together);
  vit_encoder_weights_unref (weights);
}

/* The last block's features are the same whichever others are asked for, normed
 * or not, and the model's norm is what lies between. */
static void
test_layers_and_norms (void)
{
  static const VitEncoderGrid grid = { 4, 5 };
  static const guint first[] = { 1 };
  VitEncoderWeights *weights = buffers_load_encoder ();
  VitEncoderSettings settings = buffers_everything;
  Buffers *own = buffers_run (weights, &buffers_everything, &grid, 1, NULL, NULL);
  Buffers *raw, *final, *alone;
  guint n = own->n_tokens[0];

  settings.norm = VIT_FEATURE_NORM_NONE;
  raw = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
  settings.norm = VIT_FEATURE_NORM_FINAL;
  final = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
  /* auto: the last is normed, the one before is not. */
  g_assert_cmpmem (own->features[0], n * D * sizeof (float), raw->features[0],
      n * D * sizeof (float));
  g_assert_cmpmem (own->features[1], n * D * sizeof (float),
      final->features[1], n * D * sizeof (float));
  for (guint layer = 0; layer < 2; layer++)
    for (guint i = 0; i < n; i++) {
      const float *x = raw->features[layer] + i * D;
      double mean = 0.0, square = 0.0;

      for (guint d = 0; d < D; d++)
        mean += x[d] / D;
      for (guint d = 0; d < D; d++)
        square += (x[d] - mean) * (x[d] - mean) / D;
      /* Its weight and bias are 0.5. */
      for (guint d = 0; d < D; d++)
        g_assert_cmpfloat (fabs (final->features[layer][i * D + d] - 0.5
                                 - 0.5 * (x[d] - mean)
                                       / sqrt (square + 1e-12)),
            <=, 2e-6);
    }

  settings = (VitEncoderSettings) { .layers = first, .n_layers = 1,
    .embedding = VIT_EMBEDDING_NONE, .n_workers = 1 };
  alone = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
  g_assert_cmpmem (alone->features[0], n * D * sizeof (float),
      own->features[0], n * D * sizeof (float));
  buffers_free (own);
  buffers_free (raw);
  buffers_free (final);
  buffers_free (alone);
  vit_encoder_weights_unref (weights);
}

static void
test_embeddings (void)
{
  static const VitEncoderGrid grid = { 3, 40 };
  static const VitEmbeddingKind kinds[]
      = { VIT_EMBEDDING_CLASS, VIT_EMBEDDING_MEAN, VIT_EMBEDDING_CLASS_MEAN };
  VitEncoderWeights *weights = buffers_load_encoder ();
  Buffers *own = buffers_run (weights, &buffers_everything, &grid, 1, NULL, NULL);
  const float *rows = own->features[1];
  double mean[D] = { 0.0 };

  for (guint i = 1; i < own->n_tokens[0]; i++)
    for (guint d = 0; d < D; d++)
      mean[d] += rows[i * D + d] / (own->n_tokens[0] - 1.0);
  g_assert_cmpmem (own->embedding[0], D * sizeof (float), rows,
      D * sizeof (float));
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    VitEncoderSettings settings = buffers_everything;
    Buffers *other;
    const float *vector, *patches;

    settings.embedding = kinds[i];
    other = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
    vector = other->embedding[0];
    patches = kinds[i] == VIT_EMBEDDING_MEAN ? vector : vector + D;
    if (kinds[i] != VIT_EMBEDDING_MEAN)
      g_assert_cmpmem (vector, D * sizeof (float), rows, D * sizeof (float));
    for (guint d = 0; d < D && kinds[i] != VIT_EMBEDDING_CLASS; d++)
      g_assert_cmpfloat (fabs (patches[d] - mean[d]), <=, 1e-6);
    /* The logits stay the model's own. */
    g_assert_cmpmem (other->logits[0], 5 * sizeof (float), own->logits[0],
        5 * sizeof (float));
    buffers_free (other);
  }
  buffers_free (own);
  vit_encoder_weights_unref (weights);
}

static void
test_normalize (void)
{
  static const VitEncoderGrid grid = { 3, 3 };
  VitEncoderWeights *weights = buffers_load_encoder ();
  VitEncoderSettings settings = buffers_everything;
  Buffers *plain = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
  Buffers *normalised;
  double length = 0.0, ratio;

  settings.normalize = TRUE;
  normalised = buffers_run (weights, &settings, &grid, 1, NULL, NULL);
  for (guint d = 0; d < D; d++)
    length += normalised->embedding[0][d] * normalised->embedding[0][d];
  g_assert_cmpfloat (fabs (length - 1.0), <=, 1e-6);
  ratio = plain->embedding[0][0] / normalised->embedding[0][0];
  for (guint d = 0; d < D; d++)
    g_assert_cmpfloat (
        fabs (plain->embedding[0][d] - ratio * normalised->embedding[0][d]),
        <=, 1e-6 * fabs (ratio));
  buffers_free (plain);
  buffers_free (normalised);
  vit_encoder_weights_unref (weights);
}

/* Of more tokens than one block of keys. */
static void
test_attention_sums_to_one (void)
{
  static const VitEncoderGrid grid = { 20, 31 };
  VitEncoderWeights *weights = buffers_load_encoder ();
  Buffers *buffers
      = buffers_run (weights, &buffers_everything, &grid, 1, NULL, NULL);

  for (guint head = 0; head < HEADS; head++) {
    double sum = 0.0;

    for (guint i = 0; i < buffers->n_tokens[0]; i++) {
      float share = buffers->attention[0][head * buffers->n_tokens[0] + i];

      g_assert_cmpfloat (share, >, 0.0f);
      sum += share;
    }
    g_assert_cmpfloat (fabs (sum - 1.0), <=, 1e-5);
  }
  buffers_free (buffers);
  vit_encoder_weights_unref (weights);
}

static void
assert_setting_refused (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vit_encoder_new (weights, settings, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_settings (void)
{
  static const guint none[] = { 0 }, past[] = { 1, 3 }, back[] = { 2, 1 };
  VitEncoderWeights *weights = buffers_load_encoder ();

  assert_setting_refused (weights,
      &(VitEncoderSettings) { .layers = none, .n_layers = 1 }, "1 to 2");
  assert_setting_refused (weights,
      &(VitEncoderSettings) { .layers = past, .n_layers = 2 }, "block 3");
  assert_setting_refused (weights,
      &(VitEncoderSettings) { .layers = back, .n_layers = 2 }, "ascending");
  assert_setting_refused (weights,
      &(VitEncoderSettings) { .precision = VIT_PRECISION_INT16 }, "f32");
  vit_encoder_weights_unref (weights);
}

/* After an error the former configuration still stands. */
static void
test_grids (void)
{
  static const VitEncoderGrid grid = { 2, 2 }, huge = { 100000, 100000 };
  static const VitEncoderGrid wide = { 1, 0x7fffffff };
  VitEncoderWeights *weights = buffers_load_encoder ();
  VitEncoder *encoder = vit_encoder_new (weights, &buffers_everything, NULL);
  Buffers *expected
      = buffers_run (weights, &buffers_everything, &grid, 1, NULL, NULL);
  Buffers *found = buffers_new (&grid, 1);
  VitEncoderFrame frame = buffers_frame (found);
  g_autoptr (GError) error = NULL;

  g_assert_true (vit_encoder_configure (encoder, &grid, 1, 1, NULL));
  g_assert_false (vit_encoder_configure (encoder, &grid, 1, 5, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  g_assert_nonnull (strstr (error->message, "5 prefix tokens"));
  g_clear_error (&error);
  g_assert_false (vit_encoder_configure (encoder, &huge, 1, 1, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE);
  g_clear_error (&error);
  g_assert_false (vit_encoder_configure (encoder, &wide, 1, 1, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE);
  g_clear_error (&error);
  g_assert_false (vit_encoder_configure (encoder, &grid, 0, 1, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE);
  vit_encoder_run (encoder, &frame, NULL, NULL);
  buffers_assert_same (expected, 0, found, 0, 2);
  vit_encoder_free (encoder);
  buffers_free (expected);
  buffers_free (found);
  vit_encoder_weights_unref (weights);
}

/* With the tokens, not with their square. */
static void
test_memory_grows_with_tokens (void)
{
  static const VitEncoderGrid grids[] = { { 32, 64 }, { 64, 64 }, { 64, 128 } };
  VitEncoderWeights *weights = buffers_load_encoder ();
  VitEncoder *encoder = vit_encoder_new (weights, &buffers_everything, NULL);
  gsize memory[3];

  for (guint i = 0; i < 3; i++) {
    g_assert_true (vit_encoder_configure (encoder, &grids[i], 1, 1, NULL));
    memory[i] = vit_encoder_memory (encoder);
  }
  g_assert_cmpuint (memory[2] - memory[1], <=, 2 * (memory[1] - memory[0]) + 4096);
  /* Less than one array of all scores of the smallest. */
  g_assert_cmpuint (memory[0], <, 2049 * 2049 * sizeof (float));
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

typedef struct {
  gint n_asked; /* atomic */
  gint n_wanted; /* how often it is not to be stopped */
} Patience;

/* Once alone, as if it were wanted again afterwards. */
static gboolean
is_over (gpointer patience)
{
  Patience *self = patience;

  return g_atomic_int_add (&self->n_asked, 1) == self->n_wanted;
}

/* At any of its tasks; what was asked for next is as if nothing had been. */
static void
test_stopped (void)
{
  static const VitEncoderGrid grid = { 9, 11 };
  VitEncoderWeights *weights = buffers_load_encoder ();
  Buffers *expected
      = buffers_run (weights, &buffers_everything, &grid, 1, NULL, NULL);

  for (guint n_workers = 1; n_workers <= 3; n_workers += 2) {
    VitEncoderSettings settings = buffers_everything;
    Patience patience = { 0, -1 };
    Buffers *found = buffers_new (&grid, 1);
    VitEncoderFrame frame = buffers_frame (found);
    VitEncoder *encoder;
    gint n;

    settings.n_workers = n_workers;
    encoder = vit_encoder_new (weights, &settings, NULL);
    g_assert_true (vit_encoder_configure (encoder, &grid, 1, 1, NULL));
    frame.is_stopped = is_over;
    frame.stop_data = &patience;
    g_assert_true (vit_encoder_run (encoder, &frame, parallel, NULL));
    n = patience.n_asked;
    g_test_message ("%d tasks", n);
    g_assert_cmpint (n, >, 10);
    for (gint i = 0; i < n; i++) {
      patience = (Patience) { 0, i };
      g_assert_false (vit_encoder_run (encoder, &frame, parallel, NULL));
      /* Those that ask at the same time, and nobody later. */
      g_assert_cmpint (patience.n_asked, <=, i + (gint) n_workers);
    }
    patience = (Patience) { 0, n };
    g_assert_true (vit_encoder_run (encoder, &frame, parallel, NULL));
    buffers_assert_same (expected, 0, found, 0, 2);
    vit_encoder_free (encoder);
    buffers_free (found);
  }
  buffers_free (expected);
  vit_encoder_weights_unref (weights);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "same-with-any-workers", test_workers },
    { "regions", test_regions },
    { "layers-and-norms", test_layers_and_norms },
    { "embeddings", test_embeddings },
    { "normalize", test_normalize },
    { "attention-sums-to-one", test_attention_sums_to_one },
    { "settings", test_settings },
    { "grids", test_grids },
    { "memory-grows-with-tokens", test_memory_grows_with_tokens },
    { "stopped", test_stopped },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/run/", tests, G_N_ELEMENTS (tests));
}
