/* SPDX-License-Identifier: MIT */
#include "patch/pixels.h"

#include <math.h>
#include <string.h>

#include "patch/lanes.h"

static gint32
fixed_factor (double factor)
{
  return (gint32) lrint (factor * (256 << VIT_CONVERT_BITS));
}

void
vit_pixels_init (VitPixels *pixels, const VitImageFormat *format,
    guint patch_size, const double outside[3])
{
  double matrix[3][4], centre = vit_image_pixel_centre (format);
  gint32 fixed_centre = (gint32) lrint (256.0 * centre);

  vit_image_sample_to_pixel (format, matrix);
  memset (pixels, 0, sizeof *pixels);
  pixels->format = *format;
  pixels->patch_size = patch_size;
  pixels->fixed_centre = fixed_centre;
  pixels->f32 = (VitConvertF32){
    .luma = (float) matrix[0][0],
    .red_cr = (float) matrix[0][2],
    .green_cb = (float) matrix[1][1],
    .green_cr = (float) matrix[1][2],
    .blue_cb = (float) matrix[2][1],
    .minimum = (float) -centre,
    .maximum = (float) (255.0 - centre),
  };
  pixels->fixed = (VitConvertFixed){
    .luma = fixed_factor (matrix[0][0]),
    .red_cr = fixed_factor (matrix[0][2]),
    .green_cb = fixed_factor (matrix[1][1]),
    .green_cr = fixed_factor (matrix[1][2]),
    .blue_cb = fixed_factor (matrix[2][1]),
    .constant
    = (fixed_centre << VIT_CONVERT_BITS) + (1 << (VIT_CONVERT_BITS - 1)),
    .minimum = fixed_centre + (gint32) lrint (-256.0 * centre),
    .maximum = fixed_centre + (gint32) lrint (256.0 * (255.0 - centre)),
  };
  for (guint c = 0; c < 3; c++) {
    pixels->outside[c] = (float) (outside[c] - centre);
    pixels->fixed_outside[c]
        = fixed_centre
          + (gint32) lrint (
              256.0 * CLAMP (outside[c] - centre, -centre, 255.0 - centre));
  }
}

VitPixelsSource
vit_pixels_source_terms (const VitSamples *samples, const guint8 *terms)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  VitPixelsSource source = { .width = samples->patch_size,
    .height = samples->patch_size,
    .has_slack = TRUE };

  for (guint c = 0; c < 3; c++) {
    const VitSampleRows *rows = &samples->rows[pixel->component[c].plane];

    source.base[c] = terms + rows->first_term * pixel->sample_bytes;
    source.stride[c] = (gssize) rows->row_terms * pixel->sample_bytes;
  }
  return source;
}

VitPixelsSource
vit_pixels_source_image (
    const VitPixels *pixels, const VitImage *image, guint column, guint row)
{
  const VitImageFormat *format = &pixels->format;
  guint size = pixels->patch_size, x = column * size, y = row * size;
  VitPixelsSource source
      = { .x = format->phase_x + x, .y = format->phase_y + y };

  if (x < format->width && y < format->height) {
    source.width = MIN (size, format->width - x);
    source.height = MIN (size, format->height - y);
  }
  for (guint c = 0; c < 3; c++) {
    guint plane = format->pixel->component[c].plane;

    source.base[c] = image->plane[plane];
    source.stride[c] = image->stride[plane];
  }
  return source;
}

gsize
vit_pixels_scratch_size (const VitPixels *pixels)
{
  return (gsize) 3 * pixels->patch_size * pixels->patch_size + 2 * VIT_LANES;
}

/* Eight samples from `row` on.  Inlined with a constant step. */
static inline VitLanes
read_lanes (const guint8 *row, guint step, guint shift, guint16 mask)
{
  VitLanes first, second;

  if (step == 1)
    return vit_lanes_widen (row);
  first = vit_lanes_load (row);
  if (step == 2)
    return vit_lanes_shift_right (first, shift) & (gint16) mask;
  second = vit_lanes_load (row + sizeof first);
  return vit_lanes_even (
      (VitLanes) ((VitWideLanes) first >> shift & (guint32) mask),
      (VitLanes) ((VitWideLanes) second >> shift & (guint32) mask));
}

/* Rows of one component, for rows of pixels `size` apart.  Rows shorter than
 * eight samples are read and written past their end, where the next one is
 * written later.  Inlined with a constant step. */
static inline void
read_rows (const VitPixels *pixels, guint c, const guint8 *row, gsize stride,
    guint step, guint width, guint height, gint16 *out)
{
  const VitPixelFormat *pixel = pixels->format.pixel;
  const VitComponent *component = &pixel->component[c];
  guint16 mask = (guint16) ((1u << pixel->depth) - 1);
  guint shift = 8u * component->offset + pixel->sample_shift;
  gint16 centre = (gint16) vit_image_sample_centre (&pixels->format);
  guint size = pixels->patch_size;

  for (guint y = 0; y < height; y++) {
    for (guint next = 0; next < width; next += VIT_LANES) {
      /* The last eight overlap those before. */
      guint x = width < VIT_LANES ? 0 : MIN (next, width - VIT_LANES);
      gint16 *to = out + (x << component->shift_x);
      VitLanes lanes = read_lanes (row + x * step, step, shift, mask) - centre;

      if (!component->shift_x) {
        vit_lanes_store (to, lanes);
        continue;
      }
      vit_lanes_store_twice (to, lanes);
      if (component->shift_y)
        vit_lanes_store_twice (to + size, lanes);
    }
    row += stride;
    out += size << component->shift_y;
  }
}

