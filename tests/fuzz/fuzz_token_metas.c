/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta and GstVitEmbeddingMeta that lie, in every field, through what
 * reads them: the library's functions, vittokenoverlay, vittokenenc and vitencoder.
 * An input says which element, and of up to three frames which metas they carry and
 * what of these is forged.  Frames pass, whatever they carry, but those that
 * vitencoder refuses in words; what is valid can be read to the last byte, what
 * vitencoder attaches is valid, and what vittokenenc writes, a reader takes.
 */
#include "fuzz.h"

#include <gst/video/video.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "files/json_text.h"
#include "files/safetensors.h"
#include "gst/vit/vit.h"
#include "forged_labels.h"
#include "guarded.h"
#include "stream.h"

#define MAX_METAS 3
/* Which element: the modes of vittokenoverlay, encodings of vittokenenc, one more. */
#define FIRST_ENCODING 5
#define ENCODER 8
#define N_KINDS 9
/* Of vittokenenc's property: tokens or features, then an embedding or scores.  Or
 * one of as many ways to set vitencoder. */
#define N_CONTENTS 5
#define FIRST_VECTOR 3
#define WIDTH 64
#define HEIGHT 48
#define SIZE (WIDTH * HEIGHT * 4)
/* Of the encoder's model, whose patches are as large as those here. */
#define EMBED_DIM 48
#define DEPTH 2

