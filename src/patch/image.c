/* SPDX-License-Identifier: MIT */
#include "patch/image.h"

#include <string.h>

/* An interleaved RGB format: `step` bytes a pixel, R, G, B at these offsets. */
#define PACKED_RGB(name, step, r, g, b)                                       \
  {                                                                           \
    name, VIT_COLOUR_RGB, 1, 8, 1, 0, {                                       \
      { 0, r, step, 0, 0 }, { 0, g, step, 0, 0 }, { 0, b, step, 0, 0 }        \
    }                                                                         \
  }

/* clang-format off */
static const VitPixelFormat formats[] = {
  PACKED_RGB ("RGB", 3, 0, 1, 2),
  PACKED_RGB ("BGR", 3, 2, 1, 0),
  PACKED_RGB ("RGBx", 4, 0, 1, 2),
  PACKED_RGB ("BGRx", 4, 2, 1, 0),
  PACKED_RGB ("xRGB", 4, 1, 2, 3),
  PACKED_RGB ("xBGR", 4, 3, 2, 1),
  PACKED_RGB ("RGBA", 4, 0, 1, 2),
  PACKED_RGB ("BGRA", 4, 2, 1, 0),
  PACKED_RGB ("ARGB", 4, 1, 2, 3),
  PACKED_RGB ("ABGR", 4, 3, 2, 1),
  { "RGBP", VIT_COLOUR_RGB, 3, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 0, 1, 0, 0 }, { 2, 0, 1, 0, 0 } } },
  { "GRAY8", VIT_COLOUR_GRAY, 1, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 0, 0, 1, 0, 0 }, { 0, 0, 1, 0, 0 } } },
  { "I420", VIT_COLOUR_YCBCR, 3, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 0, 1, 1, 1 }, { 2, 0, 1, 1, 1 } } },
  { "YV12", VIT_COLOUR_YCBCR, 3, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 2, 0, 1, 1, 1 }, { 1, 0, 1, 1, 1 } } },
  { "NV12", VIT_COLOUR_YCBCR, 2, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 0, 2, 1, 1 }, { 1, 1, 2, 1, 1 } } },
  { "NV21", VIT_COLOUR_YCBCR, 2, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 1, 2, 1, 1 }, { 1, 0, 2, 1, 1 } } },
  { "Y42B", VIT_COLOUR_YCBCR, 3, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 0, 1, 1, 0 }, { 2, 0, 1, 1, 0 } } },
  { "Y444", VIT_COLOUR_YCBCR, 3, 8, 1, 0,
    { { 0, 0, 1, 0, 0 }, { 1, 0, 1, 0, 0 }, { 2, 0, 1, 0, 0 } } },
  { "YUY2", VIT_COLOUR_YCBCR, 1, 8, 1, 0,
    { { 0, 0, 2, 0, 0 }, { 0, 1, 4, 1, 0 }, { 0, 3, 4, 1, 0 } } },
  { "UYVY", VIT_COLOUR_YCBCR, 1, 8, 1, 0,
    { { 0, 1, 2, 0, 0 }, { 0, 0, 4, 1, 0 }, { 0, 2, 4, 1, 0 } } },
  { "I420_10LE", VIT_COLOUR_YCBCR, 3, 10, 2, 0,
    { { 0, 0, 2, 0, 0 }, { 1, 0, 2, 1, 1 }, { 2, 0, 2, 1, 1 } } },
  { "P010_10LE", VIT_COLOUR_YCBCR, 2, 10, 2, 6,
    { { 0, 0, 2, 0, 0 }, { 1, 0, 4, 1, 1 }, { 1, 2, 4, 1, 1 } } },
};
/* clang-format on */

const VitPixelFormat *
vit_pixel_format_list (guint *n_formats)
{
  *n_formats = G_N_ELEMENTS (formats);
  return formats;
}

const VitPixelFormat *
vit_pixel_format_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (strcmp (formats[i].name, name) == 0)
      return &formats[i];
  }
  return NULL;
}

