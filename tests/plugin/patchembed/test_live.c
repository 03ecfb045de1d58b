/* SPDX-License-Identifier: MIT
 *
 * In live pipelines: every frame comes through, with tokens or without; what
 * is set while they run; what is said of latency and lateness.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 "
#define FRAME (40 * GST_MSECOND)

typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  GstBuffer *still;
} Stream;

static void
stream_init (Stream *stream, const gchar *launch)
{
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);

  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
  stream->still = frames_random (&stream->info, 1, FALSE);
}

static void
stream_clear (Stream *stream)
{
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_buffer_unref (stream->still);
  gst_harness_teardown (stream->harness);
}

/* Frame i, every 40 ms; (transfer full) as it comes out. */
static GstBuffer *
push (Stream *stream, guint i)
{
  GstBuffer *frame = gst_buffer_copy (stream->still);

  GST_BUFFER_PTS (frame) = i * FRAME;
  GST_BUFFER_DURATION (frame) = FRAME;
  g_assert_cmpint (
      gst_harness_push (stream->harness, frame), ==, GST_FLOW_OK);
  return gst_harness_try_pull (stream->harness);
}

static gboolean
has_tokens (Stream *stream, guint i)
{
  GstBuffer *frame = push (stream, i);
  gboolean has;

  g_assert_nonnull (frame);
  has = gst_buffer_get_vit_tokens_meta (frame) != NULL;
  gst_buffer_unref (frame);
  return has;
}

static void
flush (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream->harness, gst_event_new_flush_start ());
  gst_harness_push_event (stream->harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
}

static guint64
stat_of (GstElement *element, const gchar *field)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  gst_structure_free (stats);
  return value;
}

static void
test_tokens_on_every_nth_frame (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT "interval=3");
  for (guint i = 0; i < 9; i++)
    g_assert_cmpint (has_tokens (&stream, i), ==, i % 3 == 0);
  /* Counted from the last tokens, which were on frame 6. */
  g_object_set (stream.element, "interval", 5, NULL);
  for (guint i = 9; i < 20; i++)
    g_assert_cmpint (has_tokens (&stream, i), ==, i % 5 == 1);
  g_object_set (stream.element, "interval", 1, NULL);
  g_assert_true (has_tokens (&stream, 20));
  g_assert_true (has_tokens (&stream, 21));
  g_object_set (stream.element, "interval", 100, NULL);
  g_assert_false (has_tokens (&stream, 22));
  /* What follows a flush is new. */
  flush (&stream);
  g_assert_true (has_tokens (&stream, 23));
  stream_clear (&stream);
}

/* The frame of this index came to the sink so much too late. */
static void
report_late (Stream *stream, guint i, GstClockTimeDiff by)
{
  GstEvent *event;

  g_assert_true (gst_harness_push_upstream_event (stream->harness,
      gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5, by, i * FRAME)));
  /* Upstream is told, too. */
  while ((event = gst_harness_pull_upstream_event (stream->harness))) {
    gboolean is_qos = GST_EVENT_TYPE (event) == GST_EVENT_QOS;

    gst_event_unref (event);
    if (is_qos)
      return;
  }
  g_assert_not_reached ();
}

static void
check_message (Stream *stream, guint i, gint64 jitter, guint64 n_processed,
    guint64 n_skipped)
{
  GstMessage *message
      = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_QOS);
  guint64 running_time, stream_time, timestamp, duration, processed, dropped;
  gint64 found_jitter;
  gdouble proportion;
  GstFormat format;

  g_assert_nonnull (message);
  gst_message_parse_qos (
      message, NULL, &running_time, &stream_time, &timestamp, &duration);
  g_assert_cmpuint (running_time, ==, i * FRAME);
  g_assert_cmpuint (stream_time, ==, i * FRAME);
  g_assert_cmpuint (timestamp, ==, i * FRAME);
  g_assert_cmpuint (duration, ==, FRAME);
  gst_message_parse_qos_values (message, &found_jitter, &proportion, NULL);
  g_assert_cmpint (found_jitter, ==, jitter);
  g_assert_cmpfloat (proportion, ==, 1.5);
  gst_message_parse_qos_stats (message, &format, &processed, &dropped);
  g_assert_cmpint (format, ==, GST_FORMAT_BUFFERS);
  g_assert_cmpuint (processed, ==, n_processed);
  g_assert_cmpuint (dropped, ==, n_skipped);
  gst_message_unref (message);
}

