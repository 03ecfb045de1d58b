/* SPDX-License-Identifier: MIT
 *
 * The tensors of an input stage, found in a checkpoint and held against each
 * other and against the config, before any of them is read: their shapes give
 * all sizes of the model.
 *
 * D = embed_dim, P = patch_size, as in model.h.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "model/config.h"
#include "model/detect.h"

G_BEGIN_DECLS

typedef struct {
  VitCheckpoint *checkpoint;
  const VitConfig *config;
  VitTower tower;

  const VitTensor *patch_weight;
  gboolean is_channels_last; /* of a patch in it, [y][x][channel] */
  const VitTensor *patch_bias;                    /* NULL: none */
  const VitTensor *prefix[VIT_LAYOUT_MAX_PREFIX]; /* NULL: none */
  const VitTensor *table;                         /* NULL: none */
  const VitTensor *norm_weight;                   /* NULL: none */
  const VitTensor *norm_bias;                     /* NULL: none */

  /* The names of the above; NULL-terminated. */
  const char *used[5 + VIT_LAYOUT_MAX_PREFIX + 1];
  const char *unused_adapter; /* a tensor of an adapter for other parts, or NULL */

  guint patch_size;
  guint embed_dim;
  guint n_prefix[VIT_LAYOUT_MAX_PREFIX]; /* tokens in each prefix tensor */
  guint n_prefix_tokens;                 /* their sum */
  gsize n_prefix_rows;                   /* rows of the table before the grid */
  guint table_rows;
  guint table_cols;
} VitStage;

/* Fills all that follows `checkpoint` and `config`, which are set and stay the
 * caller's; the rest is zero before.  `prefix` (nullable) names the tower, as in
 * vit_model_load().  Errors: as there.  Clear with vit_stage_clear(), also after
 * an error. */
gboolean vit_stage_measure (
    VitStage *stage, const char *prefix, GError **error);
void vit_stage_clear (VitStage *stage);

/* Always FALSE: "FILE: TENSOR is [shape] ..." */
gboolean vit_stage_refuse (const VitStage *stage, const VitTensor *tensor,
    VitError code, GError **error, const char *format, ...)
    G_GNUC_PRINTF (5, 6);

G_END_DECLS
