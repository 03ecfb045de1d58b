/* SPDX-License-Identifier: MIT
 *
 * Attention as vittokenoverlay draws it: every pixel, of one head and of the mean,
 * from 0 to the frame's greatest; on scaled frames, of regions, on frames without;
 * what cannot be drawn is said.
 */
#include <math.h>
#include <string.h>

#include "gst/vit/vit.h"
#include "support/overlay_frame.h"
#include "support/unreadable.h"
#include "tokenoverlay/gstvitdrawing.h"
#include "view/shade.h"

#define N_HEADS 2
#define N_TOKENS 13

/* To patch i: of head 0 (i + 1) / 100, of head 1 twice as much the other way
 * round, and most to the class token, which is not drawn. */
static gfloat
share (gint head, guint patch)
{
  gfloat first = (gfloat) (patch + 1) / 100;
  gfloat second = (gfloat) (2 * (12 - patch)) / 100;

  return head < 0 ? (first + second) / 2 : head == 0 ? first : second;
}

static GstBuffer *
new_values (void)
{
  gfloat values[N_HEADS][N_TOKENS];

  for (guint head = 0; head < N_HEADS; head++) {
    values[head][0] = 0.9f;
    for (guint i = 0; i < 12; i++)
      values[head][1 + i] = share ((gint) head, i);
  }
  return gst_buffer_new_memdup (values, sizeof values);
}

static GstVitAttentionMeta *
add_attention (GstBuffer *frame)
{
  GstBuffer *values = new_values ();
  GstVitAttentionMeta *meta = gst_buffer_add_vit_attention_meta (frame,
      gst_buffer_get_vit_tokens_meta (frame), values, N_HEADS, 12);

  gst_buffer_unref (values);
  g_assert_nonnull (meta);
  return meta;
}

/* (transfer full): with tokens too; meta (nullable): of the attention. */
static GstBuffer *
new_frame (GstVitAttentionMeta **meta)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitAttentionMeta *added;

  overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  added = add_attention (frame);
  if (meta)
    *meta = added;
  return frame;
}

static void
assert_colour (guint32 found, guint32 expected)
{
  for (guint shift = 0; shift < 24; shift += 8)
    g_assert_cmpint (abs ((gint) (found >> shift & 255)
                          - (gint) (expected >> shift & 255)),
        <=, 1);
}

/* All pixels of a frame of WIDTH x HEIGHT. */
static void
assert_drawn (GstBuffer *frame, gint head)
{
  gfloat most = 0;

  for (guint i = 0; i < 12; i++)
    most = MAX (most, share (head, i));
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      assert_colour (overlay_get_pixel (frame, WIDTH, x, y),
          vit_shade_value (share (head, y / 16 * 4 + x / 16) / most, 1));
}

static void
test_pixels (void)
{
  static const gchar *const launches[]
      = { QUIET "mode=attention", QUIET "mode=attention head=0",
          QUIET "mode=attention head=1" };

  for (gint head = -1; head < N_HEADS; head++) {
    GstHarness *harness = overlay_new_harness (launches[head + 1], "RGBA");
    GstBuffer *frame
        = gst_harness_push_and_pull (harness, new_frame (NULL));

    assert_drawn (frame, head);
    gst_buffer_unref (frame);
    gst_harness_teardown (harness);
  }
}

