/* SPDX-License-Identifier: MIT
 *
 * The sizes that vitencoder keeps ready: given up for another where they take more
 * than their share of memory, the tokens that were made float32 included.
 */
#include "encoder/gstvitencodersizes.h"
#include "support/encoder_stream.h"

/* What all sizes may take, and a little less. */
#define MAX_BYTES ((gsize) 256 << 20)
#define NEARLY (MAX_BYTES - (4 << 20))

#define COLS 64

/* (transfer full): of the small model. */
static VitEncoderWeights *
load (void)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_share (path, NULL, NULL, &error);

  g_assert_no_error (error);
  return weights;
}

static GstVitEncoderSize *
find (GstVitEncoderSizes *sizes, guint rows)
{
  const VitEncoderGrid grid = { rows, COLS };
  g_autoptr (GError) error = NULL;
  GstVitEncoderSize *size
      = gst_vit_encoder_sizes_find (sizes, &grid, 1, &error);

  g_assert_no_error (error);
  return size;
}

/* Rows of a grid whose encoder takes nearly all that is allowed. */
static guint
find_rows (GstVitEncoderSizes *sizes)
{
  gsize few = vit_encoder_memory (find (sizes, 16)->encoder);
  gsize many = vit_encoder_memory (find (sizes, 1040)->encoder);
  guint rows = (guint) (16 + (NEARLY - few) / ((many - few) / 1024));

  gst_vit_encoder_sizes_clear (sizes);
  return rows;
}

static void
test_converted_tokens_count (void)
{
  static const VitEncoderSettings settings = { .n_workers = 1 };
  VitEncoderWeights *weights = load ();
  GstVitEncoderSizes *sizes
      = gst_vit_encoder_sizes_new (weights, &settings, NULL);
  guint rows = find_rows (sizes);
  gsize n = (1 + (gsize) rows * COLS) * weights->embed_dim;
  g_autofree guint16 *values = g_new0 (guint16, n);
  GstVitEncoderSize *large = find (sizes, rows);
  gsize n_bytes = vit_encoder_memory (large->encoder);

  g_assert_cmpuint (n_bytes, <, MAX_BYTES);
  g_assert_cmpuint (n_bytes + n * sizeof (gfloat), >, MAX_BYTES);
  /* Alone it is kept beside a small one. */
  find (sizes, 1);
  g_assert_true (find (sizes, rows) == large);
  /* With those of float16 the large one is given up for a third. */
  g_assert_nonnull (gst_vit_encoder_size_convert (
      large, weights, 0, VIT_TOKEN_F16, values));
  g_assert_nonnull (find (sizes, rows)->converted[0]);
  find (sizes, 2);
  g_assert_null (find (sizes, rows)->converted[0]);
  gst_vit_encoder_sizes_free (sizes);
  vit_encoder_weights_unref (weights);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (
      "/vitencoder/sizes/converted-tokens-count", test_converted_tokens_count);
  return g_test_run ();
}
