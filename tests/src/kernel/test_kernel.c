/* SPDX-License-Identifier: MIT
 *
 * Every kernel that was compiled in: float32 against sums in double, fixed point
 * against the plain C to the last bit; all tail widths, whole and short tiles,
 * random and extreme numbers, into rows of their own and over those that are added;
 * nothing written outside of what was asked for.
 */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/patch.h"
#include "patch/pack.h"

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
  gboolean one_row; /* to add, for all patches */
  gboolean in_place; /* each patch's own, and written over */
  guint chunk;       /* VitProduct.chunk */
} Shape;

/* In whichever way a product may be asked for. */
static Shape
draw_way (const Shape *shape, GRand *random)
{
  static const guint chunks[] = { 0, VIT_F32_CHUNK, 2 * VIT_F32_CHUNK,
    3 * VIT_F32_CHUNK, 12 * VIT_F32_CHUNK };
  Shape drawn = *shape;

  drawn.in_place = !shape->one_row && g_rand_boolean (random);
  drawn.chunk = chunks[g_rand_int_range (random, 0, G_N_ELEMENTS (chunks))];
  return drawn;
}

static float
draw (GRand *random, gboolean extreme, double low, double high)
{
  if (extreme)
    return (float) (g_rand_boolean (random) ? low : high);
  return (float) g_rand_double_range (random, low, high);
}

/* out[i][d], with a bound on the error of any order of float32 summation. */
static void
check_value (const float *patch, const double *weight, gsize n_terms, float add,
    float found)
{
  double sum = add, magnitude = fabs (add);

  for (gsize k = 0; k < n_terms; k++) {
    sum += patch[k] * weight[k];
    magnitude += fabs (patch[k] * weight[k]);
  }
  g_assert_cmpfloat (fabs (found - sum), <=,
      magnitude * ((double) n_terms + 1) * 0x1p-24);
}

/* Rows of one matrix, one by one. */
static float **
row_pointers (float *matrix, gsize n_rows, gsize stride)
{
  float **rows = g_new (float *, n_rows);

  for (gsize i = 0; i < n_rows; i++)
    rows[i] = matrix + i * stride;
  return rows;
}

/* What both kinds of product are given: where to add and where to write, with
 * a guarded margin. */
typedef struct {
  VitProduct product;
  float *add; /* as it was before the product */
  float *out;
  float **add_rows; /* of `add`; the product may be given out_rows instead */
  float **out_rows;
  gsize out_stride;
  gsize n_out;
} Output;

/* What is to be added lies where the product goes. */
static void
output_take_add (Output *output)
{
  for (guint i = 0; i < output->product.n_patches; i++)
    memcpy (output->out_rows[i], output->add_rows[i],
        output->product.n_channels * sizeof (float));
}

static void
output_init (Output *output, const Shape *shape, GRand *random)
{
  gsize stride = shape->n_channels + 5;

  output->out_stride = stride;
  output->n_out = shape->n_patches * stride + 64;
  output->add = aligned_floats (output->n_out);
  output->out = aligned_floats (output->n_out);
  for (gsize i = 0; i < output->n_out; i++) {
    output->add[i] = draw (random, FALSE, -3, 3);
    output->out[i] = GUARD;
  }
  output->add_rows = row_pointers (
      output->add, shape->n_patches, shape->one_row ? 0 : stride);
  output->out_rows = row_pointers (output->out, shape->n_patches, stride);
  output->product = (VitProduct) { shape->n_patches, shape->n_channels,
    (const float *const *) output->add_rows, output->out_rows, shape->chunk };
  if (shape->in_place) {
    output->product.add = (const float *const *) output->out_rows;
    output_take_add (output);
  }
}

static void
output_clear (Output *output)
{
  free (output->add);
  free (output->out);
  g_free (output->add_rows);
  g_free (output->out_rows);
}

static void
check_guards (const Output *output)
{
  for (gsize i = 0; i < output->n_out; i++) {
    if (i / output->out_stride >= output->product.n_patches
        || i % output->out_stride >= output->product.n_channels)
      g_assert_cmpfloat (output->out[i], ==, GUARD);
  }
}

