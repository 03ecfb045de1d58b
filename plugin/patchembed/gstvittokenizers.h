/* SPDX-License-Identifier: MIT
 *
 * The tokenizers of a stream, one for each size of picture in it: found for a
 * region, made where there is none, and given up for another size where there
 * are many.  They share the folded weights.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "patchembed/gstvittokenizer.h"

G_BEGIN_DECLS

typedef struct _GstVitTokenizers GstVitTokenizers;

/* Takes `embed`, a reference to its model staying with the caller, and copies
 * `setup`. */
GstVitTokenizers *gst_vit_tokenizers_new (
    const GstVitTokenizerSetup *setup, VitPatchEmbed *embed);
void gst_vit_tokenizers_free (GstVitTokenizers *tokenizers);

/* Frames are of this format from here on, and their tokens no more than
 * `max_tokens` (0: no limit).  `format` is that of `info`. */
void gst_vit_tokenizers_set_format (GstVitTokenizers *tokenizers,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens);

/* Forgets all tokens: the next are new. */
void gst_vit_tokenizers_reset (GstVitTokenizers *tokenizers);

/* The tokens of a region that starts at a chroma block, and whether it can have
 * any.  Allocates nothing, whatever its size.  Errors: FRAME_SIZE. */
gboolean gst_vit_tokenizers_measure (const GstVitTokenizers *tokenizers,
    const GstVitRegion *region, VitTokensShape *shape, GError **error);

/* The tokenizer for a region of a frame; `serial` is that of the frame, whose
 * regions are given to different tokenizers as far as there are enough.  A
 * region that must be scaled is grown to the left and upwards to the start of
 * a chroma block, at most one pixel, as the scaler takes whole blocks.  `image`,
 * NULL where only the preparation is wanted, is that of the frame and becomes
 * the region's.  (transfer none): NULL with an error as of
 * vit_patch_embed_configure(), FRAME_SIZE where the region is smaller than a
 * patch. */
GstVitTokenizer *gst_vit_tokenizers_find (GstVitTokenizers *tokenizers,
    guint64 serial, GstVitRegion *region, VitImage *image, GError **error);

G_END_DECLS
