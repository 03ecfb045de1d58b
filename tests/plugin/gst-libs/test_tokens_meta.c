/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta as something that a buffer has: what it holds and refuses to
 * hold, how it is found among several, and what becomes of it and of its tokens
 * as the buffer is copied or goes back to its pool.
 */
#include <gst/video/video.h>
#include <string.h>

#include "support/meta_frame.h"

static void
assert_refs (GstBuffer *buffer, gint n_references)
{
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), ==, n_references);
}

/* Programmer errors are logged as critical; the domain does not matter. */
static guint n_criticals;

static void
count_criticals (const gchar *domain G_GNUC_UNUSED, GLogLevelFlags level,
    const gchar *message G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  if (level & G_LOG_LEVEL_CRITICAL)
    n_criticals++;
}

static GstVitTokensMeta *
add_wrongly (gsize size, GstVitTokenFormat format, guint n_prefix_tokens,
    guint grid_width, guint grid_height, guint embed_dim)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  GLogFunc handler = g_log_set_default_handler (count_criticals, NULL);
  GstBuffer *frame = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, size, NULL);
  GstVitTokensMeta *meta;

  n_criticals = 0;
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens, format, n_prefix_tokens,
      grid_width, grid_height, 16, embed_dim, 64, 48, NULL);
  g_assert_cmpuint (count_metas (frame), ==, 0);
  gst_buffer_unref (tokens);
  gst_buffer_unref (frame);
  g_log_set_default_handler (handler, NULL);
  g_log_set_always_fatal (fatal);

  g_assert_cmpuint (n_criticals, >, 0);
  return meta;
}

static void
test_formats (void)
{
  static const struct {
    GstVitTokenFormat format;
    gsize size;
    const gchar *nick;
  } expected[] = {
    { GST_VIT_TOKEN_FORMAT_F32, 4, "f32" },
    { GST_VIT_TOKEN_FORMAT_F16, 2, "f16" },
    { GST_VIT_TOKEN_FORMAT_BF16, 2, "bf16" },
  };
  GEnumClass *klass = g_type_class_ref (GST_TYPE_VIT_TOKEN_FORMAT);

  g_assert_cmpuint (klass->n_values, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    GEnumValue *value = g_enum_get_value_by_nick (klass, expected[i].nick);

    g_assert_nonnull (value);
    g_assert_cmpint (value->value, ==, expected[i].format);
    g_assert_cmpuint (gst_vit_token_format_get_size (expected[i].format), ==,
        expected[i].size);
  }
  g_type_class_unref (klass);
}

static void
test_tags (void)
{
  const gchar *const *tags
      = gst_meta_api_type_get_tags (GST_VIT_TOKENS_META_API_TYPE);

  g_assert_cmpuint (g_strv_length ((gchar **) tags), ==, 3);
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_SIZE_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_ORIENTATION_STR));
}

static void
test_add (void)
{
  static const gdouble whole_frame[6] = { 16, 0, 0, 0, 16, 0 };
  GstBuffer *frame = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *meta;

  g_assert_null (gst_buffer_get_vit_tokens_meta (frame));
  meta = meta_frame_add (frame, tokens, "model");
  g_assert_true (gst_buffer_get_vit_tokens_meta (frame) == meta);

  g_assert_true (gst_vit_tokens_meta_get_tokens (meta) == tokens);
  g_assert_cmpint (meta->format, ==, GST_VIT_TOKEN_FORMAT_F32);
  g_assert_cmpuint (meta->n_tokens, ==, N_TOKENS);
  g_assert_cmpuint (meta->n_prefix_tokens, ==, 1);
  g_assert_cmpuint (meta->grid_width, ==, 4);
  g_assert_cmpuint (meta->grid_height, ==, 3);
  g_assert_cmpuint (meta->patch_size, ==, 16);
  g_assert_cmpuint (meta->embed_dim, ==, 2);
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  g_assert_cmpstr (gst_vit_tokens_meta_get_model_id (meta), ==, "model");
  assert_map (meta, whole_frame);
  g_assert_cmpint (meta->roi_id, ==, -1);
  g_assert_cmpuint (meta->n_blocks, ==, 0);
  g_assert_null (meta->changed);

  gst_buffer_unref (frame);
  assert_refs (tokens, 1);
  gst_buffer_unref (tokens);
}

