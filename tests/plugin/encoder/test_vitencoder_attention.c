/* SPDX-License-Identifier: MIT
 *
 * The class token's attention as vitencoder attaches it: to the last bit what the
 * library makes of the same tokens, with other results and alone, of regions, set
 * while frames pass; the same memory where nothing changed; refused for a model
 * without a class token.
 */
#include <string.h>

#include "support/encoder_stream.h"

static guint
count (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE);
}

static void
test_settings (void)
{
  static const guint first[] = { 1 };
  static const struct {
    const gchar *embed, *encoder;
    gboolean features;
    VitEncoderSettings settings;
  } cases[] = {
    { "", "attention=true", TRUE, { .logits = TRUE } },
    { "token-format=bf16", "attention=true n-threads=3", TRUE,
        { .logits = TRUE } },
    { "", "attention=true features=false embedding=none", FALSE,
        { .embedding = VIT_EMBEDDING_NONE } },
    /* That of the last block, though features of the first alone are wanted. */
    { "", "attention=true layers=\"<1>\" embedding=none", TRUE,
        { .layers = first, .n_layers = 1, .embedding = VIT_EMBEDDING_NONE } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitEncoderSettings settings = cases[i].settings;
    EncoderStream stream;

    settings.n_workers = 1;
    settings.attention = TRUE;
    encoder_stream_init (&stream, cases[i].embed, cases[i].encoder);
    for (guint seed = 0; seed < 2; seed++) {
      GstBuffer *frame = encoder_stream_push (&stream, seed, NULL);

      encoder_check_frame (frame, SMALL_MODEL, &settings, cases[i].features);
      g_assert_cmpuint (count (frame), ==, 1);
      gst_buffer_unref (frame);
    }
    g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 2);
    encoder_stream_clear (&stream);
  }
}

static void
test_regions (void)
{
  const VitEncoderSettings settings
      = { .logits = TRUE, .attention = TRUE, .n_workers = 1 };
  EncoderStream stream;

  encoder_stream_init (&stream, "regions=roi", "attention=true n-threads=2");
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = frames_random (&stream.info, i, FALSE);

    gst_buffer_add_video_region_of_interest_meta (
        frame, "face", 16 * i, 0, 48, 32)->id = 5;
    gst_buffer_add_video_region_of_interest_meta (
        frame, "hand", 0, 16, 16, 48)->id = 6;
    frame = gst_harness_push_and_pull (stream.harness, frame);
    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    g_assert_cmpuint (count (frame), ==, 2);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

static void
test_threads (void)
{
  static const gchar *const threads[]
      = { "attention=true n-threads=1", "attention=true n-threads=4",
          "attention=true n-threads=0" };
  const VitEncoderSettings settings
      = { .logits = TRUE, .attention = TRUE, .n_workers = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    EncoderStream stream;
    GstBuffer *frame;

    encoder_stream_init (&stream, "", threads[i]);
    encoder_stream_set_size (&stream, 320, 240);
    frame = encoder_stream_push (&stream, 3, NULL);
    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    gst_buffer_unref (frame);
    encoder_stream_clear (&stream);
  }
}

static void
test_live (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "");
  for (guint i = 0; i < 4; i++) {
    const VitEncoderSettings settings
        = { .logits = TRUE, .attention = i % 2, .n_workers = 1 };
    GstBuffer *frame;

    g_object_set (stream.encoder, "attention", i % 2, NULL);
    /* The same picture, whose results would else be those known. */
    frame = encoder_stream_push (&stream, 1, NULL);
    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

static void
test_unchanged (void)
{
  EncoderStream stream;
  GstBuffer *frames[3], *values[3];

  encoder_stream_init (&stream, "", "attention=true");
  for (guint i = 0; i < 3; i++) {
    frames[i] = encoder_stream_push (&stream, i / 2, NULL);
    values[i] = gst_buffer_get_vit_attention_meta (frames[i])->values;
  }
  g_assert_true (values[0] == values[1]);
  g_assert_true (values[1] != values[2]);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 1);
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (frames[i]);
  encoder_stream_clear (&stream);
}

static void
assert_refused (EncoderStream *stream, GstFlowReturn result)
{
  GQuark domain;
  gint code;
  g_autofree gchar *text = encoder_stream_message (
      stream, GST_MESSAGE_ERROR, &domain, &code);

  g_assert_cmpint (result, ==, GST_FLOW_ERROR);
  g_assert_nonnull (text);
  g_assert_true (domain == GST_RESOURCE_ERROR);
  g_assert_cmpint (code, ==, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (text, "class token's attention"));
  g_assert_nonnull (strstr (text, "hf-ijepa"));
}

/* Asked for from the first frame on, and while frames pass. */
static void
test_no_class_token (void)
{
  for (guint first = 0; first < 2; first++) {
    g_autofree gchar *path = encoder_model_path ("hf-ijepa");
    EncoderStream stream;
    GstFlowReturn result;

    encoder_stream_init (&stream, "", "");
    g_object_set (stream.embed, "model", path, NULL);
    gst_element_set_state (stream.embed, GST_STATE_READY);
    gst_element_set_state (stream.embed, GST_STATE_PLAYING);
    for (guint i = 0; i < first; i++)
      gst_buffer_unref (encoder_stream_push (&stream, i, NULL));
    g_object_set (stream.encoder, "attention", TRUE, NULL);
    g_assert_null (encoder_stream_push (&stream, 9, &result));
    assert_refused (&stream, result);
    encoder_stream_clear (&stream);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/vitencoder/attention/" name, function)
  TEST ("is-what-the-library-makes", test_settings);
  TEST ("of-regions", test_regions);
  TEST ("threads-give-the-same-bits", test_threads);
  TEST ("set-while-frames-pass", test_live);
  TEST ("unchanged-frames-carry-the-same-memory", test_unchanged);
  TEST ("refused-without-a-class-token", test_no_class_token);
  return g_test_run ();
}
