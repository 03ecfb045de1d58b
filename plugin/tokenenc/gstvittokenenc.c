/* SPDX-License-Identifier: MIT
 *
 * vittokenenc: video frames that carry metas in; out, one buffer for each meta
 * that is wanted (GstVitRecord): a small header, where the format has one, and
 * then the memory of the values itself, by reference; or a line of JSON.  The
 * source caps choose the format.
 *
 * The caps of other/tensors say how many values there are, which nothing but the
 * first tokens, or what is wanted instead of them, tell: until they come, the
 * caps event and what follows it are held back.
 */
#include "tokenenc/gstvittokenenc.h"

#include <gst/video/video.h>

#include "common/gstvitflushing.h"
#include "common/gstvitmodelevent.h"
#include "tokenenc/gstvitencoding.h"
#include "tokenenc/gstvitheldevents.h"
#include "tokenenc/gstvitrecordwarnings.h"
#include "tokenenc/gstvittensorrefusal.h"
#include "tokenenc/gstvittokenencsettings.h"

/**
 * SECTION:element-vittokenenc
 * @title: vittokenenc
 * @short_description: Tokens, features and embeddings as npy, safetensors, lines
 *   of JSON or other/tensors
 *
 * Turns what #vitpatchembed and an encoder attached to a frame into a stream of
 * its own; the picture ends here.  #GstVitTokenEnc:content chooses what: tokens
 * and features `[n_tokens, embed_dim]`, prefix tokens first, or one vector
 * `[dim]`.  The caps downstream choose the encoding:
 *
 * - `application/x-npy` (the default): an array as numpy.load() reads it.  bf16
 *   has the type `<V2`, as the Python package ml_dtypes writes it:
 *   `array.view(ml_dtypes.bfloat16)`.
 * - `application/x-safetensors`: the same as tensor `tokens` (of features too:
 *   the field n_blocks tells), `embedding` or `logits`, with the fields of the
 *   #GstVitTokensMeta or #GstVitEmbeddingMeta as strings in `__metadata__`.
 * - `application/x-ndjson`: a line of JSON, which ends in a newline: a row of a
 *   table of frames and regions.  It has `pts`, `stream_time` and `duration` in
 *   nanoseconds, null where not known; the number `frame`; the fields of the meta;
 *   and, of the frame or region, `embedding` and `labels` where there are some,
 *   whatever the content.  Tokens and features are `tokens`, in base64, with `shape`
 *   and `dtype`; bf16 (`bfloat16`) are raw two-byte values.  Scores are `logits`.
 *   The numbers of vectors have #GstVitTokenEnc:digits; NaN and infinity are null.
 *   `frame` counts the frames of the stream from 0, unless the source does: then
 *   the frame's offset-end is its offset and one, and it is the offset.
 * - `other/tensors`: the values alone, in one memory, as NNStreamer's elements
 *   take them: `format=static, num_tensors=1, types=float32,
 *   dimensions=D:N:1:1` for N tokens of D values, `D:1:1:1` for one vector, or
 *   `types=float16`.  bf16 has no name there and is refused.  When the number of
 *   tokens changes, the caps change with it; where they are refused, the error
 *   names both sides.  NNStreamer itself is not needed.
 *
 * A frame with several metas of what is wanted, such as one a region, gives a
 * buffer for each, in the order in which they were attached.  A frame with none
 * gives a GAP event; a stream in which no frame has any, a warning.  A meta whose
 * fields do not fit together (gst_vit_tokens_meta_is_valid()) is passed over, the
 * first time with a warning: one broken frame, of another process for example,
 * ends no recording.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=3 ! vitpatchembed ! vittokenenc ! multifilesink location=tokens-%05d.npy
 * ]| One file a frame: `numpy.load("tokens-00000.npy")`.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=1 ! vitpatchembed ! vittokenenc ! application/x-safetensors ! filesink location=tokens.safetensors
 * ]| One frame's tokens with all that is known of them.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=3 ! vitpatchembed model=dinov2-small ! vitencoder features=false ! vittokenenc content=embedding ! application/x-ndjson ! filesink location=frames.jsonl buffer-mode=unbuffered
 * ]| A row a frame, in one file that can be read while it grows.
 * |[
 * gst-launch-1.0 -v videotestsrc num-buffers=3 ! vitpatchembed ! vittokenenc ! other/tensors ! fakesink
 * ]| Caps and buffers as an NNStreamer element would be given.
 *
 * Since: 0.1
 */

