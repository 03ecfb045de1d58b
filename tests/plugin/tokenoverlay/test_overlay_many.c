/* SPDX-License-Identifier: MIT
 *
 * Frames that carry very many tokens metas: they may share their tokens, and what
 * vittokenoverlay draws of them costs what the frame's size allows.
 */
#include "support/memory_limit.h"
#include "support/overlay_stream.h"
#include "support/sanitizer.h"

static GstBuffer *
new_tokens (gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 0, size);
  return buffer;
}

/* Regions of one size share their positions, and those that look alike may
 * share their tokens. */
static void
test_any_number_of_metas_share_their_tokens (void)
{
  static const gchar *const modes[] = { "pca", "similarity", "norm" };
  GstBuffer *tokens = new_tokens ((12 * 2 * 4));
  GstMapInfo map;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);
    GstBuffer *frame = gst_buffer_new ();
    OverlayStream stream;
    FencedMemory memory;

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
    for (guint n = 0; n < 300; n++) {
      GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
          GST_VIT_TOKEN_FORMAT_F32, 0, 4, 3, 16, 2, WIDTH, HEIGHT, NULL);

      gst_vit_tokens_meta_set_positions (meta, tokens);
    }
    overlay_stream_push (&stream, frame);
    g_assert_true (fenced_memory_free (&memory));
    overlay_stream_clear (&stream);
    g_free (launch);
  }
  /* And all of them have let go. */
  g_assert_true (gst_buffer_map (tokens, &map, GST_MAP_WRITE));
  gst_buffer_unmap (tokens, &map);
  gst_buffer_unref (tokens);
}

/* `n_before` metas of one patch that is the whole frame, and one of 4 x 3. */
static GstBuffer *
new_covered_frame (guint n_before, FencedMemory *memory)
{
  GstBuffer *frame = gst_buffer_new (), *tokens = new_tokens (4);

  gst_buffer_append_memory (frame, fenced_memory_new (memory, RGBA_SIZE));
  for (guint i = 0; i < n_before; i++) {
    GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
        GST_VIT_TOKEN_FORMAT_F32, 0, 1, 1, 16, 1, WIDTH, HEIGHT, NULL);

    meta->map[0] = WIDTH;
    meta->map[4] = HEIGHT;
  }
  gst_buffer_unref (tokens);
  tokens = new_tokens (12 * 4);
  gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32, 0, 4,
      3, 16, 1, WIDTH, HEIGHT, NULL);
  gst_buffer_unref (tokens);
  return frame;
}

static void
test_metas_cover_the_frame_so_often (void)
{
  for (guint n_before = 15; n_before <= 16; n_before++) {
    gboolean is_drawn = n_before == 15;
    OverlayStream stream;

    overlay_stream_init (&stream, QUIET "mode=grid", GST_VIDEO_FORMAT_RGBA);
    for (guint turn = 0; turn < 2; turn++) {
      guint8 border[4] = { 0 }, line[4] = { 0 };
      FencedMemory memory;
      GstBuffer *frame = new_covered_frame (n_before, &memory);

      frame = gst_harness_push_and_pull (stream.harness, frame);
      gst_buffer_extract (frame, 0, border, 4);
      gst_buffer_extract (frame, (20 * WIDTH + 16) * 4, line, 4);
      g_assert_cmpuint (border[0], ==, 0xff);
      g_assert_cmpint (line[0] == 0xff, ==, is_drawn);
      gst_buffer_unref (frame);
      g_assert_true (fenced_memory_free (&memory));
      overlay_stream_check_warning (&stream,
          is_drawn || turn > 0
              ? NULL
              : "Tokens are not drawn: those that would cover the frame more "
                "than 16 times");
    }
    overlay_stream_clear (&stream);
  }
}

/* 600 pictures of 1920 x 1080 would be 4.8 GB. */
static void
test_many_metas_take_the_memory_of_the_frame (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  static const gchar *const modes[] = { "pca", "changed", "grid" };

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);
    GstBuffer *frame = gst_buffer_new_allocate (NULL, 1920 * 1080, NULL);
    GstBuffer *tokens = new_tokens (4), *out;
    OverlayStream stream;

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_GRAY8);
    gst_harness_set_src_caps_str (stream.harness,
        "video/x-raw,format=GRAY8,width=1920,height=1080,framerate=25/1");
    gst_buffer_memset (frame, 0, 0, 1920 * 1080);
    for (guint n = 0; n < 600; n++) {
      GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
          GST_VIT_TOKEN_FORMAT_F32, 0, 1, 1, 16, 1, 1920, 1080, NULL);

      meta->map[0] = 1920;
      meta->map[4] = 1080;
    }
    memory_limit_set (64 << 20);
    out = gst_harness_push_and_pull (stream.harness, frame);
    memory_limit_lift ();
    overlay_stream_check_warning (&stream,
        "Tokens are not drawn: those that would cover the frame more than 16 "
        "times");
    g_assert_cmpint (gst_buffer_memcmp (out, 0, "", 1), !=, 0);
    gst_buffer_unref (out);
    gst_buffer_unref (tokens);
    overlay_stream_clear (&stream);
    g_free (launch);
  }
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-many/any-number-of-metas-share-their-tokens",
      test_any_number_of_metas_share_their_tokens);
  g_test_add_func ("/overlay-many/metas-cover-the-frame-so-often",
      test_metas_cover_the_frame_so_often);
  g_test_add_func ("/overlay-many/metas-take-the-memory-of-the-frame",
      test_many_metas_take_the_memory_of_the_frame);
  return g_test_run ();
}
