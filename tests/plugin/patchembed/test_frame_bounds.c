/* SPDX-License-Identifier: MIT
 *
 * Frames that lie in memory in unusual ways: bottom up, rows far apart, at odd
 * addresses.  Around every plane, and around every row where there is room,
 * lies memory that cannot be read, so that one byte too far ends the test; and
 * the tokens are those of the same pixels in an ordinary frame.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define ELEMENT "vitpatchembed embed-dim=8 n-threads=1 "
#define ROI ELEMENT "regions=roi "

/* How the rows of a plane follow each other. */
typedef enum {
  TOP_DOWN,
  TOP_DOWN_FAR,     /* the last row lies past 31 bits */
  TOP_DOWN_NEARLY,  /* and just not */
  BOTTOM_UP,
  BOTTOM_UP_TIGHT,  /* rows touch, at any address */
  BOTTOM_UP_FAR,
  MISALIGNED,
  ONE_ROW,          /* which is read again and again: a stride of 0 */
  N_WAYS
} Way;

static const gchar *const way_names[] = { "top-down", "top-down-far",
  "top-down-nearly", "bottom-up", "bottom-up-tight", "bottom-up-far",
  "misaligned", "one-row" };

static const gchar *const launches[] = {
  ELEMENT,
  ELEMENT "precision=f32 patch-size=7",
  ELEMENT "fit=pad",
  ELEMENT "max-tokens=9",
  ELEMENT "max-tokens=9 fit=pad",
  ROI,
  ROI "fit=pad precision=f32",
  ROI "max-tokens=3",
  ROI "max-tokens=3 fit=pad",
};

/* One plane: n_rows rows of row_bytes bytes, `stride` bytes apart. */
typedef struct {
  gsize row_bytes;
  gsize n_rows;
  gint stride;
  guint8 *reserved;
  gsize n_reserved;
  guint8 *first; /* the plane's bytes, the first in memory */
  gsize n_bytes; /* from there to the end of the last in memory */
} Plane;

static void
free_plane (gpointer data)
{
  Plane *plane = data;

  g_assert_cmpint (munmap (plane->reserved, plane->n_reserved), ==, 0);
  g_free (plane);
}

static gint
choose_stride (Way way, gsize row_bytes, gsize n_rows)
{
  gint row = (gint) row_bytes, aligned = (row + 15) / 16 * 16;

  switch (way) {
    case TOP_DOWN_FAR:
      return 1 << 27;
    case TOP_DOWN_NEARLY:
      return (gint) ((G_MAXINT32 - row_bytes) / n_rows / 16 * 16);
    case BOTTOM_UP:
      return -aligned;
    case BOTTOM_UP_TIGHT:
      return -row;
    case BOTTOM_UP_FAR:
      return -(1 << 27);
    case ONE_ROW:
      return 0;
    default:
      return aligned;
  }
}

static guint8 *
row_of (const Plane *plane, gsize y)
{
  gint64 last = (gint64) plane->stride * (gint64) (plane->n_rows - 1);

  return plane->first - MIN (last, 0) + (gint64) y * plane->stride;
}

/* Opens the pages of each row, and no other.  `at_end`: the last byte is the
 * last of a page, else the first the first. */
static Plane *
new_plane (gsize row_bytes, gsize n_rows, Way way, gboolean at_end)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE), room;
  Plane *plane = g_new0 (Plane, 1);

  plane->row_bytes = row_bytes;
  plane->n_rows = n_rows;
  plane->stride = choose_stride (way, row_bytes, n_rows);
  plane->n_bytes
      = row_bytes + (n_rows - 1) * (gsize) ABS ((gint64) plane->stride);
  room = (plane->n_bytes + 1 + page - 1) / page * page;
  plane->n_reserved = room + 2 * page;
  plane->reserved = mmap (NULL, plane->n_reserved, PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_assert_true (plane->reserved != MAP_FAILED);
  plane->first = plane->reserved + page;
  if (at_end)
    plane->first += room - plane->n_bytes;
  if (way == MISALIGNED && (gsize) plane->first % 2 == 0)
    plane->first += at_end ? -1 : 1;
  for (gsize y = 0; y < n_rows; y++) {
    gsize start = (gsize) row_of (plane, y) / page * page;
    gsize end = (gsize) row_of (plane, y) + row_bytes;

    g_assert_cmpint (mprotect ((gpointer) start, end - start,
                         PROT_READ | PROT_WRITE),
        ==, 0);
  }
  return plane;
}

