/* SPDX-License-Identifier: MIT
 *
 * Tokens that vittokenoverlay cannot draw: they cannot be read, there are too
 * many of them, or there is not the memory.  The frame passes as it is, with one
 * warning that says why, and the stream goes on.
 */
#include <sys/mman.h>

#include "support/memory_limit.h"
#include "support/overlay_stream.h"
#include "support/sanitizer.h"
#include "support/unreadable.h"

/* The frame passes as it is; the first of a stream brings a warning. */
static void
push_undrawn (OverlayStream *stream, GstBuffer *tokens /* (transfer full) */,
    GstBuffer *positions /* (transfer full) (nullable) */, const gchar *text)
{
  GstBuffer *frame = gst_buffer_new ();
  GstVitTokensMeta *meta;
  FencedMemory memory;

  gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
  overlay_add_tokens (frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  gst_clear_buffer (&meta->tokens);
  meta->tokens = tokens;
  meta->positions = positions;
  gst_buffer_unref (gst_harness_push_and_pull (stream->harness, frame));
  g_assert_false (fenced_memory_free (&memory));
  overlay_stream_check_warning (stream, text);
}

static GstBuffer *
new_unreadable (gsize size)
{
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, unreadable_memory (size));
  return buffer;
}

static GstBuffer *
new_zeros (gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 0, size);
  return buffer;
}

#define TOKENS_SIZE (12 * 2 * 4)

static void
test_tokens_that_cannot_be_read_are_not_drawn (void)
{
  static const gchar *const modes[] = { "pca", "similarity", "norm" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);
    OverlayStream stream;

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    push_undrawn (&stream, new_unreadable (TOKENS_SIZE), NULL,
        "Tokens are not drawn: they cannot be read");
    push_undrawn (&stream, new_zeros (TOKENS_SIZE - 1), NULL, NULL);
    overlay_stream_check (&stream);
    overlay_stream_set_format (&stream, GST_VIDEO_FORMAT_BGRA);
    push_undrawn (&stream, new_zeros (TOKENS_SIZE),
        new_unreadable (TOKENS_SIZE),
        "Tokens are not drawn: their positions cannot be read");
    push_undrawn (
        &stream, new_zeros (TOKENS_SIZE), new_zeros (TOKENS_SIZE - 1), NULL);
    overlay_stream_check (&stream);
    overlay_stream_clear (&stream);
    g_free (launch);
  }
}

/* The bytes of one page, as often as they are asked for. */
static GstBuffer *
new_endless (gsize size)
{
  gpointer bytes = mmap (NULL, size, PROT_READ,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  g_assert_true (bytes != MAP_FAILED);
  return gst_buffer_new_wrapped_full (
      GST_MEMORY_FLAG_READONLY, bytes, size, 0, size, NULL, NULL);
}

/* Metas of the same f16 tokens, of which the frame shows the first.  Whether they are drawn; if not, there is a
 * warning of `text`. */
static gboolean
push_large (OverlayStream *stream, guint grid_width, guint grid_height,
    guint embed_dim, guint n_metas, const gchar *text)
{
  gsize size = (gsize) grid_width * grid_height * embed_dim * 2;
  GstBuffer *tokens = new_endless (size), *frame = gst_buffer_new ();
  gboolean is_drawn;
  GstMapInfo map;
  FencedMemory memory;

  gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
  for (guint i = 0; i < n_metas; i++) {
    GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
        GST_VIT_TOKEN_FORMAT_F16, 0, grid_width, grid_height, 16, embed_dim,
        WIDTH, HEIGHT, NULL);

    meta->map[0] = (gdouble) WIDTH / grid_width;
    meta->map[2] = (gdouble) i * WIDTH;
    meta->map[4] = (gdouble) HEIGHT / grid_height;
  }
  gst_buffer_unref (gst_harness_push_and_pull (stream->harness, frame));
  is_drawn = fenced_memory_free (&memory);
  overlay_stream_check_warning (stream, is_drawn ? NULL : text);
  g_assert_true (gst_buffer_map (tokens, &map, GST_MAP_READ));
  munmap (map.data, size);
  gst_buffer_unmap (tokens, &map);
  gst_buffer_unref (tokens);
  return is_drawn;
}

static void
test_no_longer_tokens_than_a_model_has_are_drawn (void)
{
  static const gchar *const modes[] = { "pca", "similarity", "norm" };
  OverlayStream stream;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    g_assert_true (push_large (&stream, 2, 1, 65536, 1, NULL));
    g_assert_false (push_large (
        &stream, 2, 1, 65537, 1, "Tokens are not drawn: they are too long"));
    overlay_stream_check (&stream);
    overlay_stream_clear (&stream);
    g_free (launch);
  }
  /* Who does not read them does not mind. */
  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  g_assert_true (push_large (&stream, 2, 1, 1 << 20, 1, NULL));
  overlay_stream_clear (&stream);
}

