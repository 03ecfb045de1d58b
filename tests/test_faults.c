/* SPDX-License-Identifier: MIT
 *
 * What may fail while a pipeline runs, each brought about on purpose: files that
 * change under it, neighbours that misbehave, threads and memory that are not
 * to be had.  Either the frame comes through with right tokens, or there is an
 * error that says why, and the stream can go on after it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "frames.h"
#include "gstvittokensmeta.h"
#include "weights.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER 1
#endif
#endif

#define SMALL "vitpatchembed embed-dim=24 precision=f32 "

/* A harness with a bus to read the element's messages from. */
typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  VitModel *model; /* for the definition of its tokens */
} Stream;

static void
stream_set_caps (Stream *stream, const gchar *format, gint width, gint height)
{
  GstCaps *caps = frames_caps (format, width, height, NULL);

  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
}

static void
stream_init (Stream *stream, const gchar *launch)
{
  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  stream->model = vit_model_new_builtin (16, 24, NULL);
  stream_set_caps (stream, "I420", 64, 48);
}

static void
stream_clear (Stream *stream)
{
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_harness_teardown (stream->harness);
  vit_model_unref (stream->model);
}

/* The text of the one message of this type, or NULL. */
static gchar *
stream_message (Stream *stream, GstMessageType type)
{
  GstMessage *message = gst_bus_pop_filtered (stream->bus, type);
  GError *error = NULL;
  gchar *text;

  if (message == NULL)
    return NULL;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  return text;
}

/* The next frame comes through with the tokens of the definition. */
static void
stream_check (Stream *stream, guint32 seed)
{
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstBuffer *frame = gst_harness_push_and_pull (
      stream->harness, frames_random (&stream->info, seed, seed % 2));
  guint n_tokens;
  gdouble *expected;
  gfloat *found;

  g_assert_nonnull (frame);
  expected = frames_define_tokens (
      frame, &stream->info, stream->model, &settings, &n_tokens);
  found = frames_get_tokens (frame, n_tokens * 24);
  g_assert_cmpfloat (
      frames_worst_error (found, expected, n_tokens * 24), <=, 2e-5);
  g_free (found);
  g_free (expected);
  gst_buffer_unref (frame);
}

/* -------------------------------------------------------- the model's file */

static gchar *folder, *model_path;

static void
write_model (gfloat first_weight)
{
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.proj.weight", 4, 24, 3, 16, 16);
  weights_add (weights, "patch_embed.proj.bias", 1, 24);
  weights_add (weights, "cls_token", 3, 1, 1, 24);
  weights_add (weights, "mask_token", 2, 1, 24);
  weights_add (weights, "pos_embed", 3, 1, 10, 24);
  weights_set (weights, "patch_embed.proj.weight", 0, first_weight);
  weights_write (weights, model_path);
  weights_free (weights);
}

static Stream
start_with_file (void)
{
  gchar *launch = g_strdup_printf (
      "vitpatchembed precision=f32 model=\"%s\"", model_path);
  Stream stream;

  stream_init (&stream, launch);
  g_free (launch);
  return stream;
}

/* The first patch's first value, which the first weight decides about. */
static gfloat
first_value (Stream *stream)
{
  GstBuffer *frame = gst_harness_push_and_pull (
      stream->harness, frames_random (&stream->info, 1, FALSE));
  gfloat *tokens, value;

  g_assert_nonnull (frame);
  tokens = frames_get_tokens (frame, (1 + 4 * 3) * 24);
  value = tokens[24];
  g_free (tokens);
  gst_buffer_unref (frame);
  return value;
}

static void
test_a_replaced_model_counts_from_the_next_start (void)
{
  Stream old, new;
  gfloat before, after;

  write_model (0.5f);
  old = start_with_file ();
  before = first_value (&old);
  write_model (64.0f);
  g_assert_cmpfloat (first_value (&old), ==, before);
  new = start_with_file ();
  after = first_value (&new);
  g_assert_cmpfloat (after, !=, before);
  g_assert_cmpfloat (first_value (&old), ==, before);

  gst_element_set_state (old.element, GST_STATE_NULL);
  gst_element_set_state (old.element, GST_STATE_PLAYING);
  gst_harness_push_event (
      old.harness, gst_event_new_stream_start ("again"));
  stream_set_caps (&old, "I420", 64, 48);
  g_assert_cmpfloat (first_value (&old), ==, after);
  stream_clear (&old);
  stream_clear (&new);
}

