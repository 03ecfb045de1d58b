/* SPDX-License-Identifier: MIT
 *
 * Months in minutes: elements that share a model take very many small frames
 * whose size or format keeps changing, are started and stopped and seeked again
 * and again, while another thread sets their properties.
 *
 *     soak FRAMES CYCLES SEEKS
 *
 * A tenth as many go through an encoder too, are drawn on, and leave as bytes.
 *
 * Memory must not grow after the first part of each, and sampled frames must
 * have the tokens that an element made for them alone gives.  Prints a line for
 * each; soak.sh runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "gst/vit/vit.h"
#include "support/frames.h"
#include "support/weights.h"

#define N_ELEMENTS 4
#define FRAMES_A_FORMAT 50
#define FRAMES_A_SAMPLE 499
#define N_FORMATS G_N_ELEMENTS (formats)
#define ELEMENT "vitpatchembed n-threads=2 name=embed "

static const struct {
  const gchar *format;
  gint width;
  gint height;
} formats[] = { { "I420", 64, 48 }, { "I420", 80, 48 }, { "NV12", 80, 48 },
  { "RGB", 80, 48 }, { "RGB", 32, 32 }, { "GRAY8", 98, 16 },
  { "P010_10LE", 56, 56 }, { "BGRA", 33, 71 }, { "YUY2", 64, 48 },
  { "I420", 100, 60 }, { "Y42B", 17, 99 } };

/* What is resident moves up and down with the frames in flight and with the
 * threads that come and go, so that means are compared: of the first and of the
 * last quarter of all samples since memory had settled. */
typedef struct {
  GArray *samples; /* of glong, KiB */
  gsize n_unsettled;
} Memory;

static void
memory_init (Memory *memory)
{
  memory->samples = g_array_new (FALSE, FALSE, sizeof (glong));
  memory->n_unsettled = 0;
}

static void
memory_sample (Memory *memory)
{
  FILE *file = fopen ("/proc/self/statm", "r");
  glong size, pages;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%ld %ld", &size, &pages), ==, 2);
  fclose (file);
  pages *= sysconf (_SC_PAGESIZE) / 1024;
  g_array_append_val (memory->samples, pages);
}

static gdouble
mean_of (const Memory *memory, gsize first, gsize n)
{
  gdouble sum = 0;

  for (gsize i = first; i < first + n; i++)
    sum += (gdouble) g_array_index (memory->samples, glong, i);
  return sum / (gdouble) n;
}

/* Growth of 1 % fails, but not under a tracer, which keeps books of its own. */
static void
memory_report (Memory *memory, const gchar *what, guint n)
{
  gsize n_samples = memory->samples->len;
  gsize quarter = (n_samples - memory->n_unsettled) / 4;
  gdouble before, after;

  g_assert_cmpuint (quarter, >, 0);
  before = mean_of (memory, memory->n_unsettled, quarter);
  after = mean_of (memory, n_samples - quarter, quarter);
  g_print ("%-10s %8u  %7.0f KiB, at the end %7.0f KiB: %+.2f %%\n", what, n,
      before, after, 100.0 * (after - before) / before);
  if (g_getenv ("GST_TRACERS") == NULL)
    g_assert_cmpfloat (after, <=, 1.01 * before);
  g_array_unref (memory->samples);
}

/* A file with an input stage as large as ViT-B/16's, which all share. */
static gchar *model_path;

static void
make_model (void)
{
  GRand *random = g_rand_new_with_seed (1);
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.proj.weight", 4, 768, 3, 16, 16);
  weights_add (weights, "patch_embed.proj.bias", 1, 768);
  weights_add (weights, "cls_token", 3, 1, 1, 768);
  weights_add (weights, "mask_token", 2, 1, 768);
  weights_add (weights, "pos_embed", 3, 1, 197, 768);
  for (gsize i = 0; i < 768 * 768; i++)
    weights_set (weights, "patch_embed.proj.weight", i,
        (gfloat) g_rand_double_range (random, -0.1, 0.1));
  model_path = g_strdup ("/tmp/vit-soak-XXXXXX.safetensors");
  close (g_mkstemp (model_path));
  weights_write (weights, model_path);
  weights_free (weights);
  g_rand_free (random);
}

/* ------------------------------------------------------------------ frames */

/* Three frames a format, made once; the second has a layout of its own, onto which
 * not all can be drawn. */
static GstBuffer *frames[N_FORMATS][3];
static GstCaps *caps[N_FORMATS];

typedef struct {
  guint number;
  guint n_frames;
  gint *n_done; /* atomic: of all elements */
  GstHarness *harness;
  guint n_sampled;
} Worker;

