/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta: what it holds and refuses to hold, how it is found, what
 * becomes of it and its values as frames are copied, and what is said of one
 * whose fields were forged.
 */
#include <gst/video/video.h>
#include <string.h>

#include "gst/vit/gstvitembeddingmeta.h"
#include "support/meta_frame.h"

#define EMBEDDING GST_VIT_EMBEDDING_KIND_EMBEDDING
#define LOGITS GST_VIT_EMBEDDING_KIND_LOGITS

static const gfloat vector[3] = { 0.6f, -0.8f, 0 };

static GstBuffer *
new_values (void)
{
  return gst_buffer_new_memdup (vector, sizeof vector);
}

static GstVitEmbeddingMeta *
add (GstBuffer *frame, GstVitEmbeddingKind kind, const GstVitTokensMeta *like)
{
  GstBuffer *values = new_values ();
  GstVitEmbeddingMeta *meta
      = gst_buffer_add_vit_embedding_meta (frame, kind, values, 3, TRUE, like);

  gst_buffer_unref (values);
  g_assert_nonnull (meta);
  return meta;
}

static guint
count (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_EMBEDDING_META_API_TYPE);
}

static void
assert_valid (const GstVitEmbeddingMeta *meta)
{
  const gchar *reason = "";

  if (!gst_vit_embedding_meta_is_valid (meta, &reason))
    g_error ("not valid: %s", reason);
  g_assert_null (reason);
}

static void
test_kinds (void)
{
  GEnumClass *klass = g_type_class_ref (GST_TYPE_VIT_EMBEDDING_KIND);

  g_assert_cmpuint (klass->n_values, ==, 2);
  g_assert_cmpint (
      g_enum_get_value_by_nick (klass, "embedding")->value, ==, EMBEDDING);
  g_assert_cmpint (
      g_enum_get_value_by_nick (klass, "logits")->value, ==, LOGITS);
  g_type_class_unref (klass);
}

static void
test_tags (void)
{
  const gchar *const *tags
      = gst_meta_api_type_get_tags (GST_VIT_EMBEDDING_META_API_TYPE);

  g_assert_cmpuint (g_strv_length ((gchar **) tags), ==, 3);
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_SIZE_STR));
  g_assert_true (g_strv_contains (tags, GST_META_TAG_VIDEO_ORIENTATION_STR));
}

static void
assert_rect (const GstVitEmbeddingMeta *meta, const guint expected[4])
{
  guint rect[4];

  g_assert_true (gst_vit_embedding_meta_get_roi_rect (
      meta, &rect[0], &rect[1], &rect[2], &rect[3]));
  g_assert_cmpmem (rect, sizeof rect, expected, sizeof rect);
}

static void
test_add (void)
{
  static const guint part[4] = { 8, 9, 56, 39 }, whole[4] = { 0, 0, 64, 48 };
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  GstBuffer *values = new_values ();
  GstVitEmbeddingMeta *meta = gst_buffer_add_vit_embedding_meta (
      frame, LOGITS, values, 3, FALSE, tokens);

  assert_valid (meta);
  g_assert_cmpint (meta->kind, ==, LOGITS);
  g_assert_true (gst_vit_embedding_meta_get_values (meta) == values);
  g_assert_cmpuint (meta->dim, ==, 3);
  g_assert_false (meta->normalized);
  g_assert_cmpint (meta->roi_id, ==, -1);
  g_assert_cmpstr (gst_vit_embedding_meta_get_model_id (meta), ==, "model");
  g_assert_null (gst_vit_embedding_meta_get_roi_type (meta));
  assert_rect (meta, whole);

  gst_vit_tokens_meta_set_roi (tokens, 3, "face", 8, 9, 56, 39);
  meta = add (frame, EMBEDDING, tokens);
  assert_valid (meta);
  g_assert_true (meta->normalized);
  g_assert_cmpint (meta->roi_id, ==, 3);
  g_assert_cmpstr (gst_vit_embedding_meta_get_roi_type (meta), ==, "face");
  g_assert_cmpuint (meta->frame_width, ==, 64);
  g_assert_cmpuint (meta->frame_height, ==, 48);
  assert_rect (meta, part);

  g_clear_pointer (&frame, gst_buffer_unref);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (values), ==, 1);
  gst_buffer_unref (values);
}

