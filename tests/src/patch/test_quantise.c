/* SPDX-License-Identifier: MIT
 *
 * Weights in fixed point: within both bounds of the kernels' contract whatever
 * the weights, as near as a step, with errors that cancel along a component, and
 * the power by which their error is foreseen.
 */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/patch.h"
#include "patch/fold.h"
#include "patch/predict.h"
#include "patch/quantise.h"

#define N_CHANNELS 4

/* All channels of a matrix. */
static gboolean
quantise (const double *weight, guint n_channels, gsize n_terms,
    const guint8 *component, gint16 *q, gsize stride, float *scale, gint32 *sum)
{
  return vit_quantise (weight, n_channels, n_terms,
      vit_quantise_largest (weight, n_channels * n_terms), component, q, stride,
      scale, sum);
}

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
    double *weight = g_new (double, N_CHANNELS * n);
    guint8 *component = g_new (guint8, n);
    gint16 *q = g_new (gint16, N_CHANNELS * stride);
    float scale[N_CHANNELS];
    gint32 sum[N_CHANNELS];

    for (gsize k = 0; k < N_CHANNELS * n; k++)
      weight[k] = draw_weight (random, i % 6, k % n);
    for (gsize k = 0; k < n; k++)
      component[k] = (guint8) g_rand_int_range (random, 0, 3);
    g_assert_true (quantise (
        weight, N_CHANNELS, n, component, q, stride, scale, sum));
    for (guint d = 0; d < N_CHANNELS; d++) {
      gint64 total = 0, absolute = 0;
      double left[3] = { 0 };

      for (gsize k = 0; k < stride; k++) {
        gint value = q[d * stride + k];

        g_assert_cmpint (abs (value), <=, VIT_FIXED_MAX_WEIGHT);
        total += value;
        absolute += abs (value);
        if (k >= n) {
          g_assert_cmpint (value, ==, 0);
          continue;
        }
        g_assert_cmpfloat (
            fabs (weight[d * n + k] - (double) scale[d] * value), <=,
            1.0000001 * scale[d]);
        /* However many errors are added up, no more is left than is still to
         * be given to the next two: 3/4 of a step. */
        left[component[k]] += weight[d * n + k] - (double) scale[d] * value;
        g_assert_cmpfloat (
            fabs (left[component[k]]), <=, 0.7500001 * scale[d]);
      }
      g_assert_cmpint (absolute, <=, VIT_FIXED_MAX_SUM);
      g_assert_cmpint (total, ==, sum[d]);
    }
    g_free (weight);
    g_free (component);
    g_free (q);
  }
  g_rand_free (random);
}

static void
test_a_channel_of_zeros_stays_zero (void)
{
  double weight[64] = { 0 };
  gint16 q[64];
  float scale;
  gint32 sum;

  g_assert_true (quantise (weight, 1, 64, NULL, q, 64, &scale, &sum));
  g_assert_cmpfloat (scale, ==, 0);
  g_assert_cmpint (sum, ==, 0);
}

/* What folding leaves of weights that cancel is nothing, not too small. */
static void
test_a_negligible_channel_becomes_zero (void)
{
  double weight[2][64] = { { 0.5, -0.25 }, { 4.8e-35, -1e-36 } };
  gint16 q[2][64];
  float scale[2];
  gint32 sum[2];

  g_assert_true (
      quantise (weight[0], 2, 64, NULL, q[0], 64, scale, sum));
  g_assert_cmpfloat (scale[0], >, 0);
  g_assert_cmpfloat (scale[1], ==, 0);
  g_assert_cmpint (q[1][0], ==, 0);
}

static void
test_what_float32_cannot_scale_is_refused (void)
{
  static const double bad[] = { 1e300, INFINITY, -INFINITY, NAN };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    double weight[2] = { bad[i], bad[i] };
    gint16 q[64];
    float scale;
    gint32 sum;

    g_assert_false (
        quantise (weight, 1, 2, NULL, q, 64, &scale, &sum));
  }
}

#define SIZE 6
#define AREA (SIZE * SIZE)

static double
correlation (gsize a, gsize b, double neighbours)
{
  return pow (neighbours, labs ((glong) (a % SIZE) - (glong) (b % SIZE))
                              + labs ((glong) (a / SIZE) - (glong) (b / SIZE)));
}

/* Against the sum over all pairs of pixels, whose colours are alike. */
static void
test_power_is_that_of_the_pictures (void)
{
  VitImageFormat format = { .pixel = vit_pixel_format_find ("RGBP"),
    .width = SIZE, .height = SIZE };
  GRand *random = g_rand_new_with_seed (2);
  double weight[2][3 * AREA], scratch[2 * AREA + SIZE];
  double expected[VIT_N_PICTURES] = { 0 }, power[VIT_N_PICTURES];
  VitSamples samples;

  g_assert_true (vit_samples_init (&samples, &format, SIZE));
  for (guint d = 0; d < 2; d++) {
    for (guint a = 0; a < 3 * AREA; a++)
      weight[d][a] = g_rand_double_range (random, -1, 1);
    for (guint a = 0; a < 3 * AREA; a++) {
      expected[VIT_PICTURE_NOISE] += weight[d][a] * weight[d][a];
      for (guint b = 0; b < 3 * AREA; b++) {
        double both = weight[d][a] * weight[d][b];

        expected[VIT_PICTURE_NATURAL]
            += both * correlation (a % AREA, b % AREA, 0.95);
        expected[VIT_PICTURE_CALM]
            += both * correlation (a % AREA, b % AREA, 0.99);
      }
    }
  }
  vit_predict_power (&samples, weight[0], 2, scratch, power);
  for (guint p = 0; p < VIT_N_PICTURES; p++)
    g_assert_cmpfloat_with_epsilon (power[p], expected[p], 1e-9 * expected[p]);
  g_rand_free (random);
}

