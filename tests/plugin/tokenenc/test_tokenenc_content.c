/* SPDX-License-Identifier: MIT
 *
 * Which of a frame's metas vittokenenc writes, and how: tokens, features of one
 * depth or another, an embedding, scores of classes.
 */
#include <jansson.h>
#include <string.h>

#include "gst/vit/vit.h"
#include "support/tokenenc_frame.h"

#define TENSORS_CAPS "other/tensors,framerate=(fraction)25/1"

static const gfloat vector[3] = { 0.6f, -0.8f, 0 };

static GstHarness *
new_harness (const gchar *content, const gchar *out_caps)
{
  GstHarness *harness = tokenenc_new_harness (out_caps);

  gst_util_set_object_arg (G_OBJECT (harness->element), "content", content);
  return harness;
}

static GstVitTokensMeta *
add_features (GstBuffer *frame, const GstVitTokensMeta *tokens, guint embed_dim,
    guint n_blocks)
{
  g_autoptr (GstBuffer) values
      = gst_buffer_new_allocate (NULL, 13 * 4 * embed_dim, NULL);

  gst_buffer_memset (values, 0, (guint8) n_blocks, -1);
  return gst_buffer_add_vit_features_meta (
      frame, tokens, values, GST_VIT_TOKEN_FORMAT_F32, embed_dim, n_blocks);
}

static void
add_embedding (GstBuffer *frame, GstVitEmbeddingKind kind, guint dim,
    const GstVitTokensMeta *like)
{
  g_autoptr (GstBuffer) values
      = gst_buffer_new_memdup (vector, dim * sizeof (gfloat));

  g_assert_nonnull (gst_buffer_add_vit_embedding_meta (frame, kind, values, dim,
      kind == GST_VIT_EMBEDDING_KIND_EMBEDDING, like));
}

/* Of two regions tokens of 2 values, features after 6 blocks of 3 and after 12
 * of 4, an embedding of 3 and scores of 2. */
static GstBuffer *
full_frame (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *tokens[2];

  for (guint i = 0; i < 2; i++) {
    tokens[i] = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    gst_vit_tokens_meta_set_roi (tokens[i], 3 + (gint) i, "cat", 1, 2, 60, 44);
  }
  for (guint i = 0; i < 2; i++) {
    add_features (frame, tokens[i], 3, 6);
    add_features (frame, tokens[i], 4, 12);
    add_embedding (frame, GST_VIT_EMBEDDING_KIND_EMBEDDING, 3, tokens[i]);
    add_embedding (frame, GST_VIT_EMBEDDING_KIND_LOGITS, 2, tokens[i]);
  }
  return frame;
}

/* The shapes in the .npy files that come of `frame`, which is taken. */
static gchar *
shapes_of (const gchar *content, GstBuffer *frame)
{
  GstHarness *harness = new_harness (content, NPY_CAPS);
  GString *shapes = g_string_new (NULL);
  GstBuffer *out;

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  while ((out = gst_harness_try_pull (harness))) {
    GstMapInfo map;
    gchar *start;

    g_assert_true (gst_buffer_map (out, &map, GST_MAP_READ));
    g_assert_cmpmem (map.data, 6, "\x93NUMPY", 6);
    start = g_strstr_len (
        (gchar *) map.data + 10, (gssize) map.size - 10, "'shape': (");
    g_assert_nonnull (start);
    start += strlen ("'shape': ");
    g_string_append_len (shapes, start, strcspn (start, ")") + 1);
    gst_buffer_unmap (out, &map);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
  return g_string_free (shapes, FALSE);
}

static void
assert_shapes (const gchar *content, GstBuffer *frame, const gchar *expected)
{
  g_autofree gchar *shapes = shapes_of (content, frame);

  g_assert_cmpstr (shapes, ==, expected);
}

static void
test_chosen (void)
{
  GstBuffer *frame = tokenenc_new_frame ();

  assert_shapes ("auto", full_frame (), "(13, 4)(13, 4)");
  assert_shapes ("tokens", full_frame (), "(13, 2)(13, 2)");
  assert_shapes ("features", full_frame (), "(13, 3)(13, 4)(13, 3)(13, 4)");
  assert_shapes ("embedding", full_frame (), "(3,)(3,)");
  assert_shapes ("logits", full_frame (), "(2,)(2,)");

  /* Where there are tokens alone, they are what was computed last. */
  tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  assert_shapes ("auto", gst_buffer_ref (frame), "(13, 2)");
  assert_shapes ("features", gst_buffer_ref (frame), "");
  assert_shapes ("embedding", frame, "");
}

/* Whoever forged a meta does not hide those that are there. */
static void
test_forged (void)
{
  GstBuffer *frame = full_frame ();
  GstVitTokensMeta *tokens = gst_buffer_get_vit_tokens_meta_at (frame, 0);
  GstVitEmbeddingMeta *embedding = gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_EMBEDDING);

  tokens->n_blocks = 99;
  tokens->n_tokens++;
  embedding->dim++;
  assert_shapes ("auto", gst_buffer_ref (frame), "(13, 4)(13, 4)");
  assert_shapes ("tokens", gst_buffer_ref (frame), "(13, 2)");
  assert_shapes ("embedding", frame, "(3,)");
}

