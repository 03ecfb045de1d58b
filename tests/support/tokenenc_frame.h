/* SPDX-License-Identifier: MIT
 *
 * Frames for tests of vittokenenc: 64 x 48 pixels with 4 x 3 patches and one
 * prefix token; the 13 tokens hold the bytes 0, 1, 2 ...
 */
#pragma once

#include <gst/check/gstharness.h>

#include "gst/vit/gstvittokensmeta.h"

#define FRAME_CAPS "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1"
#define NPY_CAPS "application/x-npy,framerate=25/1"
#define SAFETENSORS_CAPS "application/x-safetensors,framerate=25/1"

/* The element before a sink of `out_caps`; FRAME_CAPS are announced to it. */
GstHarness *tokenenc_new_harness (const gchar *out_caps);

/* A frame without tokens, 1000 ns into the stream. */
GstBuffer *tokenenc_new_frame (void);

/* May be called several times for one frame. */
GstVitTokensMeta *tokenenc_add_tokens (
    GstBuffer *frame, GstVitTokenFormat format, guint embed_dim);
