/* SPDX-License-Identifier: MIT
 *
 * examples/track on frames whose tokens are made here: where it begins, what it marks,
 * when it says that it lost what it follows, and frames of another size.
 */
#include <gst/video/video.h>
#include <gst/vit/vit.h>

#include "tracker.h"

#define PATCH 16
#define DIM 32
/* An object of 3 x 3 patches, each with a token of its own. */
#define SIDE 3

static const LabelPropagationSettings defaults = LABEL_PROPAGATION_DEFAULTS;

/* A frame of tokens (class token first) that lie far apart: of the object's patches
 * 1 to 9, in patch (left, top) and behind it; of all others one more.  None of the
 * object where left is negative. */
static GstBuffer *
make_frame (guint grid_width, guint grid_height, gint left, guint top)
{
  gsize n = 1 + (gsize) grid_width * grid_height;
  gfloat *tokens = g_new0 (gfloat, n * DIM);
  GstBuffer *values
      = gst_buffer_new_wrapped (tokens, n * DIM * sizeof (gfloat));
  GstBuffer *frame = gst_buffer_new ();

  for (gsize i = 1; i < n; i++)
    tokens[i * DIM + 10] = 1;
  for (guint i = 0; left >= 0 && i < SIDE * SIDE; i++) {
    gfloat *token
        = tokens + (1 + (top + i / SIDE) * grid_width + left + i % SIDE) * DIM;

    token[10] = 0;
    token[1 + i] = 2;
  }
  gst_buffer_add_vit_tokens_meta (frame, values, GST_VIT_TOKEN_FORMAT_F32, 1,
      grid_width, grid_height, PATCH, DIM, grid_width * PATCH,
      grid_height * PATCH, "made");
  gst_buffer_unref (values);
  return frame;
}

/* A frame of as many tokens, all alike, of 16 bits. */
static GstBuffer *
make_halves (guint grid_width, guint grid_height, GstVitTokenFormat format)
{
  gsize size = (1 + (gsize) grid_width * grid_height) * DIM * 2;
  GstBuffer *values = gst_buffer_new_allocate (NULL, size, NULL);
  GstBuffer *frame = gst_buffer_new ();

  gst_buffer_memset (values, 0, 0x3c, size);
  gst_buffer_add_vit_tokens_meta (frame, values, format, 1, grid_width,
      grid_height, PATCH, DIM, grid_width * PATCH, grid_height * PATCH, "made");
  gst_buffer_unref (values);
  return frame;
}

/* The frame is unreferenced. */
static void
assert_found (Tracker *tracker, GstBuffer *frame, gint left, guint top)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  GstVideoRegionOfInterestMeta *region;
  gdouble cosine;
  TrackerBox box;

  g_assert_cmpint (
      tracker_take (tracker, frame, &box, &cosine), ==, TRACKER_FOUND);
  g_assert_cmpfloat_with_epsilon (box.x, PATCH * left, 1);
  g_assert_cmpfloat_with_epsilon (box.y, PATCH * top, 1);
  g_assert_cmpfloat_with_epsilon (box.width, PATCH * SIDE, 2);
  g_assert_cmpfloat_with_epsilon (box.height, PATCH * SIDE, 2);
  g_assert_cmpfloat_with_epsilon (cosine, 1, 1e-5);

  region = gst_buffer_get_video_region_of_interest_meta_id (frame, 0);
  g_assert_nonnull (region);
  g_assert_cmpstr (g_quark_to_string (region->roi_type), ==, "tracked");
  g_assert_cmpfloat (region->x, <=, box.x + 1e-5);
  g_assert_cmpfloat (region->y, <=, box.y + 1e-5);
  g_assert_cmpfloat (region->x + region->w, >=, box.x + box.width - 1e-5);
  g_assert_cmpfloat (region->y + region->h, >=, box.y + box.height - 1e-5);
  g_assert_cmpuint (region->x + region->w, <=, meta->frame_width);
  g_assert_cmpuint (region->y + region->h, <=, meta->frame_height);
  g_assert_cmpint (region->w, <=, box.width + 2);
  g_assert_cmpint (region->h, <=, box.height + 2);
  gst_buffer_unref (frame);
}

static void
assert_state (Tracker *tracker, GstBuffer *frame, TrackerState state)
{
  gdouble cosine;
  TrackerBox box;

  g_assert_cmpint (tracker_take (tracker, frame, &box, &cosine), ==, state);
  g_assert_null (gst_buffer_get_video_region_of_interest_meta_id (frame, 0));
  gst_buffer_unref (frame);
}

static Tracker *
start_at (gdouble x, gdouble y, gdouble width, gdouble height)
{
  Tracker *tracker = tracker_new (&defaults, 0.8);
  TrackerBox box = { x, y, width, height };

  tracker_start (tracker, &box);
  return tracker;
}

static void
test_box (void)
{
  Tracker *tracker = start_at (2 * PATCH, PATCH, SIDE * PATCH, SIDE * PATCH);

  assert_found (tracker, make_frame (12, 8, 2, 1), 2, 1);
  assert_found (tracker, make_frame (12, 8, 3, 1), 3, 1);
  assert_found (tracker, make_frame (12, 8, 7, 4), 7, 4);
  /* Into the corner. */
  assert_found (tracker, make_frame (12, 8, 9, 5), 9, 5);
  tracker_free (tracker);
}

