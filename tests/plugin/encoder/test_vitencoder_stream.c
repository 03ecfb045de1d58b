/* SPDX-License-Identifier: MIT
 *
 * What vitencoder attaches to the frames of a stream: of every type of tokens,
 * layer, norm and embedding, of sizes that change and of regions, what the library
 * makes of the same tokens; the same memory where nothing changed; the same bits
 * whatever the number of threads; frames without tokens pass.
 */
#include <string.h>

#include "support/encoder_stream.h"

static const VitEncoderSettings own = { .logits = TRUE, .n_workers = 1 };

static void
test_settings (void)
{
  static const guint both[] = { 1, 2 };
  static const struct {
    const gchar *embed, *encoder;
    gboolean features;
    VitEncoderSettings settings;
  } cases[] = {
    { "", "", TRUE, { .logits = TRUE } },
    { "token-format=f16", "", TRUE, { .logits = TRUE } },
    { "token-format=bf16", "n-threads=3", TRUE, { .logits = TRUE } },
    { "", "layers=\"<1,2>\"", TRUE,
        { .layers = both, .n_layers = 2, .logits = TRUE } },
    { "", "layers=\"<1>\" norm=final embedding=none", TRUE,
        { .layers = both, .n_layers = 1, .norm = VIT_FEATURE_NORM_FINAL,
            .embedding = VIT_EMBEDDING_NONE } },
    { "", "norm=none embedding=class", TRUE,
        { .norm = VIT_FEATURE_NORM_NONE, .embedding = VIT_EMBEDDING_CLASS,
            .logits = TRUE } },
    { "", "embedding=mean features=false", FALSE,
        { .embedding = VIT_EMBEDDING_MEAN, .logits = TRUE } },
    { "", "embedding=class-mean normalize=true", TRUE,
        { .embedding = VIT_EMBEDDING_CLASS_MEAN, .normalize = TRUE,
            .logits = TRUE } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitEncoderSettings settings = cases[i].settings;
    EncoderStream stream;
    GstBuffer *frame;

    settings.n_workers = 1;
    g_test_message ("%s ! %s", cases[i].embed, cases[i].encoder);
    encoder_stream_init (&stream, cases[i].embed, cases[i].encoder);
    for (guint seed = 0; seed < 2; seed++) {
      frame = encoder_stream_push (&stream, seed, NULL);
      encoder_check_frame (frame, SMALL_MODEL, &settings, cases[i].features);
      /* What was put in is still there, and found as before. */
      g_assert_cmpuint (encoder_count_metas (frame, 0), ==, 1);
      g_assert_cmpuint (
          gst_buffer_get_vit_tokens_meta (frame)->n_blocks, ==, 0);
      gst_buffer_unref (frame);
    }
    encoder_stream_clear (&stream);
  }
}

/* What the library makes with the same override. */
static void
test_another_activation (void)
{
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  const VitEncoderOverrides overrides = { .activation = VIT_ACTIVATION_SILU };
  VitEncoderWeights *weights
      = vit_encoder_weights_share (path, NULL, &overrides, NULL);
  VitEncoder *encoder = vit_encoder_new (weights, &own, NULL);
  VitEncoderGrid grid = { 4, 6 };
  GstVitTokensMeta *tokens, *features;
  EncoderStream stream;
  GstMapInfo in, out;
  GstBuffer *frame;
  g_autofree float *expected = g_new (float, 25 * 48);
  float vector[48], logits[7], *rows[1] = { expected };
  float *const vectors[1] = { vector }, *const scores[1] = { logits };
  const float *const input[1] = { NULL };
  VitEncoderFrame run = { input, rows, vectors, scores, NULL };

  encoder_stream_init (&stream, "", "activation=silu");
  frame = encoder_stream_push (&stream, 1, NULL);
  tokens = gst_buffer_get_vit_tokens_meta_at (frame, 0);
  features = gst_buffer_get_vit_tokens_meta_at (frame, 2);
  g_assert_true (gst_buffer_map (tokens->tokens, &in, GST_MAP_READ));
  g_assert_true (gst_buffer_map (features->tokens, &out, GST_MAP_READ));
  run.tokens = (const float *const[]) { (const float *) (gpointer) in.data };
  g_assert_true (vit_encoder_configure (encoder, &grid, 1, 1, NULL));
  vit_encoder_run (encoder, &run, NULL, NULL);
  g_assert_cmpmem (out.data, out.size, expected, 25 * 48 * sizeof (float));
  gst_buffer_unmap (tokens->tokens, &in);
  gst_buffer_unmap (features->tokens, &out);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

/* More sizes than are kept ready, and back to the first. */
static void
test_sizes (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "n-threads=2");
  for (guint i = 0; i < 24; i++) {
    gint width = 16 * (1 + (gint) (i * 7 % 11)), height = 16 + 8 * (gint) (i % 5);
    GstBuffer *frame;

    encoder_stream_set_size (&stream, width, height);
    frame = encoder_stream_push (&stream, i, NULL);
    encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
    gst_buffer_unref (frame);
  }
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 24);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 0);
  encoder_stream_clear (&stream);
}

