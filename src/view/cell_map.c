/* SPDX-License-Identifier: MIT */
#include "view/cell_map.h"

#include <math.h>

gboolean
vit_cell_map_init (VitCellMap *inverse, const double map[6])
{
  double determinant = map[0] * map[4] - map[1] * map[3];

  inverse->a = map[4] / determinant;
  inverse->b = -map[1] / determinant;
  inverse->c = (map[1] * map[5] - map[4] * map[2]) / determinant;
  inverse->d = -map[3] / determinant;
  inverse->e = map[0] / determinant;
  inverse->f = (map[3] * map[2] - map[0] * map[5]) / determinant;
  return isfinite (
      inverse->a + inverse->b + inverse->c + inverse->d + inverse->e
      + inverse->f);
}
