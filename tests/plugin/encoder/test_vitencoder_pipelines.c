/* SPDX-License-Identifier: MIT
 *
 * Two streams at once that share one model, each through a vitencoder of its own:
 * frames whose size keeps changing, while a third thread sets the properties of both
 * and reads what they tell of themselves.  Every frame passes; with the properties
 * as they were, each has what the library makes of it.
 */
#include "support/encoder_stream.h"

#define N_STREAMS 2
#define N_FRAMES 60

typedef struct {
  EncoderStream stream;
  guint32 seed;
} Worker;

static gpointer
push_frames (gpointer data)
{
  static const gint widths[] = { 96, 64, 160, 33 };
  Worker *worker = data;

  for (guint i = 0; i < N_FRAMES; i++) {
    if (i % 7 == 0)
      encoder_stream_set_size (
          &worker->stream, widths[i / 7 % G_N_ELEMENTS (widths)], 64);
    gst_buffer_unref (encoder_stream_push (
        &worker->stream, worker->seed + i / 2, NULL));
  }
  return NULL;
}

static void
meddle (EncoderStream *stream, guint i)
{
  static const gchar *const embeddings[]
      = { "auto", "none", "class", "class-mean" };
  GstStructure *stats = NULL, *info = NULL;

  gst_util_set_object_arg (G_OBJECT (stream->encoder), "embedding",
      embeddings[i % G_N_ELEMENTS (embeddings)]);
  g_object_set (stream->encoder, "normalize", i % 3 == 0, "features",
      i % 5 > 0, "attention", i % 2 == 0, "top", i % 4, "skip-late", i % 6 == 0,
      "n-threads", 1 + i % 3, NULL);
  g_object_set (stream->embed, "reuse-tokens", i % 4 > 0, "max-tokens",
      i % 7 == 0 ? 9 : 0, "interval", 1 + i % 2, NULL);
  g_object_get (stream->encoder, "stats", &stats, "model-info", &info, NULL);
  g_assert_nonnull (stats);
  gst_structure_free (stats);
  if (info != NULL)
    gst_structure_free (info);
}

/* As they are at first. */
static void
restore (EncoderStream *stream)
{
  gst_util_set_object_arg (G_OBJECT (stream->encoder), "embedding", "auto");
  g_object_set (stream->encoder, "normalize", FALSE, "features", TRUE,
      "attention", FALSE, "top", 0, "skip-late", FALSE, NULL);
  g_object_set (
      stream->embed, "reuse-tokens", TRUE, "max-tokens", 0, "interval", 1, NULL);
}

static void
run_both (Worker *workers)
{
  GThread *threads[N_STREAMS];
  guint i;

  for (i = 0; i < N_STREAMS; i++)
    threads[i] = g_thread_new ("stream", push_frames, &workers[i]);
  for (guint n = 0; n < 400; n++) {
    meddle (&workers[n % N_STREAMS].stream, n / N_STREAMS);
    g_usleep (500);
  }
  for (i = 0; i < N_STREAMS; i++)
    g_thread_join (threads[i]);
}

static void
test_two_at_once (void)
{
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  Worker workers[N_STREAMS];

  for (guint i = 0; i < N_STREAMS; i++) {
    workers[i].seed = 1000 * i;
    encoder_stream_init (
        &workers[i].stream, "n-threads=2 reuse-tokens=true", "n-threads=2");
  }
  for (guint round = 0; round < 2; round++) {
    run_both (workers);
    for (guint i = 0; i < N_STREAMS; i++) {
      EncoderStream *stream = &workers[i].stream;
      GstBuffer *frame;

      restore (stream);
      encoder_stream_set_size (stream, 96, 64);
      frame = encoder_stream_push (stream, 77 + i, NULL);
      encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
      gst_buffer_unref (frame);
      /* Of one of them alone, while the other holds the model. */
      if (i == 0) {
        gst_element_set_state (stream->encoder, GST_STATE_READY);
        gst_element_set_state (stream->encoder, GST_STATE_PLAYING);
      }
    }
  }
  for (guint i = 0; i < N_STREAMS; i++)
    encoder_stream_clear (&workers[i].stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vitencoder/pipelines/two-at-once", test_two_at_once);
  return g_test_run ();
}