static void
check_f32_way (const VitKernelF32 *kernel, const Shape *shape, GRand *random)
{
  gsize stride = shape->n_terms + (gsize) g_rand_int_range (random, 0, 20);
  gsize offset = (gsize) g_rand_int_range (random, 0, 16);
  gsize rows = shape->n_patches + VIT_KERNEL_PATCH_TILE - 1;
  gsize n_weights = (gsize) shape->n_channels * shape->n_terms;
  float *memory = aligned_floats (offset + rows * stride);
  float *patches = memory + offset;
  double *weight = g_new (double, n_weights);
  float *panels = aligned_floats (vit_pack_panels_size (
      shape->n_channels, shape->n_terms, kernel->channel_tile));
  Output output;

  output_init (&output, shape, random);
  for (gsize i = 0; i < rows * stride; i++)
    patches[i] = draw (random, shape->extreme, -128, 127);
  for (gsize i = 0; i < n_weights; i++)
    weight[i] = draw (random, shape->extreme, -1, 1);
  memset (panels, 0,
      vit_pack_panels_size (
          shape->n_channels, shape->n_terms, kernel->channel_tile)
          * sizeof (float));
  for (guint d = 0; d < shape->n_channels; d += 7)
    vit_pack_panels (weight + (gsize) d * shape->n_terms, d,
        MIN (7, shape->n_channels - d), shape->n_terms, kernel->channel_tile,
        panels);
  kernel->product (&output.product, shape->n_terms, patches, stride, panels);
  check_guards (&output);
  for (gsize p = 0; p < shape->n_patches; p++) {
    for (gsize d = 0; d < shape->n_channels; d++)
      check_value (patches + p * stride, weight + d * shape->n_terms,
          shape->n_terms, output.add_rows[p][d], output.out_rows[p][d]);
  }
  output_clear (&output);
  free (memory);
  g_free (weight);
  free (panels);
}

/* Pixels are summed by less at once than an encoder's terms. */
static void
check_f32 (const VitKernelF32 *kernel, const Shape *shape, GRand *random)
{
  Shape drawn = draw_way (shape, random);

  drawn.chunk = 0;
  check_f32_way (kernel, &drawn, random);
  drawn = draw_way (shape, random);
  check_f32_way (kernel, &drawn, random);
}

static void
test_f32 (gconstpointer data)
{
  const VitKernelF32 *kernel = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  if (kernel->cpu & ~vit_cpu_mask ()) {
    g_test_skip ("this machine does not have the instruction set");
    return;
  }
  for (guint channels = 1; channels <= 2 * kernel->channel_tile + 1; channels++) {
    Shape shape = { 1 + channels % 31, channels, 1 + channels * 7 % 50,
      channels % 3 == 0, channels % 2 == 0 };

    check_f32 (kernel, &shape, random);
  }
  for (guint patches = 1; patches <= 70; patches++)
    check_f32 (kernel, &(Shape) { patches, 40, 27, FALSE, FALSE }, random);
  /* Parts of chunks, and more patches than are taken through one together. */
  for (guint terms = 61; terms <= 140; terms++)
    check_f32 (kernel, &(Shape) { 15, 33, terms, FALSE, FALSE }, random);
  for (guint terms = 253; terms <= 260; terms++)
    check_f32 (kernel, &(Shape) { 42, 64, terms, FALSE, FALSE }, random);
  for (guint patches = 125; patches <= 255; patches += 26)
    check_f32 (kernel, &(Shape) { patches, 47, 675, FALSE, FALSE }, random);
  check_f32 (kernel, &(Shape) { 127, 96, 768, FALSE, FALSE }, random);
  check_f32 (kernel, &(Shape) { 127, 96, 768, TRUE, TRUE }, random);
}

