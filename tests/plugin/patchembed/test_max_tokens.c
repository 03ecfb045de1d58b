/* SPDX-License-Identifier: MIT
 *
 * No more tokens than asked for: which size a picture is scaled to, that its
 * map says so, and that it is scaled as the models' own preprocessing does.
 */
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 precision=f32 "

static GstBuffer *
push_random (GstHarness *harness, const gchar *format, gint width, gint height,
    guint32 seed)
{
  GstCaps *caps = frames_caps (format, width, height, NULL);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  return gst_harness_push_and_pull (
      harness, frames_random (&info, seed, FALSE));
}

/* The first meta of the frame; its grid lies in it, from its corner on, at one
 * scale both ways as near as whole pixels allow. */
static GstVitTokensMeta *
check_meta (GstBuffer *frame, guint max_tokens, gdouble width, gdouble height)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  const gdouble *map;
  gdouble scale_x, scale_y;

  g_assert_nonnull (meta);
  g_assert_cmpuint (meta->n_tokens, <=, max_tokens);
  g_assert_cmpfloat (meta->frame_width, ==, width);
  g_assert_cmpfloat (meta->frame_height, ==, height);
  map = gst_vit_tokens_meta_get_map (meta);
  g_assert_cmpfloat (map[1], ==, 0);
  g_assert_cmpfloat (map[3], ==, 0);
  g_assert_cmpfloat (map[0] * meta->grid_width, <=, width + 1e-9);
  g_assert_cmpfloat (map[4] * meta->grid_height, <=, height + 1e-9);
  /* Half a pixel of the scaled picture, of a side of at least one patch. */
  scale_x = map[0] / meta->patch_size;
  scale_y = map[4] / meta->patch_size;
  g_assert_cmpfloat (fabs (scale_x / scale_y - 1), <=, 0.5 / 16 + 1e-9);
  return meta;
}

static void
test_the_grid_is_brought_under_the_limit (void)
{
  static const struct {
    gint width;
    gint height;
    guint max_tokens;
    guint grid_width;
    guint grid_height;
  } cases[] = {
    /* The class token counts. */
    { 224, 224, 197, 14, 14 },
    { 224, 224, 196, 13, 13 },
    { 640, 480, 0, 40, 30 },
    { 640, 480, 1201, 40, 30 },
    { 640, 480, 301, 20, 15 },
    { 641, 479, 301, 20, 15 },
    { 1920, 1080, 257, 21, 12 },
    { 64, 48, 2, 1, 1 },
    { 64, 64, 1, 1, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint most = cases[i].max_tokens == 0 ? G_MAXUINT
                                          : MAX (cases[i].max_tokens, 2);
    gchar *launch = g_strdup_printf (
        ELEMENT "max-tokens=%u", cases[i].max_tokens);
    GstHarness *harness = gst_harness_new_parse (launch);
    GstBuffer *frame = push_random (
        harness, "I420", cases[i].width, cases[i].height, i);
    GstVitTokensMeta *meta
        = check_meta (frame, most, cases[i].width, cases[i].height);

    g_assert_cmpuint (meta->grid_width, ==, cases[i].grid_width);
    g_assert_cmpuint (meta->grid_height, ==, cases[i].grid_height);
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
    g_free (launch);
  }
}

/* Too long and thin for its aspect ratio: no side falls under a patch. */
static void
test_a_side_never_falls_under_one_patch (void)
{
  GstHarness *harness
      = gst_harness_new_parse (ELEMENT "max-tokens=5 prefix-tokens=false");
  GstBuffer *frame = push_random (harness, "RGB", 1000, 20, 1);
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);

  g_assert_cmpuint (meta->grid_width, ==, 5);
  g_assert_cmpuint (meta->grid_height, ==, 1);
  g_assert_cmpfloat (fabs (meta->map[0] - 200), <=, 1e-9);
  g_assert_cmpfloat (fabs (meta->map[4] - 20), <=, 1e-9);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
test_every_format_is_scaled (gconstpointer format)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT "max-tokens=20");
  GstHarness *pad = gst_harness_new_parse (ELEMENT "fit=pad max-tokens=20");

  for (guint32 i = 0; i < 2; i++) {
    GstBuffer *frame = push_random (harness, format, 161, 119, i);
    GstVitTokensMeta *meta;

    check_meta (frame, 20, 161, 119);
    gst_buffer_unref (frame);
    frame = push_random (pad, format, 161, 119, i);
    meta = gst_buffer_get_vit_tokens_meta (frame);
    g_assert_cmpuint (meta->n_tokens, <=, 20);
    g_assert_cmpfloat (meta->map[0] * meta->grid_width, >=, 161 - 1e-9);
    g_assert_cmpfloat (meta->map[4] * meta->grid_height, >=, 119 - 1e-9);
    gst_buffer_unref (frame);
  }
  gst_harness_teardown (harness);
  gst_harness_teardown (pad);
}

