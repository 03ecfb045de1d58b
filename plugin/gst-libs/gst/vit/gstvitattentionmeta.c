/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta: attaching attention to a frame, finding it there, and
 * whether its fields, which are anyone's to write, fit together.
 */
#include "gst/vit/gstvitattentionmeta.h"

#include <string.h>

#include "gst/vit/gstvitattention-private.h"
#include "gst/vit/gstvittokens-private.h"

GstVitAttentionMeta *
gst_vit_attention_meta_add (
    GstBuffer *buffer, GstBuffer *values, const GstVitTokensFields *fields)
{
  GstVitAttentionMeta *meta = (GstVitAttentionMeta *) gst_buffer_add_meta (
      buffer, GST_VIT_ATTENTION_META_INFO, NULL);

  if (!meta)
    return NULL;
  meta->values = gst_buffer_ref (values);
  meta->n_heads = fields->embed_dim;
  meta->n_tokens = fields->n_tokens;
  meta->n_prefix_tokens = fields->n_prefix_tokens;
  meta->grid_width = fields->grid_width;
  meta->grid_height = fields->grid_height;
  meta->patch_size = fields->patch_size;
  meta->frame_width = fields->frame_width;
  meta->frame_height = fields->frame_height;
  memcpy (meta->map, fields->map, sizeof meta->map);
  meta->roi_id = fields->roi_id;
  meta->block = fields->n_blocks;
  meta->roi_x = fields->roi_x;
  meta->roi_y = fields->roi_y;
  meta->roi_width = fields->roi_width;
  meta->roi_height = fields->roi_height;
  if (fields->model_id)
    meta->model_id = g_strndup (fields->model_id, fields->model_id_size);
  if (fields->roi_type)
    meta->roi_type = g_strndup (fields->roi_type, fields->roi_type_size);
  return meta;
}

/**
 * gst_buffer_add_vit_attention_meta:
 * @buffer: a writable #GstBuffer, the frame
 * @tokens: a valid meta, on this frame or another: the tokens that are attended
 *   to, of which the first is the class token
 * @values: (transfer none): float32 values `[n_heads][n_tokens]` with the n_tokens
 *   of @tokens; not written to from here on
 * @n_heads: heads of the block, at least 1
 * @block: the block whose attention it is, 1 to %G_MAXINT
 *
 * Attaches to a frame how much the class token of a block attends to each token.
 * Grid, place, region and model are those of @tokens.
 *
 * Returns: (transfer none) (nullable): the new meta, owned by @buffer; %NULL
 *   when @values has another size than the arguments say
 *
 * Since: 0.1
 */
GstVitAttentionMeta *
gst_buffer_add_vit_attention_meta (GstBuffer *buffer,
    const GstVitTokensMeta *tokens, GstBuffer *values, guint n_heads,
    guint block)
{
  GstVitTokensFields fields;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (
      tokens != NULL && gst_vit_tokens_meta_is_valid (tokens, NULL), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (values) && values != buffer, NULL);
  fields = gst_vit_tokens_fields_of (tokens);
  fields.format = GST_VIT_TOKEN_FORMAT_F32;
  fields.embed_dim = n_heads;
  fields.n_blocks = block;
  g_return_val_if_fail (!gst_vit_attention_fields_find_fault (&fields), NULL);
  g_return_val_if_fail (
      gst_buffer_get_size (values) == gst_vit_attention_values_size (&fields),
      NULL);

  return gst_vit_attention_meta_add (buffer, values, &fields);
}

/**
 * gst_buffer_get_vit_attention_meta:
 * @buffer: a #GstBuffer
 *
 * Returns: (transfer none) (nullable): the first attention meta on @buffer
 *
 * Since: 0.1
 */
GstVitAttentionMeta *
gst_buffer_get_vit_attention_meta (GstBuffer *buffer)
{
  gpointer state = NULL;

  return gst_buffer_iterate_vit_attention_meta (buffer, &state);
}

/**
 * gst_buffer_iterate_vit_attention_meta:
 * @buffer: a #GstBuffer
 * @state: (inout) (transfer none): opaque; %NULL before the first call
 *
 * Gives the attention metas on @buffer one after the other, in the order in
 * which they were added.
 *
 * Returns: (transfer none) (nullable): the next, or %NULL at the end
 *
 * Since: 0.1
 */
GstVitAttentionMeta *
gst_buffer_iterate_vit_attention_meta (GstBuffer *buffer, gpointer *state)
{
  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);

  return (GstVitAttentionMeta *) gst_buffer_iterate_meta_filtered (
      buffer, state, GST_VIT_ATTENTION_META_INFO->api);
}

GstVitTokensFields
gst_vit_attention_fields_of (const GstVitAttentionMeta *meta)
{
  GstVitTokensMeta tokens = {
    .format = GST_VIT_TOKEN_FORMAT_F32,
    .n_tokens = meta->n_tokens,
    .n_prefix_tokens = meta->n_prefix_tokens,
    .grid_width = meta->grid_width,
    .grid_height = meta->grid_height,
    .patch_size = meta->patch_size,
    .embed_dim = meta->n_heads,
    .frame_width = meta->frame_width,
    .frame_height = meta->frame_height,
    .model_id = meta->model_id,
    .roi_id = meta->roi_id,
    .n_blocks = meta->block,
    .roi_type = meta->roi_type,
    .roi_x = meta->roi_x,
    .roi_y = meta->roi_y,
    .roi_width = meta->roi_width,
    .roi_height = meta->roi_height,
  };

  memcpy (tokens.map, meta->map, sizeof tokens.map);
  return gst_vit_tokens_fields_of (&tokens);
}

