/* SPDX-License-Identifier: MIT */
#include "support/tokenenc_frame.h"

static GstBuffer *
new_tokens (gsize size)
{
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (tokens, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < size; i++)
    map.data[i] = i;
  gst_buffer_unmap (tokens, &map);

  return tokens;
}

GstBuffer *
tokenenc_new_frame (void)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48, NULL);

  GST_BUFFER_PTS (frame) = 1000;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  return frame;
}

GstVitTokensMeta *
tokenenc_add_tokens (
    GstBuffer *frame, GstVitTokenFormat format, guint embed_dim)
{
  g_autoptr (GstBuffer) tokens
      = new_tokens (13 * embed_dim * gst_vit_token_format_get_size (format));
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (
      frame, tokens, format, 1, 4, 3, 16, embed_dim, 64, 48, "model");

  return meta;
}

GstHarness *
tokenenc_new_harness (const gchar *out_caps)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");

  gst_harness_set_caps_str (harness, FRAME_CAPS, out_caps);
  return harness;
}
