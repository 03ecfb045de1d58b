/* SPDX-License-Identifier: MIT */
#include "common/gstvitframe.h"

/* With a GstVideoMeta every plane is mapped for itself. */
static const GstMapInfo *
get_map (const GstVideoFrame *frame, guint plane)
{
  return &frame->map[frame->meta ? plane : 0];
}

gboolean
gst_vit_frame_plane_fits (const GstVideoFrame *frame, guint plane,
    gint stride, guint64 row_bytes, guint64 n_rows)
{
  const GstMapInfo *map = get_map (frame, plane);
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, plane);
  gint64 start = data - map->data;
  gint64 last = start + (gint64) stride * (gint64) (n_rows - 1);
  gint64 end = MAX (start, last) + (gint64) row_bytes;

  return MIN (start, last) >= 0 && end <= (gint64) map->size;
}

/* Of any number: GStreamer takes one that is none of its formats for a
 * programmer's error. */
static const gchar *
name_format (GstVideoFormat format)
{
  guint n;
  const GstVideoFormat *known = gst_video_formats_raw (&n);

  for (guint i = 0; i < n; i++) {
    if (known[i] == format)
      return gst_video_format_to_string (format);
  }
  return "an unknown format";
}

/* A GstVideoMeta may describe more pixels than the caps do, never fewer; what
 * differs in planes GStreamer takes for a programmer's error. */
static gboolean
meta_fits (const GstVideoMeta *meta, const GstVideoInfo *info, gchar **reason)
{
  if (meta == NULL
      || (meta->format == GST_VIDEO_INFO_FORMAT (info)
          && meta->width >= (guint) GST_VIDEO_INFO_WIDTH (info)
          && meta->height >= (guint) GST_VIDEO_INFO_HEIGHT (info)
          && meta->n_planes == GST_VIDEO_INFO_N_PLANES (info)))
    return TRUE;
  *reason = g_strdup_printf (
      "the buffer's video meta says %s %ux%u in %u planes, its caps %s %dx%d "
      "in %u",
      name_format (meta->format), meta->width, meta->height,
      meta->n_planes, GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info));
  return FALSE;
}

/* The pixels that the caps count are read, and none of them left out. */
static gboolean
crop_fits (
    const GstVideoCropMeta *crop, const GstVideoInfo *info, gchar **reason)
{
  if (crop == NULL
      || (crop->x == 0 && crop->y == 0
          && crop->width == (guint) GST_VIDEO_INFO_WIDTH (info)
          && crop->height == (guint) GST_VIDEO_INFO_HEIGHT (info)))
    return TRUE;
  *reason = g_strdup_printf (
      "the buffer's crop meta says %ux%u at (%u,%u); expected none, or one of "
      "the whole %dx%d frame",
      crop->width, crop->height, crop->x, crop->y, GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info));
  return FALSE;
}

gboolean
gst_vit_frame_check_plane (const GstVideoFrame *frame,
    const GstVideoInfo *info, guint plane, guint64 row_bytes, guint64 n_rows,
    gchar **reason)
{
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);

  if (gst_vit_frame_plane_fits (frame, plane, stride, row_bytes, n_rows))
    return TRUE;
  *reason = g_strdup_printf (
      "plane %u of %s %dx%d leads out of its %" G_GSIZE_FORMAT
      " bytes: %" G_GUINT64_FORMAT " rows of %" G_GUINT64_FORMAT
      " bytes, %d bytes apart",
      plane, GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), get_map (frame, plane)->size, n_rows,
      row_bytes, stride);
  return FALSE;
}

gboolean
gst_vit_frame_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags, gchar **reason)
{
  if (!meta_fits (gst_buffer_get_video_meta (buffer), info, reason)
      || !crop_fits (gst_buffer_get_video_crop_meta (buffer), info, reason))
    return FALSE;
  if (!gst_video_frame_map (frame, info, buffer,
          (GstMapFlags) (flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))) {
    *reason = g_strdup_printf (
        "a buffer of %" G_GSIZE_FORMAT " bytes cannot be read as %s %dx%d, "
        "which takes %" G_GSIZE_FORMAT,
        gst_buffer_get_size (buffer), GST_VIDEO_INFO_NAME (info),
        GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),
        GST_VIDEO_INFO_SIZE (info));
    return FALSE;
  }
  return TRUE;
}
