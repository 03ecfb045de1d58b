/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta: the best of the classes that its scores are of.
 */
#include <string.h>

#include "gst/vit/gstvitembedding-private.h"
#include "gst/vit/gstvitlabelbytes.h"

/* What of a meta that is valid is there to be taken. */
static GstVitBytes
bytes_of (const GstVitEmbeddingMeta *meta)
{
  GstVitBytes bytes = { NULL, 0 };

  if (meta->labels)
    bytes.bytes = g_bytes_get_data (meta->labels, &bytes.size);
  return bytes;
}

/**
 * gst_vit_embedding_meta_add_label:
 * @meta: a valid #GstVitEmbeddingMeta of logits, on a writable buffer
 * @class_id: the index of a class among the values, less than dim
 * @name: (transfer none): what the class is called, UTF-8 of at most 256 bytes
 * @probability: from 0 to 1, at most that of the label before
 *
 * Says that the frame or region shows this class, after what was said before: of
 * the best of a classifier's classes, the most probable first, there are at most
 * %GST_VIT_EMBEDDING_META_MAX_LABELS.  Copies that were made before have what they
 * had.
 *
 * Since: 0.1
 */
void
gst_vit_embedding_meta_add_label (GstVitEmbeddingMeta *meta, guint class_id,
    const gchar *name, gfloat probability)
{
  GstVitLabel label = { class_id, probability, name, 0 };
  GByteArray *bytes;
  GstVitBytes before;
  GstVitEmbeddingFields fields;

  g_return_if_fail (meta != NULL && name != NULL);

  label.name_size = strnlen (name, GST_VIT_EMBEDDING_META_MAX_LABEL_SIZE + 1);
  before = bytes_of (meta);
  bytes = g_byte_array_new ();
  g_byte_array_append (bytes, before.bytes, (guint) before.size);
  gst_vit_label_bytes_append (bytes, &label);
  fields = gst_vit_embedding_fields_of (meta);
  fields.labels = bytes->data;
  fields.labels_size = bytes->len;
  if (gst_vit_embedding_fields_find_fault (&fields)) {
    g_byte_array_unref (bytes);
    g_return_if_reached ();
  }
  g_clear_pointer (&meta->labels, g_bytes_unref);
  meta->labels = g_byte_array_free_to_bytes (bytes);
}

/**
 * gst_vit_embedding_meta_get_n_labels:
 * @meta: a #GstVitEmbeddingMeta
 *
 * Returns: of how many classes it is told that they are the best; 0 also if the
 *   meta is not valid, see gst_vit_embedding_meta_is_valid()
 *
 * Since: 0.1
 */
guint
gst_vit_embedding_meta_get_n_labels (const GstVitEmbeddingMeta *meta)
{
  GstVitBytes rest;
  GstVitLabel label;
  guint n = 0;

  g_return_val_if_fail (meta != NULL, 0);

  if (!gst_vit_embedding_meta_is_valid (meta, NULL))
    return 0;
  rest = bytes_of (meta);
  while (gst_vit_label_bytes_take (&rest, &label))
    n++;
  return n;
}

/**
 * gst_vit_embedding_meta_get_label:
 * @meta: a #GstVitEmbeddingMeta
 * @i: which of the labels; 0 is the most probable
 * @class_id: (out) (optional): the class, an index of the values
 * @name: (out) (optional) (nullable) (transfer none): what it is called; where
 *   the model does not say, its number
 * @probability: (out) (optional): how probable it is, from 0 to 1
 *
 * Returns: whether there is such a label; else, and if the meta is not valid, the
 *   others are 0 and %NULL
 *
 * Since: 0.1
 */
gboolean
gst_vit_embedding_meta_get_label (const GstVitEmbeddingMeta *meta, guint i,
    guint *class_id, const gchar **name, gfloat *probability)
{
  const GstVitLabel none = { 0, 0, NULL, 0 };
  GstVitLabel label = none;
  gboolean is_there = FALSE;

  g_return_val_if_fail (meta != NULL, FALSE);

  if (gst_vit_embedding_meta_is_valid (meta, NULL)) {
    GstVitBytes rest = bytes_of (meta);

    do
      is_there = gst_vit_label_bytes_take (&rest, &label);
    while (is_there && i-- > 0);
  }
  if (!is_there)
    label = none;
  if (class_id)
    *class_id = label.class_id;
  if (name)
    *name = label.name;
  if (probability)
    *probability = label.probability;
  return is_there;
}
