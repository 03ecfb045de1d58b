/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta through GStreamer's serialisation of metadata (1.24), with
 * which unixfdsink and unixfdsrc carry it to another process.
 */
#include "gst/vit/gstvitattention-private.h"

#if GST_CHECK_VERSION(1, 24, 0)
#include "gst/vit/gstvittokens-private.h"

gboolean
gst_vit_attention_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version)
{
  const GstVitAttentionMeta *self = (const GstVitAttentionMeta *) meta;
  GstVitTokensFields fields;

  if (!gst_vit_attention_meta_is_valid (self, NULL))
    return FALSE;
  fields = gst_vit_attention_fields_of (self);
  *version = GST_VIT_ATTENTION_BYTES_VERSION;
  return gst_vit_tokens_fields_serialize (&fields, self->values, data);
}

GstMeta *
gst_vit_attention_meta_deserialize (const GstMetaInfo *info G_GNUC_UNUSED,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version)
{
  GstVitTokensFields fields;
  GstVitAttentionMeta *meta;
  GstBuffer *values;

  if (!gst_vit_attention_bytes_read (data, size, version, &fields))
    return NULL;
  values = gst_vit_tokens_fields_copy_values (&fields);
  if (!values)
    return NULL;
  meta = gst_vit_attention_meta_add (buffer, values, &fields);
  gst_buffer_unref (values);
  return meta ? &meta->meta : NULL;
}
#endif
