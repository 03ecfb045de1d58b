/* SPDX-License-Identifier: MIT
 *
 * One patch computed both ways, as the short product over stored samples and as
 * the full one over clamped pixels: the tokens are the same within the
 * precision's rounding wherever no pixel leaves the RGB cube, differ where one
 * does, and the plan takes the way that is right.  Patches are drawn on the
 * faces of the cube, just inside and just outside.  And a frame that is stopped
 * on its way.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "patch/format_embed.h"
#include "support/planes.h"

#define SIZE 16
#define COLUMNS 12
#define ROWS 8
#define N_PATCHES (COLUMNS * ROWS)
#define EMBED_DIM 24

/* Of a token's norm, the mean of the frame's. */
#define MAX_F32_DIFFERENCE 1e-6
#define MAX_FIXED_DIFFERENCE 1e-4

/* Farther inside than this, the short product must be taken. */
#define SURELY_INSIDE 0.24

/* Filters that answer to one pixel as much as to all of them, so that a single
 * pixel that is clamped shows. */
static VitModel *
make_model (void)
{
  VitModel *model = vit_model_alloc (SIZE, EMBED_DIM, 0, 0, 0, NULL);
  GRand *random = g_rand_new_with_seed (1);

  g_assert_nonnull (model);
  for (gsize k = 0; k < EMBED_DIM * 3 * SIZE * SIZE; k++)
    model->weight[k] = (float) g_rand_double_range (random, -1, 1);
  for (guint d = 0; d < EMBED_DIM; d++)
    model->bias[d] = (float) g_rand_double_range (random, -1, 1);
  g_rand_free (random);
  return model;
}

static void
make_frame (VitFormatEmbed *frame, const VitModel *model,
    const VitImageFormat *format, VitPrecision precision)
{
  VitFormatEmbedRequest request = { .model = model, .format = *format,
    .mean = { 0.485, 0.456, 0.406 }, .std = { 0.229, 0.224, 0.225 },
    .rule = VIT_POSITION_RULE_NONE, .precision = precision,
    .type = VIT_TOKEN_F32, .grid_width = COLUMNS, .grid_height = ROWS,
    .n_workers = 1 };

  g_assert_true (vit_format_embed_init (frame, &request, NULL, NULL));
}

/* What luma may be beside this chroma: lowest and highest real number with
 * which no colour leaves [0,255]. */
static void
find_luma_range (const VitImageFormat *format, double cb, double cr,
    double *lowest, double *highest)
{
  double matrix[3][4];

  vit_image_sample_to_pixel (format, matrix);
  *lowest = -INFINITY;
  *highest = INFINITY;
  for (guint c = 0; c < 3; c++) {
    double chroma = matrix[c][1] * cb + matrix[c][2] * cr + matrix[c][3];

    *lowest = MAX (*lowest, -chroma / matrix[c][0]);
    *highest = MIN (*highest, (255.0 - chroma) / matrix[c][0]);
  }
}

/* One colour, inside, and one pixel of it on a face of the cube or `steps` of
 * luma off it, positive inwards.  Neutral chroma, every third patch, can lie on
 * the face exactly. */
static void
draw_patch (Planes *planes, guint patch, gint steps, GRand *random)
{
  const VitPixelFormat *pixel = planes->format.pixel;
  guint left = patch % COLUMNS * SIZE, top = patch / COLUMNS * SIZE;
  gint unit = 1 << (pixel->depth - 8), peak = 256 * unit - 1;
  gint spread = patch % 3 == 0 ? 0 : 90 * unit, cb, cr, edge, inside;
  gboolean dark = g_rand_boolean (random);
  double lowest, highest;

  do {
    cb = 128 * unit + g_rand_int_range (random, -spread, spread + 1);
    cr = 128 * unit + g_rand_int_range (random, -spread, spread + 1);
    find_luma_range (&planes->format, cb, cr, &lowest, &highest);
  } while (highest - lowest < 40.0 * unit);

  edge = dark ? (gint) ceil (lowest - 1e-9) + steps
              : (gint) floor (highest + 1e-9) - steps;
  inside = (gint) lrint ((lowest + highest) / 2.0);
  for (guint i = 0; i < SIZE * SIZE; i++) {
    guint x = left + i % SIZE, y = top + i / SIZE;

    planes_set (planes, 0, x, y, (guint) inside);
    planes_set (planes, 1, x >> pixel->component[1].shift_x,
        y >> pixel->component[1].shift_y, (guint) cb);
    planes_set (planes, 2, x >> pixel->component[2].shift_x,
        y >> pixel->component[2].shift_y, (guint) cr);
  }
  planes_set (planes, 0, left + (guint) g_rand_int_range (random, 0, SIZE),
      top + (guint) g_rand_int_range (random, 0, SIZE),
      (guint) CLAMP (edge, 0, peak));
}

