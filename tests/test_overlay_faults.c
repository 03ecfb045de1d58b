/* SPDX-License-Identifier: MIT
 *
 * vittokenoverlay among neighbours that misbehave.  A frame whose memory does
 * not hold what its caps say is an error and nothing beside it is touched;
 * tokens that cannot be drawn leave the frame as it is.
 *
 * By hand, a frame is 64 x 48 pixels with 4 x 3 patches of 16 x 16, all of them
 * changed, which colours every pixel.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gstvittokensmeta.h"
#include "unreadable.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER 1
#endif
#endif

#define WIDTH 64
#define HEIGHT 48
#define MARGIN 65536
#define UNTOUCHED 0x5a
#define QUIET "vittokenoverlay legend=false opacity=1 "

typedef struct {
  GstHarness *harness;
  GstBus *bus;
  GstVideoInfo info;
} Stream;

static void
stream_set_format (Stream *stream, GstVideoFormat format)
{
  GstCaps *caps;

  gst_video_info_set_format (&stream->info, format, WIDTH, HEIGHT);
  caps = gst_video_info_to_caps (&stream->info);
  gst_harness_set_src_caps (stream->harness, caps);
}

static void
stream_init (Stream *stream, const gchar *launch, GstVideoFormat format)
{
  stream->harness = gst_harness_new_parse (launch);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->harness->element, stream->bus);
  stream_set_format (stream, format);
}

static void
stream_clear (Stream *stream)
{
  gst_element_set_bus (stream->harness->element, NULL);
  gst_object_unref (stream->bus);
  gst_harness_teardown (stream->harness);
}

static void
add_tokens (GstBuffer *frame)
{
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 12 * 2 * 4, NULL);

  gst_buffer_memset (tokens, 0, 0, 12 * 2 * 4);
  gst_buffer_add_vit_tokens_meta (frame, tokens, GST_VIT_TOKEN_FORMAT_F32, 0,
      4, 3, 16, 2, WIDTH, HEIGHT, NULL);
  gst_buffer_unref (tokens);
}

/* Memory with a margin on both sides, of which nobody knows. */
typedef struct {
  guint8 *bytes;
  gsize size;
} Memory;

static GstMemory *
new_memory (Memory *memory, gsize size)
{
  memory->size = size;
  memory->bytes = g_malloc (size + 2 * MARGIN);
  memset (memory->bytes, UNTOUCHED, size + 2 * MARGIN);
  return gst_memory_new_wrapped ((GstMemoryFlags) 0, memory->bytes + MARGIN,
      size, 0, size, NULL, NULL);
}

static gboolean
is_untouched (const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (bytes[i] != UNTOUCHED)
      return FALSE;
  }
  return TRUE;
}

/* Whether it was drawn on. */
static gboolean
check_and_free (Memory *memory)
{
  gboolean is_drawn = !is_untouched (memory->bytes + MARGIN, memory->size);

  g_assert_true (is_untouched (memory->bytes, MARGIN));
  g_assert_true (
      is_untouched (memory->bytes + MARGIN + memory->size, MARGIN));
  g_free (memory->bytes);
  return is_drawn;
}

/* The frame is refused with an error of the stream whose text holds `text`. */
static void
push_refused (Stream *stream, GstBuffer *frame, const gchar *text)
{
  GError *error = NULL;
  GstMessage *message;

  g_assert_cmpint (
      gst_harness_push (stream->harness, frame), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" is not in \"%s\"", text, error->message);
  g_error_free (error);
  gst_message_unref (message);
}

static void
push_taken (Stream *stream, GstBuffer *frame)
{
  GstBuffer *out = gst_harness_push_and_pull (stream->harness, frame);

  g_assert_nonnull (out);
  gst_buffer_unref (out);
  g_assert_null (gst_bus_pop_filtered (stream->bus, GST_MESSAGE_ERROR));
}

