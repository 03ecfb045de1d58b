/* SPDX-License-Identifier: MIT
 *
 * Tokens of regions of interest: those of the region as a picture of its own,
 * wherever it lies; which regions have tokens, and what their meta says.
 */
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define MAX_ERROR 2e-5
#define MAX_FIXED_ERROR 1e-4
#define ELEMENT "vitpatchembed embed-dim=24 n-threads=2 regions=roi precision=f32 "

static void
mark (GstBuffer *frame, gint id, guint x, guint y, guint width, guint height)
{
  gst_buffer_add_video_region_of_interest_meta (
      frame, "thing", x, y, width, height)
      ->id
      = id;
}

static guint
count_metas (GstBuffer *frame)
{
  gpointer state = NULL;
  guint n = 0;

  while (gst_buffer_iterate_vit_tokens_meta (frame, &state))
    n++;
  return n;
}

static guint
count_changed (const GstVitTokensMeta *meta)
{
  guint n = 0;

  for (guint i = 0; i < meta->n_tokens; i++)
    n += gst_vit_tokens_meta_is_changed (meta, i);
  return n;
}

/* How far the tokens of a meta are from those of the region by the definition:
 * of the largest, or in the norm. */
static gdouble
error_of_meta (const GstVitTokensMeta *meta, GstBuffer *frame,
    const GstVideoInfo *info, const GstVideoRectangle *region,
    const VitModel *model, const VitPatchEmbedSettings *settings,
    gboolean fixed)
{
  guint n_tokens;
  gdouble error, *expected = frames_define_region_tokens (
      frame, info, region, model, settings, &n_tokens);
  gsize n = (gsize) n_tokens * model->embed_dim;
  GstMapInfo map;

  g_assert_cmpuint (meta->n_tokens, ==, n_tokens);
  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, n * sizeof (gfloat));
  error = fixed ? frames_relative_error ((gfloat *) map.data, expected, n)
                : frames_worst_error ((gfloat *) map.data, expected, n);
  gst_buffer_unmap (meta->tokens, &map);
  g_free (expected);
  return error;
}

static const GstVideoRectangle places[] = { { 0, 0, 32, 32 },
  { 2, 4, 40, 36 }, { 5, 3, 33, 49 }, { 8, 1, 16, 17 }, { 7, 2, 48, 16 },
  { 13, 11, 64, 48 } };

/* Odd offsets split chroma blocks. */
static void
check_format (const gchar *format, const gchar *options, gboolean fixed)
{
  gchar *launch = g_strconcat (ELEMENT, options, NULL);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstCaps *caps = frames_caps (format, 77, 59, NULL);
  guint patch_size = strstr (options, "patch-size=7") != NULL ? 7 : 16;
  VitModel *model = vit_model_new_builtin (patch_size, 24, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstVideoInfo info;

  if (strstr (options, "fit=pad") != NULL)
    settings.fit = VIT_FIT_PAD;
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = i == 1 ? frames_calm (&info, i, FALSE)
                              : frames_random (&info, i, i == 2);
    GstBuffer *out;

    for (guint r = 0; r < G_N_ELEMENTS (places); r++)
      mark (frame, (gint) r, (guint) places[r].x, (guint) places[r].y,
          (guint) places[r].w, (guint) places[r].h);
    out = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (out), ==, G_N_ELEMENTS (places));
    for (guint r = 0; r < G_N_ELEMENTS (places); r++) {
      GstVitTokensMeta *meta
          = gst_buffer_get_vit_tokens_meta_roi (out, (gint) r);
      gdouble error;

      g_assert_nonnull (meta);
      error = error_of_meta (
          meta, out, &info, &places[r], model, &settings, fixed);
      if (!(error <= (fixed ? MAX_FIXED_ERROR : MAX_ERROR)))
        g_error ("%s, %s, region %u: error %g", format, options, r, error);
      g_assert_cmpfloat (meta->map[2], ==, places[r].x);
      g_assert_cmpfloat (meta->map[5], ==, places[r].y);
      g_assert_cmpfloat (meta->map[0], ==, patch_size);
      g_assert_cmpfloat (meta->map[4], ==, patch_size);
      g_assert_cmpuint (meta->frame_width, ==, 77);
      g_assert_cmpuint (meta->frame_height, ==, 59);
    }
    gst_buffer_unref (out);
  }
  vit_model_unref (model);
  gst_harness_teardown (harness);
  g_free (launch);
}

