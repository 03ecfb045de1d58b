/* SPDX-License-Identifier: MIT
 *
 * From GStreamer's description of a frame to the library's: caps become a
 * VitImageFormat, a buffer becomes a VitImage whose every row was checked to
 * lie within the memory that was mapped.
 */
#pragma once

#include <gst/video/video.h>

#include "patch/image.h"

G_BEGIN_DECLS

/* The raw formats that the library reads, for pad templates. */
#define GST_VIT_VIDEO_FORMATS                                                 \
  "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GRAY8, I420, " \
  "YV12, NV12, NV21, Y42B, Y444, YUY2, UYVY, RGBP, I420_10LE, P010_10LE }"

/* FALSE if the library does not read the format. */
gboolean gst_vit_image_format_from_info (
    const GstVideoInfo *info, VitImageFormat *format);

/* FALSE where Y'CbCr caps give a colorimetry without a matrix to RGB in it, so
 * that the one in `info`, which was read from them, is only the usual one. */
gboolean gst_vit_matrix_is_of_caps (
    const GstVideoInfo *info, const GstCaps *caps);

/* Bytes of a row of whole pixels, those that hold no component too. */
guint64 gst_vit_image_row_bytes (const VitImageFormat *format, guint plane);

/* Maps `buffer` for reading, without taking a reference (which would make it
 * unwritable).  On success `image` is valid until gst_video_frame_unmap().
 * FALSE, with a text for people in *reason (transfer full), if the buffer
 * cannot be mapped, is of another size or format than `info` says, holds less
 * than that takes, or asks to be cropped; nothing stays mapped then.
 * `whole_pixels`: also the last byte of an RGBx row will be read, and the other
 * half of a last pixel pair. */
gboolean gst_vit_image_map (GstVideoFrame *frame, const GstVideoInfo *info,
    const VitImageFormat *format, GstBuffer *buffer, gboolean whole_pixels,
    VitImage *image, gchar **reason);

G_END_DECLS
