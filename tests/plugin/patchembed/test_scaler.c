/* SPDX-License-Identifier: MIT
 *
 * Which size a picture is scaled to: the best of all that are allowed, and
 * found at once however large the picture is.
 */
#include "patchembed/gstvitscaler.h"

static guint64
count_patches (guint64 width, guint64 height, guint64 patch_size, gboolean pad)
{
  guint64 rest = pad ? patch_size - 1 : 0;

  return (width + rest) / patch_size * ((height + rest) / patch_size);
}

/* round (a b / c), halves up */
static guint
scale (guint64 a, guint64 b, guint64 c)
{
  return (guint) ((2 * a * b + c) / (2 * c));
}

/* The definition: every size of which one side is of whole patches is tried,
 * from the smallest on.  One that keeps the aspect ratio is better than any that
 * does not, then one of more patches. */
static void
try_all_sizes (const guint size[2], guint patch_size, gboolean pad,
    guint max_patches, guint best[2])
{
  guint least = pad ? 1 : patch_size;
  gboolean best_keeps = FALSE;
  guint64 most = 0;

  best[0] = size[0];
  best[1] = size[1];
  if (count_patches (size[0], size[1], patch_size, pad) <= max_patches)
    return;
  for (guint side = patch_size; side <= MAX (size[0], size[1]);
       side += patch_size) {
    for (guint axis = 0; axis < 2; axis++) {
      guint tried[2], exact = scale (size[1 - axis], side, size[axis]);
      gboolean keeps = exact >= least;
      guint64 n;

      tried[axis] = side;
      tried[1 - axis] = MAX (exact, least);
      n = count_patches (tried[0], tried[1], patch_size, pad);
      if (tried[0] > size[0] || tried[1] > size[1] || n > max_patches
          || (keeps == best_keeps ? n <= most : best_keeps))
        continue;
      best_keeps = keeps;
      most = n;
      best[0] = tried[0];
      best[1] = tried[1];
    }
  }
}

static void
check (guint width, guint height, guint patch_size, gboolean pad,
    guint max_patches)
{
  const guint size[2] = { width, height };
  guint expected[2], found[2];

  try_all_sizes (size, patch_size, pad, max_patches, expected);
  gst_vit_scaler_choose_size (
      width, height, patch_size, pad, max_patches, &found[0], &found[1]);
  if (found[0] != expected[0] || found[1] != expected[1])
    g_error ("%ux%u, patches of %u, %s, at most %u: %ux%u, expected %ux%u",
        width, height, patch_size, pad ? "padded" : "cropped", max_patches,
        found[0], found[1], expected[0], expected[1]);
}

/* A random number of 1 .. most, any order of magnitude as likely. */
static guint
random_size (GRand *random, guint most)
{
  guint bits = (guint) g_rand_int_range (random, 0, g_bit_storage (most));

  return MIN (most, (g_rand_int (random) & ((1u << bits) - 1)) + (1u << bits));
}

static void
test_random_sizes (void)
{
  static const guint largest[] = { 40, 600, 5000 };
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < 60000; i++) {
    guint most = largest[i % G_N_ELEMENTS (largest)];
    guint width = random_size (random, most);
    guint height = i % 7 == 0 ? width : random_size (random, most);

    check (width, height, random_size (random, 40), i % 2,
        random_size (random, 3000));
  }
  g_rand_free (random);
}

static void
test_all_small_sizes (void)
{
  for (guint width = 1; width <= 24; width++)
    for (guint height = 1; height <= 24; height++)
      for (guint patch_size = 1; patch_size <= 5; patch_size++)
        for (guint max_patches = 1; max_patches <= 40; max_patches++) {
          check (width, height, patch_size, FALSE, max_patches);
          check (width, height, patch_size, TRUE, max_patches);
        }
}

/* By trying all sizes these would take minutes each. */
static void
test_the_largest_sizes (void)
{
  static const struct {
    guint width, height, patch_size, max_patches, out_width, out_height;
  } cases[] = {
    { 2000000000, 1, 1, 10, 10, 1 },
    { 1, 2000000000, 1, 10, 1, 10 },
    { G_MAXINT, G_MAXINT, 1, 1000000, 1000, 1000 },
    { G_MAXINT, G_MAXINT, 1, G_MAXUINT, 65535, 65535 },
    { G_MAXINT, 2, 2, 7, 14, 2 },
    { 2000000000, 1000000000, 16, 200, 320, 160 },
  };

  for (guint repeat = 0; repeat < 10000; repeat++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      guint width, height;

      gst_vit_scaler_choose_size (cases[i].width, cases[i].height,
          cases[i].patch_size, FALSE, cases[i].max_patches, &width, &height);
      g_assert_cmpuint (width, ==, cases[i].out_width);
      g_assert_cmpuint (height, ==, cases[i].out_height);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scaler/random-sizes-are-the-best-of-all",
      test_random_sizes);
  g_test_add_func ("/scaler/small-sizes-are-the-best-of-all",
      test_all_small_sizes);
  g_test_add_func ("/scaler/the-largest-sizes-are-found-at-once",
      test_the_largest_sizes);
  return g_test_run ();
}
