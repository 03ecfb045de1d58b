/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta: its types, and their registration with GStreamer.
 */
#include <gst/video/video.h>
#include <string.h>

#include "gst/vit/gstvitattention-private.h"

GType
gst_vit_attention_meta_api_get_type (void)
{
  static const gchar *tags[] = {
    GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR,
    GST_META_TAG_VIDEO_ORIENTATION_STR,
    NULL,
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, gst_meta_api_type_register ("GstVitAttentionMetaAPI", tags));

  return type;
}

static gboolean
gst_vit_attention_meta_init (GstMeta *meta, gpointer params G_GNUC_UNUSED,
    GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitAttentionMeta *self = (GstVitAttentionMeta *) meta;
  GstMeta base = self->meta;

  memset (self, 0, sizeof *self);
  self->meta = base;
  self->roi_id = -1;

  return TRUE;
}

static void
gst_vit_attention_meta_free (GstMeta *meta, GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitAttentionMeta *self = (GstVitAttentionMeta *) meta;

  gst_clear_buffer (&self->values);
  g_clear_pointer (&self->roi_type, g_free);
  g_clear_pointer (&self->model_id, g_free);
}

static const GstMetaInfo *
register_info (void)
{
#if GST_CHECK_VERSION(1, 24, 0)
  GstMetaInfo *info = gst_meta_info_new (GST_VIT_ATTENTION_META_API_TYPE,
      "GstVitAttentionMeta", sizeof (GstVitAttentionMeta));

  info->init_func = gst_vit_attention_meta_init;
  info->free_func = gst_vit_attention_meta_free;
  info->transform_func = gst_vit_attention_meta_transform;
  info->serialize_func = gst_vit_attention_meta_serialize;
  info->deserialize_func = gst_vit_attention_meta_deserialize;
  return gst_meta_info_register (info);
#else
  return gst_meta_register (GST_VIT_ATTENTION_META_API_TYPE,
      "GstVitAttentionMeta", sizeof (GstVitAttentionMeta),
      gst_vit_attention_meta_init, gst_vit_attention_meta_free,
      gst_vit_attention_meta_transform);
#endif
}

const GstMetaInfo *
gst_vit_attention_meta_get_info (void)
{
  static gsize info = 0;

  if (g_once_init_enter (&info))
    g_once_init_leave (&info, (gsize) register_info ());

  return (const GstMetaInfo *) info;
}