/* Planes at odd addresses, with odd strides, in exact halves and otherwise. */
static void
test_frames_may_lie_anywhere (gconstpointer format)
{
  static const guint limits[] = { 13, 40, 21 };
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps (format, 128, 96, NULL);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint32 i = 0; i < G_N_ELEMENTS (limits); i++) {
    GstBuffer *padded = frames_random (&info, i, TRUE), *plain, *a, *b;
    GstVideoFrame from, to;
    gfloat *found, *expected;
    guint n;

    plain = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
    gst_video_frame_map (&from, &info, padded, GST_MAP_READ);
    gst_video_frame_map (&to, &info, plain, GST_MAP_WRITE);
    gst_video_frame_copy (&to, &from);
    gst_video_frame_unmap (&from);
    gst_video_frame_unmap (&to);
    g_object_set (element, "max-tokens", limits[i], NULL);
    a = gst_harness_push_and_pull (harness, padded);
    b = gst_harness_push_and_pull (harness, plain);
    n = check_meta (a, limits[i], 128, 96)->n_tokens * 24;
    found = frames_get_tokens (a, n);
    expected = frames_get_tokens (b, n);
    g_assert_cmpmem (found, n * 4, expected, n * 4);
    g_free (found);
    g_free (expected);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* A smooth gray picture, and the same scaled by the rule that PyTorch's and
 * Pillow's antialiased bicubic follow, in whole numbers. */
static GstBuffer *
make_waves (gint width, gint height)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, (gsize) (width * height), NULL);
  GstMapInfo map;

  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (gint y = 0; y < height; y++) {
    for (gint x = 0; x < width; x++)
      map.data[y * width + x]
          = (guint8) lrint (128 + 60 * sin (x / 9.0) + 50 * cos ((x + 2 * y) / 7.0));
  }
  gst_buffer_unmap (frame, &map);
  return frame;
}

static GstBuffer *
scale_waves (GstBuffer *waves, guint width, guint height, guint to_width,
    guint to_height)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, to_width * to_height, NULL);
  gfloat *table = g_new (gfloat, width * height);
  gfloat *scaled = g_new (gfloat, to_width * to_height);
  GstMapInfo map;

  gst_buffer_map (waves, &map, GST_MAP_READ);
  for (guint i = 0; i < width * height; i++)
    table[i] = map.data[i];
  gst_buffer_unmap (waves, &map);
  g_assert_true (vit_pos_embed_resample (VIT_POSITION_RULE_SIZE_ANTIALIAS,
      table, height, width, 1, to_height, to_width, scaled, NULL));
  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (guint i = 0; i < to_width * to_height; i++)
    map.data[i] = (guint8) CLAMP (lrintf (scaled[i]), 0, 255);
  gst_buffer_unmap (frame, &map);
  g_free (table);
  g_free (scaled);
  return frame;
}

