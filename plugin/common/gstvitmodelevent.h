/* SPDX-License-Identifier: MIT
 *
 * Which model a stream's tokens are of, as vitpatchembed tells the elements behind
 * it: a sticky event before the first frame.
 *
 * The path is read from by who receives it.  So it lies in a type of its own,
 * which no element writes into a stream of bytes or reads from one: it never comes
 * from another process.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Immutable, reference-counted. */
typedef struct {
  gchar *path;   /* absolute; NULL: the built-in model */
  gchar *prefix; /* of the tower, or NULL */
} GstVitModelSource;

GstVitModelSource *gst_vit_model_source_new (
    const gchar *path, const gchar *prefix);
GstVitModelSource *gst_vit_model_source_ref (GstVitModelSource *source);
void gst_vit_model_source_unref (GstVitModelSource *source);

/* Either may be NULL. */
gboolean gst_vit_model_source_is_equal (
    const GstVitModelSource *a, const GstVitModelSource *b);

/* (transfer full) */
GstEvent *gst_vit_model_event_new (GstVitModelSource *source);

gboolean gst_vit_model_event_is (GstEvent *event);

/* (transfer full) (nullable): NULL for any other event, and where it comes from
 * elsewhere. */
GstVitModelSource *gst_vit_model_event_parse (GstEvent *event);

/* (transfer full) (nullable): what the last such event on this pad said. */
GstVitModelSource *gst_vit_model_event_find (GstPad *pad);

G_END_DECLS
