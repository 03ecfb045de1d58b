/* SPDX-License-Identifier: MIT
 *
 * vittokenenc: video frames that carry GstVitTokensMeta in; out, one buffer a
 * meta, each a complete file: a small header and then the token memory itself,
 * by reference.  The source caps choose the file format.
 *
 * npy 1.0: numpy.lib.format.  safetensors:
 * https://github.com/huggingface/safetensors, "Format".
 */
#include "gstvittokenenc.h"

#include <string.h>

#include <gst/video/video.h>
#include <jansson.h>

#include "gstvittokensmeta.h"

/**
 * SECTION:element-vittokenenc
 * @title: vittokenenc
 * @short_description: Patch tokens as npy or safetensors
 *
 * Turns the tokens that #vitpatchembed attached to a frame into a stream of
 * their own; the picture ends here.  The caps downstream choose the encoding:
 *
 * - `application/x-npy` (the default): an array `[n_tokens, embed_dim]` as
 *   numpy.load() reads it, prefix tokens first.  bf16 has the type `<V2`, as
 *   the Python package ml_dtypes writes it: `array.view(ml_dtypes.bfloat16)`.
 * - `application/x-safetensors`: the same as tensor `tokens`, with the fields
 *   of the #GstVitTokensMeta as strings in `__metadata__`.
 *
 * A frame with several metas gives a buffer for each, in the order in which
 * they were attached.  A frame with none gives a GAP event; a stream in which
 * no frame has any, a warning.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=3 ! vitpatchembed ! vittokenenc ! multifilesink location=tokens-%05d.npy
 * ]| One file a frame: `numpy.load("tokens-00000.npy")`.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=1 ! vitpatchembed ! vittokenenc ! application/x-safetensors ! filesink location=tokens.safetensors
 * ]| One frame's tokens with all that is known of them.
 *
 * Since: 0.1
 */

GST_DEBUG_CATEGORY_STATIC (gst_vit_token_enc_debug);
#define GST_CAT_DEFAULT gst_vit_token_enc_debug

/* (transfer full) (nullable): what stands before the values in the file. */
typedef GstMemory *(*MakeHeader) (
    const GstVitTokensMeta *meta, GstClockTime pts);

struct _GstVitTokenEnc {
  GstBaseTransform parent;

  MakeHeader make_header;

  GstBuffer *frame;  /* (nullable): the one being encoded */
  gpointer iterator; /* over the metas of `frame` */

  guint n_bare_frames;    /* without tokens, since the start */
  gboolean is_bare_known; /* tokens came, or it was said that none do */
};

/* Frames without tokens after which a stream that never had any is taken for a
 * mistake, if it does not end before. */
#define BARE_FRAMES_BEFORE_WARNING 250

G_DEFINE_TYPE (GstVitTokenEnc, gst_vit_token_enc, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (
    vittokenenc, "vittokenenc", GST_RANK_NONE, GST_TYPE_VIT_TOKEN_ENC);

#define NPY_CAPS "application/x-npy"
#define SAFETENSORS_CAPS "application/x-safetensors"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (NPY_CAPS "; " SAFETENSORS_CAPS));

static const struct {
  const gchar *name;        /* in the safetensors metadata */
  const gchar *npy;         /* descr */
  const gchar *safetensors; /* dtype */
} formats[] = {
  [GST_VIT_TOKEN_FORMAT_F32] = { "f32", "<f4", "F32" },
  [GST_VIT_TOKEN_FORMAT_F16] = { "f16", "<f2", "F16" },
  [GST_VIT_TOKEN_FORMAT_BF16] = { "bf16", "<V2", "BF16" },
};

/* Takes the string; its bytes become the memory. */
static GstMemory *
wrap_header (GString *header)
{
  gsize size = header->len;
  gchar *bytes = g_string_free (header, FALSE);

  return gst_memory_new_wrapped (0, bytes, size, 0, size, bytes, g_free);
}

/*   0              8        10                           multiple of 64
 *   +--------------+--------+-----------------------------------+
 *   | \x93NUMPY1 0 | n: u16 | Python dict, spaces, newline: n   | values
 *   +--------------+--------+-----------------------------------+       */
static GstMemory *
make_npy_header (const GstVitTokensMeta *meta, GstClockTime pts G_GNUC_UNUSED)
{
  static const gchar start[10] = "\x93NUMPY\x01\x00";
  GString *header = g_string_new_len (start, sizeof start);

  g_string_append_printf (header,
      "{'descr': '%s', 'fortran_order': False, 'shape': (%u, %u), }",
      formats[meta->format].npy, meta->n_tokens, meta->embed_dim);
  while ((header->len + 1) % 64 != 0)
    g_string_append_c (header, ' ');
  g_string_append_c (header, '\n');
  GST_WRITE_UINT16_LE (header->str + 8, header->len - sizeof start);

  return wrap_header (header);
}

static json_t *
map_to_json (const GstVitTokensMeta *meta)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  GString *text = g_string_new ("[");
  json_t *json;

  for (guint i = 0; i < G_N_ELEMENTS (meta->map); i++) {
    g_ascii_dtostr (number, sizeof number, meta->map[i]);
    g_string_append_printf (text, "%s%s", i ? "," : "", number);
  }
  g_string_append_c (text, ']');
  json = json_string (text->str);
  g_string_free (text, TRUE);

  return json;
}

