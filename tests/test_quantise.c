/* SPDX-License-Identifier: MIT
 *
 * Weights in fixed point: within both bounds of the kernels' contract whatever
 * the weights, as near as half a step, and the power by which their error is
 * foreseen.
 */
#include <glib.h>
#include <math.h>
#include <stdlib.h>

#include "kernel.h"
#include "quantise.h"
#include "signal_power.h"

#define N_CHANNELS 4

/* Shapes of rows of weights that press on one bound or the other. */
static double
draw_weight (GRand *random, guint kind, gsize k)
{
  double value = g_rand_double_range (random, -1, 1);

  switch (kind) {
    case 0:
      return value;
    case 1: /* all alike: the sum decides */
      return 0.7;
    case 2: /* one large: the largest decides */
      return k == 5 ? 1.0 : value * 1e-3;
    case 3:
      return value > 0 ? 1.0 : -1.0;
    case 4: /* halves, where rounding adds most */
      return (g_rand_int_range (random, -3, 3) + 0.5) / 32639;
    default:
      return value * pow (10, g_rand_double_range (random, -6, 3));
  }
}

static void
test_both_bounds_hold (void)
{
  static const gsize sizes[] = { 1, 3, 64, 384, 588, 768, 12288 };
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < 6 * G_N_ELEMENTS (sizes); i++) {
    gsize n = sizes[i / 6], stride = (n + 63) / 64 * 64;
    double *weight = g_new (double, N_CHANNELS * n), noise;
    gint16 *q = g_new (gint16, N_CHANNELS * stride);
    float scale[N_CHANNELS];
    gint32 sum[N_CHANNELS];

    for (gsize k = 0; k < N_CHANNELS * n; k++)
      weight[k] = draw_weight (random, i % 6, k % n);
    g_assert_true (vit_quantise (
        weight, N_CHANNELS, n, q, stride, scale, sum, &noise));
    for (guint d = 0; d < N_CHANNELS; d++) {
      gint64 total = 0, absolute = 0;

      for (gsize k = 0; k < stride; k++) {
        gint value = q[d * stride + k];

        g_assert_cmpint (abs (value), <=, VIT_FIXED_MAX_WEIGHT);
        total += value;
        absolute += abs (value);
        if (k < n)
          g_assert_cmpfloat (
              fabs (weight[d * n + k] - (double) scale[d] * value), <=,
              0.5000001 * scale[d]);
        else
          g_assert_cmpint (value, ==, 0);
      }
      g_assert_cmpint (absolute, <=, VIT_FIXED_MAX_SUM);
      g_assert_cmpint (total, ==, sum[d]);
    }
    g_free (weight);
    g_free (q);
  }
  g_rand_free (random);
}

static void
test_a_channel_of_zeros_stays_zero (void)
{
  double weight[64] = { 0 }, noise;
  gint16 q[64];
  float scale;
  gint32 sum;

  g_assert_true (vit_quantise (weight, 1, 64, q, 64, &scale, &sum, &noise));
  g_assert_cmpfloat (scale, ==, 0);
  g_assert_cmpint (sum, ==, 0);
  g_assert_cmpfloat (noise, ==, 0);
}

/* What folding leaves of weights that cancel is nothing, not too small. */
static void
test_a_negligible_channel_becomes_zero (void)
{
  double weight[2][64] = { { 0.5, -0.25 }, { 4.8e-35, -1e-36 } }, noise;
  gint16 q[2][64];
  float scale[2];
  gint32 sum[2];

  g_assert_true (
      vit_quantise (weight[0], 2, 64, q[0], 64, scale, sum, &noise));
  g_assert_cmpfloat (scale[0], >, 0);
  g_assert_cmpfloat (scale[1], ==, 0);
  g_assert_cmpint (q[1][0], ==, 0);
}

static void
test_what_float32_cannot_scale_is_refused (void)
{
  static const double bad[] = { 1e300, INFINITY, -INFINITY, NAN };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    double weight[2] = { bad[i], bad[i] }, noise;
    gint16 q[64];
    float scale;
    gint32 sum;

    g_assert_false (vit_quantise (weight, 1, 2, q, 64, &scale, &sum, &noise));
  }
}

/* Against the sum over all pairs of samples. */
static void
test_power_is_that_of_the_lesser_picture (void)
{
  const guint size = 5, area = 25;
  GRand *random = g_rand_new_with_seed (2);

  for (guint kind = 0; kind < 3; kind++) {
    double weight[2 * 3 * 25], noise = 0, natural = 0;

    /* Random; a mean, which a natural picture answers more; a difference of
     * neighbours, which it answers less. */
    for (guint i = 0; i < G_N_ELEMENTS (weight); i++)
      weight[i] = kind == 0 ? g_rand_double_range (random, -1, 1)
                            : (kind == 2 && i % 2 ? -1.0 : 1.0);
    for (guint d = 0; d < 2; d++) {
      const double *w = weight + d * 3 * area;

      for (guint a = 0; a < 3 * area; a++) {
        noise += w[a] * w[a];
        for (guint b = 0; b < 3 * area; b++) {
          guint p = a % area, q = b % area;

          natural += w[a] * w[b]
              * pow (0.95, abs ((gint) (p % size) - (gint) (q % size))
                         + abs ((gint) (p / size) - (gint) (q / size)));
        }
      }
    }
    g_assert_cmpfloat_with_epsilon (vit_signal_power (weight, 2, size),
        MIN (noise, natural), 1e-9 * noise);
  }
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantise/both-bounds-hold", test_both_bounds_hold);
  g_test_add_func ("/quantise/a-channel-of-zeros-stays-zero",
      test_a_channel_of_zeros_stays_zero);
  g_test_add_func ("/quantise/a-negligible-channel-becomes-zero",
      test_a_negligible_channel_becomes_zero);
  g_test_add_func ("/quantise/what-float32-cannot-scale-is-refused",
      test_what_float32_cannot_scale_is_refused);
  g_test_add_func ("/quantise/power-is-that-of-the-lesser-picture",
      test_power_is_that_of_the_lesser_picture);
  return g_test_run ();
}
