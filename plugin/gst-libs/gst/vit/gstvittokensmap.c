/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: between the grid of patches and the pixels of the frame
 * that carries it.
 */
#include <math.h>

#include "gst/vit/gstvittokens-private.h"

/**
 * gst_vit_tokens_meta_get_map:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable) (array fixed-size=6): the map from the
 *   grid to the frame, see #GstVitTokensMeta; %NULL if the meta is not valid
 *
 * Since: 0.1
 */
const gdouble *
gst_vit_tokens_meta_get_map (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_tokens_meta_is_valid (meta, NULL) ? meta->map : NULL;
}

/**
 * gst_vit_tokens_meta_set_map:
 * @meta: a #GstVitTokensMeta
 * @map: (array fixed-size=6): numbers that lead from every corner of the grid
 *   to finite ones; see #GstVitTokensMeta
 *
 * Says where in the frame the grid lies.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_map (GstVitTokensMeta *meta, const gdouble map[6])
{
  g_return_if_fail (meta != NULL);
  g_return_if_fail (map != NULL);
  g_return_if_fail (gst_vit_tokens_map_is_finite (
      map, meta->grid_width, meta->grid_height));

  memcpy (meta->map, map, sizeof meta->map);
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
 * input was padded.  A patch outside of the grid is a mistake of the caller's,
 * and its rectangle empty, as is that of any patch of a meta that is not valid.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_get_patch_rect (const GstVitTokensMeta *meta, guint column,
    guint row, gdouble *x, gdouble *y, gdouble *width, gdouble *height)
{
  const gdouble *m;

  *x = *y = *width = *height = 0;
  g_return_if_fail (meta != NULL);
  g_return_if_fail (column < meta->grid_width && row < meta->grid_height);
  if (!gst_vit_tokens_meta_is_valid (meta, NULL))
    return;

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
 * Returns: whether a patch covers the point; if none does, or the meta is not
 *   valid, @column and @row are 0
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

  *column = *row = 0;
  g_return_val_if_fail (meta != NULL, FALSE);
  if (!gst_vit_tokens_meta_is_valid (meta, NULL))
    return FALSE;

  m = meta->map;
  determinant = m[0] * m[4] - m[1] * m[3];
  x -= m[2];
  y -= m[5];
  c = floor ((m[4] * x - m[1] * y) / determinant + tolerance);
  r = floor ((m[0] * y - m[3] * x) / determinant + tolerance);

  /* Written so that NaN, from a map without an inverse, fails it. */
  if (!(c >= 0 && c < meta->grid_width && r >= 0 && r < meta->grid_height))
    return FALSE;

  *column = c;
  *row = r;
  return TRUE;
}
