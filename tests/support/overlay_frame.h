/* SPDX-License-Identifier: MIT
 *
 * Frames for tests of vittokenoverlay, their tokens made by hand: 64 x 48 pixels
 * with 4 x 3 patches of 16 x 16 and one prefix token, 13 tokens of 2 values.
 */
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "gst/vit/gstvittokensmeta.h"

#define WIDTH 64
#define HEIGHT 48
#define COLUMNS 4
#define ROWS 3
#define PLAIN_CAPS "video/x-raw,format=RGBA,width=64,height=48,framerate=25/1"

/* The element, to add properties to, where only the tokens are drawn and hide
 * what is under them. */
#define QUIET "vittokenoverlay legend=false opacity=1 "

/* Angles of the patches' tokens, in degrees; lengths are patch + 1. */
extern const gdouble overlay_angles[12];

/* `launch` between pads of the test's, frames of `format` announced to it. */
GstHarness *overlay_new_harness (const gchar *launch, const gchar *format);

/* A frame without tokens, all its bytes `value`. */
GstBuffer *overlay_new_frame (GstVideoFormat format, guint8 value);

/* Tokens that say that no positions were added to them. */
GstVitTokensMeta *overlay_add_meta (GstBuffer *frame, GstVitTokenFormat format);

/* Of all tokens only that of `patch` is changed. */
void overlay_set_changed (GstVitTokensMeta *meta, guint patch);

/* The pixel of an RGBA frame of `width`, as 0xRRGGBB. */
guint32 overlay_get_pixel (GstBuffer *frame, guint width, guint x, guint y);
