/* SPDX-License-Identifier: MIT
 *
 * The headers of the file formats in which records leave vittokenenc.
 *
 * npy 1.0: numpy.lib.format.  safetensors:
 * https://github.com/huggingface/safetensors, "Format".
 */
#include "tokenenc/gstvittokenheader.h"

#include <jansson.h>
#include <string.h>

#include "files/safetensors.h"
#include "tokenenc/gstvitrecordfields.h"

/* All fields but `changed` take less than this: the longest are the model id and
 * the region's type, every byte of which may be written as six, and the kinds of
 * prefix tokens, of up to 13 bytes each. */
#define OTHER_FIELDS_SIZE (32 * 1024)
#define MAX_CHANGED_TOKENS                                                    \
  (VIT_SAFETENSORS_MAX_HEADER_BYTES - OTHER_FIELDS_SIZE)

G_STATIC_ASSERT (
    OTHER_FIELDS_SIZE > 2 * 6 * GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE
                            + 6 * GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE
                            + 13 * GST_VIT_RECORD_FIELDS_MAX_KINDS);

static const struct {
  const gchar *npy;         /* descr */
  const gchar *safetensors; /* dtype */
} formats[] = {
  [GST_VIT_TOKEN_FORMAT_F32] = { "<f4", "F32" },
  [GST_VIT_TOKEN_FORMAT_F16] = { "<f2", "F16" },
  [GST_VIT_TOKEN_FORMAT_BF16] = { "<V2", "BF16" },
};

/* The values as an array. */
typedef struct {
  const gchar *name; /* of the tensor */
  GstVitTokenFormat format;
  guint rank;
  guint shape[2];
} Array;

static Array
array_of (const GstVitRecord *record)
{
  if (record->tokens)
    return (Array){ "tokens", record->tokens->format, 2,
      { record->tokens->n_tokens, record->tokens->embed_dim } };
  return (Array){ gst_vit_record_name (record), GST_VIT_TOKEN_FORMAT_F32, 1,
    { record->embedding->dim } };
}

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
GstMemory *
gst_vit_token_header_npy (
    const GstVitRecord *record, GstClockTime pts G_GNUC_UNUSED)
{
  static const gchar start[10] = "\x93NUMPY\x01\x00";
  const Array array = array_of (record);
  GString *header = g_string_new_len (start, sizeof start);

  g_string_append_printf (header,
      "{'descr': '%s', 'fortran_order': False, 'shape': (%u,",
      formats[array.format].npy, array.shape[0]);
  if (array.rank > 1)
    g_string_append_printf (header, " %u", array.shape[1]);
  g_string_append (header, "), }");
  while ((header->len + 1) % 64 != 0)
    g_string_append_c (header, ' ');
  g_string_append_c (header, '\n');
  GST_WRITE_UINT16_LE (header->str + 8, header->len - sizeof start);

  return wrap_header (header);
}

/* (transfer full): the format allows only strings here.  Lists of names have
 * commas between them, lists of numbers are JSON. */
static json_t *
field_to_text (json_t *field)
{
  GString *names;
  json_t *text;
  char *dumped;

  if (json_is_string (field))
    return json_incref (field);
  if (!json_is_array (field) || json_is_number (json_array_get (field, 0))) {
    dumped = json_dumps (
        field, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (17));
    text = json_string (dumped);
    free (dumped);
    return text;
  }
  names = g_string_new (NULL);
  for (gsize i = 0; i < json_array_size (field); i++)
    g_string_append_printf (names, "%s%s", i ? "," : "",
        json_string_value (json_array_get (field, i)));
  text = json_string (names->str);
  g_string_free (names, TRUE);
  return text;
}

/* A list as text, which is taken. */
static void
set_list (json_t *fields, const gchar *name, json_t *list)
{
  char *text = json_dumps (list, JSON_COMPACT);

  json_object_set_new (fields, name, json_string (text));
  free (text);
  json_decref (list);
}

static void
add_labels (json_t *fields, const GstVitEmbeddingMeta *meta)
{
  guint n = gst_vit_embedding_meta_get_n_labels (meta);
  json_t *names, *classes;
  GString *scores;

  if (n == 0)
    return;
  names = json_array ();
  classes = json_array ();
  scores = g_string_new (NULL);
  for (guint i = 0; i < n; i++) {
    gchar number[G_ASCII_DTOSTR_BUF_SIZE];
    guint class_id;
    const gchar *name;
    gfloat probability;

    gst_vit_embedding_meta_get_label (meta, i, &class_id, &name, &probability);
    json_array_append_new (names, json_string (name));
    json_array_append_new (classes, json_integer (class_id));
    /* Nine digits tell every float32. */
    g_ascii_formatd (number, sizeof number, "%.9g", (gdouble) probability);
    g_string_append_printf (scores, "%c%s", i == 0 ? '[' : ',', number);
  }
  g_string_append_c (scores, ']');
  set_list (fields, "labels", names);
  set_list (fields, "label_classes", classes);
  json_object_set_new (fields, "label_scores", json_string (scores->str));
  g_string_free (scores, TRUE);
}

static json_t *
fields_to_json (const GstVitRecord *record, GstClockTime pts)
{
  json_t *fields = gst_vit_record_fields_new (record, MAX_CHANGED_TOKENS);
  const char *name;
  json_t *field;

  /* A value that is there already may be set while they are gone through. */
  json_object_foreach (fields, name, field)
    json_object_set_new (fields, name, field_to_text (field));
  if (record->embedding)
    add_labels (fields, record->embedding);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    json_object_set_new (
        fields, "pts", json_sprintf ("%" G_GUINT64_FORMAT, pts));
  return fields;
}

/*   0        8                     multiple of 8
 *   +--------+---------------------+
 *   | n: u64 | JSON and spaces: n  | values
 *   +--------+---------------------+
 *
 * (nullable) */
static GstMemory *
wrap_json (const char *text)
{
  gsize size = strlen (text), padded = GST_ROUND_UP_8 (size);
  gchar *bytes = g_try_malloc (8 + padded);

  if (!bytes)
    return NULL;
  GST_WRITE_UINT64_LE (bytes, padded);
  memcpy (bytes + 8, text, size);
  memset (bytes + 8 + size, ' ', padded - size);

  return gst_memory_new_wrapped (
      0, bytes, 8 + padded, 0, 8 + padded, bytes, g_free);
}

static json_t *
shape_to_json (const Array *array)
{
  json_t *shape = json_array ();

  for (guint i = 0; i < array->rank; i++)
    json_array_append_new (shape, json_integer (array->shape[i]));
  return shape;
}

GstMemory *
gst_vit_token_header_safetensors (
    const GstVitRecord *record, GstClockTime pts)
{
  const Array array = array_of (record);
  json_int_t end = gst_buffer_get_size (gst_vit_record_values (record));
  GstMemory *header;
  json_t *json;
  char *text;

  json = json_pack ("{s:o, s:{s:s, s:o, s:[i, I]}}", "__metadata__",
      fields_to_json (record, pts), array.name, "dtype",
      formats[array.format].safetensors, "shape", shape_to_json (&array),
      "data_offsets", 0, end);
  text = json_dumps (json, JSON_COMPACT);
  json_decref (json);
  if (!text)
    return NULL;

  header = wrap_json (text);
  free (text);

  return header;
}
