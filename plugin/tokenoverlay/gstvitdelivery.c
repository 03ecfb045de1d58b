/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitdelivery.h"

#include "common/gstvitflushing.h"
#include "tokenoverlay/gstvitcanvas.h"
#include "tokenoverlay/gstvitcomposition.h"

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_token_overlay_debug);
#define GST_CAT_DEFAULT gst_vit_token_overlay_debug

void
gst_vit_delivery_renew (GstVitDelivery *self, GstBaseTransform *base)
{
  GST_OBJECT_LOCK (base);
  self->is_attach_refused = FALSE;
  self->must_check = TRUE;
  GST_OBJECT_UNLOCK (base);
}

static gboolean
has_overlay (const GstCaps *caps, guint i)
{
  return gst_caps_features_contains (
      gst_caps_get_features (caps, i), GST_VIT_DELIVERY_FEATURE);
}

/* `caps` with the feature added or taken away, after what is in `to`. */
static GstCaps *
append_changed (GstCaps *to /* (transfer full) */, const GstCaps *caps, guint i,
    gboolean add)
{
  GstCapsFeatures *features
      = gst_caps_features_copy (gst_caps_get_features (caps, i));

  if (add)
    gst_caps_features_add (features, GST_VIT_DELIVERY_FEATURE);
  else
    gst_caps_features_remove (features, GST_VIT_DELIVERY_FEATURE);
  return gst_caps_merge_structure_full (
      to, gst_structure_copy (gst_caps_get_structure (caps, i)), features);
}

/* What is attached already cannot be taken off, so the feature goes in only
 * where it comes out; out it may come newly. */
GstCaps *
gst_vit_delivery_transform_caps (GstVitDelivery *self, GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstCaps *result = gst_caps_new_empty (), *filtered;
  gboolean may_attach;

  GST_OBJECT_LOCK (base);
  may_attach = !self->is_attach_refused;
  GST_OBJECT_UNLOCK (base);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    gboolean is_any
        = gst_caps_features_is_any (gst_caps_get_features (caps, i));

    if (direction == GST_PAD_SINK && may_attach && !is_any
        && !has_overlay (caps, i))
      result = append_changed (result, caps, i, TRUE);
    result = gst_caps_merge_structure_full (result,
        gst_structure_copy (gst_caps_get_structure (caps, i)),
        gst_caps_features_copy (gst_caps_get_features (caps, i)));
    if (direction == GST_PAD_SRC && has_overlay (caps, i))
      result = append_changed (result, caps, i, FALSE);
  }
  if (!filter)
    return result;
  filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

/* Attaching is preferred in whatever order downstream names its caps. */
GstCaps *
gst_vit_delivery_fixate_caps (GstPadDirection direction, GstCaps *other)
{
  for (guint i = 0; direction == GST_PAD_SINK && i < gst_caps_get_size (other);
       i++) {
    if (has_overlay (other, i)) {
      GstCaps *chosen = gst_caps_copy_nth (other, i);

      gst_caps_unref (other);
      return chosen;
    }
  }
  return other;
}

gboolean
gst_vit_delivery_set_caps (GstVitDelivery *self, GstBaseTransform *base,
    GstCaps *in_caps, GstCaps *out_caps)
{
  if (!gst_video_info_from_caps (&self->info, in_caps))
    return FALSE;
  self->has_overlay_in = has_overlay (in_caps, 0);
  self->has_overlay_out = has_overlay (out_caps, 0);
  GST_OBJECT_LOCK (base);
  self->must_check = TRUE;
  GST_OBJECT_UNLOCK (base);
  return TRUE;
}

/* Whether downstream takes frames to which nothing is attached. */
static gboolean
is_blending_possible (GstBaseTransform *base)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (base);
  GstCaps *caps = gst_pad_get_current_caps (pad), *plain;
  gboolean is;

  if (!caps)
    return FALSE;
  plain = append_changed (gst_caps_new_empty (), caps, 0, FALSE);
  is = gst_pad_peer_query_accept_caps (pad, plain);
  gst_caps_unref (plain);
  gst_caps_unref (caps);
  return is;
}

static gboolean
is_attaching_possible (GstBaseTransform *base)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (base);
  GstCaps *caps = gst_pad_get_current_caps (pad);
  GstQuery *query = gst_query_new_allocation (caps, FALSE);
  gboolean is = gst_pad_peer_query (pad, query)
                && gst_query_find_allocation_meta (
                    query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);

  gst_query_unref (query);
  gst_clear_caps (&caps);
  return is;
}

/* Caps with the feature also pass elements that do not know what it means; who
 * does says so when asked about buffers.  If nobody does, the caps go without
 * it before the frame that waits here, unless they were asked for with it. */
void
gst_vit_delivery_check (GstVitDelivery *self, GstBaseTransform *base)
{
  gboolean must_check;

  GST_OBJECT_LOCK (base);
  must_check = self->must_check && self->has_overlay_out;
  self->must_check = FALSE;
  GST_OBJECT_UNLOCK (base);
  if (!must_check || self->has_overlay_in || is_attaching_possible (base)
      || !is_blending_possible (base))
    return;
  /* A flush is no answer: it is asked again. */
  if (gst_vit_is_flushing (GST_BASE_TRANSFORM_SRC_PAD (base))) {
    GST_OBJECT_LOCK (base);
    self->must_check = TRUE;
    GST_OBJECT_UNLOCK (base);
    return;
  }
  GST_INFO_OBJECT (base, "nobody downstream draws compositions: blending");
  GST_OBJECT_LOCK (base);
  self->is_attach_refused = TRUE;
  GST_OBJECT_UNLOCK (base);
  gst_base_transform_reconfigure_src (base);
}

static GstFlowReturn
blend (GstVitDelivery *self, GstBaseTransform *base, GstBuffer *buffer,
    GstVideoOverlayComposition *drawn)
{
  GstVideoFrame frame;
  gchar *reason = NULL;
  gboolean is_done;

  if (!gst_vit_canvas_map (&frame, &self->info, buffer, &reason)) {
    GST_ELEMENT_ERROR (base, STREAM, FORMAT, ("%s", reason),
        ("%" GST_PTR_FORMAT, buffer));
    g_free (reason);
    return GST_FLOW_ERROR;
  }
  is_done = gst_video_overlay_composition_blend (drawn, &frame);
  gst_video_frame_unmap (&frame);
  if (!is_done)
    GST_WARNING_OBJECT (base, "could not blend into %" GST_PTR_FORMAT, buffer);
  return GST_FLOW_OK;
}

GstFlowReturn
gst_vit_delivery_put (GstVitDelivery *self, GstBaseTransform *base,
    GstBuffer *buffer, GstVideoOverlayComposition *drawn)
{
  if (gst_video_overlay_composition_n_rectangles (drawn) == 0)
    return GST_FLOW_OK;
  if (!self->has_overlay_out)
    return blend (self, base, buffer, drawn);
  gst_vit_composition_attach (buffer, drawn);
  return GST_FLOW_OK;
}
