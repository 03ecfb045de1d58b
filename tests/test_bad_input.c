/* SPDX-License-Identifier: MIT
 *
 * What bad input gets: an error that says what was found and expected, never
 * a crash, a read past the end or a wrong token.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "frames.h"
#include "gstvittokensmeta.h"

/* Runs a pipeline until it ends or fails; the error's text, or NULL. */
static gchar *
run_until_error (const gchar *launch, GstStateChangeReturn *change)
{
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gchar *text = NULL;

  *change = gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error = NULL;

    gst_message_parse_error (message, &error, NULL);
    text = g_strdup (error->message);
    g_error_free (error);
  }
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return text;
}

/* The text must hold every one of these, NULL last. */
static void
assert_says (const gchar *text, ...)
{
  const gchar *part;
  va_list parts;

  g_assert_nonnull (text);
  va_start (parts, text);
  while ((part = va_arg (parts, const gchar *)) != NULL) {
    if (strstr (text, part) == NULL)
      g_error ("'%s' does not say '%s'", text, part);
  }
  va_end (parts);
}

static gchar *
start_error (const gchar *properties)
{
  GstStateChangeReturn change;
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=1 ! vitpatchembed %s ! fakesink", properties);
  gchar *text = run_until_error (launch, &change);

  g_assert_cmpint (change, ==, GST_STATE_CHANGE_FAILURE);
  g_free (launch);
  return text;
}

static void
test_a_missing_model_fails_the_start (void)
{
  gchar *text = start_error ("model=/nowhere/model.safetensors");

  assert_says (text, "/nowhere/model.safetensors", NULL);
  g_free (text);
}

/* A file of these bytes as the model. */
static gchar *
error_of_file (gconstpointer bytes, gsize length)
{
  gchar *folder = g_dir_make_tmp ("vit-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "bad.safetensors", NULL);
  gchar *properties = g_strdup_printf ("model=\"%s\"", path), *text;

  g_assert_true (
      g_file_set_contents (path, bytes, (gssize) length, NULL));
  text = start_error (properties);
  g_unlink (path);
  g_rmdir (folder);
  g_free (properties);
  g_free (path);
  g_free (folder);
  return text;
}

static void
test_files_that_are_no_models_fail_the_start (void)
{
  static const guint8 oversized[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  gchar *path = g_build_filename (
      TEST_DATA_DIR, "dino-p16", "model.safetensors", NULL);
  gchar *bytes, *text;
  gsize length;

  text = error_of_file ("", 0);
  assert_says (text, "bad.safetensors", NULL);
  g_free (text);
  text = error_of_file ("\x89PNG\r\n\x1a\n and so on", 18);
  assert_says (text, "bad.safetensors", NULL);
  g_free (text);
  text = error_of_file (oversized, sizeof oversized);
  assert_says (text, "bad.safetensors", NULL);
  g_free (text);

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  text = error_of_file (bytes, length - 1);
  assert_says (text, "bad.safetensors", NULL);
  g_free (text);
  g_free (bytes);
  g_free (path);
}

static void
test_a_nan_weight_fails_the_start (void)
{
  gchar *path = g_build_filename (
      TEST_DATA_DIR, "dino-p16", "model.safetensors", NULL);
  guint32 nan = 0x7fc00000;
  gchar *bytes, *text;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  memcpy (bytes + length - 40, &nan, sizeof nan);
  text = error_of_file (bytes, length);
  assert_says (text, "bad.safetensors", "NaN", NULL);
  g_free (text);
  g_free (bytes);
  g_free (path);
}

static void
test_settings_that_do_not_fit_fail_the_start (void)
{
  gchar *text = start_error ("std=\"<0.5,0.0,0.5>\"");

  assert_says (text, "std", "0", NULL);
  g_free (text);
}

static void
test_a_frame_smaller_than_a_patch_is_refused_with_the_reason (void)
{
  GstStateChangeReturn change;
  gchar *text = run_until_error (
      "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=15 ! "
      "vitpatchembed ! fakesink",
      &change);

  assert_says (text, "64x15", "16x16", NULL);
  g_free (text);
}

static void
test_a_format_it_cannot_read_is_refused (void)
{
  GstStateChangeReturn change;
  gchar *text = run_until_error (
      "videotestsrc num-buffers=1 ! video/x-raw,format=AYUV64 ! vitpatchembed "
      "! fakesink",
      &change);

  g_assert_nonnull (text);
  g_free (text);
}

/* The flow that comes back, and the element's error text. */
static gchar *
error_of_buffer (GstCaps *caps, GstBuffer *buffer)
{
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed embed-dim=24");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  gchar *text = NULL;

  gst_element_set_bus (element, bus);
  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  {
    GError *error = NULL;

    gst_message_parse_error (message, &error, NULL);
    text = g_strdup (error->message);
    g_error_free (error);
  }
  gst_message_unref (message);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  return text;
}

static void
test_a_short_buffer_is_an_error (void)
{
  gchar *text = error_of_buffer (frames_caps ("I420", 64, 48, NULL),
      gst_buffer_new_allocate (NULL, 64 * 48 * 3 / 2 - 1, NULL));

  assert_says (text, "4607", "4608", NULL);
  g_free (text);
}

/* A GstVideoMeta is only somebody's word: strides and offsets that lead past
 * the end, or before the start, are found out before anything is read. */
static void
test_a_video_meta_that_leads_out_of_the_buffer_is_an_error (void)
{
  static const struct {
    gsize offset;
    gint stride;
  } cases[] = { { 0, 65 }, { 1, 64 }, { 0, -64 }, { 3000, 64 },
    { 0, G_MAXINT }, { 0, G_MININT } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
    gsize offset[GST_VIDEO_MAX_PLANES] = { cases[i].offset };
    gint stride[GST_VIDEO_MAX_PLANES] = { cases[i].stride };
    gchar *text;

    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_GRAY8, 64, 48, 1, offset, stride);
    text = error_of_buffer (frames_caps ("GRAY8", 64, 48, NULL), buffer);
    assert_says (text, "GRAY8", "64x48", NULL);
    g_free (text);
  }
}

static void
test_a_video_meta_smaller_than_the_caps_is_an_error (void)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
  gchar *text;

  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_GRAY8, 32, 48);
  text = error_of_buffer (frames_caps ("GRAY8", 64, 48, NULL), buffer);
  assert_says (text, "32x48", "64x48", NULL);
  g_free (text);
}

