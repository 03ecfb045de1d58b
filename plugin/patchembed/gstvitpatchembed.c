/* SPDX-License-Identifier: MIT */

/**
 * SECTION:element-vitpatchembed
 * @title: vitpatchembed
 * @short_description: Vision Transformer patch tokens of every frame
 *
 * Turns each frame into the tokens that enter the first block of a Vision
 * Transformer: patches through the model's projection, with the model's
 * position table resampled to the frame's own grid.  The tokens travel as
 * #GstVitTokensMeta on the frame, whose pixels are neither copied nor changed.
 *
 * Frames come out as they came in, at once and all of them: the element adds no
 * latency.  Where computing takes longer than the stream has time for,
 * #GstVitPatchEmbed:interval and #GstVitPatchEmbed:skip-late leave frames
 * without tokens, and #GstVitPatchEmbed:max-tokens makes them fewer; these and
 * #GstVitPatchEmbed:regions may be set while the pipeline runs.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vitpatchembed ! vittokenenc ! application/x-npy ! multifilesink location=tokens-%05d.npy
 * ]| One .npy file a frame, with the built-in model.
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=30 ! video/x-raw,width=1280,height=720 ! vitpatchembed max-tokens=257 skip-late=true ! fakesink sync=true
 * ]| A live source: each frame is scaled down to at most 257 tokens, and has none
 * where there is no time for them.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vitpatchembed interval=10 token-format=f16 ! vittokenenc ! application/x-safetensors ! multifilesink location=tokens-%05d.safetensors
 * ]| Half-precision tokens of every tenth frame.
 *
 * Since: 0.1
 */
#include "patchembed/gstvitpatchembed.h"

#include <string.h>

#include "common/gstvitallocation.h"
#include "common/gstviterror.h"
#include "common/gstvitmodelevent.h"
#include "common/gstvitrefusal.h"
#include "common/gstvitskipping.h"
#include "common/gstvittensor.h"
#include "patchembed/gstvitimage.h"
#include "patchembed/gstvitnotes.h"
#include "patchembed/gstvitproperties.h"
#include "patchembed/gstvitsettings.h"
#include "patchembed/gstvitstats.h"
#include "patchembed/gstvitstream.h"

GST_DEBUG_CATEGORY (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* The element only reads: what is to be blended over the picture later is
 * neither in its way nor in its tokens. */
#define OVERLAY GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define PAD_CAPS                                                              \
  GST_VIDEO_CAPS_MAKE (GST_VIT_VIDEO_FORMATS)                                 \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (                                    \
      GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " OVERLAY,                     \
      GST_VIT_VIDEO_FORMATS)                                                  \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (OVERLAY, GST_VIT_VIDEO_FORMATS)

struct _GstVitPatchEmbed {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitSettings settings;
  GstVitStats stats;
  VitImageFormat format;
  VitTokensShape shape;     /* of the last frame or region with tokens */
  GstStructure *model_info; /* from start to stop */
  GstVitTensorNotice notice; /* the same */

  /* Written only while no data flows, or on the streaming thread. */
  GstVitStream *stream;  /* from start to stop */
  GstCaps *refused_caps; /* (nullable): the last, if no others came since */
  GstVitModelSource *source; /* from start to stop */
  gboolean told_source;      /* downstream */
  GstVitSkipping skipping;

  gint wants_positions; /* atomic: downstream asked for them */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstVitPatchEmbed, gst_vit_patch_embed,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_patch_embed_debug, "vitpatchembed", 0,
        "Vision Transformer patch tokens"));
GST_ELEMENT_REGISTER_DEFINE (vitpatchembed, "vitpatchembed", GST_RANK_NONE,
    GST_TYPE_VIT_PATCH_EMBED);

/* What the caps are to say of tokens that are computed as `settings` say. */
static GstVitTensorNotice
make_notice (const GstVitSettings *settings)
{
  return (GstVitTensorNotice) {
    .id = settings->advertise_tensors ? settings->tensor_id : 0,
    .format = (GstVitTokenFormat) settings->token_format,
  };
}

static gboolean
gst_vit_patch_embed_start (GstBaseTransform *base)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitSettings settings;
  GstVitTensorNotice notice;
  GstStructure *info;
  GError *error = NULL;

  GST_OBJECT_LOCK (self);
  gst_vit_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);

  self->stream = gst_vit_stream_new (&settings, &info, &error);
  if (self->stream == NULL) {
    GST_VIT_ELEMENT_ERROR (self, error, "model=%s model-prefix=%s",
        GST_STR_NULL (settings.model), GST_STR_NULL (settings.model_prefix));
    gst_vit_settings_clear (&settings);
    return FALSE;
  }
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, info);
  self->source
      = gst_vit_model_source_new (settings.model, settings.model_prefix);
  self->told_source = FALSE;
  notice = make_notice (&settings);
  notice.embed_dim = self->stream->model->embed_dim;
  GST_OBJECT_LOCK (self);
  self->model_info = info;
  self->notice = notice;
  memset (&self->stats, 0, sizeof self->stats);
  memset (&self->format, 0, sizeof self->format);
  memset (&self->shape, 0, sizeof self->shape);
  GST_OBJECT_UNLOCK (self);
  gst_vit_skipping_init (&self->skipping, base);

  g_object_notify (G_OBJECT (self), "model-info");
  gst_vit_notes_post (GST_ELEMENT (self), &settings, self->stream->model);
  gst_vit_settings_clear (&settings);
  return TRUE;
}

