/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta from one frame to another made of it.
 *
 * The one rule: a copy has a map that is true of the frame it is on, or there
 * is no copy.  A meta that is not valid is copied with the frame as it is, so
 * that whoever reads it can say so, but it is in no place that could be
 * followed.
 */
#include "gst/vit/gstvittokens-private.h"

#include <gst/video/video.h>
#include <math.h>
#include <string.h>

GstVitTokensMeta *
gst_vit_tokens_meta_add_copy (GstBuffer *dest, const GstVitTokensMeta *source)
{
  GstVitTokensMeta *copy;
  GstMeta base;

  copy = (GstVitTokensMeta *) gst_buffer_add_meta (
      dest, GST_VIT_TOKENS_META_INFO, NULL);
  if (!copy)
    return NULL;

  base = copy->meta;
  *copy = *source;
  copy->meta = base;

  if (copy->tokens)
    gst_buffer_ref (copy->tokens);
  if (copy->changed)
    g_bytes_ref (copy->changed);
  if (copy->positions)
    gst_buffer_ref (copy->positions);
  if (copy->prefix_kinds)
    g_bytes_ref (copy->prefix_kinds);
  copy->model_id = g_strdup (copy->model_id);
  copy->roi_type = g_strdup (copy->roi_type);

  return copy;
}

gboolean
gst_vit_scale_may_add_borders (
    const GstVideoInfo *in, const GstVideoInfo *out)
{
  gdouble aspect = (gdouble) in->width / in->height * in->par_n / in->par_d
                   * out->par_d / out->par_n;
  gdouble width = out->height * aspect;
  gdouble height = out->width / aspect;

  return width < out->width - 1 || height < out->height - 1;
}

static gboolean
follow_scale (GstVitTokensFields *fields, const GstVideoMetaTransform *scale)
{
  const GstVideoInfo *in = scale->in_info, *out = scale->out_info;
  gdouble x_scale, y_scale;

  if (gst_vit_scale_may_add_borders (in, out))
    return FALSE;

  x_scale = (gdouble) out->width / in->width;
  y_scale = (gdouble) out->height / in->height;
  for (guint i = 0; i < 3; i++) {
    fields->map[i] *= x_scale;
    fields->map[i + 3] *= y_scale;
  }
  return TRUE;
}

#if GST_CHECK_VERSION(1, 28, 0)
/* What is the ratio of two sizes, or its opposite, but for rounding to float32,
 * is that ratio. */
static gdouble
exact_ratio (gfloat number, gint out, gint in)
{
  gdouble ratio = (gdouble) out / in;

  if (fabsf (number) != (gfloat) out / (gfloat) in)
    return number;
  return number < 0 ? -ratio : ratio;
}

/* The box around the image of a rectangle: left, top, width, height. */
static void
get_image (
    const gdouble map[6], const GstVideoRectangle *rectangle, gdouble box[4])
{
  for (guint i = 0; i < 2; i++) {
    const gdouble *m = map + 3 * i;
    gdouble along_x = m[0] * rectangle->w, along_y = m[1] * rectangle->h;

    box[i] = m[0] * rectangle->x + m[1] * rectangle->y + m[2] + MIN (along_x, 0)
             + MIN (along_y, 0);
    box[i + 2] = fabs (along_x) + fabs (along_y);
  }
}

/* A point is the corner of pixels here, but some elements' matrix takes it for
 * a pixel: videoflip's takes column 0 of 64 to column 63, which puts the left
 * edge of the picture, 0, a pixel short of the right one, 64.  Where the
 * picture thus has the size of its place but lies up to a pixel beside it, it
 * is moved there. */
static void
move_into_place (
    const GstVideoMetaTransformMatrix *transform, gdouble affine[6])
{
  const GstVideoRectangle *out = &transform->out_rectangle;
  const gdouble place[4] = { out->x, out->y, out->w, out->h };
  gdouble box[4];

  get_image (affine, &transform->in_rectangle, box);
  for (guint i = 0; i < 2; i++)
    if (fabs (box[i + 2] - place[i + 2]) < 1e-3
        && fabs (box[i] - place[i]) <= 1.001)
      affine[3 * i + 2] += place[i] - box[i];
}

/* The transform as a map from the one frame's pixels to the other's, laid out
 * as that of the meta.  FALSE if it is no affine map, or has no inverse. */
