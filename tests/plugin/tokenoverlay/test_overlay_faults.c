/* SPDX-License-Identifier: MIT
 *
 * Frames whose memory does not hold what their caps say: vittokenoverlay refuses
 * them with an error, touches nothing beside them, and draws the frame after.
 * A stream in which no frame has tokens is told of.
 */
#include <string.h>

#include "support/overlay_stream.h"
#include "support/unreadable.h"

/* The frame is refused, as it is not of the format that its caps say, with an
 * error whose text holds `text`. */
static void
push_refused (OverlayStream *stream, GstBuffer *frame, const gchar *text)
{
  GError *error = NULL;
  GstMessage *message;

  g_assert_cmpint (
      gst_harness_push (stream->harness, frame), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in \"%s\"", text, error->message);
  g_error_free (error);
  gst_message_unref (message);
}

/* One plane of a frame in one memory. */
typedef struct {
  gsize size;
  gsize offset;
  gint stride;
  guint width;
  guint height;
  const gchar *text; /* of the error, NULL if there is none */
} Layout;

static void
check_layouts (GstVideoFormat format, const Layout *layouts, guint n_layouts)
{
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", format);
  for (guint i = 0; i < n_layouts; i++) {
    const Layout *layout = &layouts[i];
    gsize offset[GST_VIDEO_MAX_PLANES] = { layout->offset };
    gint stride[GST_VIDEO_MAX_PLANES] = { layout->stride };
    GstBuffer *frame = gst_buffer_new ();
    FencedMemory memory;

    gst_buffer_append_memory (frame, fenced_memory_new (&memory, layout->size));
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE, format,
        layout->width, layout->height, 1, offset, stride);
    overlay_add_tokens (frame);
    if (layout->text)
      push_refused (&stream, frame, layout->text);
    else
      overlay_stream_push (&stream, frame);
    g_assert_true (fenced_memory_free (&memory) == (layout->text == NULL));
    overlay_stream_check (&stream);
  }
  overlay_stream_clear (&stream);
}

#define OUT "plane 0 of RGBA 64x48 leads out of its"

static void
test_rows_lie_within_the_memory (void)
{
  static const Layout layouts[] = {
    { RGBA_SIZE, 0, 1024, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, 0, 260, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, 4, 256, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, RGBA_SIZE - 256, -256, WIDTH, HEIGHT, NULL },
    { RGBA_SIZE, RGBA_SIZE - 260, -256, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, RGBA_SIZE - 252, -256, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, 0, -256, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, 0, G_MININT, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE, 0, G_MAXINT, WIDTH, HEIGHT, OUT },
    { RGBA_SIZE - 1, 0, 256, WIDTH, HEIGHT, OUT },
    /* The last row without what is between rows. */
    { 47 * 320 + 256, 0, 320, WIDTH, HEIGHT, NULL },
    { RGBA_SIZE, RGBA_SIZE, 256, WIDTH, HEIGHT, "cannot be read as RGBA" },
    { RGBA_SIZE, G_MAXSIZE, 256, WIDTH, HEIGHT, "cannot be read as RGBA" },
  };

  check_layouts (GST_VIDEO_FORMAT_RGBA, layouts, G_N_ELEMENTS (layouts));
}

static void
test_the_meta_is_no_smaller_than_the_caps (void)
{
  static const Layout layouts[] = {
    { RGBA_SIZE, 0, 256, WIDTH - 1, HEIGHT, "video meta says RGBA 63x48" },
    { RGBA_SIZE, 0, 256, WIDTH, HEIGHT - 1, "video meta says RGBA 64x47" },
    { RGBA_SIZE, 0, 256, 0, 0, "video meta says RGBA 0x0" },
    { 2 * RGBA_SIZE, 0, 512, 128, HEIGHT, NULL },
    /* What is larger than the caps may be missing. */
    { RGBA_SIZE, 0, 256, 4096, 4096, NULL },
    { RGBA_SIZE, 0, 256, G_MAXUINT, G_MAXUINT, NULL },
  };

  check_layouts (GST_VIDEO_FORMAT_RGBA, layouts, G_N_ELEMENTS (layouts));
}

static void
test_the_meta_has_the_planes_of_the_caps (void)
{
  static const gchar *const elements[]
      = { QUIET "mode=changed", "vitpatchembed embed-dim=8" };
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { 256, 256, 256, 256 };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (elements); i++) {
    GstBuffer *frame = gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL);
    OverlayStream stream;

    overlay_stream_init (&stream, elements[i / 2], GST_VIDEO_FORMAT_RGBA);
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT, i % 2 ? 2 : 0, offset, stride);
    overlay_add_tokens (frame);
    push_refused (&stream, frame,
        i % 2 ? "says RGBA 64x48 in 2 planes" : "says RGBA 64x48 in 0 planes");
    overlay_stream_clear (&stream);
  }
}