GST_DEBUG_CATEGORY (gst_vit_token_enc_debug);
#define GST_CAT_DEFAULT gst_vit_token_enc_debug

struct _GstVitTokenEnc {
  GstBaseTransform parent;

  GstVitEncoding encoding;
  GstVitTensorShape shape; /* of the last tokens; see set_shape() */
  GstVitHeldEvents held;   /* until the first tokens come */

  GstVitTokenEncSettings settings; /* under the object lock */
  guint digits;          /* of `frame` */
  GstBuffer *frame;      /* (nullable): the one being encoded */
  GstVitRecords records; /* of `frame`, the ones that are left */
  guint64 n_frames;      /* of the stream, `frame` among them */

  GstVitRecordWarnings warnings;
};

G_DEFINE_TYPE (GstVitTokenEnc, gst_vit_token_enc, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (
    vittokenenc, "vittokenenc", GST_RANK_NONE, GST_TYPE_VIT_TOKEN_ENC);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_VIT_ENCODING_CAPS));

/* FALSE at the end of the frame. */
static gboolean
next_record (
    GstVitTokenEnc *self, GstVitRecords *records, GstVitRecord *record)
{
  return gst_vit_record_warnings_next (
      &self->warnings, records, record, GST_ELEMENT (self));
}

static void
begin_records (GstVitTokenEnc *self, GstVitRecords *records, GstBuffer *frame)
{
  GstVitTokenEncSettings settings;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  self->digits = settings.digits;
  gst_vit_records_begin (records, frame, settings.content);
}

static void
drop_frame (GstVitTokenEnc *self)
{
  gst_clear_buffer (&self->frame);
}

/* Written on the streaming thread alone, and read on others for caps. */
static void
set_shape (GstVitTokenEnc *self, GstVitTensorShape shape)
{
  GST_OBJECT_LOCK (self);
  self->shape = shape;
  GST_OBJECT_UNLOCK (self);
}

/* Why no caps of other/tensors could be agreed on: a flush or the end of the
 * element, which is no refusal, or a refusal, of which a message tells. */
static GstFlowReturn
refuse_tensors (GstVitTokenEnc *self, const GstVitRecord *record)
{
  if (gst_vit_is_flushing (GST_BASE_TRANSFORM_SRC_PAD (self)))
    return GST_FLOW_FLUSHING;
  gst_vit_tensor_refusal_post (GST_BASE_TRANSFORM (self), record);
  return GST_FLOW_NOT_NEGOTIATED;
}

/* Tells downstream when the tokens differ from those before, if it takes
 * them. */
static GstFlowReturn
announce_shape (GstVitTokenEnc *self, const GstVitRecord *record)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  GstVitTensorShape shape = gst_vit_tensor_shape_of (record);
  g_autoptr (GstCaps) caps = NULL;

  if (self->encoding != GST_VIT_ENCODING_TENSORS
      || gst_vit_tensor_shape_equal (&self->shape, &shape))
    return GST_FLOW_OK;
  if (!gst_vit_tensor_shape_type (&shape))
    return refuse_tensors (self, record);
  caps = gst_pad_get_current_caps (trans->srcpad);
  if (!caps) /* the pad was closed meanwhile */
    return GST_FLOW_FLUSHING;
  caps = gst_caps_make_writable (caps);
  gst_vit_tensor_shape_set (&shape, gst_caps_get_structure (caps, 0));
  if (!gst_pad_peer_query_accept_caps (trans->srcpad, caps))
    return refuse_tensors (self, record);

  /* The pad keeps the caps also where a flush stops them on their way: they go
   * before the next buffer, whose push gives what becomes of them. */
  set_shape (self, shape);
  gst_base_transform_update_src_caps (trans, caps);
  return GST_FLOW_OK;
}

static void
push_gap (GstVitTokenEnc *self)
{
  GstClockTime pts = GST_BUFFER_PTS (self->frame);

  GST_LOG_OBJECT (self, "nothing to write on %" GST_PTR_FORMAT, self->frame);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
        gst_event_new_gap (pts, GST_BUFFER_DURATION (self->frame)));
}

