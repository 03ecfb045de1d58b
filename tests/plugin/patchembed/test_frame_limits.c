/* SPDX-License-Identifier: MIT
 *
 * What one frame may cost: patches of all its regions together, and memory for
 * tokens and for what computes them.  What is past it is passed over or refused
 * with words; what is not has the tokens that it always has.
 */
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"
#include "support/peak_memory.h"
#include "support/sanitizer.h"

#define ELEMENT                                                                \
  "vitpatchembed embed-dim=24 n-threads=2 precision=f32 regions=roi "

/* An element with its bus, and frames of one format. */
typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
} Stream;

static void
stream_start (Stream *stream, const gchar *launch, gint width, gint height)
{
  GstCaps *caps = frames_caps ("GRAY8", width, height, NULL);

  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
}

static void
stream_stop (Stream *stream)
{
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_harness_teardown (stream->harness);
}

/* Region i: the frame without its last `less` times i columns. */
static GstBuffer *
push (Stream *stream, guint seed, guint n_regions, guint less)
{
  GstBuffer *frame = frames_random (&stream->info, seed, FALSE);

  for (guint i = 0; i < n_regions; i++)
    gst_buffer_add_video_region_of_interest_meta (frame, "thing", 0, 0,
        (guint) GST_VIDEO_INFO_WIDTH (&stream->info) - less * i,
        (guint) GST_VIDEO_INFO_HEIGHT (&stream->info))
        ->id
        = (gint) i;
  return gst_harness_push_and_pull (stream->harness, frame);
}

/* The regions that have tokens, which must be the first. */
static guint
count_first (GstBuffer *frame)
{
  guint n = gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE);

  for (guint i = 0; i < n; i++)
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta_roi (frame, (gint) i));
  return n;
}

/* One warning with these words, and no other. */
static void
assert_one_warning (Stream *stream, const gchar *words)
{
  GstMessage *message
      = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_WARNING);
  GError *error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  g_assert_nonnull (strstr (error->message, words));
  g_clear_error (&error);
  gst_message_unref (message);
  g_assert_null (gst_bus_pop_filtered (
      stream->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}

/* 40 x 30 patches a frame; each region has a column less than the one before. */
static void
test_regions_have_as_many_patches_as_16_frames (void)
{
  Stream stream;
  guint n_patches = 0, expected = 0;
  gchar *words;

  while (n_patches + (40 - expected) * 30 <= 16 * 40 * 30)
    n_patches += (40 - expected++) * 30;
  g_assert_cmpuint (expected, <, 30);
  words = g_strdup_printf ("Only the first %u of 30 regions", expected);
  stream_start (&stream, ELEMENT, 640, 480);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = push (&stream, i, 30, 16);

    g_assert_cmpuint (count_first (frame), ==, expected);
    gst_buffer_unref (frame);
  }
  assert_one_warning (&stream, words);
  stream_stop (&stream);
  g_free (words);
}

/* Their patches count after scaling, but not as less than an eighth of before:
 * 150 each of 16 times 1200. */
static void
test_scaled_regions_count_for_less (void)
{
  Stream stream;
  GstBuffer *frame;

  stream_start (&stream, ELEMENT "max-tokens=26", 640, 480);
  frame = push (&stream, 1, 130, 0);
  g_assert_cmpuint (count_first (frame), ==, 128);
  gst_buffer_unref (frame);
  assert_one_warning (&stream, "Only the first 128 of 130 regions");
  /* 300 patches, of which an eighth is less. */
  g_object_set (stream.element, "max-tokens", 301, NULL);
  frame = push (&stream, 2, 65, 0);
  g_assert_cmpuint (count_first (frame), ==, 64);
  gst_buffer_unref (frame);
  stream_stop (&stream);
}

/* 16 times four patches would be few. */
static void
test_small_frames_may_have_many_regions (void)
{
  Stream stream;
  GstBuffer *frame;

  stream_start (&stream, ELEMENT, 32, 32);
  frame = push (&stream, 1, 512, 0);
  g_assert_cmpuint (count_first (frame), ==, 512);
  gst_buffer_unref (frame);
  g_assert_null (gst_bus_pop_filtered (stream.bus, GST_MESSAGE_WARNING));
  stream_stop (&stream);
}

