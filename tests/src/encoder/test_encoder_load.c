/* SPDX-License-Identifier: MIT
 *
 * What is loaded besides blocks and heads: the names of classes; and that a model is
 * in memory once.
 */
#include "encoder/encoder_weights.h"
#include "support/encoder_folder.h"

/* A ViT with a classifier of five classes. */
static VitEncoderWeights *
load_classifier (void)
{
  Weights *weights = weights_new_vit ();

  weights_add (weights, "classifier.weight", 2, 5, 12);
  weights_add (weights, "classifier.bias", 1, 5);
  folder_write_vit (weights);
  return folder_load_encoder ();
}

/* Only where each class has one, and nothing in them that a terminal obeys. */
static void
test_class_names (void)
{
  VitEncoderWeights *weights = load_classifier ();

  g_assert_null (weights->class_names);
  vit_encoder_weights_unref (weights);
  weights = NULL;
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": 2, \"id2label\": "
      "{\"0\": \"cat\", \"2\": \"r\u00f6hre\", \"1\": \"a\\u001b[2J\", "
      "\"3\": \"\", \"4\": \"dog\"}}");
  weights = folder_load_encoder ();
  g_assert_nonnull (weights->class_names);
  g_assert_cmpuint (g_strv_length (weights->class_names), ==, 5);
  g_assert_cmpstr (weights->class_names[0], ==, "cat");
  g_assert_cmpstr (weights->class_names[1], ==, "a\\033[2J");
  g_assert_cmpstr (weights->class_names[2], ==, "r\u00f6hre");
  g_assert_cmpstr (weights->class_names[4], ==, "dog");
  vit_encoder_weights_unref (weights);
}

static void
test_share (void)
{
  const VitEncoderOverrides silu = { VIT_ACTIVATION_SILU, VIT_ROPE_AUTO };
  g_autofree char *path = folder_path (NULL);
  VitEncoderWeights *a, *b, *other;

  folder_write_vit (weights_new_vit ());
  a = vit_encoder_weights_share (path, NULL, NULL, NULL);
  b = vit_encoder_weights_share (path, NULL, NULL, NULL);
  other = vit_encoder_weights_share (path, NULL, &silu, NULL);
  g_assert_nonnull (a);
  g_assert_true (a == b);
  g_assert_nonnull (other);
  g_assert_true (a != other);
  g_assert_cmpint (other->choices.activation, ==, VIT_ACTIVATION_SILU);
  vit_encoder_weights_unref (b);
  /* Another file in the same place is another model. */
  folder_write_vit (weights_new_vit ());
  b = vit_encoder_weights_share (path, NULL, NULL, NULL);
  g_assert_nonnull (b);
  g_assert_true (a != b);
  vit_encoder_weights_unref (a);
  vit_encoder_weights_unref (b);
  vit_encoder_weights_unref (other);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "class-names", test_class_names },
    { "share", test_share },
  };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/load/", tests, G_N_ELEMENTS (tests));
}