static GstBuffer *
push (GstHarness *harness, guint format, guint frame)
{
  /* The memory is shared, not copied. */
  GstBuffer *out = gst_harness_push_and_pull (
      harness, gst_buffer_copy (frames[format][frame]));

  g_assert_nonnull (out);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (out));
  return out;
}

static GstBuffer *
tokens_of (GstBuffer *frame)
{
  return gst_buffer_get_vit_tokens_meta (frame)->tokens;
}

static GstHarness *
make_harness (void)
{
  gchar *launch = g_strdup_printf (ELEMENT "model=\"%s\"", model_path);
  GstHarness *harness = gst_harness_new_parse (launch);

  g_free (launch);
  return harness;
}

static void
compare_with_fresh (GstBuffer *out, guint format, guint frame)
{
  GstHarness *fresh = make_harness ();
  GstMapInfo found, expected;
  GstBuffer *other;

  gst_harness_set_src_caps (fresh, gst_caps_ref (caps[format]));
  other = push (fresh, format, frame);
  g_assert_true (gst_buffer_map (tokens_of (out), &found, GST_MAP_READ));
  g_assert_true (gst_buffer_map (tokens_of (other), &expected, GST_MAP_READ));
  g_assert_cmpmem (found.data, found.size, expected.data, expected.size);
  gst_buffer_unmap (tokens_of (out), &found);
  gst_buffer_unmap (tokens_of (other), &expected);
  gst_buffer_unref (other);
  gst_harness_teardown (fresh);
}

/* The harness keeps every event until it is asked for. */
static void
drop_events (GstHarness *harness)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness)))
    gst_event_unref (event);
  while ((event = gst_harness_try_pull_upstream_event (harness)))
    gst_event_unref (event);
}

static gpointer
work (gpointer data)
{
  Worker *worker = data;

  for (guint i = 0; i < worker->n_frames; i++) {
    guint format = (i / FRAMES_A_FORMAT + worker->number) % N_FORMATS;
    guint frame = i / 3 % 2;
    GstBuffer *out;

    if (i % FRAMES_A_FORMAT == 0)
      gst_harness_set_src_caps (worker->harness, gst_caps_ref (caps[format]));
    drop_events (worker->harness);
    out = push (worker->harness, format, frame);
    if (i % FRAMES_A_SAMPLE == 0) {
      compare_with_fresh (out, format, frame);
      worker->n_sampled++;
    }
    gst_buffer_unref (out);
    g_atomic_int_inc (worker->n_done);
  }
  return NULL;
}

/* What takes effect at the next start, and what only looks. */
static void
meddle (GstElement *element, guint i)
{
  GstStructure *stats = NULL;

  g_object_set (element, "n-threads", 1 + i % 3, "reuse-tokens", i % 2,
      "patch-size", 8 + i % 8, NULL);
  g_object_get (element, "stats", &stats, NULL);
  g_assert_nonnull (stats);
  gst_structure_free (stats);
}

/* All elements at once; how many frames were sampled. */
static guint
run_workers (
    Worker *workers, GstElement **elements, guint n_frames, Memory *memory)
{
  GThread *threads[N_ELEMENTS];
  guint n_sampled = 0;
  gint n_done = 0;

  for (guint i = 0; i < N_ELEMENTS; i++) {
    workers[i].n_frames = n_frames / N_ELEMENTS;
    workers[i].n_done = &n_done;
    workers[i].n_sampled = 0;
    threads[i] = g_thread_new ("worker", work, &workers[i]);
  }
  for (guint i = 0; (guint) g_atomic_int_get (&n_done)
                    < n_frames / N_ELEMENTS * N_ELEMENTS;
       i++) {
    meddle (elements[i % N_ELEMENTS], i);
    memory_sample (memory);
    g_usleep (1000);
  }
  for (guint i = 0; i < N_ELEMENTS; i++) {
    g_thread_join (threads[i]);
    n_sampled += workers[i].n_sampled;
  }
  return n_sampled;
}

static void
soak_frames (guint n_frames)
{
  Worker workers[N_ELEMENTS] = { { 0 } };
  GstElement *elements[N_ELEMENTS];
  guint settled = MIN (n_frames / 2, 5000), n_sampled;
  Memory memory;

  memory_init (&memory);
  for (guint i = 0; i < N_ELEMENTS; i++) {
    workers[i].number = i;
    workers[i].harness = make_harness ();
    elements[i]
        = gst_harness_find_element (workers[i].harness, "vitpatchembed");
  }
  n_sampled = run_workers (workers, elements, settled, &memory);
  memory.n_unsettled = memory.samples->len;
  n_sampled += run_workers (workers, elements, n_frames - settled, &memory);
  memory_report (&memory, "frames", n_frames);
  g_print ("%-10s %8u  as by an element of their own\n", "sampled", n_sampled);
  for (guint i = 0; i < N_ELEMENTS; i++) {
    gst_object_unref (elements[i]);
    gst_harness_teardown (workers[i].harness);
  }
}