static void
test_live (void)
{
  GstHarness *harness = new_harness ("tokens", NPY_CAPS);

  for (guint i = 0; i < 3; i++) {
    static const gchar *const contents[] = { "tokens", "embedding", "logits" };
    static const gsize sizes[] = { 13 * 8, 12, 8 };

    gst_util_set_object_arg (
        G_OBJECT (harness->element), "content", contents[i]);
    gst_harness_push (harness, full_frame ());
    for (guint j = 0; j < 2; j++) {
      GstBuffer *out = gst_harness_pull (harness);

      g_assert_cmpuint (gst_buffer_n_memory (out), ==, 2);
      g_assert_cmpuint (
          gst_memory_get_sizes (gst_buffer_peek_memory (out, 1), NULL, NULL),
          ==, sizes[i]);
      gst_buffer_unref (out);
    }
    g_assert_null (gst_harness_try_pull (harness));
  }
  gst_harness_teardown (harness);
}

/* (transfer full): the header of the file, which is checked to end where the
 * values begin, and the values' bytes. */
static json_t *
encode (const gchar *content, const guint8 **values, GstBuffer *frame,
    GBytes **file)
{
  GstHarness *harness = new_harness (content, SAFETENSORS_CAPS);
  GstBuffer *out = gst_harness_push_and_pull (harness, frame);
  gpointer bytes;
  gsize size;
  guint64 n;
  json_t *json;

  g_assert_nonnull (out);
  gst_buffer_extract_dup (out, 0, -1, &bytes, &size);
  *file = g_bytes_new_take (bytes, size);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  n = GST_READ_UINT64_LE (bytes);
  g_assert_cmpuint (n % 8, ==, 0);
  json = json_loadb ((gchar *) bytes + 8, n, JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull (json);
  *values = (guint8 *) bytes + 8 + n;
  return json;
}

static void
assert_field (json_t *fields, const gchar *name, const gchar *value)
{
  g_assert_cmpstr (
      json_string_value (json_object_get (fields, name)), ==, value);
}

static void
assert_vector (const gchar *content, guint dim, const gchar *normalized)
{
  const guint8 *values;
  GBytes *file;
  json_t *header = encode (content, &values, full_frame (), &file);
  json_t *fields = json_object_get (header, "__metadata__");
  json_t *tensor = json_object_get (header, content);
  json_t *shape = json_object_get (tensor, "shape");
  json_t *offsets = json_object_get (tensor, "data_offsets");
  g_autofree gchar *dim_text = g_strdup_printf ("%u", dim);

  g_assert_cmpuint (json_object_size (header), ==, 2);
  assert_field (tensor, "dtype", "F32");
  g_assert_cmpuint (json_array_size (shape), ==, 1);
  g_assert_cmpint (json_integer_value (json_array_get (shape, 0)), ==, dim);
  g_assert_cmpint (json_integer_value (json_array_get (offsets, 0)), ==, 0);
  g_assert_cmpint (
      json_integer_value (json_array_get (offsets, 1)), ==, 4 * dim);
  assert_field (fields, "model_id", "model");
  assert_field (fields, "dim", dim_text);
  assert_field (fields, "normalized", normalized);
  assert_field (fields, "frame_width", "64");
  assert_field (fields, "frame_height", "48");
  assert_field (fields, "roi_id", "3");
  assert_field (fields, "roi_type", "cat");
  assert_field (fields, "roi_rect", "[1,2,60,44]");
  assert_field (fields, "pts", "1000");
  g_assert_cmpuint (json_object_size (fields), ==, 9);
  g_assert_cmpmem (values, 4 * dim, vector, 4 * dim);
  g_assert_cmpuint (
      values + 4 * dim - (const guint8 *) g_bytes_get_data (file, NULL), ==,
      g_bytes_get_size (file));
  json_decref (header);
  g_bytes_unref (file);
}

static void
test_vectors (void)
{
  assert_vector ("embedding", 3, "true");
  assert_vector ("logits", 2, "false");
}

/* Made of nothing that is known. */
static void
test_vector_alone (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  const guint8 *values;
  json_t *header, *fields;
  GBytes *file;

  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
  add_embedding (frame, GST_VIT_EMBEDDING_KIND_LOGITS, 1, NULL);
  header = encode ("logits", &values, frame, &file);
  fields = json_object_get (header, "__metadata__");
  assert_field (fields, "dim", "1");
  assert_field (fields, "normalized", "false");
  assert_field (fields, "roi_id", "-1");
  g_assert_cmpuint (json_object_size (fields), ==, 3);
  json_decref (header);
  g_bytes_unref (file);
}

/* Two labels, whose names have what JSON writes otherwise. */
static void
test_labels (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  const guint8 *values;
  json_t *header, *fields, *names;
  GstVitEmbeddingMeta *meta;
  GBytes *file;

  add_embedding (frame, GST_VIT_EMBEDDING_KIND_LOGITS, 2, NULL);
  meta = gst_buffer_get_vit_embedding_meta (
      frame, GST_VIT_EMBEDDING_KIND_LOGITS);
  gst_vit_embedding_meta_add_label (meta, 1, "tabby, \"cat\"\\\n", 0.75f);
  gst_vit_embedding_meta_add_label (meta, 0, "k\u00e4fer", 0.1f);
  header = encode ("logits", &values, frame, &file);
  fields = json_object_get (header, "__metadata__");
  assert_field (fields, "label_classes", "[1,0]");
  assert_field (fields, "label_scores", "[0.75,0.100000001]");
  names = json_loads (
      json_string_value (json_object_get (fields, "labels")), 0, NULL);
  g_assert_cmpuint (json_array_size (names), ==, 2);
  g_assert_cmpstr (json_string_value (json_array_get (names, 0)), ==,
      "tabby, \"cat\"\\\n");
  g_assert_cmpstr (
      json_string_value (json_array_get (names, 1)), ==, "k\u00e4fer");
  json_decref (names);
  json_decref (header);
  g_bytes_unref (file);
}

static void
test_features (void)
{
  const guint8 *values;
  GBytes *file;
  json_t *header = encode ("features", &values, full_frame (), &file);

  assert_field (json_object_get (header, "__metadata__"), "n_blocks", "6");
  assert_field (json_object_get (header, "__metadata__"), "embed_dim", "3");
  g_assert_nonnull (json_object_get (header, "tokens"));
  g_assert_cmpint (values[0], ==, 6);
  json_decref (header);
  g_bytes_unref (file);
}

/* The dimensions that the caps said before, between and after the buffers. */
static void
assert_tensors (const gchar *content, const gchar *expected)
{
  GstHarness *harness = new_harness (content, TENSORS_CAPS);
  g_autoptr (GString) dimensions = g_string_new (NULL);
  GstEvent *event;

  gst_harness_push (harness, full_frame ());
  while ((event = gst_harness_try_pull_event (harness))) {
    GstCaps *caps;

    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
      gst_event_parse_caps (event, &caps);
      g_string_append_printf (dimensions, "%s ",
          gst_structure_get_string (
              gst_caps_get_structure (caps, 0), "dimensions"));
    }
    gst_event_unref (event);
  }
  g_assert_cmpstr (dimensions->str, ==, expected);
  gst_harness_teardown (harness);
}

