/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: attaching patch tokens to a frame, carrying them through
 * the elements that follow, and finding a patch's place in the frame.
 *
 * The one rule of its transform function: a copy has a map that is true of the
 * frame it is on, or there is no copy.
 */
#include "gstvittokensmeta.h"

#include <math.h>

#include <gst/video/video.h>

GType
gst_vit_token_format_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_VIT_TOKEN_FORMAT_F32, "GST_VIT_TOKEN_FORMAT_F32", "f32" },
    { GST_VIT_TOKEN_FORMAT_F16, "GST_VIT_TOKEN_FORMAT_F16", "f16" },
    { GST_VIT_TOKEN_FORMAT_BF16, "GST_VIT_TOKEN_FORMAT_BF16", "bf16" },
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
 * Returns: bytes in one value
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
  g_return_val_if_reached (0);
}

GType
gst_vit_tokens_meta_api_get_type (void)
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
        &type, gst_meta_api_type_register ("GstVitTokensMetaAPI", tags));

  return type;
}

static gboolean
gst_vit_tokens_meta_init (GstMeta *meta, gpointer params G_GNUC_UNUSED,
    GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitTokensMeta *self = (GstVitTokensMeta *) meta;
  GstMeta base = self->meta;

  memset (self, 0, sizeof *self);
  self->meta = base;
  self->roi_id = -1;

  return TRUE;
}

static void
gst_vit_tokens_meta_free (GstMeta *meta, GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitTokensMeta *self = (GstVitTokensMeta *) meta;

  gst_clear_buffer (&self->tokens);
  g_clear_pointer (&self->changed, g_bytes_unref);
  g_clear_pointer (&self->model_id, g_free);
}

static GstVitTokensMeta *
add_copy (GstBuffer *dest, const GstVitTokensMeta *source)
{
  GstVitTokensMeta *copy;
  GstMeta base;

  copy = (GstVitTokensMeta *) gst_buffer_add_meta (
      dest, GST_VIT_TOKENS_META_INFO, NULL);
  if (!copy)
    return NULL;

  base = copy->meta;
  *copy = *source;
  copy->meta = base;

  if (copy->tokens)
    gst_buffer_ref (copy->tokens);
  if (copy->changed)
    g_bytes_ref (copy->changed);
  copy->model_id = g_strdup (copy->model_id);

  return copy;
}

/* The scale transform tells both sizes but not whether the picture fills the
 * frame.  Scalers that keep the display aspect ratio (videoscale, by default)
 * add borders where it does not fit, others stretch: where the two would
 * differ by more than the rounding to whole pixels, neither can be assumed. */
static gboolean
may_have_borders (const GstVideoInfo *in, const GstVideoInfo *out)
{
  gdouble aspect = (gdouble) in->width / in->height * in->par_n / in->par_d
                   * out->par_d / out->par_n;
  gdouble width = out->height * aspect;
  gdouble height = out->width / aspect;

  return width < out->width - 1 || height < out->height - 1;
}

static gboolean
add_scaled (GstBuffer *dest, const GstVitTokensMeta *source,
    const GstVideoMetaTransform *scale)
{
  const GstVideoInfo *in = scale->in_info, *out = scale->out_info;
  GstVitTokensMeta *copy;
  gdouble x_scale, y_scale;

  if (may_have_borders (in, out))
    return FALSE;

  copy = add_copy (dest, source);
  if (!copy)
    return FALSE;

  x_scale = (gdouble) out->width / in->width;
  y_scale = (gdouble) out->height / in->height;
  for (guint i = 0; i < 3; i++) {
    copy->map[i] *= x_scale;
    copy->map[i + 3] *= y_scale;
  }
  return TRUE;
}

static gboolean
gst_vit_tokens_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer G_GNUC_UNUSED, GQuark type, gpointer data)
{
  const GstVitTokensMeta *source = (const GstVitTokensMeta *) meta;

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    const GstMetaTransformCopy *copy = data;

    /* TRUE for a region too: the buffer code logs FALSE as an error. */
    return copy->region || add_copy (dest, source);
  }
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type))
    return add_scaled (dest, source, data);

  return FALSE;
}

const GstMetaInfo *
gst_vit_tokens_meta_get_info (void)
{
  static gsize info = 0;

  if (g_once_init_enter (&info))
    g_once_init_leave (
        &info, (gsize) gst_meta_register (GST_VIT_TOKENS_META_API_TYPE,
                   "GstVitTokensMeta", sizeof (GstVitTokensMeta),
                   gst_vit_tokens_meta_init, gst_vit_tokens_meta_free,
                   gst_vit_tokens_meta_transform));

  return (const GstMetaInfo *) info;
}

/* n_tokens of a layout whose values fill exactly `size` bytes; 0 for one that
 * does not, that is empty or that overflows. */
static guint
count_tokens (gsize size, GstVitTokenFormat format, guint n_prefix_tokens,
    guint grid_width, guint grid_height, guint embed_dim)
{
  guint n_tokens;
  gsize expected;

  if (grid_width == 0 || grid_height == 0 || embed_dim == 0
      || !g_uint_checked_mul (&n_tokens, grid_width, grid_height)
      || !g_uint_checked_add (&n_tokens, n_tokens, n_prefix_tokens)
      || !g_size_checked_mul (&expected, n_tokens, embed_dim)
      || !g_size_checked_mul (
          &expected, expected, gst_vit_token_format_get_size (format))
      || expected != size)
    return 0;

  return n_tokens;
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
 * @patch_size: side of a patch in pixels, at least 1
 * @embed_dim: values in a token, at least 1
 * @frame_width: width of the frame in pixels, at least 1
 * @frame_height: height of the frame in pixels, at least 1
 * @model_id: (nullable): a short name of the model; bytes that are not UTF-8
 *   are replaced
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

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (tokens) && tokens != buffer, NULL);
  g_return_val_if_fail (patch_size > 0, NULL);
  g_return_val_if_fail (frame_width > 0 && frame_height > 0, NULL);
  n_tokens = count_tokens (gst_buffer_get_size (tokens), format,
      n_prefix_tokens, grid_width, grid_height, embed_dim);
  g_return_val_if_fail (n_tokens > 0, NULL);

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
  if (model_id)
    meta->model_id = g_utf8_make_valid (model_id, -1);

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
 * @roi_id: id of a #GstVideoRegionOfInterestMeta; -1 for the whole frame
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
      buffer, state, GST_VIT_TOKENS_META_API_TYPE);
}

