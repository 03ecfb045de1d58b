/* SPDX-License-Identifier: MIT */
#include "common/gstvitmodelevent.h"

#define NAME "gst-vit-model"
#define FIELD "source"

static void
clear (gpointer data)
{
  GstVitModelSource *source = data;

  g_free (source->path);
  g_free (source->prefix);
}

GstVitModelSource *
gst_vit_model_source_new (const gchar *path, const gchar *prefix)
{
  GstVitModelSource *source = g_atomic_rc_box_new0 (GstVitModelSource);

  source->path = path ? g_canonicalize_filename (path, NULL) : NULL;
  source->prefix = g_strdup (prefix);
  return source;
}

GstVitModelSource *
gst_vit_model_source_ref (GstVitModelSource *source)
{
  return g_atomic_rc_box_acquire (source);
}

void
gst_vit_model_source_unref (GstVitModelSource *source)
{
  g_atomic_rc_box_release_full (source, clear);
}

static GType gst_vit_model_source_get_type (void);

G_DEFINE_BOXED_TYPE (GstVitModelSource, gst_vit_model_source,
    gst_vit_model_source_ref, gst_vit_model_source_unref)

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
      gst_structure_new (
          NAME, FIELD, gst_vit_model_source_get_type (), source, NULL));
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
  GstVitModelSource *source = NULL;

  if (gst_vit_model_event_is (event))
    gst_structure_get (gst_event_get_structure (event), FIELD,
        gst_vit_model_source_get_type (), &source, NULL);
  return source;
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
