/* SPDX-License-Identifier: MIT
 *
 * What the encoder does not compute as nothing is wanted of it: blocks behind the
 * last layer, rows of the last block; and that the rest stays the same.
 */
#include "support/encoder_buffers.h"

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

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "phases", test_phases },
    { "class-token-alone", test_class_token_alone },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/left-out/", tests, G_N_ELEMENTS (tests));
}
