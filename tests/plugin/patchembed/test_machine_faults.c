/* SPDX-License-Identifier: MIT
 *
 * A machine that has no more room on its disk and starts no more threads: the
 * pipeline ends with an error that says so, or does without.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "support/fault_stream.h"
#include "support/sanitizer.h"

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
  gchar *launch, *text, *path, *folder;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  folder = g_dir_make_tmp ("vit-faults-XXXXXX", NULL);
  launch = g_strdup_printf (
      TO_NPY "multifilesink location=\"%s/%%05d.npy\"", folder);
  text = error_of_pipeline (launch);
  g_assert_cmpstr (text, !=, "");
  path = g_build_filename (folder, "00000.npy", NULL);
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
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
  FaultStream stream;
  gint64 start;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  g_atomic_int_set (&threads_fail, 1);
  fault_stream_init (&stream, SMALL_ELEMENT "n-threads=4");
  fault_stream_set_caps (&stream, "I420", 640, 480);
  for (guint i = 0; i < 5; i++)
    fault_stream_check (&stream, i);
  start = g_get_monotonic_time ();
  fault_stream_clear (&stream);
  g_assert_cmpint (
      g_get_monotonic_time () - start, <, 10 * G_TIME_SPAN_SECOND);
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/machine-faults/without-threads-one-does-it-all",
      test_without_threads_one_does_it_all);
  g_test_add_func ("/machine-faults/a-full-disk-ends-the-pipeline",
      test_a_full_disk_ends_the_pipeline);
  g_test_add_func ("/machine-faults/files-that-cannot-grow-end-the-pipeline",
      test_files_that_cannot_grow_end_the_pipeline);
  return g_test_run ();
}
