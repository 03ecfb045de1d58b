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
 * it may stand behind elements that scale the frame.  A meta whose fields do not
 * fit together (gst_vit_tokens_meta_is_valid()) is not drawn, with one warning.
 *
 * Where an element downstream says that it draws a
 * #GstVideoOverlayCompositionMeta itself, as video sinks do, the picture is
 * attached to the frame as one; else it is blended into the frame's pixels.
 *
 * ## Frames without tokens
 *
 * The last picture stays on frames that carry no tokens (#vitpatchembed:interval,
 * #vitpatchembed:skip-late), drawn anew where a property changes, and the legend
 * says its age if that is more than a second.  It ends with a flush, a new
 * segment or stream, a gap, another frame size, and where tokens are overdue: a
 * minute after the last ones and ten times what lay between the last two.  A
 * picture of regions alone stays where it was drawn, and ends with the first frame
 * that carries no region.  Frames before the first tokens pass as they are.
 *
 * The last attention stays on frames with tokens that the encoder made nothing of
 * too (#vitencoder:skip-late, #vitencoder:max-memory).  It ends, with one warning,
 * where features, an embedding or logits come without attention.
 *
 * ## What is drawn
 *
 * - `pca`: the first three principal components of the patch tokens as red,
 *   green and blue.  Patches of like content have like colours, and keep them
 *   from frame to frame.  With #GstVitTokenOverlay:foreground, of what the
 *   picture is of alone.
 * - `similarity`: the cosine of every patch's token with that of one patch, the
 *   one under #GstVitTokenOverlay:x, #GstVitTokenOverlay:y, which is framed.  A
 *   mouse click in the window of the video chooses another.  Of several
 *   (#GstVitTokenOverlay:points) and of the vectors of a file
 *   (#GstVitTokenOverlay:query) the greatest cosine is drawn.
 * - `norm`: the length of every patch's token.
 * - `changed`: the patches whose tokens are not those of the last frame that
 *   had tokens; where of features that is not known, those of the tokens that
 *   they were made of.
 * - `grid`: where the patches lie.
 * - `attention`: how much the class token attends to every patch in the last
 *   block, where #vitencoder:attention says so, the mean of the heads or that of
 *   #GstVitTokenOverlay:head; from 0 to the greatest of the frame.
 *
 * What is not known is grey, and the legend says so: which patches changed, on a
 * first frame; the components of tokens that are alike; the cosine with a token
 * that is zero; and whatever is not finite.
 *
 * The first three leave out what the position table added to the tokens, which
 * would hide the rest.  #vitpatchembed tells when it is asked, and this element
 * asks: before the first frame, and again where frames come without.  Where it
 * cannot be known, before a LayerNorm (CLIP) or from elements that do not tell,
 * what the patches of a row and those of a column have in common is taken for it.
 * Features, which an encoder made of the tokens, are drawn as they are, those
 * after most blocks, and the legend says so.
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
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=10 ! vitpatchembed ! vittokenoverlay foreground=true smooth=true opacity=1 ! fakesink
 * ]| What the picture is of, without blocks.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=3 ! vitpatchembed model=dinov2-small ! vitencoder attention=true ! vittokenoverlay mode=attention ! fakesink
 * ]| Where the model looks.
 *
 * Since: 0.1
 */
#include "tokenoverlay/gstvittokenoverlay.h"

#include "common/gstvitallocation.h"
#include "common/gstvitbareframes.h"
#include "common/gstviterror.h"
#include "common/gstvitrefusal.h"
#include "gst/vit/gstvittokensmeta.h"
#include "tokenoverlay/gstvitdelivery.h"
#include "tokenoverlay/gstvitdrawing.h"
#include "tokenoverlay/gstvitdrawingsettings.h"
#include "tokenoverlay/gstvitquery.h"
#include "tokenoverlay/gstvitrequest.h"

GST_DEBUG_CATEGORY (gst_vit_token_overlay_debug);
#define GST_CAT_DEFAULT gst_vit_token_overlay_debug

struct _GstVitTokenOverlay {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitDrawingSettings settings;

  GstVitDelivery delivery; /* says under which lock */

  /* Of the streaming thread. */
  GstVitDrawing *drawing;
  GstVitRequest request; /* for positions */
  GstVitBareFrames bare;
  gboolean has_warned; /* of tokens that cannot be drawn, since the caps */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_VIT_DELIVERY_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_VIT_DELIVERY_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstVitTokenOverlay, gst_vit_token_overlay,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_token_overlay_debug, "vittokenoverlay", 0,
        "patch tokens drawn"));
GST_ELEMENT_REGISTER_DEFINE (vittokenoverlay, "vittokenoverlay", GST_RANK_NONE,
    GST_TYPE_VIT_TOKEN_OVERLAY);

/* To be cleared. */
static GstVitDrawingSettings
get_settings (GstVitTokenOverlay *self)
{
  GstVitDrawingSettings settings;

  GST_OBJECT_LOCK (self);
  gst_vit_drawing_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);
  return settings;
}

