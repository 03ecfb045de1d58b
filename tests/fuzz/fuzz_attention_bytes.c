/* SPDX-License-Identifier: MIT
 *
 * Attention that comes as bytes from another process.  What is taken for a meta
 * lies wholly inside the bytes, holds, is taken for tokens too, as its bytes are
 * theirs, and is written as the same bytes again; from GStreamer 1.24 on it gets
 * onto a frame by its functions.
 */
#include "fuzz.h"

#include <string.h>

#include "gst/vit/gstvitattentionbytes.h"
#include "gst/vit/gstvitattentionmeta.h"
#include "gst/vit/gstvittokensbytes.h"

#define VERSION GST_VIT_ATTENTION_BYTES_VERSION

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  return 0;
}

static void
check_meta (const guint8 *bytes, gsize size, gboolean is_good)
{
#if GST_CHECK_VERSION(1, 24, 0)
  const GstMetaInfo *info = GST_VIT_ATTENTION_META_INFO;
  GstBuffer *frame = gst_buffer_new ();
  GstMeta *meta = info->deserialize_func (info, frame, bytes, size, VERSION);

  g_assert_cmpint (meta != NULL, ==, is_good);
  if (meta) {
    GByteArray *again = g_byte_array_new ();

    g_assert_true (
        gst_vit_attention_meta_is_valid ((GstVitAttentionMeta *) meta, NULL));
    /* GStreamer's own header stands before. */
    g_assert_true (gst_meta_serialize_simple (meta, again));
    g_assert_cmpuint (again->len, >, size);
    g_assert_cmpint (
        memcmp (again->data + again->len - size, bytes, size), ==, 0);
    g_byte_array_unref (again);
  }
  gst_buffer_unref (frame);
#endif
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  GstVitTokensFields fields, tokens;
  guint8 *bytes = g_memdup2 (data, size);
  gboolean is_good
      = gst_vit_attention_bytes_read (bytes, size, VERSION, &fields);

  if (is_good) {
    gsize head = gst_vit_tokens_bytes_head_size (&fields);
    guint8 *again = g_malloc (head);

    g_assert_cmpuint (head + fields.values_size, ==, size);
    g_assert_true (fields.values == bytes + head);
    g_assert_cmpuint (
        fields.values_size, ==, gst_vit_attention_values_size (&fields));
    g_assert_null (gst_vit_attention_fields_find_fault (&fields));
    g_assert_true (gst_vit_tokens_bytes_read (
        bytes, size, GST_VIT_TOKENS_BYTES_VERSION, &tokens));
    gst_vit_tokens_bytes_write_head (&fields, again);
    g_assert_cmpint (memcmp (again, data, head), ==, 0);
    g_free (again);
  }
  check_meta (bytes, size, is_good);
  g_free (bytes);
  return 0;
}
