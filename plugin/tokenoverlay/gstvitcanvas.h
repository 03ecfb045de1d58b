/* SPDX-License-Identifier: MIT
 *
 * A frame to be drawn on: mapped, and checked against what GStreamer's blending
 * takes for granted, of any of GStreamer's raw formats.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Maps `buffer` for reading and writing, as gst_vit_frame_map(): FALSE, too,
 * where a pixel of the whole frame lies outside of the memory, or where
 * GStreamer cannot blend into it: pixels of 4 bytes that do not lie at multiples
 * of 4, planes that reach over more than G_MAXINT bytes, lines of 2^28 pixels
 * and more.  Negative strides it can.  `frame` has the size that `info` says. */
gboolean gst_vit_canvas_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, gchar **reason);

G_END_DECLS
