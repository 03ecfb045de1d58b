/* SPDX-License-Identifier: MIT */

/**
 * SECTION:element-vitencoder
 * @title: vitencoder
 * @short_description: Vision Transformer features of every frame with tokens
 *
 * Computes a Vision Transformer's blocks on the tokens that #vitpatchembed put on
 * a frame: the features of its patches, the embedding of the whole and, where the
 * model has a classifier, its logits, as the model's own package computes them in
 * float32, for frames of any size.  Features travel as another #GstVitTokensMeta,
 * whose `n_blocks` is not 0, embedding and logits as #GstVitEmbeddingMeta, which
 * has the best of a classifier's classes by name, #GstVitEncoder:top, and the
 * class token's attention, where #GstVitEncoder:attention asks for it, as
 * #GstVitAttentionMeta; the tokens stay.
 *
 * Frames come out as they came in, at once and all of them; those without tokens
 * pass as they are.  A frame whose tokens are those of the frame before carries the
 * same features, and nothing is computed.  Where computing takes longer than the
 * stream has time for, #GstVitEncoder:skip-late leaves frames without features,
 * and #GstVitPatchEmbed:max-tokens and #GstVitPatchEmbed:interval make less of it.
 * Frames whose features would take more memory than #GstVitEncoder:max-memory allows
 * have none.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=3 ! vitpatchembed model=dinov2-small ! vitencoder ! fakesink
 * ]| Features of the last block, and the embedding, by the model whose tokens come:
 * a folder with the whole of it.
 * |[
 * gst-launch-1.0 -v videotestsrc is-live=true num-buffers=10 ! vitpatchembed model=dinov2-small max-tokens=257 ! vitencoder layers="<1,2>" embedding=none skip-late=true ! fakesink sync=true
 * ]| Features after two blocks of a live source; frames for which there is no time
 * have none.  What was chosen, and how long it took, is printed.
 *
 * Since: 0.1
 */
#include "encoder/gstvitencoder.h"

#include <gst/video/video.h>
#include <string.h>

#include "base/error.h"
#include "common/gstvitbareframes.h"
#include "common/gstviterror.h"
#include "common/gstvitregionsmax.h"
#include "common/gstvitskipping.h"
#include "encoder/gstvitencodermodel.h"
#include "encoder/gstvitencoderproperties.h"
#include "encoder/gstvitencoderstats.h"

GST_DEBUG_CATEGORY_STATIC (gst_vit_encoder_debug);
#define GST_CAT_DEFAULT gst_vit_encoder_debug

/* No pixel is looked at, wherever it lies. */
#define PAD_CAPS "video/x-raw(ANY)"

struct _GstVitEncoder {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitEncoderSettings settings;
  GstVitEncoderStats stats;
  GstStructure *model_info; /* while a model is loaded */

  /* Written only while no data flows, or on the streaming thread. */
  GstVitEncoderModel model; /* from start to stop */
  GstVitSkipping skipping;
  GstVitBareFrames bare;
  gboolean warned_of_malformed;
  gboolean warned_of_more;
  gboolean warned_of_left_out;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstVitEncoder, gst_vit_encoder,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_encoder_debug, "vitencoder", 0,
        "Vision Transformer features"));
GST_ELEMENT_REGISTER_DEFINE (
    vitencoder, "vitencoder", GST_RANK_NONE, GST_TYPE_VIT_ENCODER);

static void
set_model_info (GstVitEncoder *self, GstStructure *info /* (transfer full) */)
{
  GstStructure *before;

  GST_OBJECT_LOCK (self);
  before = self->model_info;
  self->model_info = info;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&before, gst_structure_free);
}

/* `info` (transfer full) (nullable): of what is in use now; NULL: as before. */
static void
tell_model_info (GstVitEncoder *self, GstStructure *info)
{
  if (info == NULL)
    return;
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, info);
  set_model_info (self, info);
  g_object_notify (G_OBJECT (self), "model-info");
}

