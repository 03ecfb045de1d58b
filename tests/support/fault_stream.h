/* SPDX-License-Identifier: MIT
 *
 * A stream through one small vitpatchembed, for tests that bring about a fault:
 * whether a message came of it, and whether the frames after it are right.
 */
#pragma once

#include "support/frames.h"

/* An element whose tokens stream_check() can check, to add properties to. */
#define SMALL_ELEMENT "vitpatchembed embed-dim=24 precision=f32 "

/* A harness with a bus to read the element's messages from. */
typedef struct {
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info; /* of the caps set last */
  VitModel *model;   /* for the definition of its tokens */
} FaultStream;

/* `launch` has one vitpatchembed; I420 of 64 x 48 is announced to it. */
void fault_stream_init (FaultStream *stream, const gchar *launch);
void fault_stream_clear (FaultStream *stream);

void fault_stream_set_caps (
    FaultStream *stream, const gchar *format, gint width, gint height);

/* The text of the oldest error or warning that was posted and not asked for
 * yet, or NULL.  (transfer full): g_free(). */
gchar *fault_stream_message (FaultStream *stream, GstMessageType type);

/* The next frame comes through with the tokens of the definition: for
 * SMALL_ELEMENT. */
void fault_stream_check (FaultStream *stream, guint32 seed);
