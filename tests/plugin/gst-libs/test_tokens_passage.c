/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta through other people's elements: which keep it, with which
 * map, on which release of GStreamer; and GstVitEmbeddingMeta beside it, which is
 * dropped also where the picture is cut or other things stand beside it, and
 * GstVitAttentionMeta, which shares the fate of the tokens.  A frame is 64 x 48 pixels with 4 x 3 patches of 16 x 16: 12 tokens of 2 float32 values,
 * which are the embedding's too.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>

#include "gst/vit/vit.h"

#define FRAME_CAPS "video/x-raw,format=I420,width=64,height=48,framerate=25/1"
#define TOKENS_SIZE (4 * 3 * 2 * 4)

/* What comes out: the frames' metas, and where their grid lies if kept. */
typedef struct {
  gboolean is_kept;
  gdouble map[6];
} Outcome;

/* clang-format off */
#define DROPPED { FALSE, { 0 } }
#define KEPT(a, b, c, d, e, f) { TRUE, { a, b, c, d, e, f } }
#define UNMOVED KEPT (16, 0, 0, 0, 16, 0)
/* clang-format on */

typedef struct {
  const gchar *name;
  const gchar *elements;
  const gchar *out_caps;
  Outcome outcome;
  Outcome since_1_28; /* where the release matters */
  gboolean is_by_release;
  gboolean shows_other; /* less of the picture, or more than it */
} Passage;

static const Passage passages[] = {
  { "queue", "queue", FRAME_CAPS, UNMOVED },
  { "videorate", "videorate", FRAME_CAPS, UNMOVED },
  { "videoconvert", "videoconvert", "video/x-raw,format=RGB,width=64,height=48",
      UNMOVED },
  { "videobalance", "videobalance brightness=0.5", FRAME_CAPS, UNMOVED },
  { "videoscale", "videoscale", "video/x-raw,width=32,height=24",
      KEPT (8, 0, 0, 0, 8, 0) },
  { "videoscale-of-one-axis", "videoscale", "video/x-raw,width=32,height=96",
      KEPT (8, 0, 0, 0, 32, 0) },
  { "videoscale-by-a-third", "videoscale", "video/x-raw,width=192,height=16",
      KEPT (48, 0, 0, 0, 16. / 3, 0) },
  { "videoscale-twice",
      "videoscale ! video/x-raw,width=32,height=24 ! videoscale",
      "video/x-raw,width=96,height=72", KEPT (24, 0, 0, 0, 24, 0) },
  { "videoscale-with-borders", "videoscale",
      "video/x-raw,width=64,height=64,pixel-aspect-ratio=1/1", DROPPED,
      KEPT (16, 0, 0, 0, 16, 8), TRUE, TRUE },
  { "videoscale-distorting", "videoscale add-borders=false",
      "video/x-raw,width=64,height=64,pixel-aspect-ratio=1/1", DROPPED,
      KEPT (16, 0, 0, 0, 64. / 3, 0), TRUE },
  { "videoflip", "videoflip video-direction=horiz", FRAME_CAPS, DROPPED,
      KEPT (-16, 0, 64, 0, 16, 0), TRUE },
  { "videoflip-turning", "videoflip video-direction=90r",
      "video/x-raw,width=48,height=64", DROPPED, KEPT (0, -16, 48, 16, 0, 0),
      TRUE },
  { "videocrop", "videocrop left=16", "video/x-raw,width=48,height=48", DROPPED,
      KEPT (16, 0, -16, 0, 16, 0), TRUE, TRUE },
  { "videobox-both-ways", "videobox left=16 right=-16", FRAME_CAPS, DROPPED },
  { "compositor-scaling",
      "identity ! compositor sink_0::width=32 sink_0::height=24", FRAME_CAPS,
      DROPPED, KEPT (8, 0, 0, 0, 8, 0), TRUE, TRUE },
  { "videobox", "videobox left=-16", "video/x-raw,width=80,height=48", DROPPED,
      KEPT (16, 0, 16, 0, 16, 0), TRUE, TRUE },
  { "compositor", "identity ! compositor sink_0::xpos=16 sink_0::ypos=8",
      "video/x-raw,width=96,height=64", DROPPED, KEPT (16, 0, 16, 0, 16, 8),
      TRUE, TRUE },
  { "jpegenc", "jpegenc", "image/jpeg", UNMOVED },
  { "vp8enc", "vp8enc deadline=1", "video/x-vp8", UNMOVED },
  { "theoraenc", "theoraenc", "video/x-theora", UNMOVED },
};

static const Outcome *
expected (const Passage *passage)
{
  return passage->is_by_release && GST_CHECK_VERSION (1, 28, 0)
             ? &passage->since_1_28
             : &passage->outcome;
}

