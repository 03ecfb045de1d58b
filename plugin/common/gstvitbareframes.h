/* SPDX-License-Identifier: MIT
 *
 * Frames without anything to write, and the one warning where a stream has no
 * others: something is missing before the element, or drops the metas.
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* All zero at the start. */
typedef struct {
  guint n_frames;        /* since the start */
  GstVitContent content; /* what the last of them has nothing of */
  gboolean is_explained; /* something was written, or it was said why not */
} GstVitBareFrames;

/* Counts one, after enough of which a stream that never had others is taken for
 * a mistake.  `element` posts the warning. */
void gst_vit_bare_frames_count (
    GstVitBareFrames *bare, GstVitContent content, GstElement *element);

/* The stream ends. */
void gst_vit_bare_frames_end (GstVitBareFrames *bare, GstElement *element);

G_END_DECLS