/* Each is a picture of its own: what lies around it in the frame is not seen. */
static void
test_padded_regions_may_be_smaller_than_a_patch (void)
{
  static const GstVideoRectangle small[] = { { 10, 10, 15, 40 },
    { 33, 7, 1, 1 }, { 95, 63, 40, 40 }, { 20, 30, 5, 3 } };
  GstHarness *harness = gst_harness_new_parse (ELEMENT "fit=pad");
  VitModel *model = vit_model_new_builtin (16, 24, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstBuffer *frame;
  GstVideoInfo info;

  settings.fit = VIT_FIT_PAD;
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    mark (frame, (gint) i, (guint) small[i].x, (guint) small[i].y,
        (guint) small[i].w, (guint) small[i].h);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, G_N_ELEMENTS (small));
  for (guint i = 0; i < G_N_ELEMENTS (small); i++) {
    GstVitTokensMeta *meta
        = gst_buffer_get_vit_tokens_meta_roi (frame, (gint) i);
    GstVideoRectangle region = small[i];

    region.w = MIN (region.w, 96 - region.x);
    region.h = MIN (region.h, 64 - region.y);
    g_assert_cmpuint (meta->grid_width, ==, 1);
    g_assert_cmpuint (meta->grid_height, ==, i == 0 ? 3 : 1);
    g_assert_cmpfloat (error_of_meta (meta, frame, &info, &region, model,
                           &settings, FALSE),
        <=, MAX_ERROR);
  }
  gst_buffer_unref (frame);
  vit_model_unref (model);
  gst_harness_teardown (harness);
}

static void
test_tokens_are_those_of_the_region_alone (gconstpointer data)
{
  check_format (data, "precision=f32", FALSE);
  check_format (data, "precision=int16", TRUE);
  check_format (data, "precision=f32 fit=pad", FALSE);
  check_format (data, "precision=f32 patch-size=7", FALSE);
}

static void
test_regions_are_clipped_and_small_ones_left_out (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  VitModel *model = vit_model_new_builtin (16, 24, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstVideoRectangle clipped = { 61, 31, 35, 33 };
  GstBus *bus = gst_bus_new ();
  GstVitTokensMeta *meta;
  GstBuffer *frame;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  mark (frame, 1, 61, 31, G_MAXUINT, 200);
  mark (frame, 2, 96, 0, 32, 32);
  mark (frame, 3, 0, 64, 32, 32);
  mark (frame, 4, 10, 10, 15, 40);
  mark (frame, 5, 81, 10, 40, 40);
  mark (frame, 6, 10, 10, 0, 40);
  mark (frame, 7, G_MAXUINT, G_MAXUINT, G_MAXUINT, G_MAXUINT);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 1);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  g_assert_cmpint (meta->roi_id, ==, 1);
  g_assert_cmpfloat (error_of_meta (meta, frame, &info, &clipped, model,
                         &settings, FALSE),
      <=, MAX_ERROR);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
  gst_buffer_unref (frame);

  /* A frame without any passes as it is. */
  frame = gst_harness_push_and_pull (harness, frames_random (&info, 2, FALSE));
  g_assert_nonnull (frame);
  g_assert_cmpuint (count_metas (frame), ==, 0);
  gst_buffer_unref (frame);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  vit_model_unref (model);
  gst_harness_teardown (harness);
}

