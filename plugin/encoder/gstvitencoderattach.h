/* SPDX-License-Identifier: MIT
 *
 * What a frame is given of the results of its tokens: features, vectors, labels,
 * and these as GStreamer's own metadata.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "encoder/gstvitencoderresult.h"
#include "encoder/gstvitencoderstream.h"

G_BEGIN_DECLS

/* Attaches stream->results, of stream->inputs, all of them, to `frame`, which is
 * writable.  Labels that were not looked for are. */
void gst_vit_encoder_attach_results (const GstVitEncoderStream *stream,
    const GstVitEncoderShape *shape, GstBuffer *frame);

G_END_DECLS
