/* SPDX-License-Identifier: MIT */
#include "encoder/row_reader.h"

#include "base/refuse.h"

/* Read at once, at most, or one row. */
#define MAX_VALUES (1 << 18)

const VitTensor *
vit_require_tensor (const VitStage *stage, const char *name, GError **error)
{
  const VitTensor *tensor = NULL;

  if (vit_checkpoint_has (stage->checkpoint, name))
    tensor = vit_checkpoint_find (stage->checkpoint, name, error);
  else
    vit_refuse (error, VIT_ERROR_TENSOR,
        vit_checkpoint_path (stage->checkpoint), name, "is missing");
  return tensor;
}

float *
vit_read_vector (
    const VitStage *stage, const VitTensor *tensor, GError **error)
{
  float *values;

  if (!tensor)
    return NULL;
  values = g_try_new (float, tensor->n_values + 1);
  if (!values)
    vit_stage_refuse (stage, tensor, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory for it");
  else if (!vit_checkpoint_read (stage->checkpoint, tensor, 0,
               (gsize) tensor->n_values, values, error))
    g_clear_pointer (&values, g_free);
  return values;
}

gboolean
vit_rows_each (const VitStage *stage, const VitRows *rows, guint n_rows,
    VitTakeRow take, gpointer data, GError **error)
{
  gsize n_terms = (gsize) rows->weight->shape[rows->weight->rank - 1];
  guint at_once = (guint) CLAMP (MAX_VALUES / n_terms, 1, MAX (n_rows, 1));
  float *values = g_try_new (float, at_once *n_terms);
  gboolean done = values != NULL;

  if (!values)
    vit_stage_refuse (stage, rows->weight, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory to read it");
  for (guint row = 0; row < n_rows && done; row += at_once) {
    guint n = MIN (at_once, n_rows - row);

    done = vit_checkpoint_read (stage->checkpoint, rows->weight,
        (rows->first + row) * n_terms, n * n_terms, values, error);
    for (guint i = 0; i < n && done; i++)
      take (data, row + i, values + i * n_terms);
  }
  g_free (values);
  return done;
}

guint
vit_deinterleaved (guint d, guint head_dim)
{
  guint in_head = d % head_dim;

  return d - in_head + in_head / 2 + (in_head % 2) * (head_dim / 2);
}

typedef struct {
  const VitFold *fold;
  const float *bias; /* [n_rows] or NULL */
  VitLinear *linear;
  guint channel;
  double *row;       /* [n_terms] */
  gboolean is_finite;
} Filling;

static void
take_row (gpointer data, guint i, const float *values)
{
  Filling *filling = data;
  const VitFold *fold = filling->fold;
  double scale = fold->scale != 0.0 ? fold->scale : 1.0;
  double bias = filling->bias ? filling->bias[i] : 0.0;
  gsize n_terms = filling->linear->n_terms;
  guint channel = fold->interleaved_heads
                      ? vit_deinterleaved (i, fold->interleaved_heads)
                      : i;

  if (fold->out_scale)
    scale *= fold->out_scale[i];
  for (gsize k = 0; k < n_terms && fold->in_bias; k++)
    bias += (double) values[k] * fold->in_bias[k];
  for (gsize k = 0; k < n_terms; k++)
    filling->row[k]
        = values[k] * (fold->in_weight ? fold->in_weight[k] : 1.0) * scale;
  if (!vit_linear_set_row (filling->linear, filling->channel + channel,
          filling->row, fold->without_bias ? 0.0 : bias * scale))
    filling->is_finite = FALSE;
}

gboolean
vit_rows_load (const VitStage *stage, const VitRows *rows, guint n_rows,
    const VitFold *fold, VitLinear *linear, guint channel, GError **error)
{
  g_autofree float *bias = NULL;
  Filling filling = { fold, NULL, linear, channel, NULL, TRUE };
  gboolean done;

  if (rows->bias) {
    bias = g_try_new (float, n_rows);
    if (!bias)
      return vit_stage_refuse (stage, rows->bias, VIT_ERROR_NO_MEMORY, error,
          "and there is no memory for it");
    if (!vit_checkpoint_read (stage->checkpoint, rows->bias,
            rows->first_bias, n_rows, bias, error))
      return FALSE;
  }
  filling.bias = bias;
  filling.row = g_try_new (double, linear->n_terms);
  if (!filling.row)
    return vit_stage_refuse (stage, rows->weight, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory to fold it");
  done = vit_rows_each (stage, rows, n_rows, take_row, &filling, error);
  g_free (filling.row);
  if (done && !filling.is_finite)
    return vit_stage_refuse (stage, rows->weight, VIT_ERROR_VALUE, error,
        "and with the norm and scale beside it makes weights that float32 "
        "cannot hold");
  return done;
}
