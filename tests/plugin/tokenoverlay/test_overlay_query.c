/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay compares patches with: several points, the vectors of a
 * file, and both; as they are set while frames pass, and where a file is wrong.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "support/overlay_frame.h"
#include "view/shade.h"

#define SIMILARITY QUIET "mode=similarity name=overlay "

static gchar *folder, *path;

/* A file of n vectors of `dim` numbers, each of length 2 in the direction of an
 * angle, its numbers beyond two 0. */
static void
write_query (const gdouble *angles, guint n, guint dim)
{
  GString *bytes = g_string_new (NULL);
  gchar *header = g_strdup_printf (
      "{'descr': '<f8', 'fortran_order': False, 'shape': (%u, %u), }\n", n,
      dim);
  guint8 length = (guint8) strlen (header);
  GError *error = NULL;

  g_string_append_len (bytes, "\x93NUMPY\1\0", 8);
  g_string_append_len (bytes, (const gchar *) &length, 1);
  g_string_append_len (bytes, "\0", 1);
  g_string_append (bytes, header);
  for (guint i = 0; i < n * dim; i++) {
    gdouble angle = angles[i / dim] * G_PI / 180, value = 0;

    if (i % dim < 2)
      value = 2 * (i % dim ? sin (angle) : cos (angle));
    g_string_append_len (bytes, (const gchar *) &value, sizeof value);
  }
  g_file_set_contents (path, bytes->str, (gssize) bytes->len, &error);
  g_assert_no_error (error);
  g_string_free (bytes, TRUE);
  g_free (header);
}

static void
assert_near (guint32 found, guint32 expected)
{
  for (guint shift = 0; shift < 24; shift += 8)
    g_assert_cmpint (
        abs ((gint) (found >> shift & 255) - (gint) (expected >> shift & 255)),
        <=, 1);
}

/* A patch `width` x `height` pixels: its colour is that of its greatest cosine with
 * what lies at `angles`, from the least of the frame to 1. */
static void
check (GstBuffer *frame, const gdouble *angles, guint n, guint width,
    guint height)
{
  gdouble best[12], least = 0.9;

  for (guint i = 0; i < 12; i++) {
    best[i] = -1;
    for (guint a = 0; a < n; a++)
      best[i] = MAX (
          best[i], cos ((overlay_angles[i] - angles[a]) * G_PI / 180));
    least = MIN (least, best[i]);
  }
  for (guint i = 0; i < 12; i++) {
    guint32 colour
        = vit_shade_value ((gfloat) ((best[i] - least) / (1 - least)), 1);

    assert_near (overlay_get_pixel (frame, COLUMNS * width,
                     i % 4 * width + width / 2, i / 4 * height + height / 2),
        colour & 0xffffff);
  }
}

static gboolean
is_framed (GstBuffer *frame, guint patch)
{
  return overlay_get_pixel (frame, WIDTH, patch % 4 * 16, patch / 4 * 16)
         == 0xffffff;
}

static GstBuffer *
push (GstHarness *harness)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  return gst_harness_push_and_pull (harness, frame);
}

static void
push_and_check (
    GstHarness *harness, const gdouble *angles, guint n, guint framed)
{
  GstBuffer *frame = push (harness);

  check (frame, angles, n, 16, 16);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpint (is_framed (frame, i), ==, framed >> i & 1);
  gst_buffer_unref (frame);
}

