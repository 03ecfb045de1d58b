/* SPDX-License-Identifier: MIT */
#include "view/paint.h"

#include <math.h>
#include <string.h>

#include "view/cell_map.h"

/* The cell of each pixel of a line: row * columns + column, or -1. */
static void
find_cells (const VitCells *cells, const VitCellMap *inverse, gint x, gint y,
    guint width, gint *found)
{
  for (guint i = 0; i < width; i++) {
    double px = x + (double) i + 0.5, py = y + 0.5;
    double column = floor (inverse->a * px + inverse->b * py + inverse->c
                           + VIT_CELL_TOLERANCE);
    double row = floor (inverse->d * px + inverse->e * py + inverse->f
                        + VIT_CELL_TOLERANCE);

    found[i] = column >= 0 && column < cells->columns && row >= 0
                       && row < cells->rows
        ? (gint) row * (gint) cells->columns + (gint) column
        : -1;
  }
}

/* Whether two lines have the same cells, so that one needs to be found only. */
static gboolean
is_same_line (const VitCellMap *inverse, gint y, gint other)
{
  return inverse->b == 0.0 && inverse->d == 0.0
         && floor (inverse->e * (y + 0.5) + inverse->f + VIT_CELL_TOLERANCE)
                == floor (inverse->e * (other + 0.5) + inverse->f
                          + VIT_CELL_TOLERANCE);
}

/* The upright rectangle around some cells. */
static void
find_rectangle (const VitCells *cells, double left, double top, double right,
    double bottom, double rectangle[4])
{
  const double *m = cells->map;

  rectangle[0] = rectangle[1] = INFINITY;
  rectangle[2] = rectangle[3] = -INFINITY;
  for (guint i = 0; i < 4; i++) {
    double column = i % 2 ? right : left, row = i / 2 ? bottom : top;
    double x = m[0] * column + m[1] * row + m[2];
    double y = m[3] * column + m[4] * row + m[5];

    rectangle[0] = fmin (rectangle[0], x);
    rectangle[1] = fmin (rectangle[1], y);
    rectangle[2] = fmax (rectangle[2], x);
    rectangle[3] = fmax (rectangle[3], y);
  }
}

gboolean
vit_paint_bounds (const VitCells *cells, const guint32 *colours, guint around,
    guint width, guint height, VitCanvas *canvas)
{
  guint left = cells->columns, top = cells->rows, right = 0, bottom = 0;
  double rectangle[4], x, y;
  VitCellMap inverse;

  for (guint row = 0; row < cells->rows; row++) {
    for (guint column = 0; column < cells->columns; column++) {
      if (colours && colours[row * cells->columns + column] >> 24 == 0)
        continue;
      left = MIN (left, column - MIN (column, around));
      top = MIN (top, row - MIN (row, around));
      right = MAX (right, MIN (column + 1 + around, cells->columns));
      bottom = MAX (bottom, MIN (row + 1 + around, cells->rows));
    }
  }
  if (left >= right || !vit_cell_map_init (&inverse, cells->map))
    return FALSE;
  find_rectangle (cells, left, top, right, bottom, rectangle);
  x = fmax (floor (rectangle[0]), 0.0);
  y = fmax (floor (rectangle[1]), 0.0);
  rectangle[2] = fmin (ceil (rectangle[2]), width);
  rectangle[3] = fmin (ceil (rectangle[3]), height);
  if (!(x < rectangle[2] && y < rectangle[3]))
    return FALSE;
  *canvas = (VitCanvas){ NULL, (gint) x, (gint) y, (guint) (rectangle[2] - x),
    (guint) (rectangle[3] - y) };
  return TRUE;
}

/* Pixels of a line whose cells are found at a time. */
#define STRIP 256

static void
paint_line (const VitCells *cells, const VitCellMap *inverse,
    const guint32 *colours, gint x, gint y, guint width, guint32 *line)
{
  gint found[STRIP];

  for (guint first = 0; first < width; first += STRIP) {
    guint n = MIN (STRIP, width - first);

    find_cells (cells, inverse, x + (gint) first, y, n, found);
    for (guint i = 0; i < n; i++)
      line[first + i] = found[i] < 0 ? 0 : colours[found[i]];
  }
}

void
vit_paint_cells (
    const VitCells *cells, const guint32 *colours, VitCanvas *canvas)
{
  VitCellMap inverse;

  if (!vit_cell_map_init (&inverse, cells->map)) {
    vit_paint_fill (0, canvas);
    return;
  }
  for (guint i = 0; i < canvas->height; i++) {
    guint32 *line = canvas->pixels + (gsize) i * canvas->width;
    gint y = canvas->y + (gint) i;

    if (i > 0 && is_same_line (&inverse, y, y - 1))
      memcpy (line, line - canvas->width, canvas->width * sizeof *line);
    else
      paint_line (cells, &inverse, colours, canvas->x, y, canvas->width, line);
  }
}

