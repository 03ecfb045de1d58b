/* SPDX-License-Identifier: MIT
 *
 * The encoder's row kernels: exp, sigmoid and erf over all of float32, the C
 * kernel against definitions in double, and every other against the C kernel, to
 * the last bit, at every length of a tail, on extreme numbers, and with nothing past
 * it touched.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "kernel/row_math.h"
#include "kernel/rows.h"

/* A prime number of floats from one argument to the next: some 17 million. */
#define STEP 251

/* Every tail, and a row as long as a model's. */
#define MAX_TAIL 70
#define MAX_LENGTH 771
#define FOR_LENGTHS(n)                                                         \
  for (gsize n = 1; n <= MAX_LENGTH; n = n == MAX_TAIL ? MAX_LENGTH : n + 1)

#define GUARD 8

static double
ulps (float found, double exact)
{
  float magnitude = fmaxf (fabsf ((float) exact), 1.17549435e-38f);
  int exponent;

  frexpf (magnitude, &exponent);
  return fabs (found - exact) / ldexp (1.0, exponent - 24);
}

/* Every argument of both signs, from 0 to infinity. */
#define FOR_ALL(x)                                                             \
  for (guint32 bits = 0; bits < 0x7f800000; bits += STEP)                      \
    for (float x = vit_float_of ((gint32) bits), stop = 0; stop < 2.0f;        \
         stop++, x = -x)

