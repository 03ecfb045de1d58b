/* SPDX-License-Identifier: MIT
 *
 * The foreground of tokens, against the first principal component of their whole
 * covariance in double; and that it stays the foreground.
 */
#include "view/foreground.h"

#include <math.h>
#include <string.h>

#include "view/symmetric_eigen.h"
#include "view/token_picture.h"

#define COLUMNS 24
#define ROWS 16
#define PATCHES (COLUMNS * ROWS)
#define DIM 20

/* [PATCHES][DIM]: something of `width` columns from `left` on, of all rows but
 * the outer three, differs from what is around it, and all by noise. */
static void
make_tokens (gint left, gint width, float sign, float *tokens)
{
  GRand *rand = g_rand_new_with_seed (9);

  for (gint i = 0; i < PATCHES; i++) {
    gint column = i % COLUMNS, row = i / COLUMNS;
    gboolean is_in = column >= left && column < left + width && row >= 3
                     && row < ROWS - 3;

    for (guint d = 0; d < DIM; d++)
      tokens[i * DIM + d]
          = 5.0f + (float) g_rand_double_range (rand, -1, 1)
            + sign * (is_in ? 2.0f : -1.0f) * (float) cos (0.7 * d);
  }
  g_rand_free (rand);
}

static VitTokenView
view_of (const float *tokens)
{
  return (VitTokenView){ tokens, VIT_TOKEN_F32, COLUMNS, ROWS, DIM, NULL, NULL,
    NULL };
}

/* Where the patches lie along the first component, the edges below 0, in standard
 * deviations. */
static void
find_places (const float *tokens, double *places)
{
  double mean[DIM] = { 0 }, covariance[DIM * DIM] = { 0 };
  double values[DIM], vectors[DIM * DIM], edge = 0, scale;

  for (guint i = 0; i < PATCHES * DIM; i++)
    mean[i % DIM] += tokens[i] / (double) PATCHES;
  for (guint i = 0; i < PATCHES; i++) {
    for (guint d = 0; d < DIM * DIM; d++)
      covariance[d] += (tokens[i * DIM + d / DIM] - mean[d / DIM])
                       * (tokens[i * DIM + d % DIM] - mean[d % DIM])
                       / PATCHES;
  }
  vit_symmetric_eigen (DIM, covariance, values, vectors);
  for (guint i = 0; i < PATCHES; i++) {
    guint column = i % COLUMNS, row = i / COLUMNS;

    places[i] = 0;
    for (guint d = 0; d < DIM; d++)
      places[i] += (tokens[i * DIM + d] - mean[d]) * vectors[d * DIM];
    if (column == 0 || column == COLUMNS - 1 || row == 0 || row == ROWS - 1)
      edge += places[i];
  }
  scale = (edge > 0 ? -1 : 1) / sqrt (values[0]);
  for (guint i = 0; i < PATCHES; i++)
    places[i] *= scale;
}

/* But for those within `doubt` of the mean. */
static void
check (const float *tokens, const guint8 *shown, double doubt)
{
  double places[PATCHES];

  find_places (tokens, places);
  for (guint i = 0; i < PATCHES; i++) {
    if (fabs (places[i]) > doubt)
      g_assert_cmpuint (shown[i], ==, places[i] > 0);
  }
}

/* Whichever way it differs. */
static void
test_is_above_the_mean (void)
{
  for (gint sign = -1; sign <= 1; sign += 2) {
    float *tokens = g_new (float, PATCHES *DIM);
    VitTokenView view = view_of (tokens);
    VitForeground *foreground = vit_foreground_new ();
    guint8 shown[PATCHES];

    make_tokens (8, 7, (float) sign, tokens);
    for (guint frame = 0; frame < 30; frame++) {
      g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
      check (tokens, shown, frame < 20 ? 1e-2 : 1e-4);
      g_assert_cmpuint (shown[8 * COLUMNS + 10], ==, 1);
    }
    vit_foreground_free (foreground);
    g_free (tokens);
  }
}

/* What moves stays the foreground, until it has been at the edges for some
 * frames: then what is around it becomes it, once. */
static void
test_moves_and_turns_about_once (void)
{
  float *tokens = g_new (float, PATCHES *DIM);
  VitTokenView view = view_of (tokens);
  VitForeground *foreground = vit_foreground_new ();
  guint8 shown[PATCHES];
  guint n_turns = 0, was = 1;

  for (gint frame = 0; frame < 14; frame++) {
    make_tokens (2 + frame, 7, 1, tokens);
    g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
    check (tokens, shown, 0.1);
  }
  /* All but a hole in the middle. */
  for (gint i = 0; i < PATCHES; i++) {
    gint column = i % COLUMNS, row = i / COLUMNS;
    gboolean is_hole
        = column >= 8 && column < 16 && row >= 5 && row < 11;

    for (guint d = 0; d < DIM; d++)
      tokens[i * DIM + d]
          = 5.0f + (is_hole ? -1.0f : 2.0f) * (float) cos (0.7 * d);
  }
  for (gint frame = 0; frame < 60; frame++) {
    g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
    if (frame == 0)
      g_assert_cmpuint (shown[0], ==, 1);
    n_turns += shown[0] != was;
    was = shown[0];
  }
  g_assert_cmpuint (n_turns, ==, 1);
  g_assert_cmpuint (shown[8 * COLUMNS + 12], ==, 1);
  vit_foreground_free (foreground);
  g_free (tokens);
}

