/* SPDX-License-Identifier: MIT
 *
 * A line is put together from three parts: what takes all 17 digits of a double or
 * none, written by jansson; tokens in base64, of which no character needs an
 * escape, written where they go, as they may be many; and the numbers of which it
 * is told how many digits they have, by jansson again.
 */
#include "tokenenc/gstvitjsonline.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "common/gstvitreading.h"
#include "tokenenc/gstvitrecordfields.h"

/* ASCII: some readers take other characters for the end of a line too (U+2028),
 * and terminals obey some (U+009B). */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_EMBED)

/* Time that is not known is none of JSON's integers, either. */
static json_t *
time_to_json (guint64 time)
{
  return time <= G_MAXINT64 ? json_integer ((json_int_t) time) : json_null ();
}

static GstClockTime
stream_time_of (const GstVitJsonLineFrame *frame)
{
  GstClockTime pts = GST_BUFFER_PTS (frame->buffer);

  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || frame->segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time (frame->segment, GST_FORMAT_TIME, pts);
}

/* Who counts frames sets both offsets.  A parser sets one, or both, to where bytes
 * lie. */
static guint64
number_of (const GstVitJsonLineFrame *frame)
{
  guint64 offset = GST_BUFFER_OFFSET (frame->buffer);

  if (offset < G_MAXINT64
      && GST_BUFFER_OFFSET_END (frame->buffer) == offset + 1)
    return offset;
  return frame->n_before;
}

static const gchar *
dtype_of (GstVitTokenFormat format)
{
  static const gchar *const names[] = {
    [GST_VIT_TOKEN_FORMAT_F32] = "float32",
    [GST_VIT_TOKEN_FORMAT_F16] = "float16",
    [GST_VIT_TOKEN_FORMAT_BF16] = "bfloat16",
  };

  return names[format];
}

/* (transfer full) (nullable) */
static json_t *
describe (const GstVitRecord *record, const GstVitRecordBeside *beside,
    const GstVitJsonLineFrame *frame)
{
  json_t *fields = json_pack ("{s:o, s:o, s:o, s:o}", "pts",
      time_to_json (GST_BUFFER_PTS (frame->buffer)), "stream_time",
      time_to_json (stream_time_of (frame)), "duration",
      time_to_json (GST_BUFFER_DURATION (frame->buffer)), "frame",
      time_to_json (number_of (frame)));
  json_t *of_meta = gst_vit_record_fields_new (record, G_MAXUINT);

  json_object_update (fields, of_meta);
  json_decref (of_meta);
  if (record->tokens)
    json_object_update_new (fields,
        json_pack ("{s:[I,I], s:s}", "shape",
            (json_int_t) record->tokens->n_tokens,
            (json_int_t) record->tokens->embed_dim, "dtype",
            dtype_of (record->tokens->format)));
  else if (beside->tokens)
    gst_vit_record_fields_add_grid (fields, beside->tokens);
  /* It is said of an embedding; there may be one beside tokens or scores. */
  json_object_del (fields, "normalized");
  if (beside->embedding)
    json_object_set_new (fields, "normalized",
        json_boolean (beside->embedding->normalized));
  return fields;
}

/* By its bits where it is so small that a processor may be told to take it for 0,
 * as some libraries do for every thread that begins after they were loaded. */
static gdouble
widen (gfloat value)
{
  guint32 bits, fraction;

  memcpy (&bits, &value, sizeof bits);
  fraction = bits & 0x7fffff;
  if ((bits >> 23 & 0xff) > 0 || fraction == 0)
    return (gdouble) value;
  return bits >> 31 ? -(0x1p-149 * fraction) : 0x1p-149 * fraction;
}

/* (transfer full) (nullable).  JSON has no NaN and no infinity. */
static json_t *
vector_to_json (const GstVitEmbeddingMeta *meta)
{
  GstVitReading *reading = gst_vit_reading_new (meta->values);
  json_t *list;
  int failed = 0;

  if (!reading)
    return NULL;
  list = json_array ();
  for (guint i = 0; i < meta->dim && !failed; i++) {
    gfloat value;

    memcpy (&value, reading->data + (gsize) i * sizeof value, sizeof value);
    failed = json_array_append_new (
        list, isfinite (value) ? json_real (widen (value)) : json_null ());
  }
  gst_vit_reading_unref (reading);
  if (failed)
    g_clear_pointer (&list, json_decref);
  return list;
}