/* Nothing is known but the values. */
static void
test_alone (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  GstVitEmbeddingMeta *meta = add (frame, EMBEDDING, NULL);
  guint x, y, width, height;

  assert_valid (meta);
  g_assert_cmpint (meta->roi_id, ==, -1);
  g_assert_null (gst_vit_embedding_meta_get_model_id (meta));
  g_assert_false (
      gst_vit_embedding_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x + y + width + height, ==, 0);
}

/* A critical, and nothing is added. */
static void
assert_refused (GstVitEmbeddingKind kind, gsize size, guint dim,
    const GstVitTokensMeta *like)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) values = gst_buffer_new_allocate (NULL, size, NULL);

  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*failed*");
  g_assert_null (gst_buffer_add_vit_embedding_meta (
      frame, kind, values, dim, FALSE, like));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count (frame), ==, 0);
}

static void
test_refused (void)
{
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame G_GNUC_UNUSED = meta_frame_new (&tokens);

  assert_refused (EMBEDDING, 11, 3, NULL);
  assert_refused (EMBEDDING, 13, 3, NULL);
  assert_refused (EMBEDDING, 0, 0, NULL);
  assert_refused ((GstVitEmbeddingKind) 2, 12, 3, NULL);
  assert_refused ((GstVitEmbeddingKind) -1, 12, 3, NULL);
  tokens->n_tokens++;
  assert_refused (EMBEDDING, 12, 3, tokens);
}

static void
test_found (void)
{
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  GstVitEmbeddingMeta *scores, *first, *second;
  gpointer state = NULL;

  g_assert_null (gst_buffer_get_vit_embedding_meta (frame, EMBEDDING));
  scores = add (frame, LOGITS, tokens);
  g_assert_null (gst_buffer_get_vit_embedding_meta (frame, EMBEDDING));
  first = add (frame, EMBEDDING, tokens);
  second = add (frame, EMBEDDING, tokens);
  g_assert_true (gst_buffer_get_vit_embedding_meta (frame, LOGITS) == scores);
  g_assert_true (gst_buffer_get_vit_embedding_meta (frame, EMBEDDING) == first);
  g_assert_true (
      gst_buffer_iterate_vit_embedding_meta (frame, &state) == scores);
  g_assert_true (
      gst_buffer_iterate_vit_embedding_meta (frame, &state) == first);
  g_assert_true (
      gst_buffer_iterate_vit_embedding_meta (frame, &state) == second);
  g_assert_null (gst_buffer_iterate_vit_embedding_meta (frame, &state));
  g_assert_cmpuint (count_metas (frame), ==, 1);
}

static void
test_copies (void)
{
  GstVitTokensMeta *tokens;
  GstBuffer *frame = meta_frame_new (&tokens), *copies[3], *part;
  GstVitEmbeddingMeta *meta;
  GstBuffer *values;

  gst_vit_tokens_meta_set_roi (tokens, 3, "face", 8, 9, 56, 39);
  values = gst_buffer_ref (add (frame, EMBEDDING, tokens)->values);
  copies[0] = gst_buffer_copy (frame);
  copies[1] = gst_buffer_copy_deep (frame);
  copies[2] = gst_buffer_make_writable (gst_buffer_ref (frame));
  part = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0, 64);
  gst_buffer_unref (frame);
  g_assert_cmpuint (count (part), ==, 0);
  gst_buffer_unref (part);
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    meta = gst_buffer_get_vit_embedding_meta (copies[i], EMBEDDING);
    assert_valid (meta);
    g_assert_true (meta->values == values);
    g_assert_cmpstr (meta->model_id, ==, "model");
    g_assert_cmpstr (meta->roi_type, ==, "face");
    gst_buffer_unref (copies[i]);
  }
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (values), ==, 1);
  gst_buffer_unref (values);
}

/* TRUE if the transform says that it was copied. */
static gboolean
scale (GstBuffer *frame, GstVitEmbeddingMeta *meta, guint width, guint height)
{
  g_autoptr (GstBuffer) scaled = gst_buffer_new ();
  GstVideoInfo in, out;
  GstVideoMetaTransform transform = { &in, &out };
  gboolean is_copied;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, width, height);
  is_copied = GST_VIT_EMBEDDING_META_INFO->transform_func (scaled, &meta->meta,
      frame, gst_video_meta_transform_scale_get_quark (), &transform);
  g_assert_cmpuint (count (scaled), ==, is_copied ? 1 : 0);
  return is_copied;
}

