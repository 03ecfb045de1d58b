/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta from one frame to another made of it, by the rule of tokens:
 * a copy has a map that is true of the frame it is on, or there is no copy.
 */
#include <string.h>

#include "gst/vit/gstvitattention-private.h"
#include "gst/vit/gstvittokens-private.h"

static GstVitAttentionMeta *
add_copy (GstBuffer *dest, const GstVitAttentionMeta *source)
{
  GstVitAttentionMeta *copy = (GstVitAttentionMeta *) gst_buffer_add_meta (
      dest, GST_VIT_ATTENTION_META_INFO, NULL);
  GstMeta base;

  if (!copy)
    return NULL;
  base = copy->meta;
  *copy = *source;
  copy->meta = base;

  if (copy->values)
    gst_buffer_ref (copy->values);
  copy->model_id = g_strdup (copy->model_id);
  copy->roi_type = g_strdup (copy->roi_type);
  return copy;
}

gboolean
gst_vit_attention_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer G_GNUC_UNUSED, GQuark type, gpointer data)
{
  const GstVitAttentionMeta *source = (const GstVitAttentionMeta *) meta;
  GstVitTokensFields fields;
  GstVitAttentionMeta *moved;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* TRUE for a region too: the buffer code logs FALSE as an error. */
    return copy->region || add_copy (dest, source);
  }
  if (!gst_vit_attention_meta_is_valid (source, NULL))
    return FALSE;
  fields = gst_vit_attention_fields_of (source);
  if (!gst_vit_tokens_fields_follow (&fields, type, data))
    return FALSE;
  moved = add_copy (dest, source);
  if (moved)
    memcpy (moved->map, fields.map, sizeof moved->map);
  return moved != NULL;
}