static GstElement *
new_encoder (guint content)
{
  static const gchar *const settings[N_CONTENTS] = { "", "layers=<1,2>",
    "embedding=class-mean normalize=true", "features=false",
    "max-memory=1500000" };
  g_autofree gchar *launch = g_strdup_printf (
      "vitencoder n-threads=1 model=\"" FUZZ_MODEL "\" %s", settings[content]);
  GError *error = NULL;
  GstElement *element = gst_parse_launch (launch, &error);

  g_assert_no_error (error);
  return element;
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  static GstElement *keeps_model_loaded;

  stream_init_plugin (argc, argv);
  keeps_model_loaded = new_encoder (0);
  g_assert_cmpint (
      gst_element_set_state (keeps_model_loaded, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_SUCCESS);
  return 0;
}

/* What one frame's metas point to. */
typedef struct {
  Guarded memory[2 * MAX_METAS + 1];
  guint n;
} Room;

static GstBuffer *
new_buffer (Room *room, gsize size, Input *input)
{
  Guarded *guarded = &room->memory[room->n++];
  GstBuffer *buffer = gst_buffer_new ();
  gsize n_taken;

  gst_buffer_append_memory (buffer, guarded_new (guarded, size, TRUE));
  n_taken = MIN (MIN (size, input->size), 64);
  if (n_taken > 0)
    memcpy (guarded->bytes, input->data, n_taken);
  /* What is left of the values repeats what was taken. */
  for (gsize i = n_taken; n_taken > 0 && i < size; i++)
    guarded->bytes[i] = guarded->bytes[i % n_taken];
  input->data += n_taken;
  input->size -= n_taken;
  return buffer;
}

static guint
lie (guint number, Input *input)
{
  switch (input_take (input, 1) % 4) {
    case 0:
      return number + (guint) (gint8) input_take (input, 1);
    case 1:
      return 1u << input_take (input, 1) % 32;
    case 2:
      return input_take (input, 4);
    default:
      return 0;
  }
}

static gdouble
lie_place (Input *input)
{
  static const gdouble places[] = { NAN, INFINITY, -INFINITY, 1e308, -1e308,
    1e18, -1e18, 5e-324, 0, 1e-150, 1e9, -16, 16, 0.5, 4, -0.0 };
  guint kind = input_take (input, 1);

  return kind & 128 ? (gint16) input_take (input, 2) / 64.0
                    : places[kind % G_N_ELEMENTS (places)];
}

static void
lie_numbers (GstVitTokensMeta *meta, guint which, Input *input)
{
  guint *numbers[] = { &meta->n_tokens, &meta->n_prefix_tokens,
    &meta->grid_width, &meta->grid_height, &meta->patch_size, &meta->embed_dim,
    &meta->frame_width, &meta->frame_height, &meta->n_blocks };
  guint format = meta->format;

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (which >> i & 1)
      *numbers[i] = lie (*numbers[i], input);
  if (which >> 9 & 1) {
    format = lie (format, input);
    memcpy (&meta->format, &format, sizeof format);
    meta->roi_id = (gint) input_take (input, 4);
  }
  for (guint i = 0; which >> 10 & 1 && i < 6; i++)
    meta->map[i] = lie_place (input);
}

/* What a region is, and the prefix tokens are for. */
static void
lie_region (GstVitTokensMeta *meta, Input *input)
{
  guint which = input_take (input, 1);

  if (which & 1) {
    meta->roi_x = lie (0, input);
    meta->roi_y = lie (0, input);
    meta->roi_width = lie (WIDTH, input);
    meta->roi_height = lie (HEIGHT, input);
  }
  if (which & 2) {
    meta->roi_type = g_strnfill (
        input_take (input, 1) * (which & 4 ? 2 : 1),
        (gchar) input_take (input, 1));
  }
  if (which & 8) {
    /* One more than there are, or one less. */
    gint off = which & 16 ? (gint) (input_take (input, 1) % 3) - 1 : 0;
    gsize n = (gsize) MAX ((gint) MIN (meta->n_prefix_tokens, 100) + off, 0);
    guint8 *kinds = g_malloc (n + 1);

    memset (kinds, (gint) input_take (input, 1), n + 1);
    meta->prefix_kinds = g_bytes_new_take (kinds, n);
  }
}

/* The tokens are exactly as long as was said of them first, or are not.  `fits`: but
 * for what is forged, vitencoder takes most of them. */
static void
add_forged (GstBuffer *frame, Room *room, gboolean fits, Input *input)
{
  guint which = input_take (input, 2);
  GstVitTokenFormat format = (GstVitTokenFormat) (input_take (input, 1) % 3);
  guint n_prefix = input_take (input, 1) % 4;
  guint columns = input_take (input, 1) % 20 + 1;
  guint rows = input_take (input, 1) % 20 + 1;
  guint values = input_take (input, 1);
  guint embed_dim = fits ? EMBED_DIM : values % 40 + 1;
  guint n_tokens;
  gsize size;
  GstBuffer *tokens;
  GstVitTokensMeta *meta;

  if (fits && values < 240)
    n_prefix = 1;
  n_tokens = n_prefix + columns * rows;
  size = (gsize) n_tokens * embed_dim * gst_vit_token_format_get_size (format);
  tokens = new_buffer (room, size, input);
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens, format, n_prefix,
      columns, rows, 16, embed_dim, WIDTH, HEIGHT, NULL);
  lie_numbers (meta, which, input);
  if (which >> 11 & 1) {
    gsize off = input_take (input, 1) % 8;

    gst_clear_buffer (&meta->tokens);
    if (off > 0)
      meta->tokens = gst_buffer_copy_region (
          tokens, GST_BUFFER_COPY_MEMORY, 0, size - MIN (size, off - 1));
  }
  if (which >> 12 & 1) {
    gsize n_bytes
        = ((gsize) n_tokens + 7) / 8 + input_take (input, 1) % 3 - 1;

    meta->changed = g_bytes_new_take (g_malloc0 (n_bytes), n_bytes);
  }
  if (which >> 13 & 1)
    meta->positions = new_buffer (room,
        (gsize) columns * rows * embed_dim * 4
            * (input_take (input, 1) % 4 != 0)
            + input_take (input, 1) % 2,
        input);
  if (which >> 14 & 1) {
    gsize n = input_take (input, 1) * (which >> 15 & 1 ? 100 : 1);

    meta->model_id = g_strnfill (n, (gchar) input_take (input, 1));
    for (gsize i = 0; i < MIN (n, 4); i++)
      meta->model_id[i] = (gchar) input_take (input, 1);
  }
  lie_region (meta, input);
  gst_buffer_unref (tokens);
}