static void
test_scaled (void)
{
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  GstVitEmbeddingMeta *meta = add (frame, EMBEDDING, tokens);

  g_assert_true (scale (frame, meta, 32, 24));
  g_assert_true (scale (frame, meta, 640, 480));
  /* There may be borders. */
  g_assert_false (scale (frame, meta, 64, 64));
  g_assert_false (GST_VIT_EMBEDDING_META_INFO->transform_func (
      frame, &meta->meta, frame, g_quark_from_static_string ("other"), NULL));
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Where the whole picture fills the whole frame, however it is turned. */
static void
test_moved (void)
{
  static const struct {
    GstVideoRectangle in, out;
    gboolean is_kept;
  } cases[] = {
    { { 0, 0, 64, 48 }, { 0, 0, 48, 64 }, TRUE },
    { { 16, 0, 48, 48 }, { 0, 0, 48, 64 }, FALSE },
    { { 0, 0, 64, 40 }, { 0, 0, 48, 64 }, FALSE },
    { { 0, 0, 64, 48 }, { 0, 8, 48, 56 }, FALSE },
    { { 0, 0, 64, 48 }, { 0, 0, 40, 64 }, FALSE },
  };
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  GstVitEmbeddingMeta *meta = add (frame, EMBEDDING, tokens);
  GstVideoInfo in, out;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, 48, 64);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) moved = gst_buffer_new ();
    GstVideoMetaTransformMatrix transform;

    gst_video_meta_transform_matrix_init (
        &transform, &in, &cases[i].in, &out, &cases[i].out);
    g_assert_cmpint (
        GST_VIT_EMBEDDING_META_INFO->transform_func (moved, &meta->meta, frame,
            gst_video_meta_transform_matrix_get_quark (), &transform),
        ==, cases[i].is_kept);
    g_assert_cmpuint (count (moved), ==, cases[i].is_kept ? 1 : 0);
  }
}
#endif

static void
replace_text (gchar **text, gchar *by)
{
  g_free (*text);
  *text = by;
}

/* Breaks one rule; the reason that is_valid() must give. */
static const gchar *
forge (GstVitEmbeddingMeta *meta, guint i)
{
  switch (i) {
    case 0:
      gst_clear_buffer (&meta->values);
      return "there are no values";
    case 1:
      meta->kind = (GstVitEmbeddingKind) 2;
      return "kind is not known";
    case 2:
      meta->kind = (GstVitEmbeddingKind) -1;
      return "kind is not known";
    case 3:
      meta->dim = 0;
      return "dim is 0 or too large";
    case 4:
      meta->dim = 4;
      return "values is not dim values long";
    case 5: /* 12 bytes in 32 bits */
      meta->dim = (1u << 30) + 3;
      return "values is not dim values long";
    case 6:
      meta->frame_width = 1u << 31;
      return "frame_width or frame_height is too large";
    case 7:
      meta->frame_height = G_MAXUINT;
      return "frame_width or frame_height is too large";
    case 8:
      meta->frame_width = 0;
      return "one of frame_width and frame_height is 0";
    case 9: /* a region of no frame */
      meta->frame_width = meta->frame_height = 0;
      return "roi_x, roi_y, roi_width, roi_height lead out of the frame";
    case 10:
      meta->roi_x = G_MAXUINT;
      return "roi_x, roi_y, roi_width, roi_height lead out of the frame";
    case 11:
      meta->roi_height = 40;
      return "roi_x, roi_y, roi_width, roi_height lead out of the frame";
    case 12:
      replace_text (&meta->roi_type, g_strnfill (257, 't'));
      return "roi_type is too long";
    case 13:
      replace_text (&meta->roi_type, g_strdup ("caf\xe9"));
      return "roi_type is not UTF-8";
    case 14:
      replace_text (&meta->model_id, g_strnfill (1025, 'v'));
      return "model_id is too long";
    case 15:
      replace_text (&meta->model_id, g_strdup ("caf\xe9"));
      return "model_id is not UTF-8";
    default:
      return NULL;
  }
}

