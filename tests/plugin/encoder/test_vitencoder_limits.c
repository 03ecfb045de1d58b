/* SPDX-License-Identifier: MIT
 *
 * What one frame's features may take of memory: what is past max-memory passes
 * without them, with one warning, before anything is taken for it; what is not has
 * the features that it always has.
 */
#include <string.h>

#include "support/encoder_stream.h"
#include "support/peak_memory.h"
#include "support/sanitizer.h"

#define MIB ((gsize) 1 << 20)
#define EMBED_DIM 48 /* of the small model */

/* Bytes of the features and vectors of a grid of the small model. */
#define RESULTS(cols, rows)                                                    \
  ((((guint64) (cols) * (rows) + 1) * EMBED_DIM + EMBED_DIM + 7)               \
      * sizeof (gfloat))

/* vitencoder alone, on one thread. */
static void
stream_start (EncoderStream *stream, const gchar *properties)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *launch = g_strdup_printf (
      "vitencoder n-threads=1 top=0 model=\"%s\" %s", path, properties);

  stream->harness = gst_harness_new_parse (launch);
  stream->encoder = gst_harness_find_element (stream->harness, "vitencoder");
  stream->embed = gst_object_ref (stream->encoder);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->encoder, stream->bus);
  encoder_stream_set_size (stream, 64, 48);
}

static void
stream_start_with (EncoderStream *stream, guint64 max_memory)
{
  g_autofree gchar *properties
      = g_strdup_printf ("max-memory=%" G_GUINT64_FORMAT, max_memory);

  stream_start (stream, properties);
}

/* (transfer full): tokens of a grid with a class token, all zero. */
static GstBuffer *
tokens_new (guint cols, guint rows, GstVitTokenFormat format)
{
  gsize size = ((gsize) cols * rows + 1) * EMBED_DIM
               * gst_vit_token_format_get_size (format);

  return gst_buffer_new_wrapped (g_malloc0 (size), size);
}

static void
add_tokens (GstBuffer *frame, GstBuffer *tokens, guint cols, guint rows,
    GstVitTokenFormat format)
{
  gst_buffer_add_vit_tokens_meta (frame, tokens, format, 1, cols, rows, 16,
      EMBED_DIM, 16 * cols, 16 * rows, SMALL_MODEL);
}

static GstBuffer *
frame_new (void)
{
  return gst_buffer_new_allocate (NULL, 64 * 48 * 3, NULL);
}

/* (transfer full): with new tokens of one grid. */
static GstBuffer *
frame_of (guint cols, guint rows, GstVitTokenFormat format)
{
  GstBuffer *frame = frame_new ();
  GstBuffer *tokens = tokens_new (cols, rows, format);

  add_tokens (frame, tokens, cols, rows, format);
  gst_buffer_unref (tokens);
  return frame;
}

/* Of how many of its tokens the frame, which is given away, comes out with
 * features; it comes out with all of its tokens. */
static guint
push (EncoderStream *stream, GstBuffer *frame)
{
  guint n_tokens = encoder_count_metas (frame, 0), n_features;

  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  g_assert_cmpuint (encoder_count_metas (frame, 0), ==, n_tokens);
  n_features = encoder_count_metas (frame, 2);
  g_assert_cmpuint (
      gst_buffer_get_n_meta (frame, GST_VIT_EMBEDDING_META_API_TYPE), ==,
      2 * n_features);
  gst_buffer_unref (frame);
  return n_features;
}

