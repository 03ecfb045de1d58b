/* SPDX-License-Identifier: MIT */
#include "common/gstvitframe.h"

#include <string.h>

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

/* Whether `n_rows` rows of `row_bytes` bytes lie within the map, whichever
 * sign the stride has. */
static gboolean
plane_fits (const GstMapInfo *map, const guint8 *data, gint stride,
    guint64 row_bytes, guint64 n_rows)
{
  gint64 start = data - map->data;
  gint64 last = start + (gint64) stride * (gint64) (n_rows - 1);
  gint64 end = MAX (start, last) + (gint64) row_bytes;

  return MIN (start, last) >= 0 && end <= (gint64) map->size;
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
      gst_video_format_to_string (meta->format), meta->width, meta->height,
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

guint64
gst_vit_frame_row_bytes (const VitImageFormat *format, guint plane)
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
check_plane (const GstVideoFrame *frame, const GstVideoInfo *info, guint plane,
    guint64 row_bytes, guint64 n_rows, gchar **reason)
{
  /* With a GstVideoMeta every plane is mapped for itself. */
  const GstMapInfo *map = &frame->map[frame->meta ? plane : 0];
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, plane);
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);

  if (plane_fits (map, data, stride, row_bytes, n_rows))
    return TRUE;
  *reason = g_strdup_printf ("plane %u of %s %dx%d leads out of its %"
      G_GSIZE_FORMAT " bytes: %" G_GUINT64_FORMAT " rows of %"
      G_GUINT64_FORMAT " bytes, %d bytes apart", plane,
      GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), map->size, n_rows, row_bytes, stride);
  return FALSE;
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
      row_bytes = gst_vit_frame_row_bytes (format, p);
    if (!check_plane (frame, info, p, row_bytes, n_rows, reason))
      return FALSE;
    image->plane[p] = GST_VIDEO_FRAME_PLANE_DATA (frame, p);
    image->stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, p);
  }
  return TRUE;
}

/* The stride that GStreamer gives a plane, of whole pairs of pixels where two
 * share their chroma: in some packed formats it counts but half of the last pair,
 * and then converts all of it. */
static gint
usual_stride (const GstVideoInfo *info, guint plane)
{
  guint width = (guint) info->width;
  GstVideoInfo whole;

  if (GST_VIDEO_INFO_N_COMPONENTS (info) > 1 && info->finfo->w_sub[1] > 0)
    width = GST_ROUND_UP_2 (width);
  gst_video_info_set_format (
      &whole, info->finfo->format, width, (guint) info->height);
  return whole.stride[plane];
}

/* What a plane of any of GStreamer's formats takes, whole pixels of every row. */
static void
get_extent (const GstVideoInfo *info, guint plane, guint64 *row_bytes,
    guint64 *n_rows)
{
  const GstVideoFormatInfo *format = info->finfo;

  *row_bytes = *n_rows = 0;
  for (guint c = 0; c < format->n_components; c++) {
    guint64 width
        = (guint64) GST_VIDEO_FORMAT_INFO_SCALE_WIDTH (format, c, info->width);
    guint64 height = (guint64) GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (
        format, c, info->height);

    if (format->plane[c] != plane)
      continue;
    *row_bytes = MAX (*row_bytes, width * (guint) format->pixel_stride[c]);
    *n_rows = MAX (*n_rows, height);
    /* Pixels that are no whole bytes, in groups. */
    if (format->pixel_stride[c] == 0)
      *row_bytes = (guint64) usual_stride (info, plane);
  }
  if (GST_VIDEO_FORMAT_INFO_HAS_PALETTE (format) && plane == 1) {
    *row_bytes = 256 * sizeof (guint32);
    *n_rows = 1;
  }
}

/* GStreamer's blending counts the bytes from a plane's first to any other in a
 * gint, and would write elsewhere. */
static gboolean
check_reach (
    const GstVideoInfo *info, guint plane, guint64 n_bytes, gchar **reason)
{
  if (n_bytes <= G_MAXINT)
    return TRUE;
  *reason = g_strdup_printf ("plane %u of %s %dx%d reaches over %"
      G_GUINT64_FORMAT " bytes; nothing can be drawn on more than %d", plane,
      GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), n_bytes, G_MAXINT);
  return FALSE;
}

