/* SPDX-License-Identifier: MIT
 *
 * From tokens to pixels: reading them, cosines and norms, colours, and cells
 * drawn where a map says.
 */
#include <math.h>
#include <string.h>

#include "view/paint.h"
#include "view/shade.h"
#include "view/token_similarity.h"

static void
test_every_type_is_read_back (void)
{
  static const float values[] = { 0, -0.0f, 1, -2.5f, 65504, 0x1p-24f, 0.375f };
  guint8 stored[sizeof values + 1];
  float found[G_N_ELEMENTS (values)];

  for (guint type = VIT_TOKEN_F32; type <= VIT_TOKEN_BF16; type++) {
    VitTokenView view
        = { stored + 1, (VitTokenType) type, 1, 1, G_N_ELEMENTS (values), NULL,
            NULL, NULL };
    guint8 aligned[sizeof values];

    vit_token_type_write (
        (VitTokenType) type, values, G_N_ELEMENTS (values), aligned);
    memcpy (stored + 1, aligned, sizeof aligned);
    vit_token_view_read (&view, 0, found);
    for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
      /* bf16 keeps 8 bits. */
      if (type == VIT_TOKEN_BF16 && values[i] == 65504)
        g_assert_cmpfloat (found[i], ==, 65536);
      else
        g_assert_cmpfloat (found[i], ==, values[i]);
    }
  }
}

/* 3 x 2 patches of 2 values. */
static const float content[6][2]
    = { { 1, 0 }, { 0, 2 }, { -3, 0 }, { 4, 4 }, { 0, 0 }, { 0, -1 } };

static void
test_positions_are_taken_off (void)
{
  float tokens[6][2], positions[6][2], found[2];
  VitTokenView view
      = { tokens, VIT_TOKEN_F32, 3, 2, 2, positions[0], NULL, NULL };

  for (guint i = 0; i < 6; i++) {
    for (guint d = 0; d < 2; d++) {
      positions[i][d] = (float) (8 * i + d);
      tokens[i][d] = content[i][d] + positions[i][d];
    }
  }
  for (guint i = 0; i < 6; i++) {
    vit_token_view_read (&view, i, found);
    g_assert_cmpfloat (found[0], ==, content[i][0]);
    g_assert_cmpfloat (found[1], ==, content[i][1]);
  }
}

/* Whatever positions are the sum of a row's and a column's, tokens with and
 * without them give the same rest, and its rows and columns have one mean. */
static void
test_separable_positions_are_fitted (void)
{
  float tokens[6][2], rows[2][2], columns[3][2], rest[2][6][2];

  for (guint with = 0; with < 2; with++) {
    VitTokenView view = { tokens, VIT_TOKEN_F32, 3, 2, 2, NULL, NULL, NULL };

    for (guint i = 0; i < 6; i++) {
      float position = with ? 10.0f * (float) (i / 3) : 0.0f;

      tokens[i][0] = content[i][0] + position;
      tokens[i][1] = content[i][1] + (with ? 3.0f * (float) (i % 3) : 0.0f);
    }
    vit_token_view_fit (&view, rows[0], columns[0]);
    view.rows = rows[0];
    view.columns = columns[0];
    for (guint i = 0; i < 6; i++)
      vit_token_view_read (&view, i, rest[with][i]);
  }
  for (guint d = 0; d < 2; d++) {
    float first = rest[0][0][d] + rest[0][1][d] + rest[0][2][d];
    float second = rest[0][3][d] + rest[0][4][d] + rest[0][5][d];

    g_assert_cmpfloat_with_epsilon (first, second, 1e-5);
    for (guint i = 1; i < 3; i++)
      g_assert_cmpfloat_with_epsilon (rest[0][i][d] + rest[0][i + 3][d],
          rest[0][0][d] + rest[0][3][d], 1e-5);
    /* They differ by the positions' mean alone. */
    for (guint i = 1; i < 6; i++)
      g_assert_cmpfloat_with_epsilon (rest[1][i][d] - rest[0][i][d],
          rest[1][0][d] - rest[0][0][d], 1e-5);
  }
}

