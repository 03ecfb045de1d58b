/* SPDX-License-Identifier: MIT
 *
 * Tokens of patches that did not change: kept to the last bit, recomputed where
 * something changed and nowhere else, never drifting, and forgotten wherever the
 * stream is not one.
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define WIDTH 96
#define HEIGHT 64
#define COLUMNS (WIDTH / 16)
#define N_PATCHES (COLUMNS * (HEIGHT / 16))
#define EMBED_DIM 24
#define N_VALUES ((1 + N_PATCHES) * EMBED_DIM)
#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 "

typedef struct {
  GstHarness *harness;
  GstCaps *caps;
  GstVideoInfo info;
} Stream;

static void
stream_init (Stream *stream, const gchar *launch, const gchar *format)
{
  stream->harness = gst_harness_new_parse (launch);
  stream->caps = frames_caps (format, WIDTH, HEIGHT, NULL);
  g_assert_true (gst_video_info_from_caps (&stream->info, stream->caps));
  gst_harness_set_caps (stream->harness, gst_caps_ref (stream->caps),
      gst_caps_ref (stream->caps));
}

static void
stream_clear (Stream *stream)
{
  gst_harness_teardown (stream->harness);
  gst_caps_unref (stream->caps);
}

static GstBuffer *
push_copy (Stream *stream, GstBuffer *frame)
{
  return gst_harness_push_and_pull (
      stream->harness, gst_buffer_copy_deep (frame));
}

static guint
count_changed (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  guint n = 0;

  g_assert_nonnull (meta);
  for (guint i = 0; i < meta->n_tokens; i++)
    n += gst_vit_tokens_meta_is_changed (meta, i);
  return n;
}

/* The tokens must be those that a new element gives the same frame. */
static void
check_against_fresh (
    const gchar *launch, const gchar *format, GstBuffer *frame)
{
  GstBuffer *plain = gst_buffer_new (), *out;
  GstMapInfo found, expected;
  Stream fresh;

  gst_buffer_copy_into (
      plain, frame, GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_DEEP, 0, -1);
  stream_init (&fresh, launch, format);
  out = gst_harness_push_and_pull (fresh.harness, plain);
  gst_buffer_map (
      gst_buffer_get_vit_tokens_meta (frame)->tokens, &found, GST_MAP_READ);
  gst_buffer_map (
      gst_buffer_get_vit_tokens_meta (out)->tokens, &expected, GST_MAP_READ);
  g_assert_cmpmem (found.data, found.size, expected.data, expected.size);
  gst_buffer_unmap (gst_buffer_get_vit_tokens_meta (frame)->tokens, &found);
  gst_buffer_unmap (gst_buffer_get_vit_tokens_meta (out)->tokens, &expected);
  gst_buffer_unref (out);
  stream_clear (&fresh);
}

static void
change_byte (GstBuffer *frame, gsize offset, gint difference)
{
  GstMapInfo map;

  gst_buffer_map (frame, &map, GST_MAP_READWRITE);
  map.data[offset] = (guint8) (map.data[offset] + difference);
  gst_buffer_unmap (frame, &map);
}