void
vit_image_plane_extent (const VitImageFormat *format, guint plane,
    guint64 *row_bytes, guint64 *n_rows)
{
  const VitPixelFormat *pixel = format->pixel;

  *row_bytes = 0;
  *n_rows = 0;
  for (guint c = 0; c < 3; c++) {
    const VitComponent *component = &pixel->component[c];
    guint64 last_x = ((guint64) format->phase_x + format->width - 1)
        >> component->shift_x;
    guint64 last_y = ((guint64) format->phase_y + format->height - 1)
        >> component->shift_y;
    guint64 end = last_x * component->step + component->offset
        + pixel->sample_bytes;

    if (component->plane != plane)
      continue;
    *row_bytes = MAX (*row_bytes, end);
    *n_rows = MAX (*n_rows, last_y + 1);
  }
}

void
vit_image_crop (VitImageFormat *format, VitImage *image, guint x, guint y,
    guint width, guint height)
{
  const VitPixelFormat *pixel = format->pixel;
  guint shift_x = 0, shift_y = 0;

  for (guint c = 0; c < 3; c++) {
    shift_x = MAX (shift_x, pixel->component[c].shift_x);
    shift_y = MAX (shift_y, pixel->component[c].shift_y);
  }
  x += format->phase_x;
  y += format->phase_y;
  format->phase_x = x & ((1u << shift_x) - 1);
  format->phase_y = y & ((1u << shift_y) - 1);
  format->width = width;
  format->height = height;
  /* From the start of a block on, a plane's components are moved alike. */
  x -= format->phase_x;
  y -= format->phase_y;
  for (guint p = 0; image != NULL && p < pixel->n_planes; p++) {
    const VitComponent *component = pixel->component;

    while (component->plane != p)
      component++;
    image->plane[p] += (gssize) (y >> component->shift_y) * image->stride[p]
        + (gssize) (x >> component->shift_x) * component->step;
  }
}

void
vit_image_sample_to_pixel (const VitImageFormat *format, double matrix[3][4])
{
  double kr = format->kr, kb = format->kb, kg = 1.0 - kr - kb;
  double unit = 1 << (format->pixel->depth - 8);
  double peak = (1 << format->pixel->depth) - 1;
  double luma_offset = format->full_range ? 0.0 : 16.0 * unit;
  double luma_gain = 255.0 / (format->full_range ? peak : 219.0 * unit);
  double chroma_offset = 128.0 * unit;
  double chroma_gain = 255.0 / (format->full_range ? peak : 224.0 * unit);

  memset (matrix, 0, sizeof (double[3][4]));
  if (format->pixel->family != VIT_COLOUR_YCBCR) {
    for (guint c = 0; c < 3; c++)
      matrix[c][c] = 1.0;
    return;
  }

  for (guint c = 0; c < 3; c++)
    matrix[c][0] = luma_gain;
  matrix[0][2] = 2.0 * (1.0 - kr) * chroma_gain;
  matrix[1][1] = -2.0 * kb * (1.0 - kb) / kg * chroma_gain;
  matrix[1][2] = -2.0 * kr * (1.0 - kr) / kg * chroma_gain;
  matrix[2][1] = 2.0 * (1.0 - kb) * chroma_gain;
  for (guint c = 0; c < 3; c++) {
    matrix[c][3] = -luma_offset * matrix[c][0]
        - chroma_offset * (matrix[c][1] + matrix[c][2]);
  }
}

guint
vit_image_sample_centre (const VitImageFormat *format)
{
  return 1u << (format->pixel->depth - 1);
}

double
vit_image_pixel_centre (const VitImageFormat *format)
{
  double matrix[3][4];

  /* Centred chroma adds nothing, so luma decides alone. */
  vit_image_sample_to_pixel (format, matrix);
  if (format->pixel->family != VIT_COLOUR_YCBCR)
    return vit_image_sample_centre (format);
  return matrix[0][0]
      * (vit_image_sample_centre (format)
          - (format->full_range ? 0.0 : 16 << (format->pixel->depth - 8)));
}