static void
test_cosines_and_norms (void)
{
  static const float query[2] = { 2, 0 }, zero[2] = { 0, 0 };
  static const float cosine[6] = { 1, 0, -1, (float) G_SQRT2 / 2, NAN, 0 };
  static const float norm[6] = { 1, 2, 3, 4 * (float) G_SQRT2, 0, 1 };
  VitTokenView view = { content, VIT_TOKEN_F32, 3, 2, 2, NULL, NULL, NULL };
  float found[6];

  vit_token_cosines (&view, query, 1, found);
  for (guint i = 0; i < 6; i++) {
    if (isnan (cosine[i]))
      g_assert_true (isnan (found[i]));
    else
      g_assert_cmpfloat_with_epsilon (found[i], cosine[i], 1e-6);
  }
  vit_token_norms (&view, found);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon (found[i], norm[i], 1e-6);
  vit_token_cosines (&view, zero, 1, found);
  for (guint i = 0; i < 6; i++)
    g_assert_true (isnan (found[i]));
}

/* Lengths that are no multiple of a vector's, against double. */
static void
test_cosines_of_every_length (void)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint dim = 1; dim < 40; dim++) {
    float tokens[2 * 40], found[2];
    double product = 0, first = 0, second = 0;
    VitTokenView view = { tokens, VIT_TOKEN_F32, 2, 1, dim, NULL, NULL, NULL };

    for (guint i = 0; i < 2 * dim; i++)
      tokens[i] = (float) g_rand_double_range (rand, -1, 1);
    for (guint d = 0; d < dim; d++) {
      product += (double) tokens[d] * tokens[dim + d];
      first += (double) tokens[d] * tokens[d];
      second += (double) tokens[dim + d] * tokens[dim + d];
    }
    vit_token_cosines (&view, tokens, 1, found);
    g_assert_cmpfloat_with_epsilon (found[0], 1.0, 1e-6);
    g_assert_cmpfloat_with_epsilon (
        found[1], product / sqrt (first * second), 1e-6);
  }
  g_rand_free (rand);
}

/* The greatest of each one's own, whatever their lengths; one without a direction
 * counts for nothing. */
static void
test_the_best_cosine_of_several (void)
{
  GRand *rand = g_rand_new_with_seed (4);
  float tokens[6 * 7], queries[4 * 7], found[6], single[4][6];
  VitTokenView view = { tokens, VIT_TOKEN_F32, 3, 2, 7, NULL, NULL, NULL };

  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
    tokens[i] = (float) g_rand_double_range (rand, -1, 1);
  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    queries[i] = (float) g_rand_double_range (rand, -1, 1) * (float) (1 + i);
  memset (queries + 7, 0, 7 * sizeof *queries);
  queries[2 * 7 + 3] = INFINITY;
  for (guint q = 0; q < 4; q++)
    vit_token_cosines (&view, queries + 7 * q, 1, single[q]);
  vit_token_cosines (&view, queries, 4, found);
  for (guint i = 0; i < 6; i++) {
    g_assert_true (isnan (single[1][i]) && isnan (single[2][i]));
    g_assert_cmpfloat (found[i], ==, MAX (single[0][i], single[3][i]));
  }
  g_rand_free (rand);
}

static void
test_a_range_follows (void)
{
  static const float values[] = { 2, NAN, -1, INFINITY, 1 }, next[] = { 12, 9 };
  VitShadeRange range = { 0 };

  vit_shade_range_follow (&range, values, G_N_ELEMENTS (values));
  g_assert_cmpfloat (range.low, ==, -1);
  g_assert_cmpfloat (range.high, ==, 2);
  g_assert_cmpfloat_with_epsilon (
      vit_shade_range_place (&range, 0.5f), 0.5, 1e-6);
  g_assert_cmpfloat (vit_shade_range_place (&range, -7), ==, 0);
  g_assert_cmpfloat (vit_shade_range_place (&range, 7), ==, 1);
  g_assert_cmpfloat (vit_shade_range_place (&range, NAN), ==, 0);
  vit_shade_range_follow (&range, next, G_N_ELEMENTS (next));
  g_assert_cmpfloat_with_epsilon (range.low, 0, 1e-6);
  g_assert_cmpfloat_with_epsilon (range.high, 3, 1e-6);
}