static void
test_what_cannot_be_told_is_all (void)
{
  float *tokens = g_new (float, PATCHES *DIM);
  VitTokenView view = view_of (tokens);
  VitForeground *foreground = vit_foreground_new ();
  guint8 shown[PATCHES], before[PATCHES];

  make_tokens (8, 7, 1, tokens);
  g_assert_true (vit_foreground_find (foreground, &view, 1, before));
  tokens[100] = NAN;
  g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
  for (guint i = 0; i < PATCHES; i++)
    g_assert_cmpuint (shown[i], ==, 1);
  make_tokens (8, 7, 1, tokens);
  g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
  g_assert_cmpmem (shown, PATCHES, before, PATCHES);
  /* But for rounding. */
  for (guint i = 0; i < PATCHES * DIM; i++)
    tokens[i] = (float) (i % DIM) * (i % 7 ? 1.0f : 1.0f + 0x1p-22f);
  for (guint frame = 0; frame < 3; frame++) {
    g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
    for (guint i = 0; i < PATCHES; i++)
      g_assert_cmpuint (shown[i], ==, 1);
  }
  vit_foreground_free (foreground);
  g_free (tokens);
}

/* Components are those of its patches alone, and the others transparent. */
static void
test_colours_are_of_its_patches (void)
{
  float *tokens = g_new (float, PATCHES *DIM), *alone;
  float values[PATCHES * 3];
  VitTokenView view = view_of (tokens), part = view;
  VitForeground *foreground = vit_foreground_new ();
  VitTokenPicture *picture = vit_token_picture_new ();
  VitTokenPca *pca = vit_token_pca_new ();
  guint32 colours[PATCHES];
  guint8 shown[PATCHES];
  double share[3];
  guint n = 0, n_shown;

  make_tokens (8, 7, 1, tokens);
  alone = g_new (float, PATCHES *DIM);
  g_assert_true (vit_foreground_find (foreground, &view, 1, shown));
  for (guint i = 0; i < PATCHES; i++) {
    if (shown[i])
      memcpy (alone + n++ * DIM, tokens + i * DIM, DIM * sizeof *alone);
  }
  part = (VitTokenView){ alone, VIT_TOKEN_F32, n, 1, DIM, NULL, NULL, NULL };
  g_assert_true (vit_token_pca_update (pca, &part, 1, NULL, values));
  g_assert_true (vit_token_picture_pca (
      picture, &view, 1, TRUE, 0.6f, colours, share, &n_shown));
  g_assert_cmpuint (n_shown, ==, n);
  n = 0;
  for (guint i = 0; i < PATCHES; i++)
    g_assert_cmphex (colours[i], ==,
        shown[i] ? vit_shade_rgb (values + 3 * n++, 0.6f) : 0);
  for (guint j = 0; j < 3; j++)
    g_assert_cmpfloat (share[j], ==, vit_token_pca_share (pca, j));
  vit_token_pca_free (pca);
  vit_token_picture_free (picture);
  vit_foreground_free (foreground);
  g_free (alone);
  g_free (tokens);
}

/* Each has edges of its own. */
static void
test_regions (void)
{
  float *tokens = g_new (float, PATCHES *DIM);
  VitTokenView view = view_of (tokens), views[2] = { view, view };
  VitForeground *foreground = vit_foreground_new ();
  guint8 one[PATCHES], both[2 * PATCHES];

  make_tokens (8, 7, -1, tokens);
  g_assert_true (vit_foreground_find (foreground, &view, 1, one));
  vit_foreground_reset (foreground);
  g_assert_true (vit_foreground_find (foreground, views, 2, both));
  for (guint i = 0; i < 2 * PATCHES; i++)
    g_assert_cmpuint (both[i], ==, one[i % PATCHES]);
  vit_foreground_free (foreground);
  g_free (tokens);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/foreground/" name, function)
  TEST ("is-above-the-mean", test_is_above_the_mean);
  TEST ("moves-and-turns-about-once", test_moves_and_turns_about_once);
  TEST ("what-cannot-be-told-is-all", test_what_cannot_be_told_is_all);
  TEST ("colours-are-of-its-patches", test_colours_are_of_its_patches);
  TEST ("regions", test_regions);
  return g_test_run ();
}
