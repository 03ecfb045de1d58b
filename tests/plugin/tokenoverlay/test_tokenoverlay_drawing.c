/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay draws: pixels of the right colours where the metadata
 * says, as the properties and clicks ask, without what positions add to the
 * tokens; so also the positions that vitpatchembed tells when it is asked.
 */
#include <gst/controller/controller.h>
#include <math.h>

#include "support/overlay_frame.h"
#include "view/shade.h"

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
    gdouble cosine
        = cos ((overlay_angles[i] - overlay_angles[query]) * G_PI / 180);
    guint32 expected = vit_shade_value ((gfloat) ((cosine + 1) / 2), 1);

    assert_near (
        overlay_get_pixel (frame, WIDTH, i % 4 * 16 + 8, i / 4 * 16 + 8),
        expected & 0xffffff);
  }
}

static void
test_similarity_is_the_cosine (void)
{
  for (guint format = 0; format <= GST_VIT_TOKEN_FORMAT_BF16; format++) {
    GstHarness *harness
        = overlay_new_harness (QUIET "mode=similarity x=17 y=47", "RGBA");
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 255);

    overlay_add_meta (frame, (GstVitTokenFormat) format);
    frame = gst_harness_push_and_pull (harness, frame);
    check_similarity (frame, 9);
    /* The frame around it. */
    g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 16, 32), ==, 0xffffff);
    g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 31, 47), ==, 0xffffff);
    g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 15, 32), !=, 0xffffff);
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
  GstHarness *harness = overlay_new_harness (QUIET "mode=similarity", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  guint n_notified = 0;
  GstBuffer *frame;
  GstEvent *event;
  gint x, y;

  g_signal_connect (
      element, "notify::x", G_CALLBACK (count_notify), &n_notified);
  for (guint turn = 0; turn < 3; turn++) {
    frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 255);
    overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
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
  GstHarness *harness = overlay_new_harness (QUIET "mode=norm", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 255);

  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint i = 0; i < 12; i++)
    assert_near (overlay_get_pixel (frame, WIDTH, i % 4 * 16, i / 4 * 16),
        vit_shade_value ((gfloat) i / 11, 1) & 0xffffff);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Only the pixels of patch (1, 2), which behind the scaler are 32 x 8. */
static void
test_drawn_where_the_scaled_map_says (void)
{
  GstHarness *harness
      = overlay_new_harness ("videoscale ! video/x-raw,width=128,height=24,"
                             "pixel-aspect-ratio=1/4 ! " QUIET "mode=changed",
          "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  overlay_set_changed (
      overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 2 * COLUMNS + 1);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (gst_buffer_get_size (frame), ==, 128 * 24 * 4);
  for (guint y = 0; y < 24; y++) {
    for (guint x = 0; x < 128; x++)
      g_assert_cmphex (overlay_get_pixel (frame, 128, x, y), ==,
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
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  for (guint i = 0; i < 2; i++) {
    GstVitTokensMeta *meta = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);

    gst_vit_tokens_meta_set_map (meta, maps[i]);
    overlay_set_changed (meta, i == 0 ? 0 : 5);
  }
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmphex (overlay_get_pixel (frame, WIDTH, x, y), ==,
          (x < 4 && y < 4) || (x >= 48 && x < 56 && y >= 38 && y < 46)
              ? 0xff8000
              : 0);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* A frame that nobody has drawn on, with tokens where some of three maps say. */
static GstBuffer *
add_overlapping (GstBuffer *frame /* (transfer full) */, guint first, guint end)
{
  static const gdouble maps[3][6] = { { 12, 0, 2, 0, 12, 1 },
    { 9, 3, 10, -3, 9, 18 }, { 16, 0, 0, 0, 16, 0 } };
  GstVitTokensMeta *meta;

  frame = gst_buffer_make_writable (frame);
  while ((meta = gst_buffer_get_vit_tokens_meta (frame)))
    gst_buffer_remove_meta (frame, &meta->meta);
  for (guint i = first; i < end; i++) {
    meta = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    gst_vit_tokens_meta_set_map (meta, maps[i]);
    if (i == 2)
      overlay_set_changed (meta, 5);
  }
  return frame;
}

/* As if each had been drawn by an element of its own. */
static void
test_metas_are_drawn_over_those_before (void)
{
  static const gchar *const modes[] = { "changed", "grid", "norm" };

  for (guint m = 0; m < G_N_ELEMENTS (modes); m++) {
    gchar *launch = g_strdup_printf (
        "vittokenoverlay legend=false opacity=0.6 mode=%s", modes[m]);
    GstHarness *harness = overlay_new_harness (launch, "RGBA");
    GstBuffer *both = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 40);
    GstBuffer *each = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 40);

    both = gst_harness_push_and_pull (harness, add_overlapping (both, 0, 3));
    for (guint i = 0; i < 3; i++)
      each = gst_harness_push_and_pull (
          harness, add_overlapping (each, i, i + 1));
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++) {
        guint32 found = overlay_get_pixel (both, WIDTH, x, y);
        guint32 expected = overlay_get_pixel (each, WIDTH, x, y);

        /* Rounded once, or at every turn. */
        for (guint shift = 0; shift < 24; shift += 8)
          g_assert_cmpint (abs ((gint) (found >> shift & 255)
                                - (gint) (expected >> shift & 255)),
              <=, 3);
      }
    }
    gst_buffer_unref (both);
    gst_buffer_unref (each);
    gst_harness_teardown (harness);
    g_free (launch);
  }
}

