/* SPDX-License-Identifier: MIT
 *
 * The layouts that a kernel reads: weights in panels, and the pixels of
 * patches as rows of a matrix.
 *
 *     panels   [ceil(n_channels / channel_tile)][n_terms][channel_tile]
 *     patches  [n_patches][n_terms], a term = pixel - 128, order [c][y][x]
 *
 * A pixel is in [0,255]: the byte of RGB and gray formats; of Y'CbCr formats
 * clamp (M (sample - offset), 0, 255), in real arithmetic, not rounded.
 *
 * Thread-safety: the functions write only to what they are given.
 */
#pragma once

#include "image.h"

G_BEGIN_DECLS

/* Floats that vit_pack_panels() writes. */
gsize vit_pack_panels_size (guint n_channels, gsize n_terms,
    guint channel_tile);

/* Channels past the last are zero. */
void vit_pack_panels (const float *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms, guint channel_tile, float *panels);

/* Cuts frames of one format into patches.  Plain data, copied freely. */
typedef struct {
  VitImageFormat format;
  guint patch_size;
  guint grid_width;   /* patches in a row of the grid */
  float matrix[3][4]; /* vit_image_sample_to_pixel() */
  float outside[3];   /* the term of a pixel right of or below the frame */
} VitPacker;

/* `outside`: R, G, B in [0,255] of the pixels that a grid larger than the
 * frame shows. */
void vit_packer_init (VitPacker *packer, const VitImageFormat *format,
    guint patch_size, guint grid_width, const double outside[3]);

/* Floats of scratch memory that `n_patches` patches need. */
gsize vit_packer_scratch_size (const VitPacker *packer, guint n_patches);

/* Writes patches first .. first + n_patches - 1, counted in raster order. */
void vit_packer_patches (const VitPacker *packer, const VitImage *image,
    guint first, guint n_patches, float *patches /* [n_patches][stride] */,
    gsize stride, float *scratch);

G_END_DECLS