static void
test_colours (void)
{
  static const float rgb[3] = { 1, 0.5f, NAN };

  g_assert_cmphex (vit_shade_rgb (rgb, 1), ==, 0xffff8000);
  g_assert_cmphex (vit_shade_value (0, 1), ==, 0xff440154);
  g_assert_cmphex (vit_shade_value (1, 0), ==, 0x00fde725);
  g_assert_cmphex (vit_shade_value (NAN, 1), ==, 0xff440154);
  g_assert_cmphex (vit_shade_value (2, 1), ==, 0xfffde725);
  for (guint i = 0; i < 100; i++) {
    guint32 a = vit_shade_value ((float) i / 100, 1);
    guint32 b = vit_shade_value ((float) (i + 1) / 100, 1);

    /* Brightness rises all the way. */
    g_assert_cmpuint (
        299 * (a >> 16 & 255) + 587 * (a >> 8 & 255) + 114 * (a & 255), <,
        299 * (b >> 16 & 255) + 587 * (b >> 8 & 255) + 114 * (b & 255));
  }
}

/* Each pixel of a 20 x 15 picture by the map's own definition. */
static void
check_map (const double map[6])
{
  VitCells cells = { .columns = 3, .rows = 2 };
  guint32 colours[6], pixels[20 * 15], expected[20 * 15] = { 0 };
  VitCanvas whole = { pixels, 0, 0, 20, 15 }, bounds;
  gint left = 20, top = 15, right = 0, bottom = 0;

  memcpy (cells.map, map, sizeof cells.map);
  for (guint i = 0; i < 6; i++)
    colours[i] = 0xff000000 + i;
  for (gint y = 0; y < 15; y++) {
    for (gint x = 0; x < 20; x++) {
      double u = x + 0.5 - map[2], v = y + 0.5 - map[5];
      double det = map[0] * map[4] - map[1] * map[3];
      double c = floor ((map[4] * u - map[1] * v) / det + 1e-9);
      double r = floor ((map[0] * v - map[3] * u) / det + 1e-9);

      if (c < 0 || c > 2 || r < 0 || r > 1)
        continue;
      expected[y * 20 + x] = 0xff000000 + (guint32) (r * 3 + c);
      left = MIN (left, x), right = MAX (right, x + 1);
      top = MIN (top, y), bottom = MAX (bottom, y + 1);
    }
  }
  memset (pixels, 0x55, sizeof pixels);
  vit_paint_cells (&cells, colours, &whole);
  g_assert_cmpmem (pixels, sizeof pixels, expected, sizeof expected);

  /* The part of it that the bounds name is the same, and holds all. */
  g_assert_true (vit_paint_bounds (&cells, NULL, 0, 20, 15, &bounds));
  g_assert_cmpint (bounds.x, <=, left);
  g_assert_cmpint (bounds.y, <=, top);
  g_assert_cmpint (bounds.x + (gint) bounds.width, >=, right);
  g_assert_cmpint (bounds.y + (gint) bounds.height, >=, bottom);
  bounds.pixels = pixels;
  vit_paint_cells (&cells, colours, &bounds);
  for (guint y = 0; y < bounds.height; y++) {
    for (guint x = 0; x < bounds.width; x++)
      g_assert_cmphex (pixels[y * bounds.width + x], ==,
          expected[(y + (guint) bounds.y) * 20 + x + (guint) bounds.x]);
  }
}