static void
test_live (void)
{
  static const gint heads[] = { 1, -1, 0 };
  GstHarness *harness = overlay_new_harness (QUIET "mode=norm", "RGBA");
  GstElement *element
      = gst_harness_find_element (harness, "vittokenoverlay");

  gst_buffer_unref (gst_harness_push_and_pull (harness, new_frame (NULL)));
  gst_util_set_object_arg (G_OBJECT (element), "mode", "attention");
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    GstBuffer *frame;

    g_object_set (element, "head", heads[i], NULL);
    /* The last stands for a frame without. */
    frame = i % 2 ? new_frame (NULL)
                  : overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
    frame = gst_harness_push_and_pull (harness, frame);
    assert_drawn (frame, heads[i]);
    gst_buffer_unref (frame);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* Where the map says, as behind an element that scaled the frame: here the left
 * half; nothing else is drawn on. */
static void
test_place (void)
{
  GstHarness *harness
      = overlay_new_harness (QUIET "mode=attention head=0", "RGBA");
  GstVitAttentionMeta *meta;
  GstBuffer *frame = new_frame (&meta);

  meta->map[0] = 8;
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++) {
      guint32 found = overlay_get_pixel (frame, WIDTH, x, y);

      if (x < 32)
        assert_colour (
            found, vit_shade_value (share (0, y / 16 * 4 + x / 8) / 0.12f, 1));
      else
        g_assert_cmphex (found, ==, 0);
    }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static GstVideoOverlayComposition *
compose (GstVitDrawing *drawing, gint head, GstBuffer *frame,
    const gchar **reason)
{
  const GstVitDrawingSettings settings = { .mode = GST_VIT_DRAWING_ATTENTION,
    .opacity = 1,
    .x = -1,
    .y = -1,
    .head = head,
    .legend = TRUE };

  return gst_vit_drawing_compose (
      drawing, &settings, frame, WIDTH, HEIGHT, reason);
}

static void
assert_legend (GstBuffer *frame, gint head, const gchar *expected)
{
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  const gchar *reason;
  GstVideoOverlayComposition *drawn
      = compose (drawing, head, frame, &reason);

  g_assert_nonnull (drawn);
  g_assert_null (reason);
  g_assert_cmpstr (gst_vit_drawing_describe (drawing), ==, expected);
  gst_video_overlay_composition_unref (drawn);
  gst_vit_drawing_free (drawing);
}

static void
test_legend (void)
{
  GstVitAttentionMeta *meta;
  GstBuffer *frame = new_frame (&meta);

  assert_legend (frame, -1,
      "attention of the class token, block 12, mean of 2 heads: 0 to 0.125");
  assert_legend (frame, 1,
      "attention of the class token, block 12, head 1 of 2: 0 to 0.24");
  assert_legend (frame, 2, "no head 2: there are 2, from 0");
  gst_buffer_memset (meta->values, 0, 0xff, N_HEADS * N_TOKENS * 4); /* NaN */
  assert_legend (frame, 1,
      "no attention, block 12, head 1 of 2: all is 0 or not finite");
  gst_buffer_unref (frame);
}

/* What is not finite is grey, and the rest as it is. */
static void
test_not_finite (void)
{
  static const gfloat strange[] = { NAN, INFINITY, -INFINITY };
  GstHarness *harness
      = overlay_new_harness (QUIET "mode=attention head=0", "RGBA");
  GstVitAttentionMeta *meta;
  GstBuffer *frame = new_frame (&meta);

  gst_buffer_fill (meta->values, 4, strange, sizeof strange);
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint i = 0; i < 12; i++)
    assert_colour (overlay_get_pixel (frame, WIDTH, i % 4 * 16, i / 4 * 16),
        i < 3 ? 0x808080 : vit_shade_value (share (0, i) / 0.12f, 1));
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
assert_undrawn (GstBuffer *frame, const gchar *expected)
{
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  const gchar *reason;

  g_assert_null (compose (drawing, -1, frame, &reason));
  g_assert_cmpstr (reason, ==, expected);
  gst_vit_drawing_free (drawing);
}

static void
test_undrawn (void)
{
  GstBuffer *bare = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0), *frame;
  GstVitAttentionMeta *meta;

  assert_undrawn (bare, NULL);
  overlay_add_meta (bare, GST_VIT_TOKEN_FORMAT_F32);
  assert_undrawn (bare, "no attention is with them, which vitencoder attaches "
                        "with attention=true");
  gst_buffer_unref (bare);
  frame = new_frame (&meta);
  meta->n_heads = 3;
  assert_undrawn (frame, "values is not n_heads * n_tokens values long");
  gst_buffer_unref (frame);
  frame = new_frame (&meta);
  gst_buffer_replace_all_memory (
      meta->values, unreadable_memory (N_HEADS * N_TOKENS * 4));
  assert_undrawn (frame, "they cannot be read");
  gst_buffer_unref (frame);
}

typedef enum { NO_TOKENS, TOKENS, FEATURES, EMBEDDING, ATTENTION } Content;

/* (transfer full) */
static GstBuffer *
new_frame_with (Content content)
{
  GstBuffer *frame, *values;
  GstVitTokensMeta *tokens;

  if (content == ATTENTION)
    return new_frame (NULL);
  frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  if (content == NO_TOKENS)
    return frame;
  tokens = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  if (content == FEATURES)
    gst_buffer_add_vit_features_meta (
        frame, tokens, tokens->tokens, GST_VIT_TOKEN_FORMAT_F32, 2, 12);
  if (content == EMBEDDING) {
    values = gst_buffer_new_memdup ((gfloat[]) { 1, 2 }, 8);
    gst_buffer_add_vit_embedding_meta (
        frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, values, 2, FALSE, NULL);
    gst_buffer_unref (values);
  }
  return frame;
}

