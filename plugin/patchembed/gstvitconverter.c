/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitconverter.h"

#include <stdlib.h>

#define CACHE_LINE 64

gboolean
gst_vit_converter_describe (
    GstVideoInfo *out, GstVideoFormat format, guint width, guint height)
{
  GstVideoAlignment alignment;

  if (MAX (width, height) > GST_VIT_CONVERTER_MAX_SIDE
      || !gst_video_info_set_format (out, format, width, height))
    return FALSE;
  gst_video_alignment_reset (&alignment);
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (out); p++)
    alignment.stride_align[p] = GST_VIT_CONVERTER_ALIGNMENT - 1;
  return gst_video_info_align (out, &alignment)
      && GST_VIDEO_INFO_SIZE (out) <= GST_VIT_CONVERTER_MAX_BYTES;
}

/* GStreamer's own allocator ends the process where there is no memory. */
static GstBuffer *
new_buffer (gsize n_bytes)
{
  gpointer bytes = NULL;

  if (posix_memalign (&bytes, CACHE_LINE, n_bytes) != 0)
    return NULL;
  return gst_buffer_new_wrapped_full (
      (GstMemoryFlags) 0, bytes, n_bytes, 0, n_bytes, bytes, free);
}

gboolean
gst_vit_converter_map_new_frame (
    GstVideoFrame *frame, const GstVideoInfo *info)
{
  GstBuffer *buffer = new_buffer (GST_VIDEO_INFO_SIZE (info));
  gboolean mapped;

  if (buffer == NULL)
    return FALSE;
  mapped = gst_video_frame_map (frame, info, buffer, GST_MAP_READWRITE);
  gst_buffer_unref (buffer);
  return mapped;
}

GstVideoConverter *
gst_vit_converter_new (const GstVideoInfo *from, const GstVideoInfo *to)
{
  GstVideoInfo in = *from, out = *to;

  /* Those of small and large frames differ, and would be converted. */
  out.colorimetry = in.colorimetry;
  /* Every plane but the first is of chroma to it, also G and B of RGBP. */
  return gst_video_converter_new (&in, &out,
      gst_structure_new ("options",
          GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
          GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_CUBIC,
          GST_VIDEO_CONVERTER_OPT_CHROMA_RESAMPLER_METHOD,
          GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_CUBIC,
          GST_VIDEO_RESAMPLER_OPT_CUBIC_B, G_TYPE_DOUBLE, 0.0,
          GST_VIDEO_RESAMPLER_OPT_CUBIC_C, G_TYPE_DOUBLE, 0.5,
          GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
          GST_VIDEO_DITHER_NONE, NULL));
}