static gboolean
get_affine (const GstVideoMetaTransformMatrix *transform, gdouble affine[6])
{
  const GstVideoRectangle *in = &transform->in_rectangle;
  const GstVideoRectangle *out = &transform->out_rectangle;
  const gfloat (*m)[3] = transform->matrix;

  if (m[2][0] != 0 || m[2][1] != 0 || m[2][2] != 1 || in->w <= 0 || in->h <= 0)
    return FALSE;

  affine[0] = exact_ratio (m[0][0], out->w, in->w);
  affine[1] = exact_ratio (m[0][1], out->w, in->h);
  affine[2] = m[0][2] + out->x - affine[0] * in->x - affine[1] * in->y;
  affine[3] = exact_ratio (m[1][0], out->h, in->w);
  affine[4] = exact_ratio (m[1][1], out->h, in->h);
  affine[5] = m[1][2] + out->y - affine[3] * in->x - affine[4] * in->y;
  for (guint i = 0; i < 6; i++)
    if (!isfinite (affine[i]))
      return FALSE;
  if (affine[0] * affine[4] - affine[1] * affine[3] == 0)
    return FALSE;

  move_into_place (transform, affine);
  return TRUE;
}

/* Whether some of the grid lies in a part of the frame that is cut off. */
static gboolean
is_cut (
    const GstVitTokensFields *fields, const GstVideoMetaTransformMatrix *cut)
{
  const GstVideoRectangle *kept = &cut->in_rectangle;
  const gdouble *m = fields->map;
  gdouble columns = fields->grid_width, rows = fields->grid_height;
  gdouble left = m[2] + MIN (m[0] * columns, 0) + MIN (m[1] * rows, 0);
  gdouble right = m[2] + MAX (m[0] * columns, 0) + MAX (m[1] * rows, 0);
  gdouble top = m[5] + MIN (m[3] * columns, 0) + MIN (m[4] * rows, 0);
  gdouble bottom = m[5] + MAX (m[3] * columns, 0) + MAX (m[4] * rows, 0);

  return MAX (left, 0) < kept->x || MAX (top, 0) < kept->y
         || MIN (right, cut->in_info->width) > kept->x + kept->w
         || MIN (bottom, cut->in_info->height) > kept->y + kept->h;
}

static gboolean
fills_frame (const GstVideoMetaTransformMatrix *transform)
{
  const GstVideoRectangle *out = &transform->out_rectangle;

  return out->x <= 0 && out->y <= 0
         && out->x + out->w >= transform->out_info->width
         && out->y + out->h >= transform->out_info->height;
}

/* A patch that was cut off may lie outside of the frame, but not on the border
 * or the other picture that is there instead of it. */
static gboolean
follow_matrix (GstVitTokensFields *fields,
    const GstVideoMetaTransformMatrix *transform)
{
  const gdouble *m = fields->map;
  gdouble a[6], map[6];

  if (!get_affine (transform, a)
      || (is_cut (fields, transform) && !fills_frame (transform)))
    return FALSE;

  for (guint row = 0; row < 6; row += 3) {
    for (guint i = 0; i < 3; i++)
      map[row + i] = a[row] * m[i] + a[row + 1] * m[i + 3];
    map[row + 2] += a[row + 2];
  }
  memcpy (fields->map, map, sizeof fields->map);
  return TRUE;
}
#endif

gboolean
gst_vit_tokens_fields_follow (
    GstVitTokensFields *fields, GQuark type, gpointer data)
{
  gboolean is_known = FALSE;

  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type))
    is_known = follow_scale (fields, data);
#if GST_CHECK_VERSION(1, 28, 0)
  if (GST_VIDEO_META_TRANSFORM_IS_MATRIX (type))
    is_known = follow_matrix (fields, data);
#endif
  return is_known
         && gst_vit_tokens_map_is_finite (
             fields->map, fields->grid_width, fields->grid_height);
}

gboolean
gst_vit_tokens_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer G_GNUC_UNUSED, GQuark type, gpointer data)
{
  const GstVitTokensMeta *source = (const GstVitTokensMeta *) meta;
  GstVitTokensFields fields;
  GstVitTokensMeta *moved;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* TRUE for a region too: the buffer code logs FALSE as an error. */
    return copy->region || gst_vit_tokens_meta_add_copy (dest, source);
  }
  if (!gst_vit_tokens_meta_is_valid (source, NULL))
    return FALSE;
  fields = gst_vit_tokens_fields_of (source);
  if (!gst_vit_tokens_fields_follow (&fields, type, data))
    return FALSE;
  moved = gst_vit_tokens_meta_add_copy (dest, source);
  if (moved)
    memcpy (moved->map, fields.map, sizeof moved->map);
  return moved != NULL;
}
