/* SPDX-License-Identifier: MIT */
#include "gstvitscaler.h"

#include <stdlib.h>

#define CACHE_LINE 64

struct _GstVitScaler {
  GstVideoConverter *converter;
  GstVideoInfo from;
  GstVideoFrame to; /* mapped as long as the scaler lives */
  guint n_planes;
};

static guint64
count_patches (guint width, guint height, guint patch_size, gboolean pad)
{
  guint64 rest = pad ? patch_size - 1 : 0;

  return (width + rest) / patch_size * ((height + rest) / patch_size);
}

/* The side that goes with `side` of `whole`: in [least, other]. */
static guint
scale_side (guint other, guint side, guint whole, guint least)
{
  guint64 scaled = gst_util_uint64_scale_int_round (
      other, (gint) side, (gint) whole);

  return (guint) CLAMP (scaled, MIN (least, other), other);
}

void
gst_vit_scaler_choose_size (guint width, guint height, guint patch_size,
    gboolean pad, guint max_patches, guint *out_width, guint *out_height)
{
  guint64 most = count_patches (width, height, patch_size, pad), best = 0;
  guint least = pad ? 1 : patch_size;

  *out_width = width;
  *out_height = height;
  if (most <= max_patches)
    return;
  for (guint w = patch_size; w <= width; w += patch_size) {
    guint h = scale_side (height, w, width, least);
    guint64 n = count_patches (w, h, patch_size, pad);

    if (n > max_patches || n < best)
      continue;
    best = n;
    *out_width = w;
    *out_height = h;
  }
  for (guint h = patch_size; h <= height; h += patch_size) {
    guint w = scale_side (width, h, height, least);
    guint64 n = count_patches (w, h, patch_size, pad);

    if (n > max_patches || n <= best)
      continue;
    best = n;
    *out_width = w;
    *out_height = h;
  }
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

static gboolean
map_new_frame (GstVitScaler *scaler, const GstVideoInfo *info)
{
  GstBuffer *buffer = new_buffer (GST_VIDEO_INFO_SIZE (info));
  gboolean mapped;

  if (buffer == NULL)
    return FALSE;
  mapped = gst_video_frame_map (&scaler->to, info, buffer, GST_MAP_READWRITE);
  gst_buffer_unref (buffer);
  return mapped;
}

/* Progressive, whatever `info` says: fields are told apart nowhere here. */
static gboolean
describe (GstVideoInfo *out, const GstVideoInfo *info, guint width,
    guint height)
{
  if (!gst_video_info_set_format (
          out, GST_VIDEO_INFO_FORMAT (info), width, height))
    return FALSE;
  out->colorimetry = info->colorimetry;
  out->chroma_site = info->chroma_site;
  return TRUE;
}

GstVitScaler *
gst_vit_scaler_new (const GstVideoInfo *info, const VitImageFormat *format,
    guint out_width, guint out_height)
{
  GstVitScaler *scaler = g_new0 (GstVitScaler, 1);
  GstVideoInfo to;

  scaler->n_planes = format->pixel->n_planes;
  if (!describe (&scaler->from, info, format->width, format->height)
      || !describe (&to, info, out_width, out_height)
      || !map_new_frame (scaler, &to)) {
    g_free (scaler);
    return NULL;
  }
  scaler->converter = gst_video_converter_new (&scaler->from, &to,
      gst_structure_new ("options",
          GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
          GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_CUBIC,
          GST_VIDEO_RESAMPLER_OPT_CUBIC_B, G_TYPE_DOUBLE, 0.0,
          GST_VIDEO_RESAMPLER_OPT_CUBIC_C, G_TYPE_DOUBLE, 0.5,
          GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
          GST_VIDEO_DITHER_NONE, NULL));
  if (scaler->converter == NULL) {
    gst_vit_scaler_free (scaler);
    return NULL;
  }
  return scaler;
}

void
gst_vit_scaler_free (GstVitScaler *scaler)
{
  if (scaler == NULL)
    return;
  g_clear_pointer (&scaler->converter, gst_video_converter_free);
  gst_video_frame_unmap (&scaler->to);
  g_free (scaler);
}

void
gst_vit_scaler_run (GstVitScaler *scaler, VitImage *image)
{
  GstVideoFrame from = { .info = scaler->from };

  for (guint p = 0; p < scaler->n_planes; p++) {
    from.data[p] = (gpointer) image->plane[p];
    from.info.stride[p] = (gint) image->stride[p];
  }
  gst_video_converter_frame (scaler->converter, &from, &scaler->to);
  for (guint p = 0; p < scaler->n_planes; p++) {
    image->plane[p] = GST_VIDEO_FRAME_PLANE_DATA (&scaler->to, p);
    image->stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&scaler->to, p);
  }
}
