/* SPDX-License-Identifier: MIT
 *
 * Pictures brought to a smaller size, so that they have no more patches than
 * are wanted, with the filter of gst_vit_converter_new(), each component for
 * itself, into a frame that is allocated once.  Format and colours stay as they
 * are.
 *
 * Thread-safety: one picture at a time.
 */
#pragma once

#include <gst/video/video.h>

#include "base/error.h"
#include "patch/image.h"

G_BEGIN_DECLS

typedef struct _GstVitScaler GstVitScaler;

/* The size of most patches, at most that of the picture and at most
 * `max_patches` of them (at least 1).  The aspect ratio is kept to the pixel,
 * unless a side would fall under one patch; one side is of whole patches.  `pad`:
 * patches that are covered in part count too (VIT_FIT_PAD). */
void gst_vit_scaler_choose_size (guint width, guint height, guint patch_size,
    gboolean pad, guint max_patches, guint *out_width, guint *out_height);

/* Whether pictures of this size, of the format of `info`, can be scaled down.
 * Nothing is allocated.  Errors: FRAME_SIZE. */
gboolean gst_vit_scaler_check (const GstVideoInfo *info, guint width,
    guint height, GError **error);

/* For pictures of `format`, which are frames of `info` or parts of them, in
 * chroma phase 0, of a size that was checked.  (nullable): NULL where there is
 * no memory. */
GstVitScaler *gst_vit_scaler_new (const GstVideoInfo *info,
    const VitImageFormat *format, guint out_width, guint out_height);
void gst_vit_scaler_free (GstVitScaler *scaler);

/* `image`, which may lie in memory in any way, with strides of any sign and
 * length, becomes the scaled picture, which is valid until the next.  All bytes
 * of its pixels are read, also those that hold no component: see
 * gst_vit_frame_map().  FALSE where there is no memory. */
gboolean gst_vit_scaler_run (GstVitScaler *scaler, VitImage *image);

G_END_DECLS