/* `text` (nullable): of the only message. */
static void
check_warning (Stream *stream, const gchar *text)
{
  GstMessage *message
      = gst_bus_pop_filtered (
          stream->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  GError *error = NULL;

  g_assert_true ((message != NULL) == (text != NULL));
  if (!message)
    return;
  gst_message_parse_warning (message, &error, NULL);
  g_assert_cmpstr (error->message, ==, text);
  g_error_free (error);
  gst_message_unref (message);
}

/* The next frame is drawn on. */
static void
check_goes_on (Stream *stream)
{
  GstBuffer *frame = gst_buffer_new ();
  Memory memory;

  gst_buffer_append_memory (
      frame, new_memory (&memory, GST_VIDEO_INFO_SIZE (&stream->info)));
  add_tokens (frame);
  push_taken (stream, frame);
  g_assert_true (check_and_free (&memory));
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
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", format);
  for (guint i = 0; i < n_layouts; i++) {
    const Layout *layout = &layouts[i];
    gsize offset[GST_VIDEO_MAX_PLANES] = { layout->offset };
    gint stride[GST_VIDEO_MAX_PLANES] = { layout->stride };
    GstBuffer *frame = gst_buffer_new ();
    Memory memory;

    gst_buffer_append_memory (frame, new_memory (&memory, layout->size));
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE, format,
        layout->width, layout->height, 1, offset, stride);
    add_tokens (frame);
    if (layout->text)
      push_refused (&stream, frame, layout->text);
    else
      push_taken (&stream, frame);
    g_assert_true (check_and_free (&memory) == (layout->text == NULL));
    check_goes_on (&stream);
  }
  stream_clear (&stream);
}

#define RGBA_SIZE (WIDTH * HEIGHT * 4)
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
    Stream stream;

    stream_init (&stream, elements[i / 2], GST_VIDEO_FORMAT_RGBA);
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT, i % 2 ? 2 : 0, offset, stride);
    add_tokens (frame);
    push_refused (&stream, frame,
        i % 2 ? "says RGBA 64x48 in 2 planes" : "says RGBA 64x48 in 0 planes");
    stream_clear (&stream);
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
 * hold not all. */
static void
test_the_last_pair_of_pixels_is_whole (void)
{
  static const struct {
    GstVideoFormat format;
    gint width;
    gsize missing;
  } cases[] = { { GST_VIDEO_FORMAT_UYVP, 9, 4 },
    { GST_VIDEO_FORMAT_UYVP, 10, 0 }, { GST_VIDEO_FORMAT_NV12_10LE32, 9, 4 },
    { GST_VIDEO_FORMAT_NV12_10LE32, 11, 0 },
    { GST_VIDEO_FORMAT_NV16_10LE32, 9, 4 } };
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps;

    gst_video_info_set_format (
        &stream.info, cases[i].format, (guint) cases[i].width, 4);
    caps = gst_video_info_to_caps (&stream.info);
    gst_harness_set_src_caps (stream.harness, caps);
    for (guint is_whole = 0; is_whole < 2; is_whole++) {
      gboolean is_drawn = is_whole || cases[i].missing == 0;
      GstBuffer *frame = gst_buffer_new ();
      Memory memory;

      gst_buffer_append_memory (frame,
          new_memory (&memory, GST_VIDEO_INFO_SIZE (&stream.info)
                                   + is_whole * cases[i].missing));
      add_tokens (frame);
      if (is_drawn)
        push_taken (&stream, frame);
      else
        push_refused (&stream, frame, "leads out of its");
      g_assert_true (check_and_free (&memory) == is_drawn);
    }
  }
  stream_clear (&stream);
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
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_NV12_4L4);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0, WIDTH * HEIGHT };
    gint stride[GST_VIDEO_MAX_PLANES]
        = { cases[i].down * 65536 | cases[i].across, 6 << 16 | 16 };
    GstBuffer *frame = gst_buffer_new ();
    Memory memory[2];

    gst_buffer_append_memory (frame, new_memory (&memory[0], WIDTH * HEIGHT));
    gst_buffer_append_memory (
        frame, new_memory (&memory[1], WIDTH * HEIGHT / 2));
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_NV12_4L4, WIDTH, HEIGHT, 2, offset, stride);
    add_tokens (frame);
    if (cases[i].text)
      push_refused (&stream, frame, cases[i].text);
    else
      push_taken (&stream, frame);
    g_assert_true (check_and_free (&memory[0]) == (cases[i].text == NULL));
    g_assert_true (check_and_free (&memory[1]) == (cases[i].text == NULL));
  }
  stream_clear (&stream);
}

