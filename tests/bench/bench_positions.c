/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench_case.h"
#include "model/model.h"

typedef struct {
  BenchCase base;
  VitModel *model;
  VitPositionRule rule;
  guint rows;
  guint cols;
  float *out; /* [rows * cols][embed_dim] */
} PositionsCase;

static void
run (BenchCase *base)
{
  PositionsCase *self = (PositionsCase *) base;
  const VitModel *model = self->model;

  if (!vit_pos_embed_resample (self->rule, model->table, model->table_rows,
          model->table_cols, model->embed_dim, self->rows, self->cols,
          self->out, NULL))
    g_error ("no memory for positions");
}

static void
positions_free (BenchCase *base)
{
  PositionsCase *self = (PositionsCase *) base;

  vit_model_unref (self->model);
  g_free (self->out);
  g_free (base->kernel);
  g_free (self);
}

BenchCase *
bench_positions_new (
    const char *model, const char *rule, guint rows, guint cols)
{
  PositionsCase *self = g_new0 (PositionsCase, 1);
  guint i = 0;

  while (i < VIT_N_POSITION_RULES
         && g_strcmp0 (vit_position_rule_name ((VitPositionRule) i), rule) != 0)
    i++;
  self->model = vit_model_load (model, NULL, NULL);
  if (self->model == NULL || i == VIT_N_POSITION_RULES)
    g_error ("%s or rule %s cannot be used", model, rule);
  self->rule = (VitPositionRule) i;
  self->rows = rows;
  self->cols = cols;
  self->out = g_new (float, (gsize) rows *cols * self->model->embed_dim);
  self->base.run = run;
  self->base.free = positions_free;
  self->base.kind = PEAK_F32;
  self->base.n_threads = 1;
  self->base.kernel = g_strdup ("-");
  return &self->base;
}