/* The model that is set, or that of the tokens that come, is loaded. */
static gboolean
settle (GstVitEncoder *self)
{
  GstVitEncoderModel *model = &self->model;
  GstStructure *info;
  GError *error = NULL;

  if (!gst_vit_encoder_model_settle (
          model, GST_BASE_TRANSFORM_SINK_PAD (self), &info, &error)) {
    set_model_info (self, NULL);
    GST_VIT_ELEMENT_ERROR (self, error, "model=%s model-prefix=%s, tokens of %s",
        GST_STR_NULL (model->settings.model),
        GST_STR_NULL (model->settings.model_prefix),
        GST_STR_NULL (model->tokens != NULL ? model->tokens->path : NULL));
    return FALSE;
  }
  tell_model_info (self, info);
  return TRUE;
}

static gboolean
gst_vit_encoder_start (GstBaseTransform *base)
{
  GstVitEncoder *self = GST_VIT_ENCODER (base);
  GstVitEncoderSettings settings;

  GST_OBJECT_LOCK (self);
  gst_vit_encoder_settings_copy (&self->settings, &settings);
  gst_vit_encoder_stats_clear (&self->stats);
  GST_OBJECT_UNLOCK (self);
  gst_vit_encoder_model_start (&self->model, &settings);
  gst_vit_skipping_init (&self->skipping, base);
  self->bare = (GstVitBareFrames){ 0 };
  self->warned_of_malformed = self->warned_of_more = FALSE;
  self->warned_of_left_out = FALSE;
  if (settings.model == NULL || settle (self))
    return TRUE;
  gst_vit_encoder_model_stop (&self->model);
  return FALSE;
}

static gboolean
gst_vit_encoder_stop (GstBaseTransform *base)
{
  GstVitEncoder *self = GST_VIT_ENCODER (base);

  gst_vit_encoder_model_stop (&self->model);
  set_model_info (self, NULL);
  return TRUE;
}

/* What the caps say is nothing to us, but that the grids will be others. */
static gboolean
gst_vit_encoder_set_caps (
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  GstVitEncoder *self = GST_VIT_ENCODER (base);

  if (self->model.stream != NULL)
    gst_vit_encoder_stream_begin (self->model.stream);
  return TRUE;
}

static GstFlowReturn
gst_vit_encoder_prepare_output_buffer (
    GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
  *out = gst_buffer_is_writable (in) ? in : gst_buffer_copy (in);
  return *out != NULL ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* What goes in comes out, in whatever memory. */
static gboolean
gst_vit_encoder_propose_allocation (
    GstBaseTransform *base, GstQuery *decide_query, GstQuery *query)
{
  return gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (base), query);
}

/* Whether the frame is to pass without features. */
static gboolean
is_skipped (GstVitEncoder *self, GstBuffer *buffer)
{
  GstClockTimeDiff jitter;

  if (!self->model.stream->settings.live.skip_late
      || !gst_vit_skipping_skips (
          &self->skipping, GST_BASE_TRANSFORM (self), buffer, &jitter))
    return FALSE;
  GST_DEBUG_OBJECT (self, "no features: late by %" GST_STIME_FORMAT " is %"
      GST_PTR_FORMAT, GST_STIME_ARGS (jitter), buffer);
  GST_OBJECT_LOCK (self);
  self->stats.n_late++;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* Those of a file that is refused do not end what works. */
static void
set_classes (GstVitEncoder *self, const GstVitEncoderLiveSettings *live)
{
  GstStructure *info;
  GError *error = NULL;

  if (gst_vit_encoder_stream_set_classes (
          self->model.stream, live, &info, &error)) {
    tell_model_info (self, info);
    return;
  }
  gst_vit_encoder_model_keep_classes (&self->model);
  g_prefix_error (&error, "The classes stay as they were: ");
  GST_VIT_ELEMENT_WARNING (self, error, "classes=%s, model %s",
      g_quark_to_string (live->classes), self->model.stream->weights->id);
}

/* The model of these tokens is loaded, with what is set now, and the tokens that
 * are to be encoded are found. */
static gboolean
look (GstVitEncoder *self, GstBuffer *buffer)
{
  GstVitEncoderLiveSettings live;
  GError *error = NULL;

  GST_OBJECT_LOCK (self);
  live = self->settings.live;
  GST_OBJECT_UNLOCK (self);
  gst_vit_encoder_model_set_live (&self->model, &live);
  if (!settle (self))
    return FALSE;
  set_classes (self, &live);
  if (gst_vit_encoder_stream_set_live (self->model.stream, &live, &error)
      && gst_vit_encoder_stream_look (self->model.stream, buffer, &error))
    return TRUE;
  GST_VIT_ELEMENT_ERROR (self, error, "%" GST_PTR_FORMAT, buffer);
  return FALSE;
}

static void
warn_of_malformed (GstVitEncoder *self, GstBuffer *buffer)
{
  const gchar *reason = self->model.stream->inputs.malformed;

  if (reason == NULL || self->warned_of_malformed)
    return;
  self->warned_of_malformed = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("Tokens are passed over: %s", reason), ("%" GST_PTR_FORMAT, buffer));
}