/* So that a path that is wrong is an error before the first frame; later another
 * file may come, which is looked at then. */
static gboolean
check_query (GstVitTokenOverlay *self)
{
  GstVitDrawingSettings settings = get_settings (self);
  gboolean is_good = TRUE;
  GError *error = NULL;

  if (settings.query) {
    VitNpy *npy = gst_vit_query_load (settings.query, &error);

    is_good = npy != NULL;
    vit_npy_free (npy);
  }
  if (!is_good)
    GST_VIT_ELEMENT_ERROR (self, error, "query=%s", settings.query);
  gst_vit_drawing_settings_clear (&settings);
  return is_good;
}

static gboolean
gst_vit_token_overlay_start (GstBaseTransform *base)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  if (!check_query (self))
    return FALSE;
  self->drawing = gst_vit_drawing_new ();
  self->bare = (GstVitBareFrames){ 0 };
  gst_vit_delivery_renew (&self->delivery, base);
  return TRUE;
}

static gboolean
gst_vit_token_overlay_stop (GstBaseTransform *base)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  g_clear_pointer (&self->drawing, gst_vit_drawing_free);
  return TRUE;
}

static GstCaps *
gst_vit_token_overlay_transform_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);

  return gst_vit_delivery_transform_caps (
      &self->delivery, base, direction, caps, filter);
}

static GstCaps *
gst_vit_token_overlay_fixate_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *other)
{
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
      ->fixate_caps (base, direction, caps,
          gst_vit_delivery_fixate_caps (direction, other));
}

/* frame (nullable): as gst_vit_request_update().  Who wants positions anew asks at
 * once. */
static void
ask_for_positions (GstVitTokenOverlay *self, GstBuffer *frame)
{
  GstVitDrawingSettings settings = get_settings (self);

  if (gst_vit_drawing_settings_want_positions (&settings))
    gst_vit_request_update (
        &self->request, GST_BASE_TRANSFORM_SINK_PAD (self), frame);
  else
    self->request = (GstVitRequest){ 0 };
  gst_vit_drawing_settings_clear (&settings);
}

static gboolean
gst_vit_token_overlay_set_caps (
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);
  gint width = GST_VIDEO_INFO_WIDTH (&self->delivery.info);
  gint height = GST_VIDEO_INFO_HEIGHT (&self->delivery.info);

  if (!gst_vit_delivery_set_caps (&self->delivery, base, in_caps, out_caps))
    return FALSE;
  self->has_warned = FALSE;
  gst_vit_drawing_reset (self->drawing);
  if (GST_VIDEO_INFO_WIDTH (&self->delivery.info) != width
      || GST_VIDEO_INFO_HEIGHT (&self->delivery.info) != height)
    gst_vit_drawing_forget (self->drawing);
  ask_for_positions (self, NULL);
  return TRUE;
}

