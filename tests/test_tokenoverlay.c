/* SPDX-License-Identifier: MIT
 *
 * vittokenoverlay: pixels where the metadata says, of the right colours, on
 * every format, blended or attached; clicks; and the positions that
 * vitpatchembed tells when it is asked.
 *
 * By hand, a frame is 64 x 48 pixels with 4 x 3 patches of 16 x 16 and one
 * prefix token: 13 tokens of 2 values.
 */
#include <gst/check/gstharness.h>
#include <gst/controller/controller.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "gstvittokensmeta.h"
#include "shade.h"
#include "token_type.h"

#define WIDTH 64
#define HEIGHT 48
#define COLUMNS 4
#define ROWS 3
#define N_TOKENS 13
#define OVERLAY_CAPS                                                          \
  "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition),"         \
  "format=RGBA,width=64,height=48,framerate=25/1"

/* Angles of the patches' tokens, in degrees; lengths are patch + 1. */
static const gdouble angles[12]
    = { 0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330 };

static GstBuffer *
make_tokens (GstVitTokenFormat format)
{
  gfloat values[N_TOKENS][2] = { { 100, -100 } };
  guint8 bytes[sizeof values];

  for (guint i = 0; i < 12; i++) {
    values[i + 1][0] = (gfloat) ((i + 1) * cos (angles[i] * G_PI / 180));
    values[i + 1][1] = (gfloat) ((i + 1) * sin (angles[i] * G_PI / 180));
  }
  vit_token_type_write (
      (VitTokenType) format, values[0], 2 * N_TOKENS, bytes);
  return gst_buffer_new_memdup (
      bytes, 2 * N_TOKENS * gst_vit_token_format_get_size (format));
}

static GstVitTokensMeta *
add_meta (GstBuffer *frame, GstVitTokenFormat format)
{
  GstBuffer *tokens = make_tokens (format), *none = gst_buffer_new ();
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      format, 1, COLUMNS, ROWS, 16, 2, WIDTH, HEIGHT, "test");

  gst_vit_tokens_meta_set_positions (meta, none);
  gst_buffer_unref (tokens);
  gst_buffer_unref (none);
  return meta;
}

static void
set_changed (GstVitTokensMeta *meta, guint patch)
{
  guint8 bits[2] = { 0 };
  GBytes *bytes;

  bits[(patch + 1) / 8] = (guint8) (1 << (patch + 1) % 8);
  bytes = g_bytes_new (bits, sizeof bits);
  gst_vit_tokens_meta_set_changed (meta, bytes);
  g_bytes_unref (bytes);
}

static GstBuffer *
new_frame (GstVideoFormat format, guint8 value)
{
  GstVideoInfo info;
  GstBuffer *frame;

  gst_video_info_set_format (&info, format, WIDTH, HEIGHT);
  frame = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  gst_buffer_memset (frame, 0, value, GST_VIDEO_INFO_SIZE (&info));
  return frame;
}

static GstHarness *
new_harness (const gchar *launch, const gchar *format)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, WIDTH,
      HEIGHT);

  gst_harness_set_src_caps_str (harness, caps);
  g_free (caps);
  return harness;
}

#define QUIET "vittokenoverlay legend=false opacity=1 "

/* The pixel of an RGBA frame of `width`, as 0xRRGGBB. */
static guint32
get_pixel (GstBuffer *frame, guint width, guint x, guint y)
{
  guint8 rgba[4];

  g_assert_cmpuint (
      gst_buffer_extract (frame, 4 * (gsize) (y * width + x), rgba, 4), ==, 4);
  return (guint32) rgba[0] << 16 | (guint32) rgba[1] << 8 | rgba[2];
}

static void
assert_near (guint32 found, guint32 expected)
{
  for (guint shift = 0; shift < 24; shift += 8)
    g_assert_cmpint (
        abs ((gint) (found >> shift & 255) - (gint) (expected >> shift & 255)),
        <=, 1);
}

