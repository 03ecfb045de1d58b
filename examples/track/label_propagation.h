/* SPDX-License-Identifier: MIT
 *
 * Label propagation: carries labels of patches, in [0,1], from the first frame of a
 * video through all others, by the features of the patches.
 *
 * A patch takes the mean label of the patches most like it, as DINO does it for the
 * segmentation of videos (facebookresearch/dino, eval_video_segmentation.py,
 * label_propagation(), after Jabri et al., "Space-Time Correspondence as a
 * Contrastive Random Walk", 2020).  Looked at are the first frame and the last few,
 * in each of them the patches of a neighbourhood:
 *
 *     label(i) = sum of w(j) label(j) / sum of w(j),
 *     w(j) = exp (cosine (i, j) / temperature),
 *
 * over the `top` patches j of all of these with the largest cosine; of equal
 * cosines at the end, all.
 *
 * Thread-safety: one thread at a time for one LabelPropagation.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint n_last_frames; /* looked at besides the first */
  guint neighbourhood; /* columns and rows to each side, in patches */
  guint top;           /* at least 1 */
  gdouble temperature; /* greater than 0 */
} LabelPropagationSettings;

/* Those of DINO. */
#define LABEL_PROPAGATION_DEFAULTS                                             \
  {                                                                            \
    7, 12, 5, 0.1                                                              \
  }

typedef struct _LabelPropagation LabelPropagation;

LabelPropagation *label_propagation_new (
    const LabelPropagationSettings *settings, guint grid_width,
    guint grid_height, guint embed_dim);

void label_propagation_free (LabelPropagation *self);

/* The first frame: features [grid_height * grid_width][embed_dim] of any length,
 * labels [grid_height * grid_width]; both are copied. */
void label_propagation_start (
    LabelPropagation *self, const gfloat *features, const gfloat *labels);

/* The next frame.  Writes its labels [grid_height * grid_width], which good ones
 * then become those of a last frame by label_propagation_keep().  Returns how like
 * its sources the labelled part of the frame is: the mean of the patches' largest
 * cosines, weighted by their labels; 0 without labels. */
gdouble label_propagation_run (
    LabelPropagation *self, const gfloat *features, gfloat *labels);

void label_propagation_keep (LabelPropagation *self);

G_END_DECLS
