/* SPDX-License-Identifier: MIT
 *
 * Tokens in 16 bits: the nearest of those numbers, and read back the same.
 */
#include <glib.h>
#include <math.h>

#include "base/token_type.h"

/* Rounding to nearest even, at the values where it matters. */
static void
test_rounding_is_to_nearest_even (void)
{
  static const struct {
    float value;
    guint16 f16;
    guint16 bf16;
  } cases[] = { { 0.0f, 0, 0 }, { -0.0f, 0x8000, 0x8000 },
    { 1.0f, 0x3c00, 0x3f80 }, { 65504.0f, 0x7bff, 0x4780 },
    { 65519.996f, 0x7bff, 0x4780 }, { 65520.0f, 0x7c00, 0x4780 },
    { 0x1.004p0f, 0x3c01, 0x3f80 }, { 0x1.002p0f, 0x3c00, 0x3f80 },
    { 0x1.006p0f, 0x3c02, 0x3f80 }, { 0x1.01p0f, 0x3c04, 0x3f80 },
    { 0x1.03p0f, 0x3c0c, 0x3f82 }, { 0x1.010002p0f, 0x3c04, 0x3f81 },
    { 0x1p-24f, 1, 0x3380 }, { 0x1p-25f, 0, 0x3300 },
    { 0x1.8p-24f, 2, 0x33c0 }, { 0x1.ff8p-15f, 0x3ff, 0x3880 },
    { 0x1.ffcp-15f, 0x400, 0x3880 }, { -3.5f, 0xc300, 0xc060 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint16 half;

    vit_token_type_write (VIT_TOKEN_F16, &cases[i].value, 1, &half);
    g_assert_cmphex (half, ==, cases[i].f16);
    vit_token_type_write (VIT_TOKEN_BF16, &cases[i].value, 1, &half);
    g_assert_cmphex (half, ==, cases[i].bf16);
  }
}

/* Each of the numbers stands for itself, and NaN stays NaN. */
static void
test_what_is_read_is_written_again (void)
{
  static const VitTokenType types[] = { VIT_TOKEN_F16, VIT_TOKEN_BF16 };

  for (guint t = 0; t < G_N_ELEMENTS (types); t++) {
    for (guint bits = 0; bits <= G_MAXUINT16; bits++) {
      guint16 half = (guint16) bits, again;
      float value;

      vit_token_type_read (types[t], &half, 1, &value);
      vit_token_type_write (types[t], &value, 1, &again);
      if (isnan (value)) {
        vit_token_type_read (types[t], &again, 1, &value);
        g_assert_true (isnan (value));
      } else {
        g_assert_cmphex (again, ==, half);
      }
    }
  }
}

/* The largest is finite; half a step more is not. */
static void
test_the_largest_is_the_last_finite_number (void)
{
  static const struct {
    VitTokenType type;
    float past;
    guint16 largest, infinite;
  } cases[] = { { VIT_TOKEN_F16, 65520.0f, 0x7bff, 0x7c00 },
    { VIT_TOKEN_BF16, 0x1.ffp127f, 0x7f7f, 0x7f80 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    float largest = (float) vit_token_type_largest (cases[i].type);
    guint16 half;

    vit_token_type_write (cases[i].type, &largest, 1, &half);
    g_assert_cmphex (half, ==, cases[i].largest);
    vit_token_type_write (cases[i].type, &cases[i].past, 1, &half);
    g_assert_cmphex (half, ==, cases[i].infinite);
  }
  g_assert_true (isinf (2.0f * (float) vit_token_type_largest (VIT_TOKEN_F32)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/token-type/rounding-is-to-nearest-even",
      test_rounding_is_to_nearest_even);
  g_test_add_func ("/token-type/what-is-read-is-written-again",
      test_what_is_read_is_written_again);
  g_test_add_func ("/token-type/the-largest-is-the-last-finite-number",
      test_the_largest_is_the_last_finite_number);
  return g_test_run ();
}