/* An embedding or scores, of which a field or two may lie. */
static void
add_forged_embedding (GstBuffer *frame, Room *room, Input *input)
{
  guint which = input_take (input, 1);
  guint dim = input_take (input, 1) + 1;
  GstBuffer *values = new_buffer (room, (gsize) dim * 4, input);
  const GstVitTokensMeta *tokens = gst_buffer_get_vit_tokens_meta (frame);
  GstVitEmbeddingMeta *meta = gst_buffer_add_vit_embedding_meta (frame,
      (GstVitEmbeddingKind) (which & 1), values, dim, which & 2,
      which & 4 && gst_vit_tokens_meta_is_valid (tokens, NULL) ? tokens : NULL);

  gst_buffer_unref (values);
  if (which & 8)
    meta->dim = input_take (input, 4);
  if (which & 16)
    meta->kind = (GstVitEmbeddingKind) input_take (input, 4);
  if (which & 32)
    gst_clear_buffer (&meta->values);
  forged_labels_add (meta, input);
  if (which & 64)
    meta->roi_width = input_take (input, 4);
  if (which & 128) {
    g_free (meta->roi_type);
    meta->roi_type = g_strnfill (
        input_take (input, 2) % 1000, (gchar) input_take (input, 1));
  }
}

static void
read_to_the_end (GstBuffer *buffer, gsize size)
{
  volatile guint8 sum = 0;
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, size);
  for (gsize i = 0; i < size; i++)
    sum = (guint8) (sum + map.data[i]);
  gst_buffer_unmap (buffer, &map);
}

/* As an application would that asks first. */
static void
check_valid (const GstVitTokensMeta *meta)
{
  gsize n_values = (gsize) meta->n_tokens * meta->embed_dim;
  GstBuffer *positions = gst_vit_tokens_meta_get_positions (meta);

  g_assert_cmpuint (meta->n_tokens, ==,
      meta->n_prefix_tokens + (guint64) meta->grid_width * meta->grid_height);
  read_to_the_end (gst_vit_tokens_meta_get_tokens (meta),
      n_values * gst_vit_token_format_get_size (meta->format));
  if (positions && gst_buffer_get_size (positions) > 0)
    read_to_the_end (positions, (gsize) meta->grid_width * meta->grid_height
                                    * meta->embed_dim * sizeof (gfloat));
  if (meta->changed)
    g_assert_cmpuint (
        g_bytes_get_size (meta->changed), ==, ((gsize) meta->n_tokens + 7) / 8);
  if (meta->model_id)
    g_assert_true (g_utf8_validate (meta->model_id, -1, NULL));
  g_assert_cmpint (meta->model_id != NULL, ==,
      gst_vit_tokens_meta_get_model_id (meta) != NULL);
  for (guint i = 0; i < 6; i++)
    g_assert_true (isfinite (gst_vit_tokens_meta_get_map (meta)[i]));
  if (meta->roi_type)
    g_assert_true (
        g_utf8_validate (gst_vit_tokens_meta_get_roi_type (meta), -1, NULL));
  if (meta->roi_width > 0) {
    g_assert_cmpuint (
        (guint64) meta->roi_x + meta->roi_width, <=, meta->frame_width);
    g_assert_cmpuint (
        (guint64) meta->roi_y + meta->roi_height, <=, meta->frame_height);
  }
}

/* As one that does not. */
static void
call_everything (const GstVitTokensMeta *meta, gint at)
{
  gdouble x, y, width, height;
  guint column, row, left, top, n_columns, n_rows;

  gst_vit_tokens_meta_get_tokens (meta);
  gst_vit_tokens_meta_get_positions (meta);
  gst_vit_tokens_meta_get_model_id (meta);
  gst_vit_tokens_meta_get_map (meta);
  gst_vit_tokens_meta_get_roi_type (meta);
  gst_vit_tokens_meta_get_roi_rect (meta, &left, &top, &n_columns, &n_rows);
  for (guint i = 0; i < MIN (meta->n_prefix_tokens, 1000); i++)
    g_assert_cmpuint (gst_vit_tokens_meta_get_prefix_kind (
                          meta, meta->n_prefix_tokens - 1 - i),
        <=, GST_VIT_PREFIX_KIND_DISTILLATION);
  for (guint i = 0; i < MIN (meta->n_tokens, 1000); i++)
    gst_vit_tokens_meta_is_changed (meta, meta->n_tokens - 1 - i);
  if (meta->grid_width > 0 && meta->grid_height > 0) {
    gst_vit_tokens_meta_get_patch_rect (
        meta, meta->grid_width - 1, 0, &x, &y, &width, &height);
    g_assert_true (isfinite (x + y + width + height));
  }
  if (gst_vit_tokens_meta_find_patch (meta, at, at, &column, &row))
    g_assert_true (column < meta->grid_width && row < meta->grid_height);
}

