/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta from and to bytes: the layout is in the header.  Functions
 * of their arguments alone, so that they can be tested with any bytes and on
 * every release of GStreamer.
 */
#include "gst/vit/gstvittokensbytes.h"

#include <string.h>

#define HEAD_SIZE 96
#define NO_MODEL_ID G_MAXUINT32

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

gsize
gst_vit_tokens_bytes_head_size (const GstVitTokensFields *fields)
{
  gsize size = HEAD_SIZE;

  if (fields->model_id
      && (fields->model_id_size >= NO_MODEL_ID
          || !g_size_checked_add (&size, size, fields->model_id_size)))
    return 0;
  if (fields->changed
      && !g_size_checked_add (
          &size, size, gst_vit_tokens_changed_size (fields->n_tokens)))
    return 0;

  return size;
}

void
gst_vit_tokens_bytes_write_head (
    const GstVitTokensFields *fields, guint8 *bytes)
{
  const guint32 numbers[] = { fields->format, fields->n_prefix_tokens,
    fields->grid_width, fields->grid_height, fields->patch_size,
    fields->embed_dim, fields->frame_width, fields->frame_height,
    fields->n_blocks, (guint32) fields->roi_id };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    write_u32 (bytes + 4 * i, numbers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (fields->map); i++)
    write_f64 (bytes + 40 + 8 * i, fields->map[i]);
  write_u32 (
      bytes + 88, fields->model_id ? fields->model_id_size : NO_MODEL_ID);
  write_u32 (bytes + 92, fields->changed ? 1 : 0);
  bytes += HEAD_SIZE;
  if (fields->model_id_size > 0)
    memcpy (bytes, fields->model_id, fields->model_id_size);
  bytes += fields->model_id_size;
  if (fields->changed)
    memcpy (bytes, fields->changed,
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

gboolean
gst_vit_tokens_bytes_read (
    const guint8 *bytes, gsize size, GstVitTokensFields *fields)
{
  guint32 model_id_size, is_change_known;

  memset (fields, 0, sizeof *fields);
  if (size < HEAD_SIZE)
    return FALSE;
  read_numbers (bytes, fields);
  fields->n_tokens = gst_vit_tokens_layout_count (fields->format,
      fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
      fields->embed_dim, &fields->values_size);
  model_id_size = read_u32 (bytes + 88);
  is_change_known = read_u32 (bytes + 92);
  if (fields->n_tokens == 0 || is_change_known > 1)
    return FALSE;
  bytes += HEAD_SIZE;
  size -= HEAD_SIZE;

  if (model_id_size != NO_MODEL_ID) {
    if (size < model_id_size)
      return FALSE;
    fields->model_id = (const gchar *) bytes;
    fields->model_id_size = model_id_size;
    bytes += model_id_size;
    size -= model_id_size;
  }
  if (is_change_known) {
    gsize changed_size = gst_vit_tokens_changed_size (fields->n_tokens);

    if (size < changed_size)
      return FALSE;
    fields->changed = bytes;
    bytes += changed_size;
    size -= changed_size;
  }
  fields->values = bytes;
  return size == fields->values_size
         && !gst_vit_tokens_fields_find_fault (fields);
}
