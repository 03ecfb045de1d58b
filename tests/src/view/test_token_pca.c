/* SPDX-License-Identifier: MIT
 *
 * Principal components of tokens, against a decomposition of their whole
 * covariance in double; and that their colours hold still in a video.
 */
#include <math.h>
#include <string.h>

#include "view/axes.h"
#include "view/symmetric_eigen.h"
#include "view/token_pca.h"

#define COLUMNS 24
#define ROWS 16
#define PATCHES (COLUMNS * ROWS)
#define DIM 40

/* A matrix that is neither small nor well conditioned. */
static void
fill_symmetric (GRand *rand, guint n, double *matrix)
{
  for (guint i = 0; i < n; i++) {
    for (guint j = 0; j <= i; j++)
      matrix[i * n + j] = matrix[j * n + i]
          = g_rand_double_range (rand, -1, 1) * exp (-0.3 * (i + j));
  }
}

static void
test_eigenvectors_decompose_the_matrix (void)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (guint n = 1; n <= 24; n++) {
    double matrix[24 * 24], copy[24 * 24], values[24], vectors[24 * 24];

    fill_symmetric (rand, n, matrix);
    memcpy (copy, matrix, sizeof copy);
    vit_symmetric_eigen (n, copy, values, vectors);
    for (guint j = 0; j < n; j++) {
      g_assert_true (j == 0 || values[j] <= values[j - 1]);
      for (guint i = 0; i < n; i++) {
        double image = 0.0, product = 0.0;

        for (guint k = 0; k < n; k++) {
          image += matrix[i * n + k] * vectors[k * n + j];
          product += vectors[k * n + i] * vectors[k * n + j];
        }
        g_assert_cmpfloat_with_epsilon (
            image, values[j] * vectors[i * n + j], 1e-13);
        g_assert_cmpfloat_with_epsilon (product, i == j, 1e-13);
      }
    }
  }
  g_rand_free (rand);
}

static double
gauss (GRand *rand)
{
  return sqrt (-2.0 * log (1.0 - g_rand_double (rand)))
         * cos (2.0 * G_PI * g_rand_double (rand));
}

/* [PATCHES][DIM]: deviations of falling size along oblique directions, about a
 * mean that is longer than all of them.  The picture lies `shift` patches to the
 * left of where it lay at 0.  `alike`: the first three are all but as strong, so
 * that their order changes with what is in the picture. */
static float *
make_tokens (guint shift, gboolean alike)
{
  GRand *rand = g_rand_new_with_seed (7);
  float *tokens = g_new0 (float, PATCHES *DIM);
  double directions[DIM * DIM], spectrum[DIM];

  for (guint i = 0; i < DIM * DIM; i++)
    directions[i] = gauss (rand) / sqrt (DIM);
  for (guint k = 0; k < DIM; k++)
    spectrum[k] = alike && k < 3 ? 10.0 : 10.0 * pow (0.7, k);
  for (guint x = 0; x < COLUMNS + shift; x++) {
    for (guint y = 0; y < ROWS; y++) {
      float *token = x < shift
          ? NULL : tokens + (y * COLUMNS + x - shift) * DIM;

      for (guint k = 0; k < DIM; k++) {
        double along = spectrum[k] * gauss (rand);

        for (guint d = 0; token && d < DIM; d++)
          token[d] += (float) (along * directions[k * DIM + d]);
      }
      for (guint d = 0; token && d < DIM; d++)
        token[d] += 30.0f;
    }
  }
  g_rand_free (rand);
  return tokens;
}

static VitTokenView
view_of (const float *tokens)
{
  return (VitTokenView){ tokens, VIT_TOKEN_F32, COLUMNS, ROWS, DIM, NULL, NULL,
    NULL };
}

/* The whole covariance, decomposed: column j of `vectors` [DIM][DIM]. */
static void
decompose (const float *tokens, double *values, double *vectors)
{
  double mean[DIM] = { 0 }, *covariance = g_new0 (double, DIM *DIM);

  for (guint i = 0; i < PATCHES; i++) {
    for (guint d = 0; d < DIM; d++)
      mean[d] += tokens[i * DIM + d] / (double) PATCHES;
  }
  for (guint i = 0; i < PATCHES; i++) {
    for (guint d = 0; d < DIM; d++) {
      for (guint e = 0; e < DIM; e++)
        covariance[d * DIM + e] += (tokens[i * DIM + d] - mean[d])
                                   * (tokens[i * DIM + e] - mean[e])
                                   / (double) PATCHES;
    }
  }
  vit_symmetric_eigen (DIM, covariance, values, vectors);
  g_free (covariance);
}

