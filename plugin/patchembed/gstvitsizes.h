/* SPDX-License-Identifier: MIT
 *
 * The sizes of picture in a stream, frames or regions of them, with an embedder
 * ready for each: found for a region, made where there is none, and given up for
 * another size where there are many, or after some frames without it.  They share
 * the folded weights.
 *
 * What one frame may cost has bounds, however many regions of it there are and
 * of however many sizes: all together have no more patches than 16 whole frames,
 * and tokens and what is kept ready take no more than the setup's max_memory,
 * weights aside.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "patchembed/gstvitembedder.h"

G_BEGIN_DECLS

typedef struct _GstVitSizes GstVitSizes;

/* Takes `embed`, a reference to its model staying with the caller, and copies
 * `setup`. */
GstVitSizes *gst_vit_sizes_new (
    const GstVitEmbedderSetup *setup, VitPatchEmbed *embed);
void gst_vit_sizes_free (GstVitSizes *sizes);

/* Frames are of this format from here on, and their tokens no more than
 * `max_tokens` (0: no limit).  `format` is that of `info`. */
void gst_vit_sizes_set_format (GstVitSizes *sizes,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens);

/* The next regions are those of another frame, the `serial`-th with tokens. */
void gst_vit_sizes_begin (GstVitSizes *sizes, guint64 serial);

/* Forgets all tokens: the next are new. */
void gst_vit_sizes_reset (GstVitSizes *sizes);

/* The tokens of a region that starts at a chroma block, and whether it can have
 * any.  Allocates nothing, whatever its size.  Errors: FRAME_SIZE; LIMIT, where
 * it alone takes more than max_memory. */
gboolean gst_vit_sizes_measure (const GstVitSizes *sizes,
    const GstVitRegion *region, VitTokensShape *shape, GError **error);

/* The embedder for a region of a frame; `serial` is that of the frame, whose
 * regions are given to different embedders as far as there are enough.  A
 * region that must be scaled is grown to the left and upwards to the start of
 * a chroma block, at most one pixel, as the scaler takes whole blocks.  `image`,
 * NULL where only the preparation is wanted, is that of the frame and becomes
 * the region's.  (transfer none): NULL with an error as of
 * vit_patch_embed_configure(), FRAME_SIZE where the region is smaller than a
 * patch, LIMIT where the frame would cost more than it may: then nothing was done
 * for this region. */
GstVitEmbedder *gst_vit_sizes_find (GstVitSizes *sizes,
    guint64 serial, GstVitRegion *region, VitImage *image, GError **error);

G_END_DECLS