static gboolean
gst_vit_patch_embed_stop (GstBaseTransform *base)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstStructure *info;

  g_atomic_int_set (&self->wants_positions, FALSE);
  gst_clear_caps (&self->refused_caps);
  g_clear_pointer (&self->stream, gst_vit_stream_free);
  g_clear_pointer (&self->source, gst_vit_model_source_unref);
  GST_OBJECT_LOCK (self);
  info = self->model_info;
  self->model_info = NULL;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&info, gst_structure_free);
  return TRUE;
}

/* Caps that are refused come again with every frame that upstream tries; the
 * reason is posted once. */
static void
refuse_caps (
    GstVitPatchEmbed *self, GstCaps *caps, GError *error /* (transfer full) */)
{
  gboolean again
      = self->refused_caps && gst_caps_is_equal (self->refused_caps, caps);

  gst_caps_replace (&self->refused_caps, caps);
  if (again)
    g_error_free (error);
  else
    GST_VIT_ELEMENT_ERROR (self, error, "%" GST_PTR_FORMAT, caps);
}

static GstVitLiveSettings
get_live_settings (GstVitPatchEmbed *self)
{
  GstVitLiveSettings live;

  GST_OBJECT_LOCK (self);
  live = self->settings.live;
  GST_OBJECT_UNLOCK (self);
  return live;
}

static gboolean
gst_vit_patch_embed_set_caps (
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitLiveSettings live = get_live_settings (self);
  VitTokensShape shape;
  VitImageFormat format;
  GstVideoInfo info;
  GError *error = NULL;

  if (!gst_video_info_from_caps (&info, in_caps)
      || !gst_vit_image_format_from_info (&info, &format)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("Cannot read this video format"),
        ("%" GST_PTR_FORMAT, in_caps));
    return FALSE;
  }
  if (!gst_vit_matrix_is_of_caps (&info, in_caps))
    GST_WARNING_OBJECT (self,
        "No Y'CbCr matrix in the colorimetry of %" GST_PTR_FORMAT
        "; taking the one with Kr %g, Kb %g",
        in_caps, format.kr, format.kb);
  if (!gst_vit_stream_set_format (
          self->stream, &info, &format, &live, &shape, &error)) {
    refuse_caps (self, in_caps, error);
    return FALSE;
  }
  gst_clear_caps (&self->refused_caps);
  GST_OBJECT_LOCK (self);
  self->format = format;
  if (shape.n_tokens > 0)
    self->shape = shape;
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "%s %ux%u, matrix Kr %g Kb %g, %s range",
      format.pixel->name, format.width, format.height, format.kr, format.kb,
      format.full_range ? "full" : "narrow");
  return TRUE;
}

