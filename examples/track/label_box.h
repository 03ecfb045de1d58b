/* SPDX-License-Identifier: MIT
 *
 * Between the box of an object and the labels of the patches, [0,1], that say how
 * much of each is the object.
 *
 * Thread-safety: no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In patches, from the upper left corner of the grid; the last two not in it. */
typedef struct {
  gdouble left, top, right, bottom;
} LabelBox;

/* Writes the share of each patch that lies in the box, [grid_height * grid_width].
 * Returns FALSE where no part of the box lies in the grid. */
gboolean label_box_fill (
    const LabelBox *box, guint grid_width, guint grid_height, gfloat *labels);

/* The box of what is labelled: the one with the largest sum of its labels, each
 * less half of the largest label of all, so that neither a hole in the object nor a
 * patch far from it moves a side.  A side then moves within its row of patches, by
 * what of this is labelled.  Returns FALSE where nothing is labelled. */
gboolean label_box_find (
    const gfloat *labels, guint grid_width, guint grid_height, LabelBox *box);

G_END_DECLS