static void
test_pictures_are_scaled_as_models_expect (void)
{
  GstHarness *harness = gst_harness_new_parse (
      ELEMENT "max-tokens=12 prefix-tokens=false");
  GstHarness *plain = gst_harness_new_parse (ELEMENT "prefix-tokens=false");
  GstBuffer *waves = make_waves (256, 192), *small, *frame, *other;
  gfloat *found, *reference;
  gdouble *expected, error;

  gst_harness_set_src_caps (harness, frames_caps ("GRAY8", 256, 192, NULL));
  gst_harness_set_src_caps (plain, frames_caps ("GRAY8", 64, 48, NULL));
  small = scale_waves (waves, 256, 192, 64, 48);
  frame = gst_harness_push_and_pull (harness, waves);
  other = gst_harness_push_and_pull (plain, small);
  found = frames_get_tokens (frame, 12 * 24);
  reference = frames_get_tokens (other, 12 * 24);
  expected = g_new (gdouble, 12 * 24);
  for (guint i = 0; i < 12 * 24; i++)
    expected[i] = reference[i];
  error = frames_relative_error (found, expected, 12 * 24);
  g_test_message ("relative error %g", error);
  /* Two roundings to a byte, of pixels that differ by some 70. */
  g_assert_cmpfloat (error, <=, 0.01);
  g_free (expected);
  g_free (reference);
  g_free (found);
  gst_buffer_unref (frame);
  gst_buffer_unref (other);
  gst_harness_teardown (harness);
  gst_harness_teardown (plain);
}

/* Copies of the pixels, as a frame of their own; of RGB. */
static GstBuffer *
cut (GstBuffer *frame, const GstVideoInfo *info, guint x, guint y, guint width,
    guint height, GstVideoInfo *out_info)
{
  GstBuffer *out;
  GstVideoFrame from, to;

  gst_video_info_set_format (out_info, GST_VIDEO_FORMAT_RGB, width, height);
  out = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (out_info), NULL);
  gst_video_frame_map (&from, info, frame, GST_MAP_READ);
  gst_video_frame_map (&to, out_info, out, GST_MAP_WRITE);
  for (guint row = 0; row < height; row++)
    memcpy ((guint8 *) to.data[0] + row * (guint) to.info.stride[0],
        (guint8 *) from.data[0] + (y + row) * (guint) from.info.stride[0]
            + 3 * x,
        3 * width);
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  return out;
}

static void
test_regions_are_scaled_each_for_itself (void)
{
  GstHarness *harness
      = gst_harness_new_parse (ELEMENT "max-tokens=13 regions=roi");
  GstHarness *alone = gst_harness_new_parse (ELEMENT "max-tokens=13");
  GstCaps *caps = frames_caps ("RGB", 200, 150, NULL);
  GstVideoInfo info, part_info;
  GstBuffer *frame, *part;
  GstVitTokensMeta *meta;
  gfloat *found, *expected;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  part = cut (frame, &info, 31, 17, 128, 96, &part_info);
  gst_buffer_add_video_region_of_interest_meta (frame, "a", 31, 17, 128, 96);
  gst_buffer_add_video_region_of_interest_meta (frame, "b", 3, 5, 33, 49)->id
      = 2;
  frame = gst_harness_push_and_pull (harness, frame);
  gst_harness_set_src_caps (alone, gst_video_info_to_caps (&part_info));
  part = gst_harness_push_and_pull (alone, part);

  found = frames_get_tokens (frame, 13 * 24);
  expected = frames_get_tokens (part, 13 * 24);
  g_assert_cmpmem (found, 13 * 24 * 4, expected, 13 * 24 * 4);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  g_assert_cmpuint (meta->grid_width, ==, 4);
  g_assert_cmpfloat (meta->map[0], ==, 32);
  g_assert_cmpfloat (meta->map[2], ==, 31);
  g_assert_cmpfloat (meta->map[5], ==, 17);
  /* The other fits as it is. */
  meta = gst_buffer_get_vit_tokens_meta_roi (frame, 2);
  g_assert_cmpuint (meta->n_tokens, ==, 7);
  g_assert_cmpfloat (meta->map[0], ==, 16);
  g_free (found);
  g_free (expected);
  gst_buffer_unref (frame);
  gst_buffer_unref (part);
  gst_harness_teardown (harness);
  gst_harness_teardown (alone);
}