/* The pixels are only read, so a frame that others hold too is given a new
 * GstBuffer around the same memory. */
static GstFlowReturn
gst_vit_patch_embed_prepare_output_buffer (
    GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
  *out = gst_buffer_is_writable (in) ? in : gst_buffer_copy (in);
  return *out != NULL ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static gboolean
gst_vit_patch_embed_propose_allocation (
    GstBaseTransform *base, GstQuery *decide_query, GstQuery *query)
{
  gst_vit_allocation_propose (GST_BASE_TRANSFORM_SRC_PAD (base), query);
  return TRUE;
}

/* Whether the frame is to pass without tokens. */
static gboolean
is_skipped (GstVitPatchEmbed *self, GstBuffer *buffer)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);
  GstClockTimeDiff jitter;

  gst_vit_skipping_look (&self->skipping, base, buffer);
  if (!self->stream->live.skip_late
      || !gst_vit_skipping_skips (&self->skipping, base, buffer, &jitter))
    return FALSE;
  GST_DEBUG_OBJECT (self, "no tokens: late by %" GST_STIME_FORMAT " is %"
      GST_PTR_FORMAT, GST_STIME_ARGS (jitter), buffer);
  GST_OBJECT_LOCK (self);
  self->stats.n_late++;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static void
attach_tokens (GstVitPatchEmbed *self, GstBuffer *buffer, const VitImage *image)
{
  GstVitFrameResult result;
  GstClockTime start;

  /* Done once for all frames of a format, and not counted as the time of one. */
  gst_vit_stream_prepare (self->stream);
  start = gst_util_get_timestamp ();
  gst_vit_stream_attach (self->stream, GST_ELEMENT (self), image, buffer,
      g_atomic_int_get (&self->wants_positions), &result);
  if (result.n_tokens == 0)
    return;
  gst_vit_skipping_processed (&self->skipping, GST_BASE_TRANSFORM (self));
  GST_OBJECT_LOCK (self);
  self->shape = result.shape;
  gst_vit_stats_count (&self->stats, &result.counts, result.n_tokens,
      gst_util_get_timestamp () - start);
  GST_OBJECT_UNLOCK (self);
}

/* A frame whose tokens were due but late leaves them due. */
static GstFlowReturn
gst_vit_patch_embed_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitLiveSettings live = get_live_settings (self);
  GstVideoFrame frame;
  VitImage image;
  gchar *reason = NULL;

  gst_vit_stream_set_live (self->stream, &live);
  if (!gst_vit_stream_is_due (self->stream) || is_skipped (self, buffer))
    return GST_FLOW_OK;
  if (!gst_vit_image_map (&frame, &self->stream->info, &self->stream->format,
          buffer, live.max_tokens > 0, &image, &reason)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason),
        ("%" GST_PTR_FORMAT, buffer));
    g_free (reason);
    return GST_FLOW_ERROR;
  }
  attach_tokens (self, buffer, &image);
  gst_video_frame_unmap (&frame);
  return GST_FLOW_OK;
}

static GstCaps *
gst_vit_patch_embed_transform_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitTensorNotice notice;
  GstCaps *result = gst_caps_ref (caps), *filtered;

  GST_OBJECT_LOCK (self);
  notice = self->model_info != NULL ? self->notice
                                    : make_notice (&self->settings);
  GST_OBJECT_UNLOCK (self);

  if (notice.id != 0)
    result = gst_vit_tensor_transform_caps (&notice, direction, result);
  if (filter == NULL)
    return result;
  filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

