/* SPDX-License-Identifier: MIT
 *
 * What a line of application/x-ndjson tells of a frame's metas, read by jansson:
 * every number bit for bit, whatever strings there are, and no other region's.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "gst/vit/vit.h"
#include "support/json_row.h"
#include "support/tokenenc_frame.h"
#include "tokenenc/gstvitjsonline.h"

#define EMBEDDING GST_VIT_EMBEDDING_KIND_EMBEDDING
#define LOGITS GST_VIT_EMBEDDING_KIND_LOGITS

/* (transfer full): the one line that comes of `frame`, which is taken. */
static json_t *
row_of (const gchar *content, GstBuffer *frame)
{
  GstHarness *harness = json_row_new_harness (content);
  json_t *row = json_row_read (gst_harness_push_and_pull (harness, frame));

  g_assert_null (gst_harness_try_pull (harness));
  gst_harness_teardown (harness);
  return row;
}

static void
assert_numbers (json_t *row, const gchar *name, const gfloat *values, guint n)
{
  json_t *list = json_object_get (row, name);

  g_assert_cmpuint (json_array_size (list), ==, n);
  for (guint i = 0; i < n; i++) {
    gfloat value = (gfloat) json_number_value (json_array_get (list, i));

    g_assert_cmpmem (&value, sizeof value, &values[i], sizeof value);
  }
}

static GstVitEmbeddingMeta *
add_vector (GstBuffer *frame, GstVitEmbeddingKind kind, const gfloat *values,
    guint dim, const GstVitTokensMeta *like)
{
  g_autoptr (GstBuffer) buffer
      = gst_buffer_new_memdup (values, dim * sizeof (gfloat));

  return gst_buffer_add_vit_embedding_meta (
      frame, kind, buffer, dim, kind == EMBEDDING, like);
}

static void
assert_tokens (GstVitTokenFormat format, const gchar *dtype)
{
  GstBuffer *frame = tokenenc_new_frame ();
  gsize size = 13 * 5 * gst_vit_token_format_get_size (format), n_bytes;
  g_autoptr (GBytes) kinds = g_bytes_new_static ("\1", 1);
  g_autoptr (GBytes) changed = g_bytes_new_static ("\x81\x11", 2);
  static const gdouble map[6] = { 8, 0, 0.1, 0, 8, -1.25 };
  GstVitTokensMeta *meta = tokenenc_add_tokens (frame, format, 5);
  g_autofree guchar *bytes = NULL;
  json_t *row;

  gst_vit_tokens_meta_set_prefix_kinds (meta, kinds);
  gst_vit_tokens_meta_set_changed (meta, changed);
  gst_vit_tokens_meta_set_map (meta, map);
  row = row_of ("tokens", frame);
  json_row_assert (row, "pts", "1000");
  json_row_assert (row, "stream_time", "1000");
  json_row_assert (row, "duration", "40000000");
  json_row_assert (row, "frame", "0");
  json_row_assert (row, "model_id", "\"model\"");
  json_row_assert (row, "n_blocks", "0");
  json_row_assert (row, "n_tokens", "13");
  json_row_assert (row, "embed_dim", "5");
  json_row_assert (row, "n_prefix_tokens", "1");
  json_row_assert (row, "prefix_kinds", "[\"class\"]");
  json_row_assert (row, "grid_width", "4");
  json_row_assert (row, "grid_height", "3");
  json_row_assert (row, "patch_size", "16");
  json_row_assert (row, "frame_width", "64");
  json_row_assert (row, "frame_height", "48");
  json_row_assert (row, "roi_id", "-1");
  json_row_assert (row, "changed", "\"1000000110001\"");
  json_row_assert (row, "shape", "[13,5]");
  json_row_assert (row, "dtype", dtype);
  g_assert_true (json_real_value (json_array_get (
                     json_object_get (row, "map"), 2)) == 0.1);
  bytes = g_base64_decode (
      json_string_value (json_object_get (row, "tokens")), &n_bytes);
  g_assert_cmpuint (n_bytes, ==, size);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==, i % 256);
  g_assert_cmpuint (json_object_size (row), ==, 22);
  json_decref (row);
}