static GstFlowReturn
gst_vit_token_overlay_submit_input_buffer (
    GstBaseTransform *base, gboolean is_discont, GstBuffer *buffer)
{
  gst_vit_delivery_check (&GST_VIT_TOKEN_OVERLAY (base)->delivery, base);
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

/* reason (nullable): there are none. */
static void
report_undrawn (
    GstVitTokenOverlay *self, GstBuffer *buffer, const gchar *reason)
{
  static const GstVitBareWords words
      = { "tokens", "nothing is drawn", "vitpatchembed" };

  if (!reason) {
    GST_LOG_OBJECT (self, "no tokens on %" GST_PTR_FORMAT, buffer);
    /* With opacity=0 nothing is drawn of those that are there. */
    if (gst_buffer_get_vit_tokens_meta_deepest (buffer))
      self->bare.is_explained = TRUE;
    else
      gst_vit_bare_frames_count (&self->bare, &words, GST_ELEMENT (self));
    return;
  }
  self->bare.is_explained = TRUE;
  if (!self->has_warned)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Tokens are not drawn: %s", reason), ("%" GST_PTR_FORMAT, buffer));
  self->has_warned = TRUE;
}

/* What else there is to compare with is drawn. */
static void
report_query (GstVitTokenOverlay *self, const gchar *query)
{
  GError *error = gst_vit_drawing_take_query_error (self->drawing);

  if (!error)
    return;
  g_prefix_error (&error, "The query is not used: ");
  GST_VIT_ELEMENT_WARNING (self, error, "query=%s", query);
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
  GstFlowReturn result;
  const gchar *reason;

  ask_for_positions (self, buffer);
  drawn = gst_vit_drawing_compose (self->drawing, &settings, buffer,
      (guint) GST_VIDEO_INFO_WIDTH (&self->delivery.info),
      (guint) GST_VIDEO_INFO_HEIGHT (&self->delivery.info), &reason);
  if (!drawn || reason)
    report_undrawn (self, buffer, reason);
  report_query (self, settings.query);
  gst_vit_drawing_settings_clear (&settings);
  if (!drawn)
    return GST_FLOW_OK;
  self->bare.is_explained = TRUE;
  GST_LOG_OBJECT (self, "drawn: %s", gst_vit_drawing_describe (self->drawing));
  result = gst_vit_delivery_put (&self->delivery, base, buffer, drawn);
  gst_video_overlay_composition_unref (drawn);
  return result;
}

/* What is kept from frame to frame goes where `event` says that the next one does
 * not follow. */
static void
begin_anew (GstVitTokenOverlay *self, GstEventType event)
{
  /* Who computes the tokens may be another. */
  if (event == GST_EVENT_STREAM_START)
    self->request = (GstVitRequest){ 0 };
  /* NULL: it comes as the element stops. */
  if (!self->drawing)
    return;
  if (event == GST_EVENT_STREAM_START || event == GST_EVENT_FLUSH_STOP)
    gst_vit_drawing_reset (self->drawing);
  if (event == GST_EVENT_STREAM_START || event == GST_EVENT_FLUSH_STOP
      || event == GST_EVENT_SEGMENT || event == GST_EVENT_GAP)
    gst_vit_drawing_forget (self->drawing);
}

static gboolean
gst_vit_token_overlay_sink_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitTokenOverlay *self = GST_VIT_TOKEN_OVERLAY (base);
  GstEventType type = GST_EVENT_TYPE (event);
  gboolean is_handled;

  begin_anew (self, type);
  if (type == GST_EVENT_EOS)
    gst_vit_bare_frames_end (&self->bare, GST_ELEMENT (self));
  is_handled = GST_BASE_TRANSFORM_CLASS (gst_vit_token_overlay_parent_class)
                   ->sink_event (base, event);
  /* The last before the first frame: caps that are the old ones are not set. */
  if (type == GST_EVENT_SEGMENT)
    ask_for_positions (self, NULL);
  return is_handled;
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
  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE)
    gst_vit_delivery_renew (&self->delivery, base);
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
  gst_vit_drawing_settings_clear (&settings);
}

static void
gst_vit_token_overlay_finalize (GObject *object)
{
  gst_vit_drawing_settings_clear (&GST_VIT_TOKEN_OVERLAY (object)->settings);
  G_OBJECT_CLASS (gst_vit_token_overlay_parent_class)->finalize (object);
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
  object_class->finalize = gst_vit_token_overlay_finalize;
  gst_vit_drawing_settings_install (object_class);
  gst_element_class_set_static_metadata (element_class,
      "Vision Transformer token overlay", "Filter/Editor/Video",
      "Draws the patch tokens or features that a frame carries onto it",
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
