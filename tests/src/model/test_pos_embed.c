/* SPDX-License-Identifier: MIT
 *
 * The position table resampled: against PyTorch's own results (golden/),
 * against PyTorch's weights for single positions, and against the definition
 * written out as a sum over the whole table.  VIT_TEST_DATA names another
 * folder to read pos-embed/cases.json from; -m perf times a 4K frame.
 */
#include "model/pos_embed.h"
#include "support/npy.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* The tables have unit variance; two PyTorch releases differ by 1.3e-5. */
#define GOLDEN_TOLERANCE 3e-5

#define DINO VIT_POSITION_RULE_DINO
#define SIZE VIT_POSITION_RULE_SIZE
#define SIZE_ANTIALIAS VIT_POSITION_RULE_SIZE_ANTIALIAS
#define TIMM VIT_POSITION_RULE_TIMM
#define OPENCLIP VIT_POSITION_RULE_OPENCLIP
#define BILINEAR VIT_POSITION_RULE_BILINEAR
#define BILINEAR_ANTIALIAS VIT_POSITION_RULE_BILINEAR_ANTIALIAS

typedef struct {
  VitPositionRule rule;
  guint rows, cols;
  char *table, *expected; /* paths of .npy files */
} GoldenCase;

static float *
resample (VitPositionRule rule, const float *table, guint table_rows,
    guint table_cols, guint embed_dim, guint rows, guint cols)
{
  g_autoptr (GError) error = NULL;
  gsize n_values = (gsize) rows * cols * embed_dim;
  /* One value too many, to notice a write beyond the end. */
  float *out = g_new (float, n_values + 1);

  out[n_values] = 1234.5f;
  gboolean ok = vit_pos_embed_resample (rule, table, table_rows, table_cols,
      embed_dim, rows, cols, out, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpfloat (out[n_values], ==, 1234.5f);
  return out;
}

static VitPositionRule
rule_from_name (const char *name)
{
  for (guint rule = 0; rule < VIT_N_POSITION_RULES; rule++) {
    if (g_str_equal (vit_position_rule_name (rule), name))
      return rule;
  }
  g_error ("no position rule is called %s", name);
}

static void
test_golden (gconstpointer data)
{
  const GoldenCase *golden = data;
  g_autoptr (Npy) table = npy_read (golden->table);
  g_autoptr (Npy) expected = npy_read (golden->expected);
  guint side = (guint) lround (sqrt ((double) table->shape[0]));
  guint embed_dim = (guint) table->shape[1];
  double worst = 0.0;

  g_assert_cmpuint (table->n_dims, ==, 2);
  g_assert_cmpuint (side * side, ==, table->shape[0]);
  g_assert_cmpuint (expected->n_dims, ==, 2);
  g_assert_cmpuint (expected->shape[0], ==, golden->rows * golden->cols);
  g_assert_cmpuint (expected->shape[1], ==, embed_dim);

  g_autofree float *out = resample (golden->rule, table->values, side, side,
      embed_dim, golden->rows, golden->cols);
  for (gsize i = 0; i < expected->n_values; i++)
    worst = MAX (worst, fabs ((double) out[i] - expected->values[i]));
  g_test_message ("worst error of %s: %.2e",
      vit_position_rule_name (golden->rule), worst);
  g_assert_cmpfloat (worst, <=, GOLDEN_TOLERANCE);
}

static void
golden_case_free (gpointer data)
{
  GoldenCase *golden = data;

  g_free (golden->table);
  g_free (golden->expected);
  g_free (golden);
}

static void
add_golden_case (const char *folder, json_t *entry)
{
  const char *table, *expected, *rule;
  int rows, cols;
  json_error_t error;

  if (json_unpack_ex (entry, &error, 0, "{s:s, s:i, s:i, s:s, s:s}", "table",
          &table, "rows", &rows, "cols", &cols, "rule", &rule, "expected",
          &expected) != 0)
    g_error ("cases.json: %s", error.text);

  GoldenCase *golden = g_new0 (GoldenCase, 1);
  golden->rule = rule_from_name (rule);
  golden->rows = (guint) rows;
  golden->cols = (guint) cols;
  golden->table = g_build_filename (folder, table, NULL);
  golden->expected = g_build_filename (folder, expected, NULL);

  /* 37to16x16.size.npy is the case 37to16x16/size. */
  g_auto (GStrv) parts = g_strsplit (expected, ".", 3);
  g_autofree char *path
      = g_strdup_printf ("/pos_embed/golden/%s/%s", parts[0], parts[1]);
  g_test_add_data_func_full (path, golden, test_golden, golden_case_free);
}

static void
add_golden_cases (void)
{
  const char *data = g_getenv ("VIT_TEST_DATA");
  g_autofree char *folder
      = g_build_filename (data ? data : TEST_DATA_DIR, "pos-embed", NULL);
  g_autofree char *path = g_build_filename (folder, "cases.json", NULL);
  json_error_t error;
  json_t *root = json_load_file (path, JSON_REJECT_DUPLICATES, &error);
  json_t *entry;
  size_t i;

  if (!root)
    g_error ("%s: %s", path, error.text);
  json_array_foreach (json_object_get (root, "cases"), i, entry)
    add_golden_case (folder, entry);
  json_decref (root);
}

/* The weight of every table position for every new one along one axis, read
 * off a one-hot table: [n_out][n_in]. */
static float *
axis_weights (VitPositionRule rule, guint n_in, guint n_out)
{
  g_autofree float *one_hot = g_new0 (float, (gsize) n_in * n_in);

  for (guint i = 0; i < n_in; i++)
    one_hot[(gsize) i * n_in + i] = 1.0f;
  return resample (rule, one_hot, n_in, 1, n_in, n_out, 1);
}

static const struct {
  VitPositionRule rule;
  guint n_in, n_out, i;
  guint first;
  float weights[10]; /* all others are 0 */
} known_weights[] = {
  { SIZE, 14, 14, 5, 5, { 1.0f } },
  { DINO, 14, 14, 13, 11, { -0.0062169f, 0.0844614f, 0.9804715f - 0.058716f } },
  { SIZE, 37, 16, 0, 0, { 0.384285f - 0.0581589f, 0.7849045f, -0.1110306f } },
  { DINO, 37, 16, 0, 0, { 0.3939054f - 0.059951f, 0.7769285f, -0.1108829f } },
  { SIZE, 14, 30, 0, 0, { 0.8637037f + 0.2829629f - 0.0391111f, -0.1075556f } },
  { SIZE_ANTIALIAS, 14, 30, 0, 0, { 1.0920502f, -0.0920502f } },
  { SIZE_ANTIALIAS, 14, 30, 15, 5,
      { -0.026074f, 0.2471108f, 0.8506669f, -0.0717037f } },
  { SIZE_ANTIALIAS, 37, 16, 0, 0,
      { 0.3871863f, 0.4414507f, 0.2092562f, -0.0030565f, -0.031817f,
          -0.0030198f } },
  { SIZE_ANTIALIAS, 37, 16, 8, 15,
      { -0.0070934f, -0.0318698f, 0.018384f, 0.2435942f, 0.428314f, 0.3204806f,
          0.0740678f, -0.0295133f, -0.0163642f } },
  { BILINEAR, 4, 2, 1, 2, { 0.5f, 0.5f } },
  { BILINEAR, 2, 4, 0, 0, { 1.0f } },
  { BILINEAR, 2, 4, 1, 0, { 0.75f, 0.25f } },
  { BILINEAR_ANTIALIAS, 4, 2, 1, 1, { 1.0f / 7, 3.0f / 7, 3.0f / 7 } },
  { BILINEAR_ANTIALIAS, 2, 4, 1, 0, { 0.75f, 0.25f } },
};

static void
test_known_weights (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (known_weights); k++) {
    guint n_in = known_weights[k].n_in;
    g_autofree float *weights = axis_weights (known_weights[k].rule, n_in,
        known_weights[k].n_out);
    const float *row = weights + (gsize) known_weights[k].i * n_in;

    for (guint j = 0; j < n_in; j++) {
      guint tap = j - known_weights[k].first;
      float expected = j >= known_weights[k].first
              && tap < G_N_ELEMENTS (known_weights[k].weights)
          ? known_weights[k].weights[tap]
          : 0.0f;

      g_assert_cmpfloat_with_epsilon (row[j], expected, 2e-6f);
    }
  }
}