/**
 * gst_vit_tokens_meta_get_tokens:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none): the values, `[n_tokens][embed_dim]`
 *
 * Since: 0.1
 */
GstBuffer *
gst_vit_tokens_meta_get_tokens (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return meta->tokens;
}

/**
 * gst_vit_tokens_meta_get_model_id:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable): a short name of the model
 *
 * Since: 0.1
 */
const gchar *
gst_vit_tokens_meta_get_model_id (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return meta->model_id;
}

/**
 * gst_vit_tokens_meta_get_map:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (array fixed-size=6): the map from the grid to the
 *   frame; see #GstVitTokensMeta
 *
 * Since: 0.1
 */
const gdouble *
gst_vit_tokens_meta_get_map (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return meta->map;
}

/**
 * gst_vit_tokens_meta_set_map:
 * @meta: a #GstVitTokensMeta
 * @map: (array fixed-size=6): finite numbers; see #GstVitTokensMeta
 *
 * Says where in the frame the grid lies.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_map (GstVitTokensMeta *meta, const gdouble map[6])
{
  g_return_if_fail (meta != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (meta->map); i++)
    g_return_if_fail (isfinite (map[i]));

  memcpy (meta->map, map, sizeof meta->map);
}

/**
 * gst_vit_tokens_meta_set_changed:
 * @meta: a #GstVitTokensMeta
 * @changed: (nullable) (transfer none): (n_tokens + 7) / 8 bytes, one bit a
 *   token, least significant first; %NULL when any may have changed
 *
 * Says which tokens differ from those of the stream's frame before.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_changed (GstVitTokensMeta *meta, GBytes *changed)
{
  g_return_if_fail (meta != NULL);
  g_return_if_fail (
      changed == NULL
      || g_bytes_get_size (changed) == ((gsize) meta->n_tokens + 7) / 8);

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
 * Returns: whether the token may differ from that of the frame before
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_meta_is_changed (const GstVitTokensMeta *meta, guint token)
{
  const guint8 *bits;

  g_return_val_if_fail (meta != NULL, TRUE);
  g_return_val_if_fail (token < meta->n_tokens, TRUE);

  if (!meta->changed)
    return TRUE;

  bits = g_bytes_get_data (meta->changed, NULL);
  return (bits[token / 8] >> (token % 8)) & 1;
}

/**
 * gst_vit_tokens_meta_get_patch_rect:
 * @meta: a #GstVitTokensMeta
 * @column: column of a patch, less than grid_width
 * @row: row of a patch, less than grid_height
 * @x: (out): left edge
 * @y: (out): upper edge
 * @width: (out): width
 * @height: (out): height
 *
 * Gives the smallest upright rectangle around a patch, in pixels of the frame
 * that carries @meta.  It may reach past the frame's edge where the model's
 * input was padded.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_get_patch_rect (const GstVitTokensMeta *meta, guint column,
    guint row, gdouble *x, gdouble *y, gdouble *width, gdouble *height)
{
  const gdouble *m;

  g_return_if_fail (meta != NULL);
  g_return_if_fail (column < meta->grid_width && row < meta->grid_height);

  m = meta->map;
  *x = m[0] * column + m[1] * row + m[2] + MIN (m[0], 0) + MIN (m[1], 0);
  *y = m[3] * column + m[4] * row + m[5] + MIN (m[3], 0) + MIN (m[4], 0);
  *width = fabs (m[0]) + fabs (m[1]);
  *height = fabs (m[3]) + fabs (m[4]);
}

/**
 * gst_vit_tokens_meta_find_patch:
 * @meta: a #GstVitTokensMeta
 * @x: a point in the frame that carries @meta, in pixels
 * @y: its vertical position
 * @column: (out): column of the patch that covers it
 * @row: (out): row of the patch that covers it
 *
 * Returns: whether a patch covers the point; if none, @column and @row are 0
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_meta_find_patch (const GstVitTokensMeta *meta, gdouble x,
    gdouble y, guint *column, guint *row)
{
  /* So that the corner of a patch, as get_patch_rect() rounds it, is in it. */
  const gdouble tolerance = 1e-9;
  const gdouble *m;
  gdouble determinant, c, r;

  g_return_val_if_fail (meta != NULL, FALSE);

  m = meta->map;
  determinant = m[0] * m[4] - m[1] * m[3];
  x -= m[2];
  y -= m[5];
  c = floor ((m[4] * x - m[1] * y) / determinant + tolerance);
  r = floor ((m[0] * y - m[3] * x) / determinant + tolerance);

  *column = *row = 0;
  /* Written so that NaN, from a map without an inverse, fails it. */
  if (!(c >= 0 && c < meta->grid_width && r >= 0 && r < meta->grid_height))
    return FALSE;

  *column = c;
  *row = r;
  return TRUE;
}
