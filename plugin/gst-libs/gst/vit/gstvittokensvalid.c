/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: whether its fields, which are anyone's to write, fit
 * together.  What relies on them asks here first.
 */
#include <string.h>

#include "gst/vit/gstvittokens-private.h"

GstVitTokensFields
gst_vit_tokens_fields_of (const GstVitTokensMeta *meta)
{
  GstVitTokensFields fields = {
    .format = meta->format,
    .n_tokens = meta->n_tokens,
    .n_prefix_tokens = meta->n_prefix_tokens,
    .grid_width = meta->grid_width,
    .grid_height = meta->grid_height,
    .patch_size = meta->patch_size,
    .embed_dim = meta->embed_dim,
    .frame_width = meta->frame_width,
    .frame_height = meta->frame_height,
    .n_blocks = meta->n_blocks,
    .roi_id = meta->roi_id,
    .model_id = meta->model_id,
    .roi_type = meta->roi_type,
    .roi_x = meta->roi_x,
    .roi_y = meta->roi_y,
    .roi_width = meta->roi_width,
    .roi_height = meta->roi_height,
  };

  memcpy (fields.map, meta->map, sizeof fields.map);
  /* One that is too long costs no more than to see that it is. */
  if (meta->model_id)
    fields.model_id_size
        = strnlen (meta->model_id, GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE + 1);
  if (meta->roi_type)
    fields.roi_type_size
        = strnlen (meta->roi_type, GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE + 1);
  if (meta->changed)
    fields.changed = g_bytes_get_data (meta->changed, NULL);
  if (meta->prefix_kinds && meta->n_prefix_tokens > 0)
    fields.prefix_kinds = g_bytes_get_data (meta->prefix_kinds, NULL);

  return fields;
}

gboolean
gst_vit_tokens_meta_fits_prefix_kinds (
    const GstVitTokensMeta *meta, const GBytes *prefix_kinds)
{
  return g_bytes_get_size ((GBytes *) prefix_kinds) == meta->n_prefix_tokens;
}

gboolean
gst_vit_tokens_meta_fits_changed (
    const GstVitTokensMeta *meta, const GBytes *changed)
{
  return g_bytes_get_size ((GBytes *) changed)
         == gst_vit_tokens_changed_size (meta->n_tokens);
}

gboolean
gst_vit_tokens_meta_fits_positions (
    const GstVitTokensMeta *meta, GstBuffer *positions)
{
  gsize size = gst_buffer_get_size (positions), expected;

  /* As if they were tokens with no prefix, of another format. */
  return size == 0
         || (gst_vit_tokens_layout_count (GST_VIT_TOKEN_FORMAT_F32, 0,
                 meta->grid_width, meta->grid_height, meta->embed_dim,
                 &expected)
                 > 0
             && size == expected);
}

static const gchar *
find_fault (const GstVitTokensMeta *meta)
{
  GstVitTokensFields fields;
  const gchar *fault;

  if (!meta->tokens)
    return "there are no tokens";
  fields = gst_vit_tokens_fields_of (meta);
  fault = gst_vit_tokens_fields_find_fault (&fields);
  if (fault)
    return fault;
  gst_vit_tokens_layout_count (meta->format, meta->n_prefix_tokens,
      meta->grid_width, meta->grid_height, meta->embed_dim,
      &fields.values_size);
  if (gst_buffer_get_size (meta->tokens) != fields.values_size)
    return "tokens is not n_tokens * embed_dim values long";
  if (meta->changed && !gst_vit_tokens_meta_fits_changed (meta, meta->changed))
    return "changed is not a bit a token";
  if (meta->positions
      && !gst_vit_tokens_meta_fits_positions (meta, meta->positions))
    return "positions is neither empty nor as long as the patches' tokens";
  if (meta->prefix_kinds
      && !gst_vit_tokens_meta_fits_prefix_kinds (meta, meta->prefix_kinds))
    return "prefix_kinds is not a byte a prefix token";
  return NULL;
}

/**
 * gst_vit_tokens_meta_is_valid:
 * @meta: a #GstVitTokensMeta
 * @reason: (out) (optional) (nullable) (transfer none): what does not hold, in
 *   a few English words; %NULL if the meta is valid
 *
 * Whether the fields fit together, so that what they say may be relied on:
 *
 * - @tokens holds exactly n_tokens * embed_dim values of a known format, and
 *   n_tokens is n_prefix_tokens + grid_width * grid_height;
 * - grid_width, grid_height and embed_dim are at least 1, and patch_size,
 *   frame_width and frame_height from 1 to %G_MAXINT; n_blocks is no more;
 * - the map takes every corner of the grid to finite numbers;
 * - model_id is %NULL, or UTF-8 of at most 1024 bytes;
 * - changed is %NULL, or (n_tokens + 7) / 8 bytes;
 * - positions is %NULL, empty, or
 *   grid_width * grid_height * embed_dim float32 values;
 * - prefix_kinds is %NULL, or n_prefix_tokens bytes;
 * - roi_x, roi_y, roi_width and roi_height are all 0, or a rectangle of at least
 *   a pixel, no part of which is outside of frame_width x frame_height;
 * - roi_type is %NULL, or UTF-8 of at most 256 bytes.
 *
 * It says nothing of the values themselves: they may be NaN.
 *
 * A meta is valid as gst_buffer_add_vit_tokens_meta() makes it and the setters
 * leave it.  But its fields are anyone's to write, and frames may come from
 * another process: an application that does not know where they come from calls
 * this before it reads one.  The elements of this plugin do, and pass over a
 * meta that is not valid, with a warning.
 *
 * Returns: whether the meta is valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_meta_is_valid (
    const GstVitTokensMeta *meta, const gchar **reason)
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