static void
test_tokens (void)
{
  assert_tokens (GST_VIT_TOKEN_FORMAT_F32, "\"float32\"");
  assert_tokens (GST_VIT_TOKEN_FORMAT_F16, "\"float16\"");
  assert_tokens (GST_VIT_TOKEN_FORMAT_BF16, "\"bfloat16\"");
}

/* As some libraries leave it that are built for speed: the least numbers are 0. */
static void
flush_to_zero (void)
{
#ifdef __SSE2__
  _mm_setcsr (_mm_getcsr () | 0x8040);
#endif
}

/* Any bits but those of NaN and infinity. */
static void
test_bits (void)
{
  gfloat values[4096] = { 0.0f, -0.0f, 1.0f, 0.1f, FLT_MIN, FLT_MAX, -FLT_MAX,
    FLT_TRUE_MIN, 16777217.0f, 1.0f / 3, FLT_EPSILON, 9.99999975e-5f };
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 12; i < G_N_ELEMENTS (values); i++)
    do {
      guint32 bits = g_rand_int (random);

      memcpy (&values[i], &bits, sizeof bits);
    } while (!isfinite (values[i]));
  g_rand_free (random);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *frame = tokenenc_new_frame ();
    gboolean is_embedding = i % 2 == 0;
    const gchar *content = is_embedding ? "embedding" : "logits";
    json_t *row;

    add_vector (frame, is_embedding ? EMBEDDING : LOGITS, values,
        G_N_ELEMENTS (values), NULL);
    if (i >= 2)
      flush_to_zero ();
    row = row_of (content, frame);
    fesetenv (FE_DFL_ENV);
    assert_numbers (row, content, values, G_N_ELEMENTS (values));
    json_row_assert (row, "dim", "4096");
    json_row_assert (row, "normalized", is_embedding ? "true" : NULL);
    json_decref (row);
  }
}

static void
test_not_finite (void)
{
  static const gfloat values[] = { 1, NAN, INFINITY, -INFINITY, 2 };
  GstBuffer *frame = tokenenc_new_frame ();
  json_t *row;

  add_vector (frame, EMBEDDING, values, 5, NULL);
  row = row_of ("embedding", frame);
  json_row_assert (row, "embedding", "[1.0,null,null,null,2.0]");
  json_decref (row);
}

static void
test_digits (void)
{
  static const gfloat values[] = { 0.123456789f, -98765.4321f, 1e-20f };
  GstHarness *harness = json_row_new_harness ("embedding");
  GstBuffer *frame = tokenenc_new_frame ();
  json_t *row;
  guint digits;

  g_object_get (harness->element, "digits", &digits, NULL);
  g_assert_cmpuint (digits, ==, 9);
  g_object_set (harness->element, "digits", 3, NULL);
  add_vector (frame, EMBEDDING, values, 3, NULL);
  row = json_row_read (gst_harness_push_and_pull (harness, frame));
  json_row_assert (row, "embedding", "[0.123,-98800.0,1e-20]");
  /* Not of the times and the fields. */
  json_row_assert (row, "duration", "40000000");
  json_decref (row);
  gst_harness_teardown (harness);
}

static const gfloat vectors[2][3] = { { 0.6f, -0.8f, 0 }, { 0.1f, 2, 3 } };

/* Two regions with tokens, an embedding and labelled scores each, and what another
 * model says of the first. */
