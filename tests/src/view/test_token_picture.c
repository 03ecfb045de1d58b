/* SPDX-License-Identifier: MIT
 *
 * What a picture of tokens shows where there is nothing to show: of tokens without
 * a direction, and of those that are not finite.
 */
#include <math.h>

#include "view/token_picture.h"

#define N 4
#define GREY 0xff808080u

static VitTokenView
view_of (const float *tokens /* [N][2] */)
{
  return (VitTokenView){ tokens, VIT_TOKEN_F32, N, 1, 2, NULL, NULL, NULL };
}

static void
test_a_token_without_direction_has_no_cosines (void)
{
  static const float tokens[N][2]
      = { { 1, 2 }, { 0, 0 }, { NAN, 1 }, { -1, 3 } };
  VitTokenView view = view_of (tokens[0]);
  VitTokenPicture *picture = vit_token_picture_new ();
  guint32 colours[N];

  for (guint turn = 0; turn < 2; turn++) {
    for (guint query = 0; query < N; query++) {
      VitShadeRange range;
      gboolean has_cosines = query == 0 || query == 3;

      g_assert_true (vit_token_picture_similarity (
          picture, &view, 1, tokens[query], 1, TRUE, 1, colours, &range));
      g_assert_cmpint (range.has_values, ==, has_cosines);
      for (guint i = 0; i < N; i++)
        g_assert_cmpint (
            colours[i] != GREY, ==, has_cosines && (i == 0 || i == 3));
      for (guint i = 0; i < N; i++) {
        float place = vit_token_picture_places (picture)[i];

        g_assert_cmphex (
            colours[i], ==, isnan (place) ? GREY : vit_shade_value (place, 1));
      }
    }
  }
  vit_token_picture_free (picture);
}

static void
test_norms_that_are_not_finite_are_no_range (void)
{
  float tokens[N][2] = { { NAN, 1 }, { INFINITY, 0 }, { 0, NAN }, { NAN, 0 } };
  VitTokenView view = view_of (tokens[0]);
  VitTokenPicture *picture = vit_token_picture_new ();
  guint32 colours[N];
  VitShadeRange range;

  g_assert_true (
      vit_token_picture_norm (picture, &view, 1, 1, colours, &range));
  g_assert_false (range.has_values);
  g_assert_cmphex (colours[1], ==, GREY);
  tokens[2][1] = 4; /* beside a zero */
  g_assert_true (
      vit_token_picture_norm (picture, &view, 1, 1, colours, &range));
  g_assert_true (range.has_values);
  g_assert_cmpfloat (range.low, ==, 4);
  g_assert_cmpfloat (range.high, ==, 4);
  g_assert_cmphex (colours[1], ==, GREY);
  g_assert_cmphex (colours[2], !=, GREY);
  vit_token_picture_free (picture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/picture/a-token-without-direction-has-no-cosines",
      test_a_token_without_direction_has_no_cosines);
  g_test_add_func ("/picture/norms-that-are-not-finite-are-no-range",
      test_norms_that_are_not_finite_are_no_range);
  return g_test_run ();
}
