/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta from one frame to another made of it.
 *
 * The one rule: a copy has a map that is true of the frame it is on, or there
 * is no copy.
 */
#include "gstvittokens-private.h"

#include <gst/video/video.h>

static GstVitTokensMeta *
add_copy (GstBuffer *dest, const GstVitTokensMeta *source)
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
  copy->model_id = g_strdup (copy->model_id);

  return copy;
}

/* The scale transform tells both sizes but not whether the picture fills the
 * frame.  Scalers that keep the display aspect ratio (videoscale, by default)
 * add borders where it does not fit, others stretch: where the two would
 * differ by more than the rounding to whole pixels, neither can be assumed. */
static gboolean
may_have_borders (const GstVideoInfo *in, const GstVideoInfo *out)
{
  gdouble aspect = (gdouble) in->width / in->height * in->par_n / in->par_d
                   * out->par_d / out->par_n;
  gdouble width = out->height * aspect;
  gdouble height = out->width / aspect;

  return width < out->width - 1 || height < out->height - 1;
}

static gboolean
add_scaled (GstBuffer *dest, const GstVitTokensMeta *source,
    const GstVideoMetaTransform *scale)
{
  const GstVideoInfo *in = scale->in_info, *out = scale->out_info;
  GstVitTokensMeta *copy;
  gdouble x_scale, y_scale;

  if (may_have_borders (in, out))
    return FALSE;

  copy = add_copy (dest, source);
  if (!copy)
    return FALSE;

  x_scale = (gdouble) out->width / in->width;
  y_scale = (gdouble) out->height / in->height;
  for (guint i = 0; i < 3; i++) {
    copy->map[i] *= x_scale;
    copy->map[i + 3] *= y_scale;
  }
  return TRUE;
}

gboolean
gst_vit_tokens_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer G_GNUC_UNUSED, GQuark type, gpointer data)
{
  const GstVitTokensMeta *source = (const GstVitTokensMeta *) meta;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* TRUE for a region too: the buffer code logs FALSE as an error. */
    return copy->region || add_copy (dest, source);
  }
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type))
    return add_scaled (dest, source, data);
  return FALSE;
}