/* A gray picture is the same in every format, and so is the answer to it. */
static void
test_power_of_gray_is_the_same_in_every_format (void)
{
  static const char *const names[] = { "RGB", "BGRx", "I420", "Y42B", "Y444",
    "YUY2", "P010_10LE", "GRAY8" };
  GRand *random = g_rand_new_with_seed (3);
  double pixel_weight[3 * AREA], weight[3 * AREA], scratch[2 * AREA + SIZE];
  double first[VIT_N_PICTURES], power[VIT_N_PICTURES];

  for (guint a = 0; a < 3 * AREA; a++)
    pixel_weight[a] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    VitImageFormat format = { .pixel = vit_pixel_format_find (names[i]),
      .width = SIZE, .height = SIZE, .kr = 0.299, .kb = 0.114 };
    VitSamples samples;

    g_assert_true (vit_samples_init (&samples, &format, SIZE));
    vit_fold_samples (&samples, 1, pixel_weight, weight);
    vit_predict_power (&samples, weight, 1, scratch, i == 0 ? first : power);
    for (guint p = VIT_PICTURE_NATURAL; p < VIT_N_PICTURES && i > 0; p++)
      g_assert_cmpfloat_with_epsilon (power[p], first[p], 1e-9 * first[p]);
  }
  g_rand_free (random);
}

/* VitPixelWeights: the data are all channels. */
static void
copy_weights (
    gconstpointer user_data, guint first, guint n_channels, double *weight)
{
  const double *all = user_data;

  memcpy (weight, all + first * 3 * AREA,
      n_channels * 3 * AREA * sizeof (double));
}

static double
predict (const double *weight, guint n_channels)
{
  double error;

  g_assert_true (vit_predict_error (
      copy_weights, weight, n_channels, SIZE, &error, NULL));
  return error;
}

/* Filters of which fixed point keeps much, less, and nothing. */
static void
test_what_is_predicted_follows_the_weights (void)
{
  GRand *random = g_rand_new_with_seed (4);
  double weight[3 * AREA], random_weights, spiky;

  for (guint a = 0; a < 3 * AREA; a++)
    weight[a] = g_rand_double_range (random, -1, 1);
  random_weights = predict (weight, 1);
  g_assert_cmpfloat (random_weights, >, 1e-6);
  g_assert_cmpfloat (random_weights, <, 1e-4);

  /* A large weight that calm pictures undo takes the step of all others. */
  for (guint a = 0; a < 3 * AREA; a++)
    weight[a] *= 1e-3;
  weight[14] += 1.0;
  weight[15] -= 1.0;
  spiky = predict (weight, 1);
  g_assert_cmpfloat (spiky, >, random_weights);

  weight[0] = 1e300;
  spiky = predict (weight, 1);
  g_assert_true (isinf (spiky));
  g_rand_free (random);
}

/* A channel says the same wherever it stands; one that is negligible beside
 * another is, however far away that is. */
static void
test_channels_are_predicted_wherever_they_stand (void)
{
  enum { N = 2 * VIT_PREDICT_CHANNELS + 3 };
  GRand *random = g_rand_new_with_seed (5);
  double *weight = g_new (double, N * 3 * AREA);
  double one, all;

  for (guint a = 0; a < 3 * AREA; a++)
    weight[a] = g_rand_double_range (random, -1, 1);
  for (guint d = 1; d < N; d++)
    memcpy (weight + d * 3 * AREA, weight, 3 * AREA * sizeof (double));
  one = predict (weight, 1);
  all = predict (weight, N);
  g_assert_cmpfloat_with_epsilon (all, one, 1e-9 * one);

  for (guint a = 0; a < 3 * AREA; a++)
    weight[a] *= 1e-20;
  g_assert_cmpfloat_with_epsilon (predict (weight, 1), one, 1e-2 * one);
  all = predict (weight, N);
  g_assert_cmpfloat_with_epsilon (all, one, 1e-9 * one);
  weight[(N - 1) * 3 * AREA] = INFINITY;
  g_assert_true (isinf (predict (weight, N)));
  g_free (weight);
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
  g_test_add_func ("/quantise/power-is-that-of-the-pictures",
      test_power_is_that_of_the_pictures);
  g_test_add_func ("/quantise/power-of-gray-is-the-same-in-every-format",
      test_power_of_gray_is_the_same_in_every_format);
  g_test_add_func ("/quantise/what-is-predicted-follows-the-weights",
      test_what_is_predicted_follows_the_weights);
  g_test_add_func ("/quantise/channels-are-predicted-wherever-they-stand",
      test_channels_are_predicted_wherever_they_stand);
  return g_test_run ();
}