static json_t *
labels_to_json (const GstVitEmbeddingMeta *meta)
{
  guint n = gst_vit_embedding_meta_get_n_labels (meta);
  json_t *labels = json_array ();

  for (guint i = 0; i < n; i++) {
    guint class_id;
    const gchar *name;
    gfloat probability;

    gst_vit_embedding_meta_get_label (meta, i, &class_id, &name, &probability);
    json_array_append_new (
        labels, json_pack ("{s:o, s:I, s:f}", "name",
                    gst_vit_record_fields_text (name), "class",
                    (json_int_t) class_id, "score", widen (probability)));
  }
  return labels;
}

/* (transfer full) (nullable) */
static json_t *
number (const GstVitRecord *record, const GstVitRecordBeside *beside)
{
  json_t *numbers = json_object ();
  int failed = 0;

  if (beside->embedding)
    failed = json_object_set_new (
        numbers, "embedding", vector_to_json (beside->embedding));
  if (beside->logits && beside->logits == record->embedding)
    failed |= json_object_set_new (
        numbers, "logits", vector_to_json (beside->logits));
  if (beside->logits
      && gst_vit_embedding_meta_get_n_labels (beside->logits) > 0)
    failed |= json_object_set_new (
        numbers, "labels", labels_to_json (beside->logits));
  if (failed)
    g_clear_pointer (&numbers, json_decref);
  return numbers;
}

/* (transfer full: free()) (nullable): what stands between the brackets; takes
 * `object`, which may be NULL. */
static char *
dump (json_t *object, gsize digits)
{
  char *text
      = json_dumps (object, DUMP_FLAGS | JSON_REAL_PRECISION (digits));

  json_decref (object);
  return text;
}

static gchar *
append (gchar *end, const gchar *text)
{
  gsize size = strlen (text);

  memcpy (end, text, size);
  return end + size;
}

static gchar *
append_base64 (gchar *end, const guint8 *bytes, gsize size)
{
  gint state = 0, save = 0;

  end += g_base64_encode_step (bytes, size, FALSE, end, &state, &save);
  return end + g_base64_encode_close (FALSE, end, &state, &save);
}

#define TOKENS_BEGIN ",\"tokens\":\""
#define TOKENS_END "\""
/* All but the parts, and what base64 may write at its end. */
#define MORE_SIZE (sizeof ("{" TOKENS_BEGIN TOKENS_END ",}\n") + 8)

/* (transfer full) (nullable).  tokens (nullable). */
static GstMemory *
join (const char *fields, const GstVitReading *tokens, const char *numbers)
{
  gsize size = strlen (fields) + strlen (numbers) + MORE_SIZE;
  gchar *line, *end;

  if (tokens)
    size += (tokens->size / 3 + 1) * 4;
  line = end = g_try_malloc (size);
  if (!line)
    return NULL;
  end = append (end, "{");
  end = append (end, fields);
  if (tokens) {
    end = append (end, TOKENS_BEGIN);
    end = append_base64 (end, tokens->data, tokens->size);
    end = append (end, TOKENS_END);
  }
  end = append (end, *numbers ? "," : "");
  end = append (end, numbers);
  end = append (end, "}\n");
  return gst_memory_new_wrapped (
      0, line, size, 0, (gsize) (end - line), line, g_free);
}

/* (transfer full) (nullable) */
static GstMemory *
write_line (const GstVitRecord *record, const char *fields,
    const char *numbers)
{
  GstVitReading *tokens;
  GstMemory *line;

  if (!record->tokens)
    return join (fields, NULL, numbers);
  tokens = gst_vit_reading_new (record->tokens->tokens);
  if (!tokens)
    return NULL;
  line = join (fields, tokens, numbers);
  gst_vit_reading_unref (tokens);
  return line;
}

GstBuffer *
gst_vit_json_line_new (const GstVitRecord *record,
    const GstVitJsonLineFrame *frame, guint digits)
{
  const GstVitRecordBeside beside
      = gst_vit_record_find_beside (record, frame->buffer);
  char *fields = dump (describe (record, &beside, frame), 17);
  char *numbers = dump (number (record, &beside), digits);
  GstMemory *line
      = fields && numbers ? write_line (record, fields, numbers) : NULL;
  GstBuffer *buffer = NULL;

  free (numbers);
  free (fields);
  if (line) {
    buffer = gst_buffer_new ();
    gst_buffer_append_memory (buffer, line);
    gst_buffer_copy_into (
        buffer, frame->buffer, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  }
  return buffer;
}
