/* SPDX-License-Identifier: MIT
 *
 * How what is drawn reaches the next element: attached to the frame where somebody
 * downstream draws compositions, else blended into its pixels; and the caps that
 * say which.
 */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

#define GST_VIT_DELIVERY_FORMATS GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS
#define GST_VIT_DELIVERY_FEATURE                                               \
  GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION

/* Of both pads. */
#define GST_VIT_DELIVERY_CAPS                                                                     \
  GST_VIDEO_CAPS_MAKE (GST_VIT_DELIVERY_FORMATS)                                                  \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (                                                        \
      GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " GST_VIT_DELIVERY_FEATURE,                        \
      GST_VIT_DELIVERY_FORMATS) "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (GST_VIT_DELIVERY_FEATURE, \
      GST_VIT_DELIVERY_FORMATS)

/* All zeros: nothing negotiated yet. */
typedef struct {
  /* Under the element's object lock. */
  gboolean is_attach_refused; /* downstream lets the caps pass, but does not
                               * draw what is attached */
  gboolean must_check;        /* whether it does */

  /* Of the streaming thread. */
  GstVideoInfo info;
  gboolean has_overlay_in;
  gboolean has_overlay_out;
} GstVitDelivery;

/* Downstream may be another: what it refused no longer counts. */
void gst_vit_delivery_renew (GstVitDelivery *delivery, GstBaseTransform *base);

/* As the virtual functions of GstBaseTransform; fixate alone does not do all of
 * it: the base class's is to follow. */
GstCaps *gst_vit_delivery_transform_caps (GstVitDelivery *delivery,
    GstBaseTransform *base, GstPadDirection direction, GstCaps *caps,
    GstCaps *filter);
GstCaps *gst_vit_delivery_fixate_caps (
    GstPadDirection direction, GstCaps *other /* (transfer full) */);
gboolean gst_vit_delivery_set_caps (GstVitDelivery *delivery,
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps);

/* Before every frame: sees to it, once for every caps, that nothing is attached
 * that nobody draws. */
void gst_vit_delivery_check (GstVitDelivery *delivery, GstBaseTransform *base);

/* Puts what is drawn on a frame that may be written to. */
GstFlowReturn gst_vit_delivery_put (GstVitDelivery *delivery,
    GstBaseTransform *base, GstBuffer *buffer,
    GstVideoOverlayComposition *drawn);

G_END_DECLS