/* A model is read at the start and only then. */
static void
test_a_truncated_model_fails_the_next_start_alone (void)
{
  Stream stream;
  gfloat before;
  gchar *text;

  write_model (0.5f);
  stream = start_with_file ();
  before = first_value (&stream);
  g_assert_cmpint (truncate (model_path, 3000), ==, 0);
  g_assert_cmpfloat (first_value (&stream), ==, before);

  gst_element_set_state (stream.element, GST_STATE_NULL);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  text = stream_message (&stream, GST_MESSAGE_ERROR);
  g_assert_true (text != NULL && strstr (text, model_path) == text);
  g_free (text);
  gst_element_set_state (stream.element, GST_STATE_NULL);

  g_unlink (model_path);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  text = stream_message (&stream, GST_MESSAGE_ERROR);
  g_assert_true (text != NULL && strstr (text, model_path) == text);
  g_free (text);
  gst_element_set_state (stream.element, GST_STATE_NULL);

  write_model (0.5f);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_SUCCESS);
  stream_clear (&stream);
}

static void
test_infinite_weights_fail_the_start (void)
{
  static const gfloat values[] = { G_MAXFLOAT * 2, -G_MAXFLOAT * 2,
    G_MAXFLOAT * 2 - G_MAXFLOAT * 2 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

    gst_object_ref_sink (element);
    write_model (values[i]);
    g_object_set (element, "model", model_path, NULL);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
}

/* -------------------------------------------------------------- neighbours */

typedef struct {
  GstAllocator parent;
} UnreadableAllocator;

typedef struct {
  GstAllocatorClass parent;
} UnreadableAllocatorClass;

GType unreadable_allocator_get_type (void);
G_DEFINE_TYPE (
    UnreadableAllocator, unreadable_allocator, GST_TYPE_ALLOCATOR);

static GstMemory *
unreadable_alloc (
    GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstMemory *memory = g_new0 (GstMemory, 1);

  gst_memory_init (memory, (GstMemoryFlags) 0, allocator, NULL, size, 0, 0,
      size);
  return memory;
}

static void
unreadable_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static gpointer
unreadable_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  return NULL;
}

static void
unreadable_allocator_class_init (UnreadableAllocatorClass *klass)
{
  klass->parent.alloc = unreadable_alloc;
  klass->parent.free = unreadable_free;
}

static void
unreadable_allocator_init (UnreadableAllocator *self)
{
  GST_ALLOCATOR (self)->mem_map = unreadable_map;
}

/* Memory of a device that was lost, say. */
static void
test_a_buffer_that_cannot_be_mapped_is_an_error (void)
{
  GstAllocator *allocator
      = g_object_new (unreadable_allocator_get_type (), NULL);
  Stream stream;
  gchar *text;

  gst_object_ref_sink (allocator);
  stream_init (&stream, SMALL);
  stream_check (&stream, 1);
  for (guint with_meta = 0; with_meta < 2; with_meta++) {
    GstBuffer *buffer = gst_buffer_new ();

    gst_buffer_append_memory (buffer,
        gst_allocator_alloc (allocator, 64 * 48 * 3 / 2, NULL));
    if (with_meta)
      gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
          GST_VIDEO_FORMAT_I420, 64, 48);
    g_assert_cmpint (
        gst_harness_push (stream.harness, buffer), ==, GST_FLOW_ERROR);
    text = stream_message (&stream, GST_MESSAGE_ERROR);
    g_assert_true (text != NULL && strstr (text, "cannot be read"));
    g_free (text);
  }
  stream_check (&stream, 2);
  stream_clear (&stream);
  gst_object_unref (allocator);
}

