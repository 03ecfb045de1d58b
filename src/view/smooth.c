/* SPDX-License-Identifier: MIT */
#include "view/smooth.h"

#include <math.h>
#include <string.h>

#include "view/cell_map.h"
#include "view/shade.h"
#include "view/vec.h"

/* On the scale of places; one step is less than 1 in every component. */
#define STEPS 1024

/* Four neighbours and what lies between them. */
typedef struct {
  const VitCells *cells;
  const guint32 *colours;
  const float *places; /* (nullable) */
  VitCellMap map;
  guint32 scale[STEPS + 1];

  gsize at[4];       /* those of the last pixel; G_MAXSIZE: none yet */
  VitVec corners[4]; /* row by row; red, green, blue times alpha, alpha */
  float ends[4];     /* their places */
  gboolean has_places;
} Between;

/* In [0,255]. */
static VitVec
unpack (guint32 colour)
{
  float alpha = (float) (colour >> 24), part = alpha / 255.0f;

  return (VitVec){ part * (float) (colour >> 16 & 255),
    part * (float) (colour >> 8 & 255), part * (float) (colour & 255), alpha };
}

static guint32
pack (VitVec colour)
{
  float part = 255.0f / colour[3];

  if (!(colour[3] >= 0.5f))
    return 0;
  return (guint32) (colour[3] + 0.5f) << 24
         | (guint32) MIN (part * colour[0] + 0.5f, 255.0f) << 16
         | (guint32) MIN (part * colour[1] + 0.5f, 255.0f) << 8
         | (guint32) MIN (part * colour[2] + 0.5f, 255.0f);
}

/* The cells that a place lies between, which are often those of the pixel
 * before. */
static void
look_at (Between *self, gsize column, gsize row, gboolean has_right,
    gboolean has_lower)
{
  gsize first = row * self->cells->columns + column;
  gsize right = has_right ? first + 1 : first;
  gsize below = has_lower ? self->cells->columns : 0;
  gsize at[4] = { first, right, first + below, right + below };

  if (memcmp (at, self->at, sizeof at) == 0)
    return;
  memcpy (self->at, at, sizeof at);
  self->has_places = self->places != NULL;
  for (guint i = 0; i < 4; i++) {
    self->corners[i] = unpack (self->colours[at[i]]);
    if (self->places != NULL) {
      self->ends[i] = self->places[at[i]];
      self->has_places = self->has_places && !isnan (self->ends[i]);
    }
  }
}

/* `x`, `y`: how far it is from the first to the last of the four, in [0,1]. */
static guint32
mix (const Between *self, float x, float y)
{
  if (self->has_places) {
    const float *ends = self->ends;
    float upper = ends[0] + x * (ends[1] - ends[0]);
    float lower = ends[2] + x * (ends[3] - ends[2]);
    float place = upper + y * (lower - upper);

    return self->scale[(guint) (CLAMP (place, 0.0f, 1.0f) * STEPS + 0.5f)];
  } else {
    const VitVec *corners = self->corners;
    VitVec upper = corners[0] + x * (corners[1] - corners[0]);
    VitVec lower = corners[2] + x * (corners[3] - corners[2]);

    return pack (upper + y * (lower - upper));
  }
}

/* From the first centre on, in cells: on a centre, whatever arithmetic makes of
 * it, a neighbour has no part in it. */
static double
from_centre (double place, guint n)
{
  double from = CLAMP (place - 0.5, 0.0, n - 1.0), nearest = floor (from + 0.5);

  return fabs (from - nearest) < VIT_CELL_TOLERANCE ? nearest : from;
}

/* The pixel at (x, y) of the picture. */
static guint32
find_pixel (Between *self, double x, double y)
{
  const VitCellMap *map = &self->map;
  double columns = self->cells->columns, rows = self->cells->rows;
  double column = map->a * x + map->b * y + map->c;
  double row = map->d * x + map->e * y + map->f;
  float right, lower;

  if (!(column >= -VIT_CELL_TOLERANCE && column < columns - VIT_CELL_TOLERANCE
          && row >= -VIT_CELL_TOLERANCE && row < rows - VIT_CELL_TOLERANCE))
    return 0;
  column = from_centre (column, self->cells->columns);
  row = from_centre (row, self->cells->rows);
  right = (float) (column - floor (column));
  lower = (float) (row - floor (row));
  look_at (self, (gsize) column, (gsize) row, right > 0.0f, lower > 0.0f);
  return mix (self, right, lower);
}

static void
paint (Between *self, VitCanvas *canvas)
{
  memset (self->at, 0xff, sizeof self->at);
  if (!vit_cell_map_init (&self->map, self->cells->map)) {
    vit_paint_fill (0, canvas);
    return;
  }
  for (guint y = 0; y < canvas->height; y++) {
    guint32 *line = canvas->pixels + (gsize) y * canvas->width;

    for (guint x = 0; x < canvas->width; x++)
      line[x] = find_pixel (
          self, canvas->x + (double) x + 0.5, canvas->y + (double) y + 0.5);
  }
}

void
vit_smooth_colours (
    const VitCells *cells, const guint32 *colours, VitCanvas *canvas)
{
  Between between = { .cells = cells, .colours = colours };

  paint (&between, canvas);
}

void
vit_smooth_places (const VitCells *cells, const float *places,
    const guint32 *colours, float alpha, VitCanvas *canvas)
{
  Between between
      = { .cells = cells, .colours = colours, .places = places };

  for (guint i = 0; i <= STEPS; i++)
    between.scale[i] = vit_shade_value ((float) i / STEPS, alpha);
  paint (&between, canvas);
}