static void
test_a_still_frame_carries_the_same_memory (void)
{
  Stream stream;
  GstBuffer *frame, *first, *second;

  stream_init (&stream, ELEMENT, "I420");
  frame = frames_random (&stream.info, 1, FALSE);
  first = push_copy (&stream, frame);
  second = push_copy (&stream, frame);
  g_assert_true (gst_buffer_get_vit_tokens_meta (first)->tokens
      == gst_buffer_get_vit_tokens_meta (second)->tokens);
  g_assert_cmpuint (count_changed (first), ==, 1 + N_PATCHES);
  g_assert_cmpuint (count_changed (second), ==, 0);
  gst_buffer_unref (first);
  gst_buffer_unref (second);
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

static void
check_one_change (const gchar *launch, const gchar *format)
{
  Stream stream;
  GstBuffer *frame;

  stream_init (&stream, launch, format);
  frame = frames_random (&stream.info, 2, FALSE);
  gst_buffer_unref (push_copy (&stream, frame));
  for (guint i = 0; i < 12; i++) {
    guint x = i * 37 % WIDTH, y = i * 29 % HEIGHT;
    guint patch = y / 16 * COLUMNS + x / 16;
    GstVitTokensMeta *meta;
    GstBuffer *out;

    change_byte (frame,
        y * (guint) GST_VIDEO_INFO_PLANE_STRIDE (&stream.info, 0)
            + x * (guint) GST_VIDEO_INFO_COMP_PSTRIDE (&stream.info, 0),
        1);
    out = push_copy (&stream, frame);
    meta = gst_buffer_get_vit_tokens_meta (out);
    g_assert_cmpuint (count_changed (out), ==, 1);
    g_assert_true (gst_vit_tokens_meta_is_changed (meta, 1 + patch));
    check_against_fresh (launch, format, out);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

static void
test_one_change_renews_one_token (void)
{
  static const gchar *const precisions[]
      = { ELEMENT "precision=f32", ELEMENT "precision=int16" };
  static const gchar *const formats[]
      = { "I420", "NV12", "RGB", "BGRx", "GRAY8", "YUY2" };

  for (guint p = 0; p < G_N_ELEMENTS (precisions); p++) {
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
      check_one_change (precisions[p], formats[f]);
  }
}

/* Patches that the frame covers only in part, and those that share chroma with
 * their neighbours: byte `x` of row `y` is of a sample that `n_patches` read. */
static void
check_odd_patches (const gchar *launch, const gchar *format, guint plane,
    guint x, guint y, guint n_patches)
{
  GstBuffer *frame, *first, *out;
  Stream stream;

  stream_init (&stream, launch, format);
  frame = frames_random (&stream.info, 3, FALSE);
  first = push_copy (&stream, frame);
  out = push_copy (&stream, frame);
  g_assert_true (gst_buffer_get_vit_tokens_meta (first)->tokens
      == gst_buffer_get_vit_tokens_meta (out)->tokens);
  g_assert_cmpuint (count_changed (out), ==, 0);
  gst_buffer_unref (first);
  gst_buffer_unref (out);

  for (guint i = 0; i < 3; i++) {
    change_byte (frame,
        GST_VIDEO_INFO_PLANE_OFFSET (&stream.info, plane)
            + y * (guint) GST_VIDEO_INFO_PLANE_STRIDE (&stream.info, plane) + x,
        1);
    out = push_copy (&stream, frame);
    g_assert_cmpuint (count_changed (out), ==, n_patches);
    check_against_fresh (launch, format, out);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

static void
test_odd_and_padded_patches_are_kept_too (void)
{
  static const gchar *const precisions[]
      = { ELEMENT "precision=f32 ", ELEMENT "precision=int16 " };

  for (guint p = 0; p < G_N_ELEMENTS (precisions); p++) {
    gchar *odd = g_strconcat (precisions[p], "patch-size=7", NULL);
    gchar *odd_padded
        = g_strconcat (precisions[p], "patch-size=13 fit=pad", NULL);
    gchar *padded = g_strconcat (precisions[p], "patch-size=20 fit=pad", NULL);

    /* Luma is never shared; chroma of pixels 6 and 7 by four patches at a
     * corner, of pixels 8 and 9 by none. */
    check_odd_patches (odd, "I420", 0, 10, 10, 1);
    check_odd_patches (odd, "I420", 1, 3, 3, 4);
    check_odd_patches (odd, "NV12", 1, 2 * 3, 4, 2);
    check_odd_patches (odd, "Y42B", 2, 3, 6, 2);
    check_odd_patches (odd, "Y42B", 2, 4, 7, 1);
    check_odd_patches (odd_padded, "I420", 0, WIDTH - 1, HEIGHT - 1, 1);
    check_odd_patches (odd_padded, "I420", 2, 6, 3, 2);
    check_odd_patches (padded, "I420", 0, WIDTH - 1, HEIGHT - 1, 1);
    check_odd_patches (padded, "I420", 1, WIDTH / 2 - 1, 0, 1);
    check_odd_patches (padded, "RGB", 0, 3 * WIDTH - 1, 0, 1);
    check_odd_patches (padded, "BGRx", 0, 4 * WIDTH - 2, HEIGHT - 1, 1);
    g_free (odd);
    g_free (odd_padded);
    g_free (padded);
  }
}

/* Each frame is one brighter than the last: with a tolerance of 2 every third
 * frame is computed, always from what is there then. */
static void
test_a_tolerance_bounds_the_difference_and_never_drifts (void)
{
  Stream stream;
  GstBuffer *frame;

  stream_init (&stream, ELEMENT "reuse-tolerance=2", "GRAY8");
  frame = gst_buffer_new_allocate (
      NULL, GST_VIDEO_INFO_SIZE (&stream.info), NULL);
  for (guint i = 0; i < 30; i++) {
    GstBuffer *out;

    gst_buffer_memset (
        frame, 0, (guint8) (50 + i), GST_VIDEO_INFO_SIZE (&stream.info));
    out = push_copy (&stream, frame);
    if (i % 3 == 0)
      check_against_fresh (ELEMENT, "GRAY8", out);
    else
      g_assert_cmpuint (count_changed (out), ==, 0);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

static void
test_reuse_can_be_turned_off (void)
{
  Stream stream;
  GstBuffer *frame;

  stream_init (&stream, ELEMENT "reuse-tokens=false", "I420");
  frame = frames_random (&stream.info, 1, FALSE);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *out = push_copy (&stream, frame);

    g_assert_cmpuint (count_changed (out), ==, 1 + N_PATCHES);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

/* After each of these "the frame before" is not this stream's any more. */
typedef enum {
  FLUSHED,     /* as by a seek; a segment follows every flush */
  NEW_SEGMENT, /* a seek without one */
  NEW_STREAM,
  GAP,
  OTHER_MATRIX, /* caps of the same size and format */
  OTHER_SIZE_AND_BACK,
  OTHER_PROPERTY,
  N_INTERRUPTIONS
} Interruption;

static void
push_segment (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
}

static void
set_caps (Stream *stream, gint width, const gchar *colorimetry)
{
  gst_harness_set_src_caps (
      stream->harness, frames_caps ("I420", width, HEIGHT, colorimetry));
}

/* Properties that decide what tokens are may change while no data flows. */
static void
change_property (Stream *stream)
{
  GstElement *element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  const gdouble mean = 0.25;
  GValue triple = G_VALUE_INIT, value = G_VALUE_INIT;

  g_value_init (&triple, GST_TYPE_ARRAY);
  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, mean);
  for (guint c = 0; c < 3; c++)
    gst_value_array_append_value (&triple, &value);
  gst_element_set_state (element, GST_STATE_READY);
  g_object_set_property (G_OBJECT (element), "mean", &triple);
  gst_element_set_state (element, GST_STATE_PLAYING);
  g_value_unset (&value);
  g_value_unset (&triple);
  gst_object_unref (element);
  /* A pad that was not active has forgotten what came before. */
  gst_harness_push_event (
      stream->harness, gst_event_new_stream_start ("again"));
  set_caps (stream, WIDTH, NULL);
  push_segment (stream);
}

static void
interrupt (Stream *stream, Interruption how)
{

  switch (how) {
    case FLUSHED:
      gst_harness_push_event (stream->harness, gst_event_new_flush_start ());
      gst_harness_push_event (
          stream->harness, gst_event_new_flush_stop (TRUE));
      push_segment (stream);
      return;
    case NEW_SEGMENT:
      push_segment (stream);
      return;
    case NEW_STREAM:
      gst_harness_push_event (
          stream->harness, gst_event_new_stream_start ("another"));
      push_segment (stream);
      return;
    case GAP:
      gst_harness_push_event (
          stream->harness, gst_event_new_gap (0, 40 * GST_MSECOND));
      return;
    case OTHER_MATRIX:
      set_caps (stream, WIDTH, "bt709");
      return;
    case OTHER_SIZE_AND_BACK:
      set_caps (stream, WIDTH + 16, NULL);
      set_caps (stream, WIDTH, NULL);
      return;
    default:
      change_property (stream);
  }
}

static void
test_an_interrupted_stream_starts_anew (void)
{
  for (guint how = 0; how < N_INTERRUPTIONS; how++) {
    GstBuffer *frame, *out;
    Stream stream;

    stream_init (&stream, ELEMENT, "I420");
    frame = frames_random (&stream.info, 1, FALSE);
    gst_buffer_unref (push_copy (&stream, frame));
    /* Nothing else is in the way of keeping them. */
    out = push_copy (&stream, frame);
    g_assert_cmpuint (count_changed (out), ==, 0);
    gst_buffer_unref (out);
    interrupt (&stream, (Interruption) how);
    out = push_copy (&stream, frame);
    g_assert_nonnull (out);
    if (count_changed (out) != 1 + N_PATCHES)
      g_error ("interruption %u: tokens were kept", how);
    gst_buffer_unref (out);
    /* And the stream goes on as before. */
    out = push_copy (&stream, frame);
    g_assert_cmpuint (count_changed (out), ==, 0);
    gst_buffer_unref (out);
    gst_buffer_unref (frame);
    stream_clear (&stream);
  }
}

static guint
pull_changed (GstElement *sink)
{
  GstSample *sample = gst_app_sink_try_pull_sample (
      GST_APP_SINK (sink), 10 * GST_SECOND);
  guint n;

  g_assert_nonnull (sample);
  n = count_changed (gst_sample_get_buffer (sample));
  gst_sample_unref (sample);
  return n;
}

/* The same by a seek in a pipeline, to a frame like those before. */
static void
test_a_seek_starts_anew (void)
{
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc pattern=smpte75 ! video/x-raw,format=I420,width=96,"
      "height=64 ! " ELEMENT " ! appsink name=sink sync=false max-buffers=1",
      NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_assert_cmpuint (pull_changed (sink), ==, 1 + N_PATCHES);
  g_assert_cmpuint (pull_changed (sink), ==, 0);
  g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SECOND));
  g_assert_cmpuint (pull_changed (sink), ==, 1 + N_PATCHES);
  g_assert_cmpuint (pull_changed (sink), ==, 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

static void
test_stats_count_what_was_kept (void)
{
  guint64 computed, reused;
  GstElement *element;
  GstStructure *stats;
  GstBuffer *frame;
  Stream stream;

  stream_init (&stream, ELEMENT, "I420");
  element = gst_harness_find_element (stream.harness, "vitpatchembed");
  frame = frames_random (&stream.info, 1, FALSE);
  gst_buffer_unref (push_copy (&stream, frame));
  change_byte (frame, 0, 1);
  gst_buffer_unref (push_copy (&stream, frame));
  gst_buffer_unref (push_copy (&stream, frame));
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get (stats, "computed", G_TYPE_UINT64,
      &computed, "reused", G_TYPE_UINT64, &reused, NULL));
  g_assert_cmpuint (computed, ==, N_PATCHES + 1);
  g_assert_cmpuint (reused, ==, 2 * N_PATCHES - 1);
  gst_structure_free (stats);
  gst_object_unref (element);
  gst_buffer_unref (frame);
  stream_clear (&stream);
}

static void
test_16_bit_tokens_are_rounded_from_the_same_values (void)
{
  static const gchar *const formats[] = { "f16", "bf16" };
  GstBuffer *frame, *out;
  gfloat *values;
  Stream stream;

  stream_init (&stream, ELEMENT, "I420");
  frame = frames_random (&stream.info, 1, FALSE);
  out = push_copy (&stream, frame);
  values = frames_get_tokens (out, N_VALUES);
  gst_buffer_unref (out);
  stream_clear (&stream);
  for (guint f = 0; f < 2; f++) {
    gchar *launch = g_strconcat (ELEMENT "token-format=", formats[f], NULL);
    guint16 expected[N_VALUES];
    GstVitTokensMeta *meta;
    GstMapInfo map;

    vit_token_type_write (
        f == 0 ? VIT_TOKEN_F16 : VIT_TOKEN_BF16, values, N_VALUES, expected);
    stream_init (&stream, launch, "I420");
    gst_buffer_unref (push_copy (&stream, frame));
    change_byte (frame, 0, 1);
    gst_buffer_unref (push_copy (&stream, frame));
    change_byte (frame, 0, -1);
    out = push_copy (&stream, frame);
    meta = gst_buffer_get_vit_tokens_meta (out);
    g_assert_cmpint (meta->format, ==,
        f == 0 ? GST_VIT_TOKEN_FORMAT_F16 : GST_VIT_TOKEN_FORMAT_BF16);
    gst_buffer_map (meta->tokens, &map, GST_MAP_READ);
    g_assert_cmpmem (map.data, map.size, expected, sizeof expected);
    gst_buffer_unmap (meta->tokens, &map);
    gst_buffer_unref (out);
    stream_clear (&stream);
    g_free (launch);
  }
  g_free (values);
  gst_buffer_unref (frame);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reuse/a-still-frame-carries-the-same-memory",
      test_a_still_frame_carries_the_same_memory);
  g_test_add_func (
      "/reuse/one-change-renews-one-token", test_one_change_renews_one_token);
  g_test_add_func ("/reuse/odd-and-padded-patches-are-kept-too",
      test_odd_and_padded_patches_are_kept_too);
  g_test_add_func (
      "/reuse/a-tolerance-bounds-the-difference-and-never-drifts",
      test_a_tolerance_bounds_the_difference_and_never_drifts);
  g_test_add_func (
      "/reuse/reuse-can-be-turned-off", test_reuse_can_be_turned_off);
  g_test_add_func ("/reuse/an-interrupted-stream-starts-anew",
      test_an_interrupted_stream_starts_anew);
  g_test_add_func ("/reuse/a-seek-starts-anew", test_a_seek_starts_anew);
  g_test_add_func (
      "/reuse/stats-count-what-was-kept", test_stats_count_what_was_kept);
  g_test_add_func (
      "/reuse/16-bit-tokens-are-rounded-from-the-same-values",
      test_16_bit_tokens_are_rounded_from_the_same_values);
  return g_test_run ();
}
