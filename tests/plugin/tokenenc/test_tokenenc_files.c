/* SPDX-License-Identifier: MIT
 *
 * What vittokenenc makes of the tokens of one frame: an .npy or .safetensors
 * file, byte for byte, in which the tokens are the frame's own memory.
 */
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>

#include "files/safetensors.h"
#include "support/tokenenc_frame.h"

/* The bytes of the tokens of one frame. */
static GBytes *
encode (const gchar *out_caps, GstBuffer *frame)
{
  GstHarness *harness = tokenenc_new_harness (out_caps);
  GstBuffer *out = gst_harness_push_and_pull (harness, frame);
  gpointer bytes;
  gsize size;

  g_assert_nonnull (out);
  gst_buffer_extract_dup (out, 0, -1, &bytes, &size);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);

  return g_bytes_new_take (bytes, size);
}

static void
assert_npy (GstVitTokenFormat format, guint embed_dim, const gchar *dictionary,
    gsize header_size)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GBytes *file;
  const guint8 *bytes;
  gsize size, n_values_bytes;

  n_values_bytes = gst_buffer_get_size (
      tokenenc_add_tokens (frame, format, embed_dim)->tokens);
  file = encode (NPY_CAPS, frame);
  bytes = g_bytes_get_data (file, &size);

  g_assert_cmpuint (size, ==, header_size + n_values_bytes);
  g_assert_cmpmem (bytes, 8, "\x93NUMPY\x01\x00", 8);
  g_assert_cmpuint (GST_READ_UINT16_LE (bytes + 8), ==, header_size - 10);
  g_assert_cmpmem (
      bytes + 10, strlen (dictionary), dictionary, strlen (dictionary));
  for (gsize i = 10 + strlen (dictionary); i < header_size - 1; i++)
    g_assert_cmpint (bytes[i], ==, ' ');
  g_assert_cmpint (bytes[header_size - 1], ==, '\n');
  for (gsize i = 0; i < n_values_bytes; i++)
    g_assert_cmpint (bytes[header_size + i], ==, i % 256);

  g_bytes_unref (file);
}

static void
test_npy (void)
{
  assert_npy (GST_VIT_TOKEN_FORMAT_F32, 2,
      "{'descr': '<f4', 'fortran_order': False, 'shape': (13, 2), }", 128);
  assert_npy (GST_VIT_TOKEN_FORMAT_F16, 384,
      "{'descr': '<f2', 'fortran_order': False, 'shape': (13, 384), }", 128);
  assert_npy (GST_VIT_TOKEN_FORMAT_BF16, 1,
      "{'descr': '<V2', 'fortran_order': False, 'shape': (13, 1), }", 128);
}

