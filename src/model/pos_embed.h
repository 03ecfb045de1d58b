/* SPDX-License-Identifier: MIT
 *
 * The learned position table resampled to a frame's patch grid, by a named
 * rule.  In: a table of table_rows x table_cols positions.  Out: one of
 * rows x cols.  By one rule positions are computed instead, without a table.
 * The others are those of torch.nn.functional.interpolate
 * (ATen/native/cpu/UpSampleKernel.cpp, align_corners=False) as the model
 * families call it, evaluated in double in one fixed order, so that every
 * machine gives the same bits.  PyTorch's own float32 differs from them by up
 * to 2e-5 in a table of unit variance.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* "Bicubic" and "bilinear" read 4 x 4 and 2 x 2 positions however much the grid
 * shrinks, and repeat the border beyond it.  "Antialiased" widens the filter as
 * the grid shrinks, leaves out what lies beyond the border and has another
 * cubic (a = -0.5, not -0.75), so that it differs when the grid grows, too. */
typedef enum {
  VIT_POSITION_RULE_AUTO,               /* what the model's layout says */
  VIT_POSITION_RULE_DINO,               /* bicubic by (rows+0.1)/table_rows */
  VIT_POSITION_RULE_SIZE,               /* bicubic to the size */
  VIT_POSITION_RULE_SIZE_ANTIALIAS,     /* antialiased bicubic to the size */
  VIT_POSITION_RULE_TIMM,               /* size-antialias, kept on the table's own grid */
  VIT_POSITION_RULE_OPENCLIP,           /* size-antialias, kept by count */
  VIT_POSITION_RULE_BILINEAR,           /* bilinear to the size */
  VIT_POSITION_RULE_BILINEAR_ANTIALIAS, /* antialiased bilinear to the size */
  VIT_POSITION_RULE_SINCOS,             /* computed, no table is read */
  VIT_POSITION_RULE_NONE,               /* no position is added */
  VIT_N_POSITION_RULES
} VitPositionRule;

/* "dino", "size-antialias", ...; NULL for a value out of range. */
const char *vit_position_rule_name (VitPositionRule rule);

/* Whether the family's code uses the table as it is, row i for token i, and
 * does not resample.  `rule`: one that resamples.  `square_frame`: the image as
 * the convolution gets it, padding and remainder included, is as many pixels
 * wide as high.
 *
 *   dino, size, size-antialias  the table's own grid and a square frame: a
 *                               230 x 224 frame at patch 16 has a 14 x 14 grid
 *                               and is resampled to it all the same, which by
 *                               dino changes the table
 *   openclip                    as many tokens, in whatever shape
 *   timm, bilinear              the table's own grid
 *   bilinear-antialias          never: to the same grid it is a copy
 *
 * The families' code for dino, size, size-antialias and bilinear knows square
 * tables only.  A table that is not square is kept here on its own grid and on
 * no other: 4 x 9 is resampled to 6 x 6.  By openclip it is kept even then,
 * the positions out of place, because that is what its code does. */
gboolean vit_pos_embed_is_kept (VitPositionRule rule, guint table_rows,
    guint table_cols, guint rows, guint cols, gboolean square_frame);

/* Resamples by `rule`, one that does, without any such test.  All sizes
 * at least 1; `out` may not overlap `table`, whose values are finite.  Takes
 * memory for a double for each value of one table row.  Errors: NO_MEMORY. */
gboolean vit_pos_embed_resample (VitPositionRule rule,
    const float *table /* [table_rows * table_cols][embed_dim] */,
    guint table_rows, guint table_cols, guint embed_dim, guint rows,
    guint cols, float *out /* [rows * cols][embed_dim] */, GError **error);

/* The positions of rule `sincos`: with q = embed_dim div 4 and
 * w_i = 10000^(-i/q), position (row, col) is
 *
 *     [ sin col w_i | cos col w_i | sin row w_i | cos row w_i | 0 ], i < q
 *
 * row and col in whole patches, so a grid of any size continues a smaller one.
 * As AIMv2's "native" models compute them for each image (transformers,
 * Aimv2VisionEmbeddings), and MAE once for its table (util/pos_embed.py). */
void vit_pos_embed_compute (guint embed_dim, guint rows, guint cols,
    float *out /* [rows * cols][embed_dim] */);

G_END_DECLS
