/* SPDX-License-Identifier: MIT
 *
 * What vittokenoverlay draws of a frame with tokens and with features that an
 * encoder made of them, and what its legend says of these.
 */
#include <string.h>

#include "gst/vit/gstvitembeddingmeta.h"
#include "support/overlay_frame.h"
#include "tokenoverlay/gstvitdrawing.h"
#include "view/shade.h"

/* (transfer full): a frame with tokens, of which that of patch `changed` alone
 * did, and features after `n_blocks`: the tokens of the patches in the opposite
 * order. */
static GstBuffer *
new_frame (guint changed, guint n_blocks)
{
  GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);
  GstVitTokensMeta *tokens = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);
  gfloat in[13][2], out[13][2];
  GstBuffer *features;

  overlay_set_changed (tokens, changed);
  gst_buffer_extract (tokens->tokens, 0, in, sizeof in);
  memcpy (out[0], in[0], sizeof out[0]);
  for (guint i = 0; i < 12; i++)
    memcpy (out[1 + i], in[12 - i], sizeof out[1]);
  features = gst_buffer_new_memdup (out, sizeof out);
  g_assert_nonnull (gst_buffer_add_vit_features_meta (
      frame, tokens, features, GST_VIT_TOKEN_FORMAT_F32, 2, n_blocks));
  gst_buffer_unref (features);
  return frame;
}

static guint32
patch_pixel (GstBuffer *frame, guint patch)
{
  return overlay_get_pixel (frame, WIDTH, patch % 4 * 16, patch / 4 * 16);
}