/* Draws where `above` and `here` change, or a line from one pixel to the next:
 * both begin one pixel before the canvas. */
static void
draw_changes (const gint *above, const gint *here, guint width, guint32 colour,
    guint32 *line)
{
  for (guint x = 0; x < width; x++) {
    if (here[x + 1] != here[x] || here[x + 1] != above[x + 1])
      line[x] = colour;
  }
}

/* Columns [first, first + width) of the canvas, at most STRIP. */
static void
paint_grid_strip (const VitCells *cells, const VitCellMap *inverse,
    guint32 colour, guint first, guint width, VitCanvas *canvas)
{
  gint lines[2][STRIP + 1], *above = lines[0], *here = lines[1];
  gint x = canvas->x + (gint) first - 1;

  find_cells (cells, inverse, x, canvas->y - 1, width + 1, above);
  for (guint i = 0; i < canvas->height; i++) {
    gint y = canvas->y + (gint) i, *other = above;

    if (i > 0 && is_same_line (inverse, y, y - 1))
      memcpy (here, above, (width + 1) * sizeof *here);
    else
      find_cells (cells, inverse, x, y, width + 1, here);
    draw_changes (above, here, width, colour,
        canvas->pixels + (gsize) i * canvas->width + first);
    above = here;
    here = other;
  }
}

void
vit_paint_grid (const VitCells *cells, guint32 colour, VitCanvas *canvas)
{
  VitCellMap inverse;

  if (!vit_cell_map_init (&inverse, cells->map))
    return;
  for (guint first = 0; first < canvas->width; first += STRIP)
    paint_grid_strip (cells, &inverse, colour, first,
        MIN (STRIP, canvas->width - first), canvas);
}

void
vit_paint_outline (const VitCells *cells, guint column, guint row, guint width,
    guint32 colour, VitCanvas *canvas)
{
  gint cell = (gint) (row * cells->columns + column), reach = (gint) width;
  double rectangle[4];
  VitCellMap inverse;
  gint first_x, first_y, last_x, last_y;

  if (!vit_cell_map_init (&inverse, cells->map))
    return;
  find_rectangle (cells, column, row, column + 1, row + 1, rectangle);
  first_x = (gint) CLAMP (floor (rectangle[0]), canvas->x,
      canvas->x + (double) canvas->width);
  first_y = (gint) CLAMP (floor (rectangle[1]), canvas->y,
      canvas->y + (double) canvas->height);
  last_x = (gint) CLAMP (ceil (rectangle[2]), canvas->x,
      canvas->x + (double) canvas->width);
  last_y = (gint) CLAMP (ceil (rectangle[3]), canvas->y,
      canvas->y + (double) canvas->height);
  for (gint y = first_y; y < last_y; y++) {
    for (gint x = first_x; x < last_x; x++) {
      gboolean is_inside = TRUE;
      gint found;

      find_cells (cells, &inverse, x, y, 1, &found);
      if (found != cell)
        continue;
      for (gint i = 0; i < 4; i++) {
        static const gint steps[4][2]
            = { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };

        find_cells (cells, &inverse, x + reach * steps[i][0],
            y + reach * steps[i][1], 1, &found);
        is_inside = is_inside && found == cell;
      }
      if (!is_inside)
        canvas->pixels[(gsize) (y - canvas->y) * canvas->width
                       + (gsize) (x - canvas->x)]
            = colour;
    }
  }
}

/* alpha = a + b (1 - a), colour = (a A + b (1 - a) B) / alpha. */
static guint32
blend (guint32 upper, guint32 lower)
{
  guint32 a = 255 * (upper >> 24), b = (lower >> 24) * (255 - (upper >> 24));
  guint32 sum = a + b, pixel = (sum + 127) / 255 << 24;

  for (guint shift = 0; shift < 24; shift += 8)
    pixel |= (a * (upper >> shift & 255) + b * (lower >> shift & 255) + sum / 2)
             / sum << shift;
  return pixel;
}

void
vit_paint_over (const VitCanvas *upper, VitCanvas *canvas)
{
  gsize left = (gsize) (upper->x - canvas->x);
  gsize top = (gsize) (upper->y - canvas->y);

  for (gsize y = 0; y < upper->height; y++) {
    const guint32 *from = upper->pixels + y * upper->width;
    guint32 *to = canvas->pixels + (top + y) * canvas->width + left;

    for (guint x = 0; x < upper->width; x++) {
      guint32 alpha = from[x] >> 24;

      if (alpha == 255 || (alpha > 0 && to[x] >> 24 == 0))
        to[x] = from[x];
      else if (alpha > 0)
        to[x] = blend (from[x], to[x]);
    }
  }
}

void
vit_paint_fill (guint32 colour, VitCanvas *canvas)
{
  gsize n = (gsize) canvas->width * canvas->height;

  for (gsize i = 0; i < n; i++)
    canvas->pixels[i] = colour;
}
