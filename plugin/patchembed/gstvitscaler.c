/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitscaler.h"

#include <string.h>

#include "patchembed/gstvitcomponents.h"
#include "patchembed/gstvitconverter.h"
#include "patchembed/gstvitimage.h"

/* The frames stay mapped as long as the scaler lives. */
struct _GstVitScaler {
  GstVitComponents *components; /* NULL: the converter does it */
  GstVideoConverter *converter;
  GstVideoFrame to;
  GstVideoFrame aligned; /* of `from`; no buffer: never needed yet */
  GstVideoInfo from;
  VitImageFormat format; /* of pictures as they come */
};

static guint64
count_patches (guint width, guint height, guint patch_size, gboolean pad)
{
  guint64 rest = pad ? patch_size - 1 : 0;

  return (width + rest) / patch_size * ((height + rest) / patch_size);
}

typedef struct {
  guint width;
  guint height;
  gboolean keeps_aspect;
  guint64 n_patches;
} Size;

/* Sizes that keep the aspect ratio first, then those with more patches. */
static gboolean
is_better (const Size *a, const Size *b)
{
  if (a->keeps_aspect != b->keeps_aspect)
    return a->keeps_aspect;
  return a->n_patches > b->n_patches;
}

/* The side that goes with `side` of `whole`, but at least `least`. */
static guint
scale_side (guint other, guint side, guint whole, guint least,
    gboolean *keeps_aspect)
{
  guint scaled = (guint) gst_util_uint64_scale_int_round (
      other, (gint) side, (gint) whole);

  *keeps_aspect = scaled >= least;
  return MAX (scaled, least);
}

/* What is scaled down. */
typedef struct {
  guint width;
  guint height;
  guint patch_size;
  gboolean pad;
} Picture;

/* The size with a width of `n` patches, or a height of so many. */
static Size
size_of (const Picture *picture, guint n, gboolean by_width)
{
  guint least = picture->pad ? 1 : picture->patch_size;
  Size size = { .width = n * picture->patch_size, .height = size.width };

  if (by_width)
    size.height = scale_side (picture->height, size.width, picture->width,
        least, &size.keeps_aspect);
  else
    size.width = scale_side (picture->width, size.height, picture->height,
        least, &size.keeps_aspect);
  size.n_patches = count_patches (
      size.width, size.height, picture->patch_size, picture->pad);
  return size;
}

/* The largest such size of at most `max_patches`, all zero where there is none:
 * with the side grow both the number of patches and the chance that the aspect
 * ratio is kept, so that halving finds it. */
static Size
find_size (const Picture *picture, gboolean by_width, guint max_patches)
{
  guint side = by_width ? picture->width : picture->height;
  guint fits = 0, beyond = side / picture->patch_size + 1;
  Size best = { 0 };

  while (beyond - fits > 1) {
    guint middle = fits + (beyond - fits) / 2;
    Size size = size_of (picture, middle, by_width);

    if (size.n_patches <= max_patches) {
      fits = middle;
      best = size;
    } else {
      beyond = middle;
    }
  }
  return best;
}

void
gst_vit_scaler_choose_size (guint width, guint height, guint patch_size,
    gboolean pad, guint max_patches, guint *out_width, guint *out_height)
{
  Picture picture = { width, height, patch_size, pad };
  Size best, other;

  *out_width = width;
  *out_height = height;
  if (count_patches (width, height, patch_size, pad) <= max_patches)
    return;
  best = find_size (&picture, TRUE, max_patches);
  other = find_size (&picture, FALSE, max_patches);
  /* Of two that are as good the one with the smaller side of whole patches. */
  if (best.n_patches == 0 || is_better (&other, &best)
      || (other.n_patches > 0 && !is_better (&best, &other)
          && other.height < best.width))
    best = other;
  *out_width = best.width;
  *out_height = best.height;
}

gboolean
gst_vit_scaler_check (const GstVideoInfo *info, guint width, guint height,
    GError **error)
{
  GstVideoInfo unused;

  if (gst_vit_converter_describe (
          &unused, GST_VIDEO_INFO_FORMAT (info), width, height))
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
      "%ux%u pixels are too many to be scaled: at most %u in a row or column, "
      "and 2 GiB in all",
      width, height, GST_VIT_CONVERTER_MAX_SIDE);
  return FALSE;
}

