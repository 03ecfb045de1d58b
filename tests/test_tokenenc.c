/* SPDX-License-Identifier: MIT
 *
 * The element vittokenenc, byte for byte.  A frame is 64 x 48 pixels with 4 x 3
 * patches and one prefix token; its 13 tokens hold the bytes 0, 1, 2 ...
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <jansson.h>
#include <string.h>

#include "gstvittokensmeta.h"
#include "safetensors.h"

#define FRAME_CAPS "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1"
#define NPY_CAPS "application/x-npy,framerate=25/1"
#define SAFETENSORS_CAPS "application/x-safetensors,framerate=25/1"

static GstBuffer *
new_tokens (gsize size)
{
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (tokens, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < size; i++)
    map.data[i] = i;
  gst_buffer_unmap (tokens, &map);

  return tokens;
}

static GstBuffer *
new_frame (void)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 64 * 48, NULL);

  GST_BUFFER_PTS (frame) = 1000;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 25;
  return frame;
}

static GstVitTokensMeta *
add_tokens (GstBuffer *frame, GstVitTokenFormat format, guint embed_dim)
{
  g_autoptr (GstBuffer) tokens
      = new_tokens (13 * embed_dim * gst_vit_token_format_get_size (format));
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (
      frame, tokens, format, 1, 4, 3, 16, embed_dim, 64, 48, "model");

  return meta;
}

static GstHarness *
new_harness (const gchar *out_caps)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");

  gst_harness_set_caps_str (harness, FRAME_CAPS, out_caps);
  return harness;
}

/* The bytes of the tokens of one frame. */
static GBytes *
encode (const gchar *out_caps, GstBuffer *frame)
{
  GstHarness *harness = new_harness (out_caps);
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
  GstBuffer *frame = new_frame ();
  GBytes *file;
  const guint8 *bytes;
  gsize size, n_values_bytes;

  n_values_bytes
      = gst_buffer_get_size (add_tokens (frame, format, embed_dim)->tokens);
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
  assert_field (fields, "roi_id", "-1");
  assert_field (fields, "map", "[8,0,0.5,0,8,-1.25]");
  assert_field (fields, "changed", "1000000110001");
  assert_field (fields, "pts", "1000");
  g_assert_cmpuint (json_object_size (fields), ==, 15);
}

static void
test_safetensors (void)
{
  static const gdouble map[6] = { 8, 0, 0.5, 0, 8, -1.25 };
  g_autoptr (GBytes) changed = g_bytes_new_static ("\x81\x11", 2);
  GstBuffer *frame = new_frame ();
  GstVitTokensMeta *meta = add_tokens (frame, GST_VIT_TOKEN_FORMAT_BF16, 3);
  GBytes *file;
  const gchar *bytes;
  guint64 header_size;
  json_t *header;
  gsize size;

  gst_vit_tokens_meta_set_map (meta, map);
  gst_vit_tokens_meta_set_changed (meta, changed);
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
  GstBuffer *frame = new_frame ();
  GstVitTokensMeta *meta = add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
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
  assert_field (fields, "n_blocks", "0");

  json_decref (header);
  g_bytes_unref (file);
}

static void
test_no_copy (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  GstBuffer *frame = new_frame ();
  GstBuffer *tokens = gst_buffer_ref (
      add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2)->tokens);
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
  GstHarness *harness = new_harness (NPY_CAPS);
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBuffer *tokens, *again, *frame = new_frame (), *out;
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

static void
test_several (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  GstBuffer *frame = new_frame ();

  for (guint embed_dim = 1; embed_dim <= 3; embed_dim++)
    add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, embed_dim);
  /* One that nobody filled in. */
  gst_buffer_add_meta (frame, GST_VIT_TOKENS_META_INFO, NULL);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 3);
  for (guint embed_dim = 1; embed_dim <= 3; embed_dim++) {
    GstBuffer *out = gst_harness_pull (harness);

    g_assert_cmpuint (gst_buffer_get_size (out), ==, 128 + 13 * 4 * embed_dim);
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 1000);
    g_assert_cmpint (GST_BUFFER_IS_DISCONT (out), ==, embed_dim == 1);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (harness);
}

