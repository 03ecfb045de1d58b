/* SPDX-License-Identifier: MIT
 *
 * vittokenoverlay: the element; what it draws is gstvitdrawing's matter.
 */

/**
 * SECTION:element-vittokenoverlay
 * @title: vittokenoverlay
 * @short_description: Draws patch tokens on the frame that carries them
 *
 * Makes the tokens that #vitpatchembed (or an encoder after it) attached to a
 * frame visible on the frame, where its #GstVitTokensMeta says that they lie: so
 * it may stand behind elements that scale the frame.  A frame without tokens
 * passes as it is.  A meta whose fields do not fit together
 * (gst_vit_tokens_meta_is_valid()) is not drawn, with one warning.
 *
 * Where an element downstream says that it draws a
 * #GstVideoOverlayCompositionMeta itself, as video sinks do, the picture is
 * attached to the frame as one; else it is blended into the frame's pixels.
 *
 * ## What is drawn
 *
 * - `pca`: the first three principal components of the patch tokens as red,
 *   green and blue.  Patches of like content have like colours, and keep them
 *   from frame to frame.
 * - `similarity`: the cosine of every patch's token with that of one patch, the
 *   one under #GstVitTokenOverlay:x, #GstVitTokenOverlay:y, which is framed.  A
 *   mouse click in the window of the video chooses another.
 * - `norm`: the length of every patch's token.
 * - `changed`: the patches whose tokens are not those of the last frame that
 *   had tokens.
 * - `grid`: where the patches lie.
 *
 * The first three leave out what the position table added to the tokens, which
 * would hide the rest.  #vitpatchembed tells when it is asked, and this element
 * asks.  Where it cannot be known, before a LayerNorm (CLIP) or from elements
 * that do not tell, what the patches of a row and those of a column have in
 * common is taken for it.  Tokens taken after transformer blocks are drawn as
 * they are.
 *
 * All metas of a frame become one picture, later ones over earlier ones; those
 * that would cover the frame more than 16 times are left out, with one warning.
 * A frame that GStreamer cannot blend into is an error: one whose memory does not
 * hold its pixels, whose planes reach over more than 2^31 - 1 bytes, with lines of
 * 2^28 pixels or more, or whose pixels of 4 bytes do not lie at multiples of 4.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc ! video/x-raw,width=640,height=480 ! vitpatchembed ! vittokenoverlay ! videoconvert ! autovideosink
 * ]| Principal components in a window.
 * |[
 * gst-launch-1.0 videotestsrc pattern=ball num-buffers=100 ! vitpatchembed ! vittokenoverlay mode=changed ! fakesink
 * ]| Which patches were computed anew.
 *
 * Since: 0.1
 */
#include "tokenoverlay/gstvittokenoverlay.h"

#include "common/gstvitallocation.h"
#include "common/gstvitflushing.h"
#include "common/gstvitrefusal.h"
#include "gst/vit/gstvittokensmeta.h"
#include "tokenoverlay/gstvitcanvas.h"
#include "tokenoverlay/gstvitcomposition.h"
#include "tokenoverlay/gstvitdrawing.h"
#include "tokenoverlay/gstvitdrawingsettings.h"

GST_DEBUG_CATEGORY_STATIC (gst_vit_token_overlay_debug);
#define GST_CAT_DEFAULT gst_vit_token_overlay_debug

#define OVERLAY GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define FORMATS GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS
#define PAD_CAPS                                                              \
  GST_VIDEO_CAPS_MAKE (FORMATS)                                               \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (                                    \
      GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " OVERLAY, FORMATS)            \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (OVERLAY, FORMATS)

struct _GstVitTokenOverlay {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitDrawingSettings settings;
  gboolean is_attach_refused; /* downstream lets the caps pass, but does not
                               * draw what is attached */
  gboolean must_check;        /* whether it does */

  /* Of the streaming thread. */
  GstVitDrawing *drawing;
  GstVideoInfo video_info;
  gboolean has_overlay_in;
  gboolean has_overlay_out;
  gboolean has_asked;  /* for positions */
  gboolean has_warned; /* of tokens that cannot be drawn, since the caps */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstVitTokenOverlay, gst_vit_token_overlay,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_token_overlay_debug, "vittokenoverlay", 0,
        "patch tokens drawn"));
GST_ELEMENT_REGISTER_DEFINE (vittokenoverlay, "vittokenoverlay", GST_RANK_NONE,
    GST_TYPE_VIT_TOKEN_OVERLAY);

static GstVitDrawingSettings
get_settings (GstVitTokenOverlay *self)
{
  GstVitDrawingSettings settings;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  return settings;
}

static gboolean
gst_vit_token_overlay_start (GstBaseTransform *base)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  self->drawing = gst_vit_drawing_new ();
  GST_OBJECT_LOCK (self);
  self->is_attach_refused = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_vit_token_overlay_stop (GstBaseTransform *base)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  g_clear_pointer (&self->drawing, gst_vit_drawing_free);
  return TRUE;
}

static gboolean
has_overlay (const GstCaps *caps, guint i)
{
  return gst_caps_features_contains (gst_caps_get_features (caps, i), OVERLAY);
}

