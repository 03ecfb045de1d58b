/* SPDX-License-Identifier: MIT
 *
 * Tokens and features on one frame: how features are made like the tokens that
 * they were computed from, and which of several is found by its depth.
 */
#include <gst/video/video.h>
#include <string.h>

#include "support/meta_frame.h"

static GstBuffer *
zeros (gsize size)
{
  return gst_buffer_new_wrapped (g_malloc0 (size), size);
}

/* A frame whose tokens have everything that can be said of them. */
static GstBuffer *
full_frame (GstVitTokensMeta **meta)
{
  static const gdouble map[6] = { 8, 0, 1, 0, 8, 2 };
  GstBuffer *frame = meta_frame_new (meta);
  GBytes *kinds = g_bytes_new_static ("\1", 1);
  GBytes *changed = g_bytes_new_static ("\0\0", 2);
  GstBuffer *positions = zeros (12 * 2 * 4);

  gst_vit_tokens_meta_set_prefix_kinds (*meta, kinds);
  gst_vit_tokens_meta_set_changed (*meta, changed);
  gst_vit_tokens_meta_set_positions (*meta, positions);
  gst_vit_tokens_meta_set_roi (*meta, 3, "face", 8, 9, 56, 39);
  gst_vit_tokens_meta_set_map (*meta, map);
  gst_buffer_unref (positions);
  g_bytes_unref (changed);
  g_bytes_unref (kinds);
  return frame;
}

static void
assert_like (const GstVitTokensMeta *features, const GstVitTokensMeta *tokens)
{
  guint x, y, width, height;

  g_assert_cmpuint (features->n_tokens, ==, tokens->n_tokens);
  g_assert_cmpuint (features->n_prefix_tokens, ==, tokens->n_prefix_tokens);
  g_assert_cmpuint (features->grid_width, ==, tokens->grid_width);
  g_assert_cmpuint (features->grid_height, ==, tokens->grid_height);
  g_assert_cmpuint (features->patch_size, ==, tokens->patch_size);
  g_assert_cmpuint (features->frame_width, ==, tokens->frame_width);
  g_assert_cmpuint (features->frame_height, ==, tokens->frame_height);
  assert_map (features, tokens->map);
  g_assert_cmpstr (features->model_id, ==, tokens->model_id);
  g_assert_cmpint (features->roi_id, ==, tokens->roi_id);
  g_assert_cmpstr (features->roi_type, ==, tokens->roi_type);
  g_assert_true (
      gst_vit_tokens_meta_get_roi_rect (features, &x, &y, &width, &height));
  g_assert_cmpuint (x, ==, tokens->roi_x);
  g_assert_cmpuint (y, ==, tokens->roi_y);
  g_assert_cmpuint (width, ==, tokens->roi_width);
  g_assert_cmpuint (height, ==, tokens->roi_height);
  g_assert_cmpint (gst_vit_tokens_meta_get_prefix_kind (features, 0), ==,
      GST_VIT_PREFIX_KIND_CLASS);
}

/* Also of another frame, and after the tokens are gone. */
static void
test_features (void)
{
  GstVitTokensMeta *tokens, *features;
  GstBuffer *frame = full_frame (&tokens), *other = gst_buffer_new ();
  GstBuffer *values = zeros (N_TOKENS * 6 * 2);

  for (guint i = 0; i < 2; i++) {
    const gchar *reason;

    features = gst_buffer_add_vit_features_meta (i == 0 ? frame : other, tokens,
        values, GST_VIT_TOKEN_FORMAT_F16, 6, 12);
    if (!gst_vit_tokens_meta_is_valid (features, &reason))
      g_error ("not valid: %s", reason);
    g_assert_true (features->tokens == values);
    g_assert_cmpint (features->format, ==, GST_VIT_TOKEN_FORMAT_F16);
    g_assert_cmpuint (features->embed_dim, ==, 6);
    g_assert_cmpuint (features->n_blocks, ==, 12);
    assert_like (features, tokens);
    g_assert_nonnull (features->positions);
    g_assert_cmpuint (gst_buffer_get_size (features->positions), ==, 0);
    g_assert_null (features->changed);
    g_assert_true (gst_vit_tokens_meta_is_changed (features, 0));
    /* And the tokens are as they were. */
    g_assert_false (gst_vit_tokens_meta_is_changed (tokens, 0));
    g_assert_cmpuint (gst_buffer_get_size (tokens->positions), ==, 12 * 2 * 4);
  }
  gst_buffer_unref (frame);
  g_assert_cmpstr (features->model_id, ==, "model");
  g_assert_cmpstr (features->roi_type, ==, "face");
  gst_buffer_unref (other);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (values), ==, 1);
  gst_buffer_unref (values);
}

