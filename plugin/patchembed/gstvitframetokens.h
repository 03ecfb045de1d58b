/* SPDX-License-Identifier: MIT
 *
 * All tokens of one frame: of the whole, or of each of its regions.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "patchembed/gstvittokenizers.h"

G_BEGIN_DECLS

typedef struct {
  VitFrameCounts counts; /* of all regions */
  guint n_tokens;        /* of all regions; 0: the frame has none */
  VitTokensShape shape;  /* of the last with tokens */
} GstVitFrameResult;

/* Computes the tokens of each of `regions`, of GstVitRegion, in `image`, the
 * mapped pixels of `frame`, which is writable, and attaches them.  A region
 * that is smaller than a patch is left out with a debug line of `element`, one
 * for which there is no memory with a warning on its bus; the caller holds
 * no lock. */
void gst_vit_frame_tokens_attach (GstVitTokenizers *tokenizers,
    GstElement *element, const GstVitTokenizerTask *task,
    const GArray *regions, const VitImage *image, const VitImageFormat *format,
    GstBuffer *frame, GstVitFrameResult *result);

G_END_DECLS
