/* SPDX-License-Identifier: MIT
 *
 * A rule is a filter and a step: how far apart in the table two neighbours of
 * the new grid lie.  Along each axis these give every new position its taps, a
 * run of table positions and their weights.  The vertical taps are applied to
 * the whole table one new row at a time, then the horizontal ones to that row.
 *
 * Compile with -ffp-contract=off: a multiply-add fused on one machine and not
 * on another would give them different bits.
 */
#include "model/pos_embed.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

typedef struct {
  const char *name;
  guint reach;        /* taps on each side at step 1: cubic 2, linear 1 */
  double cubic_a;     /* the cubic's slope at distance 1 */
  gboolean antialias; /* widened by a step above 1, cut off at the borders */
  double margin;      /* step = table positions / (new positions + margin) */
} Rule;

/* Keys' cubic with a = -0.75 is PyTorch's plain one, -0.5 its antialiased. */
static const Rule rules[VIT_N_POSITION_RULES] = {
  [VIT_POSITION_RULE_AUTO] = { "auto", 0, 0.0, FALSE, 0.0 },
  [VIT_POSITION_RULE_DINO] = { "dino", 2, -0.75, FALSE, 0.1 },
  [VIT_POSITION_RULE_SIZE] = { "size", 2, -0.75, FALSE, 0.0 },
  [VIT_POSITION_RULE_SIZE_ANTIALIAS] = { "size-antialias", 2, -0.5, TRUE, 0.0 },
  [VIT_POSITION_RULE_TIMM] = { "timm", 2, -0.5, TRUE, 0.0 },
  [VIT_POSITION_RULE_OPENCLIP] = { "openclip", 2, -0.5, TRUE, 0.0 },
  [VIT_POSITION_RULE_BILINEAR] = { "bilinear", 1, 0.0, FALSE, 0.0 },
  [VIT_POSITION_RULE_BILINEAR_ANTIALIAS]
      = { "bilinear-antialias", 1, 0.0, TRUE, 0.0 },
  [VIT_POSITION_RULE_SINCOS] = { "sincos", 0, 0.0, FALSE, 0.0 },
  [VIT_POSITION_RULE_NONE] = { "none", 0, 0.0, FALSE, 0.0 },
};

typedef struct {
  guint max_taps;
  guint *first;    /* [n_out], the table position of the first tap */
  guint *n_taps;   /* [n_out] */
  double *weights; /* [n_out][max_taps], zero beyond n_taps */
} AxisTaps;

const char *
vit_position_rule_name (VitPositionRule rule)
{
  return (guint) rule < VIT_N_POSITION_RULES ? rules[rule].name : NULL;
}

static gboolean
can_resample (VitPositionRule rule)
{
  return (guint) rule < VIT_N_POSITION_RULES && rules[rule].reach > 0;
}

gboolean
vit_pos_embed_is_kept (VitPositionRule rule, guint table_rows,
    guint table_cols, guint rows, guint cols, gboolean square_frame)
{
  g_return_val_if_fail (can_resample (rule), FALSE);

  gboolean same_count
      = (guint64) rows * cols == (guint64) table_rows * table_cols;
  gboolean same_grid = rows == table_rows && cols == table_cols;

  switch (rule) {
    case VIT_POSITION_RULE_DINO:
    case VIT_POSITION_RULE_SIZE:
    case VIT_POSITION_RULE_SIZE_ANTIALIAS:
      return same_grid && (square_frame || table_rows != table_cols);
    case VIT_POSITION_RULE_OPENCLIP:
      return same_count;
    case VIT_POSITION_RULE_TIMM:
    case VIT_POSITION_RULE_BILINEAR:
      return same_grid;
    default:
      return FALSE;
  }
}

static double
filter (const Rule *rule, double distance)
{
  double x = fabs (distance);
  double a = rule->cubic_a;

  if (rule->reach == 1)
    return MAX (1.0 - x, 0.0);
  if (x <= 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0)
    return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
  return 0.0;
}

/* A tap beyond the border counts for the border itself, so every position that
 * is a tap is in the table, and weights must be zero on entry. */
static guint
find_plain_taps (const Rule *rule, double step, guint n_in, guint i,
    guint *first, double *weights)
{
  double x = step * (i + 0.5) - 0.5;
  gint64 nearest_below = (gint64) floor (x);
  gint64 start = nearest_below - rule->reach + 1;
  gint64 end = nearest_below + rule->reach;
  guint last = (guint) CLAMP (end, 0, (gint64) n_in - 1);

  *first = (guint) CLAMP (start, 0, (gint64) n_in - 1);
  for (gint64 j = start; j <= end; j++) {
    guint position = (guint) CLAMP (j, 0, (gint64) n_in - 1);

    weights[position - *first] += filter (rule, x - (double) j);
  }
  return last - *first + 1;
}

static guint
find_antialias_taps (const Rule *rule, double step, guint n_in, guint i,
    guint *first, double *weights)
{
  double stretch = MAX (step, 1.0);
  double support = rule->reach * stretch;
  double centre = step * (i + 0.5);
  gint64 start = MAX ((gint64) (centre - support + 0.5), 0);
  gint64 end = MIN ((gint64) (centre + support + 0.5), (gint64) n_in);
  guint n_taps = (guint) (end - start);
  double total = 0.0;

  for (guint k = 0; k < n_taps; k++) {
    weights[k] = filter (rule, ((double) (start + k) - centre + 0.5) / stretch);
    total += weights[k];
  }
  for (guint k = 0; k < n_taps; k++)
    weights[k] /= total;
  *first = (guint) start;
  return n_taps;
}

