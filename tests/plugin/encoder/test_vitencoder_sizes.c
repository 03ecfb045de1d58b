/* SPDX-License-Identifier: MIT
 *
 * The sizes that vitencoder keeps ready: given up for another where they take more
 * than their share of memory, or more than a frame leaves of max-memory, the tokens
 * that were made float32 and what waits in their pools included.
 */
#include "encoder/gstvitencodersizes.h"

#include "base/error.h"
#include "support/encoder_stream.h"

/* What all sizes may take, and a little less. */
#define MAX_BYTES ((gsize) 256 << 20)
#define NEARLY (MAX_BYTES - (4 << 20))

#define COLS 64

static const GstVitEncoderCost free_of_cost = { 0, 0 };

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
      = gst_vit_encoder_sizes_find (sizes, &grid, 1, &free_of_cost, &error);

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
      = gst_vit_encoder_sizes_new (weights, &settings, 0, NULL);
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

/* A size that is kept has what was left in it. */
static void
mark (GstVitEncoderSize *size)
{
  size->tokens[0] = (const gfloat *) size;
}

static gboolean
is_marked (const GstVitEncoderSize *size)
{
  return size->tokens[0] == (const gfloat *) size;
}

static GstVitEncoderSize *
find_at_cost (GstVitEncoderSizes *sizes, guint rows, guint64 pooled)
{
  const VitEncoderGrid grid = { rows, COLS };
  const GstVitEncoderCost cost = { pooled, 5000 };
  g_autoptr (GError) error = NULL;
  GstVitEncoderSize *size
      = gst_vit_encoder_sizes_find (sizes, &grid, 1, &cost, &error);

  if (size == NULL) {
    g_assert_error (error, VIT_ERROR, VIT_ERROR_LIMIT);
    g_test_message ("%s", error->message);
  } else {
    g_assert_no_error (error);
  }
  return size;
}

/* Room for three of them, with what their pools keep. */
static void
test_sizes_stay_within_the_limit (void)
{
  enum { POOLED = 1000000 };
  static const VitEncoderSettings settings = { .n_workers = 1 };
  static const guint kept[] = { 11, 12, 9 };
  VitEncoderWeights *weights = load ();
  GstVitEncoderSizes *sizes
      = gst_vit_encoder_sizes_new (weights, &settings, 0, NULL);
  guint64 limit = 3 * POOLED + 5000;

  for (guint rows = 10; rows <= 12; rows++)
    limit += vit_encoder_memory (find (sizes, rows)->encoder);
  gst_vit_encoder_sizes_free (sizes);
  sizes = gst_vit_encoder_sizes_new (weights, &settings, limit, NULL);
  for (guint rows = 10; rows <= 12; rows++)
    mark (find_at_cost (sizes, rows, POOLED));
  for (guint rows = 10; rows <= 12; rows++)
    g_assert_true (is_marked (find_at_cost (sizes, rows, POOLED)));
  /* The oldest makes room, and no more than is needed. */
  mark (find_at_cost (sizes, 9, POOLED));
  /* What can have no room gets none. */
  g_assert_null (find_at_cost (sizes, 40, limit));
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    g_assert_true (is_marked (find_at_cost (sizes, kept[i], POOLED)));
  g_assert_false (is_marked (find_at_cost (sizes, 10, POOLED)));
  /* One that is ready takes more of a frame than it did: it alone has room. */
  g_assert_true (is_marked (find_at_cost (sizes, 9,
      limit - 5000 - vit_encoder_memory (find (sizes, 9)->encoder))));
  g_assert_false (is_marked (find (sizes, 12)));
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
  g_test_add_func ("/vitencoder/sizes/stay-within-the-limit",
      test_sizes_stay_within_the_limit);
  return g_test_run ();
}