static GstBuffer *
full_frame (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *tokens[2];

  for (guint i = 0; i < 2; i++) {
    tokens[i] = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    gst_vit_tokens_meta_set_roi (
        tokens[i], 3 + (gint) i, i ? NULL : "cat", 1, 2 + i, 60, 44);
  }
  for (guint i = 2; i-- > 0;) {
    GstVitEmbeddingMeta *logits;

    if (i == 0) {
      GstVitEmbeddingMeta *others
          = add_vector (frame, EMBEDDING, vectors[1], 3, tokens[0]);

      g_free (others->model_id);
      others->model_id = g_strdup ("another");
    }
    add_vector (frame, EMBEDDING, vectors[i], 3, tokens[i]);
    logits = add_vector (frame, LOGITS, vectors[1], 2, tokens[i]);
    gst_vit_embedding_meta_add_label (logits, 1, i ? "dog" : "cat", 0.75f);
    gst_vit_embedding_meta_add_label (logits, 0, "none", 0.1f);
  }
  return frame;
}

static void
assert_region (json_t *row, guint i)
{
  json_row_assert (row, "model_id", "\"model\"");
  json_row_assert (row, "roi_id", i ? "4" : "3");
  json_row_assert (row, "roi_type", i ? NULL : "\"cat\"");
  json_row_assert (row, "roi_rect", i ? "[1,3,60,44]" : "[1,2,60,44]");
  json_row_assert (row, "grid_width", "4");
  json_row_assert (row, "n_prefix_tokens", "1");
  assert_numbers (row, "embedding", vectors[i], 3);
  json_row_assert (row, "normalized", "true");
  json_row_assert (row, "labels",
      i ? "[{\"name\":\"dog\",\"class\":1,\"score\":0.75},"
          "{\"name\":\"none\",\"class\":0,\"score\":0.100000001}]"
        : "[{\"name\":\"cat\",\"class\":1,\"score\":0.75},"
          "{\"name\":\"none\",\"class\":0,\"score\":0.100000001}]");
}

/* A line tells of its own region and model alone, whatever the content. */
static void
test_regions (void)
{
  static const gchar *const contents[] = { "tokens", "logits", "auto" };

  for (guint c = 0; c < G_N_ELEMENTS (contents); c++) {
    GstHarness *harness = json_row_new_harness (contents[c]);
    gboolean is_vector = c == 1;

    gst_harness_push (harness, full_frame ());
    for (guint i = 0; i < 2; i++) {
      /* In the order in which they were attached. */
      json_t *row = json_row_read (gst_harness_pull (harness));

      assert_region (row, is_vector ? 1 - i : i);
      json_row_assert (row, "shape", is_vector ? NULL : "[13,2]");
      json_row_assert (row, "n_blocks", is_vector ? NULL : "0");
      json_row_assert (row, "dim", is_vector ? "2" : NULL);
      if (is_vector)
        assert_numbers (row, "logits", vectors[1], 2);
      else
        json_row_assert (row, "logits", NULL);
      json_decref (row);
    }
    g_assert_null (gst_harness_try_pull (harness));
    gst_harness_teardown (harness);
  }
}

/* Nothing is known but the vector. */
static void
test_bare_vector (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  json_t *row;

  GST_BUFFER_PTS (frame) = GST_BUFFER_DURATION (frame) = GST_CLOCK_TIME_NONE;
  add_vector (frame, LOGITS, vectors[0], 2, NULL);
  row = row_of ("logits", frame);
  json_row_assert (row, "pts", "null");
  json_row_assert (row, "stream_time", "null");
  json_row_assert (row, "duration", "null");
  json_row_assert (row, "frame", "0");
  json_row_assert (row, "roi_id", "-1");
  g_assert_cmpuint (json_object_size (row), ==, 7);
  json_decref (row);
}

static const gchar hostile[] = "\"\\\n\r\t\x01\x7f</script>\u2028\u2029\xc2\x9b"
                               "\ufffe\U0010ffff\U0001f600 k\u00e4fer";

