/* SPDX-License-Identifier: MIT */
#include "patch/addend.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "patch/projection.h"

float *
vit_addend_positions (const VitModel *model, VitPositionRule rule,
    guint grid_width, guint grid_height, gboolean square_frame,
    GError **error)
{
  gsize n_values = (gsize) grid_width * grid_height * model->embed_dim;
  float *positions = vit_try_aligned (n_values, sizeof (float), error);

  if (positions == NULL)
    return NULL;
  if (rule == VIT_POSITION_RULE_SINCOS) {
    vit_pos_embed_compute (
        model->embed_dim, grid_height, grid_width, positions);
    return positions;
  }
  if (vit_pos_embed_is_kept (rule, model->table_rows, model->table_cols,
          grid_height, grid_width, square_frame)) {
    memcpy (positions, model->table, n_values * sizeof (float));
  } else if (!vit_pos_embed_resample (rule, model->table, model->table_rows,
                 model->table_cols, model->embed_dim, grid_height, grid_width,
                 positions, error)) {
    free (positions);
    return NULL;
  }
  return positions;
}

gboolean
vit_addend_init (VitAddend *addend, const VitModel *model,
    VitPositionRule rule, const double *bias, guint grid_width,
    guint grid_height, gboolean square_frame, GError **error)
{
  gsize n_channels = model->embed_dim;
  gsize n_patches = (gsize) grid_width * grid_height;

  memset (addend, 0, sizeof *addend);
  if (rule != VIT_POSITION_RULE_NONE) {
    float *positions = vit_addend_positions (
        model, rule, grid_width, grid_height, square_frame, error);

    if (positions == NULL)
      return FALSE;
    if (model->norm != VIT_INPUT_NORM_RMS) {
      for (gsize i = 0; i < n_patches; i++) {
        for (gsize d = 0; d < n_channels; d++) {
          float *value = &positions[i * n_channels + d];

          *value = (float) (*value + bias[d]);
        }
      }
      addend->rows = positions;
      addend->stride = n_channels;
      return TRUE;
    }
    addend->positions = positions;
  }
  addend->rows = vit_try_aligned (n_channels, sizeof (float), error);
  if (addend->rows == NULL)
    return FALSE;
  for (gsize d = 0; d < n_channels; d++)
    addend->rows[d] = (float) bias[d];
  return TRUE;
}

guint64
vit_addend_memory (
    const VitModel *model, VitPositionRule rule, guint64 n_patches)
{
  guint64 n_rows = rule == VIT_POSITION_RULE_NONE ? 1 : n_patches + 1;

  return n_rows * model->embed_dim * sizeof (float);
}

void
vit_addend_clear (VitAddend *addend)
{
  free (addend->rows);
  free (addend->positions);
  memset (addend, 0, sizeof *addend);
}
