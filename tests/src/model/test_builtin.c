/* SPDX-License-Identifier: MIT
 *
 * The built-in model against its definition in builtin.h.
 */
#include "model/builtin.h"

#include <math.h>

static void
test_rows_are_orthonormal (void)
{
  gsize sizes[] = { 1, 3, 8 };

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++) {
    gsize n = 3 * sizes[s] * sizes[s];
    VitModel *model
        = vit_model_new_builtin ((guint) sizes[s], (guint) n + 2, NULL);

    for (gsize i = 0; i < n + 2; i++)
      for (gsize k = 0; k <= i; k++) {
        double product = 0.0;

        for (gsize j = 0; j < n; j++)
          product
              += (double) model->weight[i * n + j] * model->weight[k * n + j];
        g_assert_cmpfloat_with_epsilon (
            product, i == k && i < n ? 1.0 : 0.0, 1e-6);
      }
    vit_model_unref (model);
  }
}

static void
test_rows_go_from_coarse_to_fine (void)
{
  VitModel *model = vit_model_new_builtin (4, 9, NULL);
  /* Luma; the two colour differences; then, channel by channel, the lowest
   * horizontal frequency before the lowest vertical one. */
  const double expected[9][3]
      = { { 1, 1, 1 }, { 1, 0, -1 }, { 1, -2, 1 }, { 1, 1, 1 }, { 1, 1, 1 },
          { 1, 0, -1 }, { 1, 0, -1 }, { 1, -2, 1 }, { 1, -2, 1 } };

  for (guint d = 0; d < 9; d++) {
    const float *row = model->weight + d * 48;
    double scale = sqrt (expected[d][0] + expected[d][1] * expected[d][1]
                         + expected[d][2] * expected[d][2]);
    gboolean horizontal = d == 3 || d == 5 || d == 7;

    for (guint i = 0; i < 48; i++) {
      guint x = i % 4, y = i / 4 % 4;
      double wave = d < 3 ? 0.25
                          : sqrt (0.5) * 0.5
                                * cos (G_PI / 4 * ((horizontal ? x : y) + 0.5));

      g_assert_cmpfloat_with_epsilon (
          row[i], expected[d][i / 16] / scale * wave, 1e-7);
    }
  }
  vit_model_unref (model);
}

static void
test_positions_are_sines (void)
{
  VitModel *model = vit_model_new_builtin (16, 11, NULL);
  const float *position = model->table + (3 * 14 + 5) * 11;

  g_assert_cmpuint (model->table_rows, ==, 14);
  g_assert_cmpuint (model->table_cols, ==, 14);
  g_assert_cmpint (model->rule, ==, VIT_POSITION_RULE_SIZE);
  g_assert_cmpfloat_with_epsilon (position[0], sin (5.0), 1e-7);
  g_assert_cmpfloat_with_epsilon (position[1], sin (5.0 / 100), 1e-7);
  g_assert_cmpfloat_with_epsilon (position[2], cos (5.0), 1e-7);
  g_assert_cmpfloat_with_epsilon (position[4], sin (3.0), 1e-7);
  g_assert_cmpfloat_with_epsilon (position[7], cos (3.0 / 100), 1e-7);
  g_assert_cmpfloat (position[8], ==, 0.0);
  g_assert_cmpuint (model->n_prefix_tokens, ==, 1);
  for (guint d = 0; d < 11; d++)
    g_assert_cmpfloat (model->prefix_tokens[d] + model->bias[d], ==, 0.0);
  vit_model_unref (model);
}

static void
test_refuses_sizes_past_its_limits (void)
{
  static const guint sizes[][2]
      = { { 0, 8 }, { 65, 8 }, { 8, 0 }, { 8, 65537 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (vit_model_new_builtin (sizes[i][0], sizes[i][1], &error));
    g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/builtin/rows-are-orthonormal", test_rows_are_orthonormal);
  g_test_add_func (
      "/builtin/rows-go-from-coarse-to-fine", test_rows_go_from_coarse_to_fine);
  g_test_add_func ("/builtin/positions-are-sines", test_positions_are_sines);
  g_test_add_func ("/builtin/refuses-sizes-past-its-limits",
      test_refuses_sizes_past_its_limits);
  return g_test_run ();
}
