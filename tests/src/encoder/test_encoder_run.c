/* SPDX-License-Identifier: MIT
 *
 * The encoder's front: what is asked for and where it goes, regions, workers,
 * memory.
 */
#include <math.h>
#include <string.h>

#include "encoder/encoder.h"
#include "support/encoder_folder.h"

#define D 12
#define HEADS 2
#define MAX_GRIDS 3
#define MAX_LAYERS 2

/* Every number that a run can give, of some grids. */
typedef struct {
  guint n_grids;
  guint n_tokens[MAX_GRIDS];
  float *tokens[MAX_GRIDS];
  float *features[MAX_LAYERS * MAX_GRIDS];
  float *embedding[MAX_GRIDS];
  float *logits[MAX_GRIDS];
  float *attention[MAX_GRIDS];
} Buffers;

static Buffers *
buffers_new (const VitEncoderGrid *grids, guint n_grids)
{
  Buffers *buffers = g_new0 (Buffers, 1);

  buffers->n_grids = n_grids;
  for (guint i = 0; i < n_grids; i++) {
    guint n = buffers->n_tokens[i] = 1 + grids[i].rows * grids[i].cols;

    buffers->tokens[i] = g_new (float, n *D);
    for (guint k = 0; k < n * D; k++)
      buffers->tokens[i][k] = 0.4f * sinf ((float) (k * (i + 1)));
    for (guint layer = 0; layer < MAX_LAYERS; layer++)
      buffers->features[layer * n_grids + i] = g_new0 (float, n *D);
    buffers->embedding[i] = g_new0 (float, 2 * D);
    buffers->logits[i] = g_new0 (float, 8);
    buffers->attention[i] = g_new0 (float, HEADS *n);
  }
  return buffers;
}

static void
buffers_free (Buffers *buffers)
{
  for (guint i = 0; i < buffers->n_grids; i++) {
    g_free (buffers->tokens[i]);
    for (guint layer = 0; layer < MAX_LAYERS; layer++)
      g_free (buffers->features[layer * buffers->n_grids + i]);
    g_free (buffers->embedding[i]);
    g_free (buffers->logits[i]);
    g_free (buffers->attention[i]);
  }
  g_free (buffers);
}

static VitEncoderFrame
frame_of (Buffers *buffers)
{
  return (VitEncoderFrame) { (const float *const *) buffers->tokens,
    buffers->features, buffers->embedding, buffers->logits,
    buffers->attention };
}

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

static Buffers *
run (VitEncoderWeights *weights, const VitEncoderSettings *settings,
    const VitEncoderGrid *grids, guint n_grids, VitParallelFor with,
    gpointer user_data)
{
  Buffers *buffers = buffers_new (grids, n_grids);
  VitEncoderFrame frame = frame_of (buffers);
  g_autoptr (GError) error = NULL;
  VitEncoder *encoder = vit_encoder_new (weights, settings, &error);

  g_assert_no_error (error);
  vit_encoder_configure (encoder, grids, n_grids, 1, &error);
  g_assert_no_error (error);
  vit_encoder_run (encoder, &frame, with, user_data);
  vit_encoder_free (encoder);
  return buffers;
}

/* A ViT with a classifier of five classes. */
static VitEncoderWeights *
load (void)
{
  Weights *weights = weights_new_vit ();

  weights_add (weights, "classifier.weight", 2, 5, D);
  weights_vary (weights, "classifier.weight", 5 * D);
  weights_add (weights, "classifier.bias", 1, 5);
  weights_vary (weights, "classifier.bias", 5);
  folder_write_vit (weights);
  return folder_load_encoder ();
}

static const guint both_layers[] = { 1, 2 };

static const VitEncoderSettings everything
    = { .layers = both_layers, .n_layers = 2, .logits = TRUE,
        .attention = TRUE, .n_workers = 1 };

static void
assert_same (const Buffers *a, guint i, const Buffers *b, guint k,
    guint n_layers)
{
  guint n = a->n_tokens[i];

  g_assert_cmpuint (n, ==, b->n_tokens[k]);
  for (guint layer = 0; layer < n_layers; layer++)
    g_assert_cmpmem (a->features[layer * a->n_grids + i],
        n * D * sizeof (float), b->features[layer * b->n_grids + k],
        n * D * sizeof (float));
  g_assert_cmpmem (a->embedding[i], D * sizeof (float), b->embedding[k],
      D * sizeof (float));
  g_assert_cmpmem (
      a->logits[i], 5 * sizeof (float), b->logits[k], 5 * sizeof (float));
  g_assert_cmpmem (a->attention[i], HEADS * n * sizeof (float),
      b->attention[k], HEADS * n * sizeof (float));
}