static void
test_late_frames_pass_without_tokens (void)
{
  Stream stream;

  /* Also where the base class would drop them. */
  stream_init (&stream, ELEMENT "skip-late=true qos=true");
  g_assert_true (has_tokens (&stream, 0));
  report_late (&stream, 0, 2 * FRAME);
  g_assert_false (has_tokens (&stream, 1));
  check_message (&stream, 1, FRAME, 1, 1);
  g_assert_false (has_tokens (&stream, 2));
  check_message (&stream, 2, 0, 1, 2);
  g_assert_true (has_tokens (&stream, 3));
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS));
  /* In time again. */
  report_late (&stream, 3, -(GstClockTimeDiff) FRAME);
  g_assert_true (has_tokens (&stream, 4));
  g_assert_cmpuint (stat_of (stream.element, "late"), ==, 2);
  g_assert_cmpuint (stat_of (stream.element, "frames"), ==, 3);

  report_late (&stream, 4, 100 * FRAME);
  flush (&stream);
  g_assert_true (has_tokens (&stream, 5));
  stream_clear (&stream);
}

/* A late frame leaves the tokens due, so that they come as soon as they can. */
static void
test_tokens_skipped_stay_due (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT "skip-late=true interval=4");
  g_assert_true (has_tokens (&stream, 0));
  report_late (&stream, 0, 5 * FRAME);
  for (guint i = 1; i < 6; i++)
    g_assert_false (has_tokens (&stream, i));
  for (guint i = 6; i < 15; i++)
    g_assert_cmpint (has_tokens (&stream, i), ==, i % 4 == 2);
  /* Only frames 4 and 5 were due and late. */
  g_assert_cmpuint (stat_of (stream.element, "late"), ==, 2);
  stream_clear (&stream);
}

static void
test_late_frames_have_tokens_unless_asked_otherwise (void)
{
  GstBuffer *frame;
  Stream stream;

  stream_init (&stream, ELEMENT);
  report_late (&stream, 0, 10 * FRAME);
  for (guint i = 1; i < 4; i++)
    g_assert_true (has_tokens (&stream, i));
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_QOS));
  g_object_set (stream.element, "skip-late", TRUE, NULL);
  g_assert_false (has_tokens (&stream, 4));
  g_object_set (stream.element, "skip-late", FALSE, NULL);
  g_assert_true (has_tokens (&stream, 5));
  stream_clear (&stream);

  /* The base class' own property still does what it does everywhere. */
  stream_init (&stream, ELEMENT "qos=true");
  report_late (&stream, 0, 10 * FRAME);
  frame = push (&stream, 1);
  g_assert_null (frame);
  stream_clear (&stream);
}

static void
test_latency_is_that_of_upstream (void)
{
  GstClockTime min, max;
  GstQuery *query;
  gboolean live;
  Stream stream;

  stream_init (&stream, ELEMENT "interval=2 skip-late=true");
  gst_harness_set_upstream_latency (stream.harness, 30 * GST_MSECOND);
  g_assert_true (has_tokens (&stream, 0));
  query = gst_query_new_latency ();
  g_assert_true (gst_pad_peer_query (stream.harness->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  g_assert_true (live);
  g_assert_cmpuint (min, ==, 30 * GST_MSECOND);
  gst_query_unref (query);
  /* No frame waits for the next. */
  g_assert_cmpuint (gst_harness_buffers_in_queue (stream.harness), ==, 0);
  stream_clear (&stream);
}

typedef struct {
  gint n_frames;
  gint n_with_tokens;
} Counts;

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  Counts *counts = data;

  counts->n_frames++;
  if (gst_buffer_get_vit_tokens_meta (GST_PAD_PROBE_INFO_BUFFER (probe)))
    counts->n_with_tokens++;
  return GST_PAD_PROBE_OK;
}

/* A sink that is too slow by far, behind an element that reads every frame. */
static void
test_a_live_pipeline_in_overload_loses_no_frame (void)
{
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc is-live=true num-buffers=60 ! "
      "video/x-raw,format=I420,width=160,height=120,framerate=100/1 ! " ELEMENT
      "skip-late=true name=embed ! identity sleep-time=20000 ! "
      "fakesink sync=true qos=true max-lateness=5000000",
      NULL);
  GstElement *embed = gst_bin_get_by_name (GST_BIN (pipeline), "embed");
  GstPad *pad = gst_element_get_static_pad (embed, "src");
  GstBus *bus = gst_element_get_bus (pipeline);
  Counts counts = { 0, 0 };
  GstMessage *message;
  guint n_messages = 0;

  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &counts, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
              GST_MESSAGE_QOS | GST_MESSAGE_EOS | GST_MESSAGE_ERROR))) {
    GstMessageType type = GST_MESSAGE_TYPE (message);

    if (type == GST_MESSAGE_QOS
        && GST_MESSAGE_SRC (message) == GST_OBJECT (embed))
      n_messages++;
    gst_message_unref (message);
    g_assert_cmpint (type, !=, GST_MESSAGE_ERROR);
    if (type == GST_MESSAGE_EOS)
      break;
  }
  g_assert_nonnull (message);
  g_assert_cmpint (counts.n_frames, ==, 60);
  g_assert_cmpint (counts.n_with_tokens, >, 0);
  g_assert_cmpuint (n_messages, >, 0);
  g_assert_cmpuint (n_messages, ==, 60 - counts.n_with_tokens);
  g_assert_cmpuint (stat_of (embed, "late"), ==, n_messages);
  g_assert_cmpuint (stat_of (embed, "frames"), ==, counts.n_with_tokens);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (embed);
  gst_object_unref (pipeline);
}