static void
warn_of_more (GstVitEncoder *self, GstBuffer *buffer)
{
  if (!self->model.stream->inputs.has_more || self->warned_of_more)
    return;
  self->warned_of_more = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, NOT_IMPLEMENTED,
      ("Only the tokens of the first %d regions of a frame have features",
          GST_VIT_REGIONS_MAX),
      ("%" GST_PTR_FORMAT, buffer));
}

/* Once, until a frame has its features again. */
static void
warn_of_left_out (GstVitEncoder *self, const GError *error)
{
  const gchar *id = self->model.stream->weights->id;

  if (self->warned_of_left_out)
    return;
  self->warned_of_left_out = TRUE;
  if (error->code == VIT_ERROR_NO_MEMORY)
    GST_ELEMENT_WARNING (self, RESOURCE, NO_SPACE_LEFT,
        ("No memory for the features of a frame; it passes without them"),
        ("%s", error->message));
  else if (error->code == VIT_ERROR_READ)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("A frame passes without features: %s", error->message),
        ("model %s", id));
  else
    GST_ELEMENT_WARNING (self, RESOURCE, NO_SPACE_LEFT,
        ("Frames pass without features: %s", error->message),
        ("model %s", id));
}

/* What is wrong with one frame may be right with the next; what can never be
 * encoded is an error. */
static GstFlowReturn
leave_out (GstVitEncoder *self, GError *error /* (transfer full) */)
{
  switch (error->code) {
    case VIT_ERROR_STOPPED:
      g_error_free (error);
      return GST_FLOW_FLUSHING;
    case VIT_ERROR_NO_MEMORY:
    case VIT_ERROR_READ:
    case VIT_ERROR_LIMIT:
    case VIT_ERROR_FRAME_SIZE:
      warn_of_left_out (self, error);
      g_error_free (error);
      return GST_FLOW_OK;
    default:
      GST_VIT_ELEMENT_ERROR (
          self, error, "model %s", self->model.stream->weights->id);
      return GST_FLOW_ERROR;
  }
}

static guint
count_tokens (const GPtrArray *inputs)
{
  guint n = 0;

  for (guint i = 0; i < inputs->len; i++)
    n += ((const GstVitTokensMeta *) g_ptr_array_index (inputs, i))->n_tokens;
  return n;
}

static GstFlowReturn
encode (GstVitEncoder *self, GstBuffer *buffer)
{
  GstVitEncoderStream *stream = self->model.stream;
  GError *error = NULL;
  GstClockTime start;
  GstStructure *labels;

  /* Done once for all frames of a size, and not counted as the time of one. */
  if (!gst_vit_encoder_stream_prepare (stream, &error))
    return leave_out (self, error);
  start = gst_util_get_timestamp ();
  if (!gst_vit_encoder_stream_attach (
          stream, buffer, GST_BASE_TRANSFORM_SRC_PAD (self), &error))
    return leave_out (self, error);
  self->warned_of_left_out = FALSE;
  gst_vit_skipping_processed (&self->skipping, GST_BASE_TRANSFORM (self));
  labels = gst_vit_encoder_stream_describe_labels (stream);
  GST_OBJECT_LOCK (self);
  gst_vit_encoder_stats_count (&self->stats,
      count_tokens (stream->inputs.tokens), stream->inputs.tokens->len,
      stream->jobs->len, gst_util_get_timestamp () - start);
  gst_vit_encoder_stats_take_labels (&self->stats, labels);
  GST_OBJECT_UNLOCK (self);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_vit_encoder_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  static const GstVitBareWords words
      = { "tokens", "there are no features", "vitpatchembed" };
  GstVitEncoder *self = GST_VIT_ENCODER (base);

  if (!gst_vit_encoder_inputs_are_on (buffer)) {
    gst_vit_bare_frames_count (&self->bare, &words, GST_ELEMENT (self));
    return GST_FLOW_OK;
  }
  self->bare.is_explained = TRUE;
  if (!look (self, buffer))
    return GST_FLOW_ERROR;
  warn_of_malformed (self, buffer);
  warn_of_more (self, buffer);
  gst_vit_skipping_look (&self->skipping, base, buffer);
  if (self->model.stream->inputs.tokens->len == 0
      || (self->model.stream->jobs->len > 0 && is_skipped (self, buffer)))
    return GST_FLOW_OK;
  return encode (self, buffer);
}