static void
test_exp2 (void)
{
  double worst = 0.0;

  FOR_ALL (x) {
    if (x <= 0.0f && x >= -100.0f)
      worst = fmax (worst, ulps (vit_exp2 (x), exp2 (x)));
    else if (x < 0.0f)
      g_assert_cmpfloat (vit_exp2 (x), ==, 0x1p-100f);
  }
  g_test_message ("%.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, 1.0);
  g_assert_cmpfloat (vit_exp2 (-INFINITY), ==, 0x1p-100f);
}

static void
test_exp (void)
{
  double worst = 0.0;

  FOR_ALL (x) {
    if (x <= 0.0f && x >= -87.33654f)
      worst = fmax (worst, ulps (vit_exp (x), exp (x)));
    else if (x < 0.0f)
      g_assert_cmpfloat (vit_exp (x), ==, 0.0f);
  }
  g_test_message ("%.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, 1.0);
  g_assert_cmpfloat (vit_exp (-INFINITY), ==, 0.0f);
}

static void
test_sigmoid (void)
{
  double worst = 0.0;

  FOR_ALL (x) {
    if (x >= -80.0f)
      worst = fmax (worst, ulps (vit_sigmoid (x), 1.0 / (1.0 + exp (-x))));
    else
      g_assert_cmpfloat (vit_sigmoid (x), <=, 2e-35f);
  }
  g_test_message ("%.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, 3.0);
}

static void
test_erf (void)
{
  double worst = 0.0;

  FOR_ALL (x)
    worst = fmax (worst, ulps (vit_erf (x), erf (x)));
  g_test_message ("%.2f ulp", worst);
  g_assert_cmpfloat (worst, <=, 2.0);
  g_assert_cmpfloat (vit_erf (INFINITY), ==, 1.0f);
  g_assert_cmpfloat (vit_erf (-INFINITY), ==, -1.0f);
}

static double
exact (VitActivation activation, double x)
{
  switch (activation) {
    case VIT_ACTIVATION_GELU:
      return 0.5 * x * erfc (-x / sqrt (2.0));
    case VIT_ACTIVATION_GELU_TANH:
      return 0.5 * x
             * (1.0 + tanh (sqrt (2.0 / G_PI) * (x + 0.044715 * x * x * x)));
    case VIT_ACTIVATION_QUICK_GELU:
      return x / (1.0 + exp (-1.702 * x));
    default:
      return x / (1.0 + exp (-x));
  }
}

/* Of every activation the error is a part of the greater of the argument and
 * 1. */
static void
test_activations (void)
{
  for (VitActivation activation = VIT_ACTIVATION_GELU;
       activation <= VIT_ACTIVATION_SILU; activation++) {
    double worst = 0.0;

    FOR_ALL (x) {
      float value = x;
      double error;

      if (bits % 7 != 0)
        continue;
      vit_kernel_rows_c.activate (activation, &value, 1);
      error = fabs (value - exact (activation, x)) / fmax (fabsf (x), 1.0);
      g_assert_true (isfinite (value));
      worst = fmax (worst, error);
    }
    g_test_message ("activation %d: %.2g", activation, worst);
    g_assert_cmpfloat (worst, <=, 2e-7);
  }
}

typedef enum {
  ROW_RANDOM,
  ROW_FLAT,   /* far from 0, and hardly varying */
  ROW_SCORES, /* whose shares are from all to nothing */
  ROW_LARGE,  /* nearly as an encoder's tokens may become */
  ROW_TINY,   /* denormal */
  ROW_ZEROS,
  N_ROW_KINDS,
} RowKind;

static void
fill (float *values, gsize n, RowKind kind)
{
  static const double greatest[N_ROW_KINDS] = { [ROW_RANDOM] = 4.0,
    [ROW_SCORES] = 90.0, [ROW_LARGE] = 1e15, [ROW_TINY] = 1e-39 };

  for (gsize i = 0; i < n; i++)
    values[i] = kind == ROW_FLAT
                    ? 1000.0f + 0.001f * (float) i
                    : (float) (greatest[kind]
                               * g_test_rand_double_range (-1.0, 1.0));
}

static void
test_norm (void)
{
  FOR_LENGTHS (n)
    for (RowKind kind = 0; kind < N_ROW_KINDS; kind++) {
      float row[MAX_LENGTH], weight[MAX_LENGTH], bias[MAX_LENGTH];
      float found[MAX_LENGTH];
      double mean = 0.0, square = 0.0, centre;

      fill (row, n, kind);
      fill (weight, n, ROW_RANDOM);
      fill (bias, n, ROW_RANDOM);
      for (gsize i = 0; i < n; i++)
        mean += row[i] / (double) n;
      for (VitNormKind norm = VIT_NORM_LAYER; norm <= VIT_NORM_RMS; norm++) {
        centre = norm == VIT_NORM_LAYER ? mean : 0.0;
        square = 0.0;
        for (gsize i = 0; i < n; i++)
          square += (row[i] - centre) * (row[i] - centre) / (double) n;
        vit_kernel_rows_c.norm (norm, row, n, 1e-6f, weight, bias, found);
        for (gsize i = 0; i < n; i++) {
          double value = (row[i] - centre) / sqrt (square + 1e-6);
          /* A mean that is rounded is off by as much for all. */
          double rounding = fabs (centre) / sqrt (square + 1e-6);

          g_assert_cmpfloat (
              fabs (found[i] - (value * weight[i] + bias[i])), <=,
              2e-6 * (1.0 + fabs (value) + 0.1 * rounding)
                  * (1.0 + fabsf (weight[i])));
        }
      }
    }
}

/* Shares of all blocks of keys together, as attention puts them together. */
static void
test_softmax (void)
{
  enum { N = 100, BLOCK = 48 };
  float scores[N + VIT_SCORE_ALIGN] = { 0.0f };
  float shares[N], maximum = -INFINITY, sum = 0.0f, factor;
  double total = 0.0;

  fill (scores, N, ROW_SCORES);
  for (guint i = 0; i < N; i++)
    total += exp2 ((double) scores[i] - 90.0);
  for (guint first = 0; first < N; first += BLOCK) {
    float block[BLOCK];
    guint n = MIN (BLOCK, N - first);

    memcpy (block, scores + first, n * sizeof (float));
    vit_kernel_rows_c.softmax (block, n, &maximum, &sum, &factor);
    for (guint i = 0; i < first; i++)
      shares[i] *= factor;
    memcpy (shares + first, block, n * sizeof (float));
    for (guint i = n; i < (n + 15) / 16 * 16; i++)
      g_assert_cmpfloat (block[i], ==, 0.0f);
  }
  for (guint i = 0; i < N; i++)
    g_assert_cmpfloat (
        fabs (shares[i] / sum - exp2 (scores[i] - 90.0) / total), <=, 3e-7);
}

/* All that a kernel does to rows of one length, into `out`. */
static gsize
run_all (const VitKernelRows *kernel, gsize n, const float *a, const float *b,
    const float *c, float *out)
{
  const gsize row = MAX_LENGTH + VIT_SCORE_ALIGN + GUARD;
  float *at = out;
  gsize padded = (n + VIT_SCORE_ALIGN - 1) / VIT_SCORE_ALIGN * VIT_SCORE_ALIGN;
  float maximum = 1.5f, sum = 0.75f, factor;

  for (VitNormKind kind = VIT_NORM_LAYER; kind <= VIT_NORM_RMS; kind++) {
    kernel->norm (kind, a, n, 1e-6f, NULL, NULL, at);
    kernel->norm (kind, a, n, 1e-6f, b, NULL, at += row);
    kernel->norm (kind, a, n, 1e-12f, b, c, at += row);
    kernel->norm (kind, a, n, 1e-5f, NULL, c, at += row);
    at += row;
  }
  for (VitActivation activation = VIT_ACTIVATION_GELU;
       activation <= VIT_ACTIVATION_SILU; activation++) {
    memcpy (at, a, n * sizeof (float));
    kernel->activate (activation, at, n);
    at += row;
    memcpy (at, a, n * sizeof (float));
    kernel->gate (activation, at, b, n);
    at += row;
  }
  memcpy (at, a, n * sizeof (float));
  memcpy (at + row, b, n * sizeof (float));
  kernel->rotate (at, at + row, c, a, n);
  at += 2 * row;
  memcpy (at, a, n * sizeof (float));
  kernel->softmax (at, n, &maximum, &sum, &factor);
  at[padded] = maximum;
  at[padded + 1] = sum;
  at[padded + 2] = factor;
  at += row;
  memcpy (at, a, n * sizeof (float));
  kernel->scale (at, n, 0.7f);
  at += row;
  memcpy (at, a, n * sizeof (float));
  kernel->add_scaled (at, b, n, -1.3f);
  return (gsize) (at + row - out);
}

static void
test_kernels (void)
{
  const VitKernelRows *const *kernels = vit_kernel_list_rows ();
  unsigned cpu = vit_cpu_mask ();
  gsize size = 24 * (MAX_LENGTH + VIT_SCORE_ALIGN + GUARD);
  g_autofree float *expected = g_new (float, size);
  g_autofree float *found = g_new (float, size);

  for (; *kernels; kernels++) {
    if ((*kernels)->cpu & ~cpu)
      continue;
    g_test_message ("%s", (*kernels)->name);
    FOR_LENGTHS (n)
      for (RowKind kind = 0; kind < N_ROW_KINDS; kind++) {
        float a[MAX_LENGTH], b[MAX_LENGTH], c[MAX_LENGTH];
        gsize used;

        fill (a, n, kind);
        fill (b, n, ROW_RANDOM);
        fill (c, n, ROW_RANDOM);
        memset (expected, 0x55, size * sizeof (float));
        memset (found, 0x55, size * sizeof (float));
        used = run_all (&vit_kernel_rows_c, n, a, b, c, expected);
        g_assert_cmpuint (used, <=, size);
        run_all (*kernels, n, a, b, c, found);
        g_assert_cmpmem (expected, size * sizeof (float), found,
            size * sizeof (float));
      }
  }
}

static void
test_choice (void)
{
  g_assert_true (vit_kernel_choose_rows (0) == &vit_kernel_rows_c);
  for (const VitKernelRows *const *kernel = vit_kernel_list_rows (); *kernel;
       kernel++)
    g_assert_true (
        vit_kernel_choose_rows ((*kernel)->cpu)->cpu == (*kernel)->cpu);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rows/exp2", test_exp2);
  g_test_add_func ("/rows/exp", test_exp);
  g_test_add_func ("/rows/sigmoid", test_sigmoid);
  g_test_add_func ("/rows/erf", test_erf);
  g_test_add_func ("/rows/activations", test_activations);
  g_test_add_func ("/rows/norm", test_norm);
  g_test_add_func ("/rows/softmax", test_softmax);
  g_test_add_func ("/rows/every-kernel-the-same-bits", test_kernels);
  g_test_add_func ("/rows/choice", test_choice);
  return g_test_run ();
}
