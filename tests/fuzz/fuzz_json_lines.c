/* SPDX-License-Identifier: MIT
 *
 * A line of JSON of metas whose strings, numbers, times and labels are anyone's:
 * tokens, an embedding and scores of one region or several.  Whatever they hold, a
 * line is ASCII with one newline, at its end, and what a reader finds in it is what
 * the meta holds: each number bit for bit, each string but for what is no UTF-8.
 */
#include "fuzz.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "forged_labels.h"
#include "gst/vit/vit.h"
#include "tokenenc/gstvitjsonline.h"

#define MAX_METAS 4
#define WIDTH 64
#define HEIGHT 48

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  return 0;
}

/* (transfer full): bytes of the input, but no zero. */
static gchar *
take_text (Input *input)
{
  gsize wanted = input_take (input, 1) % 64, n = MIN (wanted, input->size);
  gchar *text = g_strndup ((const gchar *) input->data, n);

  input->data += n;
  input->size -= n;
  return text;
}

static GstBuffer *
take_values (Input *input, gsize size)
{
  guint8 *bytes = g_malloc (size);
  gsize n = MIN (size, input->size);

  memset (bytes, 0, size);
  if (n > 0)
    memcpy (bytes, input->data, n);
  input->data += n;
  input->size -= n;
  return gst_buffer_new_wrapped (bytes, size);
}

static guint64
take_time (Input *input)
{
  guint64 high = input_take (input, 4);

  return high << 32 | input_take (input, 4);
}

static GstVitTokensMeta *
add_tokens (GstBuffer *frame, Input *input)
{
  guint which = input_take (input, 1);
  GstVitTokenFormat format = (GstVitTokenFormat) (which % 3);
  guint n_prefix = input_take (input, 1) % 5;
  guint columns = input_take (input, 1) % 4 + 1, rows = which % 4 + 1;
  guint embed_dim = input_take (input, 1) % 5 + 1;
  guint n_tokens = n_prefix + columns * rows;
  g_autoptr (GstBuffer) values
      = take_values (input, (gsize) n_tokens * embed_dim
                                * gst_vit_token_format_get_size (format));
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, values,
      format, n_prefix, columns, rows, 16, embed_dim, WIDTH, HEIGHT, NULL);

  if (which & 8)
    meta->model_id = take_text (input);
  if (which & 16)
    meta->roi_type = take_text (input);
  meta->roi_id = (gint) (which >> 5) - 1;
  if (which & 32)
    meta->map[input_take (input, 1) % 6]
        = (gint) input_take (input, 4) / 1024.0;
  if (which & 64) {
    guint8 *kinds = g_malloc0 (n_prefix + 1);

    for (guint i = 0; i < n_prefix; i++)
      kinds[i] = (guint8) input_take (input, 1);
    meta->prefix_kinds = g_bytes_new_take (kinds, n_prefix);
  }
  if (which & 128) {
    gsize n_bytes = (n_tokens + 7) / 8;
    guint8 *changed = g_malloc (n_bytes);

    memset (changed, (gint) input_take (input, 1), n_bytes);
    meta->changed = g_bytes_new_take (changed, n_bytes);
  }
  return meta;
}

static void
add_vector (GstBuffer *frame, const GstVitTokensMeta *tokens, Input *input)
{
  guint which = input_take (input, 1);
  guint dim = input_take (input, 1) % 20 + 1;
  g_autoptr (GstBuffer) values = take_values (input, (gsize) dim * 4);
  GstVitEmbeddingMeta *meta = gst_buffer_add_vit_embedding_meta (frame,
      (GstVitEmbeddingKind) (which & 1), values, dim, which & 2,
      gst_vit_tokens_meta_is_valid (tokens, NULL) ? tokens : NULL);

  if (meta->kind == GST_VIT_EMBEDDING_KIND_LOGITS
      && gst_vit_embedding_meta_is_valid (meta, NULL))
    for (guint i = 0; i < (which >> 2) % 4 && i < dim; i++) {
      g_autofree gchar *name = take_text (input);
      g_autofree gchar *valid = g_utf8_make_valid (name, -1);

      /* Behind which there may be forged ones, of 0.5. */
      gst_vit_embedding_meta_add_label (meta, i, valid, 1 - 0.1f * (gfloat) i);
    }
  if (which & 16)
    forged_labels_add (meta, input);
  if (which & 32) {
    g_free (meta->model_id);
    meta->model_id = take_text (input);
  }
  if (which & 64) {
    g_free (meta->roi_type);
    meta->roi_type = take_text (input);
  }
}

/* text (nullable): it is not there. */
static void
check_text (json_t *row, const gchar *name, const gchar *text)
{
  const char *found = json_string_value (json_object_get (row, name));
  g_autofree gchar *valid = text ? g_utf8_make_valid (text, -1) : NULL;

  g_assert_cmpstr (found, ==, valid);
}

static void
check_time (json_t *row, const gchar *name, guint64 time)
{
  json_t *found = json_object_get (row, name);

  if (time <= G_MAXINT64)
    g_assert_cmpint (json_integer_value (found), ==, (gint64) time);
  else
    g_assert_true (json_is_null (found));
}