static GstVitTokensMeta *
add_features (GstBuffer *frame, guint n_blocks)
{
  GstBuffer *values = zeros (TOKENS_SIZE);
  GstVitTokensMeta *features = gst_buffer_add_vit_features_meta (frame,
      gst_buffer_get_vit_tokens_meta_at (frame, 0), values,
      GST_VIT_TOKEN_FORMAT_F32, 2, n_blocks);

  gst_buffer_unref (values);
  return features;
}

static void
test_depths (void)
{
  GstVitTokensMeta *tokens, *middle, *last, *others;
  GstBuffer *frame = meta_frame_new (&tokens), *bare = gst_buffer_new ();
  GstBuffer *values = zeros (TOKENS_SIZE);

  g_assert_null (gst_buffer_get_vit_tokens_meta_deepest (bare));
  g_assert_null (gst_buffer_get_vit_tokens_meta_at (bare, 0));
  g_assert_true (gst_buffer_get_vit_tokens_meta_deepest (frame) == tokens);
  g_assert_true (gst_buffer_get_vit_tokens_meta_at (frame, 0) == tokens);
  g_assert_null (gst_buffer_get_vit_tokens_meta_at (frame, 12));

  last = add_features (frame, 12);
  middle = add_features (frame, 6);
  others = add_features (frame, 12);
  meta_frame_add (frame, values, NULL);
  g_assert_true (others != last);
  g_assert_true (gst_buffer_get_vit_tokens_meta_deepest (frame) == last);
  g_assert_true (gst_buffer_get_vit_tokens_meta_at (frame, 0) == tokens);
  g_assert_true (gst_buffer_get_vit_tokens_meta_at (frame, 6) == middle);
  g_assert_true (gst_buffer_get_vit_tokens_meta_at (frame, 12) == last);
  g_assert_null (gst_buffer_get_vit_tokens_meta_at (frame, 11));
  gst_buffer_unref (values);
  gst_buffer_unref (bare);
  gst_buffer_unref (frame);
}

/* A critical, and nothing is added. */
static void
assert_refused (const GstVitTokensMeta *tokens, gsize size,
    GstVitTokenFormat format, guint embed_dim, guint n_blocks)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) values = zeros (size);

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*failed*");
  g_assert_null (gst_buffer_add_vit_features_meta (
      frame, tokens, values, format, embed_dim, n_blocks));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_metas (frame), ==, 0);
}

static void
test_refused (void)
{
  const GstVitTokenFormat f32 = GST_VIT_TOKEN_FORMAT_F32;
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&tokens);

  assert_refused (tokens, TOKENS_SIZE - 1, f32, 2, 1);
  assert_refused (tokens, TOKENS_SIZE, GST_VIT_TOKEN_FORMAT_F16, 2, 1);
  assert_refused (tokens, TOKENS_SIZE, 99, 2, 1);
  assert_refused (tokens, TOKENS_SIZE, f32, 3, 1);
  assert_refused (tokens, 8, f32, 0, 1);
  assert_refused (tokens, TOKENS_SIZE, f32, 2, 0);
  assert_refused (tokens, TOKENS_SIZE, f32, 2, 1u << 31);
  assert_refused (NULL, TOKENS_SIZE, f32, 2, 1);
  tokens->n_tokens++;
  assert_refused (tokens, TOKENS_SIZE + 8, f32, 2, 1);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokens-depth/" name, function)
  TEST ("features-are-made-like-their-tokens", test_features);
  TEST ("found-by-depth", test_depths);
  TEST ("what-does-not-fit-is-refused", test_refused);
  return g_test_run ();
}
