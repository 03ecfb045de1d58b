/* SPDX-License-Identifier: MIT
 *
 * Rotary positions: which angle each patch turns its queries and keys by.  With
 * k = head_dim / 4 frequencies f_j = base^(-j / k), a patch at coordinate (y, x)
 * turns its pairs by the angles y f_0 .. y f_(k-1), x f_0 .. x f_(k-1), or x
 * before y; prefix tokens are not turned.
 *
 *     DINOV3    c = 2 pi ((i + 1/2) / n * 2 - 1)   y, x  pairs (d, d + head_dim/2)
 *     EVA       c = i / n * 16                     y, x  pairs (2d, 2d + 1)
 *     PE        c = (i + o) / n * reference        x, y  pairs (2d, 2d + 1)
 *     PE_GRID   c = i + o                          x, y  pairs (2d, 2d + 1)
 *     ROPE_VIT  c = i                              x, y  pairs (2d, 2d + 1)
 *
 * PE as timm computes it, PE_GRID as its authors do: both are the same on the grid
 * it was trained on.
 *
 * i of n patches along the axis; o is 1 in models with a class token, else 0.
 * Weights are permuted as they are read so that all pairs are (d, d + head_dim/2).
 *
 * Thread-safety: pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  VIT_ROPE_AUTO, /* a setting: what config or table says */
  VIT_ROPE_NONE,
  VIT_ROPE_DINOV3,
  VIT_ROPE_EVA,
  VIT_ROPE_PE,
  VIT_ROPE_PE_GRID,
  VIT_ROPE_ROPE_VIT,
} VitRopeRule;

typedef struct {
  VitRopeRule rule;  /* not AUTO */
  double base;       /* above 1 */
  double reference;  /* patches; of PE alone */
  gboolean offset;   /* o; of PE and PE_GRID */
} VitRope;

/* "none", "dinov3", "eva", "pe", "pe-grid", "rope-vit" */
const char *vit_rope_rule_name (VitRopeRule rule);

/* Whether pairs are (2d, 2d + 1) in the model's own order. */
gboolean vit_rope_is_interleaved (VitRopeRule rule);

/* Row and column are those of a patch of a grid of `rows` x `cols`. */
void vit_rope_angles (const VitRope *rope, guint head_dim, guint rows,
    guint cols, guint row, guint col, float *cosine /* [head_dim / 2] */,
    float *sine /* [head_dim / 2] */);

G_END_DECLS
