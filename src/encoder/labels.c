/* SPDX-License-Identifier: MIT */
#include "encoder/labels.h"

#include <math.h>
#include <string.h>

/* What a score becomes a probability by. */
typedef struct {
  VitProbabilityRule rule;
  double greatest; /* of a softmax: the greatest score, and */
  double sum;      /* of all exponentials */
} Scale;

static Scale
find_scale (const float *scores, guint n, VitProbabilityRule rule)
{
  Scale scale = { .rule = rule };
  float greatest = -INFINITY;

  if (rule == VIT_PROBABILITY_SIGMOID)
    return scale;
  /* Not by fmax(), at which a compiler for aarch64 (gcc 12) fails. */
  for (guint i = 0; i < n; i++)
    greatest = scores[i] > greatest ? scores[i] : greatest;
  scale.greatest = greatest;
  for (guint i = 0; i < n; i++)
    scale.sum += exp (scores[i] - scale.greatest);
  return scale;
}

static double
probability_of (float score, const Scale *scale)
{
  if (scale->rule == VIT_PROBABILITY_SIGMOID)
    return 1.0 / (1.0 + exp (-(double) score));
  return exp (score - scale->greatest) / scale->sum;
}

void
vit_probabilities (const float *scores, guint n_classes,
    VitProbabilityRule rule, float *probabilities)
{
  Scale scale = find_scale (scores, n_classes, rule);

  for (guint i = 0; i < n_classes; i++)
    probabilities[i] = (float) probability_of (scores[i], &scale);
}

/* Puts class `id` in its place among the best, of which there are `n`, and drops
 * the last where there are `top` already. */
static guint
insert (const float *scores, guint id, guint n, guint top, VitLabel *labels)
{
  guint place = n;

  while (place > 0 && scores[id] > scores[labels[place - 1].class_id])
    place--;
  if (place == top)
    return n;
  n = MIN (n + 1, top);
  memmove (
      labels + place + 1, labels + place, (n - 1 - place) * sizeof *labels);
  labels[place].class_id = id;
  return n;
}

guint
vit_labels_find (const float *scores, guint n_classes, VitProbabilityRule rule,
    double threshold, guint top, VitLabel *labels)
{
  Scale scale;
  guint n = 0;

  if (top == 0)
    return 0;
  scale = find_scale (scores, n_classes, rule);
  for (guint i = 0; i < n_classes; i++)
    if (!isnan (scores[i]))
      n = insert (scores, i, n, top, labels);
  for (guint i = 0; i < n; i++) {
    labels[i].probability = probability_of (scores[labels[i].class_id], &scale);
    /* Not below it, which NaN is not either. */
    if (!(labels[i].probability >= threshold))
      return i;
  }
  return n;
}
