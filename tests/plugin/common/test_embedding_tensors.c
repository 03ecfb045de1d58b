/* SPDX-License-Identifier: MIT
 *
 * Embeddings as GStreamer's own tensors, where it has any (1.26): which of a
 * frame's metas become tensors, and that nothing is attached elsewhere.
 */
#include "common/gstvittensor.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/gsttensormeta.h>
#endif

static void
add (GstBuffer *frame, GstVitEmbeddingKind kind, guint dim)
{
  GstBuffer *values = gst_buffer_new_allocate (NULL, 4 * dim, NULL);

  g_assert_nonnull (gst_buffer_add_vit_embedding_meta (
      frame, kind, values, dim, FALSE, NULL));
  gst_buffer_unref (values);
}

#ifdef HAVE_GST_ANALYTICS
static void
assert_tensor (const GstTensor *tensor, const gchar *id, gsize dim)
{
  gsize n_dims;
  const gsize *dims = gst_tensor_get_dims ((GstTensor *) tensor, &n_dims);

  g_assert_cmpstr (g_quark_to_string (tensor->id), ==, id);
  g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
  g_assert_cmpuint (n_dims, ==, 2);
  g_assert_cmpuint (dims[0], ==, 1);
  g_assert_cmpuint (dims[1], ==, dim);
  g_assert_cmpuint (gst_buffer_get_size (tensor->data), ==, 4 * dim);
}
#endif

/* Of five the third is one that is not valid, and the first was there before. */
static void
test_attach (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  gpointer state = NULL;

  add (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, 2);
  add (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, 3);
  add (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, 4);
  add (frame, GST_VIT_EMBEDDING_KIND_LOGITS, 5);
  add (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, 6);
  for (guint i = 0; i < 3; i++) {
    GstVitEmbeddingMeta *meta
        = gst_buffer_iterate_vit_embedding_meta (frame, &state);

    meta->roi_x = i == 2 ? 1 : 0;
  }

  gst_vit_tensor_attach_embeddings (frame, 1, GST_VIT_EMBEDDING_KIND_EMBEDDING,
      g_quark_from_static_string ("embedding"));
  gst_vit_tensor_attach_embeddings (frame, 1, GST_VIT_EMBEDDING_KIND_LOGITS,
      g_quark_from_static_string ("logits"));
  gst_vit_tensor_attach_embeddings (frame, 5, GST_VIT_EMBEDDING_KIND_LOGITS,
      g_quark_from_static_string ("none"));
#ifdef HAVE_GST_ANALYTICS
  {
    static const struct {
      const gchar *id;
      gsize dim;
    } expected[] = { { "embedding", 3 }, { "embedding", 6 }, { "logits", 5 } };
    GstTensorMeta *meta;
    guint n = 0;

    /* In one meta on 1.26, in several later. */
    state = NULL;
    while ((meta = (GstTensorMeta *) gst_buffer_iterate_meta_filtered (
                frame, &state, GST_TENSOR_META_API_TYPE)))
      for (gsize i = 0; i < meta->num_tensors; i++, n++) {
        g_assert_cmpuint (n, <, G_N_ELEMENTS (expected));
        assert_tensor (
            gst_tensor_meta_get (meta, i), expected[n].id, expected[n].dim);
      }
    g_assert_cmpuint (n, ==, G_N_ELEMENTS (expected));
  }
#else
  state = NULL;
  for (guint i = 0; i < 5; i++)
    g_assert_true (
        ((GstMeta *) gst_buffer_iterate_meta (frame, &state))->info->api
        == GST_VIT_EMBEDDING_META_API_TYPE);
  g_assert_null (gst_buffer_iterate_meta (frame, &state));
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/embedding-tensors/valid-ones-of-a-kind", test_attach);
  return g_test_run ();
}
