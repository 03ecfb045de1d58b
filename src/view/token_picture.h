/* SPDX-License-Identifier: MIT
 *
 * What is drawn of a frame's tokens: a colour a patch, as shade.h has them, and
 * the numbers for a legend.  Holds what goes on from frame to frame.
 *
 * Everywhere, `views` are the token grids of one frame, all of one embed_dim,
 * and `colours` [sum of their patches], in their order.  `alpha` in [0,1].
 * FALSE, with nothing written, where there is not the memory.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "view/shade.h"
#include "view/token_attention.h"
#include "view/token_pca.h"
#include "view/token_view.h"

G_BEGIN_DECLS

/* No more is drawn, so that a picture takes neither time nor memory without
 * end: the longest tokens that a model has (VIT_MODEL_MAX_EMBED_DIM), and a patch
 * for every 8 x 8 pixels of a frame of 32768 x 32768, of all views together.
 * Whoever makes views or cells sees to it; then no product of patches with
 * components, or with bytes, is beyond a gint. */
#define VIT_TOKEN_PICTURE_MAX_EMBED_DIM 65536
#define VIT_TOKEN_PICTURE_MAX_PATCHES (1u << 24)

/* Several views may be of the same memory, so that what they read and what is
 * estimated of them (256 MB) is not bounded by what there is: no more of all views
 * together either, numbers as float32. */
#define VIT_TOKEN_PICTURE_MAX_VALUES (1u << 30)
#define VIT_TOKEN_PICTURE_MAX_PARTS (1u << 26)

typedef struct _VitTokenPicture VitTokenPicture;

VitTokenPicture *vit_token_picture_new (void);
void vit_token_picture_free (VitTokenPicture *picture);

/* The next frame is a first one. */
void vit_token_picture_reset (VitTokenPicture *picture);

/* How many numbers vit_token_picture_estimate() makes of a view. */
gsize vit_token_picture_n_parts (
    guint grid_width, guint grid_height, guint embed_dim);

/* Makes room for the estimates of a frame's views, `n_parts` numbers of all of
 * them; what was estimated before is gone. */
gboolean vit_token_picture_begin (VitTokenPicture *picture, gsize n_parts);

/* Estimates the positions in one view's tokens (vit_token_view_fit()), which
 * `view` then leaves out, until the next frame begins. */
void vit_token_picture_estimate (VitTokenPicture *picture, VitTokenView *view);

/* The first three principal components as red, green, blue.  `share`: how much
 * of the tokens' variance each shows, in [0,1].  `has_foreground`: of the patches
 * of the foreground (foreground.h) alone, *n_shown of them; the others are
 * transparent. */
gboolean vit_token_picture_pca (VitTokenPicture *picture,
    const VitTokenView *views, guint n_views, gboolean has_foreground,
    float alpha, guint32 *colours, double share[VIT_PCA_COMPONENTS],
    guint *n_shown);

/* For every patch the greatest of its cosines with `queries`, from the least of
 * the frame, or 0.9, dark, to 1.  `is_new`: not the queries of the frame before.
 * Patches without a cosine (token_similarity.h) are grey, and where all are,
 * `range` has no values. */
gboolean vit_token_picture_similarity (VitTokenPicture *picture,
    const VitTokenView *views, guint n_views,
    const float *queries /* [n_queries][embed_dim] */, guint n_queries,
    gboolean is_new, float alpha, guint32 *colours, VitShadeRange *range);

/* Norms, from the frame's least, dark, to its greatest.  Those that are not
 * finite are grey, and where all are, `range` has no values. */
gboolean vit_token_picture_norm (VitTokenPicture *picture,
    const VitTokenView *views, guint n_views, float alpha, guint32 *colours,
    VitShadeRange *range);

/* Attention, from 0, dark, to the frame's greatest, of head `head` or with -1 the
 * mean of the heads; `head` is less than each view's n_heads.  What is not finite
 * is grey, and where all is, or nothing is more than 0, `range` has no values. */
gboolean vit_token_picture_attention (VitTokenPicture *picture,
    const VitAttentionView *views, guint n_views, gint head, float alpha,
    guint32 *colours, VitShadeRange *range);

/* Where on the scale of vit_shade_value() the patches lie whose cosines or norms
 * were drawn last, in [0,1]; NaN: they are grey.  Good until something else is
 * drawn. */
const float *vit_token_picture_places (const VitTokenPicture *picture);

G_END_DECLS