/* Of the same grid, behind a class token. */
static void
add_attention (GstBuffer *frame)
{
  GstBuffer *other = gst_buffer_new ();
  GstBuffer *values = gst_buffer_new_allocate (NULL, 2 * 13 * 4, NULL);
  GstVitTokensMeta *like = gst_buffer_add_vit_tokens_meta (other, values,
      GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, 64, 48, "model");

  g_assert_nonnull (
      gst_buffer_add_vit_attention_meta (frame, like, values, 2, 12));
  gst_buffer_unref (values);
  gst_buffer_unref (other);
}

static GstBuffer *
new_frame (GstBuffer *tokens)
{
  GstVitTokensMeta *meta;
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48 * 3 / 2, NULL);

  gst_buffer_memset (frame, 0, 128, 64 * 48 * 3 / 2);
  GST_BUFFER_PTS (frame) = 0;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 0, 4, 3, 16, 2, 64, 48, "model");
  g_assert_nonnull (meta);
  g_assert_nonnull (gst_buffer_add_vit_embedding_meta (frame,
      GST_VIT_EMBEDDING_KIND_EMBEDDING, tokens, TOKENS_SIZE / 4, TRUE, meta));
  add_attention (frame);
  return frame;
}

static GstBuffer *
new_tokens (void)
{
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);

  gst_buffer_memset (tokens, 0, 7, TOKENS_SIZE);
  return tokens;
}

static void
assert_outcome (GstBuffer *frame, GstBuffer *tokens, const Outcome *outcome)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  GstVitAttentionMeta *attention = gst_buffer_get_vit_attention_meta (frame);

  g_assert_cmpuint (gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE),
      ==, outcome->is_kept);
  g_assert_cmpuint (
      gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE), ==,
      outcome->is_kept);
  if (!outcome->is_kept)
    return;
  g_assert_true (gst_vit_attention_meta_is_valid (attention, NULL));
  g_assert_cmpmem (
      attention->map, sizeof meta->map, meta->map, sizeof meta->map);
  g_assert_true (meta->tokens == tokens);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon (meta->map[i], outcome->map[i], 1e-12);
}

static void
assert_embedding (GstBuffer *frame, GstBuffer *values, gboolean is_kept)
{
  GstVitEmbeddingMeta *meta = gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_EMBEDDING);

  g_assert_cmpint (meta != NULL, ==, is_kept);
  if (!is_kept)
    return;
  g_assert_true (gst_vit_embedding_meta_get_values (meta) == values);
  g_assert_cmpstr (gst_vit_embedding_meta_get_model_id (meta), ==, "model");
}

/* Whether every element of a description is installed; if not, the test is
 * skipped. */
static gboolean
has_elements (const gchar *description)
{
  gchar **parts = g_strsplit (description, " ! ", -1);
  gboolean has_all = TRUE;

  for (guint i = 0; parts[i] && has_all; i++) {
    gchar *name = g_strndup (parts[i], strcspn (parts[i], " "));
    GstElementFactory *factory
        = strchr (name, '/') ? NULL : gst_element_factory_find (name);

    if (!factory && !strchr (name, '/')) {
      g_test_skip (name);
      has_all = FALSE;
    }
    gst_clear_object (&factory);
    g_free (name);
  }
  g_strfreev (parts);
  return has_all;
}

static void
test_passage (gconstpointer data)
{
  const Passage *passage = data;
  GstBuffer *tokens, *out, *last = NULL;
  GstHarness *harness;

  if (!has_elements (passage->elements))
    return;
  tokens = new_tokens ();
  harness = gst_harness_new_parse (passage->elements);
  gst_harness_set_caps_str (harness, FRAME_CAPS, passage->out_caps);
  gst_harness_push (harness, new_frame (tokens));
  /* So that elements that hold one frame back let go of it. */
  gst_harness_push_event (harness, gst_event_new_eos ());
  /* Some encoders send headers before the frame. */
  out = gst_harness_pull (harness);
  do {
    gst_clear_buffer (&last);
    last = out;
  } while ((out = gst_harness_try_pull (harness)));
  g_assert_nonnull (last);
  assert_outcome (last, tokens, expected (passage));
  assert_embedding (last, tokens,
      expected (passage)->is_kept && !passage->shows_other);
  gst_buffer_unref (last);
  gst_harness_teardown (harness);

  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (tokens), ==, 1);
  gst_buffer_unref (tokens);
}