/* "remainder": a frame that is not square but has a square grid, as 230 x 224
 * pixels have at patch 16. */
static const struct KeptCase {
  const char *name;
  VitPositionRule rule;
  guint table_rows, table_cols, rows, cols;
  gboolean square_frame, kept;
} kept_cases[] = {
  { "dino/own-grid", DINO, 14, 14, 14, 14, TRUE, TRUE },
  { "dino/remainder", DINO, 14, 14, 14, 14, FALSE, FALSE },
  { "dino/same-count", DINO, 14, 14, 7, 28, FALSE, FALSE },
  { "dino/other-grid", DINO, 14, 14, 16, 16, TRUE, FALSE },
  { "dino/oblong-own-grid", DINO, 4, 9, 4, 9, FALSE, TRUE },
  { "dino/oblong-transposed", DINO, 4, 9, 9, 4, FALSE, FALSE },
  { "dino/oblong-to-square", DINO, 4, 9, 6, 6, TRUE, FALSE },
  { "size/own-grid", SIZE, 14, 14, 14, 14, TRUE, TRUE },
  { "size/remainder", SIZE, 14, 14, 14, 14, FALSE, FALSE },
  { "size/same-count", SIZE, 14, 14, 7, 28, FALSE, FALSE },
  { "size/oblong-to-square", SIZE, 4, 9, 6, 6, TRUE, FALSE },
  { "size-antialias/own-grid", SIZE_ANTIALIAS, 37, 37, 37, 37, TRUE, TRUE },
  { "size-antialias/remainder", SIZE_ANTIALIAS, 37, 37, 37, 37, FALSE, FALSE },
  { "size-antialias/to-square", SIZE_ANTIALIAS, 4, 9, 6, 6, TRUE, FALSE },
  { "timm/own-grid", TIMM, 14, 14, 14, 14, TRUE, TRUE },
  { "timm/remainder", TIMM, 14, 14, 14, 14, FALSE, TRUE },
  { "timm/same-count", TIMM, 14, 14, 7, 28, FALSE, FALSE },
  { "timm/oblong-own-grid", TIMM, 4, 9, 4, 9, FALSE, TRUE },
  { "timm/oblong-to-square", TIMM, 4, 9, 6, 6, TRUE, FALSE },
  { "openclip/own-grid", OPENCLIP, 14, 14, 14, 14, TRUE, TRUE },
  { "openclip/same-count", OPENCLIP, 14, 14, 7, 28, FALSE, TRUE },
  { "openclip/other-count", OPENCLIP, 14, 14, 14, 15, FALSE, FALSE },
  { "openclip/no-overflow", OPENCLIP, 65537, 65536, 1, 65536, FALSE, FALSE },
  { "bilinear/own-grid", BILINEAR, 24, 24, 24, 24, TRUE, TRUE },
  { "bilinear/remainder", BILINEAR, 24, 24, 24, 24, FALSE, TRUE },
  { "bilinear/same-count", BILINEAR, 24, 24, 12, 48, FALSE, FALSE },
  { "bilinear-antialias", BILINEAR_ANTIALIAS, 16, 16, 16, 16, TRUE, FALSE },
};