/* One character a token: 1 where it changed. */
static json_t *
changed_to_json (const GstVitTokensMeta *meta)
{
  gchar *text = g_malloc ((gsize) meta->n_tokens + 1);
  json_t *json;

  for (guint i = 0; i < meta->n_tokens; i++)
    text[i] = gst_vit_tokens_meta_is_changed (meta, i) ? '1' : '0';
  text[meta->n_tokens] = '\0';
  json = json_string (text);
  g_free (text);

  return json;
}

/* The format allows only strings here. */
static json_t *
fields_to_json (const GstVitTokensMeta *meta, GstClockTime pts)
{
  const struct {
    const gchar *name;
    guint value;
  } numbers[] = {
    { "n_tokens", meta->n_tokens },
    { "n_prefix_tokens", meta->n_prefix_tokens },
    { "grid_width", meta->grid_width },
    { "grid_height", meta->grid_height },
    { "patch_size", meta->patch_size },
    { "embed_dim", meta->embed_dim },
    { "frame_width", meta->frame_width },
    { "frame_height", meta->frame_height },
    { "n_blocks", meta->n_blocks },
  };
  json_t *fields = json_object ();

  if (meta->model_id)
    json_object_set_new (fields, "model_id", json_string (meta->model_id));
  json_object_set_new (
      fields, "token_format", json_string (formats[meta->format].name));
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    json_object_set_new (
        fields, numbers[i].name, json_sprintf ("%u", numbers[i].value));
  json_object_set_new (fields, "roi_id", json_sprintf ("%d", meta->roi_id));
  json_object_set_new (fields, "map", map_to_json (meta));
  if (meta->changed)
    json_object_set_new (fields, "changed", changed_to_json (meta));
  if (GST_CLOCK_TIME_IS_VALID (pts))
    json_object_set_new (
        fields, "pts", json_sprintf ("%" G_GUINT64_FORMAT, pts));

  return fields;
}

/*   0        8                     multiple of 8
 *   +--------+---------------------+
 *   | n: u64 | JSON and spaces: n  | values
 *   +--------+---------------------+        */
static GstMemory *
make_safetensors_header (const GstVitTokensMeta *meta, GstClockTime pts)
{
  json_int_t n_tokens = meta->n_tokens, embed_dim = meta->embed_dim;
  json_int_t end = gst_buffer_get_size (meta->tokens);
  const gchar *dtype = formats[meta->format].safetensors;
  GString *header;
  json_t *json;
  char *text;

  json = json_pack ("{s:o, s:{s:s, s:[I, I], s:[i, I]}}", "__metadata__",
      fields_to_json (meta, pts), "tokens", "dtype", dtype, "shape", n_tokens,
      embed_dim, "data_offsets", 0, end);
  text = json_dumps (json, JSON_COMPACT);
  json_decref (json);
  if (!text)
    return NULL;

  header = g_string_new_len ("\0\0\0\0\0\0\0", 8);
  g_string_append (header, text);
  free (text);
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  GST_WRITE_UINT64_LE (header->str, header->len - 8);

  return wrap_header (header);
}

typedef struct {
  GstBuffer *tokens;
  GstMapInfo map;
} BorrowedTokens;

static void
return_tokens (gpointer data)
{
  BorrowedTokens *borrowed = data;

  gst_buffer_unmap (borrowed->tokens, &borrowed->map);
  gst_buffer_unref (borrowed->tokens);
  g_free (borrowed);
}

/* (transfer full) (nullable): the token memory by reference.  Not as a
 * GstMemory shared between two buffers: of a tokens buffer whose memory is
 * shared when it comes back, its pool would make no further use. */
static GstMemory *
borrow_tokens (GstBuffer *tokens)
{
  BorrowedTokens *borrowed = g_new0 (BorrowedTokens, 1);

  if (!gst_buffer_map (tokens, &borrowed->map, GST_MAP_READ)) {
    g_free (borrowed);
    return NULL;
  }
  borrowed->tokens = gst_buffer_ref (tokens);

  return gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, borrowed->map.data,
      borrowed->map.size, 0, borrowed->map.size, borrowed, return_tokens);
}

/* (transfer full) (nullable) */
static GstBuffer *
encode (GstVitTokenEnc *self, const GstVitTokensMeta *meta)
{
  GstMemory *header = self->make_header (meta, GST_BUFFER_PTS (self->frame));
  GstMemory *values = borrow_tokens (meta->tokens);
  GstBuffer *buffer = gst_buffer_new ();

  if (header)
    gst_buffer_append_memory (buffer, header);
  if (values)
    gst_buffer_append_memory (buffer, values);
  if (!header || !values) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  gst_buffer_copy_into (buffer, self->frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);

  return buffer;
}

