/* SPDX-License-Identifier: MIT
 *
 * What a GstVitEmbeddingMeta says in numbers and words, in the meta itself or in
 * bytes of another process, and the rules that hold for it.  Private to the
 * library.
 */
#pragma once

#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

typedef struct {
  GstVitEmbeddingKind kind;
  guint dim;
  gboolean normalized;
  gint roi_id;
  const gchar *roi_type; /* (nullable), roi_type_size bytes, no NUL after */
  gsize roi_type_size;
  guint roi_x; /* all four 0: not said */
  guint roi_y;
  guint roi_width;
  guint roi_height;
  guint frame_width; /* both 0: not said */
  guint frame_height;
  const gchar *model_id; /* (nullable), model_id_size bytes, no NUL after */
  gsize model_id_size;
  const guint8 *labels; /* (nullable), see gstvitlabelbytes.h */
  gsize labels_size;    /* bytes */
  const guint8 *values; /* [dim] float32 */
  gsize values_size;    /* bytes */
} GstVitEmbeddingFields;

/* Bytes of so many values; 0 if there are none or too many. */
G_GNUC_INTERNAL
gsize gst_vit_embedding_values_size (guint dim);

/* (nullable), static: the rule that is broken; see
 * gst_vit_embedding_meta_is_valid().  The values are not looked at. */
G_GNUC_INTERNAL
const gchar *gst_vit_embedding_fields_find_fault (
    const GstVitEmbeddingFields *fields);

G_END_DECLS