static void
test_timestamps (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  GstBuffer *frame = new_frame (), *out;
  gpointer state = NULL;

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_add_video_meta (
      frame, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 48);
  gst_buffer_add_video_region_of_interest_meta (frame, "face", 0, 0, 8, 8);
  GST_BUFFER_FLAG_SET (frame, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  GST_BUFFER_PTS (frame) = 5 * GST_SECOND;
  GST_BUFFER_DTS (frame) = 4 * GST_SECOND;
  GST_BUFFER_DURATION (frame) = 3 * GST_SECOND;
  GST_BUFFER_OFFSET (frame) = 125;
  GST_BUFFER_OFFSET_END (frame) = 126;
  out = gst_harness_push_and_pull (harness, frame);

  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 5 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DTS (out), ==, 4 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 3 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 125);
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, 126);
  g_assert_false (
      GST_BUFFER_FLAG_IS_SET (out, GST_VIDEO_BUFFER_FLAG_INTERLACED));
  g_assert_null (gst_buffer_iterate_meta (out, &state));

  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* (transfer full) (nullable): the next event of this type. */
static GstEvent *
pull_event (GstHarness *harness, GstEventType type)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness))) {
    if (GST_EVENT_TYPE (event) == type)
      return event;
    gst_event_unref (event);
  }
  return NULL;
}

static void
test_gap (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  GstBuffer *frame = new_frame ();
  GstClockTime pts, duration;
  GstEvent *event;

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 0);
  event = pull_event (harness, GST_EVENT_GAP);
  g_assert_nonnull (event);
  gst_event_parse_gap (event, &pts, &duration);
  g_assert_cmpuint (pts, ==, 1000);
  g_assert_cmpuint (duration, ==, GST_SECOND / 25);
  gst_event_unref (event);

  frame = new_frame ();
  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_null (pull_event (harness, GST_EVENT_GAP));

  frame = new_frame ();
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  g_assert_cmpuint (gst_harness_buffers_received (harness), ==, 1);
  g_assert_null (pull_event (harness, GST_EVENT_GAP));

  gst_harness_teardown (harness);
}

/* Warnings so far; each names who should have attached tokens. */
static guint
count_warnings (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING))) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_warning (message, &error, NULL);
    g_assert_nonnull (strstr (error->message, "vitpatchembed"));
    gst_message_unref (message);
    n++;
  }
  return n;
}

/* The warnings while `n_bare` frames without tokens come, and then at the end
 * of the stream. */
static void
assert_warnings (guint n_bare, gboolean starts_with_tokens,
    guint expected_before, guint expected_at_end)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  GstElement *element = gst_harness_find_element (harness, "vittokenenc");
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  if (starts_with_tokens) {
    GstBuffer *frame = new_frame ();

    add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
    g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  }
  for (guint i = 0; i < n_bare; i++)
    g_assert_cmpint (gst_harness_push (harness, new_frame ()), ==, GST_FLOW_OK);
  g_assert_cmpuint (count_warnings (bus), ==, expected_before);
  gst_harness_push_event (harness, gst_event_new_eos ());
  g_assert_cmpuint (count_warnings (bus), ==, expected_at_end);

  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

static void
test_warning (void)
{
  assert_warnings (3, FALSE, 0, 1);
  assert_warnings (600, FALSE, 1, 0);
  assert_warnings (600, TRUE, 0, 0);
  assert_warnings (0, FALSE, 0, 0);
}

static void
assert_caps (const gchar *in, const gchar *downstream, const gchar *expected)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");
  GstCaps *caps, *expected_caps = gst_caps_from_string (expected);

  gst_harness_set_caps_str (harness, in, downstream);
  caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_nonnull (caps);
  g_assert_true (gst_caps_is_equal (caps, expected_caps));

  gst_caps_unref (expected_caps);
  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

static void
test_caps (void)
{
  assert_caps (FRAME_CAPS, "ANY", NPY_CAPS);
  assert_caps (FRAME_CAPS, "application/x-npy", NPY_CAPS);
  assert_caps (FRAME_CAPS, "application/x-safetensors", SAFETENSORS_CAPS);
  assert_caps (
      "video/x-raw,format=RGB,width=8,height=8", "ANY", "application/x-npy");
  assert_caps ("video/x-raw(memory:DMABuf),format=NV12,width=8,height=8,"
               "framerate=0/1",
      "ANY", "application/x-npy,framerate=0/1");
}