/* The middle of every patch of a 64 x 48 RGBA frame has the colour of the cosine
 * with patch `query`, from the least to 1. */
static void
check_similarity (GstBuffer *frame, guint query)
{
  for (guint i = 0; i < 12; i++) {
    gdouble cosine = cos ((angles[i] - angles[query]) * G_PI / 180);
    guint32 expected = vit_shade_value ((gfloat) ((cosine + 1) / 2), 1);

    assert_near (get_pixel (frame, WIDTH, i % 4 * 16 + 8, i / 4 * 16 + 8),
        expected & 0xffffff);
  }
}

static void
test_similarity_is_the_cosine (void)
{
  for (guint format = 0; format <= GST_VIT_TOKEN_FORMAT_BF16; format++) {
    GstHarness *harness
        = new_harness (QUIET "mode=similarity x=17 y=47", "RGBA");
    GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 255);

    add_meta (frame, (GstVitTokenFormat) format);
    frame = gst_harness_push_and_pull (harness, frame);
    check_similarity (frame, 9);
    /* The frame around it. */
    g_assert_cmphex (get_pixel (frame, WIDTH, 16, 32), ==, 0xffffff);
    g_assert_cmphex (get_pixel (frame, WIDTH, 31, 47), ==, 0xffffff);
    g_assert_cmphex (get_pixel (frame, WIDTH, 15, 32), !=, 0xffffff);
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta (frame));
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

static void
count_notify (GObject *object G_GNUC_UNUSED, GParamSpec *pspec G_GNUC_UNUSED,
    gpointer data)
{
  (*(guint *) data)++;
}