static guint
count_changed (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  guint n = 0;

  for (guint i = 0; i < meta->n_tokens; i++)
    n += gst_vit_tokens_meta_is_changed (meta, i);
  gst_buffer_unref (frame);
  return n;
}

static void
test_reuse_may_change_at_any_frame (void)
{
  Stream stream;

  stream_init (&stream, ELEMENT);
  g_assert_cmpuint (count_changed (push (&stream, 0)), ==, 25);
  g_assert_cmpuint (count_changed (push (&stream, 1)), ==, 0);
  g_object_set (stream.element, "reuse-tolerance", 3, NULL);
  g_assert_cmpuint (count_changed (push (&stream, 2)), ==, 25);
  g_assert_cmpuint (count_changed (push (&stream, 3)), ==, 0);
  g_object_set (stream.element, "reuse-tokens", FALSE, NULL);
  g_assert_cmpuint (count_changed (push (&stream, 4)), ==, 25);
  g_assert_cmpuint (count_changed (push (&stream, 5)), ==, 25);
  g_object_set (stream.element, "reuse-tokens", TRUE, NULL);
  g_assert_cmpuint (count_changed (push (&stream, 6)), ==, 25);
  g_assert_cmpuint (count_changed (push (&stream, 7)), ==, 0);
  /* These change no token. */
  g_object_set (stream.element, "interval", 1, "skip-late", TRUE, NULL);
  g_assert_cmpuint (count_changed (push (&stream, 8)), ==, 0);
  stream_clear (&stream);
}

/* As often as not the frame before is one without tokens, and another picture. */
static void
test_changed_is_since_the_last_tokens (void)
{
  /* 0: the still picture; 1: another; of those with tokens: 0 0 1 1 0. */
  static const guint pictures[] = { 0, 1, 0, 1, 1, 0, 1, 0, 0 };
  static const guint expected[] = { 25, 0, 24, 0, 24 };
  GstBuffer *still, *other;
  Stream stream;

  stream_init (&stream, ELEMENT "interval=2 ");
  still = stream.still;
  other = frames_random (&stream.info, 2, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++) {
    GstBuffer *frame;

    stream.still = pictures[i] ? other : still;
    frame = push (&stream, i);
    if (i % 2)
      g_assert_null (gst_buffer_get_vit_tokens_meta (frame));
    if (i % 2)
      gst_buffer_unref (frame);
    else
      g_assert_cmpuint (count_changed (frame), ==, expected[i / 2]);
  }
  stream.still = still;
  gst_buffer_unref (other);
  stream_clear (&stream);
}

static gpointer
play_with_properties (gpointer element)
{
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < 400; i++) {
    g_object_set (element, "interval", g_rand_int_range (random, 1, 3),
        "skip-late", g_rand_boolean (random), "regions",
        g_rand_int_range (random, 0, 2), "max-tokens",
        g_rand_int_range (random, 0, 30), "reuse-tokens",
        g_rand_boolean (random), "reuse-tolerance",
        g_rand_int_range (random, 0, 3), NULL);
    stat_of (element, "frames");
    g_usleep (500);
  }
  g_rand_free (random);
  return NULL;
}

static void
test_properties_may_change_from_any_thread (void)
{
  GThread *thread;
  guint n = 0;
  Stream stream;

  stream_init (&stream, ELEMENT);
  gst_buffer_add_video_region_of_interest_meta (
      stream.still, "a", 3, 3, 40, 40);
  thread = g_thread_new ("properties", play_with_properties, stream.element);
  for (guint i = 0; i < 400; i++) {
    GstBuffer *frame = push (&stream, i);
    GstVitTokensMeta *meta;

    if (i % 16 == 0)
      report_late (&stream, i, 8 * FRAME);
    g_assert_nonnull (frame);
    meta = gst_buffer_get_vit_tokens_meta (frame);
    if (meta != NULL) {
      n++;
      g_assert_cmpuint (
          meta->n_tokens, ==, 1 + meta->grid_width * meta->grid_height);
      g_assert_cmpuint (gst_buffer_get_size (meta->tokens), ==,
          (gsize) meta->n_tokens * 24 * 4);
    }
    gst_buffer_unref (frame);
    g_usleep (300);
  }
  g_thread_join (thread);
  g_assert_cmpuint (n, >, 0);
  stream_clear (&stream);
}

