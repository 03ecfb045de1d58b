/* SPDX-License-Identifier: MIT
 *
 * vitpatchembed ! vitencoder beside what each family's own package computes in
 * float64: from the model's folder alone, with the model of the tokens, on every
 * frame, all of them through the same elements.
 */
#include <string.h>

#include "gst/vit/vit.h"
#include "support/features.h"
#include "support/frames.h"

/* Packages resample positions in float32, which is most of it. */
#define MAX_ERROR 2e-6

static void
compare (const Features *features, guint i, const char *key, GstBuffer *found)
{
  g_autoptr (Npy) expected = features_array (features, i, key);
  GstMapInfo map;
  double error;

  if (expected == NULL)
    return;
  g_assert_nonnull (found);
  g_assert_true (gst_buffer_map (found, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, expected->n_values * sizeof (float));
  error = relative_l2 ((const float *) (gconstpointer) map.data,
      expected->values, expected->n_values);
  gst_buffer_unmap (found, &map);
  g_test_message ("%s, frame %u, %s: %.2g", features->name, i, key, error);
  g_assert_cmpfloat (error, <=, MAX_ERROR);
}

static GstBuffer *
vector_of (GstBuffer *frame, GstVitEmbeddingKind kind)
{
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (frame, kind);

  return meta != NULL ? gst_vit_embedding_meta_get_values (meta) : NULL;
}

static GstBuffer *
features_of (GstBuffer *frame, guint n_blocks)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_at (frame, n_blocks);

  g_assert_nonnull (meta);
  return gst_vit_tokens_meta_get_tokens (meta);
}

/* (transfer full): the frame as it comes out. */
static GstBuffer *
push (GstHarness *harness, const Features *features, guint i)
{
  guint width, height;
  char *pixels = features_frame (features, i, &width, &height);
  GstBuffer *frame
      = gst_buffer_new_wrapped (pixels, (gsize) width * height * 3);

  /* Rows of RGB begin at whole words in GStreamer, those of the files do not. */
  gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_RGB, width, height, 1, (gsize[]) { 0, 0, 0, 0 },
      (gint[]) { (gint) (3 * width), 0, 0, 0 });
  gst_harness_set_src_caps (
      harness, frames_caps ("RGB", (gint) width, (gint) height, NULL));
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  return frame;
}

static GstHarness *
start (const Features *features, const char *properties)
{
  g_autofree char *launch = g_strdup_printf (
      "vitpatchembed precision=f32 n-threads=1 model=\"%s\" ! "
      "vitencoder precision=f32 n-threads=2 %s",
      features->folder, properties);

  return gst_harness_new_parse (launch);
}

static void
test_family (gconstpointer data)
{
  const Features *features = data;
  guint depth = (guint) json_integer_value (
      json_object_get (features->description, "blocks"));
  g_autofree char *both
      = g_strdup_printf ("layers=\"<1,%u>\" norm=none embedding=none", depth);
  GstHarness *own = start (features, ""), *raw = start (features, both);

  for (guint i = 0; i < features_n_cases (features); i++) {
    GstBuffer *frame = push (own, features, i);

    compare (features, i, "features",
        gst_vit_tokens_meta_get_tokens (
            gst_buffer_get_vit_tokens_meta_deepest (frame)));
    compare (features, i, "embedding",
        vector_of (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING));
    compare (features, i, "logits",
        vector_of (frame, GST_VIT_EMBEDDING_KIND_LOGITS));
    gst_buffer_unref (frame);

    frame = push (raw, features, i);
    compare (features, i, "block1", features_of (frame, 1));
    compare (features, i, "last", features_of (frame, depth));
    g_assert_null (vector_of (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING));
    g_assert_null (vector_of (frame, GST_VIT_EMBEDDING_KIND_LOGITS));
    gst_buffer_unref (frame);
  }
  gst_harness_teardown (own);
  gst_harness_teardown (raw);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  features_add_tests ("/vitencoder/golden/", test_family);
  return g_test_run ();
}