/* Numbers that are no format of GStreamer's, or one of other planes. */
static void
test_the_meta_has_the_format_of_the_caps (void)
{
  static const gchar *const elements[]
      = { QUIET "mode=changed", "vitpatchembed embed-dim=8" };
  static const struct {
    gint format;
    const gchar *text;
  } cases[] = { { 0, "says an unknown format 64x48" },
    { 1 << 20, "says an unknown format 64x48" },
    { -1, "says an unknown format 64x48" },
    { GST_VIDEO_FORMAT_I420, "says I420 64x48" } };

  for (guint i = 0; i < G_N_ELEMENTS (elements) * G_N_ELEMENTS (cases); i++) {
    GstBuffer *frame = gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL);
    OverlayStream stream;
    GstVideoMeta *meta;

    overlay_stream_init (&stream, elements[i % 2], GST_VIDEO_FORMAT_RGBA);
    meta = gst_buffer_add_video_meta (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT);
    memcpy (&meta->format, &cases[i / 2].format, sizeof meta->format);
    overlay_add_tokens (frame);
    push_refused (&stream, frame, cases[i / 2].text);
    overlay_stream_clear (&stream);
  }
}

static void
test_pixels_lie_at_whole_words (void)
{
  static const Layout layouts[] = {
    { RGBA_SIZE + 4, 4, 256, WIDTH, HEIGHT, NULL },
    { RGBA_SIZE + 4, 1, 256, WIDTH, HEIGHT, "do not lie at multiples of 4" },
    { RGBA_SIZE + 4, 2, 256, WIDTH, HEIGHT, "do not lie at multiples of 4" },
    { 2 * RGBA_SIZE, 0, 260, WIDTH, HEIGHT, NULL },
    { 2 * RGBA_SIZE, 0, 257, WIDTH, HEIGHT, "do not lie at multiples of 4" },
    { 2 * RGBA_SIZE, RGBA_SIZE + 4096, -258, WIDTH, HEIGHT, "258 bytes apart" },
  };
  static const GstVideoFormat formats[]
      = { GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_VUYA };
  static const Layout bytes[] = { { RGBA_SIZE, 1, 193, WIDTH, HEIGHT, NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    check_layouts (formats[i], layouts, G_N_ELEMENTS (layouts));
  check_layouts (GST_VIDEO_FORMAT_RGB, bytes, G_N_ELEMENTS (bytes));
}

/* Half a pixel pair, and pixels that are no whole bytes. */
static void
test_rows_of_packed_pixels_lie_within_the_memory (void)
{
  static const Layout yuy2[] = {
    { 47 * 140 + 128, 0, 140, WIDTH, HEIGHT, NULL },
    { 47 * 140 + 127, 0, 140, WIDTH, HEIGHT, "plane 0 of YUY2" },
  };
  static const Layout v210[] = {
    { 48 * 256, 0, 256, WIDTH, HEIGHT, NULL },
    { 48 * 256, 0, 260, WIDTH, HEIGHT, "plane 0 of v210" },
  };

  check_layouts (GST_VIDEO_FORMAT_YUY2, yuy2, G_N_ELEMENTS (yuy2));
  check_layouts (GST_VIDEO_FORMAT_v210, v210, G_N_ELEMENTS (v210));
}

/* Of 9 pixels in groups of two, which GStreamer writes whole, its own layouts
 * hold not all before 1.28. */
static void
test_the_last_pair_of_pixels_is_whole (void)
{
  static const struct {
    GstVideoFormat format;
    guint width;
  } cases[] = { { GST_VIDEO_FORMAT_UYVP, 9 }, { GST_VIDEO_FORMAT_UYVP, 10 },
    { GST_VIDEO_FORMAT_NV12_10LE32, 9 }, { GST_VIDEO_FORMAT_NV12_10LE32, 11 },
    { GST_VIDEO_FORMAT_NV16_10LE32, 9 } };
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstVideoInfo whole;
    guint missing, plane;
    GstCaps *caps;

    gst_video_info_set_format (
        &stream.info, cases[i].format, cases[i].width, 4);
    gst_video_info_set_format (
        &whole, cases[i].format, GST_ROUND_UP_2 (cases[i].width), 4);
    plane = GST_VIDEO_INFO_N_PLANES (&whole) - 1;
    missing = (guint) (whole.stride[plane] - stream.info.stride[plane]);
    caps = gst_video_info_to_caps (&stream.info);
    gst_harness_set_src_caps (stream.harness, caps);
    for (guint is_whole = 0; is_whole < 2; is_whole++) {
      gboolean is_drawn = is_whole || missing == 0;
      GstBuffer *frame = gst_buffer_new ();
      FencedMemory memory;

      gst_buffer_append_memory (frame,
          fenced_memory_new (&memory, GST_VIDEO_INFO_SIZE (&stream.info)
                                          + is_whole * missing));
      overlay_add_tokens (frame);
      if (is_drawn)
        overlay_stream_push (&stream, frame);
      else
        push_refused (&stream, frame, "leads out of its");
      g_assert_true (fenced_memory_free (&memory) == is_drawn);
    }
  }
  overlay_stream_clear (&stream);
}

/* 16 x 12 tiles of luma and 16 x 6 of chroma, of 16 bytes each. */
static void
test_tiles_lie_within_the_memory (void)
{
  static const struct {
    gint across, down;
    const gchar *text;
  } cases[] = { { 16, 12, NULL }, { 17, 12, "plane 0 of NV12_4L4" },
    { 16, 13, "plane 0 of NV12_4L4" }, { 15, 12, "plane 0 of NV12_4L4" },
    { 12, 16, "plane 0 of NV12_4L4" }, { 16, -12, "plane 0 of NV12_4L4" },
    { 0xffff, 0x7fff, "plane 0 of NV12_4L4" } };
  OverlayStream stream;

  overlay_stream_init (
      &stream, QUIET "mode=changed", GST_VIDEO_FORMAT_NV12_4L4);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0, WIDTH * HEIGHT };
    gint stride[GST_VIDEO_MAX_PLANES]
        = { cases[i].down * 65536 | cases[i].across, 6 << 16 | 16 };
    GstBuffer *frame = gst_buffer_new ();
    FencedMemory memory[2];

    gst_buffer_append_memory (
        frame, fenced_memory_new (&memory[0], WIDTH * HEIGHT));
    gst_buffer_append_memory (
        frame, fenced_memory_new (&memory[1], WIDTH * HEIGHT / 2));
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_NV12_4L4, WIDTH, HEIGHT, 2, offset, stride);
    overlay_add_tokens (frame);
    if (cases[i].text)
      push_refused (&stream, frame, cases[i].text);
    else
      overlay_stream_push (&stream, frame);
    g_assert_true (fenced_memory_free (&memory[0]) == (cases[i].text == NULL));
    g_assert_true (fenced_memory_free (&memory[1]) == (cases[i].text == NULL));
  }
  overlay_stream_clear (&stream);
}