/* Calls `check` with the file as this project's own reader sees it. */
static void
with_safetensors (GBytes *file, void (*check) (VitSafetensors *))
{
  gchar *folder = g_dir_make_tmp ("test-tokenenc-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "tokens.safetensors", NULL);
  GError *error = NULL;
  VitSafetensors *reader;
  gsize size;
  const gchar *bytes = g_bytes_get_data (file, &size);

  g_file_set_contents (path, bytes, size, &error);
  g_assert_no_error (error);
  reader = vit_safetensors_open (path, &error);
  g_assert_no_error (error);
  check (reader);
  vit_safetensors_close (reader);

  g_assert_cmpint (remove (path), ==, 0);
  g_assert_cmpint (remove (folder), ==, 0);
  g_free (path);
  g_free (folder);
}

static void
check_tensor (VitSafetensors *reader)
{
  const VitTensor *tensor = vit_safetensors_find (reader, "tokens");
  guint n_tensors;

  vit_safetensors_list (reader, &n_tensors);
  g_assert_cmpuint (n_tensors, ==, 1);
  g_assert_nonnull (tensor);
  g_assert_cmpstr (tensor->dtype_name, ==, "BF16");
  g_assert_cmpuint (tensor->rank, ==, 2);
  g_assert_cmpuint (tensor->shape[0], ==, 13);
  g_assert_cmpuint (tensor->shape[1], ==, 3);
  g_assert_cmpuint (tensor->n_bytes, ==, 13 * 3 * 2);
}

static void
assert_field (json_t *fields, const gchar *name, const gchar *value)
{
  g_assert_cmpstr (
      json_string_value (json_object_get (fields, name)), ==, value);
}

static void
assert_fields (json_t *fields)
{
  assert_field (fields, "model_id", "model");
  assert_field (fields, "token_format", "bf16");
  assert_field (fields, "n_tokens", "13");
  assert_field (fields, "n_prefix_tokens", "1");
  assert_field (fields, "grid_width", "4");
  assert_field (fields, "grid_height", "3");
  assert_field (fields, "patch_size", "16");
  assert_field (fields, "embed_dim", "3");
  assert_field (fields, "frame_width", "64");
  assert_field (fields, "frame_height", "48");
  assert_field (fields, "n_blocks", "2");
  assert_field (fields, "roi_id", "7");
  assert_field (fields, "roi_type", "a \"cat\"");
  assert_field (fields, "roi_rect", "[1,2,60,44]");
  assert_field (fields, "prefix_kinds", "class");
  assert_field (fields, "map", "[8,0,0.5,0,8,-1.25]");
  assert_field (fields, "changed", "1000000110001");
  assert_field (fields, "pts", "1000");
  g_assert_cmpuint (json_object_size (fields), ==, 18);
}

static void
test_safetensors (void)
{
  static const gdouble map[6] = { 8, 0, 0.5, 0, 8, -1.25 };
  g_autoptr (GBytes) changed = g_bytes_new_static ("\x81\x11", 2);
  g_autoptr (GBytes) kinds = g_bytes_new_static ("\1", 1);
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *meta
      = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_BF16, 3);
  GBytes *file;
  const gchar *bytes;
  guint64 header_size;
  json_t *header;
  gsize size;

  gst_vit_tokens_meta_set_map (meta, map);
  gst_vit_tokens_meta_set_changed (meta, changed);
  gst_vit_tokens_meta_set_prefix_kinds (meta, kinds);
  gst_vit_tokens_meta_set_roi (meta, 7, "a \"cat\"", 1, 2, 60, 44);
  meta->n_blocks = 2;
  file = encode (SAFETENSORS_CAPS, frame);

  bytes = g_bytes_get_data (file, &size);
  header_size = GST_READ_UINT64_LE (bytes);
  g_assert_cmpuint (header_size % 8, ==, 0);
  g_assert_cmpuint (size, ==, 8 + header_size + 13 * 3 * 2);
  for (guint i = 0; i < 13 * 3 * 2; i++)
    g_assert_cmpint (bytes[8 + header_size + i], ==, i);
  header = json_loadb (bytes + 8, header_size, JSON_REJECT_DUPLICATES, NULL);
  g_assert_nonnull (header);
  assert_fields (json_object_get (header, "__metadata__"));
  json_decref (header);

  with_safetensors (file, check_tensor);
  g_bytes_unref (file);
}

static void
test_unknown_fields (void)
{
  GstBuffer *frame = tokenenc_new_frame ();
  GstVitTokensMeta *meta
      = tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  json_t *header, *fields;
  const gchar *bytes;
  GBytes *file;

  g_clear_pointer (&meta->model_id, g_free);
  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
  file = encode (SAFETENSORS_CAPS, frame);
  bytes = g_bytes_get_data (file, NULL);
  header = json_loadb (bytes + 8, GST_READ_UINT64_LE (bytes), 0, NULL);
  fields = json_object_get (header, "__metadata__");
  g_assert_null (json_object_get (fields, "model_id"));
  g_assert_null (json_object_get (fields, "changed"));
  g_assert_null (json_object_get (fields, "pts"));
  g_assert_null (json_object_get (fields, "prefix_kinds"));
  g_assert_null (json_object_get (fields, "roi_type"));
  g_assert_null (json_object_get (fields, "roi_rect"));
  assert_field (fields, "roi_id", "-1");
  assert_field (fields, "n_blocks", "0");

  json_decref (header);
  g_bytes_unref (file);
}

