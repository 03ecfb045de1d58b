/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvittokenbuffer.h"

#include "common/gstvitreading.h"

static void
return_tokens (gpointer data)
{
  gst_vit_reading_unref (data);
}

/* (transfer full) (nullable): the token memory by reference.  Not as a
 * GstMemory shared between two buffers: of a tokens buffer whose memory is
 * shared when it comes back, its pool would make no further use. */
static GstMemory *
borrow_tokens (GstBuffer *tokens)
{
  GstVitReading *reading = gst_vit_reading_new (tokens);

  if (!reading)
    return NULL;
  return gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY,
      (gpointer) reading->data, reading->size, 0, reading->size, reading,
      return_tokens);
}

GstBuffer *
gst_vit_token_buffer_new (const GstVitTokensMeta *meta,
    GstVitMakeHeader make_header, GstBuffer *frame)
{
  GstMemory *values = borrow_tokens (meta->tokens);
  GstMemory *header = NULL;
  GstBuffer *buffer = gst_buffer_new ();

  if (make_header) {
    header = make_header (meta, GST_BUFFER_PTS (frame));
    if (header)
      gst_buffer_append_memory (buffer, header);
  }
  if (values)
    gst_buffer_append_memory (buffer, values);
  if (!values || (make_header && !header)) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  gst_buffer_copy_into (buffer, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);

  return buffer;
}
