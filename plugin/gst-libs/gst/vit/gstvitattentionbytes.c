/* SPDX-License-Identifier: MIT
 *
 * Functions of their arguments alone, so that they can be tested with any bytes
 * and on every release of GStreamer.
 */
#include "gst/vit/gstvitattentionbytes.h"

#include "gst/vit/gstvittokensbytes.h"

gsize
gst_vit_attention_values_size (const GstVitTokensFields *fields)
{
  gsize size;

  return gst_vit_tokens_layout_count (GST_VIT_TOKEN_FORMAT_F32,
             fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
             fields->embed_dim, &size)
                 > 0
             ? size
             : 0;
}

const gchar *
gst_vit_attention_fields_find_fault (const GstVitTokensFields *fields)
{
  if (gst_vit_attention_values_size (fields) == 0)
    return "grid_width, grid_height or n_heads is 0 or too large";
  if (fields->n_prefix_tokens == 0)
    return "there is no class token";
  if (fields->n_blocks == 0 || fields->n_blocks > G_MAXINT)
    return "block is 0 or too large";
  return gst_vit_tokens_fields_find_fault (fields);
}

gboolean
gst_vit_attention_bytes_read (const guint8 *bytes, gsize size, guint version,
    GstVitTokensFields *fields)
{
  return version == GST_VIT_ATTENTION_BYTES_VERSION
         && gst_vit_tokens_bytes_read (
             bytes, size, GST_VIT_TOKENS_BYTES_VERSION, fields)
         && fields->format == GST_VIT_TOKEN_FORMAT_F32 && !fields->changed
         && !fields->prefix_kinds
         && !gst_vit_attention_fields_find_fault (fields);
}
