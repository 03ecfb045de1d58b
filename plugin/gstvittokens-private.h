/* SPDX-License-Identifier: MIT
 *
 * What the files of the library gstvit-1.0 share and export to nobody.
 */
#pragma once

#include "gstvittokensmeta.h"

G_BEGIN_DECLS

/* The GstMetaInfo's functions, by GStreamer's own contracts. */

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer, GQuark type, gpointer data);

#if GST_CHECK_VERSION(1, 24, 0)
G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version);

G_GNUC_INTERNAL
GstMeta *gst_vit_tokens_meta_deserialize (const GstMetaInfo *info,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);
#endif

G_END_DECLS
