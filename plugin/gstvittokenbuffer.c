/* SPDX-License-Identifier: MIT */
#include "gstvittokenbuffer.h"

typedef struct {
  GstBuffer *tokens;
  GstMapInfo map;
} BorrowedTokens;

static void
return_tokens (gpointer data)
{
  BorrowedTokens *borrowed = data;

  gst_buffer_unmap (borrowed->tokens, &borrowed->map);
  gst_buffer_unref (borrowed->tokens);
  g_free (borrowed);
}

/* (transfer full) (nullable): the token memory by reference.  Not as a
 * GstMemory shared between two buffers: of a tokens buffer whose memory is
 * shared when it comes back, its pool would make no further use. */
static GstMemory *
borrow_tokens (GstBuffer *tokens)
{
  BorrowedTokens *borrowed = g_new0 (BorrowedTokens, 1);

  if (!gst_buffer_map (tokens, &borrowed->map, GST_MAP_READ)) {
    g_free (borrowed);
    return NULL;
  }
  borrowed->tokens = gst_buffer_ref (tokens);

  return gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, borrowed->map.data,
      borrowed->map.size, 0, borrowed->map.size, borrowed, return_tokens);
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
