/* SPDX-License-Identifier: MIT
 *
 * Functions of their arguments alone: whoever wrote the bytes that are read is
 * not trusted.
 */
#include "gst/vit/gstvitlabelbytes.h"

#include <string.h>

#include "gst/vit/gstvitembeddingmeta.h"

#define HEAD_SIZE 12
#define MOST_BYTES                                                             \
  (GST_VIT_EMBEDDING_META_MAX_LABELS                                           \
      * (HEAD_SIZE + GST_VIT_EMBEDDING_META_MAX_LABEL_SIZE + 1))

gboolean
gst_vit_label_bytes_take (GstVitBytes *rest, GstVitLabel *label)
{
  const guint8 *head = gst_vit_bytes_take (rest, HEAD_SIZE), *end;
  guint32 bits;

  if (!head)
    return FALSE;
  label->class_id = gst_vit_bytes_read_u32 (head);
  bits = gst_vit_bytes_read_u32 (head + 4);
  memcpy (&label->probability, &bits, sizeof bits);
  label->name_size = gst_vit_bytes_read_u32 (head + 8);
  label->name = (const gchar *) gst_vit_bytes_take (rest, label->name_size);
  if (!label->name)
    return FALSE;
  end = gst_vit_bytes_take (rest, 1);
  return end && *end == 0;
}

void
gst_vit_label_bytes_append (GByteArray *bytes, const GstVitLabel *label)
{
  guint8 head[HEAD_SIZE];
  guint32 bits;

  memcpy (&bits, &label->probability, sizeof bits);
  gst_vit_bytes_write_u32 (head, label->class_id);
  gst_vit_bytes_write_u32 (head + 4, bits);
  gst_vit_bytes_write_u32 (head + 8, (guint32) label->name_size);
  g_byte_array_append (bytes, head, sizeof head);
  g_byte_array_append (
      bytes, (const guint8 *) label->name, (guint) label->name_size);
  g_byte_array_append (bytes, (const guint8 *) "", 1);
}

/* `most`: the probability of the label before. */
static const gchar *
find_label_fault (const GstVitLabel *label, guint dim, gfloat most)
{
  if (label->class_id >= dim)
    return "a label's class is not below dim";
  /* So that NaN does not hold. */
  if (!(label->probability >= 0 && label->probability <= most))
    return "the labels' probabilities are not from 0 to 1, greatest first";
  if (label->name_size > GST_VIT_EMBEDDING_META_MAX_LABEL_SIZE)
    return "a label's name is too long";
  if (!g_utf8_validate_len (label->name, label->name_size, NULL))
    return "a label's name is not UTF-8";
  return NULL;
}

const gchar *
gst_vit_label_bytes_find_fault (const guint8 *bytes, gsize size, guint dim)
{
  GstVitBytes rest = { bytes, size };
  const gchar *fault = NULL;
  gfloat most = 1;
  guint n = 0;

  if (!bytes)
    return NULL;
  if (size == 0 || size > MOST_BYTES)
    return "labels are none or too many bytes";
  while (!fault && rest.size > 0) {
    GstVitLabel label;

    if (!gst_vit_label_bytes_take (&rest, &label))
      return "labels are cut short";
    if (++n > GST_VIT_EMBEDDING_META_MAX_LABELS)
      return "there are too many labels";
    fault = find_label_fault (&label, dim, most);
    most = label.probability;
  }
  return fault;
}
