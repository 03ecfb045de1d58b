/* SPDX-License-Identifier: MIT
 *
 * The encodings of vittokenenc: which one caps name, and a record in it.
 */
#pragma once

#include "tokenenc/gstvitjsonline.h"
#include "tokenenc/gstvittensorshape.h"

G_BEGIN_DECLS

typedef enum {
  GST_VIT_ENCODING_NPY,
  GST_VIT_ENCODING_SAFETENSORS,
  GST_VIT_ENCODING_JSON_LINES,
  GST_VIT_ENCODING_TENSORS, /* of NNStreamer: whose caps tell the shape */
} GstVitEncoding;

/* As a pad's template has them; where downstream takes any, the first is taken. */
#define GST_VIT_ENCODING_CAPS                                                  \
  "application/x-npy; application/x-safetensors; application/x-ndjson; "       \
  GST_VIT_TENSORS_NAME ", format=(string)static, num_tensors=(int)1, "         \
                       "types=(string){ float32, float16 }, "                  \
                       "framerate=(fraction)[ 0/1, max ]"

/* Of a structure of such caps. */
GstVitEncoding gst_vit_encoding_of (const GstStructure *structure);

/* (transfer full) (nullable): with the times of the frame.  `digits` are of lines
 * of JSON.  NULL where values cannot be mapped or there is no memory. */
GstBuffer *gst_vit_encoding_encode (GstVitEncoding encoding,
    const GstVitRecord *record, const GstVitJsonLineFrame *frame,
    guint digits);

G_END_DECLS
