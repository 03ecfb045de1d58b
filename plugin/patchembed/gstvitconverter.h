/* SPDX-License-Identifier: MIT
 *
 * What GstVideoConverter is given where it scales: frames that its loops can
 * read and count, and the antialiased bicubic filter that the models' own
 * preprocessing has (a = -1/2), for every plane.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Bytes, of the longest vectors that the converter loads as if aligned. */
#define GST_VIT_CONVERTER_ALIGNMENT 16
/* GstVideoConverter counts in 32 bits: the bytes of a frame, and in its scaler
 * numbers that are up to 128 taps x 4 components x 8 bytes for each pixel of a
 * side. */
#define GST_VIT_CONVERTER_MAX_BYTES G_MAXINT32
#define GST_VIT_CONVERTER_MAX_SIDE (1u << 20)

/* A frame with aligned rows; progressive, as fields are told apart nowhere here.
 * FALSE where the converter could not count it.  Allocates nothing. */
gboolean gst_vit_converter_describe (GstVideoInfo *out, GstVideoFormat format,
    guint width, guint height);

/* A frame that was described, in memory of its own, which goes with
 * gst_video_frame_unmap().  FALSE where there is no memory. */
gboolean gst_vit_converter_map_new_frame (
    GstVideoFrame *frame, const GstVideoInfo *info);

/* Between frames that were described, of one format.  (nullable) */
GstVideoConverter *gst_vit_converter_new (
    const GstVideoInfo *from, const GstVideoInfo *to);

G_END_DECLS
