/* SPDX-License-Identifier: MIT
 *
 * What vitencoder refuses, by the code and the words of its message: models and
 * settings at the start, tokens that do not fit when they come.  And what is passed
 * over with a warning, the frame with it: tokens that cannot be read, memory that
 * is not there.
 */
#include <string.h>

#include "support/encoder_stream.h"
#include "support/forgeries.h"
#include "support/memory_limit.h"
#include "support/meta_frame.h"
#include "support/sanitizer.h"
#include "support/unreadable.h"

static void
check_text (const gchar *text, const gchar *const *words)
{
  g_assert_nonnull (text);
  g_test_message ("%s", text);
  for (; *words != NULL; words++)
    if (strstr (text, *words) == NULL)
      g_error ("\"%s\" does not say \"%s\"", text, *words);
}

/* An element with these properties does not start. */
static void
check_start (const gchar *model, const gchar *properties,
    const gchar *const *words, GQuark expected_domain, gint expected_code)
{
  g_autofree gchar *launch
      = g_strdup_printf ("vitencoder model=\"%s\" %s", model, properties);
  EncoderStream stream = { .bus = gst_bus_new () };
  g_autofree gchar *text = NULL;
  GQuark domain;
  gint code;

  stream.encoder = gst_parse_launch (launch, NULL);
  g_assert_nonnull (stream.encoder);
  gst_object_ref_sink (stream.encoder);
  gst_element_set_bus (stream.encoder, stream.bus);
  g_assert_cmpint (gst_element_set_state (stream.encoder, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  text = encoder_stream_message (&stream, GST_MESSAGE_ERROR, &domain, &code);
  check_text (text, words);
  g_assert_true (domain == expected_domain);
  g_assert_cmpint (code, ==, expected_code);
  gst_element_set_state (stream.encoder, GST_STATE_NULL);
  gst_element_set_bus (stream.encoder, NULL);
  gst_object_unref (stream.encoder);
  gst_object_unref (stream.bus);
}

static void
test_refused_at_the_start (void)
{
  static const struct {
    const gchar *model, *properties;
    gboolean is_stream; /* a stream error, not one of a resource */
    gint code;
    const gchar *words[4];
  } cases[] = {
    { "nowhere", "", FALSE, GST_RESOURCE_ERROR_NOT_FOUND, { "nowhere" } },
    { "../hf-vit", "", TRUE, GST_STREAM_ERROR_WRONG_TYPE,
        { "input stage alone" } },
    { SMALL_MODEL, "layers=<3>", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "block 3", "1 to 2", SMALL_MODEL } },
    { SMALL_MODEL, "layers=<0>", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "1 to 2" } },
    { SMALL_MODEL, "layers=<-1>", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "1 to 2" } },
    { SMALL_MODEL, "layers=<2,1>", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "ascending" } },
    { SMALL_MODEL, "rope-rule=pe", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "rope-rule", "grid" } },
    { SMALL_MODEL, "model-prefix=teacher", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "teacher" } },
    { "timm-siglip", "embedding=class", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "class token", "siglip" } },
    { "timm-reg4-gap", "embedding=class", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "class token", "reg4" } },
    { "timm-pe-spatial", "norm=final", FALSE, GST_RESOURCE_ERROR_SETTINGS,
        { "norm is final", "pe_spatial" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *path = encoder_model_path (cases[i].model);

    check_start (path, cases[i].properties, cases[i].words,
        cases[i].is_stream ? GST_STREAM_ERROR : GST_RESOURCE_ERROR,
        cases[i].code);
  }
}

