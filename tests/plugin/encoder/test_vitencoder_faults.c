/* SPDX-License-Identifier: MIT
 *
 * Neighbours and files that do not do as vitencoder would like: a camera that is
 * faster, a sink that blocks, a consumer that keeps every frame, a queue that lets
 * old ones go, a model that is cut short or written over while it is in use.
 */
#include <unistd.h>

#include "support/encoder_stream.h"

#define FRAME (40 * GST_MSECOND)
/* That one frame takes, more than three from the camera. */
#define COST (130 * GST_MSECOND)
/* How much later than upstream's latency a frame may always be. */
#define DEADLINE (20 * GST_MSECOND)

/* Whether frame i, which comes out at `time`, has features. */
static gboolean
encode_at (EncoderStream *stream, guint i, GstClockTime time)
{
  GstBuffer *frame = frames_random (&stream->info, i, FALSE);
  gboolean has_features;

  g_assert_true (gst_harness_set_time (stream->harness, time));
  GST_BUFFER_PTS (frame) = i * FRAME;
  GST_BUFFER_DURATION (frame) = FRAME;
  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  g_assert_cmpuint (GST_BUFFER_PTS (frame), ==, i * FRAME);
  has_features = encoder_count_metas (frame, 2) == 1;
  gst_buffer_unref (frame);
  return has_features;
}

/* How late the element says that a frame was which it left out. */
static GstClockTimeDiff
told_lateness (EncoderStream *stream)
{
  GstMessage *message = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_QOS);
  GstClockTimeDiff lateness;

  g_assert_nonnull (message);
  gst_message_parse_qos_values (message, &lateness, NULL, NULL);
  gst_message_unref (message);
  return lateness;
}

/* Every frame is shown; those that came while another was encoded have no features,
 * and are told of and counted. */
static void
test_a_camera_that_is_faster (void)
{
  EncoderStream stream;
  GstClockTime out = 0;
  guint n_encoded = 0, n = 200;

  encoder_stream_init (&stream, "", "skip-late=true");
  gst_harness_use_testclock (stream.harness);
  for (guint i = 0; i < n; i++) {
    GstClockTime due = i * FRAME;
    GstClockTime before = out;
    gboolean is_late = i > 0 && due + DEADLINE <= before;

    out = MAX (out, due) + (is_late ? 0 : COST);
    g_assert_cmpint (encode_at (&stream, i, out), ==, !is_late);
    if (is_late)
      g_assert_cmpint (told_lateness (&stream), ==,
          GST_CLOCK_DIFF (due + DEADLINE, before));
    n_encoded += !is_late;
  }
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS));
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, n_encoded);
  g_assert_cmpuint (encoder_stat (&stream, "late"), ==, n - n_encoded);
  encoder_stream_clear (&stream);
}

/* Where the features of the last block lie. */
static gconstpointer
features_address (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_at (frame, 2);
  gconstpointer address;
  GstMapInfo map;

  g_assert_nonnull (meta);
  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
  address = map.data;
  gst_buffer_unmap (meta->tokens, &map);
  return address;
}

/* As many frames more as are kept have memory of their own; what they carry stays
 * what it was; and once they are given back it is used again. */
static void
test_a_consumer_that_keeps_everything (void)
{
  enum { N_KEPT = 60 };
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  g_autoptr (GHashTable) addresses = g_hash_table_new (NULL, NULL);
  GstBuffer *kept[N_KEPT];
  EncoderStream stream;

  encoder_stream_init (&stream, "", "");
  for (guint i = 0; i < N_KEPT; i++) {
    kept[i] = encoder_stream_push (&stream, i, NULL);
    g_assert_true (g_hash_table_add (
        addresses, (gpointer) features_address (kept[i])));
  }
  for (guint i = 0; i < N_KEPT; i++) {
    encoder_check_frame (kept[i], SMALL_MODEL, &settings, TRUE);
    gst_buffer_unref (kept[i]);
  }
  for (guint i = 0; i < 3 * N_KEPT; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, N_KEPT + i, NULL);

    g_assert_true (
        g_hash_table_contains (addresses, features_address (frame)));
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

static GstPadProbeReturn
block (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info G_GNUC_UNUSED,
    gpointer data G_GNUC_UNUSED)
{
  return GST_PAD_PROBE_OK;
}

/* Until no frame more was encoded for a fifth of a second. */
static guint64
wait_until_still (EncoderStream *stream, guint64 least)
{
  guint64 n = 0;

  for (guint i = 0, still = 0; still < 20 || n < least; i++) {
    guint64 now = encoder_stat (stream, "frames");

    g_assert_cmpuint (i, <, 3000);
    still = now == n ? still + 1 : 0;
    n = now;
    g_usleep (10000);
  }
  return n;
}

/* The stream waits, goes on when the sink does, and ends while it waits again. */
static void
test_a_sink_that_blocks (void)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc pattern=ball ! video/x-raw,format=RGB,width=96,height=64 ! "
      "vitpatchembed model=\"%s\" ! vitencoder name=encode ! "
      "queue max-size-buffers=3 ! fakesink name=sink async=false",
      path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  EncoderStream stream
      = { .encoder = gst_bin_get_by_name (GST_BIN (pipeline), "encode") };
  guint64 n_before, n_blocked;
  gint64 start;
  gulong probe = gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, block, NULL, NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  n_before = wait_until_still (&stream, 1);
  /* In the sink's hands, in the queue, and the one that found it full. */
  g_assert_cmpuint (n_before, <=, 1 + 3 + 1);
  gst_pad_remove_probe (pad, probe);
  for (guint i = 0; encoder_stat (&stream, "frames") < n_before + 20; i++) {
    g_assert_cmpuint (i, <, 3000);
    g_usleep (10000);
  }
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, block, NULL, NULL);
  n_blocked = encoder_stat (&stream, "frames");
  g_assert_cmpuint (
      wait_until_still (&stream, n_blocked), <=, n_blocked + 1 + 3 + 1);
  start = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpint (
      g_get_monotonic_time () - start, <, 20 * G_TIME_SPAN_SECOND);
  gst_object_unref (stream.encoder);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

