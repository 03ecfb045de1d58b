/* SPDX-License-Identifier: MIT
 *
 * A patch weight as MLX keeps it, [D][y][x][channel], gives the model that
 * PyTorch's [D][channel][y][x] gives.
 */
#include "support/model_folder.h"

#define PATCH "patch_embed.proj.weight"

/* A value of its own for each place of a weight of 6 channels. */
static void
write_weight (guint side, gboolean is_channels_last)
{
  Weights *weights = weights_new_dinov2 ();
  guint index = 0;

  weights_remove (weights, PATCH);
  if (is_channels_last)
    weights_add (weights, PATCH, 4, 6, side, side, 3);
  else
    weights_add (weights, PATCH, 4, 6, 3, side, side);
  for (guint d = 0; d < 6; d++)
    for (guint c = 0; c < 3; c++)
      for (guint y = 0; y < side; y++)
        for (guint x = 0; x < side; x++) {
          guint last = ((d * side + y) * side + x) * 3 + c;

          weights_set (weights, PATCH, is_channels_last ? last : index,
              (float) (1 + index) / 1024);
          index++;
        }
  folder_write_weights (weights, "model.safetensors");
}

static void
test_both_orders (void)
{
  static const guint sides[] = { 1, 2, 4, 5, 16 };

  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    for (int is_last = 0; is_last < 2; is_last++) {
      VitModel *model;

      write_weight (sides[i], is_last);
      model = folder_load (NULL);
      g_assert_cmpuint (model->patch_size, ==, sides[i]);
      for (guint k = 0; k < 18 * sides[i] * sides[i]; k++)
        g_assert_cmpfloat (model->weight[k], ==, (float) (1 + k) / 1024);
      vit_model_unref (model);
    }
}

/* [D][3][3][3] is PyTorch's. */
static void
test_three_by_three (void)
{
  VitModel *model;

  write_weight (3, FALSE);
  model = folder_load (NULL);
  for (guint k = 0; k < 18 * 9; k++)
    g_assert_cmpfloat (model->weight[k], ==, (float) (1 + k) / 1024);
  vit_model_unref (model);
}

/* As Flax and Keras keep it. */
static void
test_channels_of_the_output_last (void)
{
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, PATCH);
  weights_add (weights, PATCH, 4, 2, 2, 3, 6);
  folder_write_weights (weights, "model.safetensors");
  assert_refused (NULL, VIT_ERROR_TENSOR, "[2,2,3,6] but", "[D,3,P,P]",
      "[D,P,P,3] with the channels last", NULL);
}

static const FolderTest tests[] = {
  { "both-orders", test_both_orders },
  { "three-by-three", test_three_by_three },
  { "channels-of-the-output-last", test_channels_of_the_output_last },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/channels-last/", tests, G_N_ELEMENTS (tests));
}
