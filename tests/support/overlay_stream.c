/* SPDX-License-Identifier: MIT */
#include "support/overlay_stream.h"

#include <string.h>

#include "gst/vit/gstvittokensmeta.h"

#define MARGIN 65536
#define UNTOUCHED 0x5a

void
overlay_stream_set_format (OverlayStream *stream, GstVideoFormat format)
{
  GstCaps *caps;

  gst_video_info_set_format (&stream->info, format, WIDTH, HEIGHT);
  caps = gst_video_info_to_caps (&stream->info);
  gst_harness_set_src_caps (stream->harness, caps);
}

void
overlay_stream_init (
    OverlayStream *stream, const gchar *launch, GstVideoFormat format)
{
  stream->harness = gst_harness_new_parse (launch);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->harness->element, stream->bus);
  overlay_stream_set_format (stream, format);
}

void
overlay_stream_clear (OverlayStream *stream)
{
  gst_element_set_bus (stream->harness->element, NULL);
  gst_object_unref (stream->bus);
  gst_harness_teardown (stream->harness);
}

void
overlay_add_tokens (GstBuffer *frame)
{
  static const guint8 all[2] = { 0xff, 0x0f };
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 12 * 2 * 4, NULL);
  GBytes *changed = g_bytes_new_static (all, sizeof all);
  GstVitTokensMeta *meta;

  gst_buffer_memset (tokens, 0, 0, 12 * 2 * 4);
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32, 0, 4,
      3, 16, 2, WIDTH, HEIGHT, NULL);
  gst_vit_tokens_meta_set_changed (meta, changed);
  g_bytes_unref (changed);
  gst_buffer_unref (tokens);
}

GstMemory *
fenced_memory_new (FencedMemory *memory, gsize size)
{
  memory->size = size;
  memory->bytes = g_malloc (size + 2 * MARGIN);
  memset (memory->bytes, UNTOUCHED, size + 2 * MARGIN);
  return gst_memory_new_wrapped (
      (GstMemoryFlags) 0, memory->bytes + MARGIN, size, 0, size, NULL, NULL);
}

static gboolean
is_untouched (const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (bytes[i] != UNTOUCHED)
      return FALSE;
  }
  return TRUE;
}

gboolean
fenced_memory_free (FencedMemory *memory)
{
  gboolean is_drawn = !is_untouched (memory->bytes + MARGIN, memory->size);

  g_assert_true (is_untouched (memory->bytes, MARGIN));
  g_assert_true (is_untouched (memory->bytes + MARGIN + memory->size, MARGIN));
  g_free (memory->bytes);
  return is_drawn;
}

void
overlay_stream_push (OverlayStream *stream, GstBuffer *frame)
{
  GstBuffer *out = gst_harness_push_and_pull (stream->harness, frame);

  g_assert_nonnull (out);
  gst_buffer_unref (out);
  g_assert_null (gst_bus_pop_filtered (stream->bus, GST_MESSAGE_ERROR));
}

void
overlay_stream_check_warning (OverlayStream *stream, const gchar *text)
{
  GstMessage *message = gst_bus_pop_filtered (
      stream->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  GError *error = NULL;

  g_assert_true ((message != NULL) == (text != NULL));
  if (!message)
    return;
  gst_message_parse_warning (message, &error, NULL);
  g_assert_cmpstr (error->message, ==, text);
  g_error_free (error);
  gst_message_unref (message);
}

void
overlay_stream_check (OverlayStream *stream)
{
  GstBuffer *frame = gst_buffer_new ();
  FencedMemory memory;

  gst_buffer_append_memory (
      frame, fenced_memory_new (&memory, GST_VIDEO_INFO_SIZE (&stream->info)));
  overlay_add_tokens (frame);
  overlay_stream_push (stream, frame);
  g_assert_true (fenced_memory_free (&memory));
}