/* Of 4:2:0 a region that is scaled grows to whole chroma blocks. */
static void
test_scaled_regions_take_whole_chroma_blocks (void)
{
  GstHarness *harness
      = gst_harness_new_parse (ELEMENT "max-tokens=13 regions=roi");
  GstCaps *caps = frames_caps ("I420", 200, 150, NULL);
  GstVitTokensMeta *odd, *even;
  GstVideoInfo info;
  GstBuffer *frame;
  GstMapInfo a, b;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  gst_buffer_add_video_region_of_interest_meta (frame, "a", 31, 17, 127, 95)
      ->id
      = 1;
  gst_buffer_add_video_region_of_interest_meta (frame, "b", 30, 16, 128, 96)
      ->id
      = 2;
  frame = gst_harness_push_and_pull (harness, frame);
  odd = gst_buffer_get_vit_tokens_meta_roi (frame, 1);
  even = gst_buffer_get_vit_tokens_meta_roi (frame, 2);
  g_assert_cmpmem (odd->map, sizeof odd->map, even->map, sizeof even->map);
  g_assert_cmpfloat (odd->map[2], ==, 30);
  gst_buffer_map (odd->tokens, &a, GST_MAP_READ);
  gst_buffer_map (even->tokens, &b, GST_MAP_READ);
  g_assert_cmpmem (a.data, a.size, b.data, b.size);
  gst_buffer_unmap (odd->tokens, &a);
  gst_buffer_unmap (even->tokens, &b);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
test_the_limit_may_change_at_any_frame (void)
{
  static const guint limits[] = { 0, 7, 13, 0, 2, 13 };
  static const guint expected[] = { 13, 7, 13, 13, 2, 13 };
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps ("NV12", 64, 48, NULL);
  GstBuffer *still;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  still = frames_random (&info, 1, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    GstBuffer *frame;

    g_object_set (element, "max-tokens", limits[i], NULL);
    frame = gst_harness_push_and_pull (harness, gst_buffer_copy (still));
    g_assert_cmpuint (
        gst_buffer_get_vit_tokens_meta (frame)->n_tokens, ==, expected[i]);
    gst_buffer_unref (frame);
  }
  gst_buffer_unref (still);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* The last byte of an RGBx frame holds nothing, but a scaler reads it. */
static void
test_no_byte_past_the_memory_is_scaled (void)
{
  static const gchar *const launches[]
      = { ELEMENT, ELEMENT "max-tokens=2" };

  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = gst_harness_new_parse (launches[i]);
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { 4 * 64 };
    GstBuffer *frame
        = gst_buffer_new_allocate (NULL, 4 * 64 * 48 - 1, NULL);

    gst_buffer_memset (frame, 0, 100, 4 * 64 * 48 - 1);
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_RGBx, 64, 48, 1, offset, stride);
    gst_harness_set_src_caps (harness, frames_caps ("RGBx", 64, 48, NULL));
    g_assert_cmpint (gst_harness_push (harness, frame), ==,
        i == 0 ? GST_FLOW_OK : GST_FLOW_ERROR);
    gst_harness_teardown (harness);
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
        "/max-tokens/every-format-is-scaled/", formats[i].name, NULL);

    g_test_add_data_func (path, formats[i].name, test_every_format_is_scaled);
    g_free (path);
    path = g_strconcat (
        "/max-tokens/frames-may-lie-anywhere/", formats[i].name, NULL);
    g_test_add_data_func (path, formats[i].name, test_frames_may_lie_anywhere);
    g_free (path);
  }
  g_test_add_func ("/max-tokens/the-grid-is-brought-under-the-limit",
      test_the_grid_is_brought_under_the_limit);
  g_test_add_func ("/max-tokens/a-side-never-falls-under-one-patch",
      test_a_side_never_falls_under_one_patch);
  g_test_add_func ("/max-tokens/pictures-are-scaled-as-models-expect",
      test_pictures_are_scaled_as_models_expect);
  g_test_add_func ("/max-tokens/regions-are-scaled-each-for-itself",
      test_regions_are_scaled_each_for_itself);
  g_test_add_func ("/max-tokens/scaled-regions-take-whole-chroma-blocks",
      test_scaled_regions_take_whole_chroma_blocks);
  g_test_add_func ("/max-tokens/no-byte-past-the-memory-is-scaled",
      test_no_byte_past_the_memory_is_scaled);
  g_test_add_func ("/max-tokens/the-limit-may-change-at-any-frame",
      test_the_limit_may_change_at_any_frame);
  return g_test_run ();
}
