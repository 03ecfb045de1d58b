/* SPDX-License-Identifier: MIT
 *
 * A grid of cells as pixels whose colours pass from cell to cell: at a cell's
 * centre they are its own, and between the centres of four neighbours they are
 * interpolated bilinearly, as torch.nn.functional.interpolate() does with
 * align_corners=False.  Beyond the outermost centres they stay, and outside of
 * the grid there are none.  Cells, canvas and pixels as in paint.h.
 *
 * Thread-safety: that of the canvas.
 */
#pragma once

#include "view/paint.h"

G_BEGIN_DECLS

/* Every pixel of the canvas, colours weighted by their alpha, to 1 in each
 * component; where less is to be seen than one part of 255, 0. */
void vit_smooth_colours (const VitCells *cells,
    const guint32 *colours /* [rows][columns] */, VitCanvas *canvas);

/* The same for places on the scale of vit_shade_value(): a pixel's colour is that
 * of its place, to 1 in each component, so that all are on the scale.  Where
 * one of the four cells has no place (NaN), it is what vit_smooth_colours()
 * makes of `colours`. */
void vit_smooth_places (const VitCells *cells,
    const float *places /* [rows][columns]: [0,1] or NaN */,
    const guint32 *colours /* [rows][columns] */, float alpha,
    VitCanvas *canvas);

G_END_DECLS
