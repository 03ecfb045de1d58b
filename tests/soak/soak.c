/* SPDX-License-Identifier: MIT
 *
 * Months in minutes: elements that share a model take very many small frames
 * whose size or format keeps changing, are started and stopped and seeked again
 * and again, while another thread sets their properties.
 *
 *     soak FRAMES ENCODED CYCLES SEEKS
 *
 * ENCODED frames go through an encoder too, with regions and without and of changing
 * layers, are drawn on, and leave as bytes.
 *
 * Memory must not grow after the first part of each, and sampled frames must
 * have the tokens that an element made for them alone gives.  Prints a line for
 * each; soak.sh runs it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "gst/vit/vit.h"
#include "soak/soak_features.h"
#include "soak/soak_frames.h"
#include "soak/soak_memory.h"
#include "support/weights.h"

#define N_ELEMENTS 4
#define FRAMES_A_FORMAT 50
#define ELEMENT "vitpatchembed n-threads=2 "

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
  GstElement *encoder;
  GstElement *sink;
  GThread *thread;
  gint is_over;
} Pipeline;

/* What changes tokens and features: here nobody compares them. */
static void
meddle_with_features (GstElement *element, guint i)
{
  static const gchar *const layers[] = { "<1,2>", "<2>", "<1>" };

  g_object_set (element, "n-threads", 1 + i % 3, "normalize", i % 2, "attention",
      i % 3 == 0, "skip-late", i % 5 == 0, "top", i % 4, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "layers", layers[i % 3]);
}

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
    meddle_with_features (self->encoder, i);
    g_usleep (500);
  }
  return NULL;
}

static void
pipeline_init (Pipeline *self, const gchar *sink)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc pattern=ball ! video/x-raw,format=I420,width=64,height=48 "
      "! " ENCODER "! queue max-size-buffers=2 ! fakesink name=sink "
      "enable-last-sample=true %s",
      sink);

  memset (self, 0, sizeof *self);
  self->pipeline = gst_parse_launch (launch, NULL);
  self->embed = gst_bin_get_by_name (GST_BIN (self->pipeline), "embed");
  self->encoder = gst_bin_get_by_name (GST_BIN (self->pipeline), "encode");
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
  gst_object_unref (self->encoder);
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

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc != 5) {
    g_printerr ("usage: soak FRAMES ENCODED CYCLES SEEKS\n");
    return 2;
  }
  make_model ();
  make_frames ();
  soak_frames ((guint) atoi (argv[1]));
  soak_features ((guint) atoi (argv[2]));
  soak_cycles ((guint) atoi (argv[3]));
  soak_seeks ((guint) atoi (argv[4]));
  free_frames ();
  g_unlink (model_path);
  g_free (model_path);
  gst_deinit ();
  return 0;
}
