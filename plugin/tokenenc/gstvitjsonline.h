/* SPDX-License-Identifier: MIT
 *
 * One record as a line of JSON: a row of a table of frames, application/x-ndjson.
 *
 *   {"pts":0,"stream_time":0,"duration":40000000,"frame":0, what the meta says,
 *    "tokens":"base64", "embedding":[...],"logits":[...],
 *    "labels":[{"name":"cat","class":3,"score":0.87}]}
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* What tells every float32 from every other. */
#define GST_VIT_JSON_LINE_MAX_DIGITS 9

/* What a line says of its frame besides the metas. */
typedef struct {
  GstBuffer *buffer; /* the one that carries the record */
  const GstSegment *segment;
  guint64 n_before; /* frames of the stream that came before it */
} GstVitJsonLineFrame;

/* (transfer full) (nullable): a buffer with the frame's times, in one memory:
 * ASCII, with one \n, at its end.  `digits` [1,9]: of numbers of an embedding, of
 * scores and labels.  NULL where values cannot be mapped or there is no memory. */
GstBuffer *gst_vit_json_line_new (const GstVitRecord *record,
    const GstVitJsonLineFrame *frame, guint digits);

G_END_DECLS
