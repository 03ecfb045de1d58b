/* SPDX-License-Identifier: MIT
 *
 * What bad input gets: an error that says what was found and expected, never
 * a crash, a read past the end or a wrong token.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

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

/* The error for a sound model file in whose header `from` became `to`. */
static gchar *
error_of_edited_header (const gchar *from, const gchar *to)
{
  gchar *path = g_build_filename (
      TEST_DATA_DIR, "dino-p16", "model.safetensors", NULL);
  gchar *bytes, *found, *text;
  gsize length;

  g_assert_cmpuint (strlen (from), ==, strlen (to));
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  found = strstr (bytes + 8, from); /* the header comes after its length */
  g_assert_nonnull (found);
  memcpy (found, to, strlen (to));
  text = error_of_file (bytes, length);
  g_free (bytes);
  g_free (path);
  return text;
}

static void
test_a_missing_tensor_fails_the_start (void)
{
  gchar *text = error_of_edited_header (
      "\"patch_embed.proj.bias\"", "\"patch_embed.proj.bits\"");

  assert_says (text, "bad.safetensors", "patch_embed.proj.bias", NULL);
  g_free (text);
}

static void
test_a_tensor_of_a_wrong_shape_fails_the_start (void)
{
  gchar *text = error_of_edited_header ("[1, 197, 24]", "[1, 24, 197]");

  assert_says (text, "bad.safetensors", "pos_embed", "197 columns", NULL);
  g_free (text);
}

static void
test_a_tensor_of_a_wrong_type_fails_the_start (void)
{
  gchar *text = error_of_edited_header (
      "\"F32\", \"shape\": [24]", "\"I32\", \"shape\": [24]");

  assert_says (
      text, "bad.safetensors", "patch_embed.proj.bias", "I32", "F32", NULL);
  g_free (text);
}

static void
test_a_mean_that_is_no_three_numbers_fails_the_start (void)
{
  static const gchar *const wrong[] = { "<0.5>", "<0.5,0.5>",
    "<0.5,0.5,0.5,0.5>", "<0.5,nan,0.5>" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    gchar *properties = g_strdup_printf ("mean=\"%s\"", wrong[i]), *text;

    text = start_error (properties);
    assert_says (
        text, "property 'mean'", "three numbers", "<0.5,0.5,0.5>", NULL);
    g_free (text);
    g_free (properties);
  }
}

static void
set_std (GstElement *element, const gchar *r, const gchar *g, const gchar *b)
{
  const gchar *const texts[] = { r, g, b };
  GValue triple = G_VALUE_INIT;

  g_value_init (&triple, GST_TYPE_ARRAY);
  for (guint c = 0; c < 3; c++) {
    GValue text = G_VALUE_INIT;

    g_value_init (&text, G_TYPE_STRING);
    g_value_set_string (&text, texts[c]);
    gst_value_array_append_and_take_value (&triple, &text);
  }
  g_object_set_property (G_OBJECT (element), "std", &triple);
  g_value_unset (&triple);
}

/* Bindings for other languages may well give strings. */
static void
test_a_wrong_std_can_be_set_right (void)
{
  static const gchar *const wrong[] = { "0.25 or so", "", "inf", NULL };
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  GstStructure *info = NULL;
  const GValue *std;

  gst_object_ref_sink (element);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    set_std (element, "0.5", wrong[i], "0.125");
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (element, GST_STATE_NULL);
  }
  set_std (element, "0.5", "0.25", "0.125");
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_SUCCESS);
  g_object_get (element, "model-info", &info, NULL);
  std = gst_structure_get_value (info, "std");
  g_assert_cmpuint (gst_value_array_get_size (std), ==, 3);
  for (guint c = 0; c < 3; c++)
    g_assert_cmpfloat (g_value_get_double (gst_value_array_get_value (std, c)),
        ==, 0.5 / (1 << c));
  gst_structure_free (info);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

