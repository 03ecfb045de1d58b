/* SPDX-License-Identifier: MIT
 *
 * Where in memory vittokenoverlay draws: frames of every raw format whose planes
 * lie each between pages that nobody may touch, 4 GiB on both sides.  However
 * their rows lie, what is drawn is what an ordinary frame shows, or the frame is
 * refused and not a byte of it is touched.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/overlay_stream.h"

#define FORBIDDEN ((gsize) 1 << 32)
#define LAUNCH "vittokenoverlay legend=false opacity=0.5 mode=changed"

typedef struct {
  guint8 *all; /* with the pages around */
  gsize all_size;
  guint8 *bytes;
  gsize size;
} Guarded;

/* Zeros, of which only pages that are written to take memory; they end, or
 * begin, at a page that nobody may touch. */
static void
guarded_init (Guarded *self, gsize size, gboolean at_end)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE);
  gsize whole = (size + page - 1) / page * page;

  self->size = size;
  self->all_size = whole + 2 * FORBIDDEN;
  self->all = mmap (NULL, self->all_size, PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_assert_true (self->all != MAP_FAILED);
  self->bytes = self->all + FORBIDDEN;
  madvise (self->bytes, whole, MADV_NOHUGEPAGE);
  g_assert_cmpint (mprotect (self->bytes, whole, PROT_READ | PROT_WRITE), ==, 0);
  if (at_end)
    self->bytes += whole - size;
}

/* The rows of an ordinary plane. */
static guint
get_n_rows (const GstVideoInfo *info, guint plane)
{
  gint components[GST_VIDEO_MAX_COMPONENTS];

  if (GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo)
      || (GST_VIDEO_FORMAT_INFO_HAS_PALETTE (info->finfo) && plane == 1))
    return 1;
  gst_video_format_info_component (info->finfo, plane, components);
  return (guint) GST_VIDEO_INFO_COMP_HEIGHT (info, components[0]);
}

static gsize
get_row_bytes (const GstVideoInfo *info, guint plane)
{
  gint stride = GST_VIDEO_INFO_PLANE_STRIDE (info, plane);

  if (GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo))
    return (gsize) GST_VIDEO_TILE_X_TILES (stride)
           * (guint) GST_VIDEO_TILE_Y_TILES (stride)
           * (gsize) GST_VIDEO_FORMAT_INFO_TILE_SIZE (info->finfo, plane);
  if (GST_VIDEO_FORMAT_INFO_HAS_PALETTE (info->finfo) && plane == 1)
    return 256 * sizeof (guint32);
  return (gsize) stride;
}

/* One frame whose planes are guarded. */
typedef struct {
  const GstVideoInfo *info; /* of an ordinary one */
  Guarded planes[GST_VIDEO_MAX_PLANES];
  gint strides[GST_VIDEO_MAX_PLANES];
  gsize offsets[GST_VIDEO_MAX_PLANES]; /* of the first row, in its plane */
} Frame;

/* `stride`: of all planes that have rows, 0 for the ordinary ones. */
static void
frame_init (Frame *self, const GstVideoInfo *info, gint stride,
    gboolean is_upside_down, gboolean at_end)
{
  self->info = info;
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    gboolean has_rows = get_n_rows (info, p) > 1;
    gsize last, used = (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, p);

    if (has_rows && stride != 0)
      used = (gsize) stride;
    last = used * (get_n_rows (info, p) - 1);
    self->strides[p] = has_rows && is_upside_down ? -(gint) used : (gint) used;
    self->offsets[p] = is_upside_down ? last : 0;
    guarded_init (&self->planes[p], last + get_row_bytes (info, p), at_end);
  }
}

static guint8 *
frame_row (const Frame *self, guint plane, guint row)
{
  return self->planes[plane].bytes + self->offsets[plane]
         + (gssize) self->strides[plane] * (gssize) row;
}