/* Two of one size, one that moves. */
static void
test_a_still_region_keeps_its_tokens (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstCaps *caps = frames_caps ("NV12", 160, 128, NULL);
  GstBuffer *still, *before = NULL;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  still = frames_random (&info, 1, FALSE);
  for (guint i = 0; i < 6; i++) {
    GstBuffer *frame = gst_buffer_copy_deep (still);

    mark (frame, 1, 0, 0, 48, 32);
    mark (frame, 2, 64, 64, 48, 32);
    mark (frame, 3, 2 * i, 16, 32, 32);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (frame), ==, 3);
    for (gint id = 1; before != NULL && id <= 3; id++) {
      GstVitTokensMeta *now = gst_buffer_get_vit_tokens_meta_roi (frame, id);
      GstVitTokensMeta *then = gst_buffer_get_vit_tokens_meta_roi (before, id);

      g_assert_cmpuint (count_changed (now), ==, id == 3 ? now->n_tokens : 0);
      g_assert_true ((now->tokens == then->tokens) == (id != 3));
    }
    gst_clear_buffer (&before);
    before = frame;
  }
  gst_buffer_unref (before);
  gst_buffer_unref (still);
  gst_harness_teardown (harness);
}

/* Whatever ids regions come with, no two have tokens of one id; and who has an
 * id of its own is found by it. */
static void
test_ids_tell_regions_apart (void)
{
  enum { N = 7 };
  static const struct {
    gint given[N], expected[N];
  } cases[] = {
    { { 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 2, 3, 4, 5, 6 } },
    { { 4, 5, 6, 7, 8, 9, 10 }, { 4, 5, 6, 7, 8, 9, 10 } },
    { { 0, 0, 2, 2, 1, 1, 7 }, { 0, 3, 2, 4, 1, 5, 7 } },
    { { -1, -1, 3, G_MININT, G_MAXINT, G_MAXINT, 1 },
        { 2, 4, 3, G_MININT, G_MAXINT, 5, 1 } },
  };
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstCaps *caps = frames_caps ("GRAY8", 160, 48, NULL);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *frame = frames_random (&info, i, FALSE);
    gpointer state = NULL;

    for (guint r = 0; r < N; r++)
      mark (frame, cases[i].given[r], 20 * r, 8, 16, 16);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (frame), ==, N);
    for (guint r = 0; r < N; r++) {
      GstVitTokensMeta *meta
          = gst_buffer_iterate_vit_tokens_meta (frame, &state);

      g_assert_cmpint (meta->roi_id, ==, cases[i].expected[r]);
      g_assert_true (
          gst_buffer_get_vit_tokens_meta_roi (frame, meta->roi_id) == meta);
      g_assert_cmpuint (meta->roi_x, ==, 20 * r);
    }
    g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, -1));
    gst_buffer_unref (frame);
  }
  gst_harness_teardown (harness);
}

/* An id of a region without tokens is nobody's else. */
static void
test_ids_of_regions_without_tokens (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstCaps *caps = frames_caps ("GRAY8", 64, 48, NULL);
  GstVitTokensMeta *meta;
  GstBuffer *frame;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  mark (frame, 1, 100, 0, 16, 16); /* outside */
  mark (frame, 2, 0, 0, 4, 4);     /* less than a patch */
  mark (frame, 9, 0, 0, 16, 16);
  mark (frame, 9, 32, 0, 16, 16);
  frame = gst_harness_push_and_pull (harness, frame);
  g_assert_cmpuint (count_metas (frame), ==, 2);
  g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, 1));
  g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, 2));
  meta = gst_buffer_get_vit_tokens_meta_roi (frame, 9);
  g_assert_cmpuint (meta->roi_x, ==, 0);
  meta = gst_buffer_get_vit_tokens_meta_roi (frame, 3);
  g_assert_cmpuint (meta->roi_x, ==, 32);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
assert_place (const GstVitTokensMeta *meta, const gchar *type, guint left,
    guint top, guint n_columns, guint n_rows)
{
  guint x, y, width, height;

  g_assert_true (
      gst_vit_tokens_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x, ==, left);
  g_assert_cmpuint (y, ==, top);
  g_assert_cmpuint (width, ==, n_columns);
  g_assert_cmpuint (height, ==, n_rows);
  g_assert_cmpstr (gst_vit_tokens_meta_get_roi_type (meta), ==, type);
}

/* The region as it was marked, clipped; not what of it is scaled, which begins
 * at a whole chroma block. */