#define N_LIVE 100

/* What went into the queue and what came to the sink. */
typedef struct {
  GstClockTime last_in, last_out;
  guint n_in, n_out, n_without; /* features */
} Passage;

static GstPadProbeReturn
note_in (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer data)
{
  Passage *passage = data;

  passage->last_in = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  passage->n_in++;
  return GST_PAD_PROBE_OK;
}

/* A frame takes as long as ten of the camera's. */
static void
note_out (GstElement *sink G_GNUC_UNUSED, GstBuffer *frame,
    GstPad *pad G_GNUC_UNUSED, gpointer data)
{
  Passage *passage = data;

  if (passage->n_out > 0)
    g_assert_cmpuint (GST_BUFFER_PTS (frame), >, passage->last_out);
  passage->last_out = GST_BUFFER_PTS (frame);
  passage->n_out++;
  passage->n_without += encoder_count_metas (frame, 2) != 1;
  g_usleep (50000);
}

/* With a queue of one frame that lets the old ones go, every frame that is shown has
 * features, and the newest is shown. */
static void
test_a_queue_that_lets_old_frames_go (void)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc is-live=true num-buffers=%d pattern=ball ! "
      "video/x-raw,format=RGB,width=96,height=64,framerate=200/1 ! "
      "vitpatchembed model=\"%s\" ! "
      "queue name=queue leaky=downstream max-size-buffers=1 ! vitencoder ! "
      "fakesink name=sink sync=false signal-handoffs=true",
      N_LIVE, path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *queue = gst_bin_get_by_name (GST_BIN (pipeline), "queue");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (queue, "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  Passage passage = { 0 };
  GstMessage *message;

  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, note_in, &passage, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (note_out), &passage);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_test_message ("%u of %u frames", passage.n_out, passage.n_in);
  g_assert_cmpuint (passage.n_in, ==, N_LIVE);
  g_assert_cmpuint (passage.n_out, <, N_LIVE);
  g_assert_cmpuint (passage.n_without, ==, 0);
  g_assert_cmpuint (passage.last_out, ==, passage.last_in);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (queue);
  gst_object_unref (pipeline);
}

/* To nothing, to its header, into its tensors. */
static void
check_cut (const gchar *folder, off_t length)
{
  g_autofree gchar *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree gchar *model = g_strdup_printf ("model=\"%s\"", folder);
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  g_autofree gchar *text = NULL, *whole = NULL;
  EncoderStream stream;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (path, &whole, &n_bytes, NULL));
  encoder_stream_init (&stream, "", model);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, i, NULL);

    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    gst_buffer_unref (frame);
    if (i == 0)
      g_assert_cmpint (truncate (path, length), ==, 0);
  }
  gst_element_set_state (stream.encoder, GST_STATE_READY);
  g_assert_cmpint (gst_element_set_state (stream.encoder, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  text = encoder_stream_message (&stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_nonnull (text);
  g_test_message ("%s", text);
  g_assert_true (g_str_has_prefix (text, path));
  gst_element_set_state (stream.encoder, GST_STATE_READY);
  g_assert_true (g_file_set_contents (path, whole, (gssize) n_bytes, NULL));
  g_assert_cmpint (gst_element_set_state (stream.encoder, GST_STATE_PLAYING),
      ==, GST_STATE_CHANGE_SUCCESS);
  encoder_stream_clear (&stream);
}

/* What is in use was read at the start; the next start says what is wrong. */
static void
test_a_model_that_is_cut_short (void)
{
  static const off_t lengths[] = { 0, 5, 300, 100000 };
  g_autofree gchar *folder = encoder_copy_model ();

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    check_cut (folder, lengths[i]);
  encoder_remove_copy (folder);
}

/* In place, with what is no model. */
static void
test_a_model_that_is_written_over (void)
{
  g_autofree gchar *folder = encoder_copy_model ();
  g_autofree gchar *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree gchar *model = g_strdup_printf ("model=\"%s\"", folder);
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  EncoderStream stream;
  FILE *file;

  encoder_stream_init (&stream, "", model);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, i, NULL);

    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    gst_buffer_unref (frame);
    file = fopen (path, "r+b");
    g_assert_nonnull (file);
    for (guint n = 0; n < 300000; n++)
      putc (0xff, file);
    fclose (file);
    if (i == 1)
      encoder_stream_set_size (&stream, 64, 48);
  }
  encoder_stream_clear (&stream);
  encoder_remove_copy (folder);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vitencoder/faults/a-camera-that-is-faster",
      test_a_camera_that_is_faster);
  g_test_add_func ("/vitencoder/faults/a-consumer-that-keeps-everything",
      test_a_consumer_that_keeps_everything);
  g_test_add_func (
      "/vitencoder/faults/a-sink-that-blocks", test_a_sink_that_blocks);
  g_test_add_func ("/vitencoder/faults/a-queue-that-lets-old-frames-go",
      test_a_queue_that_lets_old_frames_go);
  g_test_add_func ("/vitencoder/faults/a-model-that-is-cut-short",
      test_a_model_that_is_cut_short);
  g_test_add_func ("/vitencoder/faults/a-model-that-is-written-over",
      test_a_model_that_is_written_over);
  return g_test_run ();
}
