/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta by depth: the tokens that go into a model's first block, and
 * the features that come out of one of its blocks.
 */
#include "gst/vit/gstvittokens-private.h"

/**
 * gst_buffer_add_vit_features_meta:
 * @buffer: a writable #GstBuffer, the frame
 * @tokens: a valid meta, on this frame or another: what the features were
 *   computed from
 * @features: (transfer none): the values, `[n_tokens][embed_dim]` with the
 *   n_tokens of @tokens; not written to from here on
 * @format: type of the values
 * @embed_dim: values in a feature, at least 1
 * @n_blocks: blocks after which they were taken, 1 to %G_MAXINT
 *
 * Attaches the features of tokens to a frame, in the order of the tokens.  All
 * that is said of the tokens holds for them, their grid, place, region, prefix
 * tokens and model, but for two fields: positions is empty, as nothing was added
 * to them that could be told apart, and any may have changed.
 *
 * Returns: (transfer none) (nullable): the new meta, owned by @buffer; %NULL
 *   when @features has another size than the arguments say
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_add_vit_features_meta (GstBuffer *buffer,
    const GstVitTokensMeta *tokens, GstBuffer *features,
    GstVitTokenFormat format, guint embed_dim, guint n_blocks)
{
  GstVitTokensMeta *meta;
  guint n_tokens;
  gsize size;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (
      tokens != NULL && gst_vit_tokens_meta_is_valid (tokens, NULL), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (features) && features != buffer, NULL);
  g_return_val_if_fail (n_blocks > 0 && n_blocks <= G_MAXINT, NULL);
  n_tokens = gst_vit_tokens_layout_count (format, tokens->n_prefix_tokens,
      tokens->grid_width, tokens->grid_height, embed_dim, &size);
  g_return_val_if_fail (n_tokens > 0, NULL);
  g_return_val_if_fail (gst_buffer_get_size (features) == size, NULL);

  meta = gst_vit_tokens_meta_add_copy (buffer, tokens);
  if (!meta)
    return NULL;

  gst_buffer_replace (&meta->tokens, features);
  meta->format = format;
  meta->embed_dim = embed_dim;
  meta->n_blocks = n_blocks;
  g_clear_pointer (&meta->changed, g_bytes_unref);
  gst_clear_buffer (&meta->positions);
  meta->positions = gst_buffer_new ();

  return meta;
}

/**
 * gst_buffer_get_vit_tokens_meta_deepest:
 * @buffer: a #GstBuffer
 *
 * What was computed last: where there are features, those after most blocks,
 * else the tokens.
 *
 * Returns: (transfer none) (nullable): the first of the tokens metas on @buffer
 *   with the largest n_blocks
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_get_vit_tokens_meta_deepest (GstBuffer *buffer)
{
  GstVitTokensMeta *meta, *deepest = NULL;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (buffer, &state)))
    if (!deepest || meta->n_blocks > deepest->n_blocks)
      deepest = meta;

  return deepest;
}

/**
 * gst_buffer_get_vit_tokens_meta_at:
 * @buffer: a #GstBuffer
 * @n_blocks: a number of blocks; 0 for the tokens that go into the first
 *
 * Returns: (transfer none) (nullable): the first tokens meta on @buffer that was
 *   taken after so many blocks
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_get_vit_tokens_meta_at (GstBuffer *buffer, guint n_blocks)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (buffer, &state)))
    if (meta->n_blocks == n_blocks)
      return meta;

  return NULL;
}
