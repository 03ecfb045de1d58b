/* SPDX-License-Identifier: MIT
 *
 * Probabilities and the best classes against their definitions in double, on
 * scores at random, equal, far apart, and on NaN and infinities.
 */
#include <float.h>
#include <math.h>

#include "encoder/labels.h"

#define MOST_CLASSES 1000

/* Of all classes, by the definition, which is right as long as no exp() leaves
 * double: scores within 700 of 0. */
static void
define (const float *scores, guint n, VitProbabilityRule rule, double *expected)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += exp (scores[i]);
  for (guint i = 0; i < n; i++)
    expected[i]
        = exp (scores[i])
          / (rule == VIT_PROBABILITY_SOFTMAX ? sum : 1.0 + exp (scores[i]));
}

static void
assert_close (double value, double expected, double bound)
{
  g_assert_cmpfloat (fabs (value - expected), <=, bound * expected);
}

/* To the nearest float, which has fewer digits below FLT_MIN. */
static void
assert_rounded (float value, double expected)
{
  g_assert_cmpfloat (fabs ((double) value - expected), <=,
      1e-7 * expected + FLT_EPSILON * (double) FLT_MIN);
}

/* In the order of the definition: the greatest score that comes after that of
 * class `before`; -1: the first. */
static guint
next_best (const float *scores, guint n, gint before)
{
  gint best = -1;

  for (gint i = 0; i < (gint) n; i++) {
    gboolean comes_after = before < 0 || scores[i] < scores[before]
                           || (scores[i] == scores[before] && i > before);

    if (comes_after && (best < 0 || scores[i] > scores[best]))
      best = i;
  }
  g_assert_cmpint (best, >=, 0);
  return (guint) best;
}

static void
check (const float *scores, guint n, VitProbabilityRule rule, double threshold,
    guint top)
{
  g_autofree VitLabel *labels = g_new0 (VitLabel, top + 1);
  g_autofree float *probabilities = g_new (float, n);
  g_autofree double *expected = g_new (double, n);
  guint n_found, n_expected = 0;
  gint before = -1;

  labels[top].class_id = 0xfeed;
  n_found = vit_labels_find (scores, n, rule, threshold, top, labels);
  g_assert_cmpuint (labels[top].class_id, ==, 0xfeed);
  vit_probabilities (scores, n, rule, probabilities);
  define (scores, n, rule, expected);
  for (guint i = 0; i < n; i++)
    assert_rounded (probabilities[i], expected[i]);
  for (; n_expected < MIN (top, n); n_expected++) {
    guint best = next_best (scores, n, before);

    if (expected[best] < threshold)
      break;
    g_assert_cmpuint (n_expected, <, n_found);
    g_assert_cmpuint (labels[n_expected].class_id, ==, best);
    assert_close (labels[n_expected].probability, expected[best], 1e-12);
    before = (gint) best;
  }
  g_assert_cmpuint (n_found, ==, n_expected);
}

static void
test_definition (void)
{
  static const guint sizes[] = { 1, 2, 5, 21, MOST_CLASSES };
  static const guint tops[] = { 0, 1, 5, 100, MOST_CLASSES + 5 };
  static const double thresholds[] = { 0, 1e-3, 0.3 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (18);
  float scores[MOST_CLASSES];

  for (guint round = 0; round < 10; round++) {
    double range = round % 2 ? 3 : 80;

    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      for (guint i = 0; i < sizes[s]; i++)
        scores[i] = (float) g_rand_double_range (rand, -range, range);
      for (guint t = 0; t < G_N_ELEMENTS (tops); t++)
        for (guint h = 0; h < G_N_ELEMENTS (thresholds); h++) {
          check (scores, sizes[s], VIT_PROBABILITY_SOFTMAX, thresholds[h],
              tops[t]);
          check (scores, sizes[s], VIT_PROBABILITY_SIGMOID, thresholds[h],
              tops[t]);
        }
    }
  }
}

/* Of equal scores the lower class comes first, also where not all have room. */
static void
test_ties (void)
{
  const float scores[] = { 1, 3, 2, 3, 2, 3, -1 };
  const float equal[] = { 0.5f, 0.5f, 0.5f, 0.5f };
  VitLabel labels[7];

  for (guint top = 1; top <= 7; top++)
    check (scores, 7, VIT_PROBABILITY_SOFTMAX, 0, top);
  g_assert_cmpuint (
      vit_labels_find (scores, 7, VIT_PROBABILITY_SIGMOID, 0, 4, labels), ==,
      4);
  g_assert_cmpuint (labels[0].class_id, ==, 1);
  g_assert_cmpuint (labels[1].class_id, ==, 3);
  g_assert_cmpuint (labels[2].class_id, ==, 5);
  g_assert_cmpuint (labels[3].class_id, ==, 2);
  g_assert_cmpuint (
      vit_labels_find (equal, 4, VIT_PROBABILITY_SOFTMAX, 0.25, 2, labels), ==,
      2);
  g_assert_cmpuint (labels[1].class_id, ==, 1);
  g_assert_cmpfloat (labels[1].probability, ==, 0.25);
}

