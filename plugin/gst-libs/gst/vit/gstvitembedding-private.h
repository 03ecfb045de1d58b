/* SPDX-License-Identifier: MIT
 *
 * What the files of GstVitEmbeddingMeta share and export to nobody.
 */
#pragma once

#include "gst/vit/gstvitembeddingfields.h"

G_BEGIN_DECLS

/* As the meta has them, whether they hold or not; a model id or region's type
 * that is too long is not measured to its end. */
G_GNUC_INTERNAL
GstVitEmbeddingFields gst_vit_embedding_fields_of (
    const GstVitEmbeddingMeta *meta);

/* The GstMetaInfo's functions, by GStreamer's own contracts. */

G_GNUC_INTERNAL
gboolean gst_vit_embedding_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer, GQuark type, gpointer data);

#if GST_CHECK_VERSION(1, 24, 0)
G_GNUC_INTERNAL
gboolean gst_vit_embedding_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version);

G_GNUC_INTERNAL
GstMeta *gst_vit_embedding_meta_deserialize (const GstMetaInfo *info,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);
#endif

G_END_DECLS
