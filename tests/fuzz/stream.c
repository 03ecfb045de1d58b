/* SPDX-License-Identifier: MIT */
#include "stream.h"

void
stream_init_plugin (int *argc, char ***argv)
{
  GError *error = NULL;

  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (argc, argv);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  gst_plugin_load_file (FUZZ_PLUGIN, &error);
  g_assert_no_error (error);
}

void
stream_open (Stream *stream, GstElement *element)
{
  gst_object_ref_sink (element);
  stream->harness = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->harness->element, stream->bus);
}

void
stream_close (Stream *stream)
{
  gst_element_set_bus (stream->harness->element, NULL);
  gst_object_unref (stream->bus);
  gst_harness_teardown (stream->harness);
}

gboolean
stream_push (Stream *stream, GstBuffer *frame)
{
  GstFlowReturn flow = gst_harness_push (stream->harness, frame);
  GstMessage *message
      = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_ERROR);

  /* What caps are not accepted is the base class's to say. */
  if (flow != GST_FLOW_NOT_NEGOTIATED)
    g_assert_cmpint (message == NULL, ==, flow == GST_FLOW_OK);
  if (message)
    gst_message_unref (message);
  gst_bus_set_flushing (stream->bus, TRUE);
  gst_bus_set_flushing (stream->bus, FALSE);
  return flow == GST_FLOW_OK;
}
