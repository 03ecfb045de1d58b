/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta from and to bytes: the layout is in the header.  Functions
 * of their arguments alone, so that they can be tested with any bytes and on
 * every release of GStreamer.
 */
#include "gst/vit/gstvittokensbytes.h"

#include <string.h>

#define HEAD_SIZE_1 96 /* of version 1 */
#define HEAD_SIZE 116
#define NO_TEXT G_MAXUINT32
#define IS_CHANGE_KNOWN 1
#define ARE_KINDS_KNOWN 2

/* Nothing is aligned in somebody else's buffer. */

static void
write_u32 (guint8 *bytes, guint32 number)
{
  number = GUINT32_TO_LE (number);
  memcpy (bytes, &number, sizeof number);
}

static guint32
read_u32 (const guint8 *bytes)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return GUINT32_FROM_LE (number);
}

static void
write_f64 (guint8 *bytes, gdouble number)
{
  guint64 bits;

  memcpy (&bits, &number, sizeof bits);
  bits = GUINT64_TO_LE (bits);
  memcpy (bytes, &bits, sizeof bits);
}

static gdouble
read_f64 (const guint8 *bytes)
{
  guint64 bits;
  gdouble number;

  memcpy (&bits, bytes, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (&number, &bits, sizeof number);
  return number;
}

static gboolean
add_text_size (const gchar *text, gsize text_size, gsize *size)
{
  return !text
         || (text_size < NO_TEXT && g_size_checked_add (size, *size, text_size));
}

gsize
gst_vit_tokens_bytes_head_size (const GstVitTokensFields *fields)
{
  gsize size = HEAD_SIZE;

  if (!add_text_size (fields->model_id, fields->model_id_size, &size)
      || !add_text_size (fields->roi_type, fields->roi_type_size, &size))
    return 0;
  if (fields->prefix_kinds
      && !g_size_checked_add (&size, size, fields->n_prefix_tokens))
    return 0;
  if (fields->changed
      && !g_size_checked_add (
          &size, size, gst_vit_tokens_changed_size (fields->n_tokens)))
    return 0;

  return size;
}

/* What stands after it. */
static guint8 *
write_bytes (guint8 *bytes, gconstpointer source, gsize size)
{
  if (source && size > 0)
    memcpy (bytes, source, size);
  return bytes + (source ? size : 0);
}

void
gst_vit_tokens_bytes_write_head (
    const GstVitTokensFields *fields, guint8 *bytes)
{
  const guint32 numbers[] = { fields->format, fields->n_prefix_tokens,
    fields->grid_width, fields->grid_height, fields->patch_size,
    fields->embed_dim, fields->frame_width, fields->frame_height,
    fields->n_blocks, (guint32) fields->roi_id };
  const guint32 roi[] = { fields->roi_x, fields->roi_y, fields->roi_width,
    fields->roi_height };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    write_u32 (bytes + 4 * i, numbers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (fields->map); i++)
    write_f64 (bytes + 40 + 8 * i, fields->map[i]);
  write_u32 (bytes + 88, fields->model_id ? fields->model_id_size : NO_TEXT);
  write_u32 (bytes + 92, (fields->changed ? IS_CHANGE_KNOWN : 0)
                             | (fields->prefix_kinds ? ARE_KINDS_KNOWN : 0));
  for (guint i = 0; i < G_N_ELEMENTS (roi); i++)
    write_u32 (bytes + 96 + 4 * i, roi[i]);
  write_u32 (bytes + 112, fields->roi_type ? fields->roi_type_size : NO_TEXT);
  bytes = write_bytes (
      bytes + HEAD_SIZE, fields->model_id, fields->model_id_size);
  bytes = write_bytes (bytes, fields->roi_type, fields->roi_type_size);
  bytes = write_bytes (bytes, fields->prefix_kinds, fields->n_prefix_tokens);
  write_bytes (bytes, fields->changed,
      gst_vit_tokens_changed_size (fields->n_tokens));
}

static void
read_numbers (const guint8 *bytes, GstVitTokensFields *fields)
{
  guint32 numbers[10];

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = read_u32 (bytes + 4 * i);
  fields->format = (GstVitTokenFormat) numbers[0];
  fields->n_prefix_tokens = numbers[1];
  fields->grid_width = numbers[2];
  fields->grid_height = numbers[3];
  fields->patch_size = numbers[4];
  fields->embed_dim = numbers[5];
  fields->frame_width = numbers[6];
  fields->frame_height = numbers[7];
  fields->n_blocks = numbers[8];
  fields->roi_id = (gint32) numbers[9];

  for (guint i = 0; i < G_N_ELEMENTS (fields->map); i++)
    fields->map[i] = read_f64 (bytes + 40 + 8 * i);
}

/* Bytes that are still to be read. */
typedef struct {
  const guint8 *bytes;
  gsize size;
} Rest;

/* (nullable): NULL where there are not so many. */
static const guint8 *
take (Rest *rest, gsize size)
{
  const guint8 *bytes = rest->bytes;

  if (rest->size < size)
    return NULL;
  rest->bytes += size;
  rest->size -= size;
  return bytes;
}

/* A text of `size` bytes, which may be none. */
static gboolean
take_text (Rest *rest, guint32 size, const gchar **text, gsize *text_size)
{
  if (size == NO_TEXT)
    return TRUE;
  *text = (const gchar *) take (rest, size);
  *text_size = size;
  return *text != NULL;
}

static void
read_region (const guint8 *bytes, GstVitTokensFields *fields)
{
  fields->roi_x = read_u32 (bytes + 96);
  fields->roi_y = read_u32 (bytes + 100);
  fields->roi_width = read_u32 (bytes + 104);
  fields->roi_height = read_u32 (bytes + 108);
}

/* `known` says which of the two are there.  Kinds of no token are none, as they
 * would not be written again. */
static gboolean
take_known (Rest *rest, guint32 known, GstVitTokensFields *fields)
{
  if (known & ARE_KINDS_KNOWN) {
    fields->prefix_kinds = take (rest, fields->n_prefix_tokens);
    if (!fields->prefix_kinds || fields->n_prefix_tokens == 0)
      return FALSE;
  }
  if (known & IS_CHANGE_KNOWN) {
    fields->changed
        = take (rest, gst_vit_tokens_changed_size (fields->n_tokens));
    if (!fields->changed)
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_vit_tokens_bytes_read (const guint8 *bytes, gsize size, guint version,
    GstVitTokensFields *fields)
{
  Rest rest = { bytes, size };
  gboolean is_first = version == 1;
  guint32 known, roi_type_size = NO_TEXT;

  memset (fields, 0, sizeof *fields);
  if ((!is_first && version != GST_VIT_TOKENS_BYTES_VERSION)
      || !take (&rest, is_first ? HEAD_SIZE_1 : HEAD_SIZE))
    return FALSE;
  read_numbers (bytes, fields);
  fields->n_tokens = gst_vit_tokens_layout_count (fields->format,
      fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
      fields->embed_dim, &fields->values_size);
  known = read_u32 (bytes + 92);
  if (!is_first) {
    read_region (bytes, fields);
    roi_type_size = read_u32 (bytes + 112);
  }
  if (fields->n_tokens == 0 || known > (is_first ? 1 : 3)
      || !take_text (&rest, read_u32 (bytes + 88), &fields->model_id,
          &fields->model_id_size)
      || !take_text (
          &rest, roi_type_size, &fields->roi_type, &fields->roi_type_size)
      || !take_known (&rest, known, fields))
    return FALSE;
  fields->values = rest.bytes;
  return rest.size == fields->values_size
         && !gst_vit_tokens_fields_find_fault (fields);
}