/* ---------------------------------------------------------------- features */

/* What is made of a frame's tokens, and what is made of that. */
static void
check_features (GstBuffer *frame)
{
  g_assert_cmpuint (
      gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE), ==, 3);
  g_assert_cmpuint (
      gst_buffer_get_vit_tokens_meta_deepest (frame)->n_blocks, ==, 2);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta_at (frame, 1));
  g_assert_nonnull (gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_EMBEDDING));
  g_assert_nonnull (
      gst_buffer_get_vit_embedding_meta (frame, GST_VIT_EMBEDDING_KIND_LOGITS));
}

static GstHarness *
make_writer (guint content)
{
  GstHarness *writer = gst_harness_new ("vittokenenc");

  g_object_set (writer->element, "content", content, NULL);
  gst_harness_set_sink_caps_str (writer, "application/x-safetensors");
  return writer;
}

static void
soak_features (guint n_frames)
{
  static const guint n_written[] = { 1, 1, 2, 1, 1 }; /* of each content */
  GstHarness *encode = gst_harness_new_parse (
      "vitpatchembed model=\"" TEST_DATA_DIR "/features/hf-vit-classifier\" "
      "! vitencoder layers=\"<1,2>\" ! vittokenoverlay");
  GstHarness *writers[G_N_ELEMENTS (n_written)];
  Memory memory;

  memory_init (&memory);
  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    writers[i] = make_writer (i);
  for (guint i = 0; i < n_frames; i++) {
    guint format = i / FRAMES_A_FORMAT % N_FORMATS;
    guint content = i % G_N_ELEMENTS (writers);
    GstBuffer *out;

    if (i == MIN (n_frames / 2, 2 * FRAMES_A_FORMAT * N_FORMATS))
      memory.n_unsettled = memory.samples->len;
    if (i % FRAMES_A_FORMAT == 0) {
      gst_harness_set_src_caps (encode, gst_caps_ref (caps[format]));
      for (guint j = 0; j < G_N_ELEMENTS (writers); j++)
        gst_harness_set_src_caps (writers[j], gst_caps_ref (caps[format]));
    }
    drop_events (encode);
    drop_events (writers[content]);
    out = push (encode, format, i / 3 % 2 * 2);
    check_features (out);
    g_assert_cmpint (
        gst_harness_push (writers[content], out), ==, GST_FLOW_OK);
    for (guint n = 0; n < n_written[content]; n++)
      gst_buffer_unref (gst_harness_pull (writers[content]));
    memory_sample (&memory);
  }
  memory_report (&memory, "features", n_frames);
  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    gst_harness_teardown (writers[i]);
  gst_harness_teardown (encode);
}

/* --------------------------------------------------------- cycles and seeks */

/* By then each setting was met at least once: what is made for one of them and
 * then kept, such as code of ORC's, counts as settled. */
static guint
settled_after (guint n)
{
  return MIN (MAX (n / 10, 50), n / 2);
}

typedef struct {
  GstElement *pipeline;
  GstElement *embed;
  GstElement *sink;
  GThread *thread;
  gint is_over;
} Pipeline;

/* What changes tokens: here nobody compares them. */
static void
meddle_with_tokens (GstElement *element, guint i)
{
  g_object_set (element, "max-tokens", i % 3 * 5, "reuse-tolerance", i % 4,
      "skip-late", i % 5 == 0, NULL);
}

static gpointer
meddle_all_the_while (gpointer data)
{
  Pipeline *self = data;

  for (guint i = 0; !g_atomic_int_get (&self->is_over); i++) {
    meddle (self->embed, i);
    meddle_with_tokens (self->embed, i);
    g_usleep (500);
  }
  return NULL;
}

static void
pipeline_init (Pipeline *self, const gchar *sink)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc pattern=ball ! video/x-raw,format=I420,width=64,height=48 "
      "! " ELEMENT "model=\"%s\" ! queue max-size-buffers=2 ! fakesink name=sink "
      "enable-last-sample=true %s",
      model_path, sink);

  memset (self, 0, sizeof *self);
  self->pipeline = gst_parse_launch (launch, NULL);
  self->embed = gst_bin_get_by_name (GST_BIN (self->pipeline), "embed");
  self->sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  self->thread = g_thread_new ("meddler", meddle_all_the_while, self);
  g_free (launch);
}

