/* SPDX-License-Identifier: MIT
 *
 * A GstVitEmbeddingMeta as bytes, for a frame that travels to another process.
 * Whoever wrote the bytes that are read is not trusted.  Private to the
 * library.  All numbers are little-endian, nothing is padded:
 *
 *     offset  size
 *          0     4  kind, a GstVitEmbeddingKind
 *          4     4  dim
 *          8     8  frame width, frame height; or both 0
 *         16     4  region id, signed
 *         20    16  the region's x, y, width, height, pixels; or four 0
 *         36     4  1 if normalized, else 0
 *         40     4  n: bytes of the model id; 2^32 - 1 if there is none
 *         44     4  m: bytes of the region's type; 2^32 - 1 if there is none
 *         48     4  k: bytes of the labels; 0 if there are none
 *         52     n  model id, UTF-8 without a NUL
 *     52 + n     m  the region's type, likewise
 *        ...     k  the labels, see gstvitlabelbytes.h
 *        ...        the values, [dim] float32 as they lie in memory, up to the end
 *
 * This is version 1.  Beyond this layout the rules of every meta hold,
 * gst_vit_embedding_fields_find_fault().
 */
#pragma once

#include "gst/vit/gstvitembeddingfields.h"

G_BEGIN_DECLS

#define GST_VIT_EMBEDDING_BYTES_VERSION 1

/* Bytes that stand before the values; 0 if there are too many. */
G_GNUC_INTERNAL
gsize gst_vit_embedding_bytes_head_size (const GstVitEmbeddingFields *fields);

/* Writes what stands before the values: gst_vit_embedding_bytes_head_size(). */
G_GNUC_INTERNAL
void gst_vit_embedding_bytes_write_head (
    const GstVitEmbeddingFields *fields, guint8 *bytes);

/* FALSE for bytes that are not exactly one meta of this version, or a version
 * that is not known.  The fields point into them. */
G_GNUC_INTERNAL
gboolean gst_vit_embedding_bytes_read (const guint8 *bytes, gsize size,
    guint version, GstVitEmbeddingFields *fields);

G_END_DECLS