/* The tokens with every patch computed in this way. */
static void
compute (VitFormatEmbed *frame, const VitImage *image, VitPatchKind kind,
    float *tokens /* [N_PATCHES][EMBED_DIM] */)
{
  memset (frame->plan.kind, (gint) kind, N_PATCHES);
  vit_plan_finish (&frame->plan);
  vit_format_embed_run (frame, image, NULL, (guint8 *) tokens, NULL, NULL);
}

static double
norm_of (const float *values, gsize n)
{
  double square = 0;

  for (gsize i = 0; i < n; i++)
    square += (double) values[i] * values[i];
  return sqrt (square);
}

static double
difference (const float *a, const float *b)
{
  float rest[EMBED_DIM];

  for (guint d = 0; d < EMBED_DIM; d++)
    rest[d] = a[d] - b[d];
  return norm_of (rest, EMBED_DIM);
}

typedef struct {
  guint n_short;
  guint n_full;
  guint n_on_face;   /* nearest pixel exactly on it */
  guint n_different; /* the short product would have been wrong */
  double worst;
} Tally;

static void
compare_ways (VitFormatEmbed *frame, Planes *planes, double bound, Tally *tally)
{
  static float both[2][N_PATCHES * EMBED_DIM], chosen[N_PATCHES * EMBED_DIM];
  guint8 kind[N_PATCHES];
  double norm;

  vit_format_embed_plan (frame, &planes->image, FALSE, 0, NULL, NULL);
  memcpy (kind, frame->plan.kind, sizeof kind);
  vit_format_embed_run (
      frame, &planes->image, NULL, (guint8 *) chosen, NULL, NULL);
  compute (frame, &planes->image, VIT_PATCH_SAMPLES, both[0]);
  compute (frame, &planes->image, VIT_PATCH_PIXELS, both[1]);
  norm = norm_of (both[1], N_PATCHES * EMBED_DIM) / sqrt (N_PATCHES);

  for (guint i = 0; i < N_PATCHES; i++) {
    gsize at = i * EMBED_DIM;
    double distance = planes_distance_to_faces (
        planes, i % COLUMNS * SIZE, i / COLUMNS * SIZE, SIZE);
    double off = difference (both[0] + at, both[1] + at) / norm;

    g_assert_true (
        kind[i] == VIT_PATCH_SAMPLES || kind[i] == VIT_PATCH_PIXELS);
    /* Each token is, to the bit, that of the way that was planned. */
    g_assert_cmpmem (chosen + at, EMBED_DIM * sizeof (float),
        both[kind[i] == VIT_PATCH_PIXELS] + at, EMBED_DIM * sizeof (float));
    if (distance > SURELY_INSIDE)
      g_assert_cmpuint (kind[i], ==, VIT_PATCH_SAMPLES);
    if (fabs (distance) < 1e-9) {
      tally->n_on_face++;
      if (i % 3 == 0)
        g_assert_cmpuint (kind[i], ==, VIT_PATCH_SAMPLES);
    }
    if (distance < -1e-9)
      g_assert_cmpuint (kind[i], ==, VIT_PATCH_PIXELS);
    else
      tally->worst = MAX (tally->worst, off);
    tally->n_short += kind[i] == VIT_PATCH_SAMPLES;
    tally->n_full += kind[i] == VIT_PATCH_PIXELS;
    tally->n_different += distance < -1e-9 && off > bound;
  }
  g_assert_cmpfloat (tally->worst, <=, bound);
}

