/* SPDX-License-Identifier: MIT
 *
 * Embedding metadata to and from bytes, without GStreamer's own serialisation:
 * the layout byte by byte, and bytes that nobody should have sent.  Where
 * GStreamer serialises metadata (1.24), forged bytes go by its functions too.
 */
#include <string.h>

#include "gst/vit/gstvitembeddingbytes.h"
#include "gst/vit/gstvitlabelbytes.h"

#define VERSION GST_VIT_EMBEDDING_BYTES_VERSION
#define N_FORGERIES 200000

/* Class 2, "ox", 0.75, and class 0, which has no name, 0.125. */
static const guint8 two_labels[] = { 2, 0, 0, 0, 0, 0, 0x40, 0x3f, 2, 0, 0, 0,
  'o', 'x', 0, 0, 0, 0, 0, 0, 0, 0, 0x3e, 0, 0, 0, 0, 0 };

static const GstVitEmbeddingFields whole = {
  .kind = GST_VIT_EMBEDDING_KIND_LOGITS,
  .dim = 3,
  .normalized = TRUE,
  .roi_id = -7,
  .roi_type = "cat",
  .roi_type_size = 3,
  .roi_x = 1,
  .roi_y = 2,
  .roi_width = 32,
  .roi_height = 15,
  .frame_width = 33,
  .frame_height = 17,
  .model_id = "vit",
  .model_id_size = 3,
  .labels = two_labels,
  .labels_size = sizeof two_labels,
};

/* The bytes of `fields` with values 0, 1, 2 ... */
static guint8 *
write_bytes (const GstVitEmbeddingFields *fields, gsize *size)
{
  gsize head_size = gst_vit_embedding_bytes_head_size (fields);
  gsize values_size = gst_vit_embedding_values_size (fields->dim);
  guint8 *bytes;

  *size = head_size + values_size;
  bytes = g_malloc (*size);
  gst_vit_embedding_bytes_write_head (fields, bytes);
  for (gsize i = 0; i < values_size; i++)
    bytes[head_size + i] = (guint8) i;
  return bytes;
}

/* Reads from a block of exactly this size, so that a sanitizer or valgrind
 * sees a read past its end. */
static gboolean
read_exactly (const guint8 *bytes, gsize size, GstVitEmbeddingFields *fields)
{
  guint8 *block = g_malloc (size);
  gboolean is_read;

  if (size > 0)
    memcpy (block, bytes, size);
  is_read = gst_vit_embedding_bytes_read (block, size, VERSION, fields);
  g_free (block);
  return is_read;
}