static gboolean
check_rows (const GstVideoFrame *frame, const GstVideoInfo *info, guint plane,
    gchar **reason)
{
  gint64 stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
  guint64 row_bytes, n_rows;

  get_extent (info, plane, &row_bytes, &n_rows);
  return check_plane (frame, info, plane, row_bytes, n_rows, reason)
      && check_reach (info, plane,
          (guint64) ABS (stride) * (n_rows - 1) + row_bytes, reason);
}

/* A stride of tiles is how many there are, across and down; where each of them
 * lies depends on both numbers. */
static gboolean
check_tiles (const GstVideoFrame *frame, const GstVideoInfo *info, guint plane,
    gchar **reason)
{
  const GstMapInfo *map = &frame->map[frame->meta ? plane : 0];
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, plane);
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
  gint usual = usual_stride (info, plane);
  gint across = GST_VIDEO_TILE_X_TILES (stride);
  gint down = GST_VIDEO_TILE_Y_TILES (stride);
  guint64 size
      = (guint64) GST_VIDEO_FORMAT_INFO_TILE_SIZE (info->finfo, plane);

  if (across >= GST_VIDEO_TILE_X_TILES (usual)
      && down >= GST_VIDEO_TILE_Y_TILES (usual)
      && plane_fits (map, data, 0, (guint64) across * (guint) down * size, 1))
    return check_reach (
        info, plane, (guint64) across * (guint) down * size, reason);
  *reason = g_strdup_printf ("plane %u of %s %dx%d leads out of its %"
      G_GSIZE_FORMAT " bytes: %d x %d tiles of %" G_GUINT64_FORMAT " bytes",
      plane, GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), map->size, across, down, size);
  return FALSE;
}

/* GStreamer's blending ends the process on an address that is none of a whole
 * word. */
static gboolean
check_words (
    const GstVideoFrame *frame, const GstVideoInfo *info, gchar **reason)
{
  gsize start = (gsize) GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

  if (GST_VIDEO_INFO_N_PLANES (info) > 1
      || GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) != 4
      || (start % 4 == 0 && stride % 4 == 0))
    return TRUE;
  *reason = g_strdup_printf ("the pixels of %s %dx%d, 4 bytes each, do not lie "
      "at multiples of 4: the first at %" G_GSIZE_FORMAT " bytes from one, rows "
      "%d bytes apart", GST_VIDEO_INFO_NAME (info),
      GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), start % 4,
      stride);
  return FALSE;
}

/* GStreamer's blending takes a line apart into four components of two bytes,
 * which it counts in a gint too. */
static gboolean
check_line (const GstVideoInfo *info, gchar **reason)
{
  const gint most = G_MAXINT / (4 * (gint) sizeof (guint16));

  if (GST_VIDEO_INFO_WIDTH (info) <= most)
    return TRUE;
  *reason = g_strdup_printf ("a line of %s %dx%d is too long; nothing can be "
      "drawn on more than %d pixels", GST_VIDEO_INFO_NAME (info),
      GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), most);
  return FALSE;
}

static gboolean
check_all_planes (
    const GstVideoFrame *frame, const GstVideoInfo *info, gchar **reason)
{
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    if (GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo)
            ? !check_tiles (frame, info, p, reason)
            : !check_rows (frame, info, p, reason))
      return FALSE;
  }
  return check_words (frame, info, reason) && check_line (info, reason);
}

/* Without a reference, which would make the buffer unwritable. */
static gboolean
map_buffer (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
    GstMapFlags flags, gchar **reason)
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

gboolean
gst_vit_frame_map (GstVideoFrame *frame, const GstVideoInfo *info,
    const VitImageFormat *format, GstBuffer *buffer, gboolean whole_pixels,
    VitImage *image, gchar **reason)
{
  if (!map_buffer (frame, info, buffer, GST_MAP_READ, reason))
    return FALSE;
  if (!read_planes (frame, info, format, whole_pixels, image, reason)) {
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_vit_frame_map_to_draw (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, gchar **reason)
{
  if (!map_buffer (frame, info, buffer, GST_MAP_READWRITE, reason))
    return FALSE;
  if (!check_all_planes (frame, info, reason)) {
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  /* A meta's size may be larger, and what lies beyond was not checked. */
  frame->info.width = info->width;
  frame->info.height = info->height;
  return TRUE;
}
