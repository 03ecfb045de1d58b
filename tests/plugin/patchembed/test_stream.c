/* SPDX-License-Identifier: MIT
 *
 * The element in a stream: what happens to the frame itself, when caps change,
 * behind a tee, on seek, flush and end, and when started again and again.
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

/* Small and quick. */
#define SMALL "vitpatchembed embed-dim=24 precision=f32"

static GstBuffer *
push_random (GstHarness *harness, GstCaps *caps, guint32 seed)
{
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  return gst_harness_push_and_pull (
      harness, frames_random (&info, seed, FALSE));
}

static void
test_the_frame_itself_passes_untouched (void)
{
  GstCaps *caps = frames_caps ("NV12", 64, 48, NULL);
  GstHarness *harness = gst_harness_new_parse (SMALL);
  GstBuffer *in, *out;
  GstMemory *memory;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  in = frames_random (&info, 1, FALSE);
  GST_BUFFER_PTS (in) = 40 * GST_MSECOND;
  GST_BUFFER_DURATION (in) = 20 * GST_MSECOND;
  GST_BUFFER_OFFSET (in) = 5;
  GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_GAP | GST_BUFFER_FLAG_MARKER);
  memory = gst_buffer_peek_memory (in, 0);
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (in));

  g_assert_true (gst_buffer_peek_memory (out, 0) == memory);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 40 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 20 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 5);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_GAP));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER));
  g_assert_null (gst_buffer_get_vit_tokens_meta (in));
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (out));
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

/* Pulls the next sample of an appsink. */
static GstSample *
pull (GstElement *pipeline, const gchar *name)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstSample *sample
      = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 10 * GST_SECOND);

  gst_object_unref (sink);
  return sample;
}

static GstElement *
start_pipeline (const gchar *launch, GstState state)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);

  g_assert_no_error (error);
  gst_element_set_state (pipeline, state);
  g_assert_cmpint (
      gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND), ==,
      GST_STATE_CHANGE_SUCCESS);
  return pipeline;
}

static void
stop_pipeline (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
test_behind_a_tee_the_memory_is_the_very_same (void)
{
  GstElement *pipeline = start_pipeline (
      "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=64,height=48 "
      "! tee name=t ! queue ! " SMALL " ! appsink name=tokens sync=false "
      "t. ! queue ! appsink name=plain sync=false",
      GST_STATE_PLAYING);

  for (guint i = 0; i < 3; i++) {
    GstSample *tokens = pull (pipeline, "tokens");
    GstSample *plain = pull (pipeline, "plain");
    GstBuffer *a = gst_sample_get_buffer (tokens);
    GstBuffer *b = gst_sample_get_buffer (plain);

    g_assert_true (a != b);
    g_assert_cmpuint (gst_buffer_n_memory (a), ==, gst_buffer_n_memory (b));
    g_assert_true (gst_buffer_peek_memory (a, 0) == gst_buffer_peek_memory (b, 0));
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta (a));
    g_assert_null (gst_buffer_get_vit_tokens_meta (b));
    gst_sample_unref (tokens);
    gst_sample_unref (plain);
  }
  stop_pipeline (pipeline);
}

/* The meta at the end of a pipeline that starts with 64x48 frames. */
static void
check_meta_after (const gchar *elements, gint width, gint height,
    gdouble patch_width, gdouble patch_height)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=64,height=48 "
      "! " SMALL " ! %s ! appsink name=sink sync=false",
      elements);
  GstElement *pipeline = start_pipeline (launch, GST_STATE_PLAYING);
  GstSample *sample = pull (pipeline, "sink");
  GstVitTokensMeta *meta;
  GstVideoInfo info;
  gdouble x, y, w, h;

  g_assert_nonnull (sample);
  g_assert_true (
      gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  g_assert_cmpint (GST_VIDEO_INFO_WIDTH (&info), ==, width);
  g_assert_cmpint (GST_VIDEO_INFO_HEIGHT (&info), ==, height);
  meta = gst_buffer_get_vit_tokens_meta (gst_sample_get_buffer (sample));
  g_assert_nonnull (meta);
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  g_assert_cmpuint (meta->n_tokens, ==, 13);
  gst_vit_tokens_meta_get_patch_rect (meta, 1, 2, &x, &y, &w, &h);
  g_assert_cmpfloat (x, ==, patch_width);
  g_assert_cmpfloat (y, ==, 2 * patch_height);
  g_assert_cmpfloat (w, ==, patch_width);
  g_assert_cmpfloat (h, ==, patch_height);
  gst_sample_unref (sample);
  stop_pipeline (pipeline);
  g_free (launch);
}

static void
test_tokens_pass_queue_and_videoconvert (void)
{
  check_meta_after ("queue ! videoconvert ! video/x-raw,format=RGB", 64, 48,
      16, 16);
}

