/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: attaching patch tokens to a frame and finding them there.
 */
#include "gst/vit/gstvittokensmeta.h"

#include "gst/vit/gstvittokens-private.h"

GType
gst_vit_token_format_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_VIT_TOKEN_FORMAT_F32, "Float32, IEEE 754 binary32", "f32" },
    { GST_VIT_TOKEN_FORMAT_F16, "Float16, IEEE 754 binary16", "f16" },
    { GST_VIT_TOKEN_FORMAT_BF16, "bfloat16, the upper half of a float32",
        "bf16" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitTokenFormat", values));

  return type;
}

/**
 * gst_vit_token_format_get_size:
 * @format: a #GstVitTokenFormat
 *
 * Returns: bytes in one value; 0 of a format that is not known
 *
 * Since: 0.1
 */
gsize
gst_vit_token_format_get_size (GstVitTokenFormat format)
{
  switch (format) {
    case GST_VIT_TOKEN_FORMAT_F32:
      return 4;
    case GST_VIT_TOKEN_FORMAT_F16:
    case GST_VIT_TOKEN_FORMAT_BF16:
      return 2;
  }
  return 0;
}

/**
 * gst_buffer_add_vit_tokens_meta:
 * @buffer: a writable #GstBuffer, the frame
 * @tokens: (transfer none): the values, of exactly the size that the other
 *   arguments say; not written to from here on
 * @format: type of the values
 * @n_prefix_tokens: tokens before those of the patches
 * @grid_width: patches in a row, at least 1
 * @grid_height: rows of patches, at least 1
 * @patch_size: side of a patch in pixels, 1 to %G_MAXINT
 * @embed_dim: values in a token, at least 1
 * @frame_width: width of the frame in pixels, 1 to %G_MAXINT
 * @frame_height: height of the frame in pixels, 1 to %G_MAXINT
 * @model_id: (nullable): a short name of the model; bytes that are not UTF-8
 *   are replaced, and what goes beyond 1024 bytes is cut off
 *
 * Attaches tokens to a frame.  The other fields of the new meta say: the grid
 * starts in the frame's upper left corner at the frame's own scale, covers the
 * whole frame, was taken before the first block, and any token may have
 * changed.
 *
 * Returns: (transfer none) (nullable): the new meta, owned by @buffer; %NULL
 *   when @tokens has another size than the arguments say
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_add_vit_tokens_meta (GstBuffer *buffer, GstBuffer *tokens,
    GstVitTokenFormat format, guint n_prefix_tokens, guint grid_width,
    guint grid_height, guint patch_size, guint embed_dim, guint frame_width,
    guint frame_height, const gchar *model_id)
{
  GstVitTokensMeta *meta;
  guint n_tokens;
  gsize size;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (tokens) && tokens != buffer, NULL);
  g_return_val_if_fail (patch_size > 0 && patch_size <= G_MAXINT, NULL);
  g_return_val_if_fail (frame_width > 0 && frame_width <= G_MAXINT, NULL);
  g_return_val_if_fail (frame_height > 0 && frame_height <= G_MAXINT, NULL);
  n_tokens = gst_vit_tokens_layout_count (
      format, n_prefix_tokens, grid_width, grid_height, embed_dim, &size);
  g_return_val_if_fail (n_tokens > 0, NULL);
  g_return_val_if_fail (gst_buffer_get_size (tokens) == size, NULL);

  meta = (GstVitTokensMeta *) gst_buffer_add_meta (
      buffer, GST_VIT_TOKENS_META_INFO, NULL);
  if (!meta)
    return NULL;

  meta->tokens = gst_buffer_ref (tokens);
  meta->format = format;
  meta->n_tokens = n_tokens;
  meta->n_prefix_tokens = n_prefix_tokens;
  meta->grid_width = grid_width;
  meta->grid_height = grid_height;
  meta->patch_size = patch_size;
  meta->embed_dim = embed_dim;
  meta->frame_width = frame_width;
  meta->frame_height = frame_height;
  meta->map[0] = meta->map[4] = patch_size;
  meta->model_id = gst_vit_tokens_text (
      model_id, GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE);

  return meta;
}

/**
 * gst_buffer_get_vit_tokens_meta:
 * @buffer: a #GstBuffer
 *
 * Returns: (transfer none) (nullable): the first tokens meta on @buffer
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_get_vit_tokens_meta (GstBuffer *buffer)
{
  gpointer state = NULL;

  return gst_buffer_iterate_vit_tokens_meta (buffer, &state);
}

/**
 * gst_buffer_get_vit_tokens_meta_roi:
 * @buffer: a #GstBuffer
 * @roi_id: the id of a region, as its tokens meta has it; -1 for the whole
 *   frame
 *
 * A #GstVideoRegionOfInterestMeta whose id no other of the frame has, and that is
 * not -1, has its tokens under that id; see #GstVitTokensMeta for the others.
 *
 * Returns: (transfer none) (nullable): the first tokens meta on @buffer that
 *   covers this region
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_get_vit_tokens_meta_roi (GstBuffer *buffer, gint roi_id)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (buffer, &state)))
    if (meta->roi_id == roi_id)
      return meta;

  return NULL;
}

/**
 * gst_buffer_iterate_vit_tokens_meta:
 * @buffer: a #GstBuffer
 * @state: (inout) (transfer none): opaque; %NULL before the first call
 *
 * Gives the tokens metas on @buffer one after the other, in the order in
 * which they were added.
 *
 * Returns: (transfer none) (nullable): the next, or %NULL at the end
 *
 * Since: 0.1
 */
