/* SPDX-License-Identifier: MIT
 *
 * Which model a stream's tokens are of, as vitpatchembed tells the elements behind
 * it: a sticky event before the first frame.
 *
 * The path is read from by who receives it.  So the event does not say it, but a
 * number at random that only this process knows a path for: elements that write
 * events into a stream of bytes and read them from one (gdppay, gdpdepay) take it
 * along, and where it comes from another process it says nothing.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Immutable, reference-counted. */
typedef struct {
  gchar *path;   /* absolute; NULL: the built-in model */
  gchar *prefix; /* of the tower, or NULL */

  /* Private. */
  guint64 id;
  guint n_references;
} GstVitModelSource;

GstVitModelSource *gst_vit_model_source_new (
    const gchar *path, const gchar *prefix);
GstVitModelSource *gst_vit_model_source_ref (GstVitModelSource *source);
void gst_vit_model_source_unref (GstVitModelSource *source);

/* Either may be NULL. */
gboolean gst_vit_model_source_is_equal (
    const GstVitModelSource *a, const GstVitModelSource *b);

/* (transfer full): tells who receives it of `source` for as long as that lives. */
GstEvent *gst_vit_model_event_new (GstVitModelSource *source);

gboolean gst_vit_model_event_is (GstEvent *event);

/* (transfer full) (nullable): NULL for any other event, and where its source is of
 * another process or gone. */
GstVitModelSource *gst_vit_model_event_parse (GstEvent *event);

/* (transfer full) (nullable): what the last such event on this pad said. */
GstVitModelSource *gst_vit_model_event_find (GstPad *pad);

G_END_DECLS
