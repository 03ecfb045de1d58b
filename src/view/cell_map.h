/* SPDX-License-Identifier: MIT
 *
 * From a pixel to the place in a grid of cells that it shows: the inverse of the
 * map of paint.h.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* column = a x + b y + c, row = d x + e y + f. */
typedef struct {
  double a, b, c, d, e, f;
} VitCellMap;

/* So that a pixel's centre on a cell's edge, as arithmetic rounds it, is in the
 * cell that begins there. */
#define VIT_CELL_TOLERANCE 1e-9

/* FALSE if `map` has no inverse. */
gboolean vit_cell_map_init (VitCellMap *inverse, const double map[6]);

G_END_DECLS