/* Copies the rows of an ordinary frame, or compares them with it. */
static void
frame_visit (Frame *self, const guint8 *ordinary, gboolean compare)
{
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (self->info); p++) {
    gsize n = get_row_bytes (self->info, p);

    for (guint row = 0; row < get_n_rows (self->info, p); row++) {
      const guint8 *other
          = ordinary + GST_VIDEO_INFO_PLANE_OFFSET (self->info, p) + n * row;

      if (compare)
        g_assert_cmpmem (frame_row (self, p, row), n, other, n);
      else
        memcpy (frame_row (self, p, row), other, n);
    }
  }
}

static GstBuffer *
frame_to_buffer (Frame *self)
{
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 }, at = 0;
  GstBuffer *buffer = gst_buffer_new ();

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (self->info); p++) {
    const Guarded *plane = &self->planes[p];

    offsets[p] = at + self->offsets[p];
    at += plane->size;
    gst_buffer_append_memory (
        buffer, gst_memory_new_wrapped ((GstMemoryFlags) 0, plane->bytes,
                    plane->size, 0, plane->size, NULL, NULL));
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (self->info), WIDTH, HEIGHT,
      GST_VIDEO_INFO_N_PLANES (self->info), offsets, self->strides);
  return buffer;
}

static void
frame_clear (Frame *self)
{
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (self->info); p++)
    munmap (self->planes[p].all, self->planes[p].all_size);
}

/* The same picture before and after it is drawn on. */
typedef struct {
  OverlayStream *stream;
  guint8 *plain;
  guint8 *drawn;
} Picture;

static void
picture_init (Picture *self, OverlayStream *stream)
{
  gsize size = GST_VIDEO_INFO_SIZE (&stream->info);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GRand *rand = g_rand_new_with_seed (5);

  self->stream = stream;
  self->plain = g_malloc (size);
  self->drawn = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    self->plain[i] = (guint8) g_rand_int (rand);
  g_rand_free (rand);
  gst_buffer_fill (buffer, 0, self->plain, size);
  overlay_add_tokens (buffer);
  buffer = gst_harness_push_and_pull (stream->harness, buffer);
  gst_buffer_extract (buffer, 0, self->drawn, size);
  g_assert_cmpint (memcmp (self->plain, self->drawn, size), !=, 0);
  gst_buffer_unref (buffer);
}

static void
picture_clear (Picture *self)
{
  g_free (self->plain);
  g_free (self->drawn);
}

