/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta: attached like the tokens that are attended to, found,
 * copied, scaled and serialised with the frame; and nothing is read of one whose
 * fields were forged.
 */
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "gst/vit/vit.h"
#include "support/meta_frame.h"

#define N_HEADS 2
#define SIZE (N_HEADS * N_TOKENS * 4)

/* (transfer full): value i is i / 100. */
static GstBuffer *
new_values (void)
{
  gfloat values[N_HEADS * N_TOKENS];

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = (gfloat) i / 100;
  return gst_buffer_new_memdup (values, sizeof values);
}

static GstVitAttentionMeta *
add (GstBuffer *frame, const GstVitTokensMeta *tokens)
{
  GstBuffer *values = new_values ();
  GstVitAttentionMeta *meta
      = gst_buffer_add_vit_attention_meta (frame, tokens, values, N_HEADS, 12);

  gst_buffer_unref (values);
  g_assert_nonnull (meta);
  return meta;
}

/* (transfer full): with tokens of a region, and attention. */
static GstBuffer *
new_frame (GstVitAttentionMeta **meta)
{
  const gdouble map[6] = { 8, 0.5, 3, -0.25, 9, 4 };
  GstVitTokensMeta *tokens;
  GstBuffer *frame = meta_frame_new (&tokens);

  gst_vit_tokens_meta_set_map (tokens, map);
  gst_vit_tokens_meta_set_roi (tokens, 3, "face", 8, 9, 56, 39);
  *meta = add (frame, tokens);
  return frame;
}

static guint
count (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE);
}

static void
assert_map_is (const GstVitAttentionMeta *meta, const gdouble expected[6])
{
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon (meta->map[i], expected[i], 1e-12);
}

/* All that was said of it, but for the map. */
static void
assert_is_whole (const GstVitAttentionMeta *meta)
{
  GstBuffer *expected = new_values ();
  const gchar *reason = "";
  guint x, y, width, height;
  GstMapInfo map;

  if (!gst_vit_attention_meta_is_valid (meta, &reason))
    g_error ("not valid: %s", reason);
  g_assert_null (reason);
  g_assert_cmpuint (meta->n_heads, ==, N_HEADS);
  g_assert_cmpuint (meta->n_tokens, ==, N_TOKENS);
  g_assert_cmpuint (meta->n_prefix_tokens, ==, 1);
  g_assert_cmpuint (meta->grid_width, ==, 4);
  g_assert_cmpuint (meta->grid_height, ==, 3);
  g_assert_cmpuint (meta->patch_size, ==, 16);
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  g_assert_cmpuint (meta->block, ==, 12);
  g_assert_cmpint (meta->roi_id, ==, 3);
  g_assert_cmpstr (gst_vit_attention_meta_get_roi_type (meta), ==, "face");
  g_assert_cmpstr (gst_vit_attention_meta_get_model_id (meta), ==, "model");
  g_assert_true (
      gst_vit_attention_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x, ==, 8);
  g_assert_cmpuint (y, ==, 9);
  g_assert_cmpuint (width, ==, 56);
  g_assert_cmpuint (height, ==, 39);
  g_assert_true (gst_buffer_map (expected, &map, GST_MAP_READ));
  g_assert_cmpuint (gst_buffer_get_size (meta->values), ==, map.size);
  g_assert_cmpint (
      gst_buffer_memcmp (meta->values, 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (expected, &map);
  gst_buffer_unref (expected);
}

static void
test_tags (void)
{
  const gchar *const *tags
      = gst_meta_api_type_get_tags (GST_VIT_ATTENTION_META_API_TYPE);

  g_assert_cmpuint (g_strv_length ((gchar **) tags), ==, 3);
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_SIZE_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_ORIENTATION_STR));
}

static void
test_add (void)
{
  const gdouble map[6] = { 8, 0.5, 3, -0.25, 9, 4 };
  GstVitAttentionMeta *meta, *second;
  GstBuffer *frame = new_frame (&meta), *values;
  gpointer state = NULL;

  assert_is_whole (meta);
  assert_map_is (meta, map);
  g_assert_true (gst_vit_attention_meta_get_map (meta) == meta->map);
  g_assert_true (gst_vit_attention_meta_get_values (meta) == meta->values);
  second = add (frame, gst_buffer_get_vit_tokens_meta (frame));
  g_assert_true (gst_buffer_get_vit_attention_meta (frame) == meta);
  g_assert_true (
      gst_buffer_iterate_vit_attention_meta (frame, &state) == meta);
  g_assert_true (
      gst_buffer_iterate_vit_attention_meta (frame, &state) == second);
  g_assert_null (gst_buffer_iterate_vit_attention_meta (frame, &state));
  values = gst_buffer_ref (meta->values);
  gst_buffer_unref (frame);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (values), ==, 1);
  gst_buffer_unref (values);
}

/* A critical, and nothing is added. */
static void
assert_refused (
    const GstVitTokensMeta *tokens, gsize size, guint n_heads, guint block)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) values = gst_buffer_new_allocate (NULL, size, NULL);

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*failed*");
  g_assert_null (gst_buffer_add_vit_attention_meta (
      frame, tokens, values, n_heads, block));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count (frame), ==, 0);
}