static void
check_scaled (GstBuffer *frame, GstVitTokensMeta *meta, guint width)
{
  GstBuffer *dest = gst_buffer_new ();
  GstVitTokensMeta *scaled;
  GstVideoInfo in, out;
  GstVideoMetaTransform transform = { &in, &out };

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT);
  gst_video_info_set_format (
      &out, GST_VIDEO_FORMAT_RGBA, 4 * (width + 1), 3 * (width + 1));
  GST_VIT_TOKENS_META_INFO->transform_func (dest, &meta->meta, frame,
      gst_video_meta_transform_scale_get_quark (), &transform);
  scaled = gst_buffer_get_vit_tokens_meta (dest);
  if (scaled)
    check_valid (scaled);
  gst_buffer_unref (dest);
}

static void
check_library (GstBuffer *frame, Input *input)
{
  GstBuffer *copy = gst_buffer_copy (frame);
  GstVitTokensMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (copy, &state))) {
    const gchar *reason;
    gboolean is_valid = gst_vit_tokens_meta_is_valid (meta, &reason);

    g_assert_cmpint (is_valid, ==, reason == NULL);
    if (is_valid)
      check_valid (meta);
    call_everything (meta, (gint16) input_take (input, 2));
    check_scaled (copy, meta, input_take (input, 1));
#if GST_CHECK_VERSION(1, 24, 0)
    {
      GByteArray *bytes = g_byte_array_new ();
      guint32 n_read;

      if (gst_meta_serialize_simple (&meta->meta, bytes))
        g_assert_nonnull (gst_meta_deserialize (
            frame, bytes->data, bytes->len, &n_read));
      g_assert_true (is_valid || bytes->len == 0);
      g_byte_array_unref (bytes);
    }
#endif
  }
  gst_buffer_unref (copy);
}

/* As an application would, with one that it knows nothing of. */
static void
check_embeddings (GstBuffer *frame)
{
  g_autoptr (GstBuffer) copy = gst_buffer_copy (frame);
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (copy, &state))) {
    const gchar *reason;
    gboolean is_valid = gst_vit_embedding_meta_is_valid (meta, &reason);
    GstBuffer *values = gst_vit_embedding_meta_get_values (meta);
    guint x, y, width, height;

    g_assert_true (is_valid == (reason == NULL) && is_valid == (values != NULL));
    if (values)
      read_to_the_end (values, (gsize) meta->dim * 4);
    gst_vit_embedding_meta_get_model_id (meta);
    gst_vit_embedding_meta_get_roi_type (meta);
    forged_labels_check (meta);
    if (gst_vit_embedding_meta_get_roi_rect (meta, &x, &y, &width, &height))
      g_assert_true (width > 0 && height > 0);
  }
}

/* The header of a safetensors file, and the numbers in it. */
static void
check_header (GstBuffer *file, gboolean is_vector)
{
  g_autofree gchar *text = NULL;
  gsize size = gst_buffer_get_sizes (file, NULL, NULL);
  guint8 start[8];
  VitJsonFault fault;
  const gchar *map;
  guint64 length;
  json_t *json;

  g_assert_cmpuint (gst_buffer_extract (file, 0, start, 8), ==, 8);
  length = GST_READ_UINT64_LE (start);
  g_assert_cmpuint (length, <=, VIT_SAFETENSORS_MAX_HEADER_BYTES);
  g_assert_cmpuint (8 + length, <=, size);
  text = g_malloc0 (length + 1);
  gst_buffer_extract (file, 8, text, length);
  g_assert_true (vit_json_check (text, length, G_MAXSIZE, &fault));
  json = json_loads (text, JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull (json);
  map = json_string_value (
      json_object_get (json_object_get (json, "__metadata__"), "map"));
  g_assert_cmpint (map != NULL, ==, !is_vector);
  if (map)
    g_assert_cmpuint (strspn (map, "[]0123456789.,e+-"), ==, strlen (map));
  json_decref (json);
}

/* What vitencoder attached to a frame, behind so many metas of tokens. */
static void
check_encoded (GstBuffer *frame, guint n_before)
{
  const GstVitTokensMeta *features;
  const GstVitEmbeddingMeta *vector;
  gpointer state = NULL;

  for (guint i = 0;
       (features = gst_buffer_iterate_vit_tokens_meta (frame, &state)); i++) {
    if (i < n_before)
      continue;
    g_assert_true (gst_vit_tokens_meta_is_valid (features, NULL));
    check_valid (features);
    g_assert_cmpuint (features->n_blocks - 1, <, DEPTH);
    g_assert_cmpuint (features->embed_dim, ==, EMBED_DIM);
  }
  state = NULL;
  while ((vector = gst_buffer_iterate_vit_embedding_meta (frame, &state))) {
    g_assert_true (gst_vit_embedding_meta_is_valid (vector, NULL));
    read_to_the_end (vector->values, (gsize) vector->dim * sizeof (gfloat));
  }
}

static guint
count_tokens (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE);
}