/* What gst-inspect-1.0 shows. */
static void
test_properties_say_what_they_are (void)
{
  static const gchar *const live[] = { "reuse-tokens", "reuse-tolerance",
    "interval", "skip-late", "regions", "max-tokens", NULL };
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  guint n, n_live = 0;
  GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (element), &n);

  g_assert_cmpstr (gst_element_get_metadata (element, GST_ELEMENT_METADATA_KLASS),
      ==, "Filter/Analyzer/Video");
  for (guint i = 0; i < n; i++) {
    gboolean is_live = g_strv_contains (live, specs[i]->name);

    if (specs[i]->owner_type != G_OBJECT_TYPE (element))
      continue;
    g_assert_cmpuint (strlen (g_param_spec_get_blurb (specs[i])), >, 20);
    n_live += is_live;
    if (!(specs[i]->flags & G_PARAM_WRITABLE))
      continue;
    g_assert_cmpint (
        (specs[i]->flags & GST_PARAM_MUTABLE_PLAYING) != 0, ==, is_live);
    g_assert_cmpint (
        (specs[i]->flags & GST_PARAM_MUTABLE_READY) != 0, ==, !is_live);
  }
  g_assert_cmpuint (n_live, ==, g_strv_length ((gchar **) live));
  g_free (specs);
  gst_object_unref (element);
}

static void
run_to_the_end (const gchar *launch)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  GstMessage *message;
  GstBus *bus;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_error ("%s: %s", launch, error->message);
  }
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
remove_files (const gchar *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (folder, name, NULL);

    g_assert_cmpint (g_remove (path), ==, 0);
    g_free (path);
  }
  g_dir_close (dir);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Those on the element's page, as they stand. */
static void
test_launch_lines_of_the_page_run (void)
{
  gchar *here = g_get_current_dir ();
  gchar *folder = g_dir_make_tmp ("vit-page-XXXXXX", NULL), *text = NULL;
  gchar **lines;
  guint n = 0;

  g_assert_true (g_file_get_contents (
      EXAMPLES_DIR "/../plugin/patchembed/gstvitpatchembed.c", &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  g_assert_cmpint (g_chdir (folder), ==, 0);
  for (guint i = 0; lines[i] != NULL; i++) {
    static const gchar *const start = " * gst-launch-1.0 ";

    if (!g_str_has_prefix (lines[i], start))
      continue;
    run_to_the_end (lines[i] + strlen (start));
    n++;
  }
  g_assert_cmpint (g_chdir (here), ==, 0);
  g_assert_cmpuint (n, >=, 3);
  remove_files (folder);
  g_strfreev (lines);
  g_free (text);
  g_free (folder);
  g_free (here);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func (
      "/live/tokens-on-every-nth-frame", test_tokens_on_every_nth_frame);
  g_test_add_func ("/live/late-frames-pass-without-tokens",
      test_late_frames_pass_without_tokens);
  g_test_add_func (
      "/live/tokens-skipped-stay-due", test_tokens_skipped_stay_due);
  g_test_add_func ("/live/late-frames-have-tokens-unless-asked-otherwise",
      test_late_frames_have_tokens_unless_asked_otherwise);
  g_test_add_func (
      "/live/latency-is-that-of-upstream", test_latency_is_that_of_upstream);
  g_test_add_func ("/live/a-live-pipeline-in-overload-loses-no-frame",
      test_a_live_pipeline_in_overload_loses_no_frame);
  g_test_add_func ("/live/changed-is-since-the-last-tokens",
      test_changed_is_since_the_last_tokens);
  g_test_add_func ("/live/reuse-may-change-at-any-frame",
      test_reuse_may_change_at_any_frame);
  g_test_add_func ("/live/properties-may-change-from-any-thread",
      test_properties_may_change_from_any_thread);
  g_test_add_func ("/live/properties-say-what-they-are",
      test_properties_say_what_they_are);
  g_test_add_func ("/live/launch-lines-of-the-page-run",
      test_launch_lines_of_the_page_run);
  return g_test_run ();
}