static void
test_layout (void)
{
  static const guint8 expected[] = { 1, 0, 0, 0, 3, 0, 0, 0, 33, 0, 0, 0, 17, 0,
    0, 0, 0xf9, 0xff, 0xff, 0xff, 1, 0, 0, 0, 2, 0, 0, 0, 32, 0, 0, 0, 15, 0, 0,
    0, 1, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 'v', 'i', 't', 'c', 'a',
    't', 2, 0, 0, 0, 0, 0, 0x40, 0x3f, 2, 0, 0, 0, 'o', 'x', 0, 0, 0, 0, 0, 0,
    0, 0, 0x3e, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  g_assert_cmpmem (bytes, size, expected, sizeof expected);
  g_free (bytes);
}

static void
assert_comes_back (const GstVitEmbeddingFields *fields)
{
  GstVitEmbeddingFields read;
  gsize size;
  guint8 *bytes = write_bytes (fields, &size);

  g_assert_true (gst_vit_embedding_bytes_read (bytes, size, VERSION, &read));
  g_assert_cmpint (read.kind, ==, fields->kind);
  g_assert_cmpuint (read.dim, ==, fields->dim);
  g_assert_cmpint (read.normalized, ==, fields->normalized);
  g_assert_cmpint (read.roi_id, ==, fields->roi_id);
  g_assert_cmpuint (read.roi_x, ==, fields->roi_x);
  g_assert_cmpuint (read.roi_y, ==, fields->roi_y);
  g_assert_cmpuint (read.roi_width, ==, fields->roi_width);
  g_assert_cmpuint (read.roi_height, ==, fields->roi_height);
  g_assert_cmpuint (read.frame_width, ==, fields->frame_width);
  g_assert_cmpuint (read.frame_height, ==, fields->frame_height);
  g_assert_cmpint (read.roi_type != NULL, ==, fields->roi_type != NULL);
  g_assert_cmpmem (read.roi_type, read.roi_type_size, fields->roi_type,
      fields->roi_type_size);
  g_assert_cmpint (read.model_id != NULL, ==, fields->model_id != NULL);
  g_assert_cmpmem (read.model_id, read.model_id_size, fields->model_id,
      fields->model_id_size);
  g_assert_cmpint (read.labels != NULL, ==, fields->labels != NULL);
  g_assert_cmpmem (
      read.labels, read.labels_size, fields->labels, fields->labels_size);
  g_assert_cmpuint (read.values_size, ==, 4 * fields->dim);
  g_assert_true (read.values == bytes + size - read.values_size);
  for (guint version = 0; version < 256; version++)
    if (version != VERSION)
      g_assert_false (
          gst_vit_embedding_bytes_read (bytes, size, version, &read));
  g_free (bytes);
}

static void
test_back (void)
{
  GstVitEmbeddingFields fields = whole;

  assert_comes_back (&fields);
  fields.normalized = FALSE;
  fields.labels_size = 15;
  assert_comes_back (&fields);
  fields.labels = NULL;
  fields.labels_size = 0;
  assert_comes_back (&fields);
  fields.kind = GST_VIT_EMBEDDING_KIND_EMBEDDING;
  fields.dim = 1;
  fields.model_id_size = 0;
  assert_comes_back (&fields);
  fields.model_id = NULL;
  assert_comes_back (&fields);
  fields.roi_type_size = 0;
  assert_comes_back (&fields);
  fields.roi_type = NULL;
  fields.roi_x = fields.roi_y = fields.roi_width = fields.roi_height = 0;
  assert_comes_back (&fields);
  fields.frame_width = fields.frame_height = 0;
  assert_comes_back (&fields);
}

static void
test_cut_short (void)
{
  GstVitEmbeddingFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  for (gsize i = 0; i < size; i++)
    g_assert_false (read_exactly (bytes, i, &read));
  g_assert_true (read_exactly (bytes, size, &read));
  bytes = g_realloc (bytes, size + 1);
  bytes[size] = 0;
  g_assert_false (read_exactly (bytes, size + 1, &read));
  g_free (bytes);
}

static void
assert_refused (gsize offset, guint32 number)
{
  GstVitEmbeddingFields read;
  gsize size;
  guint8 *bytes = write_bytes (&whole, &size);

  number = GUINT32_TO_LE (number);
  memcpy (bytes + offset, &number, sizeof number);
  g_assert_false (read_exactly (bytes, size, &read));
  g_free (bytes);
}

static void
test_numbers (void)
{
  assert_refused (0, 2); /* no kind */
  assert_refused (0, G_MAXUINT32);
  assert_refused (4, 0);
  assert_refused (4, 2);
  assert_refused (4, 4);
  assert_refused (4, (1u << 30) + 3); /* 12 bytes in 32 bits */
  assert_refused (4, G_MAXUINT32);
  for (gsize offset = 8; offset < 16; offset += 4) {
    assert_refused (offset, 0); /* one of them alone */
    assert_refused (offset, 1u << 31);
    assert_refused (offset, 4); /* the region is outside */
  }
  assert_refused (20, 2); /* one pixel past 33 x 17 */
  assert_refused (20, G_MAXUINT32);
  assert_refused (24, 3);
  assert_refused (28, 0);
  assert_refused (28, 33);
  assert_refused (28, G_MAXUINT32);
  assert_refused (32, 0);
  assert_refused (32, 16);
  assert_refused (36, 2); /* neither true nor false */
  assert_refused (36, G_MAXUINT32);
  for (gsize offset = 40; offset < 48; offset += 4) {
    assert_refused (offset, 4); /* takes a byte more */
    assert_refused (offset, 2);
    assert_refused (offset, G_MAXUINT32 - 1);
    assert_refused (offset, G_MAXUINT32); /* none, and three bytes over */
  }
  assert_refused (48, 0);
  assert_refused (48, 15); /* one label, and the other over */
  assert_refused (48, 27);
  assert_refused (48, 29);
  assert_refused (48, 40); /* the values too */
  assert_refused (48, 41);
  assert_refused (48, G_MAXUINT32);
  assert_refused (0, GST_VIT_EMBEDDING_KIND_EMBEDDING); /* with labels */
}

/* Of the first label, what lies at 58, and of the second, at 73. */
static void
test_labels (void)
{
  assert_refused (58, 3); /* of three classes */
  assert_refused (58, G_MAXUINT32);
  assert_refused (62, 0x3dffffff); /* below the second's */
  assert_refused (62, 0x3f800001); /* above 1 */
  assert_refused (62, 0x7f800000); /* Inf */
  assert_refused (62, 0x7fc00000); /* NaN */
  assert_refused (77, 0x3f400001); /* above the first's */
  assert_refused (77, 0xbe000000); /* below 0 */
  assert_refused (77, 0x7fc00000);
  assert_refused (66, 1); /* a name without its NUL */
  assert_refused (66, 3);
  assert_refused (66, 17);
  assert_refused (66, G_MAXUINT32);
  assert_refused (81, 1);
  assert_refused (81, G_MAXUINT32 - 11);
  assert_refused (70, 'o'); /* a NUL in the name */
  assert_refused (70, 0x0000ff00 | 'o'); /* no UTF-8 */
  assert_refused (70, 0x00017800 | 'o'); /* what ends the name is none */
}

/* Many labels, and names of many bytes. */
static void
test_many_labels (void)
{
  gchar *name = g_strnfill (257, 'n');

  for (guint over = 0; over < 4; over++) {
    GByteArray *labels = g_byte_array_new ();
    GstVitEmbeddingFields fields = whole, read;
    GstVitLabel label = { 1, 0.5f, name, over == 3 ? 257 : 256 };
    gsize size;
    guint8 *bytes;

    for (guint i = 0; i < (over == 3 ? 1 : 100); i++)
      gst_vit_label_bytes_append (labels, &label);
    label.name_size = 0;
    for (guint i = 0; i < over % 3; i++)
      gst_vit_label_bytes_append (labels, &label);
    fields.labels = labels->data;
    fields.labels_size = labels->len;
    bytes = write_bytes (&fields, &size);
    g_assert_cmpint (read_exactly (bytes, size, &read), ==, over == 0);
    g_free (bytes);
    g_byte_array_unref (labels);
  }
  g_free (name);
}

/* More labels than there may be, in fewer bytes than these could take. */
static void
test_too_many_short_labels (void)
{
  for (guint n = 100; n <= 101; n++) {
    GByteArray *labels = g_byte_array_new ();
    GstVitLabel label = { 1, 0.5f, "", 0 };

    for (guint i = 0; i < n; i++)
      gst_vit_label_bytes_append (labels, &label);
    g_assert_cmpstr (
        gst_vit_label_bytes_find_fault (labels->data, labels->len, 2), ==,
        n == 100 ? NULL : "there are too many labels");
    g_byte_array_unref (labels);
  }
}

static void
test_texts (void)
{
  static const gchar *const texts[] = { "\xffit", "v\0t", "vi\xc3" };
  GstVitEmbeddingFields read, fields;
  gchar *long_text = g_strnfill (1025, 'v');
  guint8 *bytes;
  gsize size;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (texts); i++) {
    fields = whole;
    *(i % 2 ? &fields.model_id : &fields.roi_type) = texts[i / 2];
    bytes = write_bytes (&fields, &size);
    g_assert_false (read_exactly (bytes, size, &read));
    g_free (bytes);
  }
  for (guint over = 0; over < 2; over++) {
    fields = whole;
    fields.model_id = fields.roi_type = long_text;
    fields.model_id_size = 1024 + over;
    fields.roi_type_size = 256;
    bytes = write_bytes (&fields, &size);
    g_assert_cmpint (read_exactly (bytes, size, &read), ==, !over);
    g_free (bytes);
    fields.model_id_size = 1024;
    fields.roi_type_size = 256 + over;
    bytes = write_bytes (&fields, &size);
    g_assert_cmpint (read_exactly (bytes, size, &read), ==, !over);
    g_free (bytes);
  }
  g_free (long_text);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* What GStreamer makes of the same bytes, and of them again. */
static void
check_deserialise (const guint8 *bytes, gsize size, gboolean is_good)
{
  const GstMetaInfo *info = GST_VIT_EMBEDDING_META_INFO;
  GstBuffer *frame = gst_buffer_new ();
  GstMeta *meta = info->deserialize_func (info, frame, bytes, size, VERSION);

  g_assert_cmpint (meta != NULL, ==, is_good);
  if (meta) {
    GByteArray *again = g_byte_array_new ();

    g_assert_true (
        gst_vit_embedding_meta_is_valid ((GstVitEmbeddingMeta *) meta, NULL));
    g_assert_true (gst_meta_serialize_simple (meta, again));
    g_assert_cmpuint (again->len, >, size);
    g_assert_cmpmem (again->data + again->len - size, size, bytes, size);
    g_byte_array_unref (again);
  }
  gst_buffer_unref (frame);
}
#endif

static void
change (GRand *random, guint8 *bytes, gsize size)
{
  static const guint32 numbers[] = { 0, 1, 2, 3, 15, 33, 65536, 1u << 30,
    G_MAXINT, 1u << 31, G_MAXUINT32 - 1, G_MAXUINT32 };
  guint32 number
      = numbers[g_rand_int_range (random, 0, G_N_ELEMENTS (numbers))];

  number = GUINT32_TO_LE (number);
  if (g_rand_boolean (random))
    memcpy (bytes + 4 * g_rand_int_range (random, 0, 13), &number, 4);
  else
    bytes[g_rand_int_range (random, 0, (gint32) size)]
        = (guint8) g_rand_int (random);
}

/* Whatever the bytes, what is taken is within them, valid, and written as the
 * same bytes again.  They are the same every time. */
static void
test_forged (void)
{
  GRand *random = g_rand_new_with_seed (1);
  gsize whole_size;
  guint8 *bytes = write_bytes (&whole, &whole_size);
  guint n_taken = 0;

  for (guint i = 0; i < N_FORGERIES; i++) {
    gsize size
        = whole_size - (i % 8 == 0 ? g_rand_int_range (random, 0, 98) : 0);
    guint8 *forged = g_memdup2 (bytes, whole_size);
    GstVitEmbeddingFields read;
    gboolean is_taken;

    for (gint n = g_rand_int_range (random, 0, 4); n > 0; n--)
      change (random, forged, whole_size);
    forged = g_realloc (forged, size);
    is_taken = gst_vit_embedding_bytes_read (forged, size, VERSION, &read);
    if (is_taken) {
      gsize head_size = gst_vit_embedding_bytes_head_size (&read);
      guint8 *again = g_malloc (head_size);

      n_taken++;
      g_assert_null (gst_vit_embedding_fields_find_fault (&read));
      g_assert_true (read.values == forged + head_size);
      g_assert_cmpuint (head_size + read.values_size, ==, size);
      gst_vit_embedding_bytes_write_head (&read, again);
      g_assert_cmpmem (again, head_size, forged, head_size);
      g_free (again);
    }
#if GST_CHECK_VERSION(1, 24, 0)
    check_deserialise (forged, size, is_taken);
#endif
    g_free (forged);
  }
  /* Neither all nor none: both ways were gone. */
  g_assert_cmpuint (n_taken, >, N_FORGERIES / 10);
  g_assert_cmpuint (n_taken, <, N_FORGERIES / 10 * 9);
  g_free (bytes);
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function)                                                   \
  g_test_add_func ("/embedding-bytes/" name, function)
  TEST ("layout-is-as-documented", test_layout);
  TEST ("what-is-written-is-read", test_back);
  TEST ("any-other-length-is-refused", test_cut_short);
  TEST ("numbers-out-of-range-are-refused", test_numbers);
  TEST ("texts-must-be-short-utf-8", test_texts);
  TEST ("labels-must-be-of-classes-and-ordered", test_labels);
  TEST ("labels-must-be-few-and-short", test_many_labels);
  TEST ("labels-are-counted", test_too_many_short_labels);
  TEST ("forged-bytes-stay-within-bounds", test_forged);
  return g_test_run ();
}