static void
assert_forged (GstBuffer *frame, const gchar *expected)
{
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;
  const gchar *reason = NULL;
  guint x = 1, y = 1, width = 1, height = 1;

  meta = gst_buffer_iterate_vit_embedding_meta (frame, &state);
  g_assert_false (gst_vit_embedding_meta_is_valid (meta, &reason));
  g_assert_cmpstr (reason, ==, expected);
  g_assert_null (gst_vit_embedding_meta_get_values (meta));
  g_assert_null (gst_vit_embedding_meta_get_model_id (meta));
  g_assert_null (gst_vit_embedding_meta_get_roi_type (meta));
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 0);
  g_assert_false (
      gst_vit_embedding_meta_get_label (meta, 0, NULL, NULL, NULL));
  g_assert_false (
      gst_vit_embedding_meta_get_roi_rect (meta, &x, &y, &width, &height));
  g_assert_cmpuint (x + y + width + height, ==, 0);
}

/* Copied as it is, so that its reader can say so, and in no other way. */
static void
test_forged (void)
{
  guint i;

  for (i = 0;; i++) {
    GstVitTokensMeta *tokens;
    g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
    g_autoptr (GstBuffer) copy = NULL;
    GstVitEmbeddingMeta *meta;
    const gchar *reason;

    gst_vit_tokens_meta_set_roi (tokens, 3, "face", 8, 9, 56, 39);
    meta = add (frame, EMBEDDING, tokens);
    reason = forge (meta, i);
    if (!reason)
      break;
    assert_forged (frame, reason);
    g_assert_false (scale (frame, meta, 32, 24));
    copy = gst_buffer_copy (frame);
    assert_forged (copy, reason);
#if GST_CHECK_VERSION(1, 24, 0)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      g_assert_false (gst_meta_serialize_simple (&meta->meta, bytes));
    }
#endif
  }
  g_assert_cmpuint (i, ==, 16);
}

#if GST_CHECK_VERSION(1, 24, 0)
static void
test_serialised (void)
{
  static const guint part[4] = { 8, 9, 56, 39 };
  GstVitTokensMeta *tokens;
  g_autoptr (GstBuffer) frame = meta_frame_new (&tokens);
  g_autoptr (GstBuffer) other = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GstVitEmbeddingMeta *meta;
  guint32 n_read;

  gst_vit_tokens_meta_set_roi (tokens, 3, "face", 8, 9, 56, 39);
  meta = add (frame, LOGITS, tokens);
  g_assert_true (gst_meta_serialize_simple (&meta->meta, bytes));
  g_assert_nonnull (
      gst_meta_deserialize (other, bytes->data, bytes->len, &n_read));
  g_assert_cmpuint (n_read, ==, bytes->len);
  meta = gst_buffer_get_vit_embedding_meta (other, LOGITS);
  assert_valid (meta);
  g_assert_cmpuint (meta->dim, ==, 3);
  g_assert_true (meta->normalized);
  g_assert_cmpint (meta->roi_id, ==, 3);
  g_assert_cmpstr (meta->roi_type, ==, "face");
  g_assert_cmpstr (meta->model_id, ==, "model");
  assert_rect (meta, part);
  g_assert_cmpint (
      gst_buffer_memcmp (meta->values, 0, vector, sizeof vector), ==, 0);
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/embedding-meta/" name, function)
  TEST ("kinds-have-nicks", test_kinds);
  TEST ("tags-are-video-size-orientation", test_tags);
  TEST ("made-like-tokens", test_add);
  TEST ("without-tokens-nothing-else-is-known", test_alone);
  TEST ("what-does-not-fit-is-refused", test_refused);
  TEST ("found-by-kind-and-in-order", test_found);
  TEST ("copies-share-the-values", test_copies);
  TEST ("kept-where-the-frame-is-scaled", test_scaled);
#if GST_CHECK_VERSION(1, 28, 0)
  TEST ("kept-where-the-whole-picture-is-moved", test_moved);
#endif
  TEST ("forged-it-gives-nothing", test_forged);
#if GST_CHECK_VERSION(1, 24, 0)
  TEST ("serialised-and-back", test_serialised);
#endif
  return g_test_run ();
}