/* Their lengths go from the greatest to the least. */
static void
test_drawn (void)
{
  GstHarness *harness = overlay_new_harness (QUIET "mode=norm", "RGBA");
  GstBuffer *frame = gst_harness_push_and_pull (harness, new_frame (0, 12));

  for (guint i = 0; i < 12; i++) {
    guint32 expected = vit_shade_value ((gfloat) (11 - i) / 11, 1);
    guint32 found = patch_pixel (frame, i);

    for (guint shift = 0; shift < 24; shift += 8)
      g_assert_cmpint (abs ((gint) (found >> shift & 255)
                            - (gint) (expected >> shift & 255)),
          <=, 1);
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

/* Of the features it is not known. */
static void
test_changed (void)
{
  GstHarness *harness = overlay_new_harness (QUIET "mode=changed", "RGBA");
  GstBuffer *frame = gst_harness_push_and_pull (harness, new_frame (5, 12));

  for (guint i = 0; i < 12; i++)
    g_assert_cmphex (patch_pixel (frame, i), ==, i == 5 ? 0xff8000 : 0);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

static void
assert_legend (GstVitDrawingMode mode, GstBuffer *frame, const gchar *start)
{
  const GstVitDrawingSettings settings
      = { .mode = mode, .opacity = 1, .x = -1, .y = -1, .legend = TRUE };
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  GstVideoOverlayComposition *drawn;
  const gchar *reason, *legend;

  drawn = gst_vit_drawing_compose (
      drawing, &settings, frame, WIDTH, HEIGHT, &reason);
  g_assert_nonnull (drawn);
  g_assert_null (reason);
  legend = gst_vit_drawing_describe (drawing);
  if (!legend || !g_str_has_prefix (legend, start))
    g_error ("the legend is \"%s\", not \"%s\" ...", legend, start);
  gst_video_overlay_composition_unref (drawn);
  gst_vit_drawing_free (drawing);
}

static void
test_legend (void)
{
  static const gchar *const starts[] = {
    [GST_VIT_DRAWING_PCA] = "features after block 12: principal components: ",
    [GST_VIT_DRAWING_SIMILARITY] = "features after block 12: cosine ",
    [GST_VIT_DRAWING_NORM] = "features after block 12: norm 1 to 12",
    [GST_VIT_DRAWING_CHANGED] = "1 of 12 patches changed",
    [GST_VIT_DRAWING_GRID]
    = "features after block 12: 4 x 3 patches of 16 x 16, embed_dim 2",
  };
  GstBuffer *frame = new_frame (5, 12);
  GstBuffer *bare = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    assert_legend ((GstVitDrawingMode) i, frame, starts[i]);
  gst_buffer_unref (frame);
  frame = new_frame (5, 2);
  assert_legend (GST_VIT_DRAWING_NORM, frame, "features after block 2: norm ");
  gst_buffer_unref (frame);
  overlay_add_meta (bare, GST_VIT_TOKEN_FORMAT_F32);
  assert_legend (GST_VIT_DRAWING_NORM, bare, "norm 1 to 12");
  gst_buffer_unref (bare);
}

/* (transfer none): logits without labels. */
static GstVitEmbeddingMeta *
add_logits (GstBuffer *frame)
{
  GstBuffer *values = gst_buffer_new_memdup ((gfloat[]) { 1, 2 }, 8);
  GstVitEmbeddingMeta *meta = gst_buffer_add_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_LOGITS, values, 2, FALSE, NULL);

  gst_buffer_unref (values);
  return meta;
}

static void
add_label (GstBuffer *frame, const gchar *name, gfloat probability)
{
  gst_vit_embedding_meta_add_label (add_logits (frame), 1, name, probability);
}

/* Those of the frame or region whose first is the most probable. */
static void
test_legend_labels (void)
{
  GstBuffer *frame = new_frame (5, 12);
  GstVitEmbeddingMeta *logits;

  add_logits (frame);
  assert_legend (
      GST_VIT_DRAWING_NORM, frame, "features after block 12: norm 1 to 12");
  add_label (frame, "tiger cat", 0.25f);
  assert_legend (GST_VIT_DRAWING_NORM, frame,
      "tiger cat 0.25, features after block 12: norm 1 to 12");
  logits = add_logits (frame);
  gst_vit_embedding_meta_add_label (logits, 1, "tabby, tabby cat", 0.875f);
  gst_vit_embedding_meta_add_label (logits, 0, "dog", 0.0625f);
  add_label (frame, "toaster", 0.5f);
  assert_legend (GST_VIT_DRAWING_CHANGED, frame,
      "tabby, tabby cat 0.88, dog 0.06, 1 of 12 patches changed");
  gst_buffer_unref (frame);
}

/* Three, none but the first of 0.00, and no name longer than 40 characters, of
 * which each here is two bytes. */
static void
test_legend_labels_are_few_and_short (void)
{
  static const struct {
    gfloat probabilities[5];
    guint n_characters; /* of the first name */
    const gchar *tail;
  } cases[] = {
    { { 0.5f, 0.25f, 0.125f, 0.0625f, 0 }, 40,
        " 0.50, b 0.25, c 0.12, 1 of 12" },
    { { 0.5f, 0.25f, 0.00625f, 0, 0 }, 41, " 0.50, b 0.25, c 0.01, 1 of 12" },
    { { 0.75f, 0.25f, 0.00375f, 0, 0 }, 128, " 0.75, b 0.25, 1 of 12" },
    { { 0.001f, 0.001f, 0, 0, 0 }, 1, " 0.00, 1 of 12" },
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
    GstBuffer *frame = new_frame (5, 12);
    GstVitEmbeddingMeta *logits = add_logits (frame);
    GString *name = g_string_new (NULL), *expected = g_string_new (NULL);

    for (guint i = 0; i < cases[c].n_characters; i++) {
      g_string_append (name, "\xc3\xa9");
      if (i < (cases[c].n_characters > 40 ? 39 : 40))
        g_string_append (expected, "\xc3\xa9");
    }
    if (cases[c].n_characters > 40)
      g_string_append (expected, "\xe2\x80\xa6");
    g_string_append (expected, cases[c].tail);
    for (guint i = 0; i < 5; i++) {
      const gchar other[] = { (gchar) ('a' + i), '\0' };

      gst_vit_embedding_meta_add_label (logits, i % 2,
          i == 0 ? name->str : other, cases[c].probabilities[i]);
    }
    assert_legend (GST_VIT_DRAWING_CHANGED, frame, expected->str);
    g_string_free (name, TRUE);
    g_string_free (expected, TRUE);
    gst_buffer_unref (frame);
  }
}

/* A frame without tokens has the label of the last picture, also where that is
 * drawn anew. */
static void
test_label_stays (void)
{
  GstVitDrawingSettings settings = { .mode = GST_VIT_DRAWING_NORM,
    .opacity = 1, .x = -1, .y = -1, .legend = TRUE };
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  GstBuffer *frames[] = { new_frame (5, 12),
    overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0),
    overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0), new_frame (5, 12) };
  static const gchar *const starts[] = { "cat 0.50, features ",
    "cat 0.50, features ", "cat 0.50, features ", "features " };

  add_label (frames[0], "cat", 0.5f);
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    GstVideoOverlayComposition *drawn;
    const gchar *reason;

    settings.opacity = i < 2 ? 1 : 0.5;
    drawn = gst_vit_drawing_compose (
        drawing, &settings, frames[i], WIDTH, HEIGHT, &reason);
    g_assert_nonnull (drawn);
    g_assert_true (g_str_has_prefix (
        gst_vit_drawing_describe (drawing), starts[i]));
    gst_video_overlay_composition_unref (drawn);
    gst_buffer_unref (frames[i]);
  }
  gst_vit_drawing_free (drawing);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/overlay-features/" name, function)
  TEST ("are-drawn-instead-of-tokens", test_drawn);
  TEST ("what-changed-is-told-by-who-knows", test_changed);
  TEST ("legend-says-after-which-block", test_legend);
  TEST ("legend-says-the-best-labels", test_legend_labels);
  TEST ("labels-are-few-and-short", test_legend_labels_are_few_and_short);
  TEST ("label-stays-with-the-picture", test_label_stays);
  return g_test_run ();
}