/* Beside x, y where it is set; one that is at no patch counts for nothing. */
static void
test_points (void)
{
  static const gdouble two[] = { 30, 270 }, three[] = { 30, 270, 120 };
  static const gdouble middle[] = { 180 };
  GstHarness *harness
      = overlay_new_harness (SIMILARITY "points=<20,3,17,47>", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");

  push_and_check (harness, two, 2, 1 << 1 | 1 << 9);
  g_object_set (element, "x", 1, "y", 20, NULL);
  push_and_check (harness, three, 3, 1 << 1 | 1 << 9 | 1 << 4);
  g_object_set (element, "x", -1, "y", -1, NULL);
  gst_util_set_object_arg (
      G_OBJECT (element), "points", "<20,3,500,3,-7,0,17,47>");
  push_and_check (harness, two, 2, 1 << 1 | 1 << 9);
  gst_util_set_object_arg (G_OBJECT (element), "points", "<>");
  push_and_check (harness, middle, 1, 1 << 6);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_half_a_pair_and_too_many_are_left_out (void)
{
  GstElement *element = gst_element_factory_make ("vittokenoverlay", NULL);
  GString *text = g_string_new ("<0");
  GValue points = G_VALUE_INIT;

  g_value_init (&points, GST_TYPE_ARRAY);
  gst_util_set_object_arg (G_OBJECT (element), "points", "<3,4,5>");
  g_object_get_property (G_OBJECT (element), "points", &points);
  g_assert_cmpuint (gst_value_array_get_size (&points), ==, 2);
  for (guint i = 1; i < 200; i++)
    g_string_append_printf (text, ",%u", i);
  g_string_append_c (text, '>');
  gst_util_set_object_arg (G_OBJECT (element), "points", text->str);
  g_value_reset (&points);
  g_object_get_property (G_OBJECT (element), "points", &points);
  g_assert_cmpuint (gst_value_array_get_size (&points), ==, 128);
  g_assert_cmpint (
      g_value_get_int (gst_value_array_get_value (&points, 127)), ==, 127);
  g_value_unset (&points);
  g_string_free (text, TRUE);
  gst_object_unref (element);
}

/* It is read whenever it is set; what is at points counts beside it. */
static void
test_vectors_of_a_file (void)
{
  static const gdouble one[] = { 100 }, two[] = { 250, 10 };
  static const gdouble both[] = { 250, 10, 120 };
  gchar *launch = g_strdup_printf (SIMILARITY "query=%s", path);
  GstHarness *harness;
  GstElement *element;

  write_query (one, 1, 2);
  harness = overlay_new_harness (launch, "RGBA");
  element = gst_harness_find_element (harness, "vittokenoverlay");
  push_and_check (harness, one, 1, 0);
  write_query (two, 2, 2);
  push_and_check (harness, one, 1, 0);
  g_object_set (element, "query", path, NULL);
  push_and_check (harness, two, 2, 0);
  gst_util_set_object_arg (G_OBJECT (element), "points", "<1,20>");
  push_and_check (harness, both, 3, 1 << 4);
  g_object_set (element, "query", NULL, NULL);
  push_and_check (harness, both + 2, 1, 1 << 4);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  g_free (launch);
}

/* Of a frame that was scaled, in its pixels; of regions, those of the region that a
 * point lies in. */
static void
test_scaled_frames_and_regions (void)
{
  static const gdouble angles[] = { 270, 90 };
  static const gdouble maps[2][6]
      = { { 8, 0, 0, 0, 16, 0 }, { 8, 0, 32, 0, 16, 0 } };
  GstHarness *harness = overlay_new_harness (
      "videoscale method=nearest-neighbour ! video/x-raw,width=128,height=96 "
      "! " SIMILARITY "points=<34,94,100,4>", "RGBA");
  GstBuffer *frame = push (harness);

  check (frame, angles, 2, 32, 32);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);

  harness = overlay_new_harness (SIMILARITY "points=<9,47,57,1>", "RGBA");
  frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  for (guint i = 0; i < 2; i++)
    gst_vit_tokens_meta_set_map (
        overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), maps[i]);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint i = 0; i < 2; i++) {
    for (guint p = 0; p < 12; p++) {
      gdouble best = MAX (cos ((overlay_angles[p] - 270) * G_PI / 180),
          cos ((overlay_angles[p] - 90) * G_PI / 180));

      assert_near (overlay_get_pixel (frame, WIDTH, 32 * i + p % 4 * 8 + 4,
                       p / 4 * 16 + 8),
          vit_shade_value ((gfloat) best, 1) & 0xffffff);
    }
  }
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 8, 32), ==, 0xffffff);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 56, 0), ==, 0xffffff);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
assert_silent (GstBus *bus)
{
  g_assert_null (gst_bus_pop_filtered (
      bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}

/* The only message. */
static void
assert_warning (GstBus *bus, GQuark domain, gint code, const gchar *start)
{
  GstMessage *message = gst_bus_pop_filtered (
      bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  GError *error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, domain, code);
  if (!g_str_has_prefix (error->message, start))
    g_error ("\"%s\" is not \"%s\" ...", error->message, start);
  g_error_free (error);
  gst_message_unref (message);
  assert_silent (bus);
}

/* What it says of the file, after its path. */
static void
assert_refused (GstBus *bus, GQuark domain, gint code, const gchar *text)
{
  gchar *start = g_strdup_printf ("The query is not used: %s: %s", path, text);

  assert_warning (bus, domain, code, start);
  g_free (start);
}

/* They count for nothing, and one warning says so, of each file one. */
static void
test_files_that_do_not_fit (void)
{
  static const gdouble one[] = { 100 }, middle[] = { 30 };
  GstHarness *harness = overlay_new_harness (SIMILARITY, "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  GstBus *bus = gst_bus_new ();
  GstBuffer *frame;

  gst_element_set_bus (element, bus);
  for (guint turn = 0; turn < 2; turn++) {
    write_query (one, 1, 3);
    g_object_set (element, "query", path, NULL);
    for (guint i = 0; i < 3; i++) {
      frame = push (harness);
      for (guint p = 0; p < 12; p++)
        g_assert_cmphex (overlay_get_pixel (frame, WIDTH, p % 4 * 16 + 8,
                             p / 4 * 16 + 8),
            ==, 0);
      gst_buffer_unref (frame);
      if (i == 0)
        assert_refused (bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
            "has vectors of 3 numbers, the tokens have 2");
      assert_silent (bus);
    }
  }
  /* But for what else there is. */
  g_object_set (element, "x", 20, "y", 3, NULL);
  push_and_check (harness, middle, 1, 1 << 1);
  assert_silent (bus);
  g_assert_true (g_file_set_contents (path, "no", -1, NULL));
  g_object_set (element, "query", path, NULL);
  push_and_check (harness, middle, 1, 1 << 1);
  assert_refused (bus, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "does not begin as a .npy file; expected one, as numpy.save() writes it");
  g_unlink (path);
  g_object_set (element, "query", path, NULL);
  push_and_check (harness, middle, 1, 1 << 1);
  assert_refused (bus, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
      "cannot be found");
  push_and_check (harness, middle, 1, 1 << 1);
  assert_silent (bus);
  /* That tokens are not drawn is another matter. */
  frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32)->n_tokens = 99;
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  assert_warning (bus, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
      "Tokens are not drawn: ");
  write_query (one, 1, 2);
  g_object_set (element, "query", path, "x", -1, "y", -1, NULL);
  push_and_check (harness, one, 1, 0);
  assert_silent (bus);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
assert_no_start (GQuark domain, gint code, const gchar *text)
{
  GstElement *element = gst_element_factory_make ("vittokenoverlay", NULL);
  GstBus *bus = gst_bus_new ();
  GError *error = NULL;
  GstMessage *message;

  gst_element_set_bus (element, bus);
  g_object_set (element, "query", path, NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, text));
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

static void
test_a_wrong_file_is_an_error_at_the_start (void)
{
  gdouble angles[257] = { 0 };

  g_unlink (path);
  assert_no_start (
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "cannot be found");
  write_query (angles, 257, 2);
  assert_no_start (GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "has 257 vectors; expected at most 256");
}

int
main (int argc, char **argv)
{
  int result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-query-XXXXXX", NULL);
  path = g_build_filename (folder, "query.npy", NULL);

#define TEST(name, function) g_test_add_func ("/overlay-query/" name, function)
  TEST ("points", test_points);
  TEST ("half-a-pair-and-too-many-are-left-out",
      test_half_a_pair_and_too_many_are_left_out);
  TEST ("vectors-of-a-file", test_vectors_of_a_file);
  TEST ("scaled-frames-and-regions", test_scaled_frames_and_regions);
  TEST ("files-that-do-not-fit", test_files_that_do_not_fit);
  TEST ("a-wrong-file-is-an-error-at-the-start",
      test_a_wrong_file_is_an_error_at_the_start);
  result = g_test_run ();

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
  return result;
}
