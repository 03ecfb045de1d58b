/* SPDX-License-Identifier: MIT
 *
 * Runs of a small encoder with a classifier: all that comes of them, and whether
 * two give the same.
 */
#pragma once

#include "encoder/encoder.h"
#include "support/encoder_folder.h"

G_BEGIN_DECLS

/* Of weights_new_vit(). */
#define D 12
#define HEADS 2

#define MAX_GRIDS 3
#define MAX_LAYERS 2

/* Every number that a run can give, of some grids. */
typedef struct {
  guint n_grids;
  guint n_tokens[MAX_GRIDS];
  float *tokens[MAX_GRIDS];
  float *features[MAX_LAYERS * MAX_GRIDS];
  float *embedding[MAX_GRIDS];
  float *logits[MAX_GRIDS];
  float *attention[MAX_GRIDS];
} Buffers;

/* The tokens are made up, all different; the rest is for what comes of them. */
Buffers *buffers_new (const VitEncoderGrid *grids, guint n_grids);
void buffers_free (Buffers *buffers);

/* Points into them. */
VitEncoderFrame buffers_frame (Buffers *buffers);

/* weights_new_vit() with five classes, in the folder. */
VitEncoderWeights *buffers_load_encoder (void);

/* Both blocks' features, the logits and the attention, on one worker. */
extern const VitEncoderSettings buffers_everything;

/* (transfer full): of an encoder for this run alone. */
Buffers *buffers_run (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, const VitEncoderGrid *grids,
    guint n_grids, VitParallelFor with, gpointer user_data);

/* Grid i of `a` and grid k of `b` have the same bits, in their first `n_layers` of
 * features. */
void buffers_assert_same (
    const Buffers *a, guint i, const Buffers *b, guint k, guint n_layers);

G_END_DECLS