/* What an encoder attached hides what it was computed from. */
static void
test_the_deepest_tokens_are_drawn (void)
{
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitTokensMeta *deep;

  overlay_set_changed (overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 0);
  deep = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  overlay_set_changed (deep, 11);
  deep->n_blocks = 12;
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 8, 8), ==, 0);
  g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 56, 40), ==, 0xff8000);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static GstBuffer *
random_frame (guint seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
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
  GstHarness *harness = overlay_new_harness (launch, "RGBA");
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
  GstBuffer *with = embed ("", TRUE);
  GstBuffer *without = embed ("position-rule=none", TRUE);
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
    GstHarness *harness = overlay_new_harness (launches[i], "RGBA");
    GstBuffer *frame = NULL;
    guint32 far;

    /* Behind a queue the request may come after the first frame. */
    for (guint n = 0; n < 3; n++) {
      gst_clear_buffer (&frame);
      frame = gst_harness_push_and_pull (
          harness, overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 200));
    }
    far = overlay_get_pixel (frame, WIDTH, 56, 40);
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
  GstHarness *harness = overlay_new_harness (QUIET "mode=grid", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  guint32 last = 0;

  for (guint i = 0; i < 20; i++) {
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    guint32 pixel;

    gst_util_set_object_arg (G_OBJECT (element), "mode", modes[i % 5]);
    g_object_set (
        element, "legend", i >= 5, "opacity", i < 15 ? 1.0 : 0.0, NULL);
    overlay_add_meta (frame, i % 3);
    frame = gst_harness_push_and_pull (harness, frame);
    pixel = overlay_get_pixel (frame, WIDTH, 56, 8);
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
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstElement *element = gst_harness_find_element (harness, "vittokenoverlay");
  GstControlSource *source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *timed = GST_TIMED_VALUE_CONTROL_SOURCE (source);

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  gst_timed_value_control_source_set (timed, 0, 0);
  gst_timed_value_control_source_set (timed, GST_SECOND, 1);
  g_assert_true (gst_object_add_control_binding (
      GST_OBJECT (element), gst_direct_control_binding_new_absolute (
                                GST_OBJECT (element), "opacity", source)));
  gst_object_unref (source);

  for (guint second = 0; second < 2; second++) {
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    GST_BUFFER_PTS (frame) = second * GST_SECOND;
    overlay_set_changed (overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32), 0);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmphex (
        overlay_get_pixel (frame, WIDTH, 8, 8), ==, second == 0 ? 0 : 0xff8000);
    gst_buffer_unref (frame);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_legend_is_drawn_in_its_corner (void)
{
  for (guint on = 0; on < 2; on++) {
    GstHarness *harness = overlay_new_harness (
        on ? "vittokenoverlay opacity=0 mode=norm"
           : "vittokenoverlay opacity=0 mode=norm legend=false",
        "RGBA");
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
    frame = gst_harness_push_and_pull (harness, frame);
    /* The bar begins 6 pixels from the left and ends 6 above the bottom. */
    assert_near (overlay_get_pixel (frame, WIDTH, 6, HEIGHT - 10),
        on ? vit_shade_value (0, 1) & 0xffffff : 0);
    g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 6, 8), ==, 0);
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
    { "norm-goes-from-least-to-greatest",
        test_norm_goes_from_least_to_greatest },
    { "drawn-where-the-scaled-map-says", test_drawn_where_the_scaled_map_says },
    { "every-meta-is-drawn", test_every_meta_is_drawn },
    { "metas-are-drawn-over-those-before",
        test_metas_are_drawn_over_those_before },
    { "the-deepest-tokens-are-drawn", test_the_deepest_tokens_are_drawn },
    { "positions-are-what-was-added", test_positions_are_what_was_added },
    { "positions-unasked-or-unknown-are-not-there",
        test_positions_unasked_or_unknown_are_not_there },
    { "positions-are-left-out", test_positions_are_left_out },
    { "properties-take-effect-on-the-next-frame",
        test_properties_take_effect_on_the_next_frame },
    { "properties-follow-a-controller", test_properties_follow_a_controller },
    { "legend-is-drawn-in-its-corner", test_legend_is_drawn_in_its_corner },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    gchar *path = g_strconcat ("/overlay-drawing/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
    g_free (path);
  }
  return g_test_run ();
}