static GstPadProbeReturn
return_flow (GstPad *pad, GstPadProbeInfo *probe, gpointer flow)
{
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (probe));
  GST_PAD_PROBE_INFO_DATA (probe) = NULL;
  GST_PAD_PROBE_INFO_FLOW_RETURN (probe)
      = (GstFlowReturn) GPOINTER_TO_INT (flow);
  return GST_PAD_PROBE_HANDLED;
}

/* Neither is an error: it is upstream's to stop. */
static void
test_what_downstream_returns_goes_upstream (void)
{
  static const GstFlowReturn flows[] = { GST_FLOW_FLUSHING, GST_FLOW_EOS,
    GST_FLOW_NOT_LINKED, GST_FLOW_ERROR };
  Stream stream;
  GstPad *pad;

  stream_init (&stream, SMALL);
  pad = gst_element_get_static_pad (stream.element, "src");
  for (guint i = 0; i < G_N_ELEMENTS (flows); i++) {
    gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER,
        return_flow, GINT_TO_POINTER (flows[i]), NULL);

    for (guint k = 0; k < 2; k++)
      g_assert_cmpint (gst_harness_push (stream.harness,
                           frames_random (&stream.info, k, FALSE)),
          ==, flows[i]);
    gst_pad_remove_probe (pad, probe);
    g_assert_null (stream_message (&stream, GST_MESSAGE_ERROR));
    stream_check (&stream, 10 + i);
  }
  gst_object_unref (pad);
  stream_clear (&stream);
}

static void
test_a_flush_in_the_middle_of_the_stream (void)
{
  Stream stream;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  stream_init (&stream, SMALL);
  for (guint i = 0; i < 4; i++) {
    stream_check (&stream, i);
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_flush_start ()));
    g_assert_cmpint (gst_harness_push (stream.harness,
                         frames_random (&stream.info, i, FALSE)),
        ==, GST_FLOW_FLUSHING);
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_flush_stop (TRUE)));
    g_assert_true (gst_harness_push_event (
        stream.harness, gst_event_new_segment (&segment)));
  }
  stream_check (&stream, 9);
  g_assert_null (stream_message (&stream, GST_MESSAGE_ERROR));
  stream_clear (&stream);
}

static void
test_caps_that_change_on_every_frame (void)
{
  static const gchar *const formats[] = { "I420", "RGB", "NV12", "GRAY8",
    "YUY2", "P010_10LE", "BGRA", "Y42B" };
  Stream stream;

  stream_init (&stream, SMALL);
  for (guint i = 0; i < 120; i++) {
    stream_set_caps (&stream, formats[i % G_N_ELEMENTS (formats)],
        (gint) (16 + i * 7 % 60), (gint) (16 + i * 5 % 44));
    stream_check (&stream, i);
  }
  g_assert_cmpuint (gst_harness_buffers_received (stream.harness), ==, 120);
  stream_clear (&stream);
}

/* The largest that caps can name, of which no buffer is ever made. */
static void
test_caps_of_frames_past_all_sense_are_refused (void)
{
  static const gint sizes[][2] = { { G_MAXINT, G_MAXINT }, { G_MAXINT, 16 },
    { 16, G_MAXINT }, { 0x10000, 0x10000 }, { 0x7fff0000, 0x7fff0000 },
    { 32768, 32767 } };
  static const gchar *const formats[] = { "GRAY8", "I420", "RGBA", "P010_10LE" };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      GstCaps *caps
          = frames_caps (formats[f], sizes[i][0], sizes[i][1], NULL);
      GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
      GstFlowReturn flow;
      Stream stream;

      stream_init (&stream, "vitpatchembed embed-dim=768");
      gst_harness_push_event (stream.harness, gst_event_new_caps (caps));
      gst_caps_unref (caps);
      flow = gst_harness_push (stream.harness, buffer);
      g_assert_true (
          flow == GST_FLOW_NOT_NEGOTIATED || flow == GST_FLOW_ERROR);
      stream_clear (&stream);
    }
}

/* ------------------------------------------------------------- the machine */