/* (transfer full) (nullable): the last frame at the end of a branch. */
static GstBuffer *
last_frame (GstElement *pipeline, const gchar *name)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstSample *sample = NULL;
  GstBuffer *frame = NULL;

  g_object_get (sink, "last-sample", &sample, NULL);
  if (sample) {
    frame = gst_buffer_ref (gst_sample_get_buffer (sample));
    gst_sample_unref (sample);
  }
  gst_object_unref (sink);
  return frame;
}

/* Takes the frame. */
static void
push_frame (GstElement *pipeline, GstBuffer *frame)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  GstFlowReturn flow;

  g_signal_emit_by_name (source, "push-buffer", frame, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
  gst_buffer_unref (frame);
  gst_object_unref (source);
}

static void
end_stream (GstElement *pipeline)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstFlowReturn flow;
  GstMessage *message;

  g_signal_emit_by_name (source, "end-of-stream", &flow);
  gst_object_unref (source);
  message = gst_bus_timed_pop_filtered (
      bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
}

static void
close_pipeline (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Each consumer has a frame of its own with the map of its own. */
static void
test_tee (void)
{
  static const Outcome whole = UNMOVED, half = KEPT (8, 0, 0, 0, 8, 0);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "appsrc name=source format=time caps=" FRAME_CAPS " ! tee name=t "
      "t. ! queue ! videoscale ! video/x-raw,width=32,height=24 "
      "! fakesink name=a t. ! queue ! videobalance brightness=0.5 "
      "! fakesink name=b",
      &error);
  GstBuffer *tokens = new_tokens (), *a, *b;

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  push_frame (pipeline, new_frame (tokens));
  end_stream (pipeline);
  a = last_frame (pipeline, "a");
  b = last_frame (pipeline, "b");
  assert_outcome (a, tokens, &half);
  assert_outcome (b, tokens, &whole);

  gst_buffer_unref (a);
  gst_buffer_unref (b);
  close_pipeline (pipeline);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (tokens), ==, 1);
  gst_buffer_unref (tokens);
}

#if GST_CHECK_VERSION(1, 24, 0)
static void
assert_came_over (GstBuffer *frame, gboolean has_embedding)
{
  static const gdouble map[6] = { 16, 0.25, 3, 0, -16, 48 };
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  GstVitEmbeddingMeta *embedding = gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_EMBEDDING);
  guint8 values[TOKENS_SIZE];

  g_assert_nonnull (meta);
  g_assert_cmpint (meta->format, ==, GST_VIT_TOKEN_FORMAT_F32);
  g_assert_cmpuint (meta->n_tokens, ==, 12);
  g_assert_cmpuint (meta->n_prefix_tokens, ==, 0);
  g_assert_cmpuint (meta->grid_width, ==, 4);
  g_assert_cmpuint (meta->grid_height, ==, 3);
  g_assert_cmpuint (meta->patch_size, ==, 16);
  g_assert_cmpuint (meta->embed_dim, ==, 2);
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  g_assert_cmpuint (meta->n_blocks, ==, 12);
  g_assert_cmpint (meta->roi_id, ==, 5);
  g_assert_cmpmem (meta->map, sizeof map, map, sizeof map);
  g_assert_cmpstr (meta->model_id, ==, "model");
  g_assert_cmpstr (meta->roi_type, ==, "face");
  g_assert_cmpuint (meta->roi_x, ==, 3);
  g_assert_cmpuint (meta->roi_y, ==, 4);
  g_assert_cmpuint (meta->roi_width, ==, 61);
  g_assert_cmpuint (meta->roi_height, ==, 40);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpint (gst_vit_tokens_meta_is_changed (meta, i), ==,
        i == 0 || i == 2 || i == 11);

  g_assert_cmpuint (gst_buffer_get_size (meta->tokens), ==, TOKENS_SIZE);
  gst_buffer_extract (meta->tokens, 0, values, TOKENS_SIZE);
  for (guint i = 0; i < TOKENS_SIZE; i++)
    g_assert_cmpint (values[i], ==, 7);
  if (has_embedding) {
    g_assert_nonnull (embedding);
    g_assert_cmpuint (embedding->dim, ==, TOKENS_SIZE / 4);
    g_assert_cmpint (
        gst_buffer_memcmp (embedding->values, 0, values, TOKENS_SIZE), ==, 0);
  }
}

static GstBuffer *
new_full_frame (void)
{
  static const gdouble map[6] = { 16, 0.25, 3, 0, -16, 48 };
  g_autoptr (GstBuffer) tokens = new_tokens ();
  g_autoptr (GBytes) changed = g_bytes_new ("\x05\x08", 2);
  GstBuffer *frame = new_frame (tokens);
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);

  meta->n_blocks = 12;
  gst_vit_tokens_meta_set_roi (meta, 5, "face", 3, 4, 61, 40);
  gst_vit_tokens_meta_set_map (meta, map);
  gst_vit_tokens_meta_set_changed (meta, changed);
  return frame;
}