/* Said of it as it was set, not of a path made of it. */
static void
test_name_on_the_hub (void)
{
  g_setenv ("HF_HUB_CACHE", "/nonexistent", TRUE);
  check_start ("facebook/dinov2-small", "",
      (const gchar *const[]) { "\"hf download facebook/dinov2-small\"", NULL },
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_unsetenv ("HF_HUB_CACHE");
}

static void
check_refusal (EncoderStream *stream, const gchar *const *words)
{
  g_autofree gchar *text = NULL, *again = NULL;
  GQuark domain;
  gint code;

  text = encoder_stream_message (stream, GST_MESSAGE_ERROR, &domain, &code);
  check_text (text, words);
  g_assert_true (domain == GST_RESOURCE_ERROR);
  g_assert_cmpint (code, ==, GST_RESOURCE_ERROR_SETTINGS);
  again = encoder_stream_message (stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_null (again);
}

static void
test_tokens_of_others (void)
{
  static const struct {
    const gchar *embed, *encoder;
    const gchar *words[4];
  } cases[] = {
    { "prefix-tokens=false", "", { "0 prefix tokens", "take 1",
                                     "prefix-tokens" } },
    { "", "model=hf-mae", { SMALL_MODEL, "hf-mae" } },
    { "", "layers=<1,9>", { "block 9" } },
    { "", "rope-rule=pe", { "rope-rule" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    EncoderStream stream;
    GstFlowReturn flow;

    if (g_str_has_prefix (cases[i].encoder, "model=")) {
      g_autofree gchar *path = encoder_model_path (cases[i].encoder + 6);
      g_autofree gchar *model = g_strdup_printf ("model=\"%s\"", path);

      encoder_stream_init (&stream, cases[i].embed, model);
    } else {
      encoder_stream_init (&stream, cases[i].embed, cases[i].encoder);
    }
    g_assert_null (encoder_stream_push (&stream, 1, &flow));
    g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
    check_refusal (&stream, cases[i].words);
    encoder_stream_clear (&stream);
  }
}

static void
test_built_in_model (void)
{
  EncoderStream stream = { .harness = gst_harness_new_parse (
                               "vitpatchembed ! vitencoder") };
  GstFlowReturn flow;

  stream.encoder = gst_harness_find_element (stream.harness, "vitencoder");
  stream.embed = gst_harness_find_element (stream.harness, "vitpatchembed");
  stream.bus = gst_bus_new ();
  gst_element_set_bus (stream.encoder, stream.bus);
  encoder_stream_set_size (&stream, 96, 64);
  g_assert_null (encoder_stream_push (&stream, 1, &flow));
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  check_refusal (&stream,
      (const gchar *const[]) { "built-in model", "vitpatchembed", NULL });
  encoder_stream_clear (&stream);
}

/* vitencoder alone, with these properties. */
static void
alone_init (EncoderStream *stream, const gchar *properties)
{
  g_autofree gchar *launch = g_strconcat ("vitencoder ", properties, NULL);

  stream->harness = gst_harness_new_parse (launch);
  stream->encoder = gst_harness_find_element (stream->harness, "vitencoder");
  stream->embed = gst_object_ref (stream->encoder);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->encoder, stream->bus);
  encoder_stream_set_size (stream, 64, 48);
}

static void
alone_init_with_model (EncoderStream *stream)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *properties
      = g_strdup_printf ("n-threads=1 model=\"%s\"", path);

  alone_init (stream, properties);
}

/* A frame of 64 x 48 pixels with tokens of these kinds: 4 x 3 patches. */
static GstBuffer *
frame_with_tokens (guint n_prefix_tokens, guint patch_size, guint embed_dim,
    guint n_blocks, const gchar *model_id)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48 * 3, NULL);
  GstBuffer *tokens = gst_buffer_new_allocate (
      NULL, (12 + n_prefix_tokens) * embed_dim * sizeof (gfloat), NULL);

  gst_buffer_memset (tokens, 0, 0, gst_buffer_get_size (tokens));
  gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32,
      n_prefix_tokens, 4, 3, patch_size, embed_dim, 64, 48, model_id)
      ->n_blocks
      = n_blocks;
  gst_buffer_unref (tokens);
  return frame;
}