static void
test_tokens_pass_videoscale_with_their_geometry (void)
{
  check_meta_after ("videoscale ! video/x-raw,width=128,height=24", 128, 24, 32,
      8);
}

/* Each step changes one thing: size, format, colorimetry, and back. */
static void
test_caps_may_change_at_any_frame (void)
{
  static const struct {
    const gchar *format;
    gint width;
    gint height;
    const gchar *colorimetry;
  } steps[] = {
    { "I420", 64, 48, "bt601" },
    { "I420", 96, 80, "bt601" },
    { "NV12", 96, 80, "bt601" },
    { "NV12", 96, 80, "bt709" },
    { "RGB", 96, 80, NULL },
    { "RGB", 16, 16, NULL },
    { "I420", 64, 48, "bt601" },
  };
  GstHarness *harness = gst_harness_new_parse (SMALL);
  VitModel *model = vit_model_new_builtin (16, 24, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    GstCaps *caps = frames_caps (steps[i].format, steps[i].width,
        steps[i].height, steps[i].colorimetry);
    GstVideoInfo info;

    g_assert_true (gst_video_info_from_caps (&info, caps));
    gst_harness_set_src_caps (harness, gst_caps_ref (caps));
    for (guint j = 0; j < 2; j++) {
      guint n_tokens;
      GstBuffer *out = push_random (harness, caps, 100 * i + j);
      gdouble *expected
          = frames_define_tokens (out, &info, model, &settings, &n_tokens);
      gfloat *found = frames_get_tokens (out, n_tokens * 24);

      g_assert_cmpfloat (
          frames_worst_error (found, expected, n_tokens * 24), <=, 2e-5);
      g_free (found);
      g_free (expected);
      gst_buffer_unref (out);
    }
    gst_caps_unref (caps);
  }
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==,
      2 * G_N_ELEMENTS (steps));
  vit_model_unref (model);
  gst_harness_teardown (harness);
}

/* Tokens that downstream still holds are not written over by later frames. */
static void
test_tokens_held_downstream_stay_as_they_are (void)
{
  GstCaps *caps = frames_caps ("GRAY8", 32, 32, NULL);
  GstHarness *harness = gst_harness_new_parse (SMALL);
  GstBuffer *held[8];
  gfloat *then[8];

  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    held[i] = push_random (harness, caps, i);
    then[i] = frames_get_tokens (held[i], 5 * 24);
  }
  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    gfloat *now = frames_get_tokens (held[i], 5 * 24);

    g_assert_cmpmem (now, 5 * 24 * 4, then[i], 5 * 24 * 4);
    if (i > 0)
      g_assert_true (memcmp (then[i], then[i - 1], 5 * 24 * 4) != 0);
    g_free (now);
  }
  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    g_free (then[i]);
    gst_buffer_unref (held[i]);
  }
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

static void
test_a_flushing_seek_goes_on_with_tokens (void)
{
  GstElement *pipeline = start_pipeline (
      "filesrc location=\"" EXAMPLES_DIR "/media/clip.webm\" ! matroskademux ! "
      "vp8dec ! " SMALL " ! appsink name=sink sync=false max-buffers=2",
      GST_STATE_PLAYING);

  for (guint i = 0; i < 5; i++) {
    GstClockTime target = (4 - i) * GST_SECOND;
    GstSample *sample;
    GstVitTokensMeta *meta;

    g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, (gint64) target));
    sample = pull (pipeline, "sink");
    g_assert_nonnull (sample);
    g_assert_cmpint (ABS (GST_CLOCK_DIFF (target,
                         GST_BUFFER_PTS (gst_sample_get_buffer (sample)))),
        <=, 40 * GST_MSECOND);
    meta = gst_buffer_get_vit_tokens_meta (gst_sample_get_buffer (sample));
    g_assert_nonnull (meta);
    g_assert_cmpuint (meta->n_tokens, ==, 1 + 40 * 30);
    gst_sample_unref (sample);
  }
  stop_pipeline (pipeline);
}

static void
test_end_of_stream_comes_through_and_notifies_stats (void)
{
  GstCaps *caps = frames_caps ("GRAY8", 32, 32, NULL);
  GstHarness *harness = gst_harness_new_parse (SMALL);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstStructure *stats = NULL;
  guint notified = 0;
  guint64 n_frames, mean, worst;
  GstEvent *event;

  g_signal_connect_swapped (element, "notify::stats",
      G_CALLBACK (g_atomic_int_inc), &notified);
  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (push_random (harness, caps, i));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  while ((event = gst_harness_pull_event (harness)) != NULL) {
    gboolean is_eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;

    gst_event_unref (event);
    if (is_eos)
      break;
  }
  g_assert_nonnull (event);
  g_assert_cmpuint (notified, ==, 1);
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "frames", &n_frames));
  g_assert_true (gst_structure_get_uint64 (stats, "mean-time", &mean));
  g_assert_true (gst_structure_get_uint64 (stats, "worst-time", &worst));
  g_assert_cmpuint (n_frames, ==, 3);
  g_assert_cmpuint (mean, >, 0);
  g_assert_cmpuint (worst, >=, mean);
  gst_structure_free (stats);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