/* Where one memory ends, another may begin. */
static void
test_every_plane_lies_within_its_own_memory (void)
{
  static const gsize sizes[3] = { WIDTH * HEIGHT, 32 * 24, 32 * 24 };
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_I420);
  for (guint missing = 0; missing <= 3; missing++) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { WIDTH, 32, 32 };
    GstBuffer *frame = gst_buffer_new ();
    Memory memory[3];
    gchar *text = g_strdup_printf ("plane %u of I420", missing);

    for (guint p = 0; p < 3; p++) {
      offset[p] = gst_buffer_get_size (frame);
      gst_buffer_append_memory (
          frame, new_memory (&memory[p], sizes[p] - (p == missing)));
    }
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_I420, WIDTH, HEIGHT, 3, offset, stride);
    add_tokens (frame);
    if (missing < 3)
      push_refused (&stream, frame, text);
    else
      push_taken (&stream, frame);
    for (guint p = 0; p < 3; p++)
      g_assert_true (check_and_free (&memory[p]) == (missing == 3));
    g_free (text);
  }
  stream_clear (&stream);
}

static void
test_without_a_meta_the_memory_is_whole (void)
{
  static const GstVideoFormat formats[]
      = { GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_I420,
          GST_VIDEO_FORMAT_NV12_4L4, GST_VIDEO_FORMAT_RGB8P };
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstBuffer *frame = gst_buffer_new ();
    Memory memory;

    stream_set_format (&stream, formats[i]);
    gst_buffer_append_memory (
        frame, new_memory (&memory, GST_VIDEO_INFO_SIZE (&stream.info) - 1));
    add_tokens (frame);
    push_refused (&stream, frame, "cannot be read as");
    g_assert_false (check_and_free (&memory));
    check_goes_on (&stream);
  }
  stream_clear (&stream);
}

static void
test_a_frame_that_cannot_be_mapped_is_an_error (void)
{
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint with_meta = 0; with_meta < 2; with_meta++) {
    GstBuffer *frame = gst_buffer_new ();

    gst_buffer_append_memory (frame, unreadable_memory (RGBA_SIZE));
    if (with_meta)
      gst_buffer_add_video_meta (frame, GST_VIDEO_FRAME_FLAG_NONE,
          GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT);
    add_tokens (frame);
    push_refused (&stream, frame, "cannot be read as RGBA 64x48");
    check_goes_on (&stream);
  }
  stream_clear (&stream);
}

/* It would be drawn where nobody looks. */
static void
test_a_frame_to_be_cropped_is_an_error (void)
{
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  for (guint x = 0; x < 2; x++) {
    GstBuffer *frame = gst_buffer_new ();
    GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (frame);
    Memory memory;

    crop->x = x;
    crop->width = WIDTH;
    crop->height = HEIGHT;
    gst_buffer_append_memory (frame, new_memory (&memory, RGBA_SIZE));
    add_tokens (frame);
    if (x > 0)
      push_refused (&stream, frame, "crop meta says 64x48 at (1,0)");
    else
      push_taken (&stream, frame);
    g_assert_true (check_and_free (&memory) == (x == 0));
  }
  stream_clear (&stream);
}

/* Neither what cannot be mapped nor what is too short is looked at. */
static void
test_what_is_attached_needs_no_pixels (void)
{
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = gst_buffer_new (), *out;
    Stream stream;

    stream.harness = gst_harness_new_parse (QUIET "mode=changed");
    gst_harness_add_propose_allocation_meta (stream.harness,
        GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
    stream_set_format (&stream, GST_VIDEO_FORMAT_RGBA);
    gst_buffer_append_memory (frame, i == 0 ? unreadable_memory (RGBA_SIZE)
                                            : gst_allocator_alloc (NULL, 1, NULL));
    add_tokens (frame);
    out = gst_harness_push_and_pull (stream.harness, frame);
    g_assert_nonnull (gst_buffer_get_video_overlay_composition_meta (out));
    gst_buffer_unref (out);
    gst_harness_teardown (stream.harness);
  }
}