/* Where one memory ends, another may begin. */
static void
test_every_plane_lies_within_its_own_memory (void)
{
  static const gsize sizes[3] = { WIDTH * HEIGHT, 32 * 24, 32 * 24 };
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_I420);
  for (guint missing = 0; missing <= 3; missing++) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { WIDTH, 32, 32 };
    GstBuffer *frame = gst_buffer_new ();
    FencedMemory memory[3];
    gchar *text = g_strdup_printf ("plane %u of I420", missing);

    for (guint p = 0; p < 3; p++) {
      offset[p] = gst_buffer_get_size (frame);
      gst_buffer_append_memory (
          frame, fenced_memory_new (&memory[p], sizes[p] - (p == missing)));
    }
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_I420, WIDTH, HEIGHT, 3, offset, stride);
    overlay_add_tokens (frame);
    if (missing < 3)
      push_refused (&stream, frame, text);
    else
      overlay_stream_push (&stream, frame);
    for (guint p = 0; p < 3; p++)
      g_assert_true (fenced_memory_free (&memory[p]) == (missing == 3));
    g_free (text);
  }
  overlay_stream_clear (&stream);
}

static void
test_without_a_meta_the_memory_is_whole (void)
{
  static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_RGBA,
    GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12_4L4, GST_VIDEO_FORMAT_RGB8P };
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstBuffer *frame = gst_buffer_new ();
    FencedMemory memory;

    overlay_stream_set_format (&stream, formats[i]);
    gst_buffer_append_memory (frame,
        fenced_memory_new (&memory, GST_VIDEO_INFO_SIZE (&stream.info) - 1));
    overlay_add_tokens (frame);
    push_refused (&stream, frame, "cannot be read as");
    g_assert_false (fenced_memory_free (&memory));
    overlay_stream_check (&stream);
  }
  overlay_stream_clear (&stream);
}

static void
test_a_frame_that_cannot_be_mapped_is_an_error (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint with_meta = 0; with_meta < 2; with_meta++) {
    GstBuffer *frame = gst_buffer_new ();

    gst_buffer_append_memory (frame, unreadable_memory (RGBA_SIZE));
    if (with_meta)
      gst_buffer_add_video_meta (frame, GST_VIDEO_FRAME_FLAG_NONE,
          GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT);
    overlay_add_tokens (frame);
    push_refused (&stream, frame, "cannot be read as RGBA 64x48");
    overlay_stream_check (&stream);
  }
  overlay_stream_clear (&stream);
}

