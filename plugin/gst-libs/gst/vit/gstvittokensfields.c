/* SPDX-License-Identifier: MIT
 *
 * Functions of their arguments alone, so that they can be tested with any
 * numbers and on every release of GStreamer.
 */
#include "gst/vit/gstvittokensfields.h"

#include <math.h>

guint
gst_vit_tokens_layout_count (GstVitTokenFormat format, guint n_prefix_tokens,
    guint grid_width, guint grid_height, guint embed_dim, gsize *values_size)
{
  gsize value_size = gst_vit_token_format_get_size (format);
  guint n_tokens;

  if (value_size == 0 || grid_width == 0 || grid_height == 0 || embed_dim == 0
      || !g_uint_checked_mul (&n_tokens, grid_width, grid_height)
      || !g_uint_checked_add (&n_tokens, n_tokens, n_prefix_tokens)
      || !g_size_checked_mul (values_size, n_tokens, embed_dim)
      || !g_size_checked_mul (values_size, *values_size, value_size))
    return 0;

  return n_tokens;
}

gsize
gst_vit_tokens_changed_size (guint n_tokens)
{
  return ((gsize) n_tokens + 7) / 8;
}

gboolean
gst_vit_tokens_map_is_finite (
    const gdouble map[6], guint grid_width, guint grid_height)
{
  for (guint i = 0; i < 6; i += 3)
    if (!isfinite (fabs (map[i]) * grid_width + fabs (map[i + 1]) * grid_height
                   + fabs (map[i + 2])))
      return FALSE;

  return TRUE;
}

/* A size of GStreamer's is a gint. */
static gboolean
is_size (guint number)
{
  return number > 0 && number <= G_MAXINT;
}

static const gchar *
find_number_fault (const GstVitTokensFields *fields)
{
  gsize values_size;
  guint n_tokens;

  if (gst_vit_token_format_get_size (fields->format) == 0)
    return "format is not known";
  n_tokens = gst_vit_tokens_layout_count (fields->format,
      fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
      fields->embed_dim, &values_size);
  if (n_tokens == 0)
    return "grid_width, grid_height or embed_dim is 0 or too large";
  if (fields->n_tokens != n_tokens)
    return "n_tokens is not n_prefix_tokens + grid_width * grid_height";
  if (!is_size (fields->patch_size) || !is_size (fields->frame_width)
      || !is_size (fields->frame_height))
    return "patch_size, frame_width or frame_height is 0 or too large";
  if (fields->n_blocks > G_MAXINT)
    return "n_blocks is too large";
  return NULL;
}

gboolean
gst_vit_tokens_fields_is_roi_inside (const GstVitTokensFields *fields)
{
  guint width = fields->roi_width, height = fields->roi_height;

  if (width == 0 && height == 0)
    return fields->roi_x == 0 && fields->roi_y == 0;
  return width > 0 && height > 0 && width <= fields->frame_width
         && height <= fields->frame_height
         && fields->roi_x <= fields->frame_width - width
         && fields->roi_y <= fields->frame_height - height;
}

gboolean
gst_vit_tokens_fields_get_roi (const GstVitTokensFields *fields, guint *x,
    guint *y, guint *width, guint *height)
{
  gboolean is_region = fields->roi_width > 0;

  if (!is_region && fields->roi_id != -1)
    return FALSE;
  *x = fields->roi_x;
  *y = fields->roi_y;
  *width = is_region ? fields->roi_width : fields->frame_width;
  *height = is_region ? fields->roi_height : fields->frame_height;
  return TRUE;
}

const gchar *
gst_vit_tokens_fields_find_label_fault (const GstVitTokensFields *fields)
{
  if (fields->model_id
      && fields->model_id_size > GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE)
    return "model_id is too long";
  if (fields->model_id
      && !g_utf8_validate_len (
          fields->model_id, fields->model_id_size, NULL))
    return "model_id is not UTF-8";
  if (!gst_vit_tokens_fields_is_roi_inside (fields))
    return "roi_x, roi_y, roi_width, roi_height lead out of the frame";
  if (fields->roi_type
      && fields->roi_type_size > GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE)
    return "roi_type is too long";
  if (fields->roi_type
      && !g_utf8_validate_len (
          fields->roi_type, fields->roi_type_size, NULL))
    return "roi_type is not UTF-8";
  return NULL;
}

const gchar *
gst_vit_tokens_fields_find_fault (const GstVitTokensFields *fields)
{
  const gchar *fault = find_number_fault (fields);

  if (fault)
    return fault;
  if (!gst_vit_tokens_map_is_finite (
          fields->map, fields->grid_width, fields->grid_height))
    return "map leads to places that are not finite";
  return gst_vit_tokens_fields_find_label_fault (fields);
}