/* More of them than are kept ready, with caps that stay; and those known again. */
static void
test_sizes_of_one_format (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "n-threads=2");
  encoder_stream_set_size (&stream, 160, 128);
  for (guint i = 0; i < 30; i++) {
    guint max_tokens = 10 + i * 7 % 15 * 5;
    GstBuffer *frame;

    g_object_set (stream.embed, "max-tokens", max_tokens, NULL);
    frame = encoder_stream_push (&stream, i, NULL);
    g_assert_cmpuint (
        gst_buffer_get_vit_tokens_meta (frame)->n_tokens, <=, max_tokens);
    encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

static void
mark (GstBuffer *frame, gint id, guint x, guint y, guint width, guint height)
{
  gst_buffer_add_video_region_of_interest_meta (
      frame, "thing", x, y, width, height)
      ->id
      = id;
}

/* Different grids together, two of one size, in any order. */
static void
test_regions (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "regions=roi", "layers=\"<1,2>\"");
  for (guint i = 0; i < 6; i++) {
    static const guint both[] = { 1, 2 };
    const VitEncoderSettings settings = { .layers = both, .n_layers = 2,
      .logits = TRUE, .n_workers = 1 };
    GstBuffer *frame = frames_random (&stream.info, i, FALSE);

    mark (frame, 5, 16 * (i % 3), 0, 48, 32);
    mark (frame, 6, 0, 16, 16, 48);
    if (i % 2)
      mark (frame, 7, 32, 32, 48, 32);
    frame = gst_harness_push_and_pull (stream.harness, frame);
    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    g_assert_cmpuint (encoder_count_metas (frame, 1), ==, 2 + i % 2);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

static gboolean
has_pooled (GstBuffer *frame, guint n_features, guint n_vectors)
{
  GstVitTokensMeta *tokens;
  GstVitEmbeddingMeta *vector;
  gpointer state = NULL;

  while ((tokens = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    if (tokens->n_blocks > 0 && tokens->tokens->pool != NULL)
      n_features--;
  state = NULL;
  while ((vector = gst_buffer_iterate_vit_embedding_meta (frame, &state)))
    if (vector->values->pool != NULL)
      n_vectors--;
  return n_features == 0 && n_vectors == 0;
}

/* A crowd once does not stay in the pools for good. */
static void
test_further_regions_are_of_no_pool (void)
{
  static const guint both[] = { 1, 2 };
  const VitEncoderSettings settings = { .layers = both, .n_layers = 2,
    .logits = TRUE, .n_workers = 1 };
  EncoderStream stream;

  encoder_stream_init (&stream, "regions=roi", "layers=\"<1,2>\"");
  for (guint seed = 0; seed < 2; seed++) {
    GstBuffer *frame = frames_random (&stream.info, seed, FALSE);

    for (gint i = 0; i < 9; i++)
      mark (frame, i, 8 * i, 16, 16 * (1 + i % 3), 32);
    frame = gst_harness_push_and_pull (stream.harness, frame);
    encoder_check_frame (frame, SMALL_MODEL, &settings, TRUE);
    g_assert_cmpuint (encoder_count_metas (frame, 2), ==, 9);
    g_assert_true (has_pooled (frame, 2, 2));
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

/* (transfer none): the buffer with the features, and whether each is changed. */
static GstBuffer *
features_of (GstBuffer *frame, gboolean *is_known_unchanged)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_deepest (frame);

  g_assert_cmpuint (meta->n_blocks, ==, 2);
  *is_known_unchanged = meta->changed != NULL;
  for (guint i = 0; i < meta->n_tokens && meta->changed != NULL; i++)
    g_assert_false (gst_vit_tokens_meta_is_changed (meta, i));
  return meta->tokens;
}

static void
test_unchanged_frames_carry_the_same_memory (void)
{
  EncoderStream stream;
  GstBuffer *first, *second, *third;
  gboolean is_unchanged;

  encoder_stream_init (&stream, "", "");
  first = encoder_stream_push (&stream, 1, NULL);
  second = encoder_stream_push (&stream, 1, NULL);
  third = encoder_stream_push (&stream, 2, NULL);
  features_of (first, &is_unchanged);
  g_assert_false (is_unchanged);
  g_assert_true (features_of (second, &is_unchanged)
                 == features_of (first, &is_unchanged));
  features_of (second, &is_unchanged);
  g_assert_true (is_unchanged);
  g_assert_true (
      gst_buffer_get_vit_embedding_meta (
          first, GST_VIT_EMBEDDING_KIND_EMBEDDING)->values
      == gst_buffer_get_vit_embedding_meta (
          second, GST_VIT_EMBEDDING_KIND_EMBEDDING)->values);
  g_assert_true (features_of (third, &is_unchanged)
                 != features_of (first, &is_unchanged));
  features_of (third, &is_unchanged);
  g_assert_false (is_unchanged);
  encoder_check_frame (second, SMALL_MODEL, &own, TRUE);
  encoder_check_frame (third, SMALL_MODEL, &own, TRUE);
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 3);
  g_assert_cmpuint (encoder_stat (&stream, "unchanged"), ==, 1);
  g_assert_cmpuint (encoder_stat (&stream, "tokens"), ==, 3 * 25);
  gst_buffer_unref (first);
  gst_buffer_unref (second);
  gst_buffer_unref (third);
  encoder_stream_clear (&stream);
}

/* Of two regions one stays as it is: only the other is computed. */
static void
test_an_unchanged_region_beside_a_changed_one (void)
{
  EncoderStream stream;
  GstVitTokensMeta *still[2], *moved[2];
  GstBuffer *frames[2];

  encoder_stream_init (&stream, "regions=roi", "");
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = frames_random (&stream.info, 1, FALSE);
    gpointer state = NULL;

    gst_buffer_memset (frame, 0, (guint8) (i * 100), 96 * 3 * 32);
    mark (frame, 1, 0, 0, 96, 32);
    mark (frame, 2, 0, 32, 96, 32);
    frames[i] = gst_harness_push_and_pull (stream.harness, frame);
    encoder_check_frame (frames[i], SMALL_MODEL, &own, TRUE);
    for (guint k = 0; k < 3; k++)
      moved[i] = gst_buffer_iterate_vit_tokens_meta (frames[i], &state);
    still[i] = gst_buffer_iterate_vit_tokens_meta (frames[i], &state);
    g_assert_cmpuint (moved[i]->n_blocks, ==, 2);
    g_assert_cmpint (moved[i]->roi_id, ==, 1);
    g_assert_cmpint (still[i]->roi_id, ==, 2);
  }
  g_assert_true (still[0]->tokens == still[1]->tokens);
  g_assert_true (moved[0]->tokens != moved[1]->tokens);
  gst_buffer_unref (frames[0]);
  gst_buffer_unref (frames[1]);
  encoder_stream_clear (&stream);
}

static void
test_flush (void)
{
  EncoderStream stream;
  GstSegment segment;
  GstBuffer *frame;

  encoder_stream_init (&stream, "", "");
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  for (guint i = 0; i < 3; i++) {
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (stream.harness, gst_event_new_flush_start ());
    gst_harness_push_event (stream.harness, gst_event_new_flush_stop (TRUE));
    gst_harness_push_event (stream.harness, gst_event_new_segment (&segment));
    gst_harness_push_event (stream.harness, gst_event_new_gap (0, 1));
    frame = encoder_stream_push (&stream, i, NULL);
    encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

/* Those of other elements, which it has nothing to do with. */
static void
test_frames_without_tokens_pass (void)
{
  static const gchar *const caps[] = {
    "video/x-raw,format=RGB,width=96,height=64,framerate=25/1",
    "video/x-raw(memory:DMABuf),format=NV12,width=96,height=64,framerate=25/1",
    ("video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition),"
     "format=v210,width=2,height=2,framerate=25/1"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    GstHarness *harness = gst_harness_new ("vitencoder");
    GstBuffer *frame = gst_buffer_new ();

    gst_harness_set_src_caps_str (harness, caps[i]);
    gst_buffer_ref (frame);
    g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
    gst_buffer_unref (gst_harness_pull (harness));
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

/* A frame that others hold too is not changed. */
static void
test_shared_frames_stay_as_they_are (void)
{
  GstHarness *harness;
  EncoderStream stream;
  GstBuffer *frame, *out;
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *launch = g_strdup_printf ("vitencoder model=\"%s\"", path);

  encoder_stream_init (&stream, "", "features=false embedding=none");
  frame = encoder_stream_push (&stream, 1, NULL);
  harness = gst_harness_new_parse (launch);
  gst_harness_set_src_caps (
      harness, gst_video_info_to_caps (&stream.info));
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  g_assert_true (out != frame);
  g_assert_true (gst_buffer_peek_memory (out, 0)
                 == gst_buffer_peek_memory (frame, 0));
  g_assert_cmpuint (encoder_count_metas (frame, 2), ==, 0);
  encoder_check_frame (out, SMALL_MODEL, &own, TRUE);
  gst_buffer_unref (out);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  encoder_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vitencoder/settings", test_settings);
  g_test_add_func ("/vitencoder/another-activation", test_another_activation);
  g_test_add_func ("/vitencoder/sizes", test_sizes);
  g_test_add_func (
      "/vitencoder/sizes-of-one-format", test_sizes_of_one_format);
  g_test_add_func ("/vitencoder/regions", test_regions);
  g_test_add_func ("/vitencoder/further-regions-are-of-no-pool",
      test_further_regions_are_of_no_pool);
  g_test_add_func ("/vitencoder/unchanged-frames-carry-the-same-memory",
      test_unchanged_frames_carry_the_same_memory);
  g_test_add_func ("/vitencoder/an-unchanged-region-beside-a-changed-one",
      test_an_unchanged_region_beside_a_changed_one);
  g_test_add_func ("/vitencoder/flush", test_flush);
  g_test_add_func ("/vitencoder/frames-without-tokens-pass",
      test_frames_without_tokens_pass);
  g_test_add_func ("/vitencoder/shared-frames-stay-as-they-are",
      test_shared_frames_stay_as_they_are);
  return g_test_run ();
}
