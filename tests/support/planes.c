/* SPDX-License-Identifier: MIT */
#include "support/planes.h"

#include <string.h>

void
planes_init (Planes *planes, const VitPixelFormat *pixel, guint width,
    guint height, GRand *random)
{
  memset (planes, 0, sizeof *planes);
  planes->format = (VitImageFormat) { .pixel = pixel, .width = width,
    .height = height, .kr = 0.2126, .kb = 0.0722 };
  for (guint p = 0; p < pixel->n_planes; p++) {
    guint64 row_bytes, n_rows;

    vit_image_plane_extent (&planes->format, p, &row_bytes, &n_rows);
    planes->image.stride[p] = (gssize) row_bytes + 6;
    planes->n_bytes[p] = (gsize) (row_bytes + 6) * n_rows;
    planes->memory[p] = g_malloc (planes->n_bytes[p]);
    planes->image.plane[p] = planes->memory[p];
    for (gsize i = 0; i < planes->n_bytes[p]; i++)
      planes->memory[p][i] = (guint8) g_rand_int (random);
    /* Words of as many bits as the format has. */
    for (gsize i = 0; pixel->sample_bytes == 2 && i + 1 < planes->n_bytes[p];
         i += 2) {
      guint16 word = (guint16) ((g_rand_int (random) & 1023)
          << pixel->sample_shift);

      memcpy (planes->memory[p] + i, &word, sizeof word);
    }
  }
}

void
planes_clear (Planes *planes)
{
  for (guint p = 0; p < VIT_IMAGE_MAX_PLANES; p++)
    g_free (planes->memory[p]);
}

guint8 *
planes_at (Planes *planes, guint c, guint x, guint y)
{
  const VitComponent *component = &planes->format.pixel->component[c];

  return planes->memory[component->plane]
      + (gssize) y * planes->image.stride[component->plane]
      + x * component->step + component->offset;
}

void
planes_set (Planes *planes, guint c, guint x, guint y, guint value)
{
  guint8 *at = planes_at (planes, c, x, y);
  guint16 word = (guint16) (value << planes->format.pixel->sample_shift);

  if (planes->format.pixel->sample_bytes == 1)
    *at = (guint8) value;
  else
    memcpy (at, &word, sizeof word);
}

guint
planes_get (Planes *planes, guint c, guint x, guint y)
{
  const guint8 *at = planes_at (planes, c, x, y);
  guint16 word;

  if (planes->format.pixel->sample_bytes == 1)
    return *at;
  memcpy (&word, at, sizeof word);
  return word >> planes->format.pixel->sample_shift;
}

double
planes_distance_to_faces (Planes *planes, guint x, guint y, guint size)
{
  const VitPixelFormat *pixel = planes->format.pixel;
  double matrix[3][4], nearest = 255.0;

  vit_image_sample_to_pixel (&planes->format, matrix);
  for (guint i = 0; i < size * size; i++) {
    double sample[3];

    for (guint k = 0; k < 3; k++)
      sample[k] = planes_get (planes, k,
          (x + i % size) >> pixel->component[k].shift_x,
          (y + i / size) >> pixel->component[k].shift_y);
    for (guint c = 0; c < 3; c++) {
      double value = matrix[c][3];

      for (guint k = 0; k < 3; k++)
        value += matrix[c][k] * sample[k];
      nearest = MIN (nearest, MIN (value, 255.0 - value));
    }
  }
  return nearest;
}