/* Bytes of being ready for whole frames, and of one frame's tokens. */
static guint64
measure (const GstVideoInfo *info, guint64 *tokens)
{
  VitPatchEmbedSettings settings = frames_default_settings ();
  VitImageFormat format = { .pixel = vit_pixel_format_find ("GRAY8"),
    .width = (guint) GST_VIDEO_INFO_WIDTH (info),
    .height = (guint) GST_VIDEO_INFO_HEIGHT (info) };
  VitModel *model = vit_model_new_builtin (16, 24, NULL);
  VitPatchEmbed *embed;
  VitTokensShape shape;
  guint64 memory;

  settings.precision = VIT_PRECISION_F32;
  settings.n_workers = 2;
  embed = vit_patch_embed_new (model, &settings, NULL);
  g_assert_true (vit_patch_embed_measure (embed, &format, &shape, NULL));
  memory = vit_patch_embed_memory (embed, &format, &shape);
  *tokens = (guint64) shape.n_tokens * shape.embed_dim * sizeof (gfloat);
  vit_patch_embed_free (embed);
  vit_model_unref (model);
  return memory + 2 * *tokens;
}

/* NULL: the frame passed with tokens; else (transfer full) the error. */
static GError *
try_frame (guint64 max_memory)
{
  gchar *launch = g_strdup_printf (
      ELEMENT "regions=frame max-memory=%" G_GUINT64_FORMAT, max_memory);
  GError *error = NULL;
  GstMessage *message;
  Stream stream;

  stream_start (&stream, launch, 320, 240);
  message = gst_bus_pop_filtered (stream.bus, GST_MESSAGE_ERROR);
  if (message != NULL) {
    gst_message_parse_error (message, &error, NULL);
    gst_message_unref (message);
  } else {
    GstBuffer *frame = push (&stream, 1, 0, 0);

    g_assert_nonnull (gst_buffer_get_vit_tokens_meta (frame));
    gst_buffer_unref (frame);
  }
  stream_stop (&stream);
  g_free (launch);
  return error;
}

static void
test_frames_that_take_too_much_are_refused (void)
{
  GstVideoInfo info;
  guint64 tokens, memory;
  GError *error;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, 320, 240);
  memory = measure (&info, &tokens);
  error = try_frame (0);
  g_assert_no_error (error);
  error = try_frame (memory);
  g_assert_no_error (error);
  error = try_frame (memory - 1);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "301 tokens of 24 numbers"));
  g_assert_nonnull (strstr (error->message, "'max-memory' allows"));
  g_assert_nonnull (strstr (error->message, "'max-tokens'"));
  g_clear_error (&error);
}

/* A patch of one pixel whose token has thousands of numbers: by default it is
 * refused where a frame of it takes gigabytes. */
static void
test_the_default_bounds_tokens_of_single_pixels (void)
{
  const gchar *launch = "vitpatchembed patch-size=1 embed-dim=2000";
  Stream stream;
  GstMessage *message;

  stream_start (&stream, launch, 640, 400);
  message = gst_bus_pop_filtered (stream.bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_unref (message);
  stream_stop (&stream);
}

static void
assert_same_tokens (GstBuffer *a, GstBuffer *b, gint id)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_roi (a, id);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
  g_assert_cmpint (
      gst_buffer_memcmp (gst_buffer_get_vit_tokens_meta_roi (b, id)->tokens, 0,
          map.data, map.size),
      ==, 0);
  gst_buffer_unmap (meta->tokens, &map);
}