static void
test_cells_lie_where_the_map_says (void)
{
  static const double maps[][6] = {
    { 4, 0, 0, 0, 4, 0 },           /* as computed */
    { 6.1, 0, 1.2, 0, 3.3, 2 },     /* scaled, cropped */
    { -5, 0, 17, 0, 7, -3 },        /* mirrored, partly outside */
    { 0, 4, 3, 4, 0, 1 },           /* turned */
    { 3, 2, 4, -1.5, 3.1, 5.2 },    /* any other */
    { 40, 0, -30, 0, 40, -20 },     /* one cell wider than the picture */
  };

  for (guint i = 0; i < G_N_ELEMENTS (maps); i++)
    check_map (maps[i]);
}

static void
test_maps_that_show_nothing (void)
{
  static const double maps[][6] = { { 4, 0, 100, 0, 4, 0 },
    { 0, 0, 1, 0, 4, 0 }, { 1, 2, 0, 2, 4, 0 }, { -1, 0, -1, 0, 1, 0 },
    { 1e-320, 0, 0, 0, 1e-320, 0 } };
  static const guint32 clear[6] = { 0x00ffffff };
  VitCells cells = { { 4, 0, 0, 0, 4, 0 }, 3, 2 };
  VitCanvas canvas;

  g_assert_false (vit_paint_bounds (&cells, clear, 0, 20, 15, &canvas));
  for (guint i = 0; i < G_N_ELEMENTS (maps); i++) {
    memcpy (cells.map, maps[i], sizeof cells.map);
    g_assert_false (vit_paint_bounds (&cells, NULL, 0, 20, 15, &canvas));
  }
}

static void
test_bounds_of_the_coloured_cells (void)
{
  guint32 colours[6] = { 0, 0, 0xff, 0, 0x01000000, 0x80000000 };
  VitCells cells = { { 4, 0, 0, 0, 4, 0 }, 3, 2 };
  VitCanvas canvas;

  g_assert_true (vit_paint_bounds (&cells, colours, 0, 20, 15, &canvas));
  g_assert_cmpint (canvas.x, ==, 4);
  g_assert_cmpint (canvas.y, ==, 4);
  g_assert_cmpuint (canvas.width, ==, 8);
  g_assert_cmpuint (canvas.height, ==, 4);
}

static void
assert_picture (const guint32 *pixels, guint width, guint height,
    const char *expected)
{
  for (guint i = 0; i < width * height; i++)
    g_assert_cmpint (pixels[i] ? '#' : '.', ==, expected[i]);
}

static void
test_grid_lines (void)
{
  VitCells cells = { { 3, 0, 1, 0, 2, 1 }, 2, 2 };
  guint32 pixels[9 * 6] = { 0 };
  VitCanvas canvas = { pixels, 0, 0, 9, 6 };

  vit_paint_grid (&cells, 0xffffffff, &canvas);
  assert_picture (pixels, 9, 6,
      "........."
      ".#######."
      ".#..#..#."
      ".#######."
      ".#..#..#."
      ".######..");
}

/* Every pixel of a canvas of 1000 x 2, which is painted in strips. */
static void
test_long_lines (void)
{
  VitCells cells = { { 7, 0, 3, 0, 2, 0 }, 140, 1 };
  guint32 colours[140], pixels[2 * 1000];
  VitCanvas canvas = { pixels, 0, 0, 1000, 2 };

  for (guint i = 0; i < G_N_ELEMENTS (colours); i++)
    colours[i] = 0xff000000 + i;
  vit_paint_cells (&cells, colours, &canvas);
  for (guint i = 0; i < 2000; i++) {
    guint x = i % 1000;

    g_assert_cmphex (pixels[i], ==,
        x >= 3 && x < 983 ? 0xff000000 + (x - 3) / 7 : 0);
  }
  vit_paint_fill (0, &canvas);
  vit_paint_grid (&cells, 0xffffffff, &canvas);
  for (guint i = 0; i < 2000; i++) {
    guint x = i % 1000;
    gboolean is_within = x >= 3 && x < 983;
    gboolean is_border = x == 983 || (is_within && (i < 1000 || x % 7 == 3));

    g_assert_cmphex (pixels[i], ==, is_border ? 0xffffffff : 0);
  }
}