static void
test_tokens_made_elsewhere (void)
{
  static const struct {
    guint n_prefix_tokens, patch_size, embed_dim, n_blocks;
    const gchar *model_id;
    const gchar *words[4];
  } cases[] = {
    { 1, 16, 48, 2, SMALL_MODEL, { "after block 2", "first block" } },
    { 1, 16, 64, 0, SMALL_MODEL, { "64 numbers", "has 48" } },
    { 1, 8, 48, 0, SMALL_MODEL, { "8x8", "16x16" } },
    { 2, 16, 48, 0, SMALL_MODEL, { "2 prefix tokens", "take 1" } },
    { 1, 16, 48, 0, "another", { "another", SMALL_MODEL } },
    { 1, 16, 48, 0, SMALL_MODEL "#00000000", { "#00000000", SMALL_MODEL "#" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    EncoderStream stream;

    alone_init_with_model (&stream);
    g_assert_cmpint (gst_harness_push (stream.harness,
                         frame_with_tokens (cases[i].n_prefix_tokens,
                             cases[i].patch_size, cases[i].embed_dim,
                             cases[i].n_blocks, cases[i].model_id)),
        ==, GST_FLOW_ERROR);
    check_refusal (&stream, cases[i].words);
    encoder_stream_clear (&stream);
  }
}

/* Another model's tokens beside those of this one are not its business. */
static void
test_tokens_of_two_models (void)
{
  EncoderStream stream;
  GstBuffer *frame = frame_with_tokens (1, 16, 48, 0, "another"), *tokens;

  alone_init_with_model (&stream);
  tokens = gst_buffer_get_vit_tokens_meta (frame)->tokens;
  gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32, 1, 4,
      3, 16, 48, 64, 48, SMALL_MODEL);
  frame = gst_harness_push_and_pull (stream.harness, frame);
  g_assert_nonnull (frame);
  g_assert_cmpuint (encoder_count_metas (frame, 2), ==, 1);
  g_assert_cmpstr (gst_buffer_get_vit_tokens_meta_deepest (frame)->model_id, ==,
      SMALL_MODEL);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

static void
test_no_model_at_all (void)
{
  EncoderStream stream;

  alone_init (&stream, "");
  g_assert_cmpint (gst_harness_push (stream.harness,
                       frame_with_tokens (1, 16, 48, 0, SMALL_MODEL)),
      ==, GST_FLOW_ERROR);
  check_refusal (
      &stream, (const gchar *const[]) { "no model is set", "vitpatchembed",
                   "set model of vitencoder", NULL });
  encoder_stream_clear (&stream);
}

/* An embedding that is asked for while frames pass. */
static void
test_live_embedding_that_cannot_be (void)
{
  g_autofree gchar *path = encoder_model_path ("timm-siglip");
  g_autofree gchar *properties = g_strdup_printf ("model=\"%s\"", path);
  EncoderStream stream;

  alone_init (&stream, properties);
  gst_buffer_unref (gst_harness_push_and_pull (
      stream.harness, frame_with_tokens (0, 16, 60, 0, NULL)));
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "class");
  g_assert_cmpint (gst_harness_push (stream.harness,
                       frame_with_tokens (0, 16, 60, 0, NULL)),
      ==, GST_FLOW_ERROR);
  check_refusal (&stream,
      (const gchar *const[]) { "class token", "siglip", NULL });
  encoder_stream_clear (&stream);
}

static void
check_one_warning (EncoderStream *stream, GQuark expected_domain,
    gint expected_code, const gchar *words)
{
  g_autofree gchar *text = NULL, *again = NULL;
  GQuark domain;
  gint code;

  text = encoder_stream_message (stream, GST_MESSAGE_WARNING, &domain, &code);
  check_text (text, (const gchar *const[]) { words, NULL });
  g_assert_true (domain == expected_domain);
  g_assert_cmpint (code, ==, expected_code);
  again = encoder_stream_message (stream, GST_MESSAGE_WARNING, NULL, NULL);
  g_assert_null (again);
  again = encoder_stream_message (stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_null (again);
}

/* Nothing makes tokens: a stream without any gets one warning, at its end or after
 * 250 frames, and loses none; one that had some, as with an interval, gets none. */
static void
test_frames_without_tokens (void)
{
  static const guint counts[] = { 3, 300 };
  EncoderStream stream;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    alone_init (&stream, "");
    for (guint n = 0; n < counts[i]; n++)
      gst_buffer_unref (gst_harness_push_and_pull (
          stream.harness, gst_buffer_new_allocate (NULL, 96 * 64 * 3, NULL)));
    gst_harness_push_event (stream.harness, gst_event_new_eos ());
    check_one_warning (&stream, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "vitpatchembed before this element");
    encoder_stream_clear (&stream);
  }
  alone_init_with_model (&stream);
  gst_buffer_unref (gst_harness_push_and_pull (
      stream.harness, frame_with_tokens (1, 16, 48, 0, SMALL_MODEL)));
  for (guint n = 0; n < 300; n++)
    gst_buffer_unref (gst_harness_push_and_pull (
        stream.harness, gst_buffer_new_allocate (NULL, 96 * 64 * 3, NULL)));
  gst_harness_push_event (stream.harness, gst_event_new_eos ());
  g_assert_null (
      encoder_stream_message (&stream, GST_MESSAGE_WARNING, NULL, NULL));
  encoder_stream_clear (&stream);
}

static void
test_forged_tokens_are_passed_over (void)
{
  for (guint i = 0; i < n_forgeries; i++) {
    EncoderStream stream;

    g_test_message ("%s", forgeries[i].name);
    alone_init_with_model (&stream);
    for (guint n = 0; n < 2; n++) {
      GstVitTokensMeta *meta;
      GstBuffer *frame = meta_frame_new (&meta);

      forgeries[i].forge (meta, forgeries[i].number);
      frame = gst_harness_push_and_pull (stream.harness, frame);
      g_assert_nonnull (frame);
      g_assert_cmpuint (
          gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE), ==, 1);
      gst_buffer_unref (frame);
    }
    check_one_warning (&stream, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        forgeries[i].reason);
    encoder_stream_clear (&stream);
  }
}