GstVitTokensMeta *
gst_buffer_iterate_vit_tokens_meta (GstBuffer *buffer, gpointer *state)
{
  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);

  return (GstVitTokensMeta *) gst_buffer_iterate_meta_filtered (
      buffer, state, GST_VIT_TOKENS_META_INFO->api);
}

/**
 * gst_vit_tokens_meta_get_tokens:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable): the values, `[n_tokens][embed_dim]`;
 *   %NULL if the meta is not valid, see gst_vit_tokens_meta_is_valid()
 *
 * Since: 0.1
 */
GstBuffer *
gst_vit_tokens_meta_get_tokens (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_tokens_meta_is_valid (meta, NULL) ? meta->tokens : NULL;
}

/**
 * gst_vit_tokens_meta_get_model_id:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable): a short name of the model; %NULL also if
 *   the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_tokens_meta_get_model_id (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_tokens_meta_is_valid (meta, NULL) ? meta->model_id : NULL;
}

/**
 * gst_vit_tokens_meta_set_changed:
 * @meta: a #GstVitTokensMeta
 * @changed: (nullable) (transfer none): (n_tokens + 7) / 8 bytes, one bit a
 *   token, least significant first; %NULL when any may have changed
 *
 * Says which tokens are not those of the last frame of the stream that had
 * tokens of the same region.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_changed (GstVitTokensMeta *meta, GBytes *changed)
{
  g_return_if_fail (meta != NULL);
  g_return_if_fail (
      changed == NULL || gst_vit_tokens_meta_fits_changed (meta, changed));

  if (changed)
    g_bytes_ref (changed);
  g_clear_pointer (&meta->changed, g_bytes_unref);
  meta->changed = changed;
}

/**
 * gst_vit_tokens_meta_is_changed:
 * @meta: a #GstVitTokensMeta
 * @token: index of a token, less than n_tokens
 *
 * Returns: whether the token may differ from that of the last frame of the
 *   stream that had tokens of the same region; %TRUE where that is not known, or
 *   cannot be, as @changed has not the size that it should
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_meta_is_changed (const GstVitTokensMeta *meta, guint token)
{
  const guint8 *bits;

  g_return_val_if_fail (meta != NULL, TRUE);
  g_return_val_if_fail (token < meta->n_tokens, TRUE);

  /* All of the meta is not looked at: this is asked of every token. */
  if (!meta->changed || !gst_vit_tokens_meta_fits_changed (meta, meta->changed))
    return TRUE;

  bits = g_bytes_get_data (meta->changed, NULL);
  return (bits[token / 8] >> (token % 8)) & 1;
}