static guint
frame_width_of_stats (GstElement *element)
{
  GstStructure *stats = NULL;
  guint width = 1;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, "frame-width", &width));
  gst_structure_free (stats);
  return width;
}

static void
test_started_and_stopped_again_and_again (void)
{
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc ! video/x-raw,width=64,height=48 ! vitpatchembed "
      "name=embed embed-dim=24 ! fakesink name=sink sync=false",
      NULL);
  GstElement *embed = gst_bin_get_by_name (GST_BIN (pipeline), "embed");

  for (guint i = 0; i < 20; i++) {
    GstStructure *info = NULL;

    /* A property that changes between two starts takes effect. */
    g_object_set (embed, "embed-dim", 24 + i, NULL);
    gst_element_set_state (embed, GST_STATE_PAUSED);
    g_assert_cmpuint (frame_width_of_stats (embed), ==, 0);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_assert_cmpint (
        gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND), ==,
        GST_STATE_CHANGE_SUCCESS);
    g_object_get (embed, "model-info", &info, NULL);
    g_assert_nonnull (info);
    gst_structure_free (info);
    g_object_get (embed, "stats", &info, NULL);
    {
      guint embed_dim = 0;

      g_assert_true (gst_structure_get_uint (info, "embed-dim", &embed_dim));
      g_assert_cmpuint (embed_dim, ==, 24 + i);
    }
    gst_structure_free (info);
    gst_element_set_state (
        pipeline, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
    g_object_get (embed, "model-info", &info, NULL);
    g_assert_null (info);
  }
  gst_object_unref (embed);
  stop_pipeline (pipeline);
}

static void
test_model_info_says_what_was_decided (void)
{
  GstCaps *caps = frames_caps ("RGB", 280, 140, NULL);
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed "
      "model=\"" EXAMPLES_DIR "/models/dinov2-small\"");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  const GValue *mean, *files;
  GstStructure *info = NULL;
  guint value;

  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  g_object_get (element, "model-info", &info, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (gst_structure_get_string (info, "layout"), ==, "hf-dinov2");
  g_assert_cmpstr (
      gst_structure_get_string (info, "position-rule"), ==, "size");
  g_assert_true (gst_structure_get_uint (info, "patch-size", &value));
  g_assert_cmpuint (value, ==, 14);
  g_assert_true (gst_structure_get_uint (info, "embed-dim", &value));
  g_assert_cmpuint (value, ==, 384);
  g_assert_true (gst_structure_get_uint (info, "n-prefix-tokens", &value));
  g_assert_cmpuint (value, ==, 1);
  mean = gst_structure_get_value (info, "mean");
  g_assert_cmpuint (gst_value_array_get_size (mean), ==, 3);
  g_assert_cmpfloat (
      g_value_get_double (gst_value_array_get_value (mean, 0)), ==, 0.485);
  files = gst_structure_get_value (info, "files");
  g_assert_cmpuint (gst_value_array_get_size (files), ==, 3);
  gst_structure_free (info);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

/* Those that tokens have, whatever the model has. */
static void
test_model_info_counts_the_prefix_tokens_emitted (void)
{
  static const gchar *const values[] = { "false", "true" };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    gchar *launch = g_strdup_printf ("vitpatchembed prefix-tokens=%s "
        "model=\"" EXAMPLES_DIR "/models/dinov2-small\"", values[i]);
    GstHarness *harness = gst_harness_new_parse (launch);
    GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
    GstCaps *caps = frames_caps ("GRAY8", 28, 28, NULL);
    GstStructure *info = NULL;
    GstVideoInfo video;
    GstBuffer *frame;
    guint value;

    g_assert_true (gst_video_info_from_caps (&video, caps));
    gst_harness_set_src_caps (harness, caps);
    frame = gst_harness_push_and_pull (
        harness, frames_random (&video, 1, FALSE));
    g_object_get (element, "model-info", &info, NULL);
    g_assert_true (gst_structure_get_uint (info, "n-prefix-tokens", &value));
    g_assert_cmpuint (value, ==, i);
    g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (
                          info, "prefix-tokens")),
        ==, i);
    g_assert_cmpuint (gst_buffer_get_vit_tokens_meta (frame)->n_prefix_tokens,
        ==, i);
    gst_buffer_unref (frame);
    gst_structure_free (info);
    gst_object_unref (element);
    gst_harness_teardown (harness);
    g_free (launch);
  }
}