/* What is read of a plane: where the frame is scaled whole pixels, by
 * GStreamer's own table, else as much as holds components. */
static void
get_extent (const GstVideoInfo *info, guint p, gboolean whole,
    guint64 *row_bytes, guint64 *n_rows)
{
  VitImageFormat format
      = { .pixel = vit_pixel_format_find (GST_VIDEO_INFO_NAME (info)),
          .width = (guint) info->width, .height = (guint) info->height };

  vit_image_plane_extent (&format, p, row_bytes, n_rows);
  for (guint c = 0; whole && c < GST_VIDEO_INFO_N_COMPONENTS (info); c++) {
    guint64 bytes = (guint64) GST_VIDEO_INFO_COMP_WIDTH (info, c)
        * (guint64) GST_VIDEO_INFO_COMP_PSTRIDE (info, c);

    if (GST_VIDEO_INFO_COMP_PLANE (info, c) == p)
      *row_bytes = MAX (*row_bytes, bytes);
  }
}

/* The pixels of `ordinary`, each plane in a memory of its own.  Where there is
 * but one row, it is given to all rows of `ordinary`. */
static GstBuffer *
lay_out (GstBuffer *ordinary, const GstVideoInfo *info, gboolean whole, Way way,
    gboolean at_end)
{
  guint n_planes = GST_VIDEO_INFO_N_PLANES (info);
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 }, end = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
  GstBuffer *buffer = gst_buffer_new ();
  GstVideoFrame frame;

  g_assert_true (
      gst_video_frame_map (&frame, info, ordinary, GST_MAP_READWRITE));
  for (guint p = 0; p < n_planes; p++) {
    guint8 *from = GST_VIDEO_FRAME_PLANE_DATA (&frame, p);
    gsize step = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (&frame, p);
    guint64 row_bytes, n_rows;
    Plane *plane;

    get_extent (info, p, whole, &row_bytes, &n_rows);
    plane = new_plane (row_bytes, n_rows, way, at_end);
    for (gsize y = 0; y < n_rows; y++) {
      if (way == ONE_ROW && y > 0)
        memcpy (from + y * step, from, row_bytes);
      memcpy (row_of (plane, y), from + y * step, row_bytes);
    }
    offset[p] = end + (gsize) (row_of (plane, 0) - plane->first);
    stride[p] = plane->stride;
    end += plane->n_bytes;
    gst_buffer_append_memory (buffer,
        gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, plane->first,
            plane->n_bytes, 0, plane->n_bytes, plane, free_plane));
  }
  gst_video_frame_unmap (&frame);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), (guint) info->width, (guint) info->height,
      n_planes, offset, stride);
  return buffer;
}

/* At corners, in the middle of chroma blocks, and to the frame's end. */
static void
mark_regions (GstBuffer *frame, const GstVideoInfo *info)
{
  guint width = (guint) info->width, height = (guint) info->height;

  gst_buffer_add_video_region_of_interest_meta (frame, "a", 0, 0, 32, 32);
  gst_buffer_add_video_region_of_interest_meta (frame, "b", 5, 3, 33, 49);
  gst_buffer_add_video_region_of_interest_meta (
      frame, "c", width - 41, height - 37, 41, 37);
}

static void
assert_same_tokens (GstBuffer *found, GstBuffer *expected, guint n_metas)
{
  gpointer state[2] = { NULL, NULL };

  for (guint i = 0; i < n_metas; i++) {
    GstVitTokensMeta *a
        = gst_buffer_iterate_vit_tokens_meta (found, &state[0]);
    GstVitTokensMeta *b
        = gst_buffer_iterate_vit_tokens_meta (expected, &state[1]);
    GstMapInfo x, y;

    g_assert_nonnull (a);
    g_assert_nonnull (b);
    g_assert_true (gst_buffer_map (a->tokens, &x, GST_MAP_READ));
    g_assert_true (gst_buffer_map (b->tokens, &y, GST_MAP_READ));
    g_assert_cmpmem (x.data, x.size, y.data, y.size);
    gst_buffer_unmap (a->tokens, &x);
    gst_buffer_unmap (b->tokens, &y);
  }
  g_assert_null (gst_buffer_iterate_vit_tokens_meta (found, &state[0]));
}

