/* SPDX-License-Identifier: MIT
 *
 * What is set while frames pass through vitencoder; late frames; what it tells of
 * itself; a frame in work that is flushed or whose element ends.
 */
#include <string.h>

#include "support/encoder_stream.h"

#define FRAME (40 * GST_MSECOND)

static void
check (EncoderStream *stream, VitEmbeddingKind embedding, gboolean normalize,
    gboolean features)
{
  VitEncoderSettings settings = { .embedding = embedding,
    .normalize = normalize,
    .logits = embedding != VIT_EMBEDDING_NONE,
    .n_workers = 1 };
  /* The same picture, whose features would else be those known. */
  GstBuffer *frame = encoder_stream_push (stream, 1, NULL);

  encoder_check_frame (frame, SMALL_MODEL, &settings, features);
  gst_buffer_unref (frame);
}

static void
test_live_properties (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "");
  check (&stream, VIT_EMBEDDING_AUTO, FALSE, TRUE);
  g_object_set (stream.encoder, "normalize", TRUE, NULL);
  check (&stream, VIT_EMBEDDING_AUTO, TRUE, TRUE);
  gst_util_set_object_arg (
      G_OBJECT (stream.encoder), "embedding", "class-mean");
  check (&stream, VIT_EMBEDDING_CLASS_MEAN, TRUE, TRUE);
  g_object_set (stream.encoder, "features", FALSE, "normalize", FALSE, NULL);
  check (&stream, VIT_EMBEDDING_CLASS_MEAN, FALSE, FALSE);
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "none");
  check (&stream, VIT_EMBEDDING_NONE, FALSE, FALSE);
  g_object_set (stream.encoder, "features", TRUE, NULL);
  check (&stream, VIT_EMBEDDING_NONE, FALSE, TRUE);
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "auto");
  check (&stream, VIT_EMBEDDING_AUTO, FALSE, TRUE);
  /* Frames of which nothing was wanted are not counted. */
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 6);
  encoder_stream_clear (&stream);
}

/* Those that take effect at the next start. */
static void
test_other_properties_wait (void)
{
  EncoderStream stream;
  GstBuffer *frame;

  encoder_stream_init (&stream, "", "");
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  g_object_set (stream.encoder, "model", "/nowhere", "n-threads", 3, NULL);
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "layers", "<1>");
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "norm", "none");
  frame = encoder_stream_push (&stream, 2, NULL);
  encoder_check_frame (frame, SMALL_MODEL,
      &(VitEncoderSettings) { .logits = TRUE, .n_workers = 1 }, TRUE);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

/* Frame `i`, of this picture, as it comes out; whether it has features. */
static gboolean
push_at (EncoderStream *stream, guint i, guint32 seed)
{
  GstBuffer *frame = frames_random (&stream->info, seed, FALSE);
  gboolean has_features;

  GST_BUFFER_PTS (frame) = i * FRAME;
  GST_BUFFER_DURATION (frame) = FRAME;
  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  g_assert_cmpuint (encoder_count_metas (frame, 0), ==, 1);
  has_features = encoder_count_metas (frame, 2) == 1;
  g_assert_cmpint (has_features, ==,
      gst_buffer_get_vit_embedding_meta (
          frame, GST_VIT_EMBEDDING_KIND_EMBEDDING)
          != NULL);
  gst_buffer_unref (frame);
  return has_features;
}

static void
report_late (EncoderStream *stream, guint i, GstClockTimeDiff by)
{
  gst_harness_push_upstream_event (stream->harness,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5, by, i * FRAME));
}

