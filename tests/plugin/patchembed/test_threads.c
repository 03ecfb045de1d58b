/* SPDX-License-Identifier: MIT
 *
 * Several threads at once: pipelines that share a model, workers of each, and
 * a thread that reads and sets properties all the while.  Made for
 * ThreadSanitizer; without it the tokens still have to be the same.
 */
#include <gst/app/gstappsink.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define N_PIPELINES 2
#define N_FRAMES 40
#define N_TOKENS (1 + 16 * 11)
#define EMBED_DIM 24

typedef struct {
  GstElement *pipeline;
  gfloat *tokens[N_FRAMES];
} Stream;

static void
stream_start (Stream *stream, const gchar *settings)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d pattern=ball ! "
      "video/x-raw,format=I420,width=230,height=160 ! vitpatchembed name=embed "
      "model=\"%s/dinov2-p14/model.safetensors\" n-threads=4 %s ! queue ! "
      "appsink name=sink sync=false",
      N_FRAMES, TEST_DATA_DIR, settings);
  GError *error = NULL;

  stream->pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  g_assert_cmpint (gst_element_set_state (stream->pipeline, GST_STATE_PLAYING),
      !=, GST_STATE_CHANGE_FAILURE);
  g_free (launch);
}

static gpointer
stream_pull (gpointer data)
{
  Stream *stream = data;
  GstElement *sink = gst_bin_get_by_name (GST_BIN (stream->pipeline), "sink");

  for (guint i = 0; i < N_FRAMES; i++) {
    GstSample *sample
        = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 60 * GST_SECOND);

    g_assert_nonnull (sample);
    stream->tokens[i] = frames_get_tokens (
        gst_sample_get_buffer (sample), N_TOKENS * EMBED_DIM);
    gst_sample_unref (sample);
  }
  gst_object_unref (sink);
  return NULL;
}

static void
stream_stop (Stream *stream)
{
  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  gst_object_unref (stream->pipeline);
}

typedef struct {
  Stream *streams;
  gint is_over;
} Meddler;

static gpointer
meddle (gpointer data)
{
  Meddler *meddler = data;

  for (guint i = 0; !g_atomic_int_get (&meddler->is_over); i++) {
    GstElement *pipeline = meddler->streams[i % N_PIPELINES].pipeline;
    GstElement *embed = gst_bin_get_by_name (GST_BIN (pipeline), "embed");
    GstStructure *stats = NULL, *info = NULL;
    gchar *model = NULL;

    g_object_get (
        embed, "stats", &stats, "model-info", &info, "model", &model, NULL);
    g_assert_nonnull (stats);
    g_object_set (embed, "reuse-tokens", i % 2, "n-threads", 1 + i % 3,
        "model", model, NULL);
    gst_structure_free (stats);
    g_clear_pointer (&info, gst_structure_free);
    g_free (model);
    gst_object_unref (embed);
    g_usleep (500);
  }
  return NULL;
}

static void
run_streams (Stream *streams, const gchar *settings)
{
  Meddler meddler = { streams, 0 };
  GThread *threads[N_PIPELINES], *other;

  for (guint i = 0; i < N_PIPELINES; i++)
    stream_start (&streams[i], settings);
  other = g_thread_new ("meddler", meddle, &meddler);
  for (guint i = 0; i < N_PIPELINES; i++)
    threads[i] = g_thread_new ("puller", stream_pull, &streams[i]);
  for (guint i = 0; i < N_PIPELINES; i++)
    g_thread_join (threads[i]);
  g_atomic_int_set (&meddler.is_over, 1);
  g_thread_join (other);
  for (guint i = 0; i < N_PIPELINES; i++)
    stream_stop (&streams[i]);
}

static void
test_pipelines_that_share_a_model_agree (void)
{
  static const gchar *const settings[] = { "precision=f32",
    "precision=int16", "reuse-tokens=false token-format=f32" };

  for (guint k = 0; k < G_N_ELEMENTS (settings); k++) {
    Stream streams[N_PIPELINES] = { { NULL } };
    gsize n_bytes = N_TOKENS * EMBED_DIM * sizeof (gfloat);

    run_streams (streams, settings[k]);
    for (guint i = 0; i < N_FRAMES; i++) {
      g_assert_cmpmem (
          streams[0].tokens[i], n_bytes, streams[1].tokens[i], n_bytes);
      g_assert_true (i == 0
                     || memcmp (streams[0].tokens[i], streams[0].tokens[i - 1],
                         n_bytes));
      for (guint p = 0; p < N_PIPELINES; p++)
        if (i > 0)
          g_free (streams[p].tokens[i - 1]);
    }
    for (guint p = 0; p < N_PIPELINES; p++)
      g_free (streams[p].tokens[N_FRAMES - 1]);
  }
}

/* Each thread starts and stops an element of its own, of one model. */
static gpointer
start_and_stop (gpointer data)
{
  for (guint i = 0; i < 20; i++) {
    GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

    gst_object_ref_sink (element);
    g_object_set (element, "model", data, "n-threads", 4, NULL);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
  return NULL;
}

static void
test_elements_start_and_stop_at_once (void)
{
  gchar *model = g_build_filename (
      TEST_DATA_DIR, "dinov2-p14", "model.safetensors", NULL);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("starter", start_and_stop, model);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_free (model);
}

/* Patches whose rows are shorter than what is read of them at once. */
static GBytes *
tokenize_small_patches (const gchar *format, const gchar *settings)
{
  gchar *launch = g_strconcat (
      "vitpatchembed embed-dim=24 ", settings, NULL);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps (format, 320, 240, NULL);
  GByteArray *tokens = g_byte_array_new ();
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 20; i++) {
    GstBuffer *out = gst_harness_push_and_pull (
        harness, frames_random (&info, i % 7, FALSE));
    GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (out);
    GstMapInfo map;

    g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
    g_byte_array_append (tokens, map.data, (guint) map.size);
    gst_buffer_unmap (meta->tokens, &map);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
  g_free (launch);
  return g_byte_array_free_to_bytes (tokens);
}

static void
test_small_patches_have_their_own_memory (void)
{
  static const gchar *const formats[] = { "Y42B", "YUY2", "I420_10LE" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    GBytes *one = tokenize_small_patches (
        formats[f], "patch-size=8 precision=int16 n-threads=1");
    GBytes *many = tokenize_small_patches (
        formats[f], "patch-size=8 precision=int16 n-threads=4");

    g_assert_true (g_bytes_equal (one, many));
    g_bytes_unref (one);
    g_bytes_unref (many);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/threads/pipelines-that-share-a-model-agree",
      test_pipelines_that_share_a_model_agree);
  g_test_add_func ("/threads/elements-start-and-stop-at-once",
      test_elements_start_and_stop_at_once);
  g_test_add_func ("/threads/small-patches-have-their-own-memory",
      test_small_patches_have_their_own_memory);
  return g_test_run ();
}