static void
test_a_click_chooses_another_patch (void)
{
  GstHarness *harness = new_harness (QUIET "mode=similarity", "RGBA");
  GstElement *element
      = gst_harness_find_element (harness, "vittokenoverlay");
  guint n_notified = 0;
  GstBuffer *frame;
  GstEvent *event;
  gint x, y;

  g_signal_connect (
      element, "notify::x", G_CALLBACK (count_notify), &n_notified);
  for (guint turn = 0; turn < 3; turn++) {
    frame = new_frame (GST_VIDEO_FORMAT_RGBA, 255);
    add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    frame = gst_harness_push_and_pull (harness, frame);
    /* At first, the one in the middle; a move of the mouse is no click. */
    check_similarity (frame, turn < 2 ? 6 : 3);
    gst_buffer_unref (frame);
    event = turn == 0 ? gst_navigation_event_new_mouse_move (
                            50, 2, GST_NAVIGATION_MODIFIER_NONE)
                      : gst_navigation_event_new_mouse_button_press (
                          1, 50.7, 2, GST_NAVIGATION_MODIFIER_NONE);
    gst_harness_push_upstream_event (harness, event);
    /* Who is upstream hears of it too. */
    event = gst_harness_pull_upstream_event (harness);
    while (GST_EVENT_TYPE (event) != GST_EVENT_NAVIGATION) {
      gst_event_unref (event);
      event = gst_harness_pull_upstream_event (harness);
    }
    gst_event_unref (event);
  }
  g_object_get (element, "x", &x, "y", &y, NULL);
  g_assert_cmpint (x, ==, 50);
  g_assert_cmpint (y, ==, 2);
  g_assert_cmpuint (n_notified, ==, 2);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_norm_goes_from_least_to_greatest (void)
{
  GstHarness *harness = new_harness (QUIET "mode=norm", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 255);

  add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint i = 0; i < 12; i++)
    assert_near (get_pixel (frame, WIDTH, i % 4 * 16, i / 4 * 16),
        vit_shade_value ((gfloat) i / 11, 1) & 0xffffff);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Only the pixels of patch (1, 2), which behind the scaler are 32 x 8. */
static void
test_drawn_where_the_scaled_map_says (void)
{
  GstHarness *harness = new_harness (
      "videoscale ! video/x-raw,width=128,height=24,pixel-aspect-ratio=1/4 ! "
      QUIET "mode=changed", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  set_changed (add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 2 * COLUMNS + 1);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (gst_buffer_get_size (frame), ==, 128 * 24 * 4);
  for (guint y = 0; y < 24; y++) {
    for (guint x = 0; x < 128; x++)
      g_assert_cmphex (get_pixel (frame, 128, x, y), ==,
          x >= 32 && x < 64 && y >= 16 ? 0xff8000 : 0);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Two regions, the second reaching out of the frame. */
static void
test_every_meta_is_drawn (void)
{
  static const gdouble maps[2][6]
      = { { 4, 0, 0, 0, 4, 0 }, { 8, 0, 40, 0, 8, 30 } };
  GstHarness *harness = new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  for (guint i = 0; i < 2; i++)
    gst_vit_tokens_meta_set_map (
        add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), maps[i]);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmphex (get_pixel (frame, WIDTH, x, y), ==,
          (x < 16 && y < 12) || (x >= 40 && y >= 30) ? 0xff8000 : 0);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* What an encoder attached hides what it was computed from. */
static void
test_the_deepest_tokens_are_drawn (void)
{
  GstHarness *harness = new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitTokensMeta *deep;

  set_changed (add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 0);
  deep = add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  set_changed (deep, 11);
  deep->n_blocks = 12;
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmphex (get_pixel (frame, WIDTH, 8, 8), ==, 0);
  g_assert_cmphex (get_pixel (frame, WIDTH, 56, 40), ==, 0xff8000);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
test_a_frame_without_tokens_passes (void)
{
  GstHarness *harness = new_harness ("vittokenoverlay", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 77), *out;
  GstMemory *memory = gst_buffer_peek_memory (frame, 0);

  out = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  g_assert_true (gst_buffer_peek_memory (out, 0) == memory);
  g_assert_cmphex (get_pixel (out, WIDTH, 30, 30), ==, 0x4d4d4d);
  gst_buffer_unref (frame);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* A frame that others hold as well is not drawn into. */
static void
test_shared_frames_are_left_alone (void)
{
  GstHarness *harness = new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;

  add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  out = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  g_assert_cmphex (get_pixel (frame, WIDTH, 8, 8), ==, 0);
  g_assert_cmphex (get_pixel (out, WIDTH, 8, 8), ==, 0xff8000);
  gst_buffer_unref (frame);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Whether the element takes it. */
static gboolean
is_blendable (GstVideoFormat format)
{
  GstCaps *all = gst_caps_from_string (GST_VIDEO_CAPS_MAKE (
              GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS));
  GstCaps *one = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      gst_video_format_to_string (format), NULL);
  gboolean is = gst_caps_can_intersect (all, one);

  gst_caps_unref (all);
  gst_caps_unref (one);
  return is;
}

static void
test_every_format_is_blended_into (void)
{
  guint n_formats = 0, n_raw;
  const GstVideoFormat *raw = gst_video_formats_raw (&n_raw);

  for (guint f = 0; f < n_raw; f++) {
    GstVideoFormat format = raw[f];
    GstBuffer *frame, *out;
    GstHarness *harness;
    gsize size;
    guint8 *before, *after;

    if (!is_blendable (format))
      continue;
    harness = new_harness (
        "vittokenoverlay mode=grid", gst_video_format_to_string (format));
    frame = new_frame (format, 16);
    size = gst_buffer_get_size (frame);
    before = g_malloc (size);
    after = g_malloc (size);
    gst_buffer_extract (frame, 0, before, size);
    add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    out = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (gst_buffer_extract (out, 0, after, size), ==, size);
    if (memcmp (before, after, size) == 0)
      g_error ("nothing drawn on %s", gst_video_format_to_string (format));
    g_free (before);
    g_free (after);
    gst_buffer_unref (out);
    gst_harness_teardown (harness);
    n_formats++;
  }
  g_test_message ("%u formats", n_formats);
  g_assert_cmpuint (n_formats, >, 80);
}

static gboolean
has_overlay_caps (GstHarness *harness)
{
  GstCaps *caps = gst_pad_get_current_caps (harness->sinkpad);
  gboolean has = gst_caps_features_contains (gst_caps_get_features (caps, 0),
      GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION);

  gst_caps_unref (caps);
  return has;
}

/* `launch` before a sink that takes anything and, if `draws`, compositions. */
static GstBuffer *
draw_before_sink (const gchar *src_caps, gboolean draws, GstBuffer *frame,
    gboolean *has_caps)
{
  GstHarness *harness = gst_harness_new_parse (QUIET "mode=changed");
  GstBuffer *out;

  if (draws)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, src_caps);
  out = gst_harness_push_and_pull (harness, frame);
  *has_caps = has_overlay_caps (harness);
  gst_harness_teardown (harness);
  return out;
}

#define PLAIN_CAPS                                                            \
  "video/x-raw,format=RGBA,width=64,height=48,framerate=25/1"

static void
test_attached_where_downstream_draws (void)
{
  for (guint draws = 0; draws < 2; draws++) {
    GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;
    GstVideoOverlayCompositionMeta *meta;
    GstVideoOverlayRectangle *rectangle;
    gboolean has_caps;
    guint width, height;
    gint x, y;

    set_changed (add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 6);
    out = draw_before_sink (PLAIN_CAPS, draws, frame, &has_caps);
    meta = gst_buffer_get_video_overlay_composition_meta (out);
    g_assert_cmpint (has_caps, ==, draws);
    g_assert_cmphex (
        get_pixel (out, WIDTH, 40, 24), ==, draws ? 0 : 0xff8000);
    g_assert_cmpint (meta != NULL, ==, draws);
    if (meta) {
      rectangle = gst_video_overlay_composition_get_rectangle (meta->overlay, 0);
      gst_video_overlay_rectangle_get_render_rectangle (
          rectangle, &x, &y, &width, &height);
      g_assert_cmpint (x, ==, 32);
      g_assert_cmpint (y, ==, 16);
      g_assert_cmpuint (width, ==, 16);
      g_assert_cmpuint (height, ==, 16);
    }
    gst_buffer_unref (out);
  }
}

/* An application may want what is drawn for itself. */
static void
test_attached_where_nothing_else_is_taken (void)
{
  GstHarness *harness = gst_harness_new_parse (QUIET "mode=changed ! "
      "capsfilter caps=\"video/x-raw(memory:SystemMemory,"
      "meta:GstVideoOverlayComposition)\"");
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_nonnull (frame);
  g_assert_nonnull (gst_buffer_get_video_overlay_composition_meta (frame));
  g_assert_true (has_overlay_caps (harness));
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* What upstream attached stays, and comes first. */
static void
test_attached_beside_others (void)
{
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0), *out;
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 4, NULL);
  GstVideoOverlayRectangle *other;
  GstVideoOverlayComposition *composition;
  gboolean has_caps;
  guint width;

  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 1, 1);
  other = gst_video_overlay_rectangle_new_raw (pixels, 0, 0, 1, 1,
      GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  composition = gst_video_overlay_composition_new (other);
  gst_buffer_add_video_overlay_composition_meta (frame, composition);
  add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  out = draw_before_sink (OVERLAY_CAPS, FALSE, frame, &has_caps);
  gst_video_overlay_composition_unref (composition);

  g_assert_true (has_caps);
  composition = gst_buffer_get_video_overlay_composition_meta (out)->overlay;
  g_assert_cmpuint (
      gst_video_overlay_composition_n_rectangles (composition), ==, 2);
  gst_video_overlay_rectangle_get_render_rectangle (
      gst_video_overlay_composition_get_rectangle (composition, 0), NULL, NULL,
      &width, NULL);
  g_assert_cmpuint (width, ==, 1);
  gst_video_overlay_rectangle_unref (other);
  gst_buffer_unref (pixels);
  gst_buffer_unref (out);
}

/* Whether upstream hears that a layout of its own is understood, and that frames
 * may be left to others to crop. */
static void
assert_proposed (gboolean is_layout, gboolean is_crop)
{
  GstHarness *harness = gst_harness_new ("vittokenoverlay");
  GstCaps *caps = gst_caps_from_string (PLAIN_CAPS);
  GstQuery *query = gst_query_new_allocation (caps, FALSE);

  if (is_layout)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_META_API_TYPE, NULL);
  if (is_crop)
    gst_harness_add_propose_allocation_meta (
        harness, GST_VIDEO_CROP_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  g_assert_cmpint (
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL), ==,
      is_layout);
  g_assert_false (gst_query_find_allocation_meta (
      query, GST_VIDEO_CROP_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

/* A frame goes on as it came, so that its layout must be understood there. */
static void
test_layouts_are_those_that_downstream_understands (void)
{
  assert_proposed (FALSE, FALSE);
  assert_proposed (TRUE, TRUE);
}

static GstBuffer *
random_frame (guint seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstMapInfo map;

  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int (rand);
  gst_buffer_unmap (frame, &map);
  g_rand_free (rand);
  return frame;
}

/* (transfer full): a frame with tokens, positions asked for. */
static GstBuffer *
embed (const gchar *properties, gboolean ask)
{
  gchar *launch = g_strdup_printf ("vitpatchembed embed-dim=24 %s", properties);
  GstHarness *harness = new_harness (launch, "RGBA");
  GstBuffer *first, *second;

  g_assert_nonnull (harness);
  if (ask)
    gst_harness_push_upstream_event (
        harness, gst_vit_tokens_event_new_request_positions ());
  first = gst_harness_push_and_pull (harness, random_frame (1));
  second = gst_harness_push_and_pull (harness, random_frame (2));
  /* Made once. */
  g_assert_true (gst_buffer_get_vit_tokens_meta (first)->positions
                 == gst_buffer_get_vit_tokens_meta (second)->positions);
  gst_buffer_unref (second);
  gst_harness_teardown (harness);
  g_free (launch);
  return first;
}

/* Tokens with and without a position table differ by what is told. */
static void
test_positions_are_what_was_added (void)
{
  GstBuffer *with = embed ("", TRUE), *without = embed ("position-rule=none", TRUE);
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (with);
  GstVitTokensMeta *bare = gst_buffer_get_vit_tokens_meta (without);
  GstMapInfo a, b, positions;
  gfloat largest = 0;

  g_assert_cmpuint (gst_buffer_get_size (bare->positions), ==, 0);
  g_assert_cmpuint (
      gst_buffer_get_size (meta->positions), ==, 12 * 24 * sizeof (gfloat));
  gst_buffer_map (meta->tokens, &a, GST_MAP_READ);
  gst_buffer_map (bare->tokens, &b, GST_MAP_READ);
  gst_buffer_map (meta->positions, &positions, GST_MAP_READ);
  for (guint i = 0; i < 12 * 24; i++) {
    gfloat told = ((gfloat *) positions.data)[i];

    g_assert_cmpfloat_with_epsilon (
        ((gfloat *) a.data)[24 + i] - ((gfloat *) b.data)[24 + i], told, 1e-5);
    largest = MAX (largest, told);
  }
  g_assert_cmpfloat (largest, >, 0.5);
  gst_buffer_unmap (meta->tokens, &a);
  gst_buffer_unmap (bare->tokens, &b);
  gst_buffer_unmap (meta->positions, &positions);
  gst_buffer_unref (with);
  gst_buffer_unref (without);
}

static void
test_positions_unasked_or_unknown_are_not_there (void)
{
  GstBuffer *frame = embed ("", FALSE);

  g_assert_null (gst_buffer_get_vit_tokens_meta (frame)->positions);
  gst_buffer_unref (frame);
  /* A LayerNorm comes after them. */
  frame = embed ("model=" TEST_DATA_DIR "/hf-clip patch-size=16", TRUE);
  g_assert_null (gst_buffer_get_vit_tokens_meta (frame)->positions);
  gst_buffer_unref (frame);
}

static guint
count_requests (GstHarness *harness)
{
  guint n = 0;
  GstEvent *event;

  while ((event = gst_harness_try_pull_upstream_event (harness))) {
    n += gst_vit_tokens_event_is_request_positions (event);
    gst_event_unref (event);
  }
  return n;
}

/* Who computes the tokens may be another, whose caps are the same. */
static void
test_positions_are_asked_for_in_every_stream (void)
{
  GstHarness *harness = new_harness (QUIET "mode=norm", "RGBA");

  for (guint stream = 0; stream < 2; stream++) {
    for (guint i = 0; i < 2; i++) {
      GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

      add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
      gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
    }
    g_assert_cmpuint (count_requests (harness), ==, 1);
    gst_harness_push_event (harness, gst_event_new_stream_start ("another"));
    gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  }
  gst_harness_teardown (harness);
}

/* It asks before the first frame; the same content at other places is drawn
 * alike, although its tokens are not. */
static void
test_positions_are_left_out (void)
{
  static const gchar *const launches[] = {
    "vitpatchembed ! " QUIET "mode=similarity x=0 y=0",
    "vitpatchembed ! queue ! videoconvert ! " QUIET "mode=similarity x=0 y=0",
    "vitpatchembed ! " QUIET "mode=similarity x=0 y=0 keep-positions=true",
  };

  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstHarness *harness = new_harness (launches[i], "RGBA");
    GstBuffer *frame = NULL;
    guint32 far;

    /* Behind a queue the request may come after the first frame. */
    for (guint n = 0; n < 3; n++) {
      gst_clear_buffer (&frame);
      frame = gst_harness_push_and_pull (
          harness, new_frame (GST_VIDEO_FORMAT_RGBA, 200));
    }
    far = get_pixel (frame, WIDTH, 56, 40);
    if (i < 2)
      assert_near (far, vit_shade_value (1, 1) & 0xffffff);
    else
      assert_near (far, vit_shade_value (0, 1) & 0xffffff);
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

/* Everything may change while frames flow. */
static void
test_properties_take_effect_on_the_next_frame (void)
{
  static const gchar *const modes[]
      = { "pca", "similarity", "norm", "changed", "grid" };
  GstHarness *harness = new_harness (QUIET "mode=grid", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  guint32 last = 0;

  for (guint i = 0; i < 20; i++) {
    GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    guint32 pixel;

    gst_util_set_object_arg (G_OBJECT (element), "mode", modes[i % 5]);
    g_object_set (element, "legend", i >= 5, "opacity", i < 15 ? 1.0 : 0.0,
        NULL);
    add_meta (frame, i % 3);
    frame = gst_harness_push_and_pull (harness, frame);
    pixel = get_pixel (frame, WIDTH, 56, 8);
    if (i < 15)
      g_assert_cmphex (pixel, !=, last);
    else
      g_assert_cmphex (pixel, ==, 0);
    last = pixel;
    gst_buffer_unref (frame);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* For a second there is nothing to be seen. */
static void
test_properties_follow_a_controller (void)
{
  GstHarness *harness = new_harness (QUIET "mode=changed", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  GstControlSource *source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *timed = GST_TIMED_VALUE_CONTROL_SOURCE (source);

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  gst_timed_value_control_source_set (timed, 0, 0);
  gst_timed_value_control_source_set (timed, GST_SECOND, 1);
  g_assert_true (gst_object_add_control_binding (GST_OBJECT (element),
      gst_direct_control_binding_new_absolute (
          GST_OBJECT (element), "opacity", source)));
  gst_object_unref (source);

  for (guint second = 0; second < 2; second++) {
    GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    GST_BUFFER_PTS (frame) = second * GST_SECOND;
    set_changed (add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 0);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmphex (
        get_pixel (frame, WIDTH, 8, 8), ==, second == 0 ? 0 : 0xff8000);
    gst_buffer_unref (frame);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* Sinks may draw a rectangle that they have seen before under those that are
 * new, so that a legend seen before would lie under the picture. */
static void
test_attached_rectangles_are_new (void)
{
  GstHarness *harness = gst_harness_new_parse ("vittokenoverlay mode=norm");
  GstBuffer *frames[2];
  GstVideoOverlayComposition *drawn[2];
  guint n;

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  for (guint i = 0; i < 2; i++) {
    frames[i] = new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    add_meta (frames[i], GST_VIT_TOKEN_FORMAT_F32);
    frames[i] = gst_harness_push_and_pull (harness, frames[i]);
    drawn[i]
        = gst_buffer_get_video_overlay_composition_meta (frames[i])->overlay;
  }
  n = gst_video_overlay_composition_n_rectangles (drawn[0]);
  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (drawn[1]), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_true (gst_video_overlay_composition_get_rectangle (drawn[0], i)
                   != gst_video_overlay_composition_get_rectangle (drawn[1], i));
  gst_buffer_unref (frames[0]);
  gst_buffer_unref (frames[1]);
  gst_harness_teardown (harness);
}

static void
test_legend_is_drawn_in_its_corner (void)
{
  for (guint on = 0; on < 2; on++) {
    GstHarness *harness = new_harness (
        on ? "vittokenoverlay opacity=0 mode=norm"
           : "vittokenoverlay opacity=0 mode=norm legend=false",
        "RGBA");
    GstBuffer *frame = new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    frame = gst_harness_push_and_pull (harness, frame);
    /* The bar begins 6 pixels from the left and ends 6 above the bottom. */
    assert_near (get_pixel (frame, WIDTH, 6, HEIGHT - 10),
        on ? vit_shade_value (0, 1) & 0xffffff : 0);
    g_assert_cmphex (get_pixel (frame, WIDTH, 6, 8), ==, 0);
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    GTestFunc test;
  } tests[] = {
    { "similarity-is-the-cosine", test_similarity_is_the_cosine },
    { "a-click-chooses-another-patch", test_a_click_chooses_another_patch },
    { "norm-goes-from-least-to-greatest", test_norm_goes_from_least_to_greatest },
    { "drawn-where-the-scaled-map-says", test_drawn_where_the_scaled_map_says },
    { "every-meta-is-drawn", test_every_meta_is_drawn },
    { "the-deepest-tokens-are-drawn", test_the_deepest_tokens_are_drawn },
    { "a-frame-without-tokens-passes", test_a_frame_without_tokens_passes },
    { "shared-frames-are-left-alone", test_shared_frames_are_left_alone },
    { "every-format-is-blended-into", test_every_format_is_blended_into },
    { "attached-where-downstream-draws", test_attached_where_downstream_draws },
    { "attached-where-nothing-else-is-taken",
        test_attached_where_nothing_else_is_taken },
    { "attached-beside-others", test_attached_beside_others },
    { "layouts-are-those-that-downstream-understands",
        test_layouts_are_those_that_downstream_understands },
    { "positions-are-what-was-added", test_positions_are_what_was_added },
    { "positions-unasked-or-unknown-are-not-there",
        test_positions_unasked_or_unknown_are_not_there },
    { "positions-are-asked-for-in-every-stream",
        test_positions_are_asked_for_in_every_stream },
    { "positions-are-left-out", test_positions_are_left_out },
    { "properties-take-effect-on-the-next-frame",
        test_properties_take_effect_on_the_next_frame },
    { "properties-follow-a-controller", test_properties_follow_a_controller },
    { "attached-rectangles-are-new", test_attached_rectangles_are_new },
    { "legend-is-drawn-in-its-corner", test_legend_is_drawn_in_its_corner },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    gchar *path = g_strconcat ("/overlay/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
    g_free (path);
  }
  return g_test_run ();
}