/* It is sticky: elements that are linked or flushed later know it too. */
static void
tell_source (GstVitPatchEmbed *self)
{
  if (!self->told_source)
    self->told_source = gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
        gst_vit_model_event_new (self->source));
}

static gboolean
gst_vit_patch_embed_sink_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  gboolean is_segment = GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT;
  gboolean is_taken;

  /* What one further up says of its tokens would be taken to be said of ours. */
  if (gst_vit_model_event_is (event)) {
    gst_event_unref (event);
    return TRUE;
  }
  gst_vit_skipping_sink_event (&self->skipping, base, event);
  /* What tokens changed since is a frame of this stream, without a gap. */
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_SEGMENT:
      gst_vit_stream_begin (self->stream);
      break;
    case GST_EVENT_GAP:
      gst_vit_stream_break (self->stream);
      break;
    case GST_EVENT_EOS:
      g_object_notify (G_OBJECT (base), "stats");
      break;
    default:
      break;
  }
  is_taken = GST_BASE_TRANSFORM_CLASS (gst_vit_patch_embed_parent_class)
                 ->sink_event (base, event);
  if (is_segment)
    tell_source (self);
  return is_taken;
}

/* Once it knows of lateness the base class drops frames, where its property
 * `qos` is set; with skip-late they pass without tokens instead. */
static gboolean
gst_vit_patch_embed_src_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);

  gst_vit_skipping_src_event (&self->skipping, base, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS
      && get_live_settings (self).skip_late)
    return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (base), event);
  if (gst_vit_tokens_event_is_request_positions (event)) {
    g_atomic_int_set (&self->wants_positions, TRUE);
    gst_event_unref (event);
    return TRUE;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_patch_embed_parent_class)
      ->src_event (base, event);
}

static void
gst_vit_patch_embed_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_vit_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_patch_embed_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (object);
  gboolean known = TRUE;

  GST_OBJECT_LOCK (self);
  if (id == GST_VIT_PROPERTY_STATS)
    g_value_take_boxed (value,
        gst_vit_stats_describe (&self->stats, &self->format, &self->shape));
  else if (id == GST_VIT_PROPERTY_MODEL_INFO)
    g_value_set_boxed (value, self->model_info);
  else
    known = gst_vit_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_patch_embed_finalize (GObject *object)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (object);

  gst_vit_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_vit_patch_embed_parent_class)->finalize (object);
}

static void
gst_vit_patch_embed_class_init (GstVitPatchEmbedClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_vit_patch_embed_set_property;
  object_class->get_property = gst_vit_patch_embed_get_property;
  object_class->finalize = gst_vit_patch_embed_finalize;
  gst_vit_properties_install (object_class);

  gst_element_class_set_static_metadata (element_class,
      "Vision Transformer patch embedding", "Filter/Analyzer/Video",
      "Attaches the patch tokens of a Vision Transformer to every frame",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  base_class->start = gst_vit_patch_embed_start;
  base_class->stop = gst_vit_patch_embed_stop;
  base_class->set_caps = gst_vit_patch_embed_set_caps;
  base_class->sink_event = gst_vit_patch_embed_sink_event;
  base_class->src_event = gst_vit_patch_embed_src_event;
  base_class->prepare_output_buffer
      = gst_vit_patch_embed_prepare_output_buffer;
  base_class->propose_allocation = gst_vit_patch_embed_propose_allocation;
  base_class->transform_caps = gst_vit_patch_embed_transform_caps;
  base_class->transform_ip = gst_vit_patch_embed_transform_ip;
}

static void
gst_vit_patch_embed_init (GstVitPatchEmbed *self)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);

  gst_vit_settings_init (&self->settings);
  gst_vit_skipping_init (&self->skipping, base);
  gst_base_transform_set_in_place (base, TRUE);
  gst_base_transform_set_passthrough (base, FALSE);
  gst_base_transform_set_gap_aware (base, TRUE);
  gst_vit_refusal_watch (GST_BASE_TRANSFORM_SINK_PAD (base));
}