static void
test_kept (gconstpointer data)
{
  const struct KeptCase *kept = data;

  g_assert_cmpint (vit_pos_embed_is_kept (kept->rule, kept->table_rows,
                       kept->table_cols, kept->rows, kept->cols,
                       kept->square_frame),
      ==, kept->kept);
}

static void
test_names (void)
{
  for (guint rule = 0; rule < VIT_N_POSITION_RULES; rule++)
    g_assert_cmpuint (rule_from_name (vit_position_rule_name (rule)), ==, rule);
  g_assert_cmpstr (vit_position_rule_name (TIMM), ==, "timm");
  g_assert_null (vit_position_rule_name (VIT_N_POSITION_RULES));
  g_assert_null (vit_position_rule_name ((VitPositionRule) -1));
}

/* q = 2, so w = 1, 1/100; the ninth value belongs to no wave. */
static void
test_computed_by_hand (void)
{
  const double row = 2, col = 3;
  const double expected[9] = { sin (col), sin (col / 100), cos (col),
    cos (col / 100), sin (row), sin (row / 100), cos (row), cos (row / 100), 0 };
  float out[3 * 5 * 9 + 1], other[4 * 4 * 9];

  out[3 * 5 * 9] = 1234.5f;
  vit_pos_embed_compute (9, 3, 5, out);
  for (guint d = 0; d < 9; d++) {
    g_assert_cmpfloat (out[(2 * 5 + 3) * 9 + d], ==, (float) expected[d]);
    g_assert_cmpfloat (out[d], ==, d == 2 || d == 3 || d == 6 || d == 7);
  }
  g_assert_cmpfloat (out[3 * 5 * 9], ==, 1234.5f);
  /* Whatever the grid, a place is the same. */
  vit_pos_embed_compute (9, 4, 4, other);
  g_assert_cmpmem (&out[(2 * 5 + 3) * 9], 36, &other[(2 * 4 + 3) * 9], 36);
}