static void
test_no_more_patches_are_drawn_than_can_be_counted (void)
{
  static const gchar *const modes[] = { "pca", "norm", "changed", "grid" };
  static const guint sizes[][3] = { { 4097, 4096, 1 }, { 4096, 4096, 2 },
    { 65536, 32768, 1 }, { 65536, 65535, 1 }, { 65536, 32768, 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);

    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      OverlayStream stream;

      overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
      g_assert_false (push_large (&stream, sizes[s][0], sizes[s][1], 1,
          sizes[s][2], "Tokens are not drawn: there are too many"));
      overlay_stream_check (&stream);
      overlay_stream_clear (&stream);
    }
    g_free (launch);
  }
}

/* Several metas may be of the same memory, so that there is no more of it the
 * more is to be read. */
static void
test_no_more_values_are_read_than_can_be_waited_for (void)
{
  static const gchar *const modes[] = { "pca", "similarity", "norm" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "keep-positions=true mode=", modes[i], NULL);
    OverlayStream stream;

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    g_assert_false (push_large (&stream, 1, 1, 65536, 16385,
        "Tokens are not drawn: there are too many"));
    overlay_stream_check (&stream);
    overlay_stream_clear (&stream);
    g_free (launch);
  }
}

/* One patch of 65536 values gives as many estimates of its row and as many of its
 * column; 2^26 of them are the most. */
static void
test_no_more_is_estimated_than_has_room (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=norm", GST_VIDEO_FORMAT_RGBA);
  g_assert_true (push_large (&stream, 1, 1, 65536, 512, NULL));
  g_assert_false (push_large (&stream, 1, 1, 65536, 513,
      "Tokens are not drawn: there are too many"));
  overlay_stream_check (&stream);
  overlay_stream_clear (&stream);
}

static void
test_as_many_patches_are_drawn_as_can_be (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  g_assert_true (push_large (&stream, 4096, 4096, 1, 1, NULL));
  g_assert_true (push_large (&stream, 1 << 24, 1, 1, 1, NULL));
  g_assert_true (push_large (&stream, 1, 1 << 24, 1, 1, NULL));
  overlay_stream_clear (&stream);
}

/* 4 M patches: 8 MB of tokens, 16 MB of colours, and 16, 48 or 144 MB of values
 * that they are made of. */
static void
test_without_memory_to_draw_the_frame_passes (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  static const gchar *const modes[]
      = { "pca", "similarity", "norm", "changed" };
  static const gsize room[] = { 12, 34, 90, 200 };

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);
    guint n_drawn = 0;

    for (guint r = 0; r < G_N_ELEMENTS (room); r++) {
      OverlayStream stream;

      overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
      overlay_stream_check (&stream);
      memory_limit_set (room[r] << 20);
      n_drawn += push_large (&stream, 2048, 2048, 1, 1,
          "Tokens are not drawn: there is not the memory for it");
      memory_limit_lift ();
      overlay_stream_check (&stream);
      overlay_stream_clear (&stream);
    }
    g_assert_cmpuint (n_drawn, >, 0);
    g_assert_cmpuint (n_drawn, <, G_N_ELEMENTS (room));
    g_free (launch);
  }
#endif
}

/* Its rows would reach over 2^31 bytes, which GStreamer's blending counts in a
 * gint; whether or not the frame itself can be drawn on. */
static void
test_a_picture_is_no_larger_than_gstreamer_counts (void)
{
  GstBuffer *frame = gst_buffer_new ();
  GstVitTokensMeta *meta;
  FencedMemory memory;
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_GRAY8);
  gst_harness_set_src_caps_str (stream.harness,
      "video/x-raw,format=GRAY8,width=32768,height=16384,framerate=25/1");
  gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
  overlay_add_tokens (frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  meta->map[0] = meta->map[4] = 8192;
  gst_buffer_unref (gst_harness_push_and_pull (stream.harness, frame));
  g_assert_false (fenced_memory_free (&memory));
  overlay_stream_check_warning (&stream,
      "Tokens are not drawn: the picture would be larger than GStreamer can "
      "count");
  overlay_stream_clear (&stream);
}

/* Of 16384 x 16384 pixels, 1 GB, though its buffer is small. */
static void
test_without_memory_for_the_picture_the_frame_passes (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  GstBuffer *frame = gst_buffer_new ();
  GstVitTokensMeta *meta;
  FencedMemory memory;
  OverlayStream stream;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    gst_buffer_unref (frame);
    return;
  }
  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_GRAY8);
  gst_harness_set_src_caps_str (stream.harness,
      "video/x-raw,format=GRAY8,width=16384,height=16384,framerate=25/1");
  gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
  overlay_add_tokens (frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  meta->map[0] = meta->map[4] = 4096;
  memory_limit_set (200 << 20);
  gst_buffer_unref (gst_harness_push_and_pull (stream.harness, frame));
  memory_limit_lift ();
  g_assert_false (fenced_memory_free (&memory));
  overlay_stream_check_warning (
      &stream, "Tokens are not drawn: there is not the memory for it");
  overlay_stream_clear (&stream);
#endif
}

