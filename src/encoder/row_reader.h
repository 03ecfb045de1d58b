/* SPDX-License-Identifier: MIT
 *
 * Rows of a checkpoint's matrices, a few at a time, folded in double and put
 * straight into the panels of a linear map: so a model's float32 weights never
 * lie beside them.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_weights.h"
#include "model/stage.h"

G_BEGIN_DECLS

/* What is folded into the map  y = scale * (W (weight * x + bias) + b). */
typedef struct {
  const float *in_weight;  /* [n_terms] or NULL: of the norm before */
  const float *in_bias;    /* likewise */
  const float *out_scale;  /* [n_channels] or NULL: LayerScale */
  double scale;            /* of all channels, too; 0 stands for 1 */
  gboolean without_bias;   /* W x alone */
  guint interleaved_heads; /* channels of a head whose pairs are (2d, 2d + 1) and
                              become (d, d + half); 0: none */
} VitFold;

/* A matrix, and the rows of it that are meant. */
typedef struct {
  const VitTensor *weight; /* [rows][n_terms] */
  guint64 first;           /* of them */
  const VitTensor *bias;   /* NULL: none */
  guint64 first_bias;
} VitRows;

/* Puts rows 0 to n_rows - 1 into channels `channel` and on.  Errors: as of
 * vit_checkpoint_read(); VALUE where the folded numbers leave float32. */
gboolean vit_rows_load (const VitStage *stage, const VitRows *rows,
    guint n_rows, const VitFold *fold, VitLinear *linear, guint channel,
    GError **error);

/* Where channel `d` of heads that lie interleaved goes. */
guint vit_deinterleaved (guint d, guint head_dim);

/* Calls `take` with each row in turn. */
typedef void (*VitTakeRow) (
    gpointer data, guint row, const float *values /* [n_terms] */);
gboolean vit_rows_each (const VitStage *stage, const VitRows *rows,
    guint n_rows, VitTakeRow take, gpointer data, GError **error);

/* A tensor that must be there; NULL: an error. */
const VitTensor *vit_require_tensor (
    const VitStage *stage, const char *name, GError **error);

/* All values of a tensor; g_free(). (nullable): NULL without an error for NULL. */
float *vit_read_vector (
    const VitStage *stage, const VitTensor *tensor, GError **error);

G_END_DECLS
