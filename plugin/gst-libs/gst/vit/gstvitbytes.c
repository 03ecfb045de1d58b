/* SPDX-License-Identifier: MIT */
#include "gst/vit/gstvitbytes.h"

#include <string.h>

void
gst_vit_bytes_write_u32 (guint8 *bytes, guint32 number)
{
  number = GUINT32_TO_LE (number);
  memcpy (bytes, &number, sizeof number);
}

guint32
gst_vit_bytes_read_u32 (const guint8 *bytes)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return GUINT32_FROM_LE (number);
}

void
gst_vit_bytes_write_f64 (guint8 *bytes, gdouble number)
{
  guint64 bits;

  memcpy (&bits, &number, sizeof bits);
  bits = GUINT64_TO_LE (bits);
  memcpy (bytes, &bits, sizeof bits);
}

gdouble
gst_vit_bytes_read_f64 (const guint8 *bytes)
{
  guint64 bits;
  gdouble number;

  memcpy (&bits, bytes, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (&number, &bits, sizeof number);
  return number;
}

guint8 *
gst_vit_bytes_write (guint8 *bytes, gconstpointer source, gsize size)
{
  if (source && size > 0)
    memcpy (bytes, source, size);
  return bytes + (source ? size : 0);
}

gboolean
gst_vit_bytes_add_text_size (const gchar *text, gsize text_size, gsize *size)
{
  return !text
         || (text_size < GST_VIT_BYTES_NO_TEXT
             && g_size_checked_add (size, *size, text_size));
}

const guint8 *
gst_vit_bytes_take (GstVitBytes *rest, gsize size)
{
  const guint8 *bytes = rest->bytes;

  if (rest->size < size)
    return NULL;
  rest->bytes += size;
  rest->size -= size;
  return bytes;
}

gboolean
gst_vit_bytes_take_text (
    GstVitBytes *rest, guint32 size, const gchar **text, gsize *text_size)
{
  if (size == GST_VIT_BYTES_NO_TEXT)
    return TRUE;
  *text = (const gchar *) gst_vit_bytes_take (rest, size);
  *text_size = size;
  return *text != NULL;
}