/* Passed over, before it begins and after. */
static void
test_other_formats (void)
{
  static const GstVitTokenFormat formats[]
      = { GST_VIT_TOKEN_FORMAT_F16, GST_VIT_TOKEN_FORMAT_BF16 };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    Tracker *tracker = start_at (2 * PATCH, PATCH, SIDE * PATCH, SIDE * PATCH);

    assert_state (tracker, make_halves (12, 8, formats[i]), TRACKER_IDLE);
    assert_found (tracker, make_frame (12, 8, 2, 1), 2, 1);
    assert_state (tracker, make_halves (12, 8, formats[i]), TRACKER_IDLE);
    /* Also where the grid is another. */
    assert_state (tracker, make_halves (6, 4, formats[i]), TRACKER_IDLE);
    assert_found (tracker, make_frame (12, 8, 3, 1), 3, 1);
    tracker_free (tracker);
  }
}

static void
test_point (void)
{
  Tracker *tracker = start_at (3.5 * PATCH, 2.5 * PATCH, 0, 0);

  assert_found (tracker, make_frame (12, 8, 2, 1), 2, 1);
  assert_found (tracker, make_frame (12, 8, 5, 3), 5, 3);
  tracker_free (tracker);
}

static void
test_point_again (void)
{
  TrackerBox point = { 7.5 * PATCH, 5.5 * PATCH, 0, 0 };
  Tracker *tracker = tracker_new (&defaults, 0.8);

  assert_state (tracker, make_frame (12, 8, 2, 1), TRACKER_IDLE);
  tracker_start (tracker, &point);
  assert_found (tracker, make_frame (12, 8, 6, 4), 6, 4);
  assert_found (tracker, make_frame (12, 8, 3, 2), 3, 2);
  tracker_start (tracker, &point);
  assert_found (tracker, make_frame (12, 8, 3, 2), 6, 4);
  tracker_free (tracker);
}

static void
test_nowhere (void)
{
  Tracker *tracker = start_at (-100, 0, 50, 50);

  assert_state (tracker, make_frame (12, 8, 2, 1), TRACKER_NOWHERE);
  assert_state (tracker, make_frame (12, 8, 2, 1), TRACKER_IDLE);
  tracker_free (tracker);
  tracker = start_at (1000, 0, 0, 0);
  assert_state (tracker, make_frame (12, 8, 2, 1), TRACKER_NOWHERE);
  assert_state (tracker, gst_buffer_new (), TRACKER_IDLE);
  tracker_free (tracker);
}

/* A whole frame of other things, and what was followed comes back. */
static void
test_lost_and_found (void)
{
  Tracker *tracker = start_at (2 * PATCH, PATCH, SIDE * PATCH, SIDE * PATCH);
  GstBuffer *other = make_frame (12, 8, -1, 0);
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (other);

  for (guint i = 0; i < meta->n_tokens; i++) {
    static const gfloat values[2] = { 0.9, 1 };

    gst_buffer_fill (
        meta->tokens, (i * DIM + 10) * sizeof (gfloat), values, sizeof values);
  }
  assert_found (tracker, make_frame (12, 8, 2, 1), 2, 1);
  assert_found (tracker, make_frame (12, 8, 3, 1), 3, 1);
  assert_state (tracker, other, TRACKER_LOST);
  assert_found (tracker, make_frame (12, 8, 4, 2), 4, 2);
  tracker_free (tracker);
}

/* It begins anew with the box where it was, scaled; here at a whole patch. */
static void
test_another_size (void)
{
  Tracker *tracker
      = start_at (2 * PATCH, 2 * PATCH, SIDE * PATCH, SIDE * PATCH);
  GstVideoRegionOfInterestMeta *region;
  GstBuffer *frame = make_frame (24, 16, 4, 4);
  gdouble cosine;
  TrackerBox box;

  assert_found (tracker, make_frame (12, 8, 2, 2), 2, 2);
  g_assert_cmpint (
      tracker_take (tracker, frame, &box, &cosine), ==, TRACKER_FOUND);
  region = gst_buffer_get_video_region_of_interest_meta_id (frame, 0);
  g_assert_cmpint (region->x, ==, 4 * PATCH);
  g_assert_cmpint (region->y, ==, 4 * PATCH);
  g_assert_cmpint (region->w, ==, 2 * SIDE * PATCH);
  g_assert_cmpint (region->h, ==, 2 * SIDE * PATCH);
  gst_buffer_unref (frame);
  tracker_free (tracker);
}

/* Positions that are larger than the tokens, and stay where they are. */
static GstBuffer *
add_positions (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  gsize n = (gsize) meta->grid_width * meta->grid_height * DIM;
  gfloat *values = g_new (gfloat, n);
  GstBuffer *positions = gst_buffer_new_wrapped (values, n * sizeof (gfloat));
  GstMapInfo map;

  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READWRITE));
  for (gsize i = 0; i < n; i++) {
    values[i] = 20 * (((i / DIM) * 7 + i) % 13 == 0);
    ((gfloat *) map.data)[DIM + i] += values[i];
  }
  gst_buffer_unmap (meta->tokens, &map);
  gst_vit_tokens_meta_set_positions (meta, positions);
  gst_buffer_unref (positions);
  return frame;
}

static void
test_positions (void)
{
  Tracker *tracker = start_at (2 * PATCH, PATCH, SIDE * PATCH, SIDE * PATCH);

  assert_found (tracker, add_positions (make_frame (12, 8, 2, 1)), 2, 1);
  assert_found (tracker, add_positions (make_frame (12, 8, 5, 3)), 5, 3);
  tracker_free (tracker);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tracker/" name, function)
  TEST ("a-box", test_box);
  TEST ("a-point", test_point);
  TEST ("a-point-while-playing", test_point_again);
  TEST ("nothing-where-to-start", test_nowhere);
  TEST ("lost-and-found", test_lost_and_found);
  TEST ("frames-of-another-size", test_another_size);
  TEST ("tokens-without-their-positions", test_positions);
  TEST ("tokens-of-16-bits-are-passed-over", test_other_formats);
  return g_test_run ();
}
