/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvitencoding.h"

#include "tokenenc/gstvittokenbuffer.h"
#include "tokenenc/gstvittokenheader.h"

GstVitEncoding
gst_vit_encoding_of (const GstStructure *structure)
{
  static const gchar *const names[] = {
    [GST_VIT_ENCODING_NPY] = "application/x-npy",
    [GST_VIT_ENCODING_SAFETENSORS] = "application/x-safetensors",
    [GST_VIT_ENCODING_JSON_LINES] = "application/x-ndjson",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (gst_structure_has_name (structure, names[i]))
      return (GstVitEncoding) i;
  return GST_VIT_ENCODING_TENSORS;
}

GstBuffer *
gst_vit_encoding_encode (GstVitEncoding encoding, const GstVitRecord *record,
    const GstVitJsonLineFrame *frame, guint digits)
{
  switch (encoding) {
    case GST_VIT_ENCODING_NPY:
      return gst_vit_token_buffer_new (
          record, gst_vit_token_header_npy, frame->buffer);
    case GST_VIT_ENCODING_SAFETENSORS:
      return gst_vit_token_buffer_new (
          record, gst_vit_token_header_safetensors, frame->buffer);
    case GST_VIT_ENCODING_JSON_LINES:
      return gst_vit_json_line_new (record, frame, digits);
    case GST_VIT_ENCODING_TENSORS:
      return gst_vit_token_buffer_new (record, NULL, frame->buffer);
  }
  g_return_val_if_reached (NULL);
}