static const gchar *
find_fault (const GstVitAttentionMeta *meta)
{
  GstVitTokensFields fields;
  const gchar *fault;

  if (!meta->values)
    return "there are no values";
  fields = gst_vit_attention_fields_of (meta);
  fault = gst_vit_attention_fields_find_fault (&fields);
  if (fault)
    return fault;
  if (gst_buffer_get_size (meta->values)
      != gst_vit_attention_values_size (&fields))
    return "values is not n_heads * n_tokens values long";
  return NULL;
}

/**
 * gst_vit_attention_meta_is_valid:
 * @meta: a #GstVitAttentionMeta
 * @reason: (out) (optional) (nullable) (transfer none): what does not hold, in
 *   a few English words; %NULL if the meta is valid
 *
 * Whether the fields fit together, so that what they say may be relied on:
 *
 * - @values holds exactly n_heads * n_tokens float32 values, and n_tokens is
 *   n_prefix_tokens + grid_width * grid_height;
 * - n_heads, n_prefix_tokens, grid_width and grid_height are at least 1, and
 *   block, patch_size, frame_width and frame_height from 1 to %G_MAXINT;
 * - the map takes every corner of the grid to finite numbers;
 * - model_id is %NULL, or UTF-8 of at most 1024 bytes;
 * - roi_x, roi_y, roi_width and roi_height are all 0, or a rectangle of at least
 *   a pixel, no part of which is outside of frame_width x frame_height;
 * - roi_type is %NULL, or UTF-8 of at most 256 bytes.
 *
 * It says nothing of the values themselves: they may be NaN.  For who calls it,
 * see gst_vit_tokens_meta_is_valid().
 *
 * Returns: whether the meta is valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_attention_meta_is_valid (
    const GstVitAttentionMeta *meta, const gchar **reason)
{
  const gchar *fault;

  if (reason)
    *reason = NULL;
  g_return_val_if_fail (meta != NULL, FALSE);

  fault = find_fault (meta);
  if (reason)
    *reason = fault;
  return fault == NULL;
}

/**
 * gst_vit_attention_meta_get_values:
 * @meta: a #GstVitAttentionMeta
 *
 * Returns: (transfer none) (nullable): the values, float32 `[n_heads][n_tokens]`;
 *   %NULL if the meta is not valid, see gst_vit_attention_meta_is_valid()
 *
 * Since: 0.1
 */
GstBuffer *
gst_vit_attention_meta_get_values (const GstVitAttentionMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_attention_meta_is_valid (meta, NULL) ? meta->values : NULL;
}

/**
 * gst_vit_attention_meta_get_model_id:
 * @meta: a #GstVitAttentionMeta
 *
 * Returns: (transfer none) (nullable): a short name of the model; %NULL also if
 *   the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_attention_meta_get_model_id (const GstVitAttentionMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_attention_meta_is_valid (meta, NULL) ? meta->model_id : NULL;
}

/**
 * gst_vit_attention_meta_get_map:
 * @meta: a #GstVitAttentionMeta
 *
 * Returns: (transfer none) (nullable) (array fixed-size=6): the map from the
 *   grid to the frame, see #GstVitTokensMeta; %NULL if the meta is not valid
 *
 * Since: 0.1
 */
const gdouble *
gst_vit_attention_meta_get_map (const GstVitAttentionMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_attention_meta_is_valid (meta, NULL) ? meta->map : NULL;
}

/**
 * gst_vit_attention_meta_get_roi_rect:
 * @meta: a #GstVitAttentionMeta
 * @x: (out): the left edge of the region
 * @y: (out): its upper edge
 * @width: (out): its width
 * @height: (out): its height
 *
 * The region that was looked at, in pixels of the frame of frame_width x
 * frame_height; no part of it is outside of that frame.  Where there is no
 * region, it is the whole frame.
 *
 * Returns: whether it is known; else all four are 0, as they are if the meta is
 *   not valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_attention_meta_get_roi_rect (const GstVitAttentionMeta *meta, guint *x,
    guint *y, guint *width, guint *height)
{
  GstVitTokensFields fields;

  *x = *y = *width = *height = 0;
  g_return_val_if_fail (meta != NULL, FALSE);

  if (!gst_vit_attention_meta_is_valid (meta, NULL))
    return FALSE;
  fields = gst_vit_attention_fields_of (meta);
  return gst_vit_tokens_fields_get_roi (&fields, x, y, width, height);
}

/**
 * gst_vit_attention_meta_get_roi_type:
 * @meta: a #GstVitAttentionMeta
 *
 * Returns: (transfer none) (nullable): what the region holds, as whoever found
 *   it says; %NULL also if the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_attention_meta_get_roi_type (const GstVitAttentionMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_attention_meta_is_valid (meta, NULL) ? meta->roi_type : NULL;
}
