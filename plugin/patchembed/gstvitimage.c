/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitimage.h"

#include <string.h>

#include "common/gstvitframe.h"

gboolean
gst_vit_image_format_from_info (
    const GstVideoInfo *info, VitImageFormat *format)
{
  const GstVideoColorimetry *colour = &info->colorimetry;

  memset (format, 0, sizeof *format);
  format->pixel = vit_pixel_format_find (GST_VIDEO_INFO_NAME (info));
  format->width = (guint) GST_VIDEO_INFO_WIDTH (info);
  format->height = (guint) GST_VIDEO_INFO_HEIGHT (info);
  format->full_range = colour->range == GST_VIDEO_COLOR_RANGE_0_255;
  if (!gst_video_color_matrix_get_Kr_Kb (
          colour->matrix, &format->kr, &format->kb))
    gst_video_color_matrix_get_Kr_Kb (
        GST_VIDEO_COLOR_MATRIX_BT601, &format->kr, &format->kb);
  return format->pixel != NULL;
}

/* The caps are asked, as gst_video_info_from_caps() puts a default in place of
 * a colorimetry that makes no sense. */
gboolean
gst_vit_matrix_is_of_caps (const GstVideoInfo *info, const GstCaps *caps)
{
  const gchar *text = gst_structure_get_string (
      gst_caps_get_structure (caps, 0), "colorimetry");
  GstVideoColorimetry colour;
  gdouble kr, kb;

  return !GST_VIDEO_INFO_IS_YUV (info) || text == NULL
      || (gst_video_colorimetry_from_string (&colour, text)
          && gst_video_color_matrix_get_Kr_Kb (colour.matrix, &kr, &kb));
}

guint64
gst_vit_image_row_bytes (const VitImageFormat *format, guint plane)
{
  guint64 n_bytes = 0;

  for (guint c = 0; c < 3; c++) {
    const VitComponent *component = &format->pixel->component[c];
    guint64 last = (format->width - 1) >> component->shift_x;

    if (component->plane == plane)
      n_bytes = MAX (n_bytes, (last + 1) * component->step);
  }
  return n_bytes;
}

static gboolean
read_planes (const GstVideoFrame *frame, const GstVideoInfo *info,
    const VitImageFormat *format, gboolean whole_pixels, VitImage *image,
    gchar **reason)
{
  for (guint p = 0; p < format->pixel->n_planes; p++) {
    guint64 row_bytes, n_rows;

    vit_image_plane_extent (format, p, &row_bytes, &n_rows);
    if (whole_pixels)
      row_bytes = gst_vit_image_row_bytes (format, p);
    if (!gst_vit_frame_check_plane (frame, info, p, row_bytes, n_rows, reason))
      return FALSE;
    image->plane[p] = GST_VIDEO_FRAME_PLANE_DATA (frame, p);
    image->stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, p);
  }
  return TRUE;
}

gboolean
gst_vit_image_map (GstVideoFrame *frame, const GstVideoInfo *info,
    const VitImageFormat *format, GstBuffer *buffer, gboolean whole_pixels,
    VitImage *image, gchar **reason)
{
  if (!gst_vit_frame_map (frame, info, buffer, GST_MAP_READ, reason))
    return FALSE;
  if (!read_planes (frame, info, format, whole_pixels, image, reason)) {
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  return TRUE;
}
