/* SPDX-License-Identifier: MIT
 *
 * A GstVitTokensMeta as bytes, for a frame that travels to another process.
 * Whoever wrote the bytes that are read is not trusted.  Private to the
 * library.  All numbers are little-endian, nothing is padded:
 *
 *     offset  size
 *          0     4  format, a GstVitTokenFormat
 *          4     4  number of prefix tokens, 0 or more
 *          8    24  grid width, grid height, patch size, embed dim, frame
 *                   width, frame height: 4 bytes each
 *         32     4  number of blocks
 *         36     4  region id, signed
 *         40    48  map, six finite binary64
 *         88     4  n: bytes of the model id; 2^32 - 1 if there is none
 *         92     4  1 if it is known which tokens changed, plus 2 if the kinds
 *                   of prefix tokens are known and there are some
 *         96    16  the region's x, y, width, height, pixels; or four 0
 *        112     4  m: bytes of the region's type; 2^32 - 1 if there is none
 *        116     n  model id, UTF-8 without a NUL
 *    116 + n     m  the region's type, likewise
 *      ...       p  if known: a byte a prefix token, a GstVitPrefixKind
 *      ...       c  if known: a bit a token, (n_tokens + 7) / 8 bytes
 *      ...          the values, [n_tokens][embed_dim], up to the end
 *
 * This is version 2.  Version 1, which is read too, ends its head at offset 96,
 * with 0 or 1 at 92, and has neither region, type nor kinds.  Who knows only
 * version 1 takes no version 2: the frame then comes without tokens.
 *
 * n_tokens is not among them: prefix and grid say it.  Beyond this layout the
 * rules of every meta hold, gst_vit_tokens_fields_find_fault().
 */
#pragma once

#include "gst/vit/gstvittokensfields.h"

G_BEGIN_DECLS

#define GST_VIT_TOKENS_BYTES_VERSION 2

/* Bytes that stand before the values; 0 if there are too many. */
G_GNUC_INTERNAL
gsize gst_vit_tokens_bytes_head_size (const GstVitTokensFields *fields);

/* Writes what stands before the values: gst_vit_tokens_bytes_head_size().  The
 * values of `fields` are not looked at. */
G_GNUC_INTERNAL
void gst_vit_tokens_bytes_write_head (
    const GstVitTokensFields *fields, guint8 *bytes);

/* FALSE for bytes that are not exactly one meta of this version, or a version
 * that is not known.  The fields point into them. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_bytes_read (const guint8 *bytes, gsize size,
    guint version, GstVitTokensFields *fields);

G_END_DECLS