static void
test_late_frames_pass_without_features (void)
{
  EncoderStream stream;
  GstMessage *message;
  guint64 processed, dropped;

  encoder_stream_init (&stream, "", "skip-late=true");
  g_assert_true (push_at (&stream, 0, 0));
  report_late (&stream, 0, 2 * FRAME);
  g_assert_false (push_at (&stream, 1, 1));
  g_assert_cmpuint (encoder_stat (&stream, "late"), ==, 1);
  message = gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS);
  g_assert_nonnull (message);
  gst_message_parse_qos_stats (message, NULL, &processed, &dropped);
  g_assert_cmpuint (processed, ==, 1);
  g_assert_cmpuint (dropped, ==, 1);
  gst_message_unref (message);
  g_assert_true (push_at (&stream, 3, 2));
  report_late (&stream, 3, 2 * FRAME);
  /* Late too, but known already: it takes no time. */
  g_assert_true (push_at (&stream, 4, 2));
  g_object_set (stream.encoder, "skip-late", FALSE, NULL);
  g_assert_true (push_at (&stream, 5, 3));
  g_assert_cmpuint (encoder_stat (&stream, "late"), ==, 1);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 1);
  encoder_stream_clear (&stream);
}

static void
count (GObject *object G_GNUC_UNUSED, GParamSpec *pspec G_GNUC_UNUSED,
    gpointer data)
{
  ++*(guint *) data;
}

static void
test_stats_are_notified_at_the_end (void)
{
  EncoderStream stream;
  guint n = 0;

  encoder_stream_init (&stream, "", "");
  g_signal_connect (stream.encoder, "notify::stats", G_CALLBACK (count), &n);
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  g_assert_cmpuint (n, ==, 0);
  gst_harness_push_event (stream.harness, gst_event_new_eos ());
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (encoder_stat (&stream, "mean-time"), >, 0);
  g_assert_cmpuint (encoder_stat (&stream, "worst-time"), ==,
      encoder_stat (&stream, "mean-time"));
  encoder_stream_clear (&stream);
}

static void
assert_uint (const GstStructure *info, const gchar *field, guint expected)
{
  guint value;

  g_assert_true (gst_structure_get_uint (info, field, &value));
  g_assert_cmpuint (value, ==, expected);
}

static void
test_model_info (void)
{
  EncoderStream stream;
  GstStructure *info = NULL;
  const GValue *layers, *normed;
  guint n = 0;

  encoder_stream_init (&stream, "", "layers=\"<1,2>\" embedding=class-mean");
  g_signal_connect (
      stream.encoder, "notify::model-info", G_CALLBACK (count), &n);
  g_object_get (stream.encoder, "model-info", &info, NULL);
  g_assert_null (info);
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  gst_buffer_unref (encoder_stream_push (&stream, 2, NULL));
  g_assert_cmpuint (n, ==, 1);
  g_object_get (stream.encoder, "model-info", &info, NULL);
  g_assert_true (g_str_has_prefix (
      gst_structure_get_string (info, "id"), SMALL_MODEL "#"));
  g_assert_cmpstr (gst_structure_get_string (info, "activation"), ==, "gelu");
  g_assert_cmpstr (gst_structure_get_string (info, "rope-rule"), ==, "none");
  g_assert_nonnull (strstr (
      gst_structure_get_string (info, "reason"), "num_attention_heads"));
  assert_uint (info, "depth", 2);
  assert_uint (info, "heads", 2);
  assert_uint (info, "embed-dim", 48);
  assert_uint (info, "embedding-dim", 96);
  assert_uint (info, "n-classes", 7);
  layers = gst_structure_get_value (info, "layers");
  normed = gst_structure_get_value (info, "normed");
  g_assert_cmpuint (gst_value_array_get_size (layers), ==, 2);
  g_assert_cmpint (
      g_value_get_int (gst_value_array_get_value (layers, 1)), ==, 2);
  g_assert_false (
      g_value_get_boolean (gst_value_array_get_value (normed, 0)));
  g_assert_true (g_value_get_boolean (gst_value_array_get_value (normed, 1)));
  gst_structure_free (info);
  encoder_stream_clear (&stream);
}

