/* SPDX-License-Identifier: MIT
 *
 * Numbers and texts as the bytes of a meta that travels to another process:
 * little-endian, nothing padded, nothing aligned in somebody else's buffer.
 * Private to the library.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The size of a text that is none. */
#define GST_VIT_BYTES_NO_TEXT G_MAXUINT32

G_GNUC_INTERNAL
void gst_vit_bytes_write_u32 (guint8 *bytes, guint32 number);

G_GNUC_INTERNAL
guint32 gst_vit_bytes_read_u32 (const guint8 *bytes);

G_GNUC_INTERNAL
void gst_vit_bytes_write_f64 (guint8 *bytes, gdouble number);

G_GNUC_INTERNAL
gdouble gst_vit_bytes_read_f64 (const guint8 *bytes);

/* What stands after the bytes of `source`, which may be none (NULL). */
G_GNUC_INTERNAL
guint8 *gst_vit_bytes_write (guint8 *bytes, gconstpointer source, gsize size);

/* Adds a text's size to *size, that of what stands before it; `text`
 * (nullable).  FALSE: too long to be written. */
G_GNUC_INTERNAL
gboolean gst_vit_bytes_add_text_size (
    const gchar *text, gsize text_size, gsize *size);

/* Bytes that are still to be read. */
typedef struct {
  const guint8 *bytes;
  gsize size;
} GstVitBytes;

/* (nullable): the next `size` of them; NULL where there are not so many. */
G_GNUC_INTERNAL
const guint8 *gst_vit_bytes_take (GstVitBytes *rest, gsize size);

/* The next text, of `size` bytes or none: *text is left alone then. */
G_GNUC_INTERNAL
gboolean gst_vit_bytes_take_text (
    GstVitBytes *rest, guint32 size, const gchar **text, gsize *text_size);

G_END_DECLS
