/* SPDX-License-Identifier: MIT
 *
 * Frames for tests of GstVitTokensMeta on its own: 64 x 48 pixels with 4 x 3
 * patches of 16 x 16 and one prefix token, 13 tokens of 2 float32 values.
 */
#pragma once

#include <gst/gst.h>

#include "gst/vit/gstvittokensmeta.h"

#define N_TOKENS 13
#define TOKENS_SIZE (N_TOKENS * 2 * 4)

/* A frame of I420 that has its tokens; `meta` is the frame's. */
GstBuffer *meta_frame_new (GstVitTokensMeta **meta);

/* `tokens` are of TOKENS_SIZE bytes. */
GstVitTokensMeta *meta_frame_add (
    GstBuffer *frame, GstBuffer *tokens, const gchar *model_id);

guint count_metas (GstBuffer *buffer);

void assert_map (const GstVitTokensMeta *meta, const gdouble expected[6]);