static void
open_element (Stream *stream, guint kind, guint content)
{
  static const gchar *const outputs[] = { "application/x-npy",
    "application/x-safetensors",
    "other/tensors,format=static,num_tensors=1" };

  GstElement *element;

  if (kind == ENCODER) {
    element = new_encoder (content);
  } else if (kind < FIRST_ENCODING) {
    element = gst_element_factory_make ("vittokenoverlay", NULL);
    g_object_set (element, "mode", kind, "legend", FALSE, NULL);
  } else {
    element = gst_element_factory_make ("vittokenenc", NULL);
    g_object_set (element, "content", content, NULL);
  }
  stream_open (stream, element);
  if (kind >= FIRST_ENCODING && kind != ENCODER)
    gst_harness_set_sink_caps_str (
        stream->harness, outputs[kind - FIRST_ENCODING]);
  gst_harness_set_src_caps_str (stream->harness,
      "video/x-raw,format=RGBA,width=64,height=48,framerate=25/1");
}

/* Whether the element took it, as it did not have to. */
static gboolean
push_one (Stream *stream, guint kind, guint content, GstBuffer *frame)
{
  guint n_tokens = count_tokens (frame);
  gboolean is_taken = stream_push (stream, frame);
  GstBuffer *out;

  /* bf16 is nothing for other/tensors, nor any tokens for any model. */
  g_assert_true (is_taken || kind == 7 || kind == ENCODER);
  while ((out = gst_harness_try_pull (stream->harness))) {
    if (kind == 6)
      check_header (out, content >= FIRST_VECTOR);
    if (kind == ENCODER)
      check_encoded (out, n_tokens);
    gst_buffer_unref (out);
  }
  return is_taken;
}

static gboolean
push_frame (Stream *stream, guint kind, guint content, Input *input)
{
  GstBuffer *frame = gst_buffer_new_wrapped (g_malloc0 (SIZE), SIZE), *again;
  Room room = { .n = 0 };
  gboolean is_taken;

  for (guint n = input_take (input, 1) % MAX_METAS + 1; n > 0; n--)
    add_forged (frame, &room, kind == ENCODER, input);
  if (kind != ENCODER && content >= FIRST_VECTOR)
    add_forged_embedding (frame, &room, input);
  check_library (frame, input);
  check_embeddings (frame);
  /* Of which vitencoder knows the features then. */
  again = kind == ENCODER ? gst_buffer_copy (frame) : NULL;
  is_taken = push_one (stream, kind, content, frame);
  if (again && is_taken)
    is_taken = push_one (stream, kind, content, again);
  else if (again)
    gst_buffer_unref (again);
  for (guint i = 0; i < room.n; i++)
    guarded_free (&room.memory[i]);
  return is_taken;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  guint choice = input_take (&input, 1);
  guint kind = choice % N_KINDS, content = choice / N_KINDS % N_CONTENTS;
  guint n_frames = input_take (&input, 1) % 3 + 1;
  Stream stream;

  open_element (&stream, kind, content);
  while (n_frames > 0 && push_frame (&stream, kind, content, &input))
    n_frames--;
  stream_close (&stream);
  return 0;
}
