/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvittokenbuffer.h"

#include "common/gstvitreading.h"

static void
return_values (gpointer data)
{
  gst_vit_reading_unref (data);
}

/* (transfer full) (nullable): the memory by reference.  Not as a
 * GstMemory shared between two buffers: of a tokens buffer whose memory is
 * shared when it comes back, its pool would make no further use. */
static GstMemory *
borrow_values (GstBuffer *values)
{
  GstVitReading *reading = gst_vit_reading_new (values);

  if (!reading)
    return NULL;
  return gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY,
      (gpointer) reading->data, reading->size, 0, reading->size, reading,
      return_values);
}

GstBuffer *
gst_vit_token_buffer_new (const GstVitRecord *record,
    GstVitMakeHeader make_header, GstBuffer *frame)
{
  GstMemory *values = borrow_values (gst_vit_record_values (record));
  GstMemory *header = NULL;
  GstBuffer *buffer = gst_buffer_new ();

  if (make_header) {
    header = make_header (record, GST_BUFFER_PTS (frame));
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
