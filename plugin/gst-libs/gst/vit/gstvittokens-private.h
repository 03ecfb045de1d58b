/* SPDX-License-Identifier: MIT
 *
 * What the files of the library gstvit-1.0 share and export to nobody.
 */
#pragma once

#include "gst/vit/gstvittokensfields.h"

G_BEGIN_DECLS

/* As the meta has them, whether they hold or not; `changed` and `prefix_kinds`
 * may be shorter than the numbers say, and a model id or region's type that is
 * too long is not measured to its end. */
G_GNUC_INTERNAL
GstVitTokensFields gst_vit_tokens_fields_of (const GstVitTokensMeta *meta);

/* Whether these have the size that the meta's own fields say. */

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_fits_changed (
    const GstVitTokensMeta *meta, const GBytes *changed);

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_fits_prefix_kinds (
    const GstVitTokensMeta *meta, const GBytes *prefix_kinds);

/* (transfer full) (nullable): whole characters of UTF-8, of at most `most`
 * bytes. */
G_GNUC_INTERNAL
gchar *gst_vit_tokens_text (const gchar *text, gsize most);

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_fits_positions (
    const GstVitTokensMeta *meta, GstBuffer *positions);

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