/* (transfer full) (nullable) */
static GstBuffer *
encode (GstVitTokenEnc *self, const GstVitRecord *record)
{
  const GstVitJsonLineFrame frame = { self->frame,
    &GST_BASE_TRANSFORM (self)->segment, self->n_frames - 1 };

  return gst_vit_encoding_encode (self->encoding, record, &frame, self->digits);
}

/* Called until it gives no buffer. */
static GstFlowReturn
gst_vit_token_enc_generate_output (GstBaseTransform *trans, GstBuffer **output)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);
  gboolean is_new = trans->queued_buf != NULL;
  GstVitRecord record;
  GstFlowReturn flow;

  *output = NULL;
  if (is_new) {
    drop_frame (self);
    self->frame = g_steal_pointer (&trans->queued_buf);
    begin_records (self, &self->records, self->frame);
  }
  if (!self->frame)
    return GST_FLOW_OK;

  if (!next_record (self, &self->records, &record)) {
    if (is_new) {
      push_gap (self);
      gst_vit_record_warnings_count_bare (
          &self->warnings, self->records.content, GST_ELEMENT (self));
    }
    drop_frame (self);
    return GST_FLOW_OK;
  }
  self->warnings.bare.is_explained = TRUE;
  flow = announce_shape (self, &record);
  if (flow != GST_FLOW_OK) {
    drop_frame (self);
    return flow;
  }

  *output = encode (self, &record);
  if (!*output) {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE,
        ("Could not make a buffer of %s", gst_vit_record_name (&record)),
        ("they cannot be read, or there is no memory: %" GST_PTR_FORMAT,
            gst_vit_record_values (&record)));
    drop_frame (self);
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

static GstCaps *
gst_vit_token_enc_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstPad *other_pad
      = direction == GST_PAD_SINK ? trans->srcpad : trans->sinkpad;
  GstCaps *all = gst_pad_get_pad_template_caps (other_pad);
  GstCaps *result, *filtered;
  GstVitTensorShape shape;

  GST_OBJECT_LOCK (trans);
  shape = GST_VIT_TOKEN_ENC (trans)->shape;
  GST_OBJECT_UNLOCK (trans);
  result = gst_vit_tensor_shape_transform (&shape, caps, all);
  if (!filter)
    return result;
  filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

static gboolean
gst_vit_token_enc_set_caps (
    GstBaseTransform *trans, GstCaps *in_caps G_GNUC_UNUSED, GstCaps *out_caps)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);
  GstStructure *structure = gst_caps_get_structure (out_caps, 0);

  self->encoding = gst_vit_encoding_of (structure);
  /* Asked to reconfigure before there are tokens: not yet. */
  return self->encoding != GST_VIT_ENCODING_TENSORS
         || gst_structure_has_field (structure, "dimensions");
}

/* Whether an event's caps would be answered with other/tensors, were the tokens
 * known, which they are not. */
static gboolean
must_wait_for_tokens (GstVitTokenEnc *self, GstEvent *event)
{
  GstCaps *caps, *all, *wanted;
  gboolean is_first;

  if (self->shape.n_tokens > 0)
    return FALSE;
  gst_event_parse_caps (event, &caps);
  all = gst_vit_token_enc_transform_caps (
      GST_BASE_TRANSFORM (self), GST_PAD_SINK, caps, NULL);
  wanted = gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (self), all);
  is_first = !gst_caps_is_any (wanted) && !gst_caps_is_empty (wanted)
             && gst_structure_has_name (
                 gst_caps_get_structure (wanted, 0), GST_VIT_TENSORS_NAME);

  gst_caps_unref (wanted);
  gst_caps_unref (all);
  return is_first;
}

static gboolean
pass_on (gpointer self, GstEvent *event)
{
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_enc_parent_class)
      ->sink_event (self, event);
}

/* The first tokens of all decide the caps that were held back for them. */
static GstFlowReturn
release_for (GstVitTokenEnc *self, const GstVitRecord *record)
{
  set_shape (self, gst_vit_tensor_shape_of (record));
  if (gst_vit_held_events_release (&self->held, pass_on, self))
    return GST_FLOW_OK;
  /* Those that come after a flush may be others. */
  set_shape (self, (GstVitTensorShape){ 0 });
  return refuse_tensors (self, record);
}

