/* SPDX-License-Identifier: MIT
 *
 * The threads of the process: no more than the largest `n-threads` of all
 * elements, whatever their number; and none needed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "support/encoder_stream.h"

#define WIDTH 320
#define HEIGHT 240
#define N_VALUES ((1 + WIDTH / 16 * (HEIGHT / 16)) * 24)

static gint no_more_threads, n_refused; /* atomic */

/* Every thread of this program is started here. */
int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes,
    void *(*start) (void *), void *data)
{
  static int (*create) (pthread_t *, const pthread_attr_t *,
      void *(*) (void *), void *);

  if (g_atomic_int_get (&no_more_threads)) {
    g_atomic_int_inc (&n_refused);
    return EAGAIN;
  }
  if (create == NULL)
    create = dlsym (RTLD_NEXT, "pthread_create");
  return create (thread, attributes, start, data);
}

static guint
count_threads (void)
{
  GDir *tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  g_assert_nonnull (tasks);
  while (g_dir_read_name (tasks) != NULL)
    n++;
  g_dir_close (tasks);
  return n;
}

/* Sixteen branches, each with a streaming thread of its own; the most threads
 * that the process had while they all computed. */
static guint
count_threads_under_load (const gchar *const n_threads[16])
{
  GString *launch = g_string_new (
      "videotestsrc num-buffers=20 pattern=snow ! video/x-raw,format=I420,"
      "width=160,height=120 ! tee name=t");
  GstElement *pipeline;
  GstMessage *message = NULL;
  guint most = 0;
  GstBus *bus;

  for (guint i = 0; i < 16; i++)
    g_string_append_printf (launch,
        " t. ! queue ! vitpatchembed embed-dim=64 n-threads=%s ! fakesink "
        "sync=false async=false",
        n_threads[i]);
  pipeline = gst_parse_launch (launch->str, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (message == NULL) {
    guint n = count_threads ();

    most = MAX (most, n);
    message = gst_bus_timed_pop_filtered (
        bus, GST_MSECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  }
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_string_free (launch, TRUE);
  return most;
}

static void
test_sixteen_elements_share_the_helpers_of_one (void)
{
  const gchar *n_threads[16];
  guint alone, with_two, with_more;

  for (guint i = 0; i < 16; i++)
    n_threads[i] = "1";
  alone = count_threads_under_load (n_threads);
  for (guint i = 0; i < 16; i++)
    n_threads[i] = "2";
  with_two = count_threads_under_load (n_threads);
  n_threads[3] = "4";
  n_threads[9] = "3";
  with_more = count_threads_under_load (n_threads);
  g_test_message ("threads: %u of the pipeline, %u with n-threads=2, %u with "
      "one n-threads=4 and one n-threads=3", alone, with_two, with_more);
  g_assert_cmpuint (alone, >=, 16);
  g_assert_cmpuint (with_two, <=, alone + 1);
  g_assert_cmpuint (with_more, <=, alone + 3);
}

static gfloat *
tokens_of_frames (const gchar *launch)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps ("NV12", WIDTH, HEIGHT, NULL);
  gfloat *tokens = NULL;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 8; i++) {
    GstBuffer *out
        = gst_harness_push_and_pull (harness, frames_random (&info, i, FALSE));

    g_free (tokens);
    tokens = frames_get_tokens (out, N_VALUES);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
  return tokens;
}

/* In a process of its own: threads that are there already would help. */
static void
test_without_a_thread_to_start_all_is_computed (void)
{
  gfloat *expected, *found;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (
        NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  expected = tokens_of_frames ("vitpatchembed embed-dim=24 n-threads=1");
  g_atomic_int_set (&no_more_threads, 1);
  found = tokens_of_frames ("vitpatchembed embed-dim=24 n-threads=4");
  g_assert_cmpint (g_atomic_int_get (&n_refused), >, 0);
  g_assert_cmpmem (found, N_VALUES * sizeof (gfloat), expected,
      N_VALUES * sizeof (gfloat));
  g_free (expected);
  g_free (found);
}

/* What leaves vitencoder for the same frames. */
static GByteArray *
features_of_frames (guint n_threads)
{
  g_autofree gchar *threads = g_strdup_printf ("n-threads=%u", n_threads);
  GByteArray *all = g_byte_array_new ();
  EncoderStream stream;

  encoder_stream_init (&stream, threads, threads);
  encoder_stream_set_size (&stream, WIDTH, HEIGHT);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, i, NULL);
    GstMapInfo map;

    g_assert_true (gst_buffer_map (
        gst_buffer_get_vit_tokens_meta_at (frame, 2)->tokens, &map,
        GST_MAP_READ));
    g_byte_array_append (all, map.data, (guint) map.size);
    gst_buffer_unmap (
        gst_buffer_get_vit_tokens_meta_at (frame, 2)->tokens, &map);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
  return all;
}

static void
test_without_a_thread_to_start_all_is_encoded (void)
{
  GByteArray *expected, *found;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (
        NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  expected = features_of_frames (1);
  g_atomic_int_set (&no_more_threads, 1);
  found = features_of_frames (4);
  g_assert_cmpint (g_atomic_int_get (&n_refused), >, 0);
  g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
  g_byte_array_unref (expected);
  g_byte_array_unref (found);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/workers/sixteen-elements-share-the-helpers-of-one",
      test_sixteen_elements_share_the_helpers_of_one);
  g_test_add_func ("/workers/without-a-thread-to-start-all-is-computed",
      test_without_a_thread_to_start_all_is_computed);
  g_test_add_func ("/workers/without-a-thread-to-start-all-is-encoded",
      test_without_a_thread_to_start_all_is_encoded);
  return g_test_run ();
}
