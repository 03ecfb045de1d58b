/* SPDX-License-Identifier: MIT
 *
 * The labels of a GstVitEmbeddingMeta as one block of bytes, in the meta itself
 * and in what is sent to another process.  Private to the library.  One after the
 * other, nothing padded, numbers little-endian:
 *
 *     offset  size
 *          0     4  class id
 *          4     4  probability, float32
 *          8     4  n: bytes of the name
 *         12     n  name, UTF-8 without a NUL
 *     12 + n     1  0, so that the name is a string where it lies
 */
#pragma once

#include "gst/vit/gstvitbytes.h"

G_BEGIN_DECLS

typedef struct {
  guint class_id;
  gfloat probability;
  const gchar *name; /* name_size bytes, then a NUL */
  gsize name_size;
} GstVitLabel;

/* The next label; FALSE where what is left is none.  Its numbers and the name's
 * bytes are not looked at. */
G_GNUC_INTERNAL
gboolean gst_vit_label_bytes_take (GstVitBytes *rest, GstVitLabel *label);

/* Puts a label behind others. */
G_GNUC_INTERNAL
void gst_vit_label_bytes_append (GByteArray *bytes, const GstVitLabel *label);

/* (nullable), static: the rule that is broken by `size` bytes of labels, none
 * (NULL) or some, of `dim` classes; see gst_vit_embedding_meta_is_valid(). */
G_GNUC_INTERNAL
const gchar *gst_vit_label_bytes_find_fault (
    const guint8 *bytes, gsize size, guint dim);

G_END_DECLS