static double
cosine_with_axis (
    const VitTokenPca *pca, guint component, const double *vectors, guint j)
{
  const float *axis = vit_token_pca_axis (pca, component);
  double product = 0.0;

  for (guint d = 0; d < DIM; d++)
    product += axis[d] * vectors[d * DIM + j];
  return product;
}

static void
test_axes_are_the_principal_components (void)
{
  float *tokens = make_tokens (0, FALSE), colours[PATCHES * 3];
  double *values = g_new (double, DIM), *vectors = g_new (double, DIM *DIM);
  double total = 0.0;
  VitTokenView view = view_of (tokens);
  VitTokenPca *pca = vit_token_pca_new ();

  g_assert_null (vit_token_pca_axis (pca, 0));
  decompose (tokens, values, vectors);
  for (guint d = 0; d < DIM; d++)
    total += values[d];
  for (guint frame = 0; frame < 40; frame++) {
    vit_token_pca_update (pca, &view, 1, NULL, colours);
    for (guint j = 0; j < 3; j++)
      g_assert_cmpfloat (fabs (cosine_with_axis (pca, j, vectors, j)), >,
          frame < 30 ? 1.0 - 1e-4 : 1.0 - 1e-6);
  }
  for (guint j = 0; j < 3; j++)
    g_assert_cmpfloat_with_epsilon (
        vit_token_pca_share (pca, j), values[j] / total, 1e-4);
  vit_token_pca_free (pca);
  g_free (tokens);
  g_free (values);
  g_free (vectors);
}

/* 0.5 + (token - mean) . component / (4 standard deviations). */
static void
test_colours_are_coordinates (void)
{
  float *tokens = make_tokens (0, FALSE), colours[PATCHES * 3];
  double *values = g_new (double, DIM), *vectors = g_new (double, DIM *DIM);
  double mean[3] = { 0 };
  VitTokenView view = view_of (tokens);
  VitTokenPca *pca = vit_token_pca_new ();

  decompose (tokens, values, vectors);
  for (guint frame = 0; frame < 60; frame++)
    vit_token_pca_update (pca, &view, 1, NULL, colours);
  for (guint i = 0; i < PATCHES * 3; i++) {
    for (guint d = 0; d < DIM; d++)
      mean[i % 3] += tokens[i / 3 * DIM + d] * vectors[d * DIM + i % 3]
                     / (double) PATCHES;
  }
  for (guint i = 0; i < PATCHES; i++) {
    for (guint j = 0; j < 3; j++) {
      double sign = cosine_with_axis (pca, j, vectors, j) > 0 ? 1.0 : -1.0;
      double at = -mean[j], expected;

      for (guint d = 0; d < DIM; d++)
        at += tokens[i * DIM + d] * vectors[d * DIM + j];
      expected = 0.5 + sign * at / (4.0 * sqrt (values[j]));
      g_assert_cmpfloat_with_epsilon (
          colours[i * 3 + j], CLAMP (expected, 0.0, 1.0), 2e-3);
    }
  }
  vit_token_pca_free (pca);
  g_free (tokens);
  g_free (values);
  g_free (vectors);
}

/* What moves keeps its colour: patch x of frame t + 1 is patch x + 1 of t. */
static void
test_colours_hold_still_in_a_pan (void)
{
  float colours[2][PATCHES * 3];
  VitTokenPca *pca = vit_token_pca_new ();

  for (guint frame = 0; frame < 100; frame++) {
    float *tokens = make_tokens (frame, TRUE), worst = 0.0f;
    VitTokenView view = view_of (tokens);

    vit_token_pca_update (pca, &view, 1, NULL, colours[frame % 2]);
    for (guint i = 0; frame > 0 && i < PATCHES; i++) {
      const float *now = colours[frame % 2] + 3 * i;
      const float *before = colours[(frame + 1) % 2] + 3 * (i + 1);

      for (guint j = 0; i % COLUMNS != COLUMNS - 1 && j < 3; j++)
        worst = MAX (worst, fabsf (now[j] - before[j]));
    }
    g_assert_cmpfloat (worst, <, 0.06);
    g_free (tokens);
  }
  vit_token_pca_free (pca);
}

/* A cut to a brighter scene: its first frame already has the colours that it has
 * for good. */