static GstFlowReturn
gst_vit_token_enc_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *frame)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);
  GstFlowReturn flow = GST_FLOW_OK;

  self->n_frames++;
  if (self->shape.n_tokens == 0) {
    gboolean must_wait = !gst_vit_held_events_is_empty (&self->held);
    GstVitRecords records;
    GstVitRecord record;
    gboolean is_bare;

    begin_records (self, &records, frame);
    is_bare = !next_record (self, &records, &record);
    if (!is_bare)
      flow = release_for (self, &record);
    else if (must_wait)
      gst_vit_record_warnings_count_bare (
          &self->warnings, records.content, GST_ELEMENT (self));
    if (flow != GST_FLOW_OK || (is_bare && must_wait)) {
      gst_buffer_unref (frame);
      return flow;
    }
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_enc_parent_class)
      ->submit_input_buffer (trans, is_discont, frame);
}

/* The base class would first negotiate with the caps that are held back. */
static gboolean
gst_vit_token_enc_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  if (direction == GST_PAD_SINK
      && GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION) {
    /* The picture is not looked at, so any layout of it will do. */
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
    return TRUE;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_enc_parent_class)
      ->query (trans, direction, query);
}

static gboolean
gst_vit_token_enc_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) {
    drop_frame (self);
    gst_vit_held_events_flush (&self->held);
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START) {
    gst_vit_held_events_begin_stream (&self->held);
    self->n_frames = 0;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    gst_vit_held_events_release_behind_caps (&self->held, pass_on, self);
    gst_vit_bare_frames_end (&self->warnings.bare, GST_ELEMENT (self));
  }
  /* Nobody behind computes with frames, and who writes events into bytes (gdppay)
   * has no type for this one. */
  if (gst_vit_model_event_is (event)) {
    gst_event_unref (event);
    return TRUE;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS
      && must_wait_for_tokens (self, event)) {
    gst_vit_held_events_hold_caps (&self->held, event);
    return TRUE;
  }
  if (gst_vit_held_events_hold (&self->held, event))
    return TRUE;

  return pass_on (self, event);
}

static gboolean
gst_vit_token_enc_stop (GstBaseTransform *trans)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);

  drop_frame (self);
  gst_vit_held_events_clear (&self->held);
  set_shape (self, (GstVitTensorShape){ 0 });
  self->warnings = (GstVitRecordWarnings){ 0 };
  self->n_frames = 0;
  return TRUE;
}

static void
gst_vit_token_enc_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  gboolean is_known;

  GST_OBJECT_LOCK (object);
  is_known = gst_vit_token_enc_settings_set (
      &GST_VIT_TOKEN_ENC (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_vit_token_enc_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  gboolean is_known;

  GST_OBJECT_LOCK (object);
  is_known = gst_vit_token_enc_settings_get (
      &GST_VIT_TOKEN_ENC (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_vit_token_enc_init (GstVitTokenEnc *self)
{
  gst_vit_token_enc_settings_init (&self->settings);
  /* With neither transform nor transform_ip the base class assumes it. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}

static void
gst_vit_token_enc_class_init (GstVitTokenEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_vit_token_enc_debug, "vittokenenc", 0, "patch tokens to bytes");

  object_class->set_property = gst_vit_token_enc_set_property;
  object_class->get_property = gst_vit_token_enc_get_property;
  gst_vit_token_enc_settings_install (object_class);

  gst_element_class_set_static_metadata (element_class, "ViT token encoder",
      "Codec/Encoder/Metadata",
      "Turns the patch tokens, features and embeddings on video frames into "
      "npy, safetensors, lines of JSON or other/tensors",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->transform_caps = gst_vit_token_enc_transform_caps;
  trans_class->set_caps = gst_vit_token_enc_set_caps;
  trans_class->query = gst_vit_token_enc_query;
  trans_class->submit_input_buffer = gst_vit_token_enc_submit_input_buffer;
  trans_class->generate_output = gst_vit_token_enc_generate_output;
  trans_class->sink_event = gst_vit_token_enc_sink_event;
  trans_class->stop = gst_vit_token_enc_stop;
}