static void
test_hostile (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *tokens
      = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  GstVitEmbeddingMeta *logits;
  json_t *row, *label;

  g_free (tokens->model_id);
  tokens->model_id = g_strdup (hostile);
  gst_vit_tokens_meta_set_roi (tokens, 1, hostile, 0, 0, 9, 9);
  logits = add_vector (frame, LOGITS, vectors[0], 3, tokens);
  gst_vit_embedding_meta_add_label (logits, 2, hostile, 1);
  row = row_of ("tokens", frame);
  label = json_array_get (json_object_get (row, "labels"), 0);
  g_assert_cmpstr (
      json_string_value (json_object_get (row, "model_id")), ==, hostile);
  g_assert_cmpstr (
      json_string_value (json_object_get (row, "roi_type")), ==, hostile);
  g_assert_cmpstr (
      json_string_value (json_object_get (label, "name")), ==, hostile);
  json_decref (row);
}

/* Bytes that are no UTF-8, which only a careless element writes: of a record it is
 * passed over as any meta that does not hold, and beside one it is left out. */
static void
test_no_utf8 (void)
{
  for (guint i = 0; i < 2; i++) {
    GstHarness *harness = json_row_new_harness ("tokens");
    g_autoptr (GstBus) bus = gst_bus_new ();
    GstBuffer *frame = full_frame ();
    GstMessage *message;
    json_t *row;

    gst_element_set_bus (harness->element, bus);
    if (i == 0)
      strcpy (gst_buffer_get_vit_tokens_meta_roi (frame, 3)->model_id, "\xff");
    else
      strcpy (gst_buffer_get_vit_embedding_meta (frame, EMBEDDING)->model_id,
          "\xff");
    gst_harness_push (harness, frame);
    g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 1 + i);
    row = json_row_read (gst_harness_pull (harness));
    json_row_assert (row, "roi_id", i == 0 ? "4" : "3");
    if (i == 1) {
      json_decref (row);
      row = json_row_read (gst_harness_pull (harness));
      json_row_assert (row, "embedding", NULL);
      json_row_assert (row, "normalized", NULL);
    }
    g_assert_nonnull (json_object_get (row, "labels"));
    json_decref (row);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
    g_assert_cmpint (message != NULL, ==, i == 0);
    g_clear_pointer (&message, gst_message_unref);
    gst_element_set_bus (harness->element, NULL);
    gst_harness_teardown (harness);
  }
}

/* Nobody looked at the meta before. */
static void
test_replaced (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *tokens
      = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  GstSegment segment;
  const GstVitJsonLineFrame of = { frame, &segment, 7 };
  const GstVitRecord record = { tokens, NULL };
  json_t *row;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  strcpy (tokens->model_id, "a\xc3z");
  tokens->roi_type = g_strdup ("\xed\xa0\x80");
  row = json_row_read (gst_vit_json_line_new (&record, &of, 9));
  g_assert_cmpstr (json_string_value (json_object_get (row, "model_id")), ==,
      "a\ufffdz");
  g_assert_cmpstr (json_string_value (json_object_get (row, "roi_type")), ==,
      "\ufffd\ufffd\ufffd");
  json_row_assert (row, "stream_time", "null");
  json_row_assert (row, "frame", "7");
  json_decref (row);
  gst_buffer_unref (frame);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokenenc-lines/" name, function)
  TEST ("tokens-of-every-format", test_tokens);
  TEST ("numbers-come-back-bit-for-bit", test_bits);
  TEST ("what-is-not-finite-is-null", test_not_finite);
  TEST ("digits-are-chosen", test_digits);
  TEST ("a-line-is-of-its-region-and-model", test_regions);
  TEST ("vector-of-nothing-known", test_bare_vector);
  TEST ("hostile-strings-come-back", test_hostile);
  TEST ("metas-of-no-utf8-lose-no-other-line", test_no_utf8);
  TEST ("what-is-no-utf8-is-replaced", test_replaced);
  return g_test_run ();
}
