/* SPDX-License-Identifier: MIT
 *
 * Readings of buffers: as many as anyone wants of the same bytes, from any
 * thread, and the memory is free again after the last.
 */
#include <gst/gst.h>
#include <string.h>

#include "common/gstvitreading.h"

#define MANY 1000 /* GStreamer itself counts to 255 */

/* (transfer full): the bytes 0 to 9, in one memory or in two. */
static GstBuffer *
new_buffer (guint n_memories)
{
  static const guint8 bytes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
  gsize n = sizeof bytes / n_memories;
  GstBuffer *buffer = gst_buffer_new ();

  for (guint i = 0; i < n_memories; i++) {
    GstMemory *memory = gst_allocator_alloc (NULL, n, NULL);
    GstMapInfo map;

    gst_memory_map (memory, &map, GST_MAP_WRITE);
    memcpy (map.data, bytes + i * n, n);
    gst_memory_unmap (memory, &map);
    gst_buffer_append_memory (buffer, memory);
  }
  return buffer;
}

static void
check_bytes (const GstVitReading *reading)
{
  g_assert_nonnull (reading);
  g_assert_cmpuint (reading->size, ==, 10);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (reading->data[i], ==, i);
}

/* Nothing has it mapped. */
static void
check_free (GstBuffer *buffer)
{
  GstMapInfo map;

  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), ==, 1);
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  gst_buffer_unmap (buffer, &map);
}

static void
test_a_buffer_has_many_readings (void)
{
  for (guint n_memories = 1; n_memories <= 2; n_memories++) {
    GstBuffer *buffer = new_buffer (n_memories);
    GstVitReading *readings[MANY];

    for (guint i = 0; i < MANY; i++)
      readings[i] = gst_vit_reading_new (buffer);
    for (guint i = 0; i < MANY; i++) {
      check_bytes (readings[i]);
      gst_vit_reading_unref (readings[i]);
    }
    check_free (buffer);
    gst_buffer_unref (buffer);
  }
}

static void
test_buffers_of_one_memory_have_many_readings (void)
{
  GstBuffer *first = new_buffer (1);
  GstVitReading *readings[MANY];

  for (guint i = 0; i < MANY; i++) {
    GstBuffer *other = gst_buffer_new ();

    gst_buffer_append_memory (other, gst_buffer_get_memory (first, 0));
    readings[i] = gst_vit_reading_new (other);
    gst_buffer_unref (other);
  }
  for (guint i = 0; i < MANY; i++) {
    check_bytes (readings[i]);
    gst_vit_reading_unref (readings[i]);
  }
  check_free (first);
  gst_buffer_unref (first);
}

static gpointer
read_often (gpointer buffer)
{
  for (guint i = 0; i < 20000; i++) {
    GstVitReading *reading = gst_vit_reading_new (buffer);

    check_bytes (reading);
    gst_vit_reading_unref (reading);
  }
  return NULL;
}

static void
test_threads_read_the_same_buffer (void)
{
  GstBuffer *buffer = new_buffer (1);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("read", read_often, buffer);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  check_free (buffer);
  gst_buffer_unref (buffer);
}

static void
test_an_empty_buffer_is_read (void)
{
  GstBuffer *buffer = gst_buffer_new ();
  GstVitReading *reading = gst_vit_reading_new (buffer);

  g_assert_nonnull (reading);
  g_assert_cmpuint (reading->size, ==, 0);
  gst_vit_reading_unref (reading);
  gst_buffer_unref (buffer);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func (
      "/reading/a-buffer-has-many-readings", test_a_buffer_has_many_readings);
  g_test_add_func ("/reading/buffers-of-one-memory-have-many-readings",
      test_buffers_of_one_memory_have_many_readings);
  g_test_add_func ("/reading/threads-read-the-same-buffer",
      test_threads_read_the_same_buffer);
  g_test_add_func (
      "/reading/an-empty-buffer-is-read", test_an_empty_buffer_is_read);
  return g_test_run ();
}
