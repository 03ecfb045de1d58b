/* SPDX-License-Identifier: MIT
 *
 * The container is written here by its definition, not with the reader's code.
 */
#include "support/weights.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

typedef struct {
  char *name;
  const char *dtype;
  json_t *shape;
  GByteArray *bytes;
} Entry;

struct _Weights {
  GPtrArray *entries;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->name);
  json_decref (entry->shape);
  g_byte_array_unref (entry->bytes);
  g_free (entry);
}

static Entry *
add_entry (Weights *weights, const char *name, const char *dtype)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->name = g_strdup (name);
  entry->dtype = g_intern_string (dtype);
  entry->bytes = g_byte_array_new ();
  g_ptr_array_add (weights->entries, entry);
  return entry;
}

static Entry *
find_entry (const Weights *weights, const char *name)
{
  for (guint i = 0; i < weights->entries->len; i++) {
    Entry *entry = weights->entries->pdata[i];

    if (strcmp (entry->name, name) == 0)
      return entry;
  }
  g_error ("the test's file has no tensor %s", name);
}

Weights *
weights_new (void)
{
  Weights *weights = g_new0 (Weights, 1);

  weights->entries = g_ptr_array_new_with_free_func (entry_free);
  return weights;
}

Weights *
weights_read (const char *path)
{
  Weights *weights = weights_new ();
  char *text;
  const guint8 *data;
  gsize length;
  guint64 n_header;
  const char *name;
  json_t *header, *value;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  memcpy (&n_header, text, 8);
  data = (const guint8 *) text + 8 + n_header;
  header = json_loadb (text + 8, n_header, 0, NULL);
  json_object_foreach (header, name, value)
  {
    json_t *offsets = json_object_get (value, "data_offsets");
    json_int_t begin = json_integer_value (json_array_get (offsets, 0));
    json_int_t end = json_integer_value (json_array_get (offsets, 1));
    Entry *entry;

    if (strcmp (name, "__metadata__") == 0)
      continue;
    entry = add_entry (
        weights, name, json_string_value (json_object_get (value, "dtype")));
    entry->shape = json_incref (json_object_get (value, "shape"));
    g_byte_array_append (entry->bytes, data + begin, (guint) (end - begin));
  }
  json_decref (header);
  g_free (text);
  return weights;
}

void
weights_free (Weights *weights)
{
  g_ptr_array_unref (weights->entries);
  g_free (weights);
}

void
weights_add (Weights *weights, const char *name, guint rank, ...)
{
  Entry *entry = add_entry (weights, name, "F32");
  const float value = 0.5f;
  gsize n_values = 1;
  va_list sizes;

  entry->shape = json_array ();
  va_start (sizes, rank);
  for (guint i = 0; i < rank; i++) {
    int size = va_arg (sizes, int);

    json_array_append_new (entry->shape, json_integer (size));
    n_values *= (gsize) size;
  }
  va_end (sizes);
  for (gsize i = 0; i < n_values; i++)
    g_byte_array_append (entry->bytes, (const guint8 *) &value, 4);
}

void
weights_remove (Weights *weights, const char *name)
{
  g_ptr_array_remove (weights->entries, find_entry (weights, name));
}

void
weights_rename (Weights *weights, const char *name, const char *new_name)
{
  Entry *entry = find_entry (weights, name);

  g_free (entry->name);
  entry->name = g_strdup (new_name);
}

void
weights_add_prefix (Weights *weights, const char *prefix)
{
  for (guint i = 0; i < weights->entries->len; i++) {
    Entry *entry = weights->entries->pdata[i];
    char *name = g_strconcat (prefix, entry->name, NULL);

    g_free (entry->name);
    entry->name = name;
  }
}

void
weights_join (Weights *weights, Weights *other)
{
  g_ptr_array_extend_and_steal (
      weights->entries, g_steal_pointer (&other->entries));
  g_free (other);
}

void
weights_set (Weights *weights, const char *name, gsize index, float value)
{
  Entry *entry = find_entry (weights, name);

  g_assert_cmpuint (index * 4, <, entry->bytes->len);
  memcpy (entry->bytes->data + index * 4, &value, 4);
}

