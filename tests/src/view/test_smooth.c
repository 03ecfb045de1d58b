/* SPDX-License-Identifier: MIT
 *
 * Pixels between the centres of cells, against bilinear interpolation in double.
 */
#include "view/smooth.h"

#include <math.h>
#include <string.h>

#include "view/shade.h"

#define COLUMNS 5
#define ROWS 4
#define CELLS (COLUMNS * ROWS)
#define WIDTH 70
#define HEIGHT 60

/* Where a pixel lies in the grid; FALSE if outside. */
static gboolean
find_place (const double map[6], double x, double y, double *column, double *row)
{
  double determinant = map[0] * map[4] - map[1] * map[3];

  x -= map[2];
  y -= map[5];
  *column = (map[4] * x - map[1] * y) / determinant;
  *row = (map[0] * y - map[3] * x) / determinant;
  return *column >= 0 && *column < COLUMNS && *row >= 0 && *row < ROWS;
}

/* The weights of the cells at a place: their sum is 1. */
static void
find_weights (double column, double row, double weights[CELLS])
{
  column = CLAMP (column - 0.5, 0, COLUMNS - 1);
  row = CLAMP (row - 0.5, 0, ROWS - 1);
  for (guint r = 0; r < ROWS; r++) {
    for (guint c = 0; c < COLUMNS; c++)
      weights[r * COLUMNS + c]
          = MAX (0, 1 - fabs (column - c)) * MAX (0, 1 - fabs (row - r));
  }
}

static guint32
mix (double weights[CELLS], const guint32 colours[CELLS])
{
  double alpha = 0, parts[3] = { 0 };
  guint32 pixel;

  for (guint cell = 0; cell < CELLS; cell++) {
    double weight = weights[cell] * (colours[cell] >> 24);

    alpha += weight;
    for (guint i = 0; i < 3; i++)
      parts[i] += weight * (colours[cell] >> 8 * i & 255);
  }
  if (alpha < 0.5)
    return 0;
  pixel = (guint32) (alpha + 0.5) << 24;
  for (guint i = 0; i < 3; i++)
    pixel |= (guint32) (parts[i] / alpha + 0.5) << 8 * i;
  return pixel;
}

static void
assert_near (guint32 found, guint32 expected)
{
  for (guint shift = 0; shift < 32; shift += 8)
    g_assert_cmpint (
        abs ((gint) (found >> shift & 255) - (gint) (expected >> shift & 255)),
        <=, 1);
}

static const double maps[][6] = { { 13, 0, 2, 0, 14, 1 },
  { 12, 3, 1, -2.5, 11, 14 }, { -9, 0, 60, 0, 9, 3 }, { 0.5, 0, 3, 0, 0.4, 2 },
  { 40, 0, -70, 0, 45, -60 } };

typedef struct {
  guint32 colours[CELLS];
  float places[CELLS];
  guint32 pixels[HEIGHT][WIDTH];
  VitCells cells;
  VitCanvas canvas;
} Picture;

/* Some cells are transparent, some have no place. */
static void
fill (Picture *picture, const double map[6], GRand *rand)
{
  for (guint i = 0; i < CELLS; i++) {
    picture->colours[i] = g_rand_int (rand);
    if (i % 7 == 3)
      picture->colours[i] = 0;
    picture->places[i] = i % 6 == 5 ? NAN : (float) g_rand_double (rand);
  }
  picture->cells = (VitCells){ .columns = COLUMNS, .rows = ROWS };
  memcpy (picture->cells.map, map, sizeof picture->cells.map);
  picture->canvas
      = (VitCanvas){ picture->pixels[0], 3, 2, WIDTH, HEIGHT };
  memset (picture->pixels, 0x5a, sizeof picture->pixels);
}

static void
test_colours (void)
{
  GRand *rand = g_rand_new_with_seed (5);

  for (guint m = 0; m < G_N_ELEMENTS (maps); m++) {
    Picture picture;

    fill (&picture, maps[m], rand);
    vit_smooth_colours (
        &picture.cells, picture.colours, &picture.canvas);
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++) {
        double weights[CELLS], column, row;
        gboolean is_in
            = find_place (maps[m], x + 3.5, y + 2.5, &column, &row);

        find_weights (column, row, weights);
        assert_near (picture.pixels[y][x],
            is_in ? mix (weights, picture.colours) : 0);
      }
    }
  }
  g_rand_free (rand);
}

