/* SPDX-License-Identifier: MIT
 *
 * The labels of a GstVitEmbeddingMeta: what is added and refused, what copies and
 * other processes have of it, and what is said of bytes that were forged.
 */
#include <math.h>

#include "gst/vit/gstvitembeddingmeta.h"

#define EMBEDDING GST_VIT_EMBEDDING_KIND_EMBEDDING
#define LOGITS GST_VIT_EMBEDDING_KIND_LOGITS

/* Of three values. */
static GstVitEmbeddingMeta *
add (GstBuffer *frame, GstVitEmbeddingKind kind)
{
  static const gfloat vector[3] = { 0.6f, -0.8f, 0 };
  GstBuffer *values = gst_buffer_new_memdup (vector, sizeof vector);
  GstVitEmbeddingMeta *meta
      = gst_buffer_add_vit_embedding_meta (frame, kind, values, 3, TRUE, NULL);

  gst_buffer_unref (values);
  g_assert_nonnull (meta);
  return meta;
}

static void
assert_valid (const GstVitEmbeddingMeta *meta)
{
  const gchar *reason = "";

  if (!gst_vit_embedding_meta_is_valid (meta, &reason))
    g_error ("not valid: %s", reason);
}

static void
assert_label (const GstVitEmbeddingMeta *meta, guint i, guint class_id,
    const gchar *name, gfloat probability)
{
  guint found_id = 99;
  const gchar *found_name = "";
  gfloat found_probability = -1;

  g_assert_cmpint (gst_vit_embedding_meta_get_label (
                       meta, i, &found_id, &found_name, &found_probability),
      ==, name != NULL);
  g_assert_cmpuint (found_id, ==, class_id);
  g_assert_cmpstr (found_name, ==, name);
  g_assert_cmpfloat (found_probability, ==, probability);
}

static void
assert_two_labels (const GstVitEmbeddingMeta *meta)
{
  assert_valid (meta);
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 2);
  assert_label (meta, 0, 2, "tabby, tabby cat", 0.75f);
  assert_label (meta, 1, 0, "", 0.25f);
  assert_label (meta, 2, 0, NULL, 0);
  assert_label (meta, G_MAXUINT, 0, NULL, 0);
}

static void
add_two_labels (GstVitEmbeddingMeta *meta)
{
  gst_vit_embedding_meta_add_label (meta, 2, "tabby, tabby cat", 0.75f);
  gst_vit_embedding_meta_add_label (meta, 0, "", 0.25f);
}

static void
test_added (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  GstVitEmbeddingMeta *meta = add (frame, LOGITS);

  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 0);
  assert_label (meta, 0, 0, NULL, 0);
  add_two_labels (meta);
  assert_two_labels (meta);
  g_assert_true (
      gst_vit_embedding_meta_get_label (meta, 0, NULL, NULL, NULL));
}

/* A critical, and the labels are those of before. */
static void
test_refused (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autofree gchar *long_name = g_strnfill (257, 'n');
  GstVitEmbeddingMeta *meta = add (frame, LOGITS);
  GstVitEmbeddingMeta *other = add (frame, EMBEDDING);
  const struct {
    GstVitEmbeddingMeta *meta;
    guint class_id;
    const gchar *name;
    gfloat probability;
  } cases[] = {
    { meta, 3, "n", 0.1f },
    { meta, 1, "caf\xe9", 0.1f },
    { meta, 1, long_name, 0.1f },
    { meta, 1, NULL, 0.1f },
    { meta, 1, "n", 0.3f },
    { meta, 1, "n", -0.1f },
    { meta, 1, "n", NAN },
    { other, 1, "n", 0.1f },
  };

  add_two_labels (meta);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*");
    gst_vit_embedding_meta_add_label (cases[i].meta, cases[i].class_id,
        cases[i].name, cases[i].probability);
    g_test_assert_expected_messages ();
    assert_two_labels (meta);
    assert_valid (other);
    g_assert_null (other->labels);
  }
  for (guint i = 2; i < GST_VIT_EMBEDDING_META_MAX_LABELS; i++)
    gst_vit_embedding_meta_add_label (meta, 1, long_name + 1, 0.25f);
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 100);
  g_test_expect_message (NULL, G_LOG_LEVEL_CRITICAL, "*");
  gst_vit_embedding_meta_add_label (meta, 1, "", 0);
  g_test_assert_expected_messages ();
  assert_label (meta, 99, 1, long_name + 1, 0.25f);
}

