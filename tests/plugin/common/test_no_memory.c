/* SPDX-License-Identifier: MIT
 *
 * Memory that is gone at each allocation of failing_memory.h in turn, none of them
 * Jansson's, from the start of vitpatchembed and vitencoder to frames of two sizes
 * with a region: an element that does not start says so, a frame that nothing can be
 * made of passes with a warning, and the next has all again.
 */
#include "support/encoder_stream.h"
#include "support/failing_memory.h"

#define N_FRAMES 4

/* How many messages both elements posted, all for want of memory. */
static void
count_messages (EncoderStream *stream, guint *n_errors, guint *n_warnings)
{
  GstMessage *message;

  *n_errors = *n_warnings = 0;
  while ((message = gst_bus_pop_filtered (
              stream->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))) {
    gboolean is_error = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
    g_autoptr (GError) error = NULL;

    if (is_error)
      gst_message_parse_error (message, &error, NULL);
    else
      gst_message_parse_warning (message, &error, NULL);
    if (!g_error_matches (error, GST_RESOURCE_ERROR,
            GST_RESOURCE_ERROR_NO_SPACE_LEFT))
      g_error ("not of memory: %s", error->message);
    g_assert_true (*error->message != '\0');
    *n_errors += is_error;
    *n_warnings += !is_error;
    gst_message_unref (message);
  }
}

/* Frame `i` with a region, of one of two sizes; how many metas there should be. */
static GstBuffer *
make_frame (EncoderStream *stream, guint i)
{
  GstBuffer *frame;

  encoder_stream_set_size (stream, i % 2 ? 64 : 96, 64);
  frame = frames_random (&stream->info, i, FALSE);
  gst_buffer_add_video_region_of_interest_meta (
      frame, "thing", 16, 16, 32, 48);
  return frame;
}

/* The region's tokens and their features. */
static gboolean
is_whole (GstBuffer *frame)
{
  return encoder_count_metas (frame, 0) == 1
         && encoder_count_metas (frame, 2) == 1;
}

static void
set_bus (EncoderStream *stream, GstBus *bus)
{
  gst_element_set_bus (stream->embed, bus);
  gst_element_set_bus (stream->encoder, bus);
}

/* A start of the two, not yet in a harness: it can fail. */
static GstElement *
make_elements (EncoderStream *stream)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  GstElement *bin = gst_parse_bin_from_description (
      "vitpatchembed name=embed n-threads=1 regions=roi ! "
      "vitencoder name=encode n-threads=1",
      TRUE, NULL);

  g_assert_nonnull (bin);
  gst_object_ref_sink (bin);
  stream->bus = gst_bus_new ();
  stream->embed = gst_bin_get_by_name (GST_BIN (bin), "embed");
  stream->encoder = gst_bin_get_by_name (GST_BIN (bin), "encode");
  g_object_set (stream->embed, "model", path, NULL);
  g_object_set (stream->encoder, "model", path, NULL);
  set_bus (stream, stream->bus);
  return bin;
}

/* How many of the frames have not all that they should; at most one call fails. */
static guint
push_frames (EncoderStream *stream, guint failing)
{
  guint n_missing = 0;

  for (guint i = 0; i < N_FRAMES; i++) {
    guint before = failing_memory_count ();
    GstBuffer *frame
        = gst_harness_push_and_pull (stream->harness, make_frame (stream, i));

    g_assert_nonnull (frame);
    if (before >= failing || failing_memory_count () < failing)
      g_assert_true (is_whole (frame));
    n_missing += !is_whole (frame);
    gst_buffer_unref (frame);
  }
  return n_missing;
}

typedef struct {
  guint n_calls, n_errors, n_warnings;
} Outcome;

static void
run (guint failing, Outcome *outcome)
{
  EncoderStream stream;
  guint n_errors, n_warnings, n_missing = 0;
  GstElement *bin = make_elements (&stream);
  gboolean is_started;

  failing_memory_set (failing);
  is_started = gst_element_set_state (bin, GST_STATE_PAUSED)
               != GST_STATE_CHANGE_FAILURE;
  if (is_started) {
    stream.harness = gst_harness_new_with_element (bin, "sink", "src");
    n_missing = push_frames (&stream, failing);
  }
  outcome->n_calls = failing_memory_count ();
  failing_memory_set (0);
  count_messages (&stream, &n_errors, &n_warnings);
  g_assert_cmpuint (n_errors, ==, is_started ? 0 : 1);
  g_assert_cmpuint (n_warnings, ==, n_missing);
  outcome->n_errors += n_errors;
  outcome->n_warnings += n_warnings;
  set_bus (&stream, NULL);
  gst_object_unref (stream.embed);
  gst_object_unref (stream.encoder);
  gst_object_unref (stream.bus);
  if (is_started)
    gst_harness_teardown (stream.harness);
  gst_element_set_state (bin, GST_STATE_NULL);
  gst_object_unref (bin);
}

static void
test_each_call (void)
{
  Outcome outcome = { 0 };
  guint n = 1;

  do
    run (n, &outcome);
  while (outcome.n_calls >= n++);
  g_test_message ("%u calls: %u errors at the start, %u warnings of a frame",
      outcome.n_calls, outcome.n_errors, outcome.n_warnings);
  g_assert_cmpuint (outcome.n_errors, >, 50);
  g_assert_cmpuint (outcome.n_warnings, >, 10);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/no-memory/each-call", test_each_call);
  return g_test_run ();
}