static void
test_tensors (void)
{
  assert_tensors ("auto", "4:13:1:1 ");
  assert_tensors ("features", "3:13:1:1 4:13:1:1 3:13:1:1 4:13:1:1 ");
  assert_tensors ("embedding", "3:1:1:1 ");
  assert_tensors ("logits", "2:1:1:1 ");
}

/* (transfer full): the text of the one message of this type that was posted as
 * the element was given `frame`, if any, and the end. */
static gchar *
message_of (const gchar *content, const gchar *out_caps, GstBuffer *frame,
    GstMessageType type)
{
  GstHarness *harness = new_harness (content, out_caps);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GError) error = NULL;
  GstMessage *message;

  gst_element_set_bus (harness->element, bus);
  gst_harness_push (harness, frame);
  gst_harness_push_event (harness, gst_event_new_eos ());
  message = gst_bus_pop_filtered (bus, type);
  g_assert_nonnull (message);
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  gst_message_unref (message);
  g_assert_null (gst_bus_pop_filtered (bus, type));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
  return g_strdup (error->message);
}

static void
assert_says (gchar *message /* (transfer full) */, const gchar *part)
{
  if (!strstr (message, part))
    g_error ("no \"%s\" in: %s", part, message);
  g_free (message);
}

static void
test_messages (void)
{
  static const struct {
    const gchar *content;
    const gchar *part;
  } missing[] = { { "features", "carried features" },
    { "embedding", "carried embeddings" }, { "logits", "carried logits" } };
  GstBuffer *frame;

  for (guint i = 0; i < G_N_ELEMENTS (missing); i++) {
    gchar *message;

    frame = tokenenc_new_frame ();
    tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    message
        = message_of (missing[i].content, NPY_CAPS, frame, GST_MESSAGE_WARNING);
    g_assert_nonnull (strstr (message, "vitencoder"));
    assert_says (message, missing[i].part);
  }
  frame = full_frame ();
  gst_buffer_get_vit_embedding_meta (frame, GST_VIT_EMBEDDING_KIND_LOGITS)->dim
      = 7;
  assert_says (message_of ("logits", NPY_CAPS, frame, GST_MESSAGE_WARNING),
      "values is not dim values long");
  /* With properties of vitpatchembed neither would fit. */
  for (guint i = 0; i < 2; i++) {
    gchar *message = message_of (i ? "embedding" : "features",
        TENSORS_CAPS ",dimensions=(string)3:12:1:1", full_frame (),
        GST_MESSAGE_ERROR);

    g_assert_null (strstr (message, "vitpatchembed"));
    assert_says (message, i ? "3:1:1:1" : "features are");
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/tokenenc-content/" name, function)
  TEST ("is-chosen-by-property", test_chosen);
  TEST ("forged-metas-hide-none", test_forged);
  TEST ("may-change-while-it-plays", test_live);
  TEST ("vectors-as-safetensors", test_vectors);
  TEST ("vector-of-nothing-known", test_vector_alone);
  TEST ("logits-have-their-labels", test_labels);
  TEST ("features-say-their-depth", test_features);
  TEST ("other-tensors-have-the-shape", test_tensors);
  TEST ("messages-name-what-is-missing", test_messages);
  return g_test_run ();
}
