/* SPDX-License-Identifier: MIT
 *
 * What the files of the library gstvit-1.0 share and export to nobody.
 */
#pragma once

#include <gst/video/video.h>

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

/* (transfer none) (nullable): a copy of all fields as they are, valid or not. */
G_GNUC_INTERNAL
GstVitTokensMeta *gst_vit_tokens_meta_add_copy (
    GstBuffer *dest, const GstVitTokensMeta *source);

/* The scale transform tells both sizes but not whether the picture fills the
 * frame.  Scalers that keep the display aspect ratio (videoscale, by default)
 * add borders where it does not fit, others stretch: where the two would
 * differ by more than the rounding to whole pixels, neither can be assumed. */
G_GNUC_INTERNAL
gboolean gst_vit_scale_may_add_borders (
    const GstVideoInfo *in, const GstVideoInfo *out);

/* Leads `map` to the frame that a transform of GStreamer's makes of the one that
 * it was true of.  FALSE where it is not known to be true then, or leads nowhere:
 * what is in `fields` is of no use then. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_fields_follow (
    GstVitTokensFields *fields, GQuark type, gpointer data);

/* The GstMetaInfo's functions, by GStreamer's own contracts. */

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer, GQuark type, gpointer data);

#if GST_CHECK_VERSION(1, 24, 0)
/* Appends the bytes of a meta of these fields, which hold. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_fields_serialize (const GstVitTokensFields *fields,
    GstBuffer *values, GstByteArrayInterface *data);

/* (transfer full) (nullable): the values that were read; NULL where there is not
 * the memory. */
G_GNUC_INTERNAL
GstBuffer *gst_vit_tokens_fields_copy_values (
    const GstVitTokensFields *fields);

G_GNUC_INTERNAL
gboolean gst_vit_tokens_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version);

G_GNUC_INTERNAL
GstMeta *gst_vit_tokens_meta_deserialize (const GstMetaInfo *info,
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);
#endif

G_END_DECLS
