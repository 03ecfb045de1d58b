/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta through GStreamer's serialisation of metadata (1.24), with
 * which unixfdsink and unixfdsrc carry it to another process.  The values are
 * copied once on either side.
 */
#include "gst/vit/gstvittokens-private.h"

#if GST_CHECK_VERSION(1, 24, 0)
#include <string.h>

#include "gst/vit/gstvittokensbytes.h"

gboolean
gst_vit_tokens_fields_serialize (const GstVitTokensFields *fields,
    GstBuffer *values, GstByteArrayInterface *data)
{
  gsize head_size = gst_vit_tokens_bytes_head_size (fields), size;
  GstMapInfo map;
  guint8 *bytes;

  if (head_size == 0 || !gst_buffer_map (values, &map, GST_MAP_READ))
    return FALSE;
  bytes = g_size_checked_add (&size, head_size, map.size)
              ? gst_byte_array_interface_append (data, size)
              : NULL;
  if (bytes) {
    gst_vit_tokens_bytes_write_head (fields, bytes);
    memcpy (bytes + head_size, map.data, map.size);
  }
  gst_buffer_unmap (values, &map);
  return bytes != NULL;
}

GstBuffer *
gst_vit_tokens_fields_copy_values (const GstVitTokensFields *fields)
{
  gpointer values = g_try_malloc (fields->values_size);

  if (!values)
    return NULL;
  memcpy (values, fields->values, fields->values_size);
  return gst_buffer_new_wrapped (values, fields->values_size);
}

gboolean
gst_vit_tokens_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version)
{
  const GstVitTokensMeta *self = (const GstVitTokensMeta *) meta;
  GstVitTokensFields fields;

  if (!gst_vit_tokens_meta_is_valid (self, NULL))
    return FALSE;
  fields = gst_vit_tokens_fields_of (self);
  *version = GST_VIT_TOKENS_BYTES_VERSION;
  return gst_vit_tokens_fields_serialize (&fields, self->tokens, data);
}

/* What gst_buffer_add_vit_tokens_meta() is not given. */
static void
take_fields (GstVitTokensMeta *meta, const GstVitTokensFields *fields)
{
  memcpy (meta->map, fields->map, sizeof meta->map);
  meta->n_blocks = fields->n_blocks;
  meta->roi_id = fields->roi_id;
  meta->roi_x = fields->roi_x;
  meta->roi_y = fields->roi_y;
  meta->roi_width = fields->roi_width;
  meta->roi_height = fields->roi_height;
  if (fields->model_id)
    meta->model_id = g_strndup (fields->model_id, fields->model_id_size);
  if (fields->roi_type)
    meta->roi_type = g_strndup (fields->roi_type, fields->roi_type_size);
  if (fields->prefix_kinds)
    meta->prefix_kinds
        = g_bytes_new (fields->prefix_kinds, fields->n_prefix_tokens);
  if (fields->changed)
    meta->changed = g_bytes_new (
        fields->changed, gst_vit_tokens_changed_size (fields->n_tokens));
}

GstMeta *
gst_vit_tokens_meta_deserialize (const GstMetaInfo *info G_GNUC_UNUSED,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version)
{
  GstVitTokensFields fields;
  GstVitTokensMeta *meta;
  GstBuffer *tokens;

  if (!gst_vit_tokens_bytes_read (data, size, version, &fields))
    return NULL;

  tokens = gst_vit_tokens_fields_copy_values (&fields);
  if (!tokens)
    return NULL;
  meta = gst_buffer_add_vit_tokens_meta (buffer, tokens, fields.format,
      fields.n_prefix_tokens, fields.grid_width, fields.grid_height,
      fields.patch_size, fields.embed_dim, fields.frame_width,
      fields.frame_height, NULL);
  gst_buffer_unref (tokens);
  if (!meta)
    return NULL;

  take_fields (meta, &fields);
  return &meta->meta;
}
#endif
