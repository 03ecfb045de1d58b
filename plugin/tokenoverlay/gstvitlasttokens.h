/* SPDX-License-Identifier: MIT
 *
 * The last frame's tokens that were drawn, which stand for the frames after it
 * that carry none: their metas, those of attention beside them, and the time of
 * their frame.
 *
 * They end with the next tokens, with gst_vit_last_tokens_clear(), and on a frame
 * that they say nothing of: one that is marked as a gap; one without regions, if
 * they are of regions alone; and one for which tokens are overdue, a minute and ten
 * times what lay between the last two that had them after it.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* All zeros, and then cleared: none. */
typedef struct {
  GstBuffer *metas; /* (nullable): nothing but them */
  gboolean is_of_regions;
  GstClockTime time;         /* of their frame; NONE: not known */
  GstClockTime since_before; /* what lay between them and the ones before; NONE:
                              * not known */
} GstVitLastTokens;

/* What comes next does not follow them. */
void gst_vit_last_tokens_clear (GstVitLastTokens *last);

/* Takes the valid tokens and attention of `frame` in their place, by reference;
 * none, if it carries more than 4096 metas, which are not worth the memory. */
void gst_vit_last_tokens_take (GstVitLastTokens *last, GstBuffer *frame);

/* They stand for no more frames; when they were is still known. */
void gst_vit_last_tokens_end (GstVitLastTokens *last);

/* Whether they stand for `frame`, which carries none; else they end. */
gboolean gst_vit_last_tokens_stand_for (
    GstVitLastTokens *last, GstBuffer *frame);

/* (transfer full) (nullable): how old they are on `frame`, in words; NULL for no
 * more than a second. */
gchar *gst_vit_last_tokens_say_age (
    const GstVitLastTokens *last, GstBuffer *frame);

G_END_DECLS