static void
test_framerate_upstream (void)
{
  GstHarness *harness = gst_harness_new ("vittokenenc");
  g_autoptr (GstCaps) expected
      = gst_caps_from_string ("video/x-raw(ANY),framerate=25/1");
  GstCaps *caps;

  gst_harness_set_sink_caps_str (harness, NPY_CAPS);
  caps = gst_pad_peer_query_caps (harness->srcpad, NULL);
  g_assert_true (gst_caps_is_equal (caps, expected));

  gst_caps_unref (caps);
  gst_harness_teardown (harness);
}

static void
test_new_size (void)
{
  GstHarness *harness = new_harness ("ANY");
  g_autoptr (GstEvent) event = pull_event (harness, GST_EVENT_CAPS);
  GstBuffer *frame = new_frame ();

  g_assert_nonnull (event);
  gst_harness_set_src_caps_str (
      harness, "video/x-raw,format=RGB,width=99,height=9,framerate=25/1");
  g_assert_null (pull_event (harness, GST_EVENT_CAPS));

  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_harness_teardown (harness);
}

static void
assert_event (GstHarness *harness, GstEventType type)
{
  g_autoptr (GstEvent) event = pull_event (harness, type);

  g_assert_nonnull (event);
}

static void
test_events (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  g_autoptr (GstEvent) event = NULL;
  GstBuffer *frame = new_frame ();
  const GstSegment *seen;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 3 * GST_SECOND;
  add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 2);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  gst_harness_push_event (harness, gst_event_new_eos ());

  assert_event (harness, GST_EVENT_FLUSH_START);
  assert_event (harness, GST_EVENT_FLUSH_STOP);
  event = pull_event (harness, GST_EVENT_SEGMENT);
  g_assert_nonnull (event);
  gst_event_parse_segment (event, &seen);
  g_assert_true (gst_segment_is_equal (seen, &segment));
  assert_event (harness, GST_EVENT_EOS);

  gst_harness_teardown (harness);
}

static void
test_allocation (void)
{
  GstHarness *harness = new_harness (NPY_CAPS);
  g_autoptr (GstCaps) caps = gst_caps_from_string (FRAME_CAPS);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  g_assert_true (
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  g_assert_cmpuint (gst_query_get_n_allocation_pools (query), ==, 0);

  gst_harness_teardown (harness);
}

static void
test_pipeline (void)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc num-buffers=5 ! vittokenenc ! fakesink sync=true", &error);
  GstBus *bus;
  GstMessage *message;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);

  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
assert_discont (GstHarness *harness, gboolean expected)
{
  GstBuffer *out = gst_harness_pull (harness);

  g_assert_cmpint (GST_BUFFER_IS_DISCONT (out), ==, expected);
  gst_buffer_unref (out);
}

/* Who reads which tokens changed has to know that frames are missing, also
 * where it is a frame without tokens that says so. */
static void
test_discont (void)
{
  GstHarness *harness = new_harness ("application/x-npy");
  GstBuffer *frame;

  for (guint turn = 0; turn < 2; turn++) {
    frame = new_frame ();
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
    gst_harness_push (harness, frame);
    frame = new_frame ();
    add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
    add_tokens (frame, GST_VIT_TOKEN_FORMAT_F32, 3);
    gst_harness_push (harness, frame);
    assert_discont (harness, TRUE);
    assert_discont (harness, FALSE);
  }
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/tokenenc/" name, function)
  TEST ("npy-is-exact", test_npy);
  TEST ("safetensors-is-exact", test_safetensors);
  TEST ("safetensors-leaves-out-what-is-unknown", test_unknown_fields);
  TEST ("token-memory-is-not-copied", test_no_copy);
  TEST ("token-pool-gets-its-memory-back", test_pool);
  TEST ("each-meta-becomes-a-buffer", test_several);
  TEST ("only-timestamps-come-from-the-frame", test_timestamps);
  TEST ("frame-without-tokens-becomes-a-gap", test_gap);
  TEST ("stream-without-tokens-warns-once", test_warning);
  TEST ("caps-downstream-choose-the-encoding", test_caps);
  TEST ("framerate-is-asked-of-upstream", test_framerate_upstream);
  TEST ("frame-size-does-not-renegotiate", test_new_size);
  TEST ("segment-flush-and-eos-pass", test_events);
  TEST ("upstream-may-use-video-meta", test_allocation);
  TEST ("missing-frames-are-told", test_discont);
  TEST ("stream-without-tokens-ends", test_pipeline);
  return g_test_run ();
}
