/* SPDX-License-Identifier: MIT
 *
 * Pictures scaled component by component, each copied out as a gray picture and
 * back: for what GstVideoConverter itself scales wrongly, which is
 * - packed 4:2:2: where a row of luma takes more taps than it has chroma
 *   samples, it does not scale rows but cuts them off, with criticals; of an odd
 *   width it takes the last V from memory that it never wrote;
 * - 10 bits: the first rows come out wrong at many sizes, chroma is resampled
 *   twice more, and all that takes several times as long;
 * - two samples to one, of 8 bits: it takes the left one.
 *
 * Thread-safety: one picture at a time.
 */
#pragma once

#include <gst/video/video.h>

#include "patch/image.h"

G_BEGIN_DECLS

typedef struct _GstVitComponents GstVitComponents;

/* Whether pictures of `format` are among those. */
gboolean gst_vit_components_needed (const VitImageFormat *format);

/* For pictures of `format`, in chroma phase 0, of a size that
 * gst_vit_converter_describe() takes, as `to` must be, which is of the same
 * format.  (nullable): NULL where there is no memory. */
GstVitComponents *gst_vit_components_new (
    const VitImageFormat *format, const GstVideoInfo *to);
void gst_vit_components_free (GstVitComponents *components);

/* Makes of `image` the scaled picture, which is valid until the next.  Only
 * bytes of components are read, and have meaning in what comes out. */
void gst_vit_components_run (GstVitComponents *components, VitImage *image);

G_END_DECLS