/* What is added to the one afterwards is not in the other. */
static void
test_copied (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  GstVitEmbeddingMeta *meta = add (frame, LOGITS);
  g_autoptr (GstBuffer) copy = NULL;

  add_two_labels (meta);
  copy = gst_buffer_copy (frame);
  gst_vit_embedding_meta_add_label (meta, 1, "n", 0);
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 3);
  g_clear_pointer (&frame, gst_buffer_unref);
  assert_two_labels (gst_buffer_get_vit_embedding_meta (copy, LOGITS));
}

static void
assert_forged (GstBuffer *frame, const gchar *expected)
{
  gpointer state = NULL;
  GstVitEmbeddingMeta *meta
      = gst_buffer_iterate_vit_embedding_meta (frame, &state);
  const gchar *reason = NULL;

  g_assert_false (gst_vit_embedding_meta_is_valid (meta, &reason));
  g_assert_cmpstr (reason, ==, expected);
  g_assert_null (gst_vit_embedding_meta_get_values (meta));
  g_assert_cmpuint (gst_vit_embedding_meta_get_n_labels (meta), ==, 0);
  assert_label (meta, 0, 0, NULL, 0);
}

static void
test_forged (void)
{
  static const struct {
    GstVitEmbeddingKind kind;
    const gchar *bytes;
    gsize size;
    const gchar *reason;
  } cases[] = {
    { EMBEDDING, "\2\0\0\0\0\0\200\76\0\0\0\0", 13,
        "there are labels, and no logits" },
    { LOGITS, "\3\0\0\0\0\0\200\76\0\0\0\0", 13,
        "a label's class is not below dim" },
    { LOGITS, "\2\0\0\0\0\0\200\77\1\0\0\0", 13,
        "labels are cut short" },
    { LOGITS, "", 0, "labels are none or too many bytes" },
    { LOGITS, "\2\0\0\0\0\0\200\100\0\0\0\0", 13,
        "the labels' probabilities are not from 0 to 1, greatest first" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) frame = gst_buffer_new ();
    g_autoptr (GstBuffer) copy = NULL;
    GstVitEmbeddingMeta *meta = add (frame, cases[i].kind);

    meta->labels = g_bytes_new_static (cases[i].bytes, cases[i].size);
    assert_forged (frame, cases[i].reason);
    /* Copied as it is, so that its reader can say so, and in no other way. */
    copy = gst_buffer_copy (frame);
    assert_forged (copy, cases[i].reason);
#if GST_CHECK_VERSION(1, 24, 0)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      g_assert_false (gst_meta_serialize_simple (&meta->meta, bytes));
    }
#endif
  }
}

#if GST_CHECK_VERSION(1, 24, 0)
static void
test_serialised (void)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new ();
  g_autoptr (GstBuffer) other = gst_buffer_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  GstVitEmbeddingMeta *meta = add (frame, LOGITS);
  guint32 n_read;

  add_two_labels (meta);
  g_assert_true (gst_meta_serialize_simple (&meta->meta, bytes));
  g_assert_nonnull (
      gst_meta_deserialize (other, bytes->data, bytes->len, &n_read));
  assert_two_labels (gst_buffer_get_vit_embedding_meta (other, LOGITS));
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/embedding-labels/" name, function)
  TEST ("read-as-they-were-added", test_added);
  TEST ("those-that-do-not-fit-are-refused", test_refused);
  TEST ("copies-have-them", test_copied);
  TEST ("forged-they-give-nothing", test_forged);
#if GST_CHECK_VERSION(1, 24, 0)
  TEST ("serialised-and-back", test_serialised);
#endif
  return g_test_run ();
}