static gboolean
prepare (GstVitScaler *scaler, const GstVideoInfo *to)
{
  if (gst_vit_components_needed (&scaler->format)) {
    scaler->components = gst_vit_components_new (&scaler->format, to);
    return scaler->components != NULL;
  }
  scaler->converter = gst_vit_converter_new (&scaler->from, to);
  return scaler->converter != NULL
      && gst_vit_converter_map_new_frame (&scaler->to, to);
}

GstVitScaler *
gst_vit_scaler_new (const GstVideoInfo *info, const VitImageFormat *format,
    guint out_width, guint out_height)
{
  GstVitScaler *scaler = g_new0 (GstVitScaler, 1);
  GstVideoFormat video_format = GST_VIDEO_INFO_FORMAT (info);
  GstVideoInfo to;

  scaler->format = *format;
  if (gst_vit_converter_describe (
          &scaler->from, video_format, format->width, format->height)
      && gst_vit_converter_describe (
          &to, video_format, out_width, out_height)
      && prepare (scaler, &to))
    return scaler;
  gst_vit_scaler_free (scaler);
  return NULL;
}

void
gst_vit_scaler_free (GstVitScaler *scaler)
{
  if (scaler == NULL)
    return;
  gst_vit_components_free (scaler->components);
  g_clear_pointer (&scaler->converter, gst_video_converter_free);
  if (scaler->to.buffer != NULL)
    gst_video_frame_unmap (&scaler->to);
  if (scaler->aligned.buffer != NULL)
    gst_video_frame_unmap (&scaler->aligned);
  g_free (scaler);
}

static void
get_extent (const VitImageFormat *format, guint plane, guint64 *row_bytes,
    guint64 *n_rows)
{
  vit_image_plane_extent (format, plane, row_bytes, n_rows);
  *row_bytes = gst_vit_image_row_bytes (format, plane);
}

/* Whether the converter may have the picture as it lies.  Some of its loops
 * crash on one that starts anywhere; others take strides for unsigned, or
 * compute a row's place in 32 bits. */
static gboolean
is_convertible (const VitImageFormat *format, const VitImage *image)
{
  for (guint p = 0; p < format->pixel->n_planes; p++) {
    gint64 stride = image->stride[p];
    guint64 row_bytes, n_rows;

    get_extent (format, p, &row_bytes, &n_rows);
    if ((gsize) image->plane[p] % GST_VIT_CONVERTER_ALIGNMENT != 0
        || stride % GST_VIT_CONVERTER_ALIGNMENT != 0
        || stride < (gint64) row_bytes
        || stride > (GST_VIT_CONVERTER_MAX_BYTES - (gint64) row_bytes)
                        / (gint64) n_rows)
      return FALSE;
  }
  return TRUE;
}

/* Not gst_video_frame_copy(), which leaves half of a last pixel pair out. */
static void
copy_planes (const VitImageFormat *format, const VitImage *image,
    GstVideoFrame *to)
{
  for (guint p = 0; p < format->pixel->n_planes; p++) {
    guint8 *row = to->data[p];
    guint64 row_bytes, n_rows;

    get_extent (format, p, &row_bytes, &n_rows);
    for (guint64 y = 0; y < n_rows; y++) {
      memcpy (row, image->plane[p] + (gssize) y * image->stride[p], row_bytes);
      row += to->info.stride[p];
    }
  }
}

static gboolean
copy_to_aligned (GstVitScaler *scaler, const VitImage *image)
{
  if (scaler->aligned.buffer == NULL
      && !gst_vit_converter_map_new_frame (&scaler->aligned, &scaler->from))
    return FALSE;
  copy_planes (&scaler->format, image, &scaler->aligned);
  return TRUE;
}

gboolean
gst_vit_scaler_run (GstVitScaler *scaler, VitImage *image)
{
  guint n_planes = scaler->format.pixel->n_planes;

  if (scaler->components != NULL) {
    gst_vit_components_run (scaler->components, image);
    return TRUE;
  }
  if (is_convertible (&scaler->format, image)) {
    GstVideoFrame from = { .info = scaler->from };

    for (guint p = 0; p < n_planes; p++) {
      from.data[p] = (gpointer) image->plane[p];
      from.info.stride[p] = (gint) image->stride[p];
    }
    gst_video_converter_frame (scaler->converter, &from, &scaler->to);
  } else {
    if (!copy_to_aligned (scaler, image))
      return FALSE;
    gst_video_converter_frame (
        scaler->converter, &scaler->aligned, &scaler->to);
  }
  for (guint p = 0; p < n_planes; p++) {
    image->plane[p] = GST_VIDEO_FRAME_PLANE_DATA (&scaler->to, p);
    image->stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&scaler->to, p);
  }
  return TRUE;
}