/* Pushes it, drawn on or refused, and clears the frame. */
static void
check_frame (const Picture *picture, Frame *frame, gboolean is_drawn)
{
  GstBuffer *buffer = frame_to_buffer (frame);
  GstMessage *message;

  frame_visit (frame, picture->plain, FALSE);
  overlay_add_tokens (buffer);
  g_assert_cmpint (gst_harness_push (picture->stream->harness, buffer), ==,
      is_drawn ? GST_FLOW_OK : GST_FLOW_ERROR);
  if (is_drawn)
    gst_buffer_unref (gst_harness_pull (picture->stream->harness));
  message = gst_bus_pop_filtered (
      picture->stream->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  g_assert_true ((message == NULL) == is_drawn);
  g_clear_pointer (&message, gst_message_unref);
  frame_visit (frame, is_drawn ? picture->drawn : picture->plain, TRUE);
  frame_clear (frame);
}

static void
check_rows (const Picture *picture, gint stride, gboolean is_drawn)
{
  for (guint i = 0; i < 4; i++) {
    Frame frame;

    frame_init (&frame, &picture->stream->info, stride, i / 2, i % 2);
    check_frame (picture, &frame, is_drawn);
  }
}

/* For every format that is drawn on. */
static void
for_each_format (void (*check) (const Picture *picture))
{
  guint n_formats, n_checked = 0;
  const GstVideoFormat *formats = gst_video_formats_raw (&n_formats);
  OverlayStream stream;

  if (sizeof (gsize) < 8) {
    g_test_skip ("there are not the addresses");
    return;
  }
  overlay_stream_init (&stream, LAUNCH, GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < n_formats; i++) {
    Picture picture;

    overlay_stream_set_format (&stream, formats[i]);
    g_test_message ("%s", GST_VIDEO_INFO_NAME (&stream.info));
    picture_init (&picture, &stream);
    check (&picture);
    picture_clear (&picture);
    n_checked++;
  }
  overlay_stream_clear (&stream);
  g_assert_cmpuint (n_checked, >=, 100);
}

static gboolean
is_tiled (const Picture *picture)
{
  return GST_VIDEO_FORMAT_INFO_IS_TILED (picture->stream->info.finfo);
}

static void
check_ordinary (const Picture *picture)
{
  check_rows (picture, 0, TRUE);
  if (!is_tiled (picture))
    check_rows (
        picture, GST_VIDEO_INFO_PLANE_STRIDE (&picture->stream->info, 0) + 64,
        TRUE);
}

static void
test_rows_either_way_are_drawn_on (void)
{
  for_each_format (check_ordinary);
}

/* The first plane has the most rows, and its last is the farthest. */
static void
check_huge_strides (const Picture *picture)
{
  gint most = G_MAXINT - GST_VIDEO_INFO_PLANE_STRIDE (&picture->stream->info, 0);

  if (is_tiled (picture))
    return;
  most = most / (HEIGHT - 1) / 16 * 16;
  check_rows (picture, most, TRUE);
  check_rows (picture, most + 16, FALSE);
  check_rows (picture, 1 << 26, FALSE);
  check_rows (picture, 1 << 28, FALSE);
}

static void
test_strides_are_drawn_on_as_far_as_gstreamer_counts (void)
{
  for_each_format (check_huge_strides);
}

/* One plane of tiles at a time has more of them than GStreamer can count. */
static void
check_many_tiles (const Picture *picture)
{
  const GstVideoInfo *info = &picture->stream->info;

  if (!is_tiled (picture))
    return;
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    gsize size = (gsize) GST_VIDEO_FORMAT_INFO_TILE_SIZE (info->finfo, p);
    gint down = (gint) (G_MAXINT / (0xffff * size)) + 1;
    Frame frame;

    g_assert_cmpint (down, >=, 2);
    frame_init (&frame, info, 0, FALSE, FALSE);
    munmap (frame.planes[p].all, frame.planes[p].all_size);
    frame.strides[p] = down << GST_VIDEO_TILE_Y_TILES_SHIFT | 0xffff;
    guarded_init (&frame.planes[p], 0xffff * size * (gsize) down, FALSE);
    check_frame (picture, &frame, FALSE);
  }
}

static void
test_tiles_are_drawn_on_as_far_as_gstreamer_counts (void)
{
  for_each_format (check_many_tiles);
}

/* Of more pixels than GStreamer can take apart. */
static void
test_a_line_that_is_too_long_is_refused (void)
{
  static const gchar text[] = "drawn on more than 268435455 pixels";
  const guint width = 1u << 28;
  OverlayStream stream;
  GstBuffer *buffer;
  GstMessage *message;
  GError *error = NULL;
  Guarded line;

  overlay_stream_init (&stream, LAUNCH, GST_VIDEO_FORMAT_RGBA);
  gst_harness_set_src_caps_str (stream.harness,
      "video/x-raw,format=GRAY8,width=268435456,height=1,framerate=25/1");
  guarded_init (&line, width, TRUE);
  buffer = gst_buffer_new_wrapped_full (
      (GstMemoryFlags) 0, line.bytes, width, 0, width, NULL, NULL);
  overlay_add_tokens (buffer);
  g_assert_cmpint (
      gst_harness_push (stream.harness, buffer), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (stream.bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, text));
  g_error_free (error);
  gst_message_unref (message);
  overlay_stream_clear (&stream);
  munmap (line.all, line.all_size);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/overlay-memory/rows-either-way-are-drawn-on",
      test_rows_either_way_are_drawn_on);
  g_test_add_func (
      "/overlay-memory/strides-are-drawn-on-as-far-as-gstreamer-counts",
      test_strides_are_drawn_on_as_far_as_gstreamer_counts);
  g_test_add_func (
      "/overlay-memory/tiles-are-drawn-on-as-far-as-gstreamer-counts",
      test_tiles_are_drawn_on_as_far_as_gstreamer_counts);
  g_test_add_func ("/overlay-memory/a-line-that-is-too-long-is-refused",
      test_a_line_that_is_too_long_is_refused);
  return g_test_run ();
}