/* It would be drawn where nobody looks. */
static void
test_a_frame_to_be_cropped_is_an_error (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint x = 0; x < 2; x++) {
    GstBuffer *frame = gst_buffer_new ();
    GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (frame);
    FencedMemory memory;

    crop->x = x;
    crop->width = WIDTH;
    crop->height = HEIGHT;
    gst_buffer_append_memory (frame, fenced_memory_new (&memory, RGBA_SIZE));
    overlay_add_tokens (frame);
    if (x > 0)
      push_refused (&stream, frame, "crop meta says 64x48 at (1,0)");
    else
      overlay_stream_push (&stream, frame);
    g_assert_true (fenced_memory_free (&memory) == (x == 0));
  }
  overlay_stream_clear (&stream);
}

/* Neither what cannot be mapped nor what is too short is looked at. */
static void
test_what_is_attached_needs_no_pixels (void)
{
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = gst_buffer_new (), *out;
    OverlayStream stream;

    stream.harness = gst_harness_new_parse (QUIET "mode=changed");
    gst_harness_add_propose_allocation_meta (
        stream.harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
    overlay_stream_set_format (&stream, GST_VIDEO_FORMAT_RGBA);
    gst_buffer_append_memory (frame, i == 0
                                         ? unreadable_memory (RGBA_SIZE)
                                         : gst_allocator_alloc (NULL, 1, NULL));
    overlay_add_tokens (frame);
    out = gst_harness_push_and_pull (stream.harness, frame);
    g_assert_nonnull (gst_buffer_get_video_overlay_composition_meta (out));
    gst_buffer_unref (out);
    gst_harness_teardown (stream.harness);
  }
}

/* One warning, at the end of the stream or after 250 frames; a stream that had
 * some, as with an interval, has none. */
static void
test_a_stream_without_tokens_is_told_of (void)
{
  static const struct {
    gboolean has_tokens; /* of its first frame */
    guint n_without;
    guint n_told; /* 0: no warning */
  } streams[] = { { FALSE, 3, 3 }, { FALSE, 300, 250 },
    { TRUE, 300, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    gchar *text = g_strdup_printf (
        "None of %u frames carried tokens, so nothing is drawn. Is there a "
        "vitpatchembed before this element, and does nothing between the two "
        "crop, flip or add borders to the frames, which drops the tokens?",
        streams[i].n_told);
    OverlayStream stream;

    overlay_stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
    if (streams[i].has_tokens)
      overlay_stream_check (&stream);
    for (guint n = 0; n < streams[i].n_without; n++)
      gst_buffer_unref (gst_harness_push_and_pull (
          stream.harness, gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL)));
    gst_harness_push_event (stream.harness, gst_event_new_eos ());
    if (streams[i].n_told > 0)
      overlay_stream_check_warning (&stream, text);
    overlay_stream_check_warning (&stream, NULL);
    overlay_stream_clear (&stream);
    g_free (text);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-faults/rows-lie-within-the-memory",
      test_rows_lie_within_the_memory);
  g_test_add_func ("/overlay-faults/the-meta-is-no-smaller-than-the-caps",
      test_the_meta_is_no_smaller_than_the_caps);
  g_test_add_func ("/overlay-faults/the-meta-has-the-planes-of-the-caps",
      test_the_meta_has_the_planes_of_the_caps);
  g_test_add_func ("/overlay-faults/the-meta-has-the-format-of-the-caps",
      test_the_meta_has_the_format_of_the_caps);
  g_test_add_func ("/overlay-faults/pixels-lie-at-whole-words",
      test_pixels_lie_at_whole_words);
  g_test_add_func (
      "/overlay-faults/rows-of-packed-pixels-lie-within-the-memory",
      test_rows_of_packed_pixels_lie_within_the_memory);
  g_test_add_func ("/overlay-faults/the-last-pair-of-pixels-is-whole",
      test_the_last_pair_of_pixels_is_whole);
  g_test_add_func ("/overlay-faults/tiles-lie-within-the-memory",
      test_tiles_lie_within_the_memory);
  g_test_add_func ("/overlay-faults/every-plane-lies-within-its-own-memory",
      test_every_plane_lies_within_its_own_memory);
  g_test_add_func ("/overlay-faults/without-a-meta-the-memory-is-whole",
      test_without_a_meta_the_memory_is_whole);
  g_test_add_func ("/overlay-faults/a-frame-that-cannot-be-mapped-is-an-error",
      test_a_frame_that_cannot_be_mapped_is_an_error);
  g_test_add_func ("/overlay-faults/a-frame-to-be-cropped-is-an-error",
      test_a_frame_to_be_cropped_is_an_error);
  g_test_add_func ("/overlay-faults/what-is-attached-needs-no-pixels",
      test_what_is_attached_needs_no_pixels);
  g_test_add_func ("/overlay-faults/a-stream-without-tokens-is-told-of",
      test_a_stream_without_tokens_is_told_of);
  return g_test_run ();
}
