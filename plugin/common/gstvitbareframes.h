/* SPDX-License-Identifier: MIT
 *
 * Frames without what an element works on, and the one warning where a stream has
 * no others: something is missing before the element, or drops the metas.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* In the warning's words. */
typedef struct {
  const gchar *name;    /* what the frames lack: "tokens" */
  const gchar *outcome; /* "nothing was written" */
  const gchar *maker;   /* of what is lacking: "vitpatchembed" */
} GstVitBareWords;

/* All zero at the start. */
typedef struct {
  guint n_frames;        /* since the start */
  GstVitBareWords words; /* of the last of them */
  gboolean is_explained; /* some frame had it, or it was said why not */
} GstVitBareFrames;

/* Counts one, after enough of which a stream that never had others is taken for
 * a mistake.  `element` posts the warning.  The words are constant. */
void gst_vit_bare_frames_count (
    GstVitBareFrames *bare, const GstVitBareWords *words, GstElement *element);

/* The stream ends. */
void gst_vit_bare_frames_end (GstVitBareFrames *bare, GstElement *element);

G_END_DECLS
