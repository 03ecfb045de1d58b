/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: what of the tokens is position, and how to ask for it.
 *
 * Positions are as large as the tokens and the same for every frame of a size,
 * and only who shows or compares tokens wants them.  So they are made when an
 * element downstream asks, by an event that goes upstream through whatever lies
 * between, once, and are shared by reference from then on.
 */
#include "gst/vit/gstvittokens-private.h"

#define REQUEST_NAME "GstVitRequestPositions"

/**
 * gst_vit_tokens_meta_get_positions:
 * @meta: a #GstVitTokensMeta
 *
 * Returns: (transfer none) (nullable): what the position table added to the
 *   patches' tokens, see #GstVitTokensMeta; %NULL also if the meta is not valid
 *
 * Since: 0.1
 */
GstBuffer *
gst_vit_tokens_meta_get_positions (const GstVitTokensMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_tokens_meta_is_valid (meta, NULL) ? meta->positions : NULL;
}

/**
 * gst_vit_tokens_meta_set_positions:
 * @meta: a #GstVitTokensMeta
 * @positions: (nullable) (transfer none): float32
 *   `[grid_height * grid_width][embed_dim]`, not written to from here on; empty:
 *   nothing was added
 *
 * Says what the position table added to the patches' tokens.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_positions (
    GstVitTokensMeta *meta, GstBuffer *positions)
{
  g_return_if_fail (meta != NULL);
  g_return_if_fail (
      positions == NULL
      || gst_vit_tokens_meta_fits_positions (meta, positions));

  gst_buffer_replace (&meta->positions, positions);
}

/**
 * gst_vit_tokens_event_new_request_positions:
 *
 * An event to send upstream, by who wants the positions of the tokens that it
 * receives: from then on, the element that computes them attaches both, where
 * positions are simply added and so can be told apart.
 *
 * Returns: (transfer full): the event
 *
 * Since: 0.1
 */
GstEvent *
gst_vit_tokens_event_new_request_positions (void)
{
  return gst_event_new_custom (
      GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty (REQUEST_NAME));
}

/**
 * gst_vit_tokens_event_is_request_positions:
 * @event: any event
 *
 * Returns: whether it is one of gst_vit_tokens_event_new_request_positions()
 *
 * Since: 0.1
 */
gboolean
gst_vit_tokens_event_is_request_positions (const GstEvent *event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM
         && gst_event_has_name ((GstEvent *) event, REQUEST_NAME);
}