static void
check_both_ways (const VitPixelFormat *pixel, VitPrecision precision)
{
  static const double luma[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 } };
  gboolean is_f32 = precision == VIT_PRECISION_F32;
  double bound = is_f32 ? MAX_F32_DIFFERENCE : MAX_FIXED_DIFFERENCE;
  GRand *random = g_rand_new_with_seed (2);
  VitModel *model = make_model ();
  Tally tally = { 0 };
  Planes planes;

  planes_init (&planes, pixel, COLUMNS * SIZE, ROWS * SIZE, random);
  for (guint i = 0; i < 12; i++) {
    VitFormatEmbed frame;

    planes.format.kr = luma[i % 3][0];
    planes.format.kb = luma[i % 3][1];
    planes.format.full_range = i / 3 % 2 != 0;
    for (guint patch = 0; patch < N_PATCHES; patch++)
      draw_patch (
          &planes, patch, g_rand_int_range (random, -2, 3), random);
    make_frame (&frame, model, &planes.format, precision);
    compare_ways (&frame, &planes, bound, &tally);
    vit_format_embed_clear (&frame);
  }
  g_test_message ("%s %s: %u short, %u full, %u on a face, %u of the full "
                  "ones would show; both ways within %.2g",
      pixel->name, is_f32 ? "f32" : "int16", tally.n_short, tally.n_full,
      tally.n_on_face, tally.n_different, tally.worst);
  g_assert_cmpuint (tally.n_short, >, 200);
  g_assert_cmpuint (tally.n_full, >, 200);
  g_assert_cmpuint (tally.n_on_face, >, 20);
  g_assert_cmpuint (tally.n_different, >, 100);
  planes_clear (&planes);
  vit_model_unref (model);
  g_rand_free (random);
}

static void
test_both_ways_give_the_same_token (gconstpointer data)
{
  check_both_ways (data, VIT_PRECISION_F32);
  check_both_ways (data, VIT_PRECISION_INT16);
}

/* Once alone, as if it were wanted again afterwards. */
static gboolean
is_over (gpointer patience)
{
  gint *n_left = patience;

  return (*n_left)-- == 0;
}

/* Before any of its blocks; what is computed next is as if nothing had been. */
static void
test_stopped (void)
{
  static float all[N_PATCHES * EMBED_DIM], again[N_PATCHES * EMBED_DIM];
  GRand *random = g_rand_new_with_seed (3);
  VitModel *model = make_model ();
  gint n_blocks = 0, patience = 0;
  VitFormatEmbed frame;
  Planes planes;

  planes_init (&planes, vit_pixel_format_find ("I420"), COLUMNS * SIZE,
      ROWS * SIZE, random);
  planes.format.kr = 0.299;
  planes.format.kb = 0.114;
  /* Of both ways, so that there is a block of each. */
  for (guint patch = 0; patch < N_PATCHES; patch++)
    draw_patch (&planes, patch, g_rand_int_range (random, -2, 3), random);
  make_frame (&frame, model, &planes.format, VIT_PRECISION_F32);
  vit_format_embed_plan (&frame, &planes.image, FALSE, 0, NULL, NULL);
  g_assert_true (vit_format_embed_run (
      &frame, &planes.image, NULL, (guint8 *) all, NULL, NULL));
  frame.is_stopped = is_over;
  frame.stop_data = &patience;
  while (!vit_format_embed_run (
      &frame, &planes.image, NULL, (guint8 *) again, NULL, NULL)) {
    /* Nothing is asked once it was stopped. */
    g_assert_cmpint (patience, ==, -1);
    patience = ++n_blocks;
  }
  g_assert_cmpint (n_blocks, >, 1);
  g_assert_cmpmem (again, sizeof again, all, sizeof all);
  vit_format_embed_clear (&frame);
  planes_clear (&planes);
  vit_model_unref (model);
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  static const char *const formats[] = { "I420", "NV21", "Y42B", "UYVY", "Y444",
    "I420_10LE", "P010_10LE" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    gchar *test = g_strconcat ("/two-ways/", formats[i], NULL);

    g_test_add_data_func (test, vit_pixel_format_find (formats[i]),
        test_both_ways_give_the_same_token);
    g_free (test);
  }
  g_test_add_func ("/two-ways/stopped", test_stopped);
  return g_test_run ();
}