/* (nullable): the next meta of the frame that has tokens. */
static GstVitTokensMeta *
next_meta (GstVitTokenEnc *self)
{
  GstVitTokensMeta *meta;

  do {
    meta = gst_buffer_iterate_vit_tokens_meta (self->frame, &self->iterator);
  } while (meta && !meta->tokens);

  return meta;
}

static void
drop_frame (GstVitTokenEnc *self)
{
  gst_clear_buffer (&self->frame);
  self->iterator = NULL;
}

static void
push_gap (GstVitTokenEnc *self)
{
  GstClockTime pts = GST_BUFFER_PTS (self->frame);

  GST_LOG_OBJECT (self, "no tokens on %" GST_PTR_FORMAT, self->frame);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
        gst_event_new_gap (pts, GST_BUFFER_DURATION (self->frame)));
}

/* Once a start at most. */
static void
warn_of_bare_frames (GstVitTokenEnc *self)
{
  if (self->is_bare_known)
    return;
  self->is_bare_known = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("None of %u frames carried tokens, so nothing was written. Is there a "
       "vitpatchembed before this element, and does nothing between the two "
       "crop, flip or add borders to the frames, which drops the tokens?",
          self->n_bare_frames),
      (NULL));
}

static void
pass_bare_frame (GstVitTokenEnc *self)
{
  push_gap (self);
  if (++self->n_bare_frames == BARE_FRAMES_BEFORE_WARNING)
    warn_of_bare_frames (self);
}

/* Called until it gives no buffer. */
static GstFlowReturn
gst_vit_token_enc_generate_output (GstBaseTransform *trans, GstBuffer **output)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);
  gboolean is_new = trans->queued_buf != NULL;
  GstVitTokensMeta *meta;

  *output = NULL;
  if (is_new) {
    drop_frame (self);
    self->frame = g_steal_pointer (&trans->queued_buf);
  }
  if (!self->frame)
    return GST_FLOW_OK;

  meta = next_meta (self);
  if (!meta) {
    if (is_new)
      pass_bare_frame (self);
    drop_frame (self);
    return GST_FLOW_OK;
  }
  self->is_bare_known = TRUE;

  *output = encode (self, meta);
  if (!*output) {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE, (NULL),
        ("could not make a buffer of %u tokens", meta->n_tokens));
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

  if (gst_caps_is_any (caps)) {
    result = all;
  } else {
    result = gst_caps_new_empty ();
    for (guint i = 0; i < gst_caps_get_size (all); i++) {
      for (guint j = 0; j < gst_caps_get_size (caps); j++) {
        GstStructure *from = gst_caps_get_structure (caps, j);
        GstStructure *to = gst_structure_copy (gst_caps_get_structure (all, i));
        const GValue *framerate = gst_structure_get_value (from, "framerate");

        if (framerate)
          gst_structure_set_value (to, "framerate", framerate);
        result = gst_caps_merge_structure_full (result, to,
            gst_caps_features_copy (gst_caps_get_features (all, i)));
      }
    }
    gst_caps_unref (all);
  }

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

  self->make_header = gst_structure_has_name (structure, SAFETENSORS_CAPS)
                          ? make_safetensors_header
                          : make_npy_header;
  return TRUE;
}

static gboolean
gst_vit_token_enc_propose_allocation (GstBaseTransform *trans G_GNUC_UNUSED,
    GstQuery *decide_query G_GNUC_UNUSED, GstQuery *query)
{
  /* The picture is not looked at, so any layout of it will do. */
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

static gboolean
gst_vit_token_enc_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    drop_frame (self);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && self->n_bare_frames > 0)
    warn_of_bare_frames (self);

  return GST_BASE_TRANSFORM_CLASS (gst_vit_token_enc_parent_class)
      ->sink_event (trans, event);
}

static gboolean
gst_vit_token_enc_stop (GstBaseTransform *trans)
{
  GstVitTokenEnc *self = GST_VIT_TOKEN_ENC (trans);

  drop_frame (self);
  self->n_bare_frames = 0;
  self->is_bare_known = FALSE;
  return TRUE;
}

static void
gst_vit_token_enc_init (GstVitTokenEnc *self)
{
  /* With neither transform nor transform_ip the base class assumes it. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}

static void
gst_vit_token_enc_class_init (GstVitTokenEncClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_vit_token_enc_debug, "vittokenenc", 0, "patch tokens to bytes");

  gst_element_class_set_static_metadata (element_class, "ViT token encoder",
      "Codec/Encoder/Metadata",
      "Turns the patch tokens on video frames into npy or safetensors",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->transform_caps = gst_vit_token_enc_transform_caps;
  trans_class->set_caps = gst_vit_token_enc_set_caps;
  trans_class->propose_allocation = gst_vit_token_enc_propose_allocation;
  trans_class->generate_output = gst_vit_token_enc_generate_output;
  trans_class->sink_event = gst_vit_token_enc_sink_event;
  trans_class->stop = gst_vit_token_enc_stop;
}