static void
assert_warned (GstBus *bus, gboolean is_warned)
{
  GstMessage *message = gst_bus_pop_filtered (
      bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  GError *error = NULL;

  g_assert_cmpint (message != NULL, ==, is_warned);
  if (!message)
    return;
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "attention=true"));
  g_error_free (error);
  gst_message_unref (message);
}

/* It stays where the encoder made nothing, and ends, with one warning, where it
 * made something else. */
static void
test_stays_and_ends (void)
{
  static const struct {
    Content content;
    gboolean is_drawn, is_warned;
  } streams[][8] = {
    { { ATTENTION, TRUE, FALSE }, { TOKENS, TRUE, FALSE },
        { NO_TOKENS, TRUE, FALSE }, { TOKENS, TRUE, FALSE },
        { FEATURES, FALSE, TRUE }, { FEATURES, FALSE, FALSE },
        { NO_TOKENS, FALSE, FALSE }, { ATTENTION, TRUE, FALSE } },
    { { NO_TOKENS, FALSE, FALSE }, { ATTENTION, TRUE, FALSE },
        { EMBEDDING, FALSE, TRUE }, { TOKENS, FALSE, FALSE },
        { NO_TOKENS, FALSE, FALSE }, { ATTENTION, TRUE, FALSE },
        { TOKENS, TRUE, FALSE }, { EMBEDDING, FALSE, FALSE } },
  };

  for (guint s = 0; s < G_N_ELEMENTS (streams); s++) {
    GstHarness *harness
        = overlay_new_harness (QUIET "mode=attention", "RGBA");
    GstBus *bus = gst_bus_new ();

    gst_element_set_bus (harness->element, bus);
    for (guint i = 0; i < G_N_ELEMENTS (streams[s]); i++) {
      GstBuffer *frame = gst_harness_push_and_pull (
          harness, new_frame_with (streams[s][i].content));

      g_test_message ("stream %u, frame %u", s, i);
      if (streams[s][i].is_drawn)
        assert_drawn (frame, -1);
      else
        g_assert_cmphex (overlay_get_pixel (frame, WIDTH, 8, 8), ==, 0);
      assert_warned (bus, streams[s][i].is_warned);
      gst_buffer_unref (frame);
    }
    gst_element_set_bus (harness->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (harness);
  }
}

/* One that is forged is passed over, and said; what is valid beside it is drawn. */
static void
test_forged_beside_valid (void)
{
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  GstVitAttentionMeta *meta;
  GstBuffer *frame = new_frame (&meta);
  GstVideoOverlayComposition *drawn;
  const gchar *reason;

  add_attention (frame);
  meta->block = 0;
  drawn = compose (drawing, -1, frame, &reason);
  g_assert_nonnull (drawn);
  g_assert_cmpstr (reason, ==, "block is 0 or too large");
  gst_video_overlay_composition_unref (drawn);
  gst_vit_drawing_free (drawing);
  gst_buffer_unref (frame);
}

/* Two regions by one scale: the right half attends half as much. */
static void
test_regions (void)
{
  GstHarness *harness
      = overlay_new_harness (QUIET "mode=attention head=0", "RGBA");
  GstVitAttentionMeta *metas[2];
  GstBuffer *frame = new_frame (&metas[0]);

  metas[1] = add_attention (frame);
  for (guint i = 0; i < 2; i++) {
    metas[i]->map[0] = 8;
    metas[i]->map[2] = 32 * i;
    metas[i]->roi_id = (gint) i;
  }
  for (guint i = 0; i < 12; i++) {
    gfloat half = share (0, i) / 2;

    gst_buffer_fill (metas[1]->values, 4 * (1 + i), &half, sizeof half);
  }
  frame = gst_harness_push_and_pull (harness, frame);
  for (guint i = 0; i < 24; i++)
    assert_colour (
        overlay_get_pixel (frame, WIDTH, i % 8 * 8, i / 8 * 16),
        vit_shade_value (share (0, i / 8 * 4 + i % 4)
                             / (i % 8 < 4 ? 0.12f : 0.24f),
            1));
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/overlay-attention/" name, function)
  TEST ("every-pixel-of-head-and-mean", test_pixels);
  TEST ("mode-and-head-while-frames-pass", test_live);
  TEST ("drawn-where-the-map-says", test_place);
  TEST ("legend-says-head-and-greatest", test_legend);
  TEST ("grey-where-not-finite", test_not_finite);
  TEST ("what-cannot-be-drawn-is-said", test_undrawn);
  TEST ("stays-while-missing-and-ends-without", test_stays_and_ends);
  TEST ("valid-beside-forged-is-drawn", test_forged_beside_valid);
  TEST ("regions-have-one-scale", test_regions);
  return g_test_run ();
}