static void
test_threads_give_the_same_bits (void)
{
  static const gchar *const threads[]
      = { "n-threads=1", "n-threads=4", "n-threads=0" };

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    EncoderStream stream;
    GstBuffer *frame;

    encoder_stream_init (&stream, "", threads[i]);
    encoder_stream_set_size (&stream, 320, 240);
    /* Against the library's on one thread. */
    frame = encoder_stream_push (&stream, 3, NULL);
    encoder_check_frame (frame, SMALL_MODEL,
        &(VitEncoderSettings) { .logits = TRUE, .n_workers = 1 }, TRUE);
    gst_buffer_unref (frame);
    encoder_stream_clear (&stream);
  }
}

/* Called by the element as it begins to work on the first frame. */
static void
flush (GstElement *encoder G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED,
    EncoderStream *stream)
{
  g_assert_true (
      gst_harness_push_event (stream->harness, gst_event_new_flush_start ()));
}

static gpointer
end (gpointer encoder)
{
  gst_element_set_state (encoder, GST_STATE_READY);
  return NULL;
}

/* Comes back when the end waits for this thread. */
static void
begin_end (GstElement *encoder, GParamSpec *spec G_GNUC_UNUSED, GThread **ending)
{
  GstPad *pad = gst_element_get_static_pad (encoder, "src");
  gboolean is_flushing = FALSE;

  if (*ending == NULL)
    *ending = g_thread_new ("ending", end, encoder);
  while (!is_flushing) {
    g_thread_yield ();
    GST_OBJECT_LOCK (pad);
    is_flushing = GST_PAD_IS_FLUSHING (pad);
    GST_OBJECT_UNLOCK (pad);
  }
  gst_object_unref (pad);
}

static void
assert_given_up (EncoderStream *stream)
{
  GstFlowReturn flow;

  g_assert_null (encoder_stream_push (stream, 1, &flow));
  g_assert_cmpint (flow, ==, GST_FLOW_FLUSHING);
  g_assert_cmpuint (encoder_stat (stream, "frames"), ==, 0);
  g_assert_null (
      encoder_stream_message (stream, GST_MESSAGE_ERROR, NULL, NULL));
  g_assert_null (
      encoder_stream_message (stream, GST_MESSAGE_WARNING, NULL, NULL));
}

/* A large model takes minutes for a large frame. */
static void
test_a_flush_stops_the_work (void)
{
  EncoderStream stream;
  GstSegment segment;
  GstBuffer *frame;
  gulong id;

  encoder_stream_init (&stream, "", "");
  id = g_signal_connect (
      stream.encoder, "notify::model-info", G_CALLBACK (flush), &stream);
  assert_given_up (&stream);
  g_signal_handler_disconnect (stream.encoder, id);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream.harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (stream.harness, gst_event_new_segment (&segment));
  frame = encoder_stream_push (&stream, 1, NULL);
  encoder_check_frame (frame, SMALL_MODEL,
      &(VitEncoderSettings) { .logits = TRUE, .n_workers = 1 }, TRUE);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

static void
test_the_end_stops_the_work (void)
{
  EncoderStream stream;
  GThread *ending = NULL;

  encoder_stream_init (&stream, "", "");
  g_signal_connect (
      stream.encoder, "notify::model-info", G_CALLBACK (begin_end), &ending);
  assert_given_up (&stream);
  g_thread_join (ending);
  encoder_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vitencoder/live-properties", test_live_properties);
  g_test_add_func (
      "/vitencoder/other-properties-wait", test_other_properties_wait);
  g_test_add_func ("/vitencoder/late-frames-pass-without-features",
      test_late_frames_pass_without_features);
  g_test_add_func ("/vitencoder/stats-are-notified-at-the-end",
      test_stats_are_notified_at_the_end);
  g_test_add_func ("/vitencoder/model-info", test_model_info);
  g_test_add_func ("/vitencoder/threads-give-the-same-bits",
      test_threads_give_the_same_bits);
  g_test_add_func (
      "/vitencoder/a-flush-stops-the-work", test_a_flush_stops_the_work);
  g_test_add_func (
      "/vitencoder/the-end-stops-the-work", test_the_end_stops_the_work);
  return g_test_run ();
}
