/* SPDX-License-Identifier: MIT
 *
 * The built-in model, vit_model_new_builtin() of model.h: an input stage that
 * needs no file and that is not a trained network's.  P = patch_size,
 * D = embed_dim, mean = std = 0.5, bias 0:
 *
 *     W[d][c][y][x] = O[k][c] T[v][y] T[u][x]
 *     T[u][x] = sqrt ((u ? 2 : 1) / P) cos (pi (x + 1/2) u / P)
 *     O = T of size 3: (1,1,1)/sqrt 3, (1,0,-1)/sqrt 2, (1,-2,1)/sqrt 6
 *
 * the orthonormal 2-D DCT-II of a patch in three decorrelated channels.  The
 * rows d go through (u, v, k) by ascending u u + v v, then k, then v, then u,
 * so that D < 3 P P keeps the coarse content; rows d >= 3 P P are zero.
 * W W^T = 1 where D <= 3 P P, and W^T W = 1 where D >= 3 P P: the frame can
 * then be rebuilt from the tokens.
 *
 * One class token of zeros.  The position table is 14 x 14, what
 * vit_pos_embed_compute() gives for that grid; it is resampled like a trained
 * one, by the rule `size`.
 */
#pragma once

#include "model/model.h"

G_BEGIN_DECLS

/* Past these: VIT_ERROR_SETTING. */
#define VIT_BUILTIN_MAX_PATCH_SIZE 64
#define VIT_BUILTIN_MAX_EMBED_DIM 65536

#define VIT_BUILTIN_TABLE_SIDE 14

G_END_DECLS
