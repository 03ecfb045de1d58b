/* SPDX-License-Identifier: MIT
 *
 * Frames for tests, and the definition of their tokens: pixels are read
 * through GStreamer's own description of the format and everything is
 * computed in double, so that nothing is shared with what is tested but the
 * model's numbers.
 */
#pragma once

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "patch/patch_embed.h"

/* "video/x-raw" caps; colorimetry may be NULL. */
GstCaps *frames_caps (const gchar *format, gint width, gint height,
    const gchar *colorimetry);

/* A buffer of random bytes.  `padded`: planes lie at odd offsets, with strides
 * wider than needed, as a GstVideoMeta says. */
GstBuffer *frames_random (const GstVideoInfo *info, guint32 seed,
    gboolean padded);

/* The same, but each patch of 16 pixels is of one colour with a little noise;
 * half of them lie inside the RGB cube, many on its faces. */
GstBuffer *frames_calm (const GstVideoInfo *info, guint32 seed,
    gboolean padded);

/* A tightly packed RGB file, width * height * 3 bytes, as a frame. */
GstBuffer *frames_from_rgb_file (const GstVideoInfo *info, const gchar *path);

/* The pixel at x, y: R, G, B in [0,255]. */
void frames_pixel (const GstVideoFrame *frame, gint x, gint y,
    gdouble pixel[3]);

/* Settings as the element's defaults are. */
VitPatchEmbedSettings frames_default_settings (void);

/* Tokens of `buffer` by the definition; (transfer full) [n_tokens][embed_dim],
 * g_free().  Not for models with an input norm. */
gdouble *frames_define_tokens (GstBuffer *buffer, const GstVideoInfo *info,
    const VitModel *model, const VitPatchEmbedSettings *settings,
    guint *n_tokens);

/* The same of a region of the frame, as of a picture of its own. */
gdouble *frames_define_region_tokens (GstBuffer *buffer,
    const GstVideoInfo *info, const GstVideoRectangle *region,
    const VitModel *model, const VitPatchEmbedSettings *settings,
    guint *n_tokens);

/* max |found - expected| / rms of expected; fails the test if any value found
 * is not finite. */
gdouble frames_worst_error (const gfloat *found, const gdouble *expected,
    gsize n);

/* || found - expected || / || expected || */
gdouble frames_relative_error (const gfloat *found, const gdouble *expected,
    gsize n);

/* The tokens of a frame's first meta; the test fails unless there is one of
 * n * embed_dim floats.  (transfer full): g_free(). */
gfloat *frames_get_tokens (GstBuffer *frame, gsize n_values);
