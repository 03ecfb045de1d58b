/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta from and to bytes: the layout is in the header.  Functions
 * of their arguments alone, so that they can be tested with any bytes and on
 * every release of GStreamer.
 */
#include "gst/vit/gstvitembeddingbytes.h"

#include <string.h>

#include "gst/vit/gstvitbytes.h"

#define N_NUMBERS 13
#define HEAD_SIZE (4 * N_NUMBERS)

gsize
gst_vit_embedding_bytes_head_size (const GstVitEmbeddingFields *fields)
{
  gsize size = HEAD_SIZE;

  if (!gst_vit_bytes_add_text_size (
          fields->model_id, fields->model_id_size, &size)
      || !gst_vit_bytes_add_text_size (
          fields->roi_type, fields->roi_type_size, &size)
      || fields->labels_size > G_MAXUINT32
      || !g_size_checked_add (&size, size, fields->labels_size))
    return 0;
  return size;
}

void
gst_vit_embedding_bytes_write_head (
    const GstVitEmbeddingFields *fields, guint8 *bytes)
{
  const guint32 numbers[N_NUMBERS] = {
    fields->kind, fields->dim, fields->frame_width, fields->frame_height,
    (guint32) fields->roi_id, fields->roi_x, fields->roi_y, fields->roi_width,
    fields->roi_height, fields->normalized ? 1 : 0,
    fields->model_id ? (guint32) fields->model_id_size : GST_VIT_BYTES_NO_TEXT,
    fields->roi_type ? (guint32) fields->roi_type_size : GST_VIT_BYTES_NO_TEXT,
    (guint32) fields->labels_size
  };

  for (guint i = 0; i < N_NUMBERS; i++)
    gst_vit_bytes_write_u32 (bytes + 4 * i, numbers[i]);
  bytes = gst_vit_bytes_write (
      bytes + HEAD_SIZE, fields->model_id, fields->model_id_size);
  bytes = gst_vit_bytes_write (bytes, fields->roi_type, fields->roi_type_size);
  gst_vit_bytes_write (bytes, fields->labels, fields->labels_size);
}

gboolean
gst_vit_embedding_bytes_read (const guint8 *bytes, gsize size, guint version,
    GstVitEmbeddingFields *fields)
{
  GstVitBytes rest = { bytes, size };
  guint32 numbers[N_NUMBERS];

  memset (fields, 0, sizeof *fields);
  if (version != GST_VIT_EMBEDDING_BYTES_VERSION
      || !gst_vit_bytes_take (&rest, HEAD_SIZE))
    return FALSE;
  for (guint i = 0; i < N_NUMBERS; i++)
    numbers[i] = gst_vit_bytes_read_u32 (bytes + 4 * i);
  fields->kind = (GstVitEmbeddingKind) numbers[0];
  fields->dim = numbers[1];
  fields->frame_width = numbers[2];
  fields->frame_height = numbers[3];
  fields->roi_id = (gint32) numbers[4];
  fields->roi_x = numbers[5];
  fields->roi_y = numbers[6];
  fields->roi_width = numbers[7];
  fields->roi_height = numbers[8];
  fields->normalized = numbers[9] == 1;
  if (numbers[9] > 1
      || !gst_vit_bytes_take_text (
          &rest, numbers[10], &fields->model_id, &fields->model_id_size)
      || !gst_vit_bytes_take_text (
          &rest, numbers[11], &fields->roi_type, &fields->roi_type_size))
    return FALSE;
  fields->labels_size = numbers[12];
  if (fields->labels_size > 0) {
    fields->labels = gst_vit_bytes_take (&rest, fields->labels_size);
    if (!fields->labels)
      return FALSE;
  }

  fields->values = rest.bytes;
  fields->values_size = gst_vit_embedding_values_size (fields->dim);
  return rest.size == fields->values_size
         && !gst_vit_embedding_fields_find_fault (fields);
}