/* `caps` with the feature added or taken away, after what is in `to`. */
static GstCaps *
append_changed (GstCaps *to /* (transfer full) */, const GstCaps *caps,
    guint i, gboolean add)
{
  GstCapsFeatures *features
      = gst_caps_features_copy (gst_caps_get_features (caps, i));

  if (add)
    gst_caps_features_add (features, OVERLAY);
  else
    gst_caps_features_remove (features, OVERLAY);
  return gst_caps_merge_structure_full (
      to, gst_structure_copy (gst_caps_get_structure (caps, i)), features);
}

/* What is attached already cannot be taken off, so the feature goes in only
 * where it comes out; out it may come newly. */
static GstCaps *
gst_vit_token_overlay_transform_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);
  GstCaps *result = gst_caps_new_empty (), *filtered;
  gboolean may_attach;

  GST_OBJECT_LOCK (self);
  may_attach = !self->is_attach_refused;
  GST_OBJECT_UNLOCK (self);
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
static GstCaps *
gst_vit_token_overlay_fixate_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *other)
{
  for (guint i = 0;
       direction == GST_PAD_SINK && i < gst_caps_get_size (other); i++) {
    if (has_overlay (other, i)) {
      GstCaps *chosen = gst_caps_copy_nth (other, i);

      gst_caps_unref (other);
      other = chosen;
      break;
    }
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
      ->fixate_caps (base, direction, caps, other);
}

/* Once for every stream: who computes the tokens may have started anew. */
static void
ask_for_positions (GstVitTokenOverlay *self)
{
  GstVitDrawingSettings settings = get_settings (self);

  if (self->has_asked || !gst_vit_drawing_wants_positions (&settings))
    return;
  self->has_asked = TRUE;
  gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self),
      gst_vit_tokens_event_new_request_positions ());
}

static gboolean
gst_vit_token_overlay_set_caps (
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  if (!gst_video_info_from_caps (&self->video_info, in_caps))
    return FALSE;
  self->has_overlay_in = has_overlay (in_caps, 0);
  self->has_overlay_out = has_overlay (out_caps, 0);
  GST_OBJECT_LOCK (self);
  self->must_check = TRUE;
  GST_OBJECT_UNLOCK (self);
  self->has_warned = FALSE;
  gst_vit_drawing_reset (self->drawing);
  ask_for_positions (self);
  return TRUE;
}

/* Whether downstream takes frames to which nothing is attached. */
static gboolean
is_blending_possible (GstVitTokenOverlay *self)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
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
is_attaching_possible (GstVitTokenOverlay *self)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
  GstCaps *caps = gst_pad_get_current_caps (pad);
  GstQuery *query = gst_query_new_allocation (caps, FALSE);
  gboolean is
      = gst_pad_peer_query (pad, query)
        && gst_query_find_allocation_meta (
            query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);

  gst_query_unref (query);
  gst_clear_caps (&caps);
  return is;
}

/* Caps with the feature also pass elements that do not know what it means; who
 * does says so when asked about buffers.  If nobody does, the caps go without
 * it before the frame that waits here, unless they were asked for with it. */
static GstFlowReturn
gst_vit_token_overlay_submit_input_buffer (
    GstBaseTransform *base, gboolean is_discont, GstBuffer *buffer)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);
  gboolean must_check, is_refused;

  GST_OBJECT_LOCK (self);
  must_check = self->must_check && self->has_overlay_out;
  self->must_check = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (must_check && !self->has_overlay_in && !is_attaching_possible (self)
      && is_blending_possible (self)) {
    is_refused = !gst_vit_is_flushing (base->srcpad);
    GST_OBJECT_LOCK (self);
    if (is_refused)
      self->is_attach_refused = TRUE;
    else
      self->must_check = TRUE;
    GST_OBJECT_UNLOCK (self);
    if (is_refused) {
      GST_INFO_OBJECT (self, "nobody downstream draws compositions: blending");
      gst_base_transform_reconfigure_src (base);
    }
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
      ->submit_input_buffer (base, is_discont, buffer);
}

static gboolean
gst_vit_token_overlay_propose_allocation (GstBaseTransform *base,
    GstQuery *decide_query G_GNUC_UNUSED, GstQuery *query)
{
  gst_vit_allocation_propose (GST_BASE_TRANSFORM_SRC_PAD (base), query);
  return TRUE;
}

static GstFlowReturn
blend (GstVitTokenOverlay *self, GstBuffer *buffer,
    GstVideoOverlayComposition *drawn)
{
  GstVideoFrame frame;
  gchar *reason = NULL;
  gboolean is_done;

  if (!gst_vit_canvas_map (&frame, &self->video_info, buffer, &reason)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason),
        ("%" GST_PTR_FORMAT, buffer));
    g_free (reason);
    return GST_FLOW_ERROR;
  }
  is_done = gst_video_overlay_composition_blend (drawn, &frame);
  gst_video_frame_unmap (&frame);
  if (!is_done)
    GST_WARNING_OBJECT (self, "could not blend into %" GST_PTR_FORMAT, buffer);
  return GST_FLOW_OK;
}

