/* SPDX-License-Identifier: MIT
 *
 * What is added to the product of every patch: the folded bias, and with it
 * the position resampled to the frame's grid.  Where an RMSNorm comes between
 * the two, they stay apart.
 *
 * Thread-safety: immutable once made.
 */
#pragma once

#include "model/model.h"

G_BEGIN_DECLS

typedef struct {
  float *rows;       /* [n_patches][embed_dim], or one row if stride is 0 */
  gsize stride;      /* floats from one patch's row to the next */
  float *positions;  /* after an RMSNorm: [n_patches][embed_dim]; or NULL */
} VitAddend;

/* `square_frame`: see vit_pos_embed_is_kept().  Errors: NO_MEMORY.  Clear with
 * vit_addend_clear(), also after an error. */
gboolean vit_addend_init (VitAddend *addend, const VitModel *model,
    VitPositionRule rule, const double *bias /* [embed_dim] */,
    guint grid_width, guint grid_height, gboolean square_frame,
    GError **error);
void vit_addend_clear (VitAddend *addend);

/* Bytes that it takes for so many patches, at most. */
guint64 vit_addend_memory (
    const VitModel *model, VitPositionRule rule, guint64 n_patches);

/* The position of every patch by `rule`, one that adds some: [grid_height *
 * grid_width][embed_dim], free (); NULL with an error.  Errors: NO_MEMORY. */
float *vit_addend_positions (const VitModel *model, VitPositionRule rule,
    guint grid_width, guint grid_height, gboolean square_frame,
    GError **error);

G_END_DECLS
