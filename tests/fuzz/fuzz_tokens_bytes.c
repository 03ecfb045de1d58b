/* SPDX-License-Identifier: MIT
 *
 * Tokens that come as bytes from another process.  What is taken for a meta
 * lies wholly inside the bytes, is written as the same bytes again, and is valid
 * on a frame; from GStreamer 1.24 on it gets there by its functions.
 */
#include "fuzz.h"

#include <string.h>

#include "gst/vit/gstvittokensbytes.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  return 0;
}

/* (transfer none) (nullable) */
static GstVitTokensMeta *
add_meta (GstBuffer *frame, const guint8 *bytes, gsize size,
    const GstVitTokensFields *fields)
{
#if GST_CHECK_VERSION(1, 24, 0)
  const GstMetaInfo *info = GST_VIT_TOKENS_META_INFO;

  return (GstVitTokensMeta *) info->deserialize_func (
      info, frame, bytes, size, GST_VIT_TOKENS_BYTES_VERSION);
#else
  GstBuffer *tokens
      = gst_buffer_new_memdup (fields->values, fields->values_size);
  GstVitTokensMeta *meta
      = gst_buffer_add_vit_tokens_meta (frame, tokens, fields->format,
          fields->n_prefix_tokens, fields->grid_width, fields->grid_height,
          fields->patch_size, fields->embed_dim, fields->frame_width,
          fields->frame_height, NULL);

  gst_buffer_unref (tokens);
  gst_vit_tokens_meta_set_map (meta, fields->map);
  meta->n_blocks = fields->n_blocks;
  gst_vit_tokens_meta_set_roi (meta, fields->roi_id, NULL, fields->roi_x,
      fields->roi_y, fields->roi_width, fields->roi_height);
  if (fields->roi_type)
    meta->roi_type = g_strndup (fields->roi_type, fields->roi_type_size);
  if (fields->prefix_kinds)
    meta->prefix_kinds
        = g_bytes_new (fields->prefix_kinds, fields->n_prefix_tokens);
  if (fields->model_id)
    meta->model_id = g_strndup (fields->model_id, fields->model_id_size);
  return meta;
#endif
}

static void
check_meta (
    const guint8 *bytes, gsize size, const GstVitTokensFields *fields)
{
  GstBuffer *frame = gst_buffer_new ();
  GstVitTokensMeta *meta = add_meta (frame, bytes, size, fields);

  g_assert_nonnull (meta);
  g_assert_true (gst_vit_tokens_meta_is_valid (meta, NULL));
  g_assert_cmpuint (meta->n_tokens, ==, fields->n_tokens);
#if GST_CHECK_VERSION(1, 24, 0)
  {
    GByteArray *again = g_byte_array_new ();

    /* GStreamer's own header stands before. */
    g_assert_true (gst_meta_serialize_simple (&meta->meta, again));
    g_assert_cmpuint (again->len, >, size);
    g_assert_cmpint (
        memcmp (again->data + again->len - size, bytes, size), ==, 0);
    g_byte_array_unref (again);
  }
#endif
  gst_buffer_unref (frame);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  GstVitTokensFields fields;
  guint8 *bytes = g_memdup2 (data, size);
  gsize head;

  /* The first version is only read. */
  if (gst_vit_tokens_bytes_read (bytes, size, 1, &fields))
    g_assert_true (fields.values + fields.values_size == bytes + size);
  if (gst_vit_tokens_bytes_read (
          bytes, size, GST_VIT_TOKENS_BYTES_VERSION, &fields)) {
    guint8 *again;

    head = gst_vit_tokens_bytes_head_size (&fields);
    g_assert_cmpuint (head + fields.values_size, ==, size);
    g_assert_true (fields.values == bytes + head);
    if (fields.model_id)
      g_assert_true (g_utf8_validate (
          fields.model_id, (gssize) fields.model_id_size, NULL));
    if (fields.roi_type)
      g_assert_true (g_utf8_validate (
          fields.roi_type, (gssize) fields.roi_type_size, NULL));
    again = g_malloc (head);
    gst_vit_tokens_bytes_write_head (&fields, again);
    g_assert_cmpint (memcmp (again, data, head), ==, 0);
    g_free (again);
    check_meta (bytes, size, &fields);
  }
  g_free (bytes);
  return 0;
}