/* `line`: how high the legend is. */
static void
check_legend (guint width, guint height, guint line)
{
  GstHarness *harness = gst_harness_new_parse ("vittokenoverlay mode=norm");
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=GRAY8,width=%u,height=%u,framerate=25/1", width,
      height);
  GstBuffer *frame = gst_buffer_new ();
  GstVideoOverlayComposition *drawn;
  guint n;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, caps);
  overlay_add_tokens (frame);
  frame = gst_harness_push_and_pull (harness, frame);
  drawn = gst_buffer_get_video_overlay_composition_meta (frame)->overlay;
  n = gst_video_overlay_composition_n_rectangles (drawn);
  /* Behind the picture. */
  g_assert_cmpuint (n, >=, 2);
  for (guint i = 1; i < n; i++) {
    gint y;
    guint w, h;

    gst_video_overlay_rectangle_get_render_rectangle (
        gst_video_overlay_composition_get_rectangle (drawn, i), NULL, &y, &w,
        &h);
    g_assert_cmpuint (h, ==, line);
    g_assert_cmpuint (w, <=, width);
    g_assert_cmpint (y, ==, (gint) (height - line - line / 2));
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  g_free (caps);
}

/* By its height alone, a frame of 2^20 lines would have text of 32768: a legend of
 * 24 GB. */
static void
test_the_legend_of_a_large_frame_is_small (void)
{
  check_legend (16, 1 << 20, 12);
  check_legend (16384, 16384, 256);
}

static void
test_grids_without_patches_are_not_drawn (void)
{
  static const gchar *const modes[]
      = { "pca", "similarity", "norm", "changed", "grid" };
  static const guint sizes[][3]
      = { { 0, 3, 2 }, { 4, 0, 2 }, { 4, 3, 0 }, { 0, 0, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);
    OverlayStream stream;

    overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      GstBuffer *frame = gst_buffer_new ();
      GstVitTokensMeta *meta;
      FencedMemory memory;

      gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
      overlay_add_tokens (frame);
      meta = gst_buffer_get_vit_tokens_meta (frame);
      meta->grid_width = sizes[s][0];
      meta->grid_height = sizes[s][1];
      meta->embed_dim = sizes[s][2];
      overlay_stream_push (&stream, frame);
      g_assert_false (fenced_memory_free (&memory));
    }
    overlay_stream_check (&stream);
    overlay_stream_clear (&stream);
    g_free (launch);
  }
}

/* It is what was to be written. */
static void
test_tokens_that_cannot_be_read_are_an_error_of_vittokenenc (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, "vittokenenc", GST_VIDEO_FORMAT_RGBA);
  gst_harness_set_sink_caps_str (stream.harness, "application/x-npy");
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL);
    GstVitTokensMeta *meta;
    GstMessage *message;

    overlay_add_tokens (frame);
    meta = gst_buffer_get_vit_tokens_meta (frame);
    gst_clear_buffer (&meta->tokens);
    meta->tokens
        = i == 0 ? new_unreadable (TOKENS_SIZE) : new_zeros (TOKENS_SIZE);
    g_assert_cmpint (gst_harness_push (stream.harness, frame), ==,
        i == 0 ? GST_FLOW_ERROR : GST_FLOW_OK);
    message = gst_bus_pop_filtered (stream.bus, GST_MESSAGE_ERROR);
    g_assert_true ((message != NULL) == (i == 0));
    g_clear_pointer (&message, gst_message_unref);
  }
  overlay_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-limits/tokens-that-cannot-be-read-are-not-drawn",
      test_tokens_that_cannot_be_read_are_not_drawn);
  g_test_add_func (
      "/overlay-limits/no-longer-tokens-than-a-model-has-are-drawn",
      test_no_longer_tokens_than_a_model_has_are_drawn);
  g_test_add_func (
      "/overlay-limits/no-more-patches-are-drawn-than-can-be-counted",
      test_no_more_patches_are_drawn_than_can_be_counted);
  g_test_add_func ("/overlay-limits/without-memory-to-draw-the-frame-passes",
      test_without_memory_to_draw_the_frame_passes);
  g_test_add_func (
      "/overlay-limits/a-picture-is-no-larger-than-gstreamer-counts",
      test_a_picture_is_no_larger_than_gstreamer_counts);
  g_test_add_func (
      "/overlay-limits/without-memory-for-the-picture-the-frame-passes",
      test_without_memory_for_the_picture_the_frame_passes);
  g_test_add_func ("/overlay-limits/the-legend-of-a-large-frame-is-small",
      test_the_legend_of_a_large_frame_is_small);
  g_test_add_func ("/overlay-limits/grids-without-patches-are-not-drawn",
      test_grids_without_patches_are_not_drawn);
  g_test_add_func (
      "/overlay-limits/no-more-values-are-read-than-can-be-waited-for",
      test_no_more_values_are_read_than_can_be_waited_for);
  g_test_add_func ("/overlay-limits/no-more-is-estimated-than-has-room",
      test_no_more_is_estimated_than_has_room);
  g_test_add_func ("/overlay-limits/as-many-patches-are-drawn-as-can-be",
      test_as_many_patches_are_drawn_as_can_be);
  g_test_add_func (
      "/overlay-limits/tokens-that-cannot-be-read-are-an-error-of-vittokenenc",
      test_tokens_that_cannot_be_read_are_an_error_of_vittokenenc);
  return g_test_run ();
}