static void
test_settings_that_do_not_fit_fail_the_start (void)
{
  gchar *text = start_error ("std=\"<0.5,0.0,0.5>\"");

  assert_says (text, "std", "0", NULL);
  g_free (text);

  /* Numbers that are fine by themselves, but not what they make of weights. */
  for (guint p = 0; p < 2; p++) {
    static const gchar *const properties[] = {
      "std=\"<1e-300,1e-300,1e-300>\"", "mean=\"<1e300,0.0,0.0>\"",
      "std=\"<1e-45,1e-45,1e-45>\"" };

    for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
      gchar *with = g_strconcat (properties[i],
          p == 0 ? " precision=f32" : " precision=int16", NULL);

      text = start_error (with);
      assert_says (text, "mean and std", "float32", NULL);
      g_free (text);
      g_free (with);
    }
  }
  text = start_error ("fit=pad precision=int16 mean=\"<2.0,2.0,2.0>\"");
  assert_says (text, "mean", "precision f32", NULL);
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
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstCaps *unknown = frames_caps ("AYUV64", 64, 48, NULL);
  GstCaps *known = frames_caps ("I420", 64, 48, NULL);
  GError *error = NULL;

  g_assert_false (gst_pad_query_accept_caps (pad, unknown));
  g_assert_true (gst_pad_query_accept_caps (pad, known));
  gst_caps_unref (unknown);
  gst_caps_unref (known);
  gst_object_unref (pad);
  gst_object_unref (element);

  element = gst_parse_launch_full (
      "videotestsrc ! video/x-raw,format=AYUV64 ! vitpatchembed ! fakesink",
      NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  g_assert_null (element);
  assert_says (error->message, "vitpatchembed", "AYUV64", NULL);
  g_error_free (error);
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

static GstBuffer *
new_cropped_frame (guint x, guint y, guint width, guint height)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48, NULL);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);

  gst_buffer_memset (buffer, 0, 100, 64 * 48);
  crop->x = x;
  crop->y = y;
  crop->width = width;
  crop->height = height;
  return buffer;
}

static void
test_a_crop_meta_is_an_error (void)
{
  static const guint crops[][4]
      = { { 1, 0, 63, 48 }, { 0, 8, 64, 40 }, { 0, 0, 32, 48 },
          { 0, 0, 64, 32 }, { 16, 16, 64, 48 }, { 0, 0, 0, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (crops); i++) {
    const guint *crop = crops[i];
    gchar *size = g_strdup_printf ("%ux%u", crop[2], crop[3]);
    gchar *text = error_of_buffer (frames_caps ("GRAY8", 64, 48, NULL),
        new_cropped_frame (crop[0], crop[1], crop[2], crop[3]));

    assert_says (text, "crop", size, "64x48", NULL);
    g_free (text);
    g_free (size);
  }
}

static void
test_a_crop_meta_of_the_whole_frame_is_none (void)
{
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed embed-dim=24");
  GstBuffer *buffer;

  gst_harness_set_src_caps (harness, frames_caps ("GRAY8", 64, 48, NULL));
  buffer = gst_harness_push_and_pull (
      harness, new_cropped_frame (0, 0, 64, 48));
  g_assert_nonnull (buffer);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (buffer));
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
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
  g_test_add_func ("/bad-input/a-missing-tensor-fails-the-start",
      test_a_missing_tensor_fails_the_start);
  g_test_add_func ("/bad-input/a-tensor-of-a-wrong-shape-fails-the-start",
      test_a_tensor_of_a_wrong_shape_fails_the_start);
  g_test_add_func ("/bad-input/a-tensor-of-a-wrong-type-fails-the-start",
      test_a_tensor_of_a_wrong_type_fails_the_start);
  g_test_add_func ("/bad-input/a-mean-that-is-no-three-numbers-fails-the-start",
      test_a_mean_that_is_no_three_numbers_fails_the_start);
  g_test_add_func ("/bad-input/a-wrong-std-can-be-set-right",
      test_a_wrong_std_can_be_set_right);
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
  g_test_add_func (
      "/bad-input/a-crop-meta-is-an-error", test_a_crop_meta_is_an_error);
  g_test_add_func ("/bad-input/a-crop-meta-of-the-whole-frame-is-none",
      test_a_crop_meta_of_the_whole_frame_is_none);
  g_test_add_func ("/bad-input/a-negative-stride-inside-the-buffer-is-read",
      test_a_negative_stride_inside_the_buffer_is_read);
  return g_test_run ();
}