/* Component c of a whole patch that may be read past its end. */
static void
read_component (const VitPixels *pixels, const VitPixelsSource *source, guint c,
    gint16 *out)
{
  const VitComponent *component = &pixels->format.pixel->component[c];
  guint width = pixels->patch_size >> component->shift_x;
  guint height = pixels->patch_size >> component->shift_y;
  gsize stride = (gsize) source->stride[c];
  const guint8 *row = source->base[c];

  /* Rows that follow each other are one. */
  if (!component->shift_x && stride == width * component->step) {
    width *= height;
    height = 1;
  }
  if (component->step == 1)
    read_rows (pixels, c, row, stride, 1, width, height, out);
  else if (component->step == 2)
    read_rows (pixels, c, row, stride, 2, width, height, out);
  else
    read_rows (pixels, c, row, stride, 4, width, height, out);
}

/* Samples of a row of pixels, of which nothing is read but what is there. */
static void
read_row (const VitPixels *pixels, const VitPixelsSource *source, guint c,
    guint y, gint16 *out)
{
  const VitPixelFormat *pixel = pixels->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const guint8 *row
      = source->base[c]
        + (gssize) ((source->y + y) >> component->shift_y) * source->stride[c]
        + component->offset;
  gint centre = (gint) vit_image_sample_centre (&pixels->format);

  for (guint i = 0; i < source->width; i++) {
    const guint8 *at
        = row
          + (gsize) ((source->x + i) >> component->shift_x) * component->step;
    guint16 word = *at;

    if (pixel->sample_bytes == 2)
      memcpy (&word, at, sizeof word);
    out[i] = (gint16) ((gint) vit_pixel_format_sample (pixel, word) - centre);
  }
}

/* All samples of the patch that are there, less their centre, at the pixels
 * they stand for. */
static void
read_patch (const VitPixels *pixels, const VitPixelsSource *source,
    gint16 *samples /* [3][P][P] */)
{
  guint size = pixels->patch_size;

  for (guint c = 0; c < 3; c++, samples += (gsize) size * size) {
    if (source->has_slack) {
      read_component (pixels, source, c, samples);
      continue;
    }
    for (guint y = 0; y < source->height; y++)
      read_row (pixels, source, c, y, samples + (gsize) y * size);
  }
}

/* The first pixel of a row that the frame has not. */
static guint
first_outside (const VitPixelsSource *source, guint y)
{
  return y < source->height ? source->width : 0;
}

static gboolean
is_whole (const VitPixels *pixels, const VitPixelsSource *source)
{
  return source->width == pixels->patch_size
      && source->height == pixels->patch_size;
}

void
vit_pixels_f32 (const VitPixels *pixels, const VitKernelF32 *kernel,
    const VitPixelsSource *source, float *terms, gint16 *scratch)
{
  guint size = pixels->patch_size;
  gsize area = (gsize) size * size;

  read_patch (pixels, source, scratch);
  if (pixels->format.pixel->family == VIT_COLOUR_YCBCR) {
    kernel->convert (&pixels->f32, area, scratch, terms);
  } else {
    for (gsize i = 0; i < 3 * area; i++)
      terms[i] = scratch[i];
  }
  if (is_whole (pixels, source))
    return;
  for (guint row = 0; row < 3 * size; row++, terms += size) {
    for (guint x = first_outside (source, row % size); x < size; x++)
      terms[x] = pixels->outside[row / size];
  }
}

void
vit_pixels_fixed (const VitPixels *pixels, const VitKernelFixed *kernel,
    const VitPixelsSource *source, guint8 *high, guint8 *low, gint16 *scratch)
{
  guint size = pixels->patch_size;
  gsize area = (gsize) size * size;

  read_patch (pixels, source, scratch);
  if (pixels->format.pixel->family == VIT_COLOUR_YCBCR) {
    kernel->convert (&pixels->fixed, area, scratch, high, low);
  } else {
    for (gsize i = 0; i < 3 * area; i++) {
      high[i] = (guint8) (scratch[i] + 128);
      low[i] = 0;
    }
  }
  if (is_whole (pixels, source))
    return;
  for (guint row = 0; row < 3 * size; row++, high += size, low += size) {
    gint32 outside = pixels->fixed_outside[row / size];

    for (guint x = first_outside (source, row % size); x < size; x++) {
      high[x] = (guint8) (outside >> 8);
      low[x] = (guint8) outside;
    }
  }
}