static void
test_a_new_scene_starts_anew (void)
{
  float *first = make_tokens (0, FALSE), *second = make_tokens (50, TRUE);
  float alone[PATCHES * 3], cut[PATCHES * 3];
  VitTokenView before = view_of (first), after = view_of (second);
  VitTokenPca *pca = vit_token_pca_new ();

  for (guint i = 0; i < PATCHES * DIM; i++)
    second[i] = 5.0f * second[i] + 10.0f;
  vit_token_pca_update (pca, &after, 1, NULL, alone);
  vit_token_pca_reset (pca);
  for (guint frame = 0; frame < 5; frame++)
    vit_token_pca_update (pca, &before, 1, NULL, cut);
  vit_token_pca_update (pca, &after, 1, NULL, cut);
  for (guint i = 0; i < PATCHES * 3; i++)
    g_assert_cmpfloat_with_epsilon (cut[i], alone[i], 0.02);
  vit_token_pca_free (pca);
  g_free (first);
  g_free (second);
}

/* Two components trade places, the third turns its sign about: the axes, and so
 * the colours, stay. */
static void
test_axes_follow_through_order_and_sign (void)
{
  static const double swapped[9] = { 0, 1, 0, 1, 0, 0, 0, 0, -1 };
  static const double lost[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 0.1 };
  double turn[9];

  g_assert_true (vit_axes_follow (swapped, 0.05, turn));
  for (guint i = 0; i < 9; i++)
    g_assert_cmpfloat_with_epsilon (turn[i], swapped[i], 1e-12);
  g_assert_false (vit_axes_follow (lost, 0.05, turn));
}

/* A space that turned by 30 degrees in the plane of the first two is followed
 * at once, to what is nearest; the rest of the way is gone slowly. */
static void
test_axes_drift_to_the_components (void)
{
  double c = cos (G_PI / 6), s = sin (G_PI / 6), angle = G_PI / 6;
  double overlap[9] = { c, s, 0, -s, c, 0, 0, 0, 1 };

  for (guint frame = 0; frame < 100; frame++) {
    double turn[9], now;

    g_assert_true (vit_axes_follow (overlap, 0.05, turn));
    now = atan2 (turn[1], turn[0]);
    g_assert_cmpfloat (now, <, angle);
    g_assert_cmpfloat (angle - now, <, 0.06);
    angle = now;
    memcpy (overlap, turn, sizeof overlap);
  }
  g_assert_cmpfloat (angle, <, 0.01);
}

static void
test_a_flat_picture_is_grey (void)
{
  float *tokens = g_new (float, PATCHES *DIM), colours[PATCHES * 3];
  VitTokenView view = view_of (tokens);
  VitTokenPca *pca = vit_token_pca_new ();

  /* But for rounding, which has no components. */
  for (guint i = 0; i < PATCHES * DIM; i++)
    tokens[i] = (float) (i % DIM) * (i % 7 ? 1.0f : 1.0f + 0x1p-22f);
  for (guint frame = 0; frame < 3; frame++) {
    vit_token_pca_update (pca, &view, 1, NULL, colours);
    for (guint i = 0; i < PATCHES * 3; i++)
      g_assert_cmpfloat_with_epsilon (colours[i], 0.5, 0.01);
    for (guint j = 0; j < 3; j++)
      g_assert_cmpfloat (vit_token_pca_share (pca, j), ==, 0);
  }
  memset (tokens, 0, PATCHES * DIM * sizeof *tokens);
  vit_token_pca_update (pca, &view, 1, NULL, colours);
  for (guint i = 0; i < PATCHES * 3; i++)
    g_assert_cmpfloat_with_epsilon (colours[i], 0.5, 0.01);
  vit_token_pca_free (pca);
  g_free (tokens);
}

/* However many they are, the rounding of their sums is no variance. */
static void
test_alike_tokens_have_no_components (void)
{
  for (guint n = 300; n <= 19200; n *= 4) {
    float *tokens = g_new0 (float, (gsize) n *DIM);
    float *colours = g_new (float, (gsize) n * 3);
    VitTokenView view = { tokens, VIT_TOKEN_F32, n, 1, DIM, NULL, NULL, NULL };
    VitTokenPca *pca = vit_token_pca_new ();

    for (guint i = 0; i < n; i++)
      tokens[(gsize) i * DIM] = i % 7 ? -27.7128f : -27.71281f;
    for (guint frame = 0; frame < 3; frame++) {
      vit_token_pca_update (pca, &view, 1, NULL, colours);
      for (guint j = 0; j < 3; j++)
        g_assert_cmpfloat (vit_token_pca_share (pca, j), ==, 0);
    }
    /* Those that stand out have all of it, along one axis. */
    for (guint i = 0; i < n; i += 2)
      tokens[(gsize) i * DIM + 1] = 20;
    vit_token_pca_reset (pca);
    vit_token_pca_update (pca, &view, 1, NULL, colours);
    g_assert_cmpfloat_with_epsilon (vit_token_pca_share (pca, 0), 1, 1e-3);
    for (guint j = 1; j < 3; j++)
      g_assert_cmpfloat (vit_token_pca_share (pca, j), ==, 0);
    vit_token_pca_free (pca);
    g_free (tokens);
    g_free (colours);
  }
}