static void
test_refuse (void)
{
  const GstVitTokenFormat f32 = GST_VIT_TOKEN_FORMAT_F32;

  g_assert_null (add_wrongly (TOKENS_SIZE - 1, f32, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE + 1, f32, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE, f32, 0, 4, 3, 2));
  g_assert_null (
      add_wrongly (TOKENS_SIZE, GST_VIT_TOKEN_FORMAT_F16, 1, 4, 3, 2));
  g_assert_null (add_wrongly (TOKENS_SIZE, 99, 1, 4, 3, 2));
  g_assert_null (add_wrongly (8, f32, 1, 0, 3, 2));
  g_assert_null (add_wrongly (0, f32, 1, 4, 3, 0));
  /* 65536 * 65536 is 0 in 32 bits, so these 8 bytes would seem to fit. */
  g_assert_null (add_wrongly (8, f32, 1, 65536, 65536, 2));
}

static void
test_model_id (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) tokens
      = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *meta = meta_frame_add (frame, tokens, "caf\xe9");

  g_assert_cmpstr (meta->model_id, ==, "caf\xef\xbf\xbd");
  g_assert_null (meta_frame_add (frame, tokens, NULL)->model_id);
}

static void
test_several (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
  g_autoptr (GstBuffer) tokens
      = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstVitTokensMeta *second = meta_frame_add (frame, tokens, NULL);
  GstVitTokensMeta *third;
  gpointer state = NULL;

  second->roi_id = 7;
  gst_buffer_add_video_region_of_interest_meta (frame, "face", 0, 0, 8, 8);
  third = meta_frame_add (frame, tokens, NULL);
  third->roi_id = 9;

  g_assert_true (gst_buffer_get_vit_tokens_meta (frame) == meta);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == meta);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == second);
  g_assert_true (gst_buffer_iterate_vit_tokens_meta (frame, &state) == third);
  g_assert_null (gst_buffer_iterate_vit_tokens_meta (frame, &state));

  g_assert_true (gst_buffer_get_vit_tokens_meta_roi (frame, -1) == meta);
  g_assert_true (gst_buffer_get_vit_tokens_meta_roi (frame, 9) == third);
  g_assert_null (gst_buffer_get_vit_tokens_meta_roi (frame, 8));
}

static void
test_bare (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  GstVitTokensMeta *meta = (GstVitTokensMeta *) gst_buffer_add_meta (
      frame, GST_VIT_TOKENS_META_INFO, NULL);
  g_autoptr (GstBuffer) copy = gst_buffer_copy (frame);
  guint column, row;

  g_assert_null (gst_vit_tokens_meta_get_tokens (meta));
  g_assert_null (gst_vit_tokens_meta_get_model_id (meta));
  g_assert_false (gst_vit_tokens_meta_find_patch (meta, 0, 0, &column, &row));
  g_assert_cmpuint (count_metas (copy), ==, 1);
}

static void
test_copy (void)
{
  static const gdouble moved[6] = { 8, 0, 1, 0, 8, 2 };
  static const gdouble whole_frame[6] = { 16, 0, 0, 0, 16, 0 };
  GstVitTokensMeta *meta, *copied;
  GstBuffer *frame = meta_frame_new (&meta);
  GstBuffer *tokens = gst_buffer_ref (meta->tokens);
  GstBuffer *copies[3];

  copies[0] = gst_buffer_copy (frame);
  copies[1] = gst_buffer_copy_deep (frame);
  copies[2] = gst_buffer_make_writable (gst_buffer_ref (frame));
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    copied = gst_buffer_get_vit_tokens_meta (copies[i]);
    g_assert_nonnull (copied);
    g_assert_true (copied != meta);
    g_assert_true (copied->tokens == tokens);
    g_assert_cmpstr (copied->model_id, ==, "model");
    gst_vit_tokens_meta_set_map (copied, moved);
    assert_map (meta, whole_frame);
  }
  assert_refs (tokens, 5);

  gst_buffer_unref (frame);
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    copied = gst_buffer_get_vit_tokens_meta (copies[i]);
    g_assert_cmpstr (copied->model_id, ==, "model");
    gst_buffer_unref (copies[i]);
  }
  assert_refs (tokens, 1);
  gst_buffer_unref (tokens);
}