static void
test_widening (gconstpointer data)
{
  const VitKernelF32 *kernel = data;
  guint8 bytes[256 + 7];
  float terms[256 + 7];

  if (kernel->cpu & ~vit_cpu_mask ()) {
    g_test_skip ("this machine does not have the instruction set");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    bytes[i] = (guint8) i;
  for (guint n = 0; n < G_N_ELEMENTS (terms); n++) {
    terms[n] = GUARD;
    kernel->widen (bytes, n, 128.0f, terms);
    g_assert_cmpfloat (terms[n], ==, GUARD);
  }
  for (guint i = 0; i + 1 < G_N_ELEMENTS (terms); i++)
    g_assert_cmpfloat (terms[i], ==, (float) bytes[i] - 128.0f);
}

/* Weights within both bounds of the contract; `extreme`: at them. */
static void
draw_fixed_weights (gint16 *q, gint32 *sum, guint n_channels, gsize n_used,
    gsize n_terms, gboolean extreme, GRand *random)
{
  gint32 bound = (gint32) MIN (
      (gsize) VIT_FIXED_MAX_WEIGHT, VIT_FIXED_MAX_SUM / n_used);

  memset (q, 0, n_channels * n_terms * sizeof (gint16));
  for (guint d = 0; d < n_channels; d++) {
    gint sign = g_rand_boolean (random) ? 1 : -1;

    sum[d] = 0;
    for (gsize k = 0; k < n_used; k++) {
      gint32 value = extreme ? sign * bound
                             : g_rand_int_range (random, -bound, bound + 1);

      q[d * n_terms + k] = (gint16) value;
      sum[d] += value;
    }
  }
}

typedef struct {
  guint8 *planes[2];
  VitFixedSamples samples;
} Bytes;

static void
bytes_init (Bytes *bytes, gsize n_patches, gsize stride, gboolean two_planes,
    gint centre, gboolean extreme, GRand *random)
{
  gsize n = (n_patches + VIT_KERNEL_PATCH_TILE - 1) * stride;

  for (guint p = 0; p < 2; p++) {
    bytes->planes[p] = (guint8 *) aligned_floats (n / 4 + 16);
    for (gsize i = 0; i < n; i++)
      bytes->planes[p][i] = extreme
          ? (g_rand_boolean (random) ? 255 : 0)
          : (guint8) g_rand_int_range (random, 0, 256);
  }
  /* The worst of all: every sample at the same end. */
  if (extreme && g_rand_boolean (random)) {
    memset (bytes->planes[0], g_rand_boolean (random) ? 255 : 0, n);
    memset (bytes->planes[1], g_rand_boolean (random) ? 255 : 0, n);
  }
  bytes->samples = (VitFixedSamples) { bytes->planes[0],
    two_planes ? bytes->planes[1] : NULL, stride, centre };
}

/* Runs the product with one kernel, whose panels are made some channels at a
 * time. */
static void
run_fixed (const VitKernelFixed *kernel, const gint16 *q, gsize n_terms,
    const VitFixedWeights *weights, const VitFixedSamples *samples,
    const VitProduct *product)
{
  VitFixedWeights packed = *weights;
  void *panels = aligned_floats (
      kernel->panels_size (product->n_channels, n_terms) / 4 + 16);

  for (guint d = 0; d < product->n_channels; d += VIT_KERNEL_CHANNEL_ALIGN)
    kernel->pack (q + d * n_terms,
        MIN (VIT_KERNEL_CHANNEL_ALIGN, product->n_channels - d), n_terms,
        (guint8 *) panels + kernel->panels_size (d, n_terms));
  packed.panels = panels;
  kernel->product (product, samples, &packed);
  free (panels);
}

static void
check_fixed (const VitKernelFixed *kernel, const Shape *shape,
    gboolean two_planes, gint centre, GRand *random)
{
  gsize n_terms = (shape->n_terms + 63) / 64 * 64;
  gsize n_padded = (shape->n_channels + 15) / 16 * 16;
  gint16 *q = g_new (gint16, shape->n_channels * n_terms);
  gint32 *sum = g_new0 (gint32, n_padded);
  float *scale = aligned_floats (n_padded);
  VitFixedWeights weights = { NULL, n_terms, scale, sum };
  Shape found_shape = draw_way (shape, random);
  Output expected, found;
  Bytes bytes;

  draw_fixed_weights (q, sum, shape->n_channels, shape->n_terms, n_terms,
      shape->extreme, random);
  for (gsize d = 0; d < shape->n_channels; d++)
    scale[d] = draw (random, FALSE, 1e-9, 1e-6);
  bytes_init (&bytes, shape->n_patches, n_terms, two_planes, centre,
      shape->extreme, random);
  output_init (&expected, shape, random);
  output_init (&found, &found_shape, random);
  memcpy (found.add, expected.add, found.n_out * sizeof (float));
  if (found_shape.in_place)
    output_take_add (&found);

  run_fixed (&vit_kernel_fixed_c, q, n_terms, &weights, &bytes.samples,
      &expected.product);
  run_fixed (kernel, q, n_terms, &weights, &bytes.samples, &found.product);
  g_assert_cmpmem (found.out, found.n_out * sizeof (float), expected.out,
      expected.n_out * sizeof (float));
  check_guards (&found);

  output_clear (&expected);
  output_clear (&found);
  free (bytes.planes[0]);
  free (bytes.planes[1]);
  free (scale);
  g_free (sum);
  g_free (q);
}

static void
test_fixed (gconstpointer data)
{
  const VitKernelFixed *kernel = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (2);

  if (kernel->cpu & ~vit_cpu_mask ()) {
    g_test_skip ("this machine does not have the instruction set");
    return;
  }
  for (guint i = 1; i <= 70; i++) {
    Shape shape = { 1 + i * 5 % 67, i, 1 + i * 37 % 300, i % 3 == 0, i % 2 };

    check_fixed (kernel, &shape, FALSE, 128, random);
    check_fixed (kernel, &shape, TRUE, i % 4 ? 32768 : 512, random);
  }
  /* More terms, and more patches, than are taken together: by whole parts and
   * by less. */
  for (guint terms = 320; terms <= 3200; terms += 64) {
    Shape shape = { terms % 448 ? 7 : 26, 17, terms, terms % 3 == 0, FALSE };

    check_fixed (kernel, &shape, terms % 128 == 0, 128, random);
  }
  for (guint patches = 95; patches <= 200; patches += 7) {
    check_fixed (
        kernel, &(Shape) { patches, 33, 192, FALSE, FALSE }, FALSE, 128, random);
    check_fixed (
        kernel, &(Shape) { patches, 33, 768, TRUE, FALSE }, TRUE, 32768, random);
  }
  for (guint i = 0; i < 8; i++) {
    Shape shape = { 65, 48, i < 4 ? 768 : 12288, TRUE, FALSE };

    check_fixed (kernel, &shape, FALSE, 128, random);
    check_fixed (kernel, &shape, TRUE, 32768, random);
  }
}

/* The definition itself, against whole numbers of 64 bits. */
static void
test_fixed_definition (void)
{
  static const gint16 q[2][64] = { { 32639, -32639, 5 }, { -1, 1, 1 } };
  static const guint8 high[32][64] = { { 255, 0, 7 } };
  static const guint8 low[32][64] = { { 1, 255, 128 } };
  static const gint32 sum[16] = { 5, 1 };
  static const float scale[16] = { 0x1p-20f, 1.0f };
  const float add[2] = { 0.25f, -3.0f };
  const float *add_row = add;
  float out[2], *out_row = out;
  VitProduct product = { 1, 2, &add_row, &out_row };
  VitFixedWeights weights = { q, 64, scale, sum };
  VitFixedSamples one = { high[0], NULL, 64, 128 };
  VitFixedSamples two = { high[0], low[0], 64, 32768 };
  gint64 a, b;

  vit_kernel_fixed_c.product (&product, &one, &weights);
  a = 32639 * (255 - 128) + 32639 * 128 + 5 * (7 - 128);
  b = -(255 - 128) + (0 - 128) + (7 - 128);
  g_assert_cmpfloat (out[0], ==, fmaf ((float) a, 0x1p-20f, 0.25f));
  g_assert_cmpfloat (out[1], ==, (float) b - 3.0f);

  vit_kernel_fixed_c.product (&product, &two, &weights);
  a = G_GINT64_CONSTANT (32639) * (65281 - 32768)
      - G_GINT64_CONSTANT (32639) * (255 - 32768) + 5 * (1920 - 32768);
  b = -(65281 - 32768) + (255 - 32768) + (1920 - 32768);
  g_assert_cmpfloat (out[0], ==, fmaf ((float) a, 0x1p-20f, 0.25f));
  g_assert_cmpfloat (out[1], ==, fmaf ((float) b, 1.0f, -3.0f));
}

static void
test_mask_zero_chooses_plain_c (void)
{
  g_assert_true (vit_kernel_choose_f32 (0) == &vit_kernel_f32_c);
  g_assert_true (vit_kernel_choose_fixed (0) == &vit_kernel_fixed_c);
}

static void
test_the_environment_takes_instruction_sets_away (void)
{
  gchar *saved = g_strdup (g_getenv ("VIT_CPU_MASK"));
  guint whole;

  g_unsetenv ("VIT_CPU_MASK");
  whole = vit_cpu_mask ();
  for (guint mask = 0; mask < 2 * VIT_CPU_NEON; mask++) {
    gchar *text = g_strdup_printf ("%u", mask);

    g_setenv ("VIT_CPU_MASK", text, TRUE);
    g_assert_cmpuint (vit_cpu_mask (), ==, whole & mask);
    g_free (text);
  }
  g_unsetenv ("VIT_CPU_MASK");
  if (saved != NULL)
    g_setenv ("VIT_CPU_MASK", saved, TRUE);
  g_free (saved);
}

static void
test_the_best_kernel_of_the_machine_is_chosen (void)
{
  guint mask = vit_cpu_mask ();
  const VitKernelF32 *f32 = vit_kernel_choose_f32 (mask);
  const VitKernelFixed *fixed = vit_kernel_choose_fixed (mask);

  g_assert_cmpuint (f32->cpu & ~mask, ==, 0);
  for (const VitKernelF32 *const *k = vit_kernel_list_f32 (); *k != f32; k++)
    g_assert_cmpuint ((*k)->cpu & ~mask, !=, 0);
  g_assert_cmpuint (fixed->cpu & ~mask, ==, 0);
  for (const VitKernelFixed *const *k = vit_kernel_list_fixed (); *k != fixed;
       k++)
    g_assert_cmpuint ((*k)->cpu & ~mask, !=, 0);
}

static void
add_test (const gchar *what, const gchar *name, gconstpointer kernel,
    GTestDataFunc function)
{
  gchar *test = g_strdup_printf ("/kernel/%s/%s", what, name);

  g_test_add_data_func (test, kernel, function);
  g_free (test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const VitKernelF32 *const *k = vit_kernel_list_f32 (); *k; k++) {
    add_test ("f32-agrees-with-double", (*k)->name, *k, test_f32);
    add_test ("widening-is-exact", (*k)->name, *k, test_widening);
  }
  for (const VitKernelFixed *const *k = vit_kernel_list_fixed (); *k; k++)
    add_test (
        "fixed-has-the-bits-of-the-definition", (*k)->name, *k, test_fixed);
  g_test_add_func (
      "/kernel/fixed-definition-counts-exactly", test_fixed_definition);
  g_test_add_func (
      "/kernel/mask-zero-chooses-plain-c", test_mask_zero_chooses_plain_c);
  g_test_add_func ("/kernel/the-environment-takes-instruction-sets-away",
      test_the_environment_takes_instruction_sets_away);
  g_test_add_func ("/kernel/the-best-kernel-of-the-machine-is-chosen",
      test_the_best_kernel_of_the_machine_is_chosen);
  return g_test_run ();
}
