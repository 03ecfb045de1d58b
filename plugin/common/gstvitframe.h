/* SPDX-License-Identifier: MIT
 *
 * A buffer mapped as the frame that its caps say, whatever its metadata say: what
 * does not fit together is refused, and each plane can be checked to lie within
 * the memory that was mapped.
 */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Maps `buffer` without taking a reference, which would make it unwritable;
 * gst_video_frame_unmap() when done.  FALSE, with a text for people in *reason
 * (transfer full), if it cannot be mapped, is of another size or format than
 * `info` says, or asks to be cropped; nothing stays mapped then.  Planes are
 * still to be checked. */
gboolean gst_vit_frame_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags, gchar **reason);

/* Whether `n_rows` rows of `row_bytes` bytes, `stride` apart, of the plane lie
 * within what was mapped, whichever sign the stride has. */
gboolean gst_vit_frame_plane_fits (const GstVideoFrame *frame, guint plane,
    gint stride, guint64 row_bytes, guint64 n_rows);

/* The same with the plane's own stride; FALSE with a text for people in *reason
 * (transfer full). */
gboolean gst_vit_frame_check_plane (const GstVideoFrame *frame,
    const GstVideoInfo *info, guint plane, guint64 row_bytes, guint64 n_rows,
    gchar **reason);

G_END_DECLS