/* As many as anyone may have put on a frame. */
static void
test_no_more_than_the_first_512 (void)
{
  EncoderStream stream;

  alone_init_with_model (&stream);
  for (guint n = 512; n < 515; n++) {
    GstBuffer *frame = frame_with_tokens (1, 16, 48, 0, SMALL_MODEL);
    GstBuffer *tokens = gst_buffer_get_vit_tokens_meta (frame)->tokens;
    g_autofree gchar *text = NULL;

    for (guint i = 1; i < n; i++)
      gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32,
          1, 4, 3, 16, 48, 64, 48, SMALL_MODEL);
    frame = gst_harness_push_and_pull (stream.harness, frame);
    g_assert_nonnull (frame);
    g_assert_cmpuint (encoder_count_metas (frame, 0), ==, n);
    g_assert_cmpuint (encoder_count_metas (frame, 2), ==, 512);
    gst_buffer_unref (frame);
    if (n > 512)
      continue;
    text = encoder_stream_message (&stream, GST_MESSAGE_WARNING, NULL, NULL);
    g_assert_cmpstr (text, ==, NULL);
  }
  check_one_warning (
      &stream, GST_STREAM_ERROR, GST_STREAM_ERROR_NOT_IMPLEMENTED, "first 512");
  encoder_stream_clear (&stream);
}

static void
test_tokens_that_cannot_be_read (void)
{
  EncoderStream stream;

  alone_init_with_model (&stream);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *frame = frame_with_tokens (1, 16, 48, 0, SMALL_MODEL);

    if (i < 3)
      gst_buffer_replace_all_memory (
          gst_buffer_get_vit_tokens_meta (frame)->tokens,
          unreadable_memory (13 * 48 * sizeof (gfloat)));
    frame = gst_harness_push_and_pull (stream.harness, frame);
    g_assert_nonnull (frame);
    g_assert_cmpuint (encoder_count_metas (frame, 2), ==, i < 3 ? 0 : 1);
    gst_buffer_unref (frame);
  }
  check_one_warning (
      &stream, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "cannot be read");
  encoder_stream_clear (&stream);
}

static void
test_no_memory (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer has its own allocator");
#else
  EncoderStream tokens, stream;
  GstBuffer *frame, *out;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  encoder_stream_init (&tokens, "", "features=false embedding=none");
  encoder_stream_set_size (&tokens, 2048, 1024);
  frame = encoder_stream_push (&tokens, 1, NULL);
  alone_init_with_model (&stream);
  encoder_stream_set_size (&stream, 2048, 1024);
  for (guint i = 0; i < 4; i++) {
    if (i < 3)
      memory_limit_set (1 << 20);
    out = gst_harness_push_and_pull (stream.harness, gst_buffer_copy (frame));
    memory_limit_lift ();
    g_assert_nonnull (out);
    g_assert_cmpuint (encoder_count_metas (out, 2), ==, i < 3 ? 0 : 1);
    gst_buffer_unref (out);
  }
  check_one_warning (&stream, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT, "No memory");
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
  encoder_stream_clear (&tokens);
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (
      "/vitencoder/errors/at-the-start", test_refused_at_the_start);
  g_test_add_func ("/vitencoder/errors/name-on-the-hub", test_name_on_the_hub);
  g_test_add_func ("/vitencoder/errors/tokens-of-others", test_tokens_of_others);
  g_test_add_func ("/vitencoder/errors/built-in-model", test_built_in_model);
  g_test_add_func (
      "/vitencoder/errors/tokens-made-elsewhere", test_tokens_made_elsewhere);
  g_test_add_func (
      "/vitencoder/errors/tokens-of-two-models", test_tokens_of_two_models);
  g_test_add_func ("/vitencoder/errors/no-model-at-all", test_no_model_at_all);
  g_test_add_func ("/vitencoder/errors/live-embedding-that-cannot-be",
      test_live_embedding_that_cannot_be);
  g_test_add_func (
      "/vitencoder/errors/frames-without-tokens", test_frames_without_tokens);
  g_test_add_func ("/vitencoder/errors/forged-tokens-are-passed-over",
      test_forged_tokens_are_passed_over);
  g_test_add_func ("/vitencoder/errors/no-more-than-the-first-512",
      test_no_more_than_the_first_512);
  g_test_add_func ("/vitencoder/errors/tokens-that-cannot-be-read",
      test_tokens_that_cannot_be_read);
  g_test_add_func ("/vitencoder/errors/no-memory", test_no_memory);
  return g_test_run ();
}