static void
test_tokens_say_which_region_they_are_of (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT "max-tokens=5 ");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstBuffer *frame;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  frame = frames_random (&info, 1, FALSE);
  mark (frame, 1, 5, 7, 80, 50);
  gst_buffer_add_video_region_of_interest_meta (
      frame, "a \"face\"", 61, 31, G_MAXUINT, G_MAXUINT)
      ->id
      = 2;
  frame = gst_harness_push_and_pull (harness, frame);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, 1), "thing", 5, 7,
      80, 50);
  assert_place (gst_buffer_get_vit_tokens_meta_roi (frame, 2), "a \"face\"",
      61, 31, 35, 33);
  gst_buffer_unref (frame);

  gst_util_set_object_arg (G_OBJECT (element), "regions", "frame");
  frame = gst_harness_push_and_pull (harness, frames_random (&info, 2, FALSE));
  assert_place (gst_buffer_get_vit_tokens_meta (frame), NULL, 0, 0, 96, 64);
  gst_buffer_unref (frame);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* Region 1 is in every second frame of those with tokens, and region 2 in all. */
static void
test_what_changed_is_since_the_region_was_there (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstCaps *caps = frames_caps ("NV12", 160, 128, NULL);
  GstBuffer *still;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  still = frames_random (&info, 1, FALSE);
  for (guint i = 0; i < 5; i++) {
    GstBuffer *frame = gst_buffer_copy_deep (still);
    GstVitTokensMeta *meta;

    mark (frame, 2, 64, 64, 48, 32);
    if (i % 2 == 0)
      mark (frame, 1, 0, 0, 48, 32);
    frame = gst_harness_push_and_pull (harness, frame);
    meta = gst_buffer_get_vit_tokens_meta_roi (frame, 2);
    g_assert_cmpuint (
        count_changed (meta), ==, i == 0 ? meta->n_tokens : 0);
    meta = gst_buffer_get_vit_tokens_meta_roi (frame, 1);
    g_assert_cmpint (meta != NULL, ==, i % 2 == 0);
    if (meta)
      g_assert_null (meta->changed);
    gst_buffer_unref (frame);
  }
  gst_buffer_unref (still);
  gst_harness_teardown (harness);
}

/* More sizes at once than sizes are kept for, other ones each time. */
static void
test_any_number_of_sizes (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  VitModel *model = vit_model_new_builtin (16, 24, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstCaps *caps = frames_caps ("I420", 200, 160, NULL);
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = frames_random (&info, i, FALSE);
    GstVideoRectangle region[40];

    for (guint r = 0; r < 40; r++) {
      region[r] = (GstVideoRectangle) { (gint) (3 * r), (gint) (2 * r + i),
        (gint) (20 + r + i), (gint) (16 + r % 7 + i) };
      mark (frame, (gint) r, (guint) region[r].x, (guint) region[r].y,
          (guint) region[r].w, (guint) region[r].h);
    }
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (frame), ==, 40);
    for (gint r = 0; r < 40; r++)
      g_assert_cmpfloat (
          error_of_meta (gst_buffer_get_vit_tokens_meta_roi (frame, r), frame,
              &info, &region[r], model, &settings, FALSE),
          <=, MAX_ERROR);
    gst_buffer_unref (frame);
  }
  vit_model_unref (model);
  gst_harness_teardown (harness);
}

#define SAID GST_MESSAGE_INFO | GST_MESSAGE_WARNING | GST_MESSAGE_ERROR

/* One message, of this type and with these words, and no other. */
static void
assert_said_once (GstBus *bus, GstMessageType type, const gchar *words)
{
  GstMessage *message = gst_bus_pop_filtered (bus, SAID);
  GError *error = NULL;

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, type);
  if (type == GST_MESSAGE_INFO)
    gst_message_parse_info (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (strstr (error->message, "fit=pad"));
  g_error_free (error);
  gst_message_unref (message);
  g_assert_null (gst_bus_pop_filtered (bus, SAID));
}

/* Caps of frames that are too small are taken where regions are wanted, as none
 * may come; but what then comes without tokens is said, once for each kind. */