/* An upside-down frame that lies wholly inside its buffer is a good one. */
static void
test_a_negative_stride_inside_the_buffer_is_read (void)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 15 * 16 };
  gint stride[GST_VIDEO_MAX_PLANES] = { -16 };
  GstHarness *harness = gst_harness_new_parse (
      "vitpatchembed patch-size=1 embed-dim=1 position-rule=none");
  GstCaps *caps = frames_caps ("GRAY8", 16, 16, NULL);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 256, NULL);
  gfloat *tokens;

  gst_buffer_memset (buffer, 0, 0, 256);
  gst_buffer_memset (buffer, 240, 255, 16);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_GRAY8, 16, 16, 1, offset, stride);
  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
  buffer = gst_harness_push_and_pull (harness, buffer);
  tokens = frames_get_tokens (buffer, 257);
  g_assert_cmpfloat (tokens[1], >, 1.7);
  g_assert_cmpfloat (tokens[256], <, -1.7);
  g_free (tokens);
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
}

/* An allocator that has nothing left. */
typedef GstAllocator EmptyAllocator;
typedef GstAllocatorClass EmptyAllocatorClass;
static GType empty_allocator_get_type (void);
G_DEFINE_TYPE (EmptyAllocator, empty_allocator, GST_TYPE_ALLOCATOR)

static GstMemory *
empty_allocator_alloc (
    GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  return NULL;
}

static void
empty_allocator_free (GstAllocator *allocator, GstMemory *memory)
{
  g_assert_not_reached ();
}

static void
empty_allocator_class_init (EmptyAllocatorClass *klass)
{
  klass->alloc = empty_allocator_alloc;
  klass->free = empty_allocator_free;
}

static void
empty_allocator_init (EmptyAllocator *allocator)
{
  (void) empty_allocator_get_type;
}

static void
test_without_memory_for_tokens_the_frame_passes (void)
{
  GstCaps *caps = frames_caps ("GRAY8", 64, 48, NULL);
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed embed-dim=24");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstAllocator *usual = gst_allocator_find (GST_ALLOCATOR_SYSMEM);
  GstBus *bus = gst_bus_new ();
  GstBuffer *buffers[2];
  GstMessage *message;

  gst_element_set_bus (element, bus);
  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
  for (guint i = 0; i < 2; i++) {
    buffers[i] = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
    gst_buffer_memset (buffers[i], 0, 100, 64 * 48);
  }
  gst_allocator_set_default (
      g_object_ref_sink (g_object_new (empty_allocator_get_type (), NULL)));
  buffers[0] = gst_harness_push_and_pull (harness, buffers[0]);
  gst_allocator_set_default (usual);
  g_assert_nonnull (buffers[0]);
  g_assert_null (gst_buffer_get_vit_tokens_meta (buffers[0]));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  gst_message_unref (message);

  /* And the stream lives on. */
  buffers[1] = gst_harness_push_and_pull (harness, buffers[1]);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (buffers[1]));
  gst_buffer_unref (buffers[0]);
  gst_buffer_unref (buffers[1]);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bad-input/a-missing-model-fails-the-start",
      test_a_missing_model_fails_the_start);
  g_test_add_func ("/bad-input/files-that-are-no-models-fail-the-start",
      test_files_that_are_no_models_fail_the_start);
  g_test_add_func ("/bad-input/a-nan-weight-fails-the-start",
      test_a_nan_weight_fails_the_start);
  g_test_add_func ("/bad-input/settings-that-do-not-fit-fail-the-start",
      test_settings_that_do_not_fit_fail_the_start);
  g_test_add_func (
      "/bad-input/a-frame-smaller-than-a-patch-is-refused-with-the-reason",
      test_a_frame_smaller_than_a_patch_is_refused_with_the_reason);
  g_test_add_func ("/bad-input/a-format-it-cannot-read-is-refused",
      test_a_format_it_cannot_read_is_refused);
  g_test_add_func (
      "/bad-input/a-short-buffer-is-an-error", test_a_short_buffer_is_an_error);
  g_test_add_func (
      "/bad-input/a-video-meta-that-leads-out-of-the-buffer-is-an-error",
      test_a_video_meta_that_leads_out_of_the_buffer_is_an_error);
  g_test_add_func ("/bad-input/a-video-meta-smaller-than-the-caps-is-an-error",
      test_a_video_meta_smaller_than_the_caps_is_an_error);
  g_test_add_func ("/bad-input/a-negative-stride-inside-the-buffer-is-read",
      test_a_negative_stride_inside_the_buffer_is_read);
  g_test_add_func ("/bad-input/without-memory-for-tokens-the-frame-passes",
      test_without_memory_for_tokens_the_frame_passes);
  return g_test_run ();
}
