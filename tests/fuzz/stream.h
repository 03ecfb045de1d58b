/* SPDX-License-Identifier: MIT
 *
 * One of the plugin's elements, as a stream uses it.
 */
#pragma once

#include <gst/check/gstharness.h>

G_BEGIN_DECLS

/* Loads the plugin of this build, and no other. */
void stream_init_plugin (int *argc, char ***argv);

typedef struct {
  GstHarness *harness;
  GstBus *bus;
} Stream;

/* `element` as gst_element_factory_make() gives it, set as it is to start. */
void stream_open (Stream *stream, GstElement *element /* (transfer full) */);
void stream_close (Stream *stream);

/* FALSE where the element ends the stream, which it says why. */
gboolean stream_push (Stream *stream, GstBuffer *frame /* (transfer full) */);

G_END_DECLS