/* The frame passes as it is; the first of a stream brings a warning. */
static void
push_undrawn (Stream *stream, GstBuffer *tokens /* (transfer full) */,
    GstBuffer *positions /* (transfer full) (nullable) */, const gchar *text)
{
  GstBuffer *frame = gst_buffer_new ();
  GstVitTokensMeta *meta;
  Memory memory;

  gst_buffer_append_memory (frame, new_memory (&memory, RGBA_SIZE));
  add_tokens (frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  gst_clear_buffer (&meta->tokens);
  meta->tokens = tokens;
  meta->positions = positions;
  gst_buffer_unref (gst_harness_push_and_pull (stream->harness, frame));
  g_assert_false (check_and_free (&memory));
  check_warning (stream, text);
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
    Stream stream;

    stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    push_undrawn (&stream, new_unreadable (TOKENS_SIZE), NULL,
        "Tokens are not drawn: they cannot be read");
    push_undrawn (&stream, new_zeros (TOKENS_SIZE - 1), NULL, NULL);
    check_goes_on (&stream);
    stream_set_format (&stream, GST_VIDEO_FORMAT_BGRA);
    push_undrawn (&stream, new_zeros (TOKENS_SIZE), new_unreadable (TOKENS_SIZE),
        "Tokens are not drawn: their positions cannot be read");
    push_undrawn (&stream, new_zeros (TOKENS_SIZE),
        new_zeros (TOKENS_SIZE - 1), NULL);
    check_goes_on (&stream);
    stream_clear (&stream);
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

/* Metas of the same f16 tokens.  Whether they are drawn; if not, there is a
 * warning of `text`. */
static gboolean
push_large (Stream *stream, guint grid_width, guint grid_height,
    guint embed_dim, guint n_metas, const gchar *text)
{
  gsize size = (gsize) grid_width * grid_height * embed_dim * 2;
  GstBuffer *tokens = new_endless (size), *frame = gst_buffer_new ();
  gboolean is_drawn;
  GstMapInfo map;
  Memory memory;

  gst_buffer_append_memory (frame, new_memory (&memory, RGBA_SIZE));
  for (guint i = 0; i < n_metas; i++) {
    GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
        GST_VIT_TOKEN_FORMAT_F16, 0, grid_width, grid_height, 16, embed_dim,
        WIDTH, HEIGHT, NULL);

    meta->map[0] = (gdouble) WIDTH / grid_width;
    meta->map[4] = (gdouble) HEIGHT / grid_height;
  }
  gst_buffer_unref (gst_harness_push_and_pull (stream->harness, frame));
  is_drawn = check_and_free (&memory);
  check_warning (stream, is_drawn ? NULL : text);
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
  Stream stream;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    gchar *launch = g_strconcat (QUIET "mode=", modes[i], NULL);

    stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    g_assert_true (push_large (&stream, 2, 1, 65536, 1, NULL));
    g_assert_false (push_large (
        &stream, 2, 1, 65537, 1, "Tokens are not drawn: they are too long"));
    check_goes_on (&stream);
    stream_clear (&stream);
    g_free (launch);
  }
  /* Who does not read them does not mind. */
  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  g_assert_true (push_large (&stream, 2, 1, 1 << 20, 1, NULL));
  stream_clear (&stream);
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
      Stream stream;

      stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
      g_assert_false (push_large (&stream, sizes[s][0], sizes[s][1], 1,
          sizes[s][2], "Tokens are not drawn: there are too many"));
      check_goes_on (&stream);
      stream_clear (&stream);
    }
    g_free (launch);
  }
}

static void
test_as_many_patches_are_drawn_as_can_be (void)
{
  Stream stream;

  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_RGBA);
  g_assert_true (push_large (&stream, 4096, 4096, 1, 1, NULL));
  g_assert_true (push_large (&stream, 1 << 24, 1, 1, 1, NULL));
  g_assert_true (push_large (&stream, 1, 1 << 24, 1, 1, NULL));
  stream_clear (&stream);
}