/* Bit for bit where nine digits are written. */
static void
check_numbers (json_t *list, const GstVitEmbeddingMeta *meta, guint digits)
{
  GstMapInfo map;

  g_assert_cmpuint (json_array_size (list), ==, meta->dim);
  g_assert_true (gst_buffer_map (meta->values, &map, GST_MAP_READ));
  for (guint i = 0; i < meta->dim; i++) {
    json_t *found = json_array_get (list, i);
    gfloat value, read;

    memcpy (&value, map.data + 4 * i, 4);
    g_assert_cmpint (json_is_null (found), ==, !isfinite (value));
    read = (gfloat) json_number_value (found);
    if (isfinite (value) && digits == GST_VIT_JSON_LINE_MAX_DIGITS)
      g_assert_cmpint (memcmp (&value, &read, 4), ==, 0);
  }
  gst_buffer_unmap (meta->values, &map);
}

static void
check_tokens (json_t *row, const GstVitTokensMeta *meta)
{
  g_autofree guchar *bytes = NULL;
  gsize n_bytes;

  check_text (row, "model_id", meta->model_id);
  check_text (row, "roi_type", meta->roi_type);
  bytes = g_base64_decode (
      json_string_value (json_object_get (row, "tokens")), &n_bytes);
  g_assert_cmpuint (n_bytes, ==, gst_buffer_get_size (meta->tokens));
  g_assert_cmpint (
      gst_buffer_memcmp (meta->tokens, 0, bytes, n_bytes), ==, 0);
  g_assert_cmpuint (
      json_array_size (json_object_get (row, "prefix_kinds")), ==,
      meta->prefix_kinds ? meta->n_prefix_tokens : 0);
  for (guint i = 0; i < 6; i++)
    g_assert_true (json_number_value (json_array_get (
                       json_object_get (row, "map"), i)) == meta->map[i]);
}

static void
check_vector (json_t *row, const GstVitEmbeddingMeta *meta, guint digits)
{
  gboolean is_logits = meta->kind == GST_VIT_EMBEDDING_KIND_LOGITS;
  guint n_labels = gst_vit_embedding_meta_get_n_labels (meta);
  json_t *labels = json_object_get (row, "labels");

  check_text (row, "model_id", meta->model_id);
  check_text (row, "roi_type", meta->roi_type);
  check_numbers (json_object_get (row, is_logits ? "logits" : "embedding"),
      meta, digits);
  for (guint i = 0; is_logits && i < n_labels; i++) {
    const gchar *name;

    gst_vit_embedding_meta_get_label (meta, i, NULL, &name, NULL);
    check_text (json_array_get (labels, i), "name", name);
  }
  if (is_logits)
    g_assert_cmpuint (json_array_size (labels), ==, n_labels);
}

static void
check_line (const GstVitRecord *record, const GstVitJsonLineFrame *frame,
    guint digits)
{
  GstBuffer *line = gst_vit_json_line_new (record, frame, digits);
  GstMapInfo map;
  json_t *row;

  g_assert_nonnull (line);
  g_assert_true (gst_buffer_map (line, &map, GST_MAP_READ));
  g_assert_true (memchr (map.data, '\n', map.size) == map.data + map.size - 1);
  for (gsize i = 0; i + 1 < map.size; i++)
    g_assert_true (map.data[i] >= ' ' && map.data[i] < 128);
  row = json_loadb (
      (const char *) map.data, map.size, JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull (row);
  check_time (row, "pts", GST_BUFFER_PTS (frame->buffer));
  check_time (row, "duration", GST_BUFFER_DURATION (frame->buffer));
  g_assert_nonnull (json_object_get (row, "frame"));
  g_assert_nonnull (json_object_get (row, "stream_time"));
  if (record->tokens)
    check_tokens (row, record->tokens);
  else
    check_vector (row, record->embedding, digits);
  json_decref (row);
  gst_buffer_unmap (line, &map);
  gst_buffer_unref (line);
}

/* Each meta as it is, valid or not: but for strings and labels they are. */
static void
check_lines (const GstVitJsonLineFrame *frame, guint digits)
{
  GstVitTokensMeta *tokens;
  GstVitEmbeddingMeta *vector;
  gpointer state = NULL;

  while ((tokens
          = gst_buffer_iterate_vit_tokens_meta (frame->buffer, &state))) {
    const GstVitRecord record = { tokens, NULL };

    check_line (&record, frame, digits);
  }
  state = NULL;
  while ((vector
          = gst_buffer_iterate_vit_embedding_meta (frame->buffer, &state))) {
    const GstVitRecord record = { NULL, vector };

    check_line (&record, frame, digits);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  GstBuffer *buffer = gst_buffer_new ();
  guint which = input_take (&input, 1), n = which % MAX_METAS + 1;
  guint digits = which & 128 ? input_take (&input, 1) % 9 + 1 : 9;
  GstSegment segment;
  GstVitJsonLineFrame frame = { buffer, &segment, 0 };

  gst_segment_init (
      &segment, which & 64 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
  if (which & 32) {
    GST_BUFFER_PTS (buffer) = take_time (&input);
    GST_BUFFER_DURATION (buffer) = take_time (&input);
    GST_BUFFER_OFFSET (buffer) = take_time (&input);
    GST_BUFFER_OFFSET_END (buffer)
        = GST_BUFFER_OFFSET (buffer) + input_take (&input, 1);
    frame.n_before = take_time (&input);
  }
  if (which & 16) {
    segment.start = take_time (&input);
    segment.time = take_time (&input);
  }
  for (; n > 0; n--) {
    const GstVitTokensMeta *tokens = add_tokens (buffer, &input);

    add_vector (buffer, tokens, &input);
    add_vector (buffer, tokens, &input);
  }
  check_lines (&frame, digits);
  gst_buffer_unref (buffer);
  return 0;
}