static float *
random_table (gsize n_values)
{
  float *table = g_new (float, n_values);

  for (gsize i = 0; i < n_values; i++)
    table[i] = (float) g_test_rand_double_range (-1.0, 1.0);
  return table;
}

static gboolean
is_antialias (VitPositionRule rule)
{
  return rule != DINO && rule != SIZE && rule != BILINEAR;
}

static gboolean
is_linear (VitPositionRule rule)
{
  return rule == BILINEAR || rule == BILINEAR_ANTIALIAS;
}

/* Keys (1981), as in PyTorch's cubic_convolution1 and cubic_convolution2. */
static double
cubic (double x, double a)
{
  if (x < 1.0)
    return (a + 2.0) * x * x * x - (a + 3.0) * x * x + 1.0;
  if (x < 2.0)
    return a * x * x * x - 5.0 * a * x * x + 8.0 * a * x - 4.0 * a;
  return 0.0;
}

static void
define_antialias_weights (gboolean linear, double step, guint n_in, guint i,
    double *weights /* [n_in] */)
{
  double total = 0.0;

  for (guint j = 0; j < n_in; j++) {
    double x = fabs (j + 0.5 - step * (i + 0.5)) / fmax (step, 1.0);

    weights[j] = linear ? fmax (1.0 - x, 0.0) : cubic (x, -0.5);
    total += weights[j];
  }
  for (guint j = 0; j < n_in; j++)
    weights[j] /= total;
}

/* [n_out][n_in] */
static double *
define_weights (VitPositionRule rule, guint n_in, guint n_out)
{
  double *weights = g_new0 (double, (gsize) n_in * n_out);
  double step = (double) n_in / (rule == DINO ? n_out + 0.1 : n_out);

  for (guint i = 0; i < n_out; i++) {
    double *row = weights + (gsize) i * n_in;
    double x = step * (i + 0.5) - 0.5;

    if (is_antialias (rule)) {
      define_antialias_weights (is_linear (rule), step, n_in, i, row);
      continue;
    }
    if (is_linear (rule)) {
      x = fmax (x, 0.0);
      guint k = (guint) x;
      row[k] += 1.0 - (x - k);
      row[k + (k < n_in - 1)] += x - k;
      continue;
    }
    for (int offset = -1; offset <= 2; offset++) {
      double position = floor (x) + offset;

      row[(guint) fmin (fmax (position, 0.0), n_in - 1.0)]
          += cubic (fabs (x - position), -0.75);
    }
  }
  return weights;
}

