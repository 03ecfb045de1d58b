/* SPDX-License-Identifier: MIT
 *
 * What a picture of tokens shows where there is nothing to show: of tokens without
 * a direction, and of those that are not finite; and attention by head.
 */
#include <math.h>
#include <string.h>

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

/* The mean by its definition; from 0 to the greatest patch of all views, whatever
 * the prefix tokens have; read at any address. */
static void
test_attention_of_a_head_and_the_mean (void)
{
  static const float values[2][2 + N]
      = { { 9, 9, 0, 0.1f, 0.2f, 0.4f }, { 9, 9, 0.3f, 0.1f, 0, 0.5f } };
  guint8 askew[sizeof values + 1];
  const VitAttentionView views[2]
      = { { askew + 1, 2, 2 + N, 2 }, { values, 2, 2 + N, 5 } };
  VitTokenPicture *picture = vit_token_picture_new ();
  guint32 colours[N + 1];
  VitShadeRange range;

  memcpy (askew + 1, values, sizeof values);
  for (gint head = -1; head < 2; head++) {
    float most = head < 0 ? 0.45f : values[head][2 + N - 1];

    g_assert_true (vit_token_picture_attention (
        picture, views, 2, head, 1, colours, &range));
    g_assert_true (range.has_values);
    g_assert_cmpfloat (range.low, ==, 0);
    g_assert_cmpfloat_with_epsilon (range.high, most, 1e-6);
    for (guint i = 0; i < N; i++) {
      float share = head < 0 ? (values[0][2 + i] + values[1][2 + i]) / 2
                             : values[head][2 + i];

      g_assert_cmphex (colours[i], ==, vit_shade_value (share / most, 1));
    }
    g_assert_cmphex (colours[N], ==, colours[N - 1]);
  }
  vit_token_picture_free (picture);
}

static void
test_attention_that_is_none (void)
{
  static const float values[2][N]
      = { { NAN, 0, -INFINITY, INFINITY }, { 0, 0, 0, -1 } };
  VitAttentionView view = { values, 2, N, 0 };
  VitTokenPicture *picture = vit_token_picture_new ();
  guint32 colours[N];
  VitShadeRange range;

  for (gint head = 0; head < 2; head++) {
    g_assert_true (vit_token_picture_attention (
        picture, &view, 1, head, 1, colours, &range));
    g_assert_false (range.has_values);
    for (guint i = 0; i < N; i++)
      g_assert_cmphex (colours[i], ==,
          isfinite (values[head][i]) ? vit_shade_value (0, 1) : GREY);
  }
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
  g_test_add_func ("/picture/attention-of-a-head-and-the-mean",
      test_attention_of_a_head_and_the_mean);
  g_test_add_func (
      "/picture/attention-that-is-none", test_attention_that_is_none);
  return g_test_run ();
}