static void
clear_axis_taps (AxisTaps *taps)
{
  g_free (taps->first);
  g_free (taps->n_taps);
  g_free (taps->weights);
}

static gboolean
init_axis_taps (AxisTaps *taps, const Rule *rule, guint n_in, guint n_out)
{
  double step = n_in / (n_out + rule->margin);
  double support = rule->reach;
  gsize n_weights;

  if (rule->antialias && step > 1.0)
    support *= step;
  taps->max_taps = (guint) MIN (2.0 * ceil (support) + 1.0, (double) n_in);

  if (!g_size_checked_mul (&n_weights, n_out, taps->max_taps))
    return FALSE;
  taps->first = g_try_new (guint, n_out);
  taps->n_taps = g_try_new (guint, n_out);
  taps->weights = g_try_new0 (double, n_weights);
  if (!taps->first || !taps->n_taps || !taps->weights)
    return FALSE;

  for (guint i = 0; i < n_out; i++) {
    double *weights = taps->weights + (gsize) i * taps->max_taps;

    taps->n_taps[i] = rule->antialias
        ? find_antialias_taps (rule, step, n_in, i, &taps->first[i], weights)
        : find_plain_taps (rule, step, n_in, i, &taps->first[i], weights);
  }
  return TRUE;
}

static void
apply_vertical_taps (const AxisTaps *taps, guint i, const float *table,
    gsize row_length /* table_cols * embed_dim */, double *sum)
{
  const double *weights = taps->weights + (gsize) i * taps->max_taps;
  const float *row = table + taps->first[i] * row_length;

  memset (sum, 0, row_length * sizeof *sum);
  for (guint k = 0; k < taps->n_taps[i]; k++, row += row_length) {
    for (gsize d = 0; d < row_length; d++)
      sum[d] += weights[k] * row[d];
  }
}

static void
apply_horizontal_taps (const AxisTaps *taps, guint i,
    const double *row /* [table_cols][embed_dim] */, gsize embed_dim,
    double *sum /* [embed_dim] */, float *out /* [embed_dim] */)
{
  const double *weights = taps->weights + (gsize) i * taps->max_taps;
  const double *position = row + taps->first[i] * embed_dim;

  memset (sum, 0, embed_dim * sizeof *sum);
  for (guint k = 0; k < taps->n_taps[i]; k++, position += embed_dim) {
    for (gsize d = 0; d < embed_dim; d++)
      sum[d] += weights[k] * position[d];
  }
  for (gsize d = 0; d < embed_dim; d++)
    out[d] = (float) sum[d];
}

gboolean
vit_pos_embed_resample (VitPositionRule rule, const float *table,
    guint table_rows, guint table_cols, guint embed_dim, guint rows,
    guint cols, float *out, GError **error)
{
  AxisTaps vertical = { 0 }, horizontal = { 0 };
  double *row = NULL, *sum = NULL;
  gsize row_length;
  gboolean ok;

  g_return_val_if_fail (can_resample (rule), FALSE);
  g_return_val_if_fail (table != NULL && out != NULL, FALSE);
  g_return_val_if_fail (table_rows > 0 && table_cols > 0, FALSE);
  g_return_val_if_fail (rows > 0 && cols > 0 && embed_dim > 0, FALSE);

  ok = g_size_checked_mul (&row_length, table_cols, embed_dim)
      && init_axis_taps (&vertical, &rules[rule], table_rows, rows)
      && init_axis_taps (&horizontal, &rules[rule], table_cols, cols)
      && (row = g_try_new (double, row_length)) != NULL
      && (sum = g_try_new (double, embed_dim)) != NULL;
  if (!ok) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "no memory to resample a %u x %u position table to %u x %u",
        table_rows, table_cols, rows, cols);
  }

  for (guint i = 0; ok && i < rows; i++) {
    apply_vertical_taps (&vertical, i, table, row_length, row);
    for (guint j = 0; j < cols; j++, out += embed_dim)
      apply_horizontal_taps (&horizontal, j, row, embed_dim, sum, out);
  }

  g_free (sum);
  g_free (row);
  clear_axis_taps (&horizontal);
  clear_axis_taps (&vertical);
  return ok;
}

/* [ sin x w_i | cos x w_i ], i < quarter */
static void
compute_waves (guint x, guint quarter, float *out /* [2 * quarter] */)
{
  for (guint i = 0; i < quarter; i++) {
    double angle = x * pow (10000.0, -(double) i / quarter);

    out[i] = (float) sin (angle);
    out[quarter + i] = (float) cos (angle);
  }
}

void
vit_pos_embed_compute (guint embed_dim, guint rows, guint cols, float *out)
{
  guint quarter = embed_dim / 4;
  gsize half = 2 * (gsize) quarter, n_bytes = half * sizeof *out;

  memset (out, 0, (gsize) rows * cols * embed_dim * sizeof *out);
  for (guint row = 0; row < rows; row++) {
    float *line = out + (gsize) row * cols * embed_dim;

    compute_waves (row, quarter, line + half);
    for (guint col = 0; col < cols; col++) {
      float *position = line + (gsize) col * embed_dim;

      if (row == 0)
        compute_waves (col, quarter, position);
      else
        memcpy (position, out + (gsize) col * embed_dim, n_bytes);
      if (col > 0)
        memcpy (position + half, line + half, n_bytes);
    }
  }
}
