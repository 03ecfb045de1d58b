/* SPDX-License-Identifier: MIT
 *
 * A stream through one vittokenoverlay, for tests that bring about a fault.  By
 * hand, a frame is 64 x 48 pixels with 4 x 3 patches of 16 x 16 and no more
 * tokens, all of them changed: drawn with mode=changed they colour every pixel.
 */
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

#define WIDTH 64
#define HEIGHT 48
#define RGBA_SIZE (WIDTH * HEIGHT * 4)
#define QUIET "vittokenoverlay legend=false opacity=1 "

/* A harness with a bus to read the element's messages from. */
typedef struct {
  GstHarness *harness;
  GstBus *bus;
  GstVideoInfo info; /* of the caps set last */
} OverlayStream;

void overlay_stream_init (
    OverlayStream *stream, const gchar *launch, GstVideoFormat format);
void overlay_stream_clear (OverlayStream *stream);

void overlay_stream_set_format (OverlayStream *stream, GstVideoFormat format);

/* 12 tokens of 2 float32 zeros, all of them said to have changed. */
void overlay_add_tokens (GstBuffer *frame);

/* Memory with a margin on both sides, of which nobody knows. */
typedef struct {
  guint8 *bytes;
  gsize size;
} FencedMemory;

GstMemory *fenced_memory_new (FencedMemory *memory, gsize size);

/* Whether it was drawn on; the margins must not have been. */
gboolean fenced_memory_free (FencedMemory *memory);

/* The frame comes through, and there is no error. */
void overlay_stream_push (
    OverlayStream *stream, GstBuffer *frame /* (transfer full) */);

/* The only message is a warning of `text`; NULL: there is none. */
void overlay_stream_check_warning (OverlayStream *stream, const gchar *text);

/* The next frame, of the caps' whole size, is drawn on. */
void overlay_stream_check (OverlayStream *stream);

G_END_DECLS