static void
test_what_is_too_small_is_said_once (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps ("GRAY8", 12, 10, NULL);
  GstBus *bus = gst_bus_new ();
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 16; i++) {
    gboolean roi = i % 8 < 4;
    GstBuffer *frame = frames_random (&info, i, FALSE);

    if (i % 8 == 0 || i % 8 == 4)
      gst_util_set_object_arg (
          G_OBJECT (element), "regions", roi ? "roi" : "frame");
    mark (frame, 1, 0, 0, 12, 9);
    mark (frame, 2, 1, 0, 11, 10);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (frame), ==, 0);
    gst_buffer_unref (frame);
    if (i == 3)
      assert_said_once (bus, GST_MESSAGE_INFO, "12x9 pixels");
    if (i == 7)
      assert_said_once (bus, GST_MESSAGE_WARNING, "12x10 pixels");
  }
  g_assert_null (gst_bus_pop_filtered (bus, SAID));
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* Twice; one warning is enough. */
static void
test_no_more_than_the_first_512 (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps ("GRAY8", 64, 48, NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  for (guint i = 0; i < 2; i++) {
    GstBuffer *frame = frames_random (&info, i, FALSE);

    for (gint r = 0; r < 513; r++)
      mark (frame, r, 0, 0, 16, 16);
    frame = gst_harness_push_and_pull (harness, frame);
    g_assert_cmpuint (count_metas (frame), ==, 512);
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta_roi (frame, 511));
    g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, 512));
    gst_buffer_unref (frame);
  }
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  gst_message_unref (message);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_frame_and_regions_may_be_switched_at_any_frame (void)
{
  GstHarness *harness = gst_harness_new_parse (ELEMENT "regions=frame");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps ("I420", 96, 64, NULL);
  GstBuffer *still;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (harness, caps);
  still = frames_random (&info, 1, FALSE);
  mark (still, 7, 1, 1, 40, 40);
  for (guint i = 0; i < 6; i++) {
    gboolean roi = i % 2;
    GstBuffer *frame;
    GstVitTokensMeta *meta;

    gst_util_set_object_arg (
        G_OBJECT (element), "regions", roi ? "roi" : "frame");
    frame = gst_harness_push_and_pull (harness, gst_buffer_copy (still));
    g_assert_cmpuint (count_metas (frame), ==, 1);
    meta = gst_buffer_get_vit_tokens_meta (frame);
    g_assert_cmpint (meta->roi_id, ==, roi ? 7 : -1);
    g_assert_cmpuint (meta->n_tokens, ==, roi ? 5 : 25);
    g_assert_cmpuint (count_changed (meta), ==, meta->n_tokens);
    gst_buffer_unref (frame);
  }
  gst_buffer_unref (still);
  gst_object_unref (element);
  gst_harness_teardown (harness);
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
        "/regions/tokens-are-those-of-the-region-alone/", formats[i].name,
        NULL);

    g_test_add_data_func (
        path, formats[i].name, test_tokens_are_those_of_the_region_alone);
    g_free (path);
  }
  g_test_add_func ("/regions/regions-are-clipped-and-small-ones-left-out",
      test_regions_are_clipped_and_small_ones_left_out);
  g_test_add_func ("/regions/padded-regions-may-be-smaller-than-a-patch",
      test_padded_regions_may_be_smaller_than_a_patch);
  g_test_add_func (
      "/regions/ids-tell-regions-apart", test_ids_tell_regions_apart);
  g_test_add_func ("/regions/ids-of-regions-without-tokens",
      test_ids_of_regions_without_tokens);
  g_test_add_func ("/regions/tokens-say-which-region-they-are-of",
      test_tokens_say_which_region_they_are_of);
  g_test_add_func ("/regions/a-still-region-keeps-its-tokens",
      test_a_still_region_keeps_its_tokens);
  g_test_add_func ("/regions/what-changed-is-since-the-region-was-there",
      test_what_changed_is_since_the_region_was_there);
  g_test_add_func ("/regions/any-number-of-sizes", test_any_number_of_sizes);
  g_test_add_func ("/regions/what-is-too-small-is-said-once",
      test_what_is_too_small_is_said_once);
  g_test_add_func ("/regions/no-more-than-the-first-512",
      test_no_more_than_the_first_512);
  g_test_add_func ("/regions/frame-and-regions-may-be-switched-at-any-frame",
      test_frame_and_regions_may_be_switched_at_any_frame);
  return g_test_run ();
}
