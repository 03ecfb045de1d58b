/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: which region of the frame the tokens are of.
 */
#include <string.h>

#include "gst/vit/gstvittokens-private.h"

gchar *
gst_vit_tokens_text (const gchar *text, gsize most)
{
  gchar *valid;

  if (!text)
    return NULL;
  valid = g_utf8_make_valid (text, strnlen (text, most + 1));
  if (strlen (valid) > most)
    *g_utf8_find_prev_char (valid, valid + most + 1) = '\0';
  return valid;
}

/**
 * gst_vit_tokens_meta_set_roi:
 * @meta: a #GstVitTokensMeta
 * @roi_id: id of the region; -1 for the whole frame
 * @roi_type: (nullable): what the region holds, such as "face"; bytes that are
 *   not UTF-8 are replaced, and what goes beyond 256 bytes is cut off
 * @x: its left edge, in pixels of frame_width x frame_height
 * @y: its upper edge
 * @width: its width, at least 1; or all four numbers are 0: it is not known
 * @height: its height
 *
 * Says which region of the frame the tokens are of.  No part of it is outside of
 * the frame.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_roi (GstVitTokensMeta *meta, gint roi_id,
    const gchar *roi_type, guint x, guint y, guint width, guint height)
{
  GstVitTokensFields fields;

  g_return_if_fail (meta != NULL);
  fields = (GstVitTokensFields) {
    .frame_width = meta->frame_width,
    .frame_height = meta->frame_height,
    .roi_x = x,
    .roi_y = y,
    .roi_width = width,
    .roi_height = height,
  };
  g_return_if_fail (gst_vit_tokens_fields_is_roi_inside (&fields));

  meta->roi_id = roi_id;
  g_free (meta->roi_type);
  meta->roi_type = gst_vit_tokens_text (
      roi_type, GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE);
  meta->roi_x = x;
  meta->roi_y = y;
  meta->roi_width = width;
  meta->roi_height = height;
}

/**
 * gst_vit_tokens_meta_get_roi_rect:
 * @meta: a #GstVitTokensMeta
 * @x: (out): the left edge of the region
 * @y: (out): its upper edge
 * @width: (out): its width
 * @height: (out): its height
 *
 * The region that the tokens are of, in pixels of the frame of frame_width x
 * frame_height that they were computed from; no part of it is outside of that
 * frame.  Where there is no region, it is the whole frame.
 *
 * Returns: whether it is known; else all four are 0, as they are if the meta is
 *   not valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_meta_get_roi_rect (const GstVitTokensMeta *meta, guint *x,
    guint *y, guint *width, guint *height)
{
  GstVitTokensFields fields;

  *x = *y = *width = *height = 0;
  g_return_val_if_fail (meta != NULL, FALSE);

  if (!gst_vit_tokens_meta_is_valid (meta, NULL))
    return FALSE;
  fields = gst_vit_tokens_fields_of (meta);
  return gst_vit_tokens_fields_get_roi (&fields, x, y, width, height);
}

/**
 * gst_vit_tokens_meta_get_roi_type:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable): what the region holds, as whoever found
 *   it says; %NULL also if the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_tokens_meta_get_roi_type (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_tokens_meta_is_valid (meta, NULL) ? meta->roi_type : NULL;
}
