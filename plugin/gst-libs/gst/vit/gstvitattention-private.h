/* SPDX-License-Identifier: MIT
 *
 * What the files of GstVitAttentionMeta share and export to nobody.
 */
#pragma once

#include "gst/vit/gstvitattentionbytes.h"
#include "gst/vit/gstvitattentionmeta.h"

G_BEGIN_DECLS

/* As the meta has them, whether they hold or not; a model id or region's type
 * that is too long is not measured to its end. */
G_GNUC_INTERNAL
GstVitTokensFields gst_vit_attention_fields_of (
    const GstVitAttentionMeta *meta);

/* (transfer none) (nullable): a meta that says what `fields` say, which hold. */
G_GNUC_INTERNAL
GstVitAttentionMeta *gst_vit_attention_meta_add (GstBuffer *buffer,
    GstBuffer *values, const GstVitTokensFields *fields);

/* The GstMetaInfo's functions, by GStreamer's own contracts. */

G_GNUC_INTERNAL
gboolean gst_vit_attention_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer, GQuark type, gpointer data);

#if GST_CHECK_VERSION(1, 24, 0)
G_GNUC_INTERNAL
gboolean gst_vit_attention_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version);

G_GNUC_INTERNAL
GstMeta *gst_vit_attention_meta_deserialize (const GstMetaInfo *info,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);
#endif

G_END_DECLS