/* Room for one size, and the tokens of one region more. */
static void
test_regions_without_room_are_passed_over (void)
{
  GstVideoInfo info;
  guint64 tokens, memory;
  Stream stream, unlimited;
  gchar *launch;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, 320, 240);
  memory = measure (&info, &tokens);
  launch = g_strdup_printf (
      ELEMENT "max-memory=%" G_GUINT64_FORMAT, memory + tokens);
  stream_start (&stream, launch, 320, 240);
  stream_start (&unlimited, ELEMENT, 320, 240);
  for (guint i = 0; i < 4; i++) {
    /* Of one size, and of two. */
    guint less = i % 2 * 16;
    GstBuffer *frame = push (&stream, i / 2, 4, less);
    GstBuffer *expected = push (&unlimited, i / 2, 4, less);

    g_assert_cmpuint (count_first (expected), ==, 4);
    g_assert_cmpuint (count_first (frame), ==, 2);
    assert_same_tokens (frame, expected, 0);
    assert_same_tokens (frame, expected, 1);
    gst_buffer_unref (frame);
    gst_buffer_unref (expected);
  }
  assert_one_warning (&stream, "Only the first 2 of 4 regions");
  stream_stop (&stream);
  stream_stop (&unlimited);
  g_free (launch);
}

/* 11 MB of tokens each, and as much that makes them. */
static void
test_many_sizes_stay_within_the_limit (void)
{
  const gsize limit = 64 << 20, beside = 24 << 20;
  gchar *launch = g_strdup_printf ("vitpatchembed n-threads=2 regions=roi "
                                   "max-memory=%" G_GSIZE_FORMAT, limit);
  Stream stream;
  gsize before;

#ifdef SANITIZER
  g_test_skip ("a sanitizer takes memory of its own");
  g_free (launch);
  return;
#endif
  stream_start (&stream, launch, 1280, 720);
  before = peak_memory ();
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = push (&stream, i, 16, i % 2 * 16 + 1);

    g_assert_cmpuint (count_first (frame), >=, 3);
    gst_buffer_unref (frame);
  }
  g_test_message ("%" G_GSIZE_FORMAT " KiB", (peak_memory () - before) / 1024);
  g_assert_cmpuint (peak_memory () - before, <=, limit + beside);
  stream_stop (&stream);
  g_free (launch);
}

static void
set_flag (gpointer data, GstMiniObject *object)
{
  *(gboolean *) data = TRUE;
}

static void
test_what_is_not_used_again_is_given_up (void)
{
  gboolean is_freed = FALSE;
  GstVitTokensMeta *meta;
  GstBuffer *frame;
  Stream stream;

  stream_start (&stream, ELEMENT, 64, 64);
  frame = push (&stream, 1, 1, 0);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  gst_mini_object_weak_ref (
      GST_MINI_OBJECT_CAST (meta->tokens), set_flag, &is_freed);
  gst_buffer_unref (frame);
  for (guint i = 0; i < 30; i++) {
    gst_buffer_unref (push (&stream, i, 0, 0));
    g_assert_false (is_freed);
  }
  gst_buffer_unref (push (&stream, 0, 0, 0));
  g_assert_true (is_freed);
  /* And made again. */
  frame = push (&stream, 1, 1, 0);
  g_assert_cmpuint (count_first (frame), ==, 1);
  gst_buffer_unref (frame);
  stream_stop (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  peak_memory_of_blocks_held ();
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/frame-limits/regions-have-as-many-patches-as-16-frames",
      test_regions_have_as_many_patches_as_16_frames);
  g_test_add_func ("/frame-limits/scaled-regions-count-for-less",
      test_scaled_regions_count_for_less);
  g_test_add_func ("/frame-limits/small-frames-may-have-many-regions",
      test_small_frames_may_have_many_regions);
  g_test_add_func ("/frame-limits/frames-that-take-too-much-are-refused",
      test_frames_that_take_too_much_are_refused);
  g_test_add_func ("/frame-limits/the-default-bounds-tokens-of-single-pixels",
      test_the_default_bounds_tokens_of_single_pixels);
  g_test_add_func ("/frame-limits/regions-without-room-are-passed-over",
      test_regions_without_room_are_passed_over);
  g_test_add_func ("/frame-limits/many-sizes-stay-within-the-limit",
      test_many_sizes_stay_within_the_limit);
  g_test_add_func ("/frame-limits/what-is-not-used-again-is-given-up",
      test_what_is_not_used_again_is_given_up);
  return g_test_run ();
}