static void
assert_one_warning (EncoderStream *stream, const gchar *words)
{
  g_autofree gchar *text = NULL, *again = NULL, *failure = NULL;
  GQuark domain;
  gint code;

  text = encoder_stream_message (stream, GST_MESSAGE_WARNING, &domain, &code);
  g_assert_nonnull (text);
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, words));
  g_assert_true (domain == GST_RESOURCE_ERROR);
  g_assert_cmpint (code, ==, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  again = encoder_stream_message (stream, GST_MESSAGE_WARNING, NULL, NULL);
  g_assert_cmpstr (again, ==, NULL);
  failure = encoder_stream_message (stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_cmpstr (failure, ==, NULL);
}

static void
assert_no_warning (EncoderStream *stream)
{
  g_autofree gchar *text
      = encoder_stream_message (stream, GST_MESSAGE_WARNING, NULL, NULL);

  g_assert_cmpstr (text, ==, NULL);
}

/* Bytes of working memory of these grids. */
static guint64
measure (const VitEncoderGrid *grids, guint n_grids)
{
  const VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  VitEncoderWeights *weights
      = vit_encoder_weights_share (path, NULL, NULL, NULL);
  VitEncoder *encoder = vit_encoder_new (weights, &settings, NULL);
  gsize n_bytes;

  g_assert_true (
      vit_encoder_measure (encoder, grids, n_grids, 1, &n_bytes, NULL));
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
  return n_bytes;
}

static guint64
measure_one (guint cols, guint rows)
{
  return measure (&(VitEncoderGrid) { rows, cols }, 1);
}

static void
test_frames_that_take_too_much_pass_without (void)
{
  const guint64 needed = measure_one (40, 30) + RESULTS (40, 30);
  EncoderStream stream;

  stream_start_with (&stream, 0);
  g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  encoder_stream_clear (&stream);
  stream_start_with (&stream, needed);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  assert_no_warning (&stream);
  encoder_stream_clear (&stream);
  stream_start_with (&stream, needed - 1);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 0);
  assert_one_warning (&stream, "1201 tokens of 48 numbers");
  /* What fits has features, and the next that does not is told again. */
  g_assert_cmpuint (push (&stream, frame_of (30, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  assert_no_warning (&stream);
  g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 0);
  assert_one_warning (&stream, "'max-memory' allows");
  encoder_stream_clear (&stream);
}

/* Features that nobody wants take nothing, those of two blocks twice as much. */
static void
test_what_is_not_made_does_not_count (void)
{
  const guint64 working = measure_one (40, 30), one = RESULTS (40, 30);
  const guint64 vectors = (EMBED_DIM + 7) * sizeof (gfloat);
  EncoderStream stream;

  stream_start_with (&stream, working + vectors);
  g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 0);
  g_object_set (stream.encoder, "features", FALSE, NULL);
  gst_buffer_unref (gst_harness_push_and_pull (
      stream.harness, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)));
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 1);
  g_object_set (stream.encoder, "features", TRUE, NULL);
  g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 0);
  encoder_stream_clear (&stream);

  for (guint less = 0; less < 2; less++) {
    g_autofree gchar *properties = g_strdup_printf (
        "layers=<1,2> max-memory=%" G_GUINT64_FORMAT,
        working + 2 * one - vectors - less);

    stream_start (&stream, properties);
    g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 1 - less);
    encoder_stream_clear (&stream);
  }
}

