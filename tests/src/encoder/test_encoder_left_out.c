/* SPDX-License-Identifier: MIT
 *
 * What the encoder does not compute as nothing is wanted of it: blocks behind the
 * last layer, rows of the last block; and that the rest stays the same, for every
 * family's own embedding and logits.
 */
#include <math.h>

#include "support/encoder_buffers.h"
#include "support/features.h"

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
  VitEncoderWeights *weights = buffers_load_encoder ();

  for (guint last = 1; last <= 2; last++)
    for (guint n_grids = 1; n_grids <= 3; n_grids++) {
      VitEncoderSettings settings = { .layers = &last, .n_layers = 1,
        .embedding = VIT_EMBEDDING_NONE, .n_workers = 2 };
      guint n_phases = 0;

      buffers_free (
          buffers_run (weights, &settings, grids, n_grids, count_phases, &n_phases));
      g_assert_cmpuint (n_phases, ==, 1 + 2 * last);
    }
  vit_encoder_weights_unref (weights);
}

/* Fills buffers; how many rows the last block left out. */
static guint
run_last_block (VitEncoderWeights *weights, const VitEncoderSettings *settings,
    const VitEncoderGrid *grids, gboolean features, Buffers *buffers)
{
  VitEncoderFrame frame = buffers_frame (buffers);
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
  VitEncoderWeights *weights = buffers_load_encoder ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Buffers *all = buffers_new (grids, 3), *alone = buffers_new (grids, 3);
    VitEncoderSettings settings = buffers_everything;
    guint left_out;

    settings.embedding = cases[i].embedding;
    left_out = run_last_block (weights, &settings, grids, TRUE, all);
    g_assert_cmpuint (left_out, ==, 0);
    left_out = run_last_block (weights, &settings, grids, FALSE, alone);
    g_assert_cmpuint (
        left_out, ==, cases[i].is_alone ? 17 * 23 + 1 + 3 * 2 : 0);
    for (guint k = 0; k < 3; k++)
      buffers_assert_same (all, k, alone, k, 0);
    buffers_free (all);
    buffers_free (alone);
  }
  vit_encoder_weights_unref (weights);
}

/* What an encoder that is made for it alone makes of some tokens; how many rows it
 * left out.  `vectors`: an embedding, then logits. */
static guint
run_own (VitEncoderWeights *weights, VitEncoderGrid grid, gboolean with_features,
    GArray *vectors)
{
  const VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  VitEncoder *encoder = vit_encoder_new (weights, &settings, NULL);
  guint n_prefix = weights->n_prefix_tokens, left_out;
  guint n_vector = vit_encoder_embedding_dim (encoder);
  gsize n = ((gsize) grid.rows * grid.cols + n_prefix) * weights->embed_dim;
  g_autofree float *values = g_new (float, n), *features = g_new (float, n);
  const float *tokens = values;
  float *embedding, *logits;
  VitEncoderFrame frame = { .tokens = &tokens,
    .features = with_features ? &features : NULL,
    .embedding = &embedding,
    .logits = &logits };

  for (gsize i = 0; i < n; i++)
    values[i] = 0.4f * sinf ((float) i);
  g_array_set_size (vectors, n_vector + vit_encoder_n_classes (encoder));
  embedding = (float *) (gpointer) vectors->data;
  logits = embedding + n_vector;
  g_assert_true (vit_encoder_configure (encoder, &grid, 1, n_prefix, NULL));
  vit_encoder_run (encoder, &frame, NULL, NULL);
  left_out = vit_encoder_rows_left_out (encoder);
  vit_encoder_free (encoder);
  return left_out;
}

/* Rows that the family's own embedding and logits are made of; 0: all. */
static guint
own_rows (const char *name)
{
  static const struct {
    const char *name;
    guint n;
  } few[] = { { "hf-clip", 1 }, { "hf-deit-distilled", 2 },
    { "hf-dinov2-giant", 1 }, { "hf-dinov2-with-registers", 1 },
    { "hf-dinov3-gated", 1 },
    { "hf-internvl-qknorm", 1 }, /* which has neither */
    { "hf-vit-classifier", 1 },
    { "openclip-quickgelu", 1 }, { "timm-deit-distilled", 2 },
    { "timm-eva02-clip", 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (few); i++)
    if (g_str_equal (few[i].name, name))
      return few[i].n;
  return 0;
}

static void
test_family (gconstpointer data)
{
  const Features *features = data;
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (features->model, NULL, NULL, &error);
  g_autoptr (GArray) all = g_array_new (FALSE, TRUE, sizeof (float));
  g_autoptr (GArray) few = g_array_new (FALSE, TRUE, sizeof (float));
  const VitEncoderGrid grid = { 3, 5 };
  guint n_rows = own_rows (features->name), n_tokens, left_out;

  g_assert_no_error (error);
  n_tokens = 3 * 5 + weights->n_prefix_tokens;
  g_assert_cmpuint (run_own (weights, grid, TRUE, all), ==, 0);
  left_out = run_own (weights, grid, FALSE, few);
  g_assert_cmpmem (all->data, all->len * sizeof (float), few->data,
      few->len * sizeof (float));
  g_test_message ("%u of %u rows", left_out, n_tokens);
  g_assert_cmpuint (left_out, ==, n_rows > 0 ? n_tokens - n_rows : 0);
  vit_encoder_weights_unref (weights);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "phases", test_phases },
    { "class-token-alone", test_class_token_alone },
  };

  g_test_init (&argc, &argv, NULL);
  features_add_kept_tests (
      "/encoder/left-out/own/", "features", 20, test_family);
  return folder_run_tests ("/encoder/left-out/", tests, G_N_ELEMENTS (tests));
}
