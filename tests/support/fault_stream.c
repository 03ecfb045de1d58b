/* SPDX-License-Identifier: MIT */
#include "support/fault_stream.h"

void
fault_stream_set_caps (FaultStream *stream, const gchar *format, gint width, gint height)
{
  GstCaps *caps = frames_caps (format, width, height, NULL);

  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
}

void
fault_stream_init (FaultStream *stream, const gchar *launch)
{
  stream->harness = gst_harness_new_parse (launch);
  stream->element
      = gst_harness_find_element (stream->harness, "vitpatchembed");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  stream->model = vit_model_new_builtin (16, 24, NULL);
  fault_stream_set_caps (stream, "I420", 64, 48);
}

void
fault_stream_clear (FaultStream *stream)
{
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_harness_teardown (stream->harness);
  vit_model_unref (stream->model);
}

gchar *
fault_stream_message (FaultStream *stream, GstMessageType type)
{
  GstMessage *message = gst_bus_pop_filtered (stream->bus, type);
  GError *error = NULL;
  gchar *text;

  if (message == NULL)
    return NULL;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  return text;
}

void
fault_stream_check (FaultStream *stream, guint32 seed)
{
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstBuffer *frame = gst_harness_push_and_pull (
      stream->harness, frames_random (&stream->info, seed, seed % 2));
  guint n_tokens;
  gdouble *expected;
  gfloat *found;

  g_assert_nonnull (frame);
  expected = frames_define_tokens (
      frame, &stream->info, stream->model, &settings, &n_tokens);
  found = frames_get_tokens (frame, n_tokens * 24);
  g_assert_cmpfloat (
      frames_worst_error (found, expected, n_tokens * 24), <=, 2e-5);
  g_free (found);
  g_free (expected);
  gst_buffer_unref (frame);
}