/* Runs a pipeline that must fail, and soon; the error's text. */
static gchar *
error_of_pipeline (const gchar *launch)
{
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GError *error = NULL;
  gchar *text;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return text;
}

/* 154 KB of tokens a frame, as the examples write them. */
#define TO_NPY \
  "videotestsrc num-buffers=200 ! video/x-raw,width=320,height=240 ! " \
  "vitpatchembed embed-dim=128 ! vittokenenc ! application/x-npy ! "

static void
test_a_full_disk_ends_the_pipeline (void)
{
  gchar *text = error_of_pipeline (TO_NPY "filesink location=/dev/full");

  g_assert_true (strstr (text, "/dev/full") || strstr (text, "space"));
  g_free (text);
}

static void
test_files_that_cannot_grow_end_the_pipeline (void)
{
  const struct rlimit limit = { 20000, 20000 };
  gchar *launch, *text, *path;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  launch = g_strdup_printf (
      TO_NPY "multifilesink location=\"%s/%%05d.npy\"", folder);
  text = error_of_pipeline (launch);
  g_assert_cmpstr (text, !=, "");
  path = g_build_filename (folder, "00000.npy", NULL);
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (text);
  g_free (launch);
}

#ifndef SANITIZER
static gint threads_fail;

/* Every thread of this program starts here. */
int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes,
    void *(*function) (void *), void *data)
{
  int (*real) (pthread_t *, const pthread_attr_t *, void *(*) (void *), void *)
      = (__typeof__ (real)) dlsym (RTLD_NEXT, "pthread_create");

  if (g_atomic_int_get (&threads_fail))
    return EAGAIN;
  return real (thread, attributes, function, data);
}
#endif

static void
test_without_threads_one_does_it_all (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer starts threads its own way");
#else
  Stream stream;
  gint64 start;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  g_atomic_int_set (&threads_fail, 1);
  stream_init (&stream, SMALL "n-threads=4");
  stream_set_caps (&stream, "I420", 640, 480);
  for (guint i = 0; i < 5; i++)
    stream_check (&stream, i);
  start = g_get_monotonic_time ();
  stream_clear (&stream);
  g_assert_cmpint (
      g_get_monotonic_time () - start, <, 10 * G_TIME_SPAN_SECOND);
#endif
}

int
main (int argc, char **argv)
{
  int failed;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-faults-XXXXXX", NULL);
  model_path = g_build_filename (folder, "model.safetensors", NULL);

  g_test_add_func ("/faults/a-replaced-model-counts-from-the-next-start",
      test_a_replaced_model_counts_from_the_next_start);
  g_test_add_func ("/faults/a-truncated-model-fails-the-next-start-alone",
      test_a_truncated_model_fails_the_next_start_alone);
  g_test_add_func ("/faults/infinite-weights-fail-the-start",
      test_infinite_weights_fail_the_start);
  g_test_add_func ("/faults/a-buffer-that-cannot-be-mapped-is-an-error",
      test_a_buffer_that_cannot_be_mapped_is_an_error);
  g_test_add_func ("/faults/what-downstream-returns-goes-upstream",
      test_what_downstream_returns_goes_upstream);
  g_test_add_func ("/faults/a-flush-in-the-middle-of-the-stream",
      test_a_flush_in_the_middle_of_the_stream);
  g_test_add_func ("/faults/caps-that-change-on-every-frame",
      test_caps_that_change_on_every_frame);
  g_test_add_func ("/faults/caps-of-frames-past-all-sense-are-refused",
      test_caps_of_frames_past_all_sense_are_refused);
  g_test_add_func ("/faults/without-threads-one-does-it-all",
      test_without_threads_one_does_it_all);
  g_test_add_func ("/faults/a-full-disk-ends-the-pipeline",
      test_a_full_disk_ends_the_pipeline);
  g_test_add_func ("/faults/files-that-cannot-grow-end-the-pipeline",
      test_files_that_cannot_grow_end_the_pipeline);
  failed = g_test_run ();
  g_unlink (model_path);
  g_rmdir (folder);
  g_free (model_path);
  g_free (folder);
  return failed;
}
