/* SPDX-License-Identifier: MIT
 *
 * A grid of cells, each of one colour, as pixels: where the cells lie is said by
 * a 2 x 3 map from the grid to the picture,
 *
 *     x = map[0] * column + map[1] * row + map[2],
 *     y = map[3] * column + map[4] * row + map[5],
 *
 * cell (c, r) covering columns [c, c + 1) and rows [r, r + 1).  A pixel is of
 * the cell that its centre lies in.  Pixels as in shade.h.
 *
 * Thread-safety: that of the canvas.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* columns * rows is at most VIT_TOKEN_PICTURE_MAX_PATCHES. */
typedef struct {
  double map[6];
  guint columns;
  guint rows;
} VitCells;

/* Pixel (0, 0) of it is (x, y) of the picture. */
typedef struct {
  guint32 *pixels; /* [height][width] */
  gint x;
  gint y;
  guint width;
  guint height;
} VitCanvas;

/* The smallest rectangle, `pixels` left NULL, that holds all pixels of the cells
 * whose colour is not transparent (`colours` NULL: of all cells), and of those up
 * to `around` cells beside them, within a picture of width x height.  FALSE if
 * there are none, or the map has no inverse. */
gboolean vit_paint_bounds (const VitCells *cells,
    const guint32 *colours /* (nullable) [rows][columns] */, guint around,
    guint width, guint height, VitCanvas *canvas);

/* Every pixel of the canvas: the colour of its cell; 0 outside of the grid. */
void vit_paint_cells (const VitCells *cells,
    const guint32 *colours /* [rows][columns] */, VitCanvas *canvas);

/* The pixels at whose left or upper side a cell begins, one wide, and at the
 * outer sides; the others stay. */
void vit_paint_grid (
    const VitCells *cells, guint32 colour, VitCanvas *canvas);

/* The pixels of one cell that are at most `width` from its edge. */
void vit_paint_outline (const VitCells *cells, guint column, guint row,
    guint width, guint32 colour, VitCanvas *canvas);

/* Lays one canvas over the part of another that it covers: as a picture shows
 * both that is drawn on after one and the other, to 1 in each component.  `upper`
 * lies wholly within `canvas`. */
void vit_paint_over (const VitCanvas *upper, VitCanvas *canvas);

/* The whole canvas. */
void vit_paint_fill (guint32 colour, VitCanvas *canvas);

G_END_DECLS