static void
check_against_definition (VitPositionRule rule, guint table_rows,
    guint table_cols, guint embed_dim, guint rows, guint cols)
{
  gsize n_positions = (gsize) table_rows * table_cols;
  g_autofree float *table = random_table (n_positions * embed_dim);
  g_autofree double *vertical = define_weights (rule, table_rows, rows);
  g_autofree double *horizontal = define_weights (rule, table_cols, cols);
  g_autofree float *out = resample (rule, table, table_rows, table_cols,
      embed_dim, rows, cols);

  g_test_message ("%s: %u x %u x %u to %u x %u", vit_position_rule_name (rule),
      table_rows, table_cols, embed_dim, rows, cols);
  for (gsize n = 0; n < (gsize) rows * cols * embed_dim; n++) {
    const double *down = vertical + n / embed_dim / cols * table_rows;
    const double *along = horizontal + n / embed_dim % cols * table_cols;
    double sum = 0.0;

    for (gsize j = 0; j < n_positions; j++) {
      sum += down[j / table_cols] * along[j % table_cols]
          * table[j * embed_dim + n % embed_dim];
    }
    g_assert_cmpfloat_with_epsilon (out[n], sum, 1e-6);
  }
}

static void
test_definition (gconstpointer data)
{
  VitPositionRule rule = GPOINTER_TO_UINT (data);

  for (guint k = 0; k < 40; k++) {
    check_against_definition (rule, (guint) g_test_rand_int_range (1, 20),
        (guint) g_test_rand_int_range (1, 20),
        (guint) g_test_rand_int_range (1, 10),
        (guint) g_test_rand_int_range (1, 24),
        (guint) g_test_rand_int_range (1, 24));
  }
  check_against_definition (rule, 1, 1, 1, 1, 1);
  check_against_definition (rule, 1, 1, 3, 5, 4);
  check_against_definition (rule, 9, 7, 1, 1, 1);
  check_against_definition (rule, 1, 9, 2, 9, 1);
  check_against_definition (rule, 2, 3, 17, 2, 3);
}

static void
test_constant_stays_constant (gconstpointer data)
{
  VitPositionRule rule = GPOINTER_TO_UINT (data);
  const guint sizes[] = { 1, 2, 7, 14, 37, 40 };
  float table[14 * 37];

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    table[i] = 0.7f;
  for (guint r = 0; r < G_N_ELEMENTS (sizes); r++) {
    for (guint c = 0; c < G_N_ELEMENTS (sizes); c++) {
      g_autofree float *out
          = resample (rule, table, 14, 37, 1, sizes[r], sizes[c]);

      for (guint i = 0; i < sizes[r] * sizes[c]; i++)
        g_assert_cmpfloat_with_epsilon (out[i], 0.7f, 1e-7f);
    }
  }
}

static void
test_same_size_is_a_copy_but_by_dino (void)
{
  g_autofree float *table = random_table (5 * 13 * 3);

  for (guint rule = DINO; rule <= BILINEAR_ANTIALIAS; rule++) {
    g_autofree float *out = resample (rule, table, 5, 13, 3, 5, 13);

    g_assert_cmpint (memcmp (out, table, 5 * 13 * 3 * sizeof *out) == 0, ==,
        rule != DINO);
  }
}

static void
test_timm_and_openclip_are_size_antialias (void)
{
  g_autofree float *table = random_table (14 * 14 * 4);
  g_autofree float *size = resample (SIZE_ANTIALIAS, table, 14, 14, 4, 30, 9);
  g_autofree float *timm = resample (TIMM, table, 14, 14, 4, 30, 9);
  g_autofree float *openclip = resample (OPENCLIP, table, 14, 14, 4, 30, 9);

  g_assert_cmpint (memcmp (size, timm, 30 * 9 * 4 * sizeof *size), ==, 0);
  g_assert_cmpint (memcmp (size, openclip, 30 * 9 * 4 * sizeof *size), ==, 0);
}