static void
test_refused (void)
{
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&tokens);

  assert_refused (tokens, SIZE - 1, N_HEADS, 12);
  assert_refused (tokens, SIZE + 1, N_HEADS, 12);
  assert_refused (tokens, SIZE, N_HEADS + 1, 12);
  assert_refused (tokens, 0, 0, 12);
  assert_refused (tokens, SIZE, N_HEADS, 0);
  assert_refused (tokens, SIZE, N_HEADS, 1u << 31);
  assert_refused (NULL, SIZE, N_HEADS, 12);
  tokens->n_tokens++;
  assert_refused (tokens, SIZE, N_HEADS, 12);
}

static void
test_copies (void)
{
  const gdouble map[6] = { 8, 0.5, 3, -0.25, 9, 4 };
  GstVitAttentionMeta *meta;
  GstBuffer *frame = new_frame (&meta), *copies[3], *part;
  GstBuffer *values = gst_buffer_ref (meta->values);

  copies[0] = gst_buffer_copy (frame);
  copies[1] = gst_buffer_copy_deep (frame);
  copies[2] = gst_buffer_make_writable (gst_buffer_ref (frame));
  part = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, 64);
  gst_buffer_unref (frame);
  g_assert_cmpuint (count (part), ==, 0);
  gst_buffer_unref (part);
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    meta = gst_buffer_get_vit_attention_meta (copies[i]);
    assert_is_whole (meta);
    assert_map_is (meta, map);
    g_assert_true (meta->values == values);
    gst_buffer_unref (copies[i]);
  }
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (values), ==, 1);
  gst_buffer_unref (values);
}

/* (transfer full) (nullable): a buffer with the copy; NULL where the transform
 * says that there is none. */
static GstBuffer *
scale (GstBuffer *frame, GstVitAttentionMeta *meta, guint width, guint height)
{
  GstBuffer *scaled = gst_buffer_new ();
  GstVideoInfo in, out;
  GstVideoMetaTransform transform = { &in, &out };
  gboolean is_copied;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, width, height);
  is_copied = GST_VIT_ATTENTION_META_INFO->transform_func (scaled, &meta->meta,
      frame, gst_video_meta_transform_scale_get_quark (), &transform);
  g_assert_cmpuint (count (scaled), ==, is_copied ? 1 : 0);
  if (!is_copied)
    gst_clear_buffer (&scaled);
  return scaled;
}

static void
test_scaled (void)
{
  const gdouble half[6] = { 4, 0.25, 1.5, -0.125, 4.5, 2 };
  GstVitAttentionMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) scaled = scale (frame, meta, 32, 24);

  assert_is_whole (gst_buffer_get_vit_attention_meta (scaled));
  assert_map_is (gst_buffer_get_vit_attention_meta (scaled), half);
  /* There may be borders. */
  g_assert_null (scale (frame, meta, 64, 64));
  g_assert_false (GST_VIT_ATTENTION_META_INFO->transform_func (
      frame, &meta->meta, frame, g_quark_from_static_string ("other"), NULL));
  meta->map[0] = 1e308;
  g_assert_null (scale (frame, meta, 640, 480));
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Cut at the left by 16 pixels, the rest as large as before. */
static void
test_moved (void)
{
  static const GstVideoRectangle in_part = { 16, 0, 48, 48 };
  static const GstVideoRectangle out_whole = { 0, 0, 48, 48 };
  const gdouble expected[6] = { 8, 0.5, -13, -0.25, 9, 4 };
  GstVitAttentionMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) moved = gst_buffer_new ();
  GstVideoMetaTransformMatrix transform;
  GstVideoInfo in, out;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, 48, 48);
  gst_video_meta_transform_matrix_init (
      &transform, &in, &in_part, &out, &out_whole);
  g_assert_true (GST_VIT_ATTENTION_META_INFO->transform_func (moved,
      &meta->meta, frame, gst_video_meta_transform_matrix_get_quark (),
      &transform));
  assert_is_whole (gst_buffer_get_vit_attention_meta (moved));
  assert_map_is (gst_buffer_get_vit_attention_meta (moved), expected);
}
#endif

static void
replace_text (gchar **text, gchar *by)
{
  g_free (*text);
  *text = by;
}

#define SIZES "grid_width, grid_height or n_heads is 0 or too large"
#define PIXELS "patch_size, frame_width or frame_height is 0 or too large"
#define LENGTH "values is not n_heads * n_tokens values long"
#define COUNT "n_tokens is not n_prefix_tokens + grid_width * grid_height"
#define MAP "map leads to places that are not finite"
#define REGION "roi_x, roi_y, roi_width, roi_height lead out of the frame"