/* Every token was kept: the frame has the samples of the one before. */
static void
assert_nothing_changed (GstBuffer *frame)
{
  gpointer state = NULL;
  GstVitTokensMeta *meta;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    for (guint i = 0; i < meta->n_tokens; i++)
      g_assert_false (gst_vit_tokens_meta_is_changed (meta, i));
}

static GstBuffer *
push (GstHarness *harness, GstBuffer *frame, const GstVideoInfo *info)
{
  mark_regions (frame, info);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  return frame;
}

static void
check (GstHarness *harness, const gchar *launch, GstBuffer *picture,
    const GstVideoInfo *info, Way way, gboolean at_end)
{
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  gboolean whole = strstr (launch, "max-tokens") != NULL;
  guint n_metas = strstr (launch, "regions") != NULL ? 3 : 1;
  GstBuffer *ordinary = gst_buffer_copy_deep (picture);
  GstBuffer *unusual = lay_out (ordinary, info, whole, way, at_end);
  GstBuffer *again = gst_buffer_copy (unusual);

  g_test_message ("%s %dx%d %s, %s, %s", GST_VIDEO_INFO_NAME (info),
      info->width, info->height, launch, way_names[way],
      at_end ? "at the end" : "at the start");
  /* Computed of each for itself; then the one compared with the other. */
  g_object_set (element, "reuse-tokens", FALSE, NULL);
  unusual = push (harness, unusual, info);
  g_object_set (element, "reuse-tokens", TRUE, NULL);
  ordinary = push (harness, ordinary, info);
  assert_same_tokens (unusual, ordinary, n_metas);
  again = push (harness, again, info);
  assert_same_tokens (again, ordinary, n_metas);
  assert_nothing_changed (again);
  gst_buffer_unref (unusual);
  gst_buffer_unref (again);
  gst_buffer_unref (ordinary);
  gst_object_unref (element);
}

/* Rows that end anywhere, and rows and chroma rows of whole vectors. */
static const gint sizes[][2] = { { 77, 59 }, { 96, 64 } };

static void
check_all_ways (const gchar *launch, GstBuffer *picture, GstCaps *caps)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, gst_caps_ref (caps));
  for (guint way = 0; way < N_WAYS; way++) {
    if (sizeof (gsize) < 8 && (way == TOP_DOWN_FAR || way == BOTTOM_UP_FAR
            || way == TOP_DOWN_NEARLY))
      continue;
    check (harness, launch, picture, &info, (Way) way, FALSE);
    check (harness, launch, picture, &info, (Way) way, TRUE);
  }
  gst_harness_teardown (harness);
}

static void
test_tokens_are_those_of_an_ordinary_frame (gconstpointer format)
{
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    GstCaps *caps = frames_caps (format, sizes[s][0], sizes[s][1], NULL);
    GstVideoInfo info;
    GstBuffer *picture;

    g_assert_true (gst_video_info_from_caps (&info, caps));
    picture = frames_calm (&info, s, FALSE);
    for (guint l = 0; l < G_N_ELEMENTS (launches); l++)
      check_all_ways (launches[l], picture, caps);
    gst_buffer_unref (picture);
    gst_caps_unref (caps);
  }
}

int
main (int argc, char **argv)
{
  const VitPixelFormat *formats;
  guint n_formats;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  formats = vit_pixel_format_list (&n_formats);
  for (guint i = 0; i < n_formats; i++) {
    gchar *path = g_strconcat (
        "/frame-bounds/tokens-are-those-of-an-ordinary-frame/",
        formats[i].name, NULL);

    g_test_add_data_func (
        path, formats[i].name, test_tokens_are_those_of_an_ordinary_frame);
    g_free (path);
  }
  return g_test_run ();
}