static gboolean
gst_vit_encoder_sink_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitEncoder *self = GST_VIT_ENCODER (base);
  GstVitModelSource *source;

  gst_vit_skipping_sink_event (&self->skipping, base, event);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      source = gst_vit_model_event_parse (event);
      if (source != NULL)
        gst_vit_encoder_model_tell (&self->model, source);
      break;
    case GST_EVENT_STREAM_START:
      gst_vit_encoder_model_begin_stream (&self->model);
      break;
    case GST_EVENT_EOS:
      gst_vit_bare_frames_end (&self->bare, GST_ELEMENT (self));
      g_object_notify (G_OBJECT (base), "stats");
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_encoder_parent_class)
      ->sink_event (base, event);
}

/* Once it knows of lateness the base class drops frames, where its property
 * `qos` is set; with skip-late they pass without features instead. */
static gboolean
gst_vit_encoder_src_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitEncoder *self = GST_VIT_ENCODER (base);
  gboolean skip_late;

  gst_vit_skipping_src_event (&self->skipping, base, event);
  GST_OBJECT_LOCK (self);
  skip_late = self->settings.live.skip_late;
  GST_OBJECT_UNLOCK (self);
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS && skip_late)
    return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (base), event);
  return GST_BASE_TRANSFORM_CLASS (gst_vit_encoder_parent_class)
      ->src_event (base, event);
}

static void
gst_vit_encoder_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVitEncoder *self = GST_VIT_ENCODER (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_vit_encoder_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_encoder_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstVitEncoder *self = GST_VIT_ENCODER (object);
  gboolean known = TRUE;

  GST_OBJECT_LOCK (self);
  if (id == GST_VIT_ENCODER_PROPERTY_STATS)
    g_value_take_boxed (value, gst_vit_encoder_stats_describe (&self->stats));
  else if (id == GST_VIT_ENCODER_PROPERTY_MODEL_INFO)
    g_value_set_boxed (value, self->model_info);
  else
    known = gst_vit_encoder_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_encoder_finalize (GObject *object)
{
  GstVitEncoder *self = GST_VIT_ENCODER (object);

  gst_vit_encoder_settings_clear (&self->settings);
  gst_vit_encoder_stats_clear (&self->stats);
  G_OBJECT_CLASS (gst_vit_encoder_parent_class)->finalize (object);
}

static void
gst_vit_encoder_class_init (GstVitEncoderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_vit_encoder_set_property;
  object_class->get_property = gst_vit_encoder_get_property;
  object_class->finalize = gst_vit_encoder_finalize;
  gst_vit_encoder_properties_install (object_class);

  gst_element_class_set_static_metadata (element_class,
      "Vision Transformer encoder", "Filter/Analyzer/Video",
      "Attaches a Vision Transformer's features to every frame with its tokens",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  base_class->start = gst_vit_encoder_start;
  base_class->stop = gst_vit_encoder_stop;
  base_class->set_caps = gst_vit_encoder_set_caps;
  base_class->sink_event = gst_vit_encoder_sink_event;
  base_class->src_event = gst_vit_encoder_src_event;
  base_class->prepare_output_buffer = gst_vit_encoder_prepare_output_buffer;
  base_class->propose_allocation = gst_vit_encoder_propose_allocation;
  base_class->transform_ip = gst_vit_encoder_transform_ip;
}

static void
gst_vit_encoder_init (GstVitEncoder *self)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);

  gst_vit_encoder_settings_init (&self->settings);
  gst_vit_skipping_init (&self->skipping, base);
  gst_base_transform_set_in_place (base, TRUE);
  gst_base_transform_set_passthrough (base, FALSE);
  gst_base_transform_set_gap_aware (base, TRUE);
}