static void
pipeline_clear (Pipeline *self)
{
  g_atomic_int_set (&self->is_over, 1);
  g_thread_join (self->thread);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->embed);
  gst_object_unref (self->sink);
  gst_object_unref (self->pipeline);
}

static void
pipeline_reach (Pipeline *self, GstState state)
{
  g_assert_cmpint (gst_element_set_state (self->pipeline, state), !=,
      GST_STATE_CHANGE_FAILURE);
  g_assert_cmpint (gst_element_get_state (self->pipeline, NULL, NULL,
                       20 * GST_SECOND),
      ==, GST_STATE_CHANGE_SUCCESS);
}

/* The frame that the sink has; it must have tokens. */
static GstClockTime
pipeline_time (Pipeline *self)
{
  GstSample *sample = NULL;
  GstClockTime time;

  g_object_get (self->sink, "last-sample", &sample, NULL);
  g_assert_nonnull (sample);
  g_assert_nonnull (
      gst_buffer_get_vit_tokens_meta (gst_sample_get_buffer (sample)));
  time = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  gst_sample_unref (sample);
  return time;
}

static void
soak_cycles (guint n_cycles)
{
  Pipeline pipeline;
  Memory memory;

  memory_init (&memory);
  pipeline_init (&pipeline, "sync=false");
  for (guint i = 0; i < n_cycles; i++) {
    if (i == settled_after (n_cycles))
      memory.n_unsettled = memory.samples->len;
    pipeline_reach (&pipeline, GST_STATE_PLAYING);
    pipeline_time (&pipeline);
    pipeline_reach (&pipeline, GST_STATE_NULL);
    memory_sample (&memory);
  }
  memory_report (&memory, "cycles", n_cycles);
  pipeline_clear (&pipeline);
}

/* The bus keeps every message until it is asked for; none may be an error. */
static void
drop_messages (Pipeline *self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);
  GstMessage *message;

  while ((message = gst_bus_pop (bus))) {
    g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
    gst_message_unref (message);
  }
  gst_object_unref (bus);
}

static void
soak_seeks (guint n_seeks)
{
  Pipeline pipeline;
  Memory memory;

  memory_init (&memory);
  pipeline_init (&pipeline, "sync=true");
  pipeline_reach (&pipeline, GST_STATE_PAUSED);
  for (guint i = 0; i < n_seeks; i++) {
    GstClockTime target = (i * 7919 % 1000) * GST_SECOND;

    if (i == settled_after (n_seeks))
      memory.n_unsettled = memory.samples->len;
    g_assert_true (gst_element_seek_simple (pipeline.pipeline,
        GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
        (gint64) target));
    g_assert_cmpint (gst_element_get_state (pipeline.pipeline, NULL, NULL,
                         20 * GST_SECOND),
        ==, GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint (
        ABS (GST_CLOCK_DIFF (target, pipeline_time (&pipeline))), <=,
        40 * GST_MSECOND);
    drop_messages (&pipeline);
    memory_sample (&memory);
  }
  memory_report (&memory, "seeks", n_seeks);
  pipeline_clear (&pipeline);
}

static void
make_frames (void)
{
  for (guint i = 0; i < N_FORMATS; i++) {
    GstVideoInfo info;

    caps[i] = frames_caps (
        formats[i].format, formats[i].width, formats[i].height, NULL);
    g_assert_true (gst_video_info_from_caps (&info, caps[i]));
    frames[i][0] = frames_calm (&info, i, FALSE);
    frames[i][1] = frames_random (&info, i, TRUE);
    frames[i][2] = frames_random (&info, i, FALSE);
  }
}

static void
free_frames (void)
{
  for (guint i = 0; i < N_FORMATS; i++) {
    gst_caps_unref (caps[i]);
    for (guint j = 0; j < G_N_ELEMENTS (frames[i]); j++)
      gst_buffer_unref (frames[i][j]);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc != 4) {
    g_printerr ("usage: soak FRAMES CYCLES SEEKS\n");
    return 2;
  }
  make_model ();
  make_frames ();
  soak_frames ((guint) atoi (argv[1]));
  soak_features ((guint) atoi (argv[1]) / 10);
  soak_cycles ((guint) atoi (argv[2]));
  soak_seeks ((guint) atoi (argv[3]));
  free_frames ();
  g_unlink (model_path);
  g_free (model_path);
  gst_deinit ();
  return 0;
}