static void
test_serialise (void)
{
  g_autoptr (GstBuffer) frame = new_full_frame ();
  g_autoptr (GstBuffer) other = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GstMeta *meta = &gst_buffer_get_vit_tokens_meta (frame)->meta;
  guint32 consumed = 0;

  g_assert_true (gst_meta_serialize_simple (meta, bytes));
  g_assert_nonnull (
      gst_meta_deserialize (other, bytes->data, bytes->len, &consumed));
  g_assert_cmpuint (consumed, ==, bytes->len);
  assert_came_over (other, FALSE);
}

static void
test_serialise_bare (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GstMeta *meta = gst_buffer_add_meta (frame, GST_VIT_TOKENS_META_INFO, NULL);

  g_assert_false (gst_meta_serialize_simple (meta, bytes));
}

/* A later version of the layout, and bytes that are none of it. */
static void
test_deserialise_refuses (void)
{
  const GstMetaInfo *info = GST_VIT_TOKENS_META_INFO;
  g_autoptr (GstBuffer) frame = new_full_frame ();
  g_autoptr (GstBuffer) other = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GstMeta *meta = &gst_buffer_get_vit_tokens_meta (frame)->meta;
  const guint8 *own;
  gsize own_size = 116 + strlen ("model") + strlen ("face") + 2 + TOKENS_SIZE;

  g_assert_true (gst_meta_serialize_simple (meta, bytes));
  /* GStreamer's own header stands before. */
  g_assert_cmpuint (bytes->len, >, own_size);
  own = bytes->data + bytes->len - own_size;
  g_assert_null (info->deserialize_func (info, other, own, own_size, 0));
  g_assert_null (info->deserialize_func (info, other, own, own_size, 1));
  g_assert_null (info->deserialize_func (info, other, own, own_size, 3));
  g_assert_null (info->deserialize_func (info, other, own, own_size - 1, 2));
  g_assert_null (gst_buffer_get_vit_tokens_meta (other));
  g_assert_nonnull (info->deserialize_func (info, other, own, own_size, 2));
}
#endif

static void
test_unixfd (void)
{
#if GST_CHECK_VERSION(1, 24, 0)
  g_autofree gchar *folder = g_dir_make_tmp ("test-passage-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "socket", NULL);
  g_autofree gchar *out = NULL, *in = NULL;
  GstElement *sender, *receiver;
  GError *error = NULL;
  GstBuffer *frame = NULL;

  if (!has_elements ("unixfdsink ! unixfdsrc"))
    return;
  out = g_strdup_printf ("appsrc name=source format=time caps=" FRAME_CAPS
                         " ! videoconvert ! video/x-raw,format=RGB "
                         "! unixfdsink sync=false socket-path=%s",
      path);
  in = g_strdup_printf ("unixfdsrc socket-path=%s ! fakesink name=sink", path);
  sender = gst_parse_launch (out, &error);
  g_assert_no_error (error);
  receiver = gst_parse_launch (in, &error);
  g_assert_no_error (error);
  g_assert_cmpint (gst_element_set_state (sender, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  g_assert_cmpint (gst_element_set_state (receiver, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  /* Until the receiver is connected, what is sent is dropped. */
  for (guint i = 0; i < 500 && !frame; i++) {
    push_frame (sender, new_full_frame ());
    g_usleep (20000);
    frame = last_frame (receiver, "sink");
  }
  g_assert_nonnull (frame);
  assert_came_over (frame, TRUE);

  gst_buffer_unref (frame);
  close_pipeline (receiver);
  close_pipeline (sender);
  remove (path);
  g_assert_cmpint (remove (folder), ==, 0);
#else
  g_test_skip ("unixfdsink and unixfdsrc are of GStreamer 1.24");
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (passages); i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/tokens-passage/%s-%s-it-on-%d.%d", passages[i].name,
        expected (&passages[i])->is_kept ? "keeps" : "drops", GST_VERSION_MAJOR,
        GST_VERSION_MINOR);

    g_test_add_data_func (path, &passages[i], test_passage);
  }
#define TEST(name, function) g_test_add_func ("/tokens-passage/" name, function)
  TEST ("tee-gives-each-consumer-its-map", test_tee);
  TEST ("unixfd-carries-it-to-another-process", test_unixfd);
#if GST_CHECK_VERSION(1, 24, 0)
  TEST ("serialised-and-back", test_serialise);
  TEST ("without-tokens-it-is-not-serialised", test_serialise_bare);
  TEST ("wrong-bytes-are-not-deserialised", test_deserialise_refuses);
#endif
  return g_test_run ();
}