/* FNV-1a of the values' bits. */
static guint32
hash_bits (guint32 hash, const float *values, gsize n_values)
{
  for (gsize i = 0; i < n_values; i++) {
    guint32 bits;

    memcpy (&bits, &values[i], sizeof bits);
    for (guint shift = 0; shift < 32; shift += 8)
      hash = (hash ^ (bits >> shift & 0xff)) * 16777619u;
  }
  return hash;
}

/* What the first machine computed, every other must. */
static void
test_same_bits_everywhere (void)
{
  float table[37 * 37 * 5];
  guint32 state = 1, hash = 2166136261u;

  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    state = state * 1664525u + 1013904223u;
    table[i] = (float) (state >> 8) / 16777216.0f - 0.5f;
  }
  for (guint rule = DINO; rule <= BILINEAR_ANTIALIAS; rule++) {
    g_autofree float *larger = resample (rule, table, 37, 37, 5, 67, 120);
    g_autofree float *smaller = resample (rule, table, 37, 37, 5, 16, 11);

    hash = hash_bits (hash, larger, 67 * 120 * 5);
    hash = hash_bits (hash, smaller, 16 * 11 * 5);
  }
  g_assert_cmphex (hash, ==, 0x55856027);
}

static void
test_no_memory_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  float value = 0.0f;
  /* volatile: else the compiler sees the size and warns of it. */
  volatile guint huge = G_MAXUINT;

  g_assert_false (vit_pos_embed_resample (SIZE, &value, 1, huge, huge, 1, 1,
      &value, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY);
}

static void
test_speed_of_4k (void)
{
  g_autofree float *table = random_table (37 * 37 * 768);

  for (guint rule = DINO; rule <= BILINEAR_ANTIALIAS; rule++) {
    g_test_timer_start ();
    g_free (resample (rule, table, 37, 37, 768, 135, 240));
    g_test_timer_elapsed ();
    g_test_minimized_result (g_test_timer_last (),
        "37 x 37 x 768 to 135 x 240 by %s: %.0f ms",
        vit_position_rule_name (rule), 1e3 * g_test_timer_last ());
  }
}

static void
add_rule_tests (VitPositionRule rule)
{
  const char *name = vit_position_rule_name (rule);
  g_autofree char *definition
      = g_strdup_printf ("/pos_embed/definition/%s", name);
  g_autofree char *constant
      = g_strdup_printf ("/pos_embed/constant-stays-constant/%s", name);

  g_test_add_data_func (definition, GUINT_TO_POINTER (rule), test_definition);
  g_test_add_data_func (constant, GUINT_TO_POINTER (rule),
      test_constant_stays_constant);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pos_embed/names", test_names);
  g_test_add_func ("/pos_embed/known-weights", test_known_weights);
  for (guint i = 0; i < G_N_ELEMENTS (kept_cases); i++) {
    g_autofree char *path
        = g_strdup_printf ("/pos_embed/kept/%s", kept_cases[i].name);

    g_test_add_data_func (path, &kept_cases[i], test_kept);
  }
  for (guint rule = DINO; rule <= BILINEAR_ANTIALIAS; rule++)
    add_rule_tests (rule);
  g_test_add_func ("/pos_embed/same-size-is-a-copy-but-by-dino",
      test_same_size_is_a_copy_but_by_dino);
  g_test_add_func ("/pos_embed/timm-and-openclip-are-size-antialias",
      test_timm_and_openclip_are_size_antialias);
  g_test_add_func ("/pos_embed/same-bits-everywhere",
      test_same_bits_everywhere);
  g_test_add_func ("/pos_embed/computed-by-hand", test_computed_by_hand);
  g_test_add_func ("/pos_embed/no-memory-is-an-error",
      test_no_memory_is_an_error);
  if (g_test_perf ())
    g_test_add_func ("/pos_embed/speed-of-4k", test_speed_of_4k);
  add_golden_cases ();
  return g_test_run ();
}