static void
test_numbers_that_are_none_are_grey_and_leave_no_trace (void)
{
  static const float wrong[] = { NAN, INFINITY, -INFINITY, 3e38f };
  float *tokens = make_tokens (0, FALSE), good[PATCHES * 3], colours[PATCHES * 3];
  VitTokenView view = view_of (tokens);
  VitTokenPca *pca = vit_token_pca_new ();

  vit_token_pca_update (pca, &view, 1, NULL, good);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    float kept = tokens[5 * DIM + 3];

    tokens[5 * DIM + 3] = wrong[i];
    vit_token_pca_update (pca, &view, 1, NULL, colours);
    for (guint j = 0; j < PATCHES * 3; j++)
      g_assert_cmpfloat (colours[j], ==, 0.5);
    g_assert_cmpfloat (vit_token_pca_share (pca, 0), ==, 0);
    tokens[5 * DIM + 3] = kept;
    vit_token_pca_update (pca, &view, 1, NULL, colours);
    g_assert_cmpmem (colours, sizeof colours, good, sizeof good);
  }
  vit_token_pca_free (pca);
  g_free (tokens);
}

/* Fewer values, or fewer patches, than there are components. */
static void
test_small_grids_and_tokens (void)
{
  float tokens[6] = { 1, 2, 3, 4, 5, 7 }, colours[18];

  for (guint dim = 1; dim <= 6; dim++) {
    VitTokenView view
        = { tokens, VIT_TOKEN_F32, 6 / dim, 1, dim, NULL, NULL, NULL };
    VitTokenPca *pca = vit_token_pca_new ();

    for (guint frame = 0; frame < 3; frame++) {
      vit_token_pca_update (pca, &view, 1, NULL, colours);
      for (guint i = 0; i < 6 / dim * 3; i++)
        g_assert_true (colours[i] >= 0.0f && colours[i] <= 1.0f);
    }
    vit_token_pca_free (pca);
  }
}

/* Regions of one frame share their colours. */
static void
test_views_are_taken_together (void)
{
  float *tokens = make_tokens (0, FALSE), whole[PATCHES * 3], parts[PATCHES * 3];
  VitTokenView view = view_of (tokens);
  VitTokenView views[2] = { view, view };
  VitTokenPca *pca = vit_token_pca_new ();

  vit_token_pca_update (pca, &view, 1, NULL, whole);
  vit_token_pca_reset (pca);
  views[0].grid_height = 5;
  views[1].grid_height = ROWS - 5;
  views[1].tokens = tokens + 5 * COLUMNS * DIM;
  vit_token_pca_update (pca, views, 2, NULL, parts);
  for (guint i = 0; i < PATCHES * 3; i++)
    g_assert_cmpfloat_with_epsilon (whole[i], parts[i], 1e-6);
  vit_token_pca_free (pca);
  g_free (tokens);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pca/eigenvectors-decompose-the-matrix",
      test_eigenvectors_decompose_the_matrix);
  g_test_add_func ("/pca/axes-are-the-principal-components",
      test_axes_are_the_principal_components);
  g_test_add_func ("/pca/colours-are-coordinates", test_colours_are_coordinates);
  g_test_add_func (
      "/pca/colours-hold-still-in-a-pan", test_colours_hold_still_in_a_pan);
  g_test_add_func (
      "/pca/a-new-scene-starts-anew", test_a_new_scene_starts_anew);
  g_test_add_func ("/pca/axes-follow-through-order-and-sign",
      test_axes_follow_through_order_and_sign);
  g_test_add_func (
      "/pca/axes-drift-to-the-components", test_axes_drift_to_the_components);
  g_test_add_func ("/pca/a-flat-picture-is-grey", test_a_flat_picture_is_grey);
  g_test_add_func ("/pca/alike-tokens-have-no-components",
      test_alike_tokens_have_no_components);
  g_test_add_func ("/pca/numbers-that-are-none-are-grey-and-leave-no-trace",
      test_numbers_that_are_none_are_grey_and_leave_no_trace);
  g_test_add_func ("/pca/small-grids-and-tokens", test_small_grids_and_tokens);
  g_test_add_func (
      "/pca/views-are-taken-together", test_views_are_taken_together);

  return g_test_run ();
}
