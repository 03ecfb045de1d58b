/* SPDX-License-Identifier: MIT */
#include "common/gstvitmodelevent.h"

#define NAME "gst-vit-model"
#define FIELD "id"

/* The sources of this process by their id, without a reference. */
static GMutex lock;
static GHashTable *sources; /* of guint64 */

static guint64
make_id (void)
{
  guint64 id = 0;

  while (id == 0 || g_hash_table_contains (sources, &id))
    id = (guint64) g_random_int () << 32 | g_random_int ();
  return id;
}

GstVitModelSource *
gst_vit_model_source_new (const gchar *path, const gchar *prefix)
{
  GstVitModelSource *source = g_new0 (GstVitModelSource, 1);

  source->path = path ? g_canonicalize_filename (path, NULL) : NULL;
  source->prefix = g_strdup (prefix);
  source->n_references = 1;
  g_mutex_lock (&lock);
  if (!sources)
    sources = g_hash_table_new (g_int64_hash, g_int64_equal);
  source->id = make_id ();
  g_hash_table_insert (sources, &source->id, source);
  g_mutex_unlock (&lock);
  return source;
}

GstVitModelSource *
gst_vit_model_source_ref (GstVitModelSource *source)
{
  g_mutex_lock (&lock);
  source->n_references++;
  g_mutex_unlock (&lock);
  return source;
}

void
gst_vit_model_source_unref (GstVitModelSource *source)
{
  gboolean is_last;

  g_mutex_lock (&lock);
  is_last = --source->n_references == 0;
  if (is_last)
    g_hash_table_remove (sources, &source->id);
  if (is_last && g_hash_table_size (sources) == 0)
    g_clear_pointer (&sources, g_hash_table_unref);
  g_mutex_unlock (&lock);
  if (!is_last)
    return;
  g_free (source->path);
  g_free (source->prefix);
  g_free (source);
}

/* (transfer full) (nullable) */
static GstVitModelSource *
find_source (guint64 id)
{
  GstVitModelSource *source;

  g_mutex_lock (&lock);
  source = sources ? g_hash_table_lookup (sources, &id) : NULL;
  if (source)
    source->n_references++;
  g_mutex_unlock (&lock);
  return source;
}

gboolean
gst_vit_model_source_is_equal (
    const GstVitModelSource *a, const GstVitModelSource *b)
{
  return a == b
      || (a && b && g_strcmp0 (a->path, b->path) == 0
          && g_strcmp0 (a->prefix, b->prefix) == 0);
}

GstEvent *
gst_vit_model_event_new (GstVitModelSource *source)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new (NAME, FIELD, G_TYPE_UINT64, source->id, NULL));
}

gboolean
gst_vit_model_event_is (GstEvent *event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY
         && gst_event_has_name (event, NAME);
}

GstVitModelSource *
gst_vit_model_event_parse (GstEvent *event)
{
  guint64 id;

  if (!gst_vit_model_event_is (event)
      || !gst_structure_get_uint64 (
          gst_event_get_structure (event), FIELD, &id))
    return NULL;
  return find_source (id);
}

GstVitModelSource *
gst_vit_model_event_find (GstPad *pad)
{
  GstVitModelSource *source = NULL;
  GstEvent *event;

  for (guint i = 0; !source
       && (event = gst_pad_get_sticky_event (
               pad, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, i)); i++) {
    source = gst_vit_model_event_parse (event);
    gst_event_unref (event);
  }
  return source;
}
