/* SPDX-License-Identifier: MIT
 *
 * Attention as GStreamer's own tensors, where it has any (1.26): a tensor for each
 * valid meta, with its memory, and that nothing is attached elsewhere.
 */
#include "common/gstvittensor.h"
#include "support/meta_frame.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/gsttensormeta.h>
#endif

static GstVitAttentionMeta *
add (GstBuffer *frame, const GstVitTokensMeta *tokens, guint n_heads)
{
  GstBuffer *values
      = gst_buffer_new_allocate (NULL, 4 * n_heads * N_TOKENS, NULL);
  GstVitAttentionMeta *meta
      = gst_buffer_add_vit_attention_meta (frame, tokens, values, n_heads, 1);

  g_assert_nonnull (meta);
  gst_buffer_unref (values);
  return meta;
}

/* Of four the first was there before, and the third is one that is not valid. */
static void
test_attach (void)
{
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  GstVitAttentionMeta *metas[4];

  for (guint i = 0; i < 4; i++)
    metas[i] = add (frame, tokens, 2 + i);
  metas[2]->roi_x = 1;
  gst_vit_tensor_attach_attention (
      frame, 1, g_quark_from_static_string ("attention"));
  gst_vit_tensor_attach_attention (
      frame, 4, g_quark_from_static_string ("none"));
#ifdef HAVE_GST_ANALYTICS
  {
    static const guint expected[] = { 1, 3 };
    GstTensorMeta *meta;
    gpointer state = NULL;
    guint n = 0;

    /* In one meta on 1.26, in several later. */
    while ((meta = (GstTensorMeta *) gst_buffer_iterate_meta_filtered (
                frame, &state, GST_TENSOR_META_API_TYPE)))
      for (gsize i = 0; i < meta->num_tensors; i++, n++) {
        const GstTensor *tensor = gst_tensor_meta_get (meta, i);
        gsize n_dims;
        const gsize *dims = gst_tensor_get_dims ((GstTensor *) tensor, &n_dims);

        g_assert_cmpuint (n, <, G_N_ELEMENTS (expected));
        g_assert_cmpstr (g_quark_to_string (tensor->id), ==, "attention");
        g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
        g_assert_cmpuint (n_dims, ==, 3);
        g_assert_cmpuint (dims[0], ==, 1);
        g_assert_cmpuint (dims[1], ==, metas[expected[n]]->n_heads);
        g_assert_cmpuint (dims[2], ==, N_TOKENS);
        g_assert_true (tensor->data == metas[expected[n]]->values);
      }
    g_assert_cmpuint (n, ==, G_N_ELEMENTS (expected));
  }
#else
  {
    GstMeta *meta;
    gpointer state = NULL;

    while ((meta = gst_buffer_iterate_meta (frame, &state)))
      g_assert_true (meta->info->api == GST_VIT_TOKENS_META_API_TYPE
                     || meta->info->api == GST_VIT_ATTENTION_META_API_TYPE);
  }
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/attention-tensors/valid-ones", test_attach);
  return g_test_run ();
}