/* They become float32 beside what is mapped. */
static void
test_tokens_of_other_formats_count (void)
{
  const guint64 needed = measure_one (40, 30) + RESULTS (40, 30)
                         + 1201 * EMBED_DIM * sizeof (gfloat);
  EncoderStream stream;

  for (guint less = 0; less < 2; less++) {
    stream_start_with (&stream, needed - less);
    g_assert_cmpuint (
        push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F16)), ==,
        1 - less);
    g_assert_cmpuint (push (&stream, frame_of (40, 30, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
    encoder_stream_clear (&stream);
  }
}

static void
test_all_regions_of_a_frame_count (void)
{
  const VitEncoderGrid grids[] = { { 20, 10 }, { 20, 40 } };
  const guint64 needed
      = measure (grids, 2) + RESULTS (10, 20) + RESULTS (40, 20);
  EncoderStream stream;

  for (guint less = 0; less < 2; less++) {
    GstBuffer *frame = frame_of (40, 20, GST_VIT_TOKEN_FORMAT_F32);
    GstBuffer *more = tokens_new (10, 20, GST_VIT_TOKEN_FORMAT_F32);

    add_tokens (frame, more, 10, 20, GST_VIT_TOKEN_FORMAT_F32);
    gst_buffer_unref (more);
    stream_start_with (&stream, needed - less);
    g_assert_cmpuint (push (&stream, frame), ==, less ? 0 : 2);
    encoder_stream_clear (&stream);
  }
}

/* Else regions that come one by one would be held without an end. */
static void
test_features_that_are_known_count (void)
{
  const guint64 needed
      = measure_one (40, 20) + RESULTS (40, 20) + RESULTS (20, 30);
  EncoderStream stream;

  for (guint less = 0; less < 2; less++) {
    GstBuffer *known = tokens_new (20, 30, GST_VIT_TOKEN_FORMAT_F32);
    GstBuffer *frame = frame_new (), *other = frame_of (40, 20, GST_VIT_TOKEN_FORMAT_F32);

    add_tokens (frame, known, 20, 30, GST_VIT_TOKEN_FORMAT_F32);
    /* Twice the same is held once. */
    add_tokens (other, known, 20, 30, GST_VIT_TOKEN_FORMAT_F32);
    add_tokens (other, known, 20, 30, GST_VIT_TOKEN_FORMAT_F32);
    stream_start_with (&stream, needed - less);
    g_assert_cmpuint (push (&stream, frame), ==, 1);
    g_assert_cmpuint (push (&stream, other), ==, less ? 0 : 3);
    if (less)
      assert_one_warning (&stream, "'max-memory' allows");
    encoder_stream_clear (&stream);
    gst_buffer_unref (known);
  }
}

/* By default, and before memory is taken.  The tokens are never looked at. */
static void
test_the_default_bounds_huge_frames (void)
{
  GstBuffer *frame = frame_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (
      NULL, (1300 * 1300 + 1) * EMBED_DIM * sizeof (guint16), NULL);
  EncoderStream stream;
  gsize before;

  add_tokens (frame, tokens, 1300, 1300, GST_VIT_TOKEN_FORMAT_F16);
  gst_buffer_unref (tokens);
  stream_start (&stream, "");
  g_assert_cmpuint (push (&stream, frame_of (4, 3, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  before = peak_memory ();
  g_assert_cmpuint (push (&stream, frame), ==, 0);
  assert_one_warning (&stream, "1690001 tokens");
#ifndef SANITIZER
  g_assert_cmpuint (peak_memory (), <, before + 8 * MIB);
#else
  g_assert_cmpuint (before, >, 0);
#endif
  g_assert_cmpuint (push (&stream, frame_of (4, 3, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  encoder_stream_clear (&stream);
}

/* As the same on one frame many times. */
static void
test_more_tokens_than_can_be_counted (void)
{
  GstBuffer *frame = frame_new (), *tokens = tokens_new (190, 190, GST_VIT_TOKEN_FORMAT_F32);
  EncoderStream stream;

  for (guint i = 0; i < 512; i++)
    add_tokens (frame, tokens, 190, 190, GST_VIT_TOKEN_FORMAT_F32);
  gst_buffer_unref (tokens);
  stream_start_with (&stream, 0);
  g_assert_cmpuint (push (&stream, frame), ==, 0);
  assert_one_warning (&stream, "too many tokens");
  g_assert_cmpuint (push (&stream, frame_of (4, 3, GST_VIT_TOKEN_FORMAT_F32)), ==, 1);
  encoder_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  peak_memory_of_blocks_held ();
  g_test_init (&argc, &argv, NULL);
  /* First, as it asks for the peak. */
  g_test_add_func ("/vitencoder/limits/the-default-bounds-huge-frames",
      test_the_default_bounds_huge_frames);
  g_test_add_func ("/vitencoder/limits/frames-that-take-too-much-pass-without",
      test_frames_that_take_too_much_pass_without);
  g_test_add_func ("/vitencoder/limits/what-is-not-made-does-not-count",
      test_what_is_not_made_does_not_count);
  g_test_add_func ("/vitencoder/limits/tokens-of-other-formats-count",
      test_tokens_of_other_formats_count);
  g_test_add_func ("/vitencoder/limits/all-regions-of-a-frame-count",
      test_all_regions_of_a_frame_count);
  g_test_add_func ("/vitencoder/limits/features-that-are-known-count",
      test_features_that_are_known_count);
  g_test_add_func ("/vitencoder/limits/more-tokens-than-can-be-counted",
      test_more_tokens_than_can_be_counted);
  return g_test_run ();
}
