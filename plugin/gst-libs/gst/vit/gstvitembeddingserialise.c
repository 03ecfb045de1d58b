/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta through GStreamer's serialisation of metadata (1.24), with
 * which unixfdsink and unixfdsrc carry it to another process.
 */
#include "gst/vit/gstvitembedding-private.h"

#if GST_CHECK_VERSION(1, 24, 0)
#include <string.h>

#include "gst/vit/gstvitembeddingbytes.h"

gboolean
gst_vit_embedding_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version)
{
  const GstVitEmbeddingMeta *self = (const GstVitEmbeddingMeta *) meta;
  GstVitEmbeddingFields fields;
  GstMapInfo values;
  gsize head_size, size;
  guint8 *bytes;

  if (!gst_vit_embedding_meta_is_valid (self, NULL))
    return FALSE;
  fields = gst_vit_embedding_fields_of (self);
  head_size = gst_vit_embedding_bytes_head_size (&fields);
  if (head_size == 0 || !gst_buffer_map (self->values, &values, GST_MAP_READ))
    return FALSE;

  bytes = g_size_checked_add (&size, head_size, values.size)
              ? gst_byte_array_interface_append (data, size)
              : NULL;
  if (bytes) {
    gst_vit_embedding_bytes_write_head (&fields, bytes);
    memcpy (bytes + head_size, values.data, values.size);
  }
  gst_buffer_unmap (self->values, &values);
  *version = GST_VIT_EMBEDDING_BYTES_VERSION;

  return bytes != NULL;
}

/* What gst_buffer_add_vit_embedding_meta() is not given. */
static void
take_fields (GstVitEmbeddingMeta *meta, const GstVitEmbeddingFields *fields)
{
  meta->roi_id = fields->roi_id;
  meta->roi_x = fields->roi_x;
  meta->roi_y = fields->roi_y;
  meta->roi_width = fields->roi_width;
  meta->roi_height = fields->roi_height;
  meta->frame_width = fields->frame_width;
  meta->frame_height = fields->frame_height;
  if (fields->roi_type)
    meta->roi_type = g_strndup (fields->roi_type, fields->roi_type_size);
  if (fields->model_id)
    meta->model_id = g_strndup (fields->model_id, fields->model_id_size);
  if (fields->labels)
    meta->labels = g_bytes_new (fields->labels, fields->labels_size);
}

GstMeta *
gst_vit_embedding_meta_deserialize (const GstMetaInfo *info G_GNUC_UNUSED,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version)
{
  GstVitEmbeddingFields fields;
  GstVitEmbeddingMeta *meta;
  GstBuffer *values;
  gpointer bytes;

  if (!gst_vit_embedding_bytes_read (data, size, version, &fields))
    return NULL;

  bytes = g_try_malloc (fields.values_size);
  if (!bytes)
    return NULL;
  memcpy (bytes, fields.values, fields.values_size);
  values = gst_buffer_new_wrapped (bytes, fields.values_size);
  meta = gst_buffer_add_vit_embedding_meta (
      buffer, fields.kind, values, fields.dim, fields.normalized, NULL);
  gst_buffer_unref (values);
  if (!meta)
    return NULL;

  take_fields (meta, &fields);
  return &meta->meta;
}
#endif