#ifndef SANITIZER
/* Lets the process have at most so many bytes more than it has now. */
static void
limit_memory (gsize n_bytes)
{
  FILE *file = fopen ("/proc/self/statm", "r");
  struct rlimit limit;
  gulong n_pages = 0;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%lu", &n_pages), ==, 1);
  fclose (file);
  g_assert_cmpint (getrlimit (RLIMIT_AS, &limit), ==, 0);
  limit.rlim_cur = n_bytes == 0
      ? limit.rlim_max
      : n_pages * (gsize) sysconf (_SC_PAGESIZE) + n_bytes;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
}
#endif

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
      Stream stream;

      stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
      check_goes_on (&stream);
      limit_memory (room[r] << 20);
      n_drawn += push_large (&stream, 2048, 2048, 1, 1,
          "Tokens are not drawn: there is not the memory for it");
      limit_memory (0);
      check_goes_on (&stream);
      stream_clear (&stream);
    }
    g_assert_cmpuint (n_drawn, >, 0);
    g_assert_cmpuint (n_drawn, <, G_N_ELEMENTS (room));
    g_free (launch);
  }
#endif
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
  Memory memory;
  Stream stream;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    gst_buffer_unref (frame);
    return;
  }
  stream_init (&stream, QUIET "mode=changed", GST_VIDEO_FORMAT_GRAY8);
  gst_harness_set_src_caps_str (stream.harness,
      "video/x-raw,format=GRAY8,width=16384,height=16384,framerate=25/1");
  gst_buffer_append_memory (frame, new_memory (&memory, RGBA_SIZE));
  add_tokens (frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  meta->map[0] = meta->map[4] = 4096;
  limit_memory (200 << 20);
  gst_buffer_unref (gst_harness_push_and_pull (stream.harness, frame));
  limit_memory (0);
  g_assert_false (check_and_free (&memory));
  check_warning (
      &stream, "Tokens are not drawn: there is not the memory for it");
  stream_clear (&stream);
#endif
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
    Stream stream;

    stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      GstBuffer *frame = gst_buffer_new ();
      GstVitTokensMeta *meta;
      Memory memory;

      gst_buffer_append_memory (frame, new_memory (&memory, RGBA_SIZE));
      add_tokens (frame);
      meta = gst_buffer_get_vit_tokens_meta (frame);
      meta->grid_width = sizes[s][0];
      meta->grid_height = sizes[s][1];
      meta->embed_dim = sizes[s][2];
      push_taken (&stream, frame);
      g_assert_false (check_and_free (&memory));
    }
    check_goes_on (&stream);
    stream_clear (&stream);
    g_free (launch);
  }
}

/* It is what was to be written. */
static void
test_tokens_that_cannot_be_read_are_an_error_of_vittokenenc (void)
{
  Stream stream;

  stream_init (&stream, "vittokenenc", GST_VIDEO_FORMAT_RGBA);
  gst_harness_set_sink_caps_str (stream.harness, "application/x-npy");
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL);
    GstVitTokensMeta *meta;
    GstMessage *message;

    add_tokens (frame);
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
  stream_clear (&stream);
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
  g_test_add_func ("/overlay-faults/pixels-lie-at-whole-words",
      test_pixels_lie_at_whole_words);
  g_test_add_func ("/overlay-faults/rows-of-packed-pixels-lie-within-the-memory",
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
  g_test_add_func (
      "/overlay-faults/tokens-that-cannot-be-read-are-not-drawn",
      test_tokens_that_cannot_be_read_are_not_drawn);
  g_test_add_func (
      "/overlay-faults/no-longer-tokens-than-a-model-has-are-drawn",
      test_no_longer_tokens_than_a_model_has_are_drawn);
  g_test_add_func (
      "/overlay-faults/no-more-patches-are-drawn-than-can-be-counted",
      test_no_more_patches_are_drawn_than_can_be_counted);
  g_test_add_func ("/overlay-faults/without-memory-to-draw-the-frame-passes",
      test_without_memory_to_draw_the_frame_passes);
  g_test_add_func (
      "/overlay-faults/without-memory-for-the-picture-the-frame-passes",
      test_without_memory_for_the_picture_the_frame_passes);
  g_test_add_func ("/overlay-faults/grids-without-patches-are-not-drawn",
      test_grids_without_patches_are_not_drawn);
  g_test_add_func ("/overlay-faults/as-many-patches-are-drawn-as-can-be",
      test_as_many_patches_are_drawn_as_can_be);
  g_test_add_func (
      "/overlay-faults/tokens-that-cannot-be-read-are-an-error-of-vittokenenc",
      test_tokens_that_cannot_be_read_are_an_error_of_vittokenenc);
  return g_test_run ();
}