/* binary16 of a number that is normal in it, or 0; `value` becomes it. */
static guint16
round_to_half (float *value)
{
  int exponent;
  double fraction = frexp (fabs ((double) *value), &exponent);
  /* Fewer bits are left below 2^-14. */
  int n_bits = MAX (11 + MIN (0, exponent + 13), 0);
  double scaled = nearbyint (ldexp (fraction, n_bits));
  double rounded = ldexp (scaled, exponent - n_bits);
  guint16 sign = signbit (*value) ? 0x8000 : 0;
  guint16 bits;

  g_assert_cmpfloat (rounded, <=, 65504);
  *value = (float) (sign ? -rounded : rounded);
  if (rounded < ldexp (1.0, -14))
    return sign | (guint16) ldexp (rounded, 24);
  fraction = frexp (rounded, &exponent);
  bits = (guint16) ((exponent + 14) << 10);
  return sign | (bits + (guint16) ldexp (fraction * 2 - 1, 10));
}

static guint16
round_to_bfloat (float *value)
{
  guint32 bits;
  guint16 high;

  memcpy (&bits, value, 4);
  bits += 0x7fff + ((bits >> 16) & 1);
  high = (guint16) (bits >> 16);
  bits &= 0xffff0000;
  memcpy (value, &bits, 4);
  return high;
}

static void
convert_to_double (Entry *entry)
{
  guint n_values = entry->bytes->len / 4;
  g_autofree float *values = g_memdup2 (entry->bytes->data, entry->bytes->len);

  g_byte_array_set_size (entry->bytes, n_values * 8);
  for (guint k = 0; k < n_values; k++) {
    double value = values[k] * (1.0 + 0x1p-30);

    memcpy (entry->bytes->data + 8 * k, &value, 8);
  }
  entry->dtype = "F64";
}

void
weights_set_float8 (Weights *weights, const char *name, const char *dtype)
{
  Entry *entry = find_entry (weights, name);

  g_byte_array_set_size (entry->bytes, entry->bytes->len / 4);
  entry->dtype = g_intern_string (dtype);
}

void
weights_convert (Weights *weights, const char *dtype, Weights *rounded)
{
  gboolean half = strcmp (dtype, "F16") == 0;

  for (guint i = 0; i < weights->entries->len; i++) {
    Entry *entry = weights->entries->pdata[i];
    Entry *copy = rounded->entries->pdata[i];
    guint n_values = entry->bytes->len / 4;

    if (strcmp (dtype, "F64") == 0) {
      convert_to_double (entry);
      continue;
    }
    for (guint k = 0; k < n_values; k++) {
      float value;
      guint16 bits;

      memcpy (&value, entry->bytes->data + 4 * k, 4);
      bits = half ? round_to_half (&value) : round_to_bfloat (&value);
      memcpy (entry->bytes->data + 2 * k, &bits, 2);
      memcpy (copy->bytes->data + 4 * k, &value, 4);
    }
    g_byte_array_set_size (entry->bytes, n_values * 2);
    entry->dtype = g_intern_string (dtype);
  }
}

void
weights_write_some (
    const Weights *weights, guint first, guint end, const char *path)
{
  json_t *header = json_object ();
  GByteArray *data = g_byte_array_new (), *out = g_byte_array_new ();
  guint64 n_header;
  char *text;

  for (guint i = first; i < end; i++) {
    Entry *entry = weights->entries->pdata[i];
    guint begin = data->len;

    g_byte_array_append (data, entry->bytes->data, entry->bytes->len);
    json_object_set_new (header, entry->name,
        json_pack ("{s:s, s:O, s:[i,i]}", "dtype", entry->dtype, "shape",
            entry->shape, "data_offsets", (int) begin, (int) data->len));
  }
  text = json_dumps (header, JSON_COMPACT);
  n_header = strlen (text);
  g_byte_array_append (out, (const guint8 *) &n_header, 8);
  g_byte_array_append (out, (const guint8 *) text, (guint) n_header);
  g_byte_array_append (out, data->data, data->len);
  g_assert_true (
      g_file_set_contents (path, (const char *) out->data, out->len, NULL));
  free (text);
  json_decref (header);
  g_byte_array_unref (data);
  g_byte_array_unref (out);
}

void
weights_write (const Weights *weights, const char *path)
{
  weights_write_some (weights, 0, weights->entries->len, path);
}

guint
weights_count (const Weights *weights)
{
  return weights->entries->len;
}

const char *
weights_name (const Weights *weights, guint index)
{
  return ((Entry *) weights->entries->pdata[index])->name;
}
