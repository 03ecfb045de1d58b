/* SPDX-License-Identifier: MIT */
#include "support/meta_frame.h"

GstVitTokensMeta *
meta_frame_add (GstBuffer *frame, GstBuffer *tokens, const gchar *model_id)
{
  return gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, 64, 48, model_id);
}

GstBuffer *
meta_frame_new (GstVitTokensMeta **meta)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48 * 3 / 2, NULL);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);

  gst_buffer_memset (frame, 0, 128, 64 * 48 * 3 / 2);
  GST_BUFFER_PTS (frame) = 0;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  *meta = meta_frame_add (frame, tokens, "model");
  g_assert_nonnull (*meta);
  gst_buffer_unref (tokens);

  return frame;
}

guint
count_metas (GstBuffer *buffer)
{
  return gst_buffer_get_n_meta (buffer, GST_VIT_TOKENS_META_API_TYPE);
}

void
assert_map (const GstVitTokensMeta *meta, const gdouble expected[6])
{
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon (meta->map[i], expected[i], 1e-12);
}