/* The header of the frame's file, which every reader takes. */
static json_t *
read_header (GstBuffer *frame /* (transfer full) */, guint64 *size)
{
  GstHarness *harness = tokenenc_new_harness (SAFETENSORS_CAPS);
  GstBuffer *out = gst_harness_push_and_pull (harness, frame);
  GstMapInfo header;
  json_t *json;

  g_assert_nonnull (out);
  g_assert_true (gst_memory_map (
      gst_buffer_peek_memory (out, 0), &header, GST_MAP_READ));
  *size = GST_READ_UINT64_LE (header.data);
  g_assert_cmpuint (8 + *size, ==, header.size);
  json = json_loadb ((const char *) header.data + 8, *size,
      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  g_assert_nonnull (json);
  gst_memory_unmap (gst_buffer_peek_memory (out, 0), &header);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  return json;
}

/* The longest, of characters that JSON writes as six. */
static void
test_model_ids (void)
{
  static const gchar fills[] = { 1, '"', '\\', '\n', 0x7f, (gchar) 0xff };

  for (guint i = 0; i < G_N_ELEMENTS (fills); i++) {
    g_autofree gchar *id = g_strnfill (100000, fills[i]);
    g_autofree gchar *kept = NULL;
    g_autoptr (GstBuffer) tokens = gst_buffer_new_allocate (NULL, 4, NULL);
    GstBuffer *frame = tokenenc_new_frame ();
    guint64 size;
    json_t *header;

    gst_buffer_memset (tokens, 0, 0, 4);
    kept = g_strdup (gst_buffer_add_vit_tokens_meta (frame, tokens,
        GST_VIT_TOKEN_FORMAT_F32, 0, 1, 1, 16, 1, 64, 48, id)->model_id);
    header = read_header (frame, &size);
    assert_field (json_object_get (header, "__metadata__"), "model_id", kept);
    g_assert_cmpuint (size, <, 16384);
    json_decref (header);
  }
}

/* As long as what a reader takes of a header; no byte of the values is read. */
static void
test_many_tokens (void)
{
  static const guint n_tokens[] = { 1000000, 100000000 };

  for (guint i = 0; i < G_N_ELEMENTS (n_tokens); i++) {
    gsize size = (gsize) n_tokens[i] * 2, n_bytes = (n_tokens[i] + 7) / 8;
    gpointer values = mmap (NULL, size, PROT_READ,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_autoptr (GstBuffer) tokens = NULL;
    g_autoptr (GBytes) changed
        = g_bytes_new_take (g_malloc0 (n_bytes), n_bytes);
    GstBuffer *frame = tokenenc_new_frame ();
    guint64 header_size;
    json_t *header, *said;

    g_assert_true (values != MAP_FAILED);
    tokens = gst_buffer_new_wrapped_full (
        GST_MEMORY_FLAG_READONLY, values, size, 0, size, NULL, NULL);
    gst_vit_tokens_meta_set_changed (
        gst_buffer_add_vit_tokens_meta (frame, tokens,
            GST_VIT_TOKEN_FORMAT_F16, 0, n_tokens[i], 1, 1, 1, 64, 48, NULL),
        changed);
    header = read_header (frame, &header_size);
    g_assert_cmpuint (header_size, <=, VIT_SAFETENSORS_MAX_HEADER_BYTES);
    said = json_object_get (json_object_get (header, "__metadata__"), "changed");
    g_assert_cmpint (said != NULL, ==, i == 0);
    if (said)
      g_assert_cmpuint (json_string_length (said), ==, n_tokens[i]);
    json_decref (header);
    munmap (values, size);
  }
}

static void
test_no_copy (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBuffer *frame = tokenenc_new_frame ();
  GstBuffer *tokens = gst_buffer_ref (
      tokenenc_add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2)->tokens);
  GstBuffer *out = gst_harness_push_and_pull (harness, frame);
  GstMapInfo values, out_values;

  g_assert_cmpuint (gst_buffer_n_memory (out), ==, 2);
  g_assert_true (gst_buffer_map (tokens, &values, GST_MAP_READ));
  g_assert_true (gst_memory_map (
      gst_buffer_peek_memory (out, 1), &out_values, GST_MAP_READ));
  g_assert_true (out_values.data == values.data);
  g_assert_cmpuint (out_values.size, ==, values.size);
  gst_memory_unmap (gst_buffer_peek_memory (out, 1), &out_values);
  gst_buffer_unmap (tokens, &values);

  gst_buffer_unref (out);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (tokens), ==, 1);
  gst_buffer_unref (tokens);
  gst_harness_teardown (harness);
}

static void
test_pool (void)
{
  GstHarness *harness = tokenenc_new_harness (NPY_CAPS);
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBuffer *tokens, *again, *frame = tokenenc_new_frame (), *out;
  GstMemory *memory;

  gst_buffer_pool_config_set_params (config, NULL, 13 * 8, 1, 1);
  g_assert_true (gst_buffer_pool_set_config (pool, config));
  g_assert_true (gst_buffer_pool_set_active (pool, TRUE));
  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &tokens, NULL), ==, GST_FLOW_OK);
  memory = gst_buffer_peek_memory (tokens, 0);
  gst_buffer_add_vit_tokens_meta (
      frame, tokens, GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, 64, 48, NULL);
  gst_buffer_unref (tokens);

  out = gst_harness_push_and_pull (harness, frame);
  gst_buffer_unref (out);
  g_assert_cmpint (
      gst_buffer_pool_acquire_buffer (pool, &again, NULL), ==, GST_FLOW_OK);
  g_assert_true (again == tokens);
  g_assert_true (gst_buffer_peek_memory (again, 0) == memory);

  gst_buffer_unref (again);
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokenenc-files/" name, function)
  TEST ("npy-is-exact", test_npy);
  TEST ("safetensors-is-exact", test_safetensors);
  TEST ("safetensors-leaves-out-what-is-unknown", test_unknown_fields);
  TEST ("any-model-id-is-valid-json-and-short", test_model_ids);
  TEST ("header-is-no-longer-than-readers-take", test_many_tokens);
  TEST ("token-memory-is-not-copied", test_no_copy);
  TEST ("token-pool-gets-its-memory-back", test_pool);
  return g_test_run ();
}
