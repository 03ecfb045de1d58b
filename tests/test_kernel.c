/* SPDX-License-Identifier: MIT
 *
 * Every kernel that was compiled in against a sum in double: all tail widths,
 * whole and short tiles, random and extreme samples, and nothing written
 * outside of what was asked for.
 */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "pack.h"

#define GUARD 12345.0f

static float *
aligned_floats (gsize n)
{
  gsize bytes = (n * sizeof (float) + 63) / 64 * 64;
  float *memory = aligned_alloc (64, MAX (bytes, 64));

  g_assert_nonnull (memory);
  memset (memory, 0, bytes);
  return memory;
}

typedef struct {
  guint n_patches;
  guint n_channels;
  guint n_terms;
  gboolean extreme; /* samples -128 or 127, weights all at the bound */
  gboolean one_row; /* add_stride 0 */
} Shape;

static float
draw (GRand *random, gboolean extreme, double low, double high)
{
  if (extreme)
    return (float) (g_rand_boolean (random) ? low : high);
  return (float) g_rand_double_range (random, low, high);
}

/* out[i][d], with a bound on the error of any order of float32 summation. */
static void
check_value (const float *patch, const float *weight, gsize n_terms, float add,
    float found)
{
  double sum = add, magnitude = fabs (add);

  for (gsize k = 0; k < n_terms; k++) {
    sum += (double) patch[k] * weight[k];
    magnitude += fabs ((double) patch[k] * weight[k]);
  }
  g_assert_cmpfloat (fabs (found - sum), <=,
      magnitude * ((double) n_terms + 1) * 0x1p-24);
}

static void
check_kernel (const VitKernel *kernel, const Shape *shape, GRand *random)
{
  guint tile = kernel->patch_tile;
  gsize stride = (shape->n_terms + 15) / 16 * 16;
  gsize rows = (shape->n_patches + tile - 1) / tile * tile;
  gsize out_stride = shape->n_channels + 5;
  gsize add_stride = shape->one_row ? 0 : shape->n_channels + 3;
  gsize n_out = shape->n_patches * out_stride + 64;
  float *patches = aligned_floats (rows * stride);
  float *weight = aligned_floats ((gsize) shape->n_channels * shape->n_terms);
  float *panels = aligned_floats (vit_pack_panels_size (
      shape->n_channels, shape->n_terms, kernel->channel_tile));
  float *add = aligned_floats (shape->n_patches * (shape->n_channels + 3));
  float *out = aligned_floats (n_out);

  for (gsize i = 0; i < rows * stride; i++)
    patches[i] = draw (random, shape->extreme, -128, 127);
  for (gsize i = 0; i < (gsize) shape->n_channels * shape->n_terms; i++)
    weight[i] = draw (random, shape->extreme, -1, 1);
  for (gsize i = 0; i < shape->n_patches * (shape->n_channels + 3); i++)
    add[i] = draw (random, FALSE, -3, 3);
  for (gsize i = 0; i < n_out; i++)
    out[i] = GUARD;
  vit_pack_panels (weight, shape->n_channels, shape->n_terms,
      kernel->channel_tile, panels);

  for (guint d = 0; d < shape->n_channels; d += kernel->channel_tile)
    kernel->product_f32 (shape->n_patches,
        MIN (kernel->channel_tile, shape->n_channels - d), shape->n_terms,
        patches, stride, panels + (gsize) d * shape->n_terms, add + d,
        add_stride, out + d, out_stride);

  for (gsize i = 0; i < n_out; i++) {
    gsize p = i / out_stride, d = i % out_stride;

    if (p < shape->n_patches && d < shape->n_channels)
      check_value (patches + p * stride, weight + d * shape->n_terms,
          shape->n_terms, add[p * add_stride + d], out[i]);
    else
      g_assert_cmpfloat (out[i], ==, GUARD);
  }
  free (patches);
  free (weight);
  free (panels);
  free (add);
  free (out);
}

static void
test_kernel (gconstpointer data)
{
  const VitKernel *kernel = data;
  GRand *random = g_rand_new_with_seed (1);

  if (kernel->cpu & ~vit_cpu_mask ()) {
    g_test_skip ("this machine does not have the instruction set");
    return;
  }
  for (guint channels = 1; channels <= 2 * kernel->channel_tile + 1; channels++) {
    Shape shape = { 1 + channels % 31, channels, 1 + channels * 7 % 50,
      channels % 3 == 0, channels % 2 == 0 };

    check_kernel (kernel, &shape, random);
  }
  for (guint patches = 1; patches <= 3 * kernel->patch_tile; patches++) {
    Shape shape = { patches, 40, 27, FALSE, FALSE };

    check_kernel (kernel, &shape, random);
  }
  check_kernel (kernel, &(Shape) { 85, 96, 768, FALSE, FALSE }, random);
  check_kernel (kernel, &(Shape) { 85, 96, 768, TRUE, TRUE }, random);
  g_rand_free (random);
}

static void
test_mask_zero_chooses_plain_c (void)
{
  g_assert_true (vit_kernel_choose (0) == &vit_kernel_c);
}

static void
test_the_environment_takes_instruction_sets_away (void)
{
  const gchar *before = g_getenv ("VIT_CPU_MASK");
  gchar *saved = g_strdup (before);

  g_setenv ("VIT_CPU_MASK", "0", TRUE);
  g_assert_cmpuint (vit_cpu_mask (), ==, 0);
  g_unsetenv ("VIT_CPU_MASK");
  if (saved != NULL)
    g_setenv ("VIT_CPU_MASK", saved, TRUE);
  g_free (saved);
}

static void
test_the_best_kernel_of_the_machine_is_chosen (void)
{
  guint mask = vit_cpu_mask ();
  const VitKernel *chosen = vit_kernel_choose (mask);

  for (const VitKernel *const *kernel = vit_kernel_list (); *kernel != chosen;
       kernel++) {
    g_assert_nonnull (*kernel);
    g_assert_cmpuint ((*kernel)->cpu & ~mask, !=, 0);
  }
  g_assert_cmpuint (chosen->cpu & ~mask, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const VitKernel *const *kernel = vit_kernel_list (); *kernel != NULL;
       kernel++) {
    gchar *test = g_strdup_printf ("/kernel/f32/%s", (*kernel)->name);

    g_test_add_data_func (test, *kernel, test_kernel);
    g_free (test);
  }
  g_test_add_func (
      "/kernel/mask-zero-chooses-plain-c", test_mask_zero_chooses_plain_c);
  g_test_add_func ("/kernel/the-environment-takes-instruction-sets-away",
      test_the_environment_takes_instruction_sets_away);
  g_test_add_func ("/kernel/the-best-kernel-of-the-machine-is-chosen",
      test_the_best_kernel_of_the_machine_is_chosen);
  return g_test_run ();
}