/* Of one class alone a softmax says nothing but 1. */
static void
test_one_class (void)
{
  const float score = -40;
  VitLabel label;

  g_assert_cmpuint (
      vit_labels_find (&score, 1, VIT_PROBABILITY_SOFTMAX, 1, 5, &label), ==,
      1);
  g_assert_cmpuint (label.class_id, ==, 0);
  g_assert_cmpfloat (label.probability, ==, 1);
  g_assert_cmpuint (
      vit_labels_find (&score, 1, VIT_PROBABILITY_SIGMOID, 1e-9, 5, &label), ==,
      0);
}

/* What is exactly at the threshold is not below it. */
static void
test_threshold (void)
{
  const float scores[] = { 0, 0, -200 };
  VitLabel labels[3];

  g_assert_cmpuint (
      vit_labels_find (scores, 3, VIT_PROBABILITY_SOFTMAX, 0.5, 3, labels), ==,
      2);
  g_assert_cmpuint (vit_labels_find (scores, 3, VIT_PROBABILITY_SOFTMAX,
                        nextafter (0.5, 1), 3, labels),
      ==, 0);
  g_assert_cmpuint (
      vit_labels_find (scores, 3, VIT_PROBABILITY_SIGMOID, 0, 3, labels), ==,
      3);
}

/* Scores whose exponentials no number holds: the greatest is taken off first. */
static void
test_far_scores (void)
{
  const float scores[] = { 3e38f, -3e38f, 3e38f };
  float probabilities[3];

  vit_probabilities (scores, 3, VIT_PROBABILITY_SOFTMAX, probabilities);
  g_assert_cmpfloat (probabilities[0], ==, 0.5f);
  g_assert_cmpfloat (probabilities[1], ==, 0);
  g_assert_cmpfloat (probabilities[2], ==, 0.5f);
  vit_probabilities (scores, 3, VIT_PROBABILITY_SIGMOID, probabilities);
  g_assert_cmpfloat (probabilities[0], ==, 1);
  g_assert_cmpfloat (probabilities[1], ==, 0);
}

static void
test_not_numbers (void)
{
  float scores[] = { 1, NAN, 2, -INFINITY };
  float none[] = { NAN, NAN };
  float probabilities[4];
  VitLabel labels[4];

  g_assert_cmpuint (
      vit_labels_find (scores, 4, VIT_PROBABILITY_SOFTMAX, 0, 4, labels), ==,
      0);
  vit_probabilities (scores, 4, VIT_PROBABILITY_SOFTMAX, probabilities);
  for (guint i = 0; i < 4; i++)
    g_assert_true (isnan (probabilities[i]));
  g_assert_cmpuint (
      vit_labels_find (scores, 4, VIT_PROBABILITY_SIGMOID, 0, 4, labels), ==,
      3);
  g_assert_cmpuint (labels[0].class_id, ==, 2);
  g_assert_cmpuint (labels[1].class_id, ==, 0);
  g_assert_cmpuint (labels[2].class_id, ==, 3);
  g_assert_cmpfloat (labels[2].probability, ==, 0);
  g_assert_cmpuint (
      vit_labels_find (none, 2, VIT_PROBABILITY_SIGMOID, 0, 4, labels), ==, 0);

  scores[1] = 0;
  g_assert_cmpuint (
      vit_labels_find (scores, 4, VIT_PROBABILITY_SOFTMAX, 0, 4, labels), ==,
      4);
  scores[1] = INFINITY;
  g_assert_cmpuint (
      vit_labels_find (scores, 4, VIT_PROBABILITY_SOFTMAX, 0, 4, labels), ==,
      0);
  g_assert_cmpuint (
      vit_labels_find (scores, 4, VIT_PROBABILITY_SIGMOID, 0, 1, labels), ==,
      1);
  g_assert_cmpuint (labels[0].class_id, ==, 1);
  g_assert_cmpfloat (labels[0].probability, ==, 1);
}

/* Softmax into its own scores. */
static void
test_in_place (void)
{
  float scores[] = { 1, 2, 3 }, apart[3];

  vit_probabilities (scores, 3, VIT_PROBABILITY_SOFTMAX, apart);
  vit_probabilities (scores, 3, VIT_PROBABILITY_SOFTMAX, scores);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat (scores[i], ==, apart[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/labels/definition", test_definition);
  g_test_add_func ("/labels/ties", test_ties);
  g_test_add_func ("/labels/one-class", test_one_class);
  g_test_add_func ("/labels/threshold", test_threshold);
  g_test_add_func ("/labels/far-scores", test_far_scores);
  g_test_add_func ("/labels/not-numbers", test_not_numbers);
  g_test_add_func ("/labels/in-place", test_in_place);
  return g_test_run ();
}