/* Warnings that the element logged. */
static void
count_warnings (GstDebugCategory *category, GstDebugLevel level,
    const gchar *file, const gchar *function, gint line, GObject *object,
    GstDebugMessage *message, gpointer n_warnings)
{
  if (level == GST_LEVEL_WARNING
      && g_str_equal (gst_debug_category_get_name (category), "vitpatchembed"))
    ++*(guint *) n_warnings;
}

static void
test_colorimetry_without_a_matrix_is_warned_of (void)
{
  static const struct {
    const gchar *format;
    const gchar *colorimetry;
    guint n_warnings;
  } cases[] = { { "I420", NULL, 0 }, { "I420", "bt709", 0 },
    { "I420", "2:0:0:0", 1 }, { "I420", "1:1:0:0", 1 },
    { "RGB", "sRGB", 0 }, { "GRAY8", "1:0:0:0", 0 } };
  guint n_warnings;

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (count_warnings, &n_warnings, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = gst_harness_new_parse (SMALL);
    GstCaps *caps
        = frames_caps (cases[i].format, 64, 48, cases[i].colorimetry);

    gst_debug_set_threshold_for_name ("vitpatchembed", GST_LEVEL_WARNING);
    n_warnings = 0;
    gst_harness_set_src_caps (harness, gst_caps_ref (caps));
    gst_buffer_unref (push_random (harness, caps, i));
    g_assert_cmpuint (n_warnings, ==, cases[i].n_warnings);
    gst_harness_teardown (harness);
    gst_caps_unref (caps);
  }
  gst_debug_remove_log_function (count_warnings);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
  gst_debug_unset_threshold_for_name ("vitpatchembed");
}

/* As from textoverlay before a sink that blends for itself. */
static void
test_frames_with_overlays_beside_them_are_read (void)
{
  static const gchar *const features[]
      = { "memory:SystemMemory, " GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION,
          GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION };

  for (guint i = 0; i < G_N_ELEMENTS (features); i++) {
    GstHarness *harness = gst_harness_new_parse (SMALL);
    GstCaps *caps = frames_caps ("I420", 64, 48, NULL), *out_caps;
    GstBuffer *out;

    gst_caps_set_features (
        caps, 0, gst_caps_features_from_string (features[i]));
    gst_harness_set_src_caps (harness, gst_caps_ref (caps));
    out = push_random (harness, caps, i);
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta (out));
    out_caps = gst_pad_get_current_caps (harness->sinkpad);
    g_assert_true (gst_caps_is_equal (out_caps, caps));
    gst_caps_unref (out_caps);
    gst_buffer_unref (out);
    gst_harness_teardown (harness);
    gst_caps_unref (caps);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/stream/the-frame-itself-passes-untouched",
      test_the_frame_itself_passes_untouched);
  g_test_add_func ("/stream/behind-a-tee-the-memory-is-the-very-same",
      test_behind_a_tee_the_memory_is_the_very_same);
  g_test_add_func ("/stream/tokens-pass-queue-and-videoconvert",
      test_tokens_pass_queue_and_videoconvert);
  g_test_add_func ("/stream/tokens-pass-videoscale-with-their-geometry",
      test_tokens_pass_videoscale_with_their_geometry);
  g_test_add_func ("/stream/caps-may-change-at-any-frame",
      test_caps_may_change_at_any_frame);
  g_test_add_func ("/stream/tokens-held-downstream-stay-as-they-are",
      test_tokens_held_downstream_stay_as_they_are);
  g_test_add_func ("/stream/a-flushing-seek-goes-on-with-tokens",
      test_a_flushing_seek_goes_on_with_tokens);
  g_test_add_func ("/stream/end-of-stream-comes-through-and-notifies-stats",
      test_end_of_stream_comes_through_and_notifies_stats);
  g_test_add_func ("/stream/started-and-stopped-again-and-again",
      test_started_and_stopped_again_and_again);
  g_test_add_func ("/stream/colorimetry-without-a-matrix-is-warned-of",
      test_colorimetry_without_a_matrix_is_warned_of);
  g_test_add_func ("/stream/frames-with-overlays-beside-them-are-read",
      test_frames_with_overlays_beside_them_are_read);
  g_test_add_func ("/stream/model-info-says-what-was-decided",
      test_model_info_says_what_was_decided);
  g_test_add_func ("/stream/model-info-counts-the-prefix-tokens-emitted",
      test_model_info_counts_the_prefix_tokens_emitted);
  return g_test_run ();
}