static void
test_places (void)
{
  GRand *rand = g_rand_new_with_seed (6);

  for (guint m = 0; m < G_N_ELEMENTS (maps); m++) {
    Picture picture;

    fill (&picture, maps[m], rand);
    vit_smooth_places (&picture.cells, picture.places, picture.colours,
        0.6f, &picture.canvas);
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++) {
        double weights[CELLS], column, row, place = 0;
        gboolean is_in
            = find_place (maps[m], x + 3.5, y + 2.5, &column, &row);

        if (!is_in) {
          g_assert_cmphex (picture.pixels[y][x], ==, 0);
          continue;
        }
        find_weights (column, row, weights);
        for (guint i = 0; i < CELLS; i++)
          place += weights[i] > 1e-8 ? weights[i] * picture.places[i] : 0;
        assert_near (picture.pixels[y][x],
            isnan (place) ? mix (weights, picture.colours)
                          : vit_shade_value ((float) place, 0.6f));
      }
    }
  }
  g_rand_free (rand);
}

/* Nothing lies between it and another. */
static void
test_a_single_cell_is_even (void)
{
  static const guint32 colour = 0x80123456;
  static const float place = 0.25f;
  guint32 pixels[8 * 8];
  VitCells cells = { { 8, 0, 0, 0, 8, 0 }, 1, 1 };
  VitCanvas canvas = { pixels, 0, 0, 8, 8 };

  vit_smooth_colours (&cells, &colour, &canvas);
  for (guint i = 0; i < 64; i++)
    assert_near (pixels[i], colour);
  vit_smooth_places (&cells, &place, &colour, 1, &canvas);
  for (guint i = 0; i < 64; i++)
    assert_near (pixels[i], vit_shade_value (place, 1));
}

static void
test_a_map_without_inverse_shows_nothing (void)
{
  static const guint32 colours[4] = { 1, 2, 3, 4 };
  guint32 pixels[4] = { 5, 5, 5, 5 };
  VitCells cells = { { 1, 2, 0, 2, 4, 0 }, 2, 2 };
  VitCanvas canvas = { pixels, 0, 0, 2, 2 };

  vit_smooth_colours (&cells, colours, &canvas);
  for (guint i = 0; i < 4; i++)
    g_assert_cmphex (pixels[i], ==, 0);
}

/* Half a cell beyond the coloured one is coloured. */
static void
test_bounds_hold_all_that_is_coloured (void)
{
  guint32 colours[CELLS] = { 0 }, pixels[WIDTH * HEIGHT];
  VitCells cells = { { 10, 0, 5, 0, 10, 5 }, COLUMNS, ROWS };
  VitCanvas whole = { pixels, 0, 0, WIDTH, HEIGHT }, bounds;
  gint left = WIDTH, top = HEIGHT, right = 0, bottom = 0;

  colours[2 * COLUMNS + 1] = 0xffffffff;
  colours[2 * COLUMNS + 3] = 0xffffffff;
  g_assert_true (vit_paint_bounds (
      &cells, colours, 1, WIDTH, HEIGHT, &bounds));
  vit_smooth_colours (&cells, colours, &whole);
  for (gint i = 0; i < WIDTH * HEIGHT; i++) {
    if (pixels[i] == 0)
      continue;
    left = MIN (left, i % WIDTH);
    right = MAX (right, i % WIDTH + 1);
    top = MIN (top, i / WIDTH);
    bottom = MAX (bottom, i / WIDTH + 1);
  }
  g_assert_cmpint (left, ==, 10);
  g_assert_cmpint (bottom, ==, 40);
  g_assert_cmpint (bounds.x, ==, 5);
  g_assert_cmpint (bounds.y, ==, 15);
  g_assert_cmpint (bounds.x + (gint) bounds.width, ==, 55);
  g_assert_cmpint (bounds.y + (gint) bounds.height, ==, 45);
  g_assert_cmpint (right, <=, 55);
  g_assert_cmpint (top, >=, 15);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/smooth/" name, function)
  TEST ("colours", test_colours);
  TEST ("places", test_places);
  TEST ("a-single-cell-is-even", test_a_single_cell_is_even);
  TEST ("a-map-without-inverse-shows-nothing",
      test_a_map_without_inverse_shows_nothing);
  TEST ("bounds-hold-all-that-is-coloured",
      test_bounds_hold_all_that_is_coloured);
  return g_test_run ();
}