static void
test_outline_of_a_cell (void)
{
  VitCells cells = { { 5, 0, 1, 0, 5, -1 }, 1, 2 };
  guint32 pixels[8 * 6] = { 0 };
  VitCanvas canvas = { pixels, 0, 0, 8, 6 };

  vit_paint_outline (&cells, 0, 0, 1, 0xffffffff, &canvas);
  assert_picture (pixels, 8, 6,
      ".#...#.."
      ".#...#.."
      ".#...#.."
      ".#####.."
      "........"
      "........");
}

/* What a component of 0 to 255 becomes where `pixel` is drawn on it. */
static double
draw_on (guint32 pixel, guint shift, double component)
{
  double alpha = (pixel >> 24) / 255.0;

  return alpha * (pixel >> shift & 255) + (1 - alpha) * component;
}

static void
test_a_canvas_over_another_is_both_drawn (void)
{
  GRand *rand = g_rand_new_with_seed (7);
  static const guint32 alphas[] = { 0, 1, 100, 153, 254, 255 };

  for (guint i = 0; i < 36; i++) {
    guint32 above[3 * 2], below[5 * 4], both[5 * 4];
    VitCanvas upper = { above, 12, -4, 3, 2 };
    VitCanvas canvas = { both, 11, -5, 5, 4 };

    for (guint p = 0; p < G_N_ELEMENTS (above); p++)
      above[p] = alphas[i / 6] << 24 | (g_rand_int (rand) & 0xffffff);
    for (guint p = 0; p < G_N_ELEMENTS (below); p++)
      below[p] = alphas[i % 6] << 24 | (g_rand_int (rand) & 0xffffff);
    memcpy (both, below, sizeof both);
    vit_paint_over (&upper, &canvas);
    for (guint p = 0; p < G_N_ELEMENTS (below); p++) {
      guint x = p % 5, y = p / 5;

      if (x < 1 || x > 3 || y < 1 || y > 2) {
        g_assert_cmphex (both[p], ==, below[p]);
        continue;
      }
      for (guint shift = 0; shift < 24; shift += 8) {
        for (guint component = 0; component < 256; component += 51) {
          double once = draw_on (below[p], shift, component);
          double twice
              = draw_on (above[(y - 1) * 3 + x - 1], shift, once);

          g_assert_cmpfloat_with_epsilon (
              draw_on (both[p], shift, component), twice, 1);
        }
      }
    }
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/drawing/every-type-is-read-back", test_every_type_is_read_back);
  g_test_add_func ("/drawing/positions-are-taken-off", test_positions_are_taken_off);
  g_test_add_func (
      "/drawing/separable-positions-are-fitted", test_separable_positions_are_fitted);
  g_test_add_func ("/drawing/cosines-and-norms", test_cosines_and_norms);
  g_test_add_func ("/drawing/cosines-of-every-length", test_cosines_of_every_length);
  g_test_add_func ("/drawing/the-best-cosine-of-several",
      test_the_best_cosine_of_several);
  g_test_add_func ("/drawing/a-range-follows", test_a_range_follows);
  g_test_add_func ("/drawing/colours", test_colours);
  g_test_add_func (
      "/drawing/cells-lie-where-the-map-says", test_cells_lie_where_the_map_says);
  g_test_add_func ("/drawing/maps-that-show-nothing", test_maps_that_show_nothing);
  g_test_add_func (
      "/drawing/bounds-of-the-coloured-cells", test_bounds_of_the_coloured_cells);
  g_test_add_func ("/drawing/a-canvas-over-another-is-both-drawn",
      test_a_canvas_over_another_is_both_drawn);
  g_test_add_func ("/drawing/grid-lines", test_grid_lines);
  g_test_add_func ("/drawing/long-lines", test_long_lines);
  g_test_add_func ("/drawing/outline-of-a-cell", test_outline_of_a_cell);

  return g_test_run ();
}
