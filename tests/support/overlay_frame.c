/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/token_type.h"
#include "support/overlay_frame.h"

#define N_TOKENS 13

const gdouble overlay_angles[12]
    = { 0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330 };

static GstBuffer *
make_tokens (GstVitTokenFormat format)
{
  gfloat values[N_TOKENS][2] = { { 100, -100 } };
  guint8 bytes[sizeof values];

  for (guint i = 0; i < 12; i++) {
    values[i + 1][0]
        = (gfloat) ((i + 1) * cos (overlay_angles[i] * G_PI / 180));
    values[i + 1][1]
        = (gfloat) ((i + 1) * sin (overlay_angles[i] * G_PI / 180));
  }
  vit_token_type_write ((VitTokenType) format, values[0], 2 * N_TOKENS, bytes);
  return gst_buffer_new_memdup (
      bytes, 2 * N_TOKENS * gst_vit_token_format_get_size (format));
}

GstVitTokensMeta *
overlay_add_meta (GstBuffer *frame, GstVitTokenFormat format)
{
  GstBuffer *tokens = make_tokens (format), *none = gst_buffer_new ();
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (
      frame, tokens, format, 1, COLUMNS, ROWS, 16, 2, WIDTH, HEIGHT, "test");

  gst_vit_tokens_meta_set_positions (meta, none);
  gst_buffer_unref (tokens);
  gst_buffer_unref (none);
  return meta;
}

void
overlay_set_changed (GstVitTokensMeta *meta, guint patch)
{
  guint8 bits[2] = { 0 };
  GBytes *bytes;

  bits[(patch + 1) / 8] = (guint8) (1 << (patch + 1) % 8);
  bytes = g_bytes_new (bits, sizeof bits);
  gst_vit_tokens_meta_set_changed (meta, bytes);
  g_bytes_unref (bytes);
}

GstBuffer *
overlay_new_frame (GstVideoFormat format, guint8 value)
{
  GstVideoInfo info;
  GstBuffer *frame;

  gst_video_info_set_format (&info, format, WIDTH, HEIGHT);
  frame = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  gst_buffer_memset (frame, 0, value, GST_VIDEO_INFO_SIZE (&info));
  return frame;
}

GstHarness *
overlay_new_harness (const gchar *launch, const gchar *format)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, WIDTH,
      HEIGHT);

  gst_harness_set_src_caps_str (harness, caps);
  g_free (caps);
  return harness;
}

guint32
overlay_get_pixel (GstBuffer *frame, guint width, guint x, guint y)
{
  guint8 rgba[4];

  g_assert_cmpuint (
      gst_buffer_extract (frame, 4 * (gsize) (y * width + x), rgba, 4), ==, 4);
  return (guint32) rgba[0] << 16 | (guint32) rgba[1] << 8 | rgba[2];
}