/* Breaks one rule; the reason that is_valid() must give. */
static const gchar *
forge (GstVitAttentionMeta *meta, guint i)
{
  switch (i) {
    case 0:
      gst_clear_buffer (&meta->values);
      return "there are no values";
    case 1:
      meta->n_heads = 0;
      return SIZES;
    case 2:
      meta->n_heads = 3;
      return LENGTH;
    case 3: /* as many bytes in 32 bits */
      meta->n_heads = (1u << 30) + N_HEADS;
      return LENGTH;
    case 4: /* nothing is left of it in 64 bits */
      meta->n_heads = meta->grid_width = 1u << 31;
      meta->grid_height = 1;
      return SIZES;
    case 5:
      meta->n_tokens++;
      return COUNT;
    case 6:
      meta->n_prefix_tokens = 0;
      return "there is no class token";
    case 7:
      meta->n_prefix_tokens = G_MAXUINT;
      return SIZES;
    case 8:
      meta->grid_width = 0;
      return SIZES;
    case 9:
      meta->grid_height = 4;
      return COUNT;
    case 10:
      meta->grid_width = meta->grid_height = 65536;
      return SIZES;
    case 11:
      meta->patch_size = 0;
      return PIXELS;
    case 12:
      meta->frame_width = 1u << 31;
      return PIXELS;
    case 13:
      meta->frame_height = 0;
      return PIXELS;
    case 14:
      meta->block = 0;
      return "block is 0 or too large";
    case 15:
      meta->block = G_MAXUINT;
      return "block is 0 or too large";
    case 16:
      meta->map[4] = NAN;
      return MAP;
    case 17:
      meta->map[0] = -1e308;
      return MAP;
    case 18:
      meta->roi_x = G_MAXUINT;
      return REGION;
    case 19:
      meta->roi_height = 40;
      return REGION;
    case 20:
      replace_text (&meta->roi_type, g_strnfill (257, 't'));
      return "roi_type is too long";
    case 21:
      replace_text (&meta->roi_type, g_strdup ("caf\xe9"));
      return "roi_type is not UTF-8";
    case 22:
      replace_text (&meta->model_id, g_strnfill (1025, 'v'));
      return "model_id is too long";
    case 23:
      replace_text (&meta->model_id, g_strdup ("caf\xe9"));
      return "model_id is not UTF-8";
    default:
      return NULL;
  }
}

static void
assert_forged (GstBuffer *frame, const gchar *expected)
{
  GstVitAttentionMeta *meta = gst_buffer_get_vit_attention_meta (frame);
  const gchar *reason = NULL;
  guint x = 1, y = 1, width = 1, height = 1;

  g_assert_false (gst_vit_attention_meta_is_valid (meta, &reason));
  g_assert_cmpstr (reason, ==, expected);
  g_assert_null (gst_vit_attention_meta_get_values (meta));
  g_assert_null (gst_vit_attention_meta_get_map (meta));
  g_assert_null (gst_vit_attention_meta_get_model_id (meta));
  g_assert_null (gst_vit_attention_meta_get_roi_type (meta));
  g_assert_false (
      gst_vit_attention_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x + y + width + height, ==, 0);
}

/* Copied as it is, so that its reader can say so, and in no other way. */
static void
test_forged (void)
{
  guint i;

  for (i = 0;; i++) {
    GstVitAttentionMeta *meta;
    g_autoptr (GstBuffer) frame = new_frame (&meta);
    g_autoptr (GstBuffer) copy = NULL;
    const gchar *reason = forge (meta, i);

    if (!reason)
      break;
    assert_forged (frame, reason);
    g_assert_null (scale (frame, meta, 32, 24));
    copy = gst_buffer_copy (frame);
    assert_forged (copy, reason);
#if GST_CHECK_VERSION(1, 24, 0)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      g_assert_false (gst_meta_serialize_simple (&meta->meta, bytes));
    }
#endif
  }
  g_assert_cmpuint (i, ==, 24);
}

#if GST_CHECK_VERSION(1, 24, 0)
static void
test_serialised (void)
{
  const gdouble map[6] = { 8, 0.5, 3, -0.25, 9, 4 };
  GstVitAttentionMeta *meta;
  g_autoptr (GstBuffer) frame = new_frame (&meta);
  g_autoptr (GstBuffer) other = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint32 n_read;

  g_assert_true (gst_meta_serialize_simple (&meta->meta, bytes));
  g_assert_nonnull (
      gst_meta_deserialize (other, bytes->data, bytes->len, &n_read));
  g_assert_cmpuint (n_read, ==, bytes->len);
  assert_is_whole (gst_buffer_get_vit_attention_meta (other));
  assert_map_is (gst_buffer_get_vit_attention_meta (other), map);
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/attention-meta/" name, function)
  TEST ("tags-are-video-size-orientation", test_tags);
  TEST ("made-like-tokens-and-found-in-order", test_add);
  TEST ("what-does-not-fit-is-refused", test_refused);
  TEST ("copies-share-the-values", test_copies);
  TEST ("map-follows-a-scaled-frame", test_scaled);
#if GST_CHECK_VERSION(1, 28, 0)
  TEST ("map-follows-a-moved-frame", test_moved);
#endif
  TEST ("forged-it-gives-nothing", test_forged);
#if GST_CHECK_VERSION(1, 24, 0)
  TEST ("serialised-and-back", test_serialised);
#endif
  return g_test_run ();
}