static void
test_region_copy (void)
{
  GstVitTokensMeta *meta;
  g_autoptr (GstBuffer) frame = meta_frame_new (&meta);
  g_autoptr (GstBuffer) part
      = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, 64);
  g_autoptr (GstBuffer) all
      = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, -1);

  g_assert_cmpuint (count_metas (part), ==, 0);
  g_assert_cmpuint (count_metas (all), ==, 1);
}

static void
test_pool (void)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, TOKENS_SIZE, NULL);
  GstBuffer *frame, *again;

  gst_buffer_pool_config_set_params (config, NULL, 16, 1, 1);
  g_assert_true (gst_buffer_pool_set_config (pool, config));
  g_assert_true (gst_buffer_pool_set_active (pool, TRUE));
  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &frame, NULL), ==, GST_FLOW_OK);
  meta_frame_add (frame, tokens, NULL);
  gst_buffer_unref (frame);
  assert_refs (tokens, 1);

  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &again, NULL), ==, GST_FLOW_OK);
  g_assert_true (again == frame);
  g_assert_cmpuint (count_metas (again), ==, 0);

  gst_buffer_unref (again);
  gst_buffer_unref (tokens);
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
}

static void
test_changed (void)
{
  /* Tokens 0, 7, 8 and 12. */
  static const guint8 bits[2] = { 0x81, 0x11 };
  GstVitTokensMeta *meta;
  GstBuffer *frame = meta_frame_new (&meta);
  GBytes *changed = g_bytes_new_static (bits, sizeof bits);
  GstBuffer *copy;

  g_assert_true (gst_vit_tokens_meta_is_changed (meta, 3));
  gst_vit_tokens_meta_set_changed (meta, changed);
  g_bytes_unref (changed);
  copy = gst_buffer_copy (frame);
  gst_buffer_unref (frame);

  meta = gst_buffer_get_vit_tokens_meta (copy);
  for (guint i = 0; i < N_TOKENS; i++)
    g_assert_cmpint (gst_vit_tokens_meta_is_changed (meta, i), ==,
        i == 0 || i == 7 || i == 8 || i == 12);
  gst_vit_tokens_meta_set_changed (meta, NULL);
  g_assert_true (gst_vit_tokens_meta_is_changed (meta, 3));

  gst_buffer_unref (copy);
}

static void
assert_kinds (GstVitTokensMeta *meta)
{
  static const GstVitPrefixKind expected[]
      = { GST_VIT_PREFIX_KIND_CLASS, GST_VIT_PREFIX_KIND_REGISTER,
          GST_VIT_PREFIX_KIND_DISTILLATION, GST_VIT_PREFIX_KIND_UNKNOWN,
          GST_VIT_PREFIX_KIND_UNKNOWN };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpint (gst_vit_tokens_meta_get_prefix_kind (meta, i), ==,
        expected[i]);
}

/* A kind of a later version, 200, is not known. */
static void
test_prefix_kinds (void)
{
  static const guint8 kinds[5] = { 1, 2, 3, 0, 200 };
  GstBuffer *frame = gst_buffer_new (), *copy;
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 6 * 4, NULL);
  GBytes *bytes = g_bytes_new (kinds, sizeof kinds);
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 5, 1, 1, 16, 1, 64, 48, NULL);

  g_assert_cmpint (gst_vit_tokens_meta_get_prefix_kind (meta, 4), ==,
      GST_VIT_PREFIX_KIND_UNKNOWN);
  gst_vit_tokens_meta_set_prefix_kinds (meta, bytes);
  g_bytes_unref (bytes);
  assert_kinds (meta);
  copy = gst_buffer_copy (frame);
  gst_buffer_unref (frame);
  assert_kinds (gst_buffer_get_vit_tokens_meta (copy));
