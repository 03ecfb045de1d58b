/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitcanvas.h"

#include "common/gstvitframe.h"

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
  return gst_vit_frame_check_plane (
             frame, info, plane, row_bytes, n_rows, reason)
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
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
  gint usual = usual_stride (info, plane);
  gint across = GST_VIDEO_TILE_X_TILES (stride);
  gint down = GST_VIDEO_TILE_Y_TILES (stride);
  guint64 size
      = (guint64) GST_VIDEO_FORMAT_INFO_TILE_SIZE (info->finfo, plane);
  guint64 n_bytes = (guint64) across * (guint) down * size;

  if (across >= GST_VIDEO_TILE_X_TILES (usual)
      && down >= GST_VIDEO_TILE_Y_TILES (usual)
      && gst_vit_frame_plane_fits (frame, plane, 0, n_bytes, 1))
    return check_reach (info, plane, n_bytes, reason);
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
                             "at multiples of 4: the first at %" G_GSIZE_FORMAT
                             " bytes from one, rows "
                             "%d bytes apart",
      GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), start % 4, stride);
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

gboolean
gst_vit_canvas_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, gchar **reason)
{
  if (!gst_vit_frame_map (frame, info, buffer, GST_MAP_READWRITE, reason))
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