/* reason (nullable): there are none. */
static void
report_undrawn (
    GstVitTokenOverlay *self, GstBuffer *buffer, const gchar *reason)
{
  if (!reason) {
    GST_LOG_OBJECT (self, "no tokens on %" GST_PTR_FORMAT, buffer);
    return;
  }
  if (!self->has_warned)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Tokens are not drawn: %s", reason), ("%" GST_PTR_FORMAT, buffer));
  self->has_warned = TRUE;
}

/* Properties may be under an application's control: those of the frame's time. */
static void
gst_vit_token_overlay_before_transform (
    GstBaseTransform *base, GstBuffer *buffer)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (base->segment.format == GST_FORMAT_TIME)
    time = gst_segment_to_stream_time (
        &base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (base), time);
}

static GstFlowReturn
gst_vit_token_overlay_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);
  GstVitDrawingSettings settings = get_settings (self);
  GstVideoOverlayComposition *drawn;
  GstFlowReturn result = GST_FLOW_OK;
  const gchar *reason;

  ask_for_positions (self);
  drawn = gst_vit_drawing_compose (self->drawing, &settings, buffer,
      (guint) GST_VIDEO_INFO_WIDTH (&self->video_info),
      (guint) GST_VIDEO_INFO_HEIGHT (&self->video_info), &reason);
  if (!drawn || reason)
    report_undrawn (self, buffer, reason);
  if (!drawn)
    return GST_FLOW_OK;
  if (gst_video_overlay_composition_n_rectangles (drawn) > 0) {
    if (self->has_overlay_out)
      gst_vit_composition_attach (buffer, drawn);
    else
      result = blend (self, buffer, drawn);
  }
  gst_video_overlay_composition_unref (drawn);
  return result;
}

static gboolean
gst_vit_token_overlay_sink_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    self->has_asked = FALSE;
  /* NULL: it comes as the element stops. */
  if ((GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START
          || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
      && self->drawing)
    gst_vit_drawing_reset (self->drawing);
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
      ->sink_event (base, event);
}

/* A click asks for the patches that are like the one under it. */
static void
take_click (GstVitTokenOverlay *self, GstEvent *event)
{
  gdouble x, y;
  gint button;

  if (gst_navigation_event_get_type (event)
          != GST_NAVIGATION_EVENT_MOUSE_BUTTON_PRESS
      || !gst_navigation_event_parse_mouse_button_event (
          event, &button, &x, &y))
    return;
  if (!(x >= 0 && y >= 0 && x <= G_MAXINT && y <= G_MAXINT))
    return;
  GST_OBJECT_LOCK (self);
  self->settings.x = (gint) x;
  self->settings.y = (gint) y;
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "x");
  g_object_notify (G_OBJECT (self), "y");
}

static gboolean
gst_vit_token_overlay_src_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  if (GST_EVENT_TYPE (event) == GST_EVENT_NAVIGATION)
    take_click (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE) {
    GST_OBJECT_LOCK (self);
    self->is_attach_refused = FALSE;
    self->must_check = TRUE;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
      ->src_event (base, event);
}

static void
gst_vit_token_overlay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (object);
  gboolean is_known;

  GST_OBJECT_LOCK (self);
  is_known = gst_vit_drawing_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_token_overlay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstVitDrawingSettings settings
      = get_settings (GST_VIT_TOKEN_OVERLAY (object));

  if (!gst_vit_drawing_settings_get (&settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_token_overlay_init (GstVitTokenOverlay *self)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);

  gst_vit_drawing_settings_init (&self->settings);
  gst_base_transform_set_in_place (base, TRUE);
  gst_base_transform_set_passthrough (base, FALSE);
  gst_base_transform_set_gap_aware (base, TRUE);
  gst_vit_refusal_watch (GST_BASE_TRANSFORM_SINK_PAD (base));
  gst_base_transform_set_qos_enabled (base, TRUE);
}

static void
gst_vit_token_overlay_class_init (GstVitTokenOverlayClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (class);

  object_class->set_property = gst_vit_token_overlay_set_property;
  object_class->get_property = gst_vit_token_overlay_get_property;
  gst_vit_drawing_settings_install (object_class);
  gst_element_class_set_static_metadata (element_class,
      "Vision Transformer token overlay", "Filter/Editor/Video",
      "Draws the patch tokens that a frame carries onto it",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  base_class->start = gst_vit_token_overlay_start;
  base_class->stop = gst_vit_token_overlay_stop;
  base_class->transform_caps = gst_vit_token_overlay_transform_caps;
  base_class->fixate_caps = gst_vit_token_overlay_fixate_caps;
  base_class->set_caps = gst_vit_token_overlay_set_caps;
  base_class->propose_allocation = gst_vit_token_overlay_propose_allocation;
  base_class->sink_event = gst_vit_token_overlay_sink_event;
  base_class->src_event = gst_vit_token_overlay_src_event;
  base_class->submit_input_buffer = gst_vit_token_overlay_submit_input_buffer;
  base_class->before_transform = gst_vit_token_overlay_before_transform;
  base_class->transform_ip = gst_vit_token_overlay_transform_ip;
}