#if GST_CHECK_VERSION(1, 24, 0)
  {
    GByteArray *sent = g_byte_array_new ();
    GstBuffer *received = gst_buffer_new ();
    guint32 n_read;

    meta = gst_buffer_get_vit_tokens_meta (copy);
    g_assert_true (gst_meta_serialize_simple (&meta->meta, sent));
    g_assert_nonnull (
        gst_meta_deserialize (received, sent->data, sent->len, &n_read));
    assert_kinds (gst_buffer_get_vit_tokens_meta (received));
    gst_buffer_unref (received);
    g_byte_array_unref (sent);
  }
#endif
  gst_buffer_unref (copy);
  gst_buffer_unref (tokens);

  g_assert_cmpstr (gst_vit_prefix_kind_get_name (GST_VIT_PREFIX_KIND_CLASS), ==,
      "class");
  g_assert_cmpstr (gst_vit_prefix_kind_get_name (GST_VIT_PREFIX_KIND_DISTILLATION),
      ==, "distillation");
  g_assert_cmpstr (
      gst_vit_prefix_kind_get_name ((GstVitPrefixKind) 4), ==, "unknown");
}

static void
assert_region (const GstVitTokensMeta *meta, const guint expected[4])
{
  guint rect[4];

  g_assert_true (gst_vit_tokens_meta_get_roi_rect (
      meta, &rect[0], &rect[1], &rect[2], &rect[3]));
  g_assert_cmpmem (rect, sizeof rect, expected, sizeof rect);
}

static void
test_region (void)
{
  static const guint whole[4] = { 0, 0, 64, 48 }, part[4] = { 8, 9, 56, 39 };
  g_autofree gchar *long_type = g_strnfill (300, 't');
  GstVitTokensMeta *meta;
  GstBuffer *frame = meta_frame_new (&meta), *copy;
  guint rect[4];

  assert_region (meta, whole);
  meta->roi_id = 2; /* of a region, which is not said */
  g_assert_false (gst_vit_tokens_meta_get_roi_rect (
      meta, &rect[0], &rect[1], &rect[2], &rect[3]));
  gst_vit_tokens_meta_set_roi (meta, 3, "caf\xe9", 8, 9, 56, 39);
  copy = gst_buffer_copy (frame);
  gst_buffer_unref (frame);

  meta = gst_buffer_get_vit_tokens_meta_roi (copy, 3);
  g_assert_nonnull (meta);
  assert_region (meta, part);
  g_assert_cmpstr (
      gst_vit_tokens_meta_get_roi_type (meta), ==, "caf\xef\xbf\xbd");
  gst_vit_tokens_meta_set_roi (meta, 3, long_type, 8, 9, 56, 39);
  g_assert_cmpuint (strlen (gst_vit_tokens_meta_get_roi_type (meta)), ==, 256);
  gst_buffer_unref (copy);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokens-meta/" name, function)
  TEST ("formats-have-sizes-and-nicks", test_formats);
  TEST ("tags-are-video-size-orientation", test_tags);
  TEST ("add-keeps-what-it-is-given", test_add);
  TEST ("add-refuses-a-wrong-size", test_refuse);
  TEST ("model-id-is-made-utf-8", test_model_id);
  TEST ("several-come-in-order-and-by-region", test_several);
  TEST ("without-tokens-nothing-crashes", test_bare);
  TEST ("copies-share-the-token-buffer", test_copy);
  TEST ("copy-of-a-region-drops-it", test_region_copy);
  TEST ("pool-takes-it-off", test_pool);
  TEST ("changed-is-a-bit-a-token", test_changed);
  TEST ("prefix-tokens-have-kinds", test_prefix_kinds);
  TEST ("region-has-a-place-and-a-type", test_region);
  return g_test_run ();
}