static void
test_workers (void)
{
  static const VitEncoderGrid grids[] = { { 17, 23 }, { 3, 2 } };
  VitEncoderWeights *weights = load ();
  Buffers *one = run (weights, &everything, grids, 2, NULL, NULL);

  for (guint n = 1; n <= 7; n++) {
    VitEncoderSettings settings = everything;
    Buffers *many, *fewer;

    settings.n_workers = n;
    many = run (weights, &settings, grids, 2, parallel, NULL);
    fewer = run (weights, &settings, grids, 2, parallel, &settings);
    for (guint i = 0; i < 2; i++) {
      assert_same (one, i, many, i, 2);
      assert_same (one, i, fewer, i, 2);
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
  VitEncoderWeights *weights = load ();
  Buffers *together = buffers_new (grids, 3);
  VitEncoderFrame frame = frame_of (together);
  VitEncoder *encoder = vit_encoder_new (weights, &everything, NULL);

  g_assert_true (vit_encoder_configure (encoder, grids, 3, 1, NULL));
  vit_encoder_run (encoder, &frame, NULL, NULL);
  for (guint i = 0; i < 3; i++) {
    Buffers *alone = buffers_new (&grids[i], 1);
    VitEncoderFrame own = frame_of (alone);

    memcpy (alone->tokens[0], together->tokens[i],
        alone->n_tokens[0] * D * sizeof (float));
    g_assert_true (vit_encoder_configure (encoder, &grids[i], 1, 1, NULL));
    vit_encoder_run (encoder, &own, NULL, NULL);
    assert_same (together, i, alone, 0, 2);
    buffers_free (alone);
  }
  vit_encoder_free (encoder);
  buffers_free (together);
  vit_encoder_weights_unref (weights);
}

/* How often the workers are called together, one phase after the other. */
static void
count_phases (gpointer user_data, guint n_workers, VitWork work, gpointer data)
{
  *(guint *) user_data += 1;
  for (guint i = 0; i < n_workers; i++)
    work (data, i);
}

/* Blocks behind the last layer that is wanted are not run, and regions share each
 * phase: a block's attention, its maps. */
static void
test_phases (void)
{
  static const VitEncoderGrid grids[] = { { 5, 7 }, { 4, 4 }, { 16, 16 } };
  VitEncoderWeights *weights = load ();

  for (guint last = 1; last <= 2; last++)
    for (guint n_grids = 1; n_grids <= 3; n_grids++) {
      VitEncoderSettings settings = { .layers = &last, .n_layers = 1,
        .embedding = VIT_EMBEDDING_NONE, .n_workers = 2 };
      guint n_phases = 0;

      buffers_free (
          run (weights, &settings, grids, n_grids, count_phases, &n_phases));
      g_assert_cmpuint (n_phases, ==, 1 + 2 * last);
    }
  vit_encoder_weights_unref (weights);
}

/* Fills buffers; how many rows the last block left out. */
static guint
run_last_block (VitEncoderWeights *weights, const VitEncoderSettings *settings,
    const VitEncoderGrid *grids, gboolean features, Buffers *buffers)
{
  VitEncoderFrame frame = frame_of (buffers);
  VitEncoder *encoder = vit_encoder_new (weights, settings, NULL);
  guint left_out;

  g_assert_true (
      vit_encoder_configure (encoder, grids, buffers->n_grids, 1, NULL));
  if (!features)
    frame.features = NULL;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  left_out = vit_encoder_rows_left_out (encoder);
  vit_encoder_free (encoder);
  return left_out;
}

/* Where no features are wanted, the last block computes the class tokens alone:
 * what comes of them has the same bits.  Where another row counts, all are. */
static void
test_class_token_alone (void)
{
  static const VitEncoderGrid grids[] = { { 17, 23 }, { 1, 1 }, { 3, 2 } };
  static const struct {
    VitEmbeddingKind embedding;
    gboolean is_alone;
  } cases[] = { { VIT_EMBEDDING_AUTO, TRUE }, { VIT_EMBEDDING_CLASS, TRUE },
    { VIT_EMBEDDING_NONE, TRUE }, { VIT_EMBEDDING_MEAN, FALSE },
    { VIT_EMBEDDING_CLASS_MEAN, FALSE } };
  VitEncoderWeights *weights = load ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Buffers *all = buffers_new (grids, 3), *alone = buffers_new (grids, 3);
    VitEncoderSettings settings = everything;
    guint left_out;

    settings.embedding = cases[i].embedding;
    left_out = run_last_block (weights, &settings, grids, TRUE, all);
    g_assert_cmpuint (left_out, ==, 0);
    left_out = run_last_block (weights, &settings, grids, FALSE, alone);
    g_assert_cmpuint (
        left_out, ==, cases[i].is_alone ? 17 * 23 + 1 + 3 * 2 : 0);
    for (guint k = 0; k < 3; k++)
      assert_same (all, k, alone, k, 0);
    buffers_free (all);
    buffers_free (alone);
  }
  vit_encoder_weights_unref (weights);
}

/* The last block's features are the same whichever others are asked for, normed
 * or not, and the model's norm is what lies between. */
static void
test_layers_and_norms (void)
{
  static const VitEncoderGrid grid = { 4, 5 };
  static const guint first[] = { 1 };
  VitEncoderWeights *weights = load ();
  VitEncoderSettings settings = everything;
  Buffers *own = run (weights, &everything, &grid, 1, NULL, NULL);
  Buffers *raw, *final, *alone;
  guint n = own->n_tokens[0];

  settings.norm = VIT_FEATURE_NORM_NONE;
  raw = run (weights, &settings, &grid, 1, NULL, NULL);
  settings.norm = VIT_FEATURE_NORM_FINAL;
  final = run (weights, &settings, &grid, 1, NULL, NULL);
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
  alone = run (weights, &settings, &grid, 1, NULL, NULL);
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
  VitEncoderWeights *weights = load ();
  Buffers *own = run (weights, &everything, &grid, 1, NULL, NULL);
  const float *rows = own->features[1];
  double mean[D] = { 0.0 };

  for (guint i = 1; i < own->n_tokens[0]; i++)
    for (guint d = 0; d < D; d++)
      mean[d] += rows[i * D + d] / (own->n_tokens[0] - 1.0);
  g_assert_cmpmem (own->embedding[0], D * sizeof (float), rows,
      D * sizeof (float));
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    VitEncoderSettings settings = everything;
    Buffers *other;
    const float *vector, *patches;

    settings.embedding = kinds[i];
    other = run (weights, &settings, &grid, 1, NULL, NULL);
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
  VitEncoderWeights *weights = load ();
  VitEncoderSettings settings = everything;
  Buffers *plain = run (weights, &settings, &grid, 1, NULL, NULL);
  Buffers *normalised;
  double length = 0.0, ratio;

  settings.normalize = TRUE;
  normalised = run (weights, &settings, &grid, 1, NULL, NULL);
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
  VitEncoderWeights *weights = load ();
  Buffers *buffers = run (weights, &everything, &grid, 1, NULL, NULL);

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
  VitEncoderWeights *weights = load ();

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
  VitEncoderWeights *weights = load ();
  VitEncoder *encoder = vit_encoder_new (weights, &everything, NULL);
  Buffers *expected = run (weights, &everything, &grid, 1, NULL, NULL);
  Buffers *found = buffers_new (&grid, 1);
  VitEncoderFrame frame = frame_of (found);
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
  assert_same (expected, 0, found, 0, 2);
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
  VitEncoderWeights *weights = load ();
  VitEncoder *encoder = vit_encoder_new (weights, &everything, NULL);
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

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "same-with-any-workers", test_workers },
    { "regions", test_regions },
    { "phases", test_phases },
    { "class-token-alone", test_class_token_alone },
    { "layers-and-norms", test_layers_and_norms },
    { "embeddings", test_embeddings },
    { "normalize", test_normalize },
    { "attention-sums-to-one", test_attention_sums_to_one },
    { "settings", test_settings },
    { "grids", test_grids },
    { "memory-grows-with-tokens", test_memory_grows_with_tokens },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/run/", tests, G_N_ELEMENTS (tests));
}
