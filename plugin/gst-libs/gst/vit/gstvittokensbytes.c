/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta from and to bytes: the layout is in the header.  Functions
 * of their arguments alone, so that they can be tested with any bytes and on
 * every release of GStreamer.
 */
#include "gst/vit/gstvittokensbytes.h"

#include <string.h>

#include "gst/vit/gstvitbytes.h"

#define HEAD_SIZE_1 96 /* of version 1 */
#define HEAD_SIZE 116
#define IS_CHANGE_KNOWN 1
#define ARE_KINDS_KNOWN 2

gsize
gst_vit_tokens_bytes_head_size (const GstVitTokensFields *fields)
{
  gsize size = HEAD_SIZE;

  if (!gst_vit_bytes_add_text_size (
          fields->model_id, fields->model_id_size, &size)
      || !gst_vit_bytes_add_text_size (
          fields->roi_type, fields->roi_type_size, &size))
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

void
gst_vit_tokens_bytes_write_head (
    const GstVitTokensFields *fields, guint8 *bytes)
{
  const guint32 numbers[] = { fields->format, fields->n_prefix_tokens,
    fields->grid_width, fields->grid_height, fields->patch_size,
    fields->embed_dim, fields->frame_width, fields->frame_height,
    fields->n_blocks, (guint32) fields->roi_id };
  const guint32 roi[]
      = { fields->roi_x, fields->roi_y, fields->roi_width, fields->roi_height };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    gst_vit_bytes_write_u32 (bytes + 4 * i, numbers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (fields->map); i++)
    gst_vit_bytes_write_f64 (bytes + 40 + 8 * i, fields->map[i]);
  gst_vit_bytes_write_u32 (bytes + 88,
      fields->model_id ? fields->model_id_size : GST_VIT_BYTES_NO_TEXT);
  gst_vit_bytes_write_u32 (
      bytes + 92, (fields->changed ? IS_CHANGE_KNOWN : 0)
                      | (fields->prefix_kinds ? ARE_KINDS_KNOWN : 0));
  for (guint i = 0; i < G_N_ELEMENTS (roi); i++)
    gst_vit_bytes_write_u32 (bytes + 96 + 4 * i, roi[i]);
  gst_vit_bytes_write_u32 (bytes + 112,
      fields->roi_type ? fields->roi_type_size : GST_VIT_BYTES_NO_TEXT);
  bytes = gst_vit_bytes_write (
      bytes + HEAD_SIZE, fields->model_id, fields->model_id_size);
  bytes = gst_vit_bytes_write (bytes, fields->roi_type, fields->roi_type_size);
  bytes = gst_vit_bytes_write (
      bytes, fields->prefix_kinds, fields->n_prefix_tokens);
  gst_vit_bytes_write (
      bytes, fields->changed, gst_vit_tokens_changed_size (fields->n_tokens));
}

static void
read_numbers (const guint8 *bytes, GstVitTokensFields *fields)
{
  guint32 numbers[10];

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = gst_vit_bytes_read_u32 (bytes + 4 * i);
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
    fields->map[i] = gst_vit_bytes_read_f64 (bytes + 40 + 8 * i);
}

static void
read_region (const guint8 *bytes, GstVitTokensFields *fields)
{
  fields->roi_x = gst_vit_bytes_read_u32 (bytes + 96);
  fields->roi_y = gst_vit_bytes_read_u32 (bytes + 100);
  fields->roi_width = gst_vit_bytes_read_u32 (bytes + 104);
  fields->roi_height = gst_vit_bytes_read_u32 (bytes + 108);
}

/* `known` says which of the two are there.  Kinds of no token are none, as they
 * would not be written again. */
static gboolean
take_known (GstVitBytes *rest, guint32 known, GstVitTokensFields *fields)
{
  if (known & ARE_KINDS_KNOWN) {
    fields->prefix_kinds = gst_vit_bytes_take (rest, fields->n_prefix_tokens);
    if (!fields->prefix_kinds || fields->n_prefix_tokens == 0)
      return FALSE;
  }
  if (known & IS_CHANGE_KNOWN) {
    fields->changed = gst_vit_bytes_take (
        rest, gst_vit_tokens_changed_size (fields->n_tokens));
    if (!fields->changed)
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_vit_tokens_bytes_read (
    const guint8 *bytes, gsize size, guint version, GstVitTokensFields *fields)
{
  GstVitBytes rest = { bytes, size };
  gboolean is_first = version == 1;
  guint32 known, roi_type_size = GST_VIT_BYTES_NO_TEXT;

  memset (fields, 0, sizeof *fields);
  if ((!is_first && version != GST_VIT_TOKENS_BYTES_VERSION)
      || !gst_vit_bytes_take (&rest, is_first ? HEAD_SIZE_1 : HEAD_SIZE))
    return FALSE;
  read_numbers (bytes, fields);
  fields->n_tokens = gst_vit_tokens_layout_count (fields->format,
      fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
      fields->embed_dim, &fields->values_size);
  known = gst_vit_bytes_read_u32 (bytes + 92);
  if (!is_first) {
    read_region (bytes, fields);
    roi_type_size = gst_vit_bytes_read_u32 (bytes + 112);
  }
  if (fields->n_tokens == 0 || known > (is_first ? 1 : 3)
      || !gst_vit_bytes_take_text (&rest, gst_vit_bytes_read_u32 (bytes + 88),
          &fields->model_id, &fields->model_id_size)
      || !gst_vit_bytes_take_text (
          &rest, roi_type_size, &fields->roi_type, &fields->roi_type_size)
      || !take_known (&rest, known, fields))
    return FALSE;
  fields->values = rest.bytes;
  return rest.size == fields->values_size
         && !gst_vit_tokens_fields_find_fault (fields);
}
