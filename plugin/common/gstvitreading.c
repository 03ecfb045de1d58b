/* SPDX-License-Identifier: MIT */
#include "common/gstvitreading.h"

typedef struct {
  GstVitReading reading;
  gpointer key;
  guint n_references; /* under `lock` */
  GstBuffer *buffer;
  GstMapInfo map;
} Mapped;

static GMutex lock;
static GHashTable *all; /* of Mapped, by key; under `lock` */

/* What is mapped: the buffer's only memory, which other buffers may hold too, or
 * a copy that GStreamer makes of several. */
static gpointer
key_of (GstBuffer *buffer)
{
  return gst_buffer_n_memory (buffer) == 1
             ? (gpointer) gst_buffer_peek_memory (buffer, 0)
             : (gpointer) buffer;
}

/* (transfer full) (nullable) */
static Mapped *
find (gpointer key)
{
  Mapped *mapped;

  if (!all)
    all = g_hash_table_new (NULL, NULL);
  mapped = g_hash_table_lookup (all, key);
  if (mapped)
    mapped->n_references++;
  return mapped;
}

/* (transfer full) (nullable) */
static Mapped *
map_buffer (GstBuffer *buffer, gpointer key)
{
  Mapped *mapped = g_new0 (Mapped, 1);

  if (!gst_buffer_map (buffer, &mapped->map, GST_MAP_READ)) {
    g_free (mapped);
    return NULL;
  }
  mapped->reading.data = mapped->map.data;
  mapped->reading.size = mapped->map.size;
  mapped->key = key;
  mapped->n_references = 1;
  mapped->buffer = gst_buffer_ref (buffer);
  return mapped;
}

static void
unmap (Mapped *mapped)
{
  gst_buffer_unmap (mapped->buffer, &mapped->map);
  gst_buffer_unref (mapped->buffer);
  g_free (mapped);
}

/* Maps with the lock open, as an allocator may do there what it likes, so that
 * another thread may have been faster. */
GstVitReading *
gst_vit_reading_new (GstBuffer *buffer)
{
  gpointer key = key_of (buffer);
  Mapped *mapped, *other;

  g_mutex_lock (&lock);
  mapped = find (key);
  g_mutex_unlock (&lock);
  if (mapped)
    return &mapped->reading;

  mapped = map_buffer (buffer, key);
  if (!mapped)
    return NULL;
  g_mutex_lock (&lock);
  other = find (key);
  if (!other)
    g_hash_table_insert (all, key, mapped);
  g_mutex_unlock (&lock);
  if (!other)
    return &mapped->reading;
  unmap (mapped);
  return &other->reading;
}

void
gst_vit_reading_unref (GstVitReading *reading)
{
  Mapped *mapped = (Mapped *) reading;
  gboolean is_last;

  g_mutex_lock (&lock);
  is_last = --mapped->n_references == 0;
  if (is_last)
    g_hash_table_remove (all, mapped->key);
  g_mutex_unlock (&lock);
  if (is_last)
    unmap (mapped);
}
