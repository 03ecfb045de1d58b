/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta from one frame to another made of it.
 *
 * The one rule: the other frame shows all of what this one shows, and nothing
 * else, or there is no copy.  The vector is of a picture, and nothing in it says
 * where that would lie on a frame with more on it.  A meta that is not valid is
 * copied with the frame as it is, so that whoever reads it can say so.
 */
#include <gst/video/video.h>

#include "gst/vit/gstvitembedding-private.h"
#include "gst/vit/gstvittokens-private.h"

static gboolean
add_copy (GstBuffer *dest, const GstVitEmbeddingMeta *source)
{
  GstVitEmbeddingMeta *copy = (GstVitEmbeddingMeta *) gst_buffer_add_meta (
      dest, GST_VIT_EMBEDDING_META_INFO, NULL);
  GstMeta base;

  if (!copy)
    return FALSE;
  base = copy->meta;
  *copy = *source;
  copy->meta = base;

  if (copy->values)
    gst_buffer_ref (copy->values);
  copy->roi_type = g_strdup (copy->roi_type);
  copy->model_id = g_strdup (copy->model_id);
  if (copy->labels)
    g_bytes_ref (copy->labels);
  return TRUE;
}

#if GST_CHECK_VERSION(1, 28, 0)
static gboolean
is_whole (const GstVideoRectangle *rectangle, const GstVideoInfo *frame)
{
  return rectangle->x == 0 && rectangle->y == 0 && rectangle->w == frame->width
         && rectangle->h == frame->height;
}
#endif

gboolean
gst_vit_embedding_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer G_GNUC_UNUSED, GQuark type, gpointer data)
{
  const GstVitEmbeddingMeta *source = (const GstVitEmbeddingMeta *) meta;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* TRUE for a region too: the buffer code logs FALSE as an error. */
    return copy->region || add_copy (dest, source);
  }
  if (!gst_vit_embedding_meta_is_valid (source, NULL))
    return FALSE;
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type)) {
    const GstVideoMetaTransform *scale = data;

    return !gst_vit_scale_may_add_borders (scale->in_info, scale->out_info)
           && add_copy (dest, source);
  }
#if GST_CHECK_VERSION(1, 28, 0)
  if (GST_VIDEO_META_TRANSFORM_IS_MATRIX (type)) {
    const GstVideoMetaTransformMatrix *matrix = data;

    return is_whole (&matrix->in_rectangle, matrix->in_info)
           && is_whole (&matrix->out_rectangle, matrix->out_info)
           && add_copy (dest, source);
  }
#endif

  return FALSE;
}
