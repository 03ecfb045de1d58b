/* SPDX-License-Identifier: MIT
 *
 * Events in the order in which they came.
 */
#include "tokenenc/gstvitheldevents.h"

gboolean
gst_vit_held_events_is_empty (const GstVitHeldEvents *held)
{
  return held->events.head == NULL;
}

void
gst_vit_held_events_hold_caps (GstVitHeldEvents *held, GstEvent *caps)
{
  /* What waited already comes after the new caps just as well. */
  if (!gst_vit_held_events_is_empty (held))
    gst_event_unref (g_queue_pop_head (&held->events));
  g_queue_push_head (&held->events, caps);
}

static gint
compare_type (gconstpointer event, gconstpointer type)
{
  return GST_EVENT_TYPE (event) != *(const GstEventType *) type;
}

/* The oldest after the caps but for the last segment, without which no buffer
 * could follow. */
static void
forget_one (GstVitHeldEvents *held)
{
  const GstEventType type = GST_EVENT_SEGMENT;
  GList *oldest = held->events.head->next;

  if (GST_EVENT_TYPE (oldest->data) == type
      && g_list_find_custom (oldest->next, &type, compare_type) == NULL)
    oldest = oldest->next;
  gst_event_unref (oldest->data);
  g_queue_delete_link (&held->events, oldest);
}

gboolean
gst_vit_held_events_hold (GstVitHeldEvents *held, GstEvent *event)
{
  if (gst_vit_held_events_is_empty (held) || !GST_EVENT_IS_SERIALIZED (event)
      || GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START
      || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP
      || GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return FALSE;
  /* By the time that caps come, so do tokens, and no time is left to fill; a
   * stream without any may send gaps for ever. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
    gst_event_unref (event);
    return TRUE;
  }
  g_queue_push_tail (&held->events, event);
  if (held->events.length > GST_VIT_HELD_EVENTS_MAX)
    forget_one (held);
  return TRUE;
}

gboolean
gst_vit_held_events_release (
    GstVitHeldEvents *held, GstVitPassOn pass_on, gpointer element)
{
  GstEvent *caps = g_queue_peek_head (&held->events);

  if (!caps)
    return TRUE;
  if (!pass_on (element, gst_event_ref (caps)))
    return FALSE;
  gst_vit_held_events_release_behind_caps (held, pass_on, element);
  gst_event_unref (g_queue_pop_head (&held->events));
  return TRUE;
}

void
gst_vit_held_events_release_behind_caps (
    GstVitHeldEvents *held, GstVitPassOn pass_on, gpointer element)
{
  while (held->events.length > 1)
    pass_on (element, g_queue_pop_nth (&held->events, 1));
}

static gboolean
survives_flush (const GstEvent *event)
{
  return GST_EVENT_IS_STICKY (event)
         && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT
         && GST_EVENT_TYPE (event) != GST_EVENT_STREAM_GROUP_DONE;
}

void
gst_vit_held_events_flush (GstVitHeldEvents *held)
{
  for (guint n = held->events.length; n > 0; n--) {
    GstEvent *event = g_queue_pop_head (&held->events);

    if (survives_flush (event))
      g_queue_push_tail (&held->events, event);
    else
      gst_event_unref (event);
  }
}

void
gst_vit_held_events_begin_stream (GstVitHeldEvents *held)
{
  while (held->events.length > 1)
    gst_event_unref (g_queue_pop_tail (&held->events));
}

void
gst_vit_held_events_clear (GstVitHeldEvents *held)
{
  g_queue_clear_full (&held->events, (GDestroyNotify) gst_event_unref);
}
