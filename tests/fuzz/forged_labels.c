/* SPDX-License-Identifier: MIT */
#include "forged_labels.h"

void
forged_labels_add (GstVitEmbeddingMeta *meta, Input *input)
{
  guint n = input_take (input, 1) % 64;
  GByteArray *bytes;

  for (guint i = 0; i < n / 16 && meta->dim > i
                    && meta->kind == GST_VIT_EMBEDDING_KIND_LOGITS
                    && gst_vit_embedding_meta_is_valid (meta, NULL); i++)
    gst_vit_embedding_meta_add_label (meta, i, "label", 0.5f);
  if (n % 16 == 0)
    return;
  bytes = g_byte_array_new ();
  if (meta->labels)
    g_byte_array_append (bytes, g_bytes_get_data (meta->labels, NULL),
        (guint) g_bytes_get_size (meta->labels));
  for (guint i = 0; i < n % 16; i++) {
    guint8 byte = (guint8) input_take (input, 1);

    g_byte_array_append (bytes, &byte, 1);
  }
  g_clear_pointer (&meta->labels, g_bytes_unref);
  meta->labels = g_byte_array_free_to_bytes (bytes);
}

void
forged_labels_check (const GstVitEmbeddingMeta *meta)
{
  guint n = gst_vit_embedding_meta_get_n_labels (meta), class_id;
  gfloat probability, most = 1;
  const gchar *name;

  for (guint i = 0; i < n; i++) {
    g_assert_true (gst_vit_embedding_meta_get_label (
        meta, i, &class_id, &name, &probability));
    g_assert_cmpuint (class_id, <, meta->dim);
    g_assert_true (probability >= 0 && probability <= most);
    g_assert_true (g_utf8_validate (name, -1, NULL));
    most = probability;
  }
  g_assert_false (gst_vit_embedding_meta_get_label (
      meta, n, &class_id, &name, &probability));
}
