/* SPDX-License-Identifier: MIT */
#include "pixels.h"

#include <math.h>
#include <string.h>

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
  for (guint c = 0; c < 3; c++) {
    VitConvertF32 *f32 = &pixels->f32[c];
    VitConvertFixed *fixed = &pixels->fixed[c];

    f32->minimum = (float) -centre;
    f32->maximum = (float) (255.0 - centre);
    fixed->minimum = fixed_centre + (gint32) lrint (-256.0 * centre);
    fixed->maximum = fixed_centre + (gint32) lrint (256.0 * (255.0 - centre));
    fixed->constant = (fixed_centre << VIT_CONVERT_BITS)
        + (1 << (VIT_CONVERT_BITS - 1));
    for (guint k = 0; k < 3; k++) {
      f32->factor[k] = (float) matrix[c][k];
      fixed->factor[k]
          = (gint32) lrint (matrix[c][k] * (256 << VIT_CONVERT_BITS));
    }
    pixels->outside[c] = (float) (outside[c] - centre);
    pixels->fixed_outside[c] = fixed_centre
        + (gint32) lrint (
            256.0 * CLAMP (outside[c] - centre, -centre, 255.0 - centre));
  }
}

VitPixelsSource
vit_pixels_source_terms (const VitSamples *samples, const guint8 *terms)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  VitPixelsSource source
      = { .width = samples->patch_size, .height = samples->patch_size };

  for (guint c = 0; c < 3; c++) {
    const VitSampleRows *rows = &samples->rows[pixel->component[c].plane];

    source.base[c] = terms + rows->first_term * pixel->sample_bytes;
    source.stride[c] = (gssize) rows->row_terms * pixel->sample_bytes;
  }
  return source;
}

VitPixelsSource
vit_pixels_source_image (const VitPixels *pixels, const VitImage *image,
    guint column, guint row)
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
  return (gsize) 3 * pixels->patch_size * pixels->patch_size;
}

/* Samples first .. first + n - 1 of a row, each chroma sample repeated over
 * its block.  Inlined with constant step and shift into loops that a compiler
 * can vectorise. */
static inline void
read_bytes (const guint8 *row, guint step, guint shift, guint first, guint n,
    gint32 centre, gint32 *restrict out)
{
  for (guint i = 0; i < n; i++)
    out[i] = row[((first + i) >> shift) * step] - centre;
}

/* Two pixels a chroma sample, from an even pixel on. */
static inline void
read_pairs (const guint8 *row, guint step, guint n, gint32 centre,
    gint32 *restrict out)
{
  for (guint i = 0; i < n / 2; i++)
    out[2 * i] = out[2 * i + 1] = row[i * step] - centre;
}

static inline void
read_words (const VitPixelFormat *pixel, const guint8 *row, guint step,
    guint shift, guint first, guint n, gint32 centre, gint32 *restrict out)
{
  for (guint i = 0; i < n; i++) {
    guint16 word;

    memcpy (&word, row + ((first + i) >> shift) * step, sizeof word);
    out[i] = (gint32) vit_pixel_format_sample (pixel, word) - centre;
  }
}

/* Component c of row y of the patch, less its centre. */
static void
read_samples (const VitPixels *pixels, const VitPixelsSource *source, guint c,
    guint y, gint32 *out)
{
  const VitPixelFormat *pixel = pixels->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const guint8 *row = source->base[c]
      + (gssize) ((source->y + y) >> component->shift_y) * source->stride[c]
      + component->offset;
  guint step = component->step, shift = component->shift_x, x = source->x;
  guint n = source->width;
  gint32 centre = (gint32) vit_image_sample_centre (&pixels->format);

  if (pixel->sample_bytes == 2)
    read_words (pixel, row, step, shift, x, n, centre, out);
  else if (shift == 0 && step == 1)
    read_bytes (row, 1, 0, x, n, centre, out);
  else if (shift == 0)
    read_bytes (row, step, 0, x, n, centre, out);
  else if (x % 2 == 0 && n % 2 == 0 && step == 1)
    read_pairs (row + x / 2, 1, n, centre, out);
  else if (x % 2 == 0 && n % 2 == 0 && step == 2)
    read_pairs (row + x / 2 * 2, 2, n, centre, out);
  else
    read_bytes (row, step, shift, x, n, centre, out);
}

/* All samples of the patch that are there, at the pixels they stand for. */
static void
read_patch (const VitPixels *pixels, const VitPixelsSource *source,
    gint32 *samples /* [3][P][P] */)
{
  guint size = pixels->patch_size;

  for (guint c = 0; c < 3; c++) {
    guint shift = pixels->format.pixel->component[c].shift_y;
    gint32 *plane = samples + (gsize) c * size * size;

    for (guint y = 0; y < source->height; y++) {
      gint32 *row = plane + (gsize) y * size;

      /* Two rows of pixels share a row of chroma. */
      if (y > 0 && (source->y + y) >> shift == (source->y + y - 1) >> shift)
        memcpy (row, row - size, source->width * sizeof (gint32));
      else
        read_samples (pixels, source, c, y, row);
    }
  }
}

static gboolean
is_outside (const VitPixelsSource *source, guint x, guint y)
{
  return x >= source->width || y >= source->height;
}

void
vit_pixels_f32 (const VitPixels *pixels, const VitKernelF32 *kernel,
    const VitPixelsSource *source, float *terms, gint32 *scratch)
{
  guint size = pixels->patch_size;
  gsize area = (gsize) size * size;

  read_patch (pixels, source, scratch);
  for (guint c = 0; c < 3; c++, terms += area) {
    kernel->convert (&pixels->f32[c], area, scratch, terms);
    if (source->width == size && source->height == size)
      continue;
    for (gsize i = 0; i < area; i++) {
      if (is_outside (source, (guint) (i % size), (guint) (i / size)))
        terms[i] = pixels->outside[c];
    }
  }
}

void
vit_pixels_fixed (const VitPixels *pixels, const VitKernelFixed *kernel,
    const VitPixelsSource *source, guint8 *high, guint8 *low, gint32 *scratch)
{
  guint size = pixels->patch_size;
  gsize area = (gsize) size * size;

  read_patch (pixels, source, scratch);
  for (guint c = 0; c < 3; c++, high += area, low += area) {
    kernel->convert (&pixels->fixed[c], area, scratch, high, low);
    if (source->width == size && source->height == size)
      continue;
    for (gsize i = 0; i < area; i++) {
      if (is_outside (source, (guint) (i % size), (guint) (i / size))) {
        high[i] = (guint8) (pixels->fixed_outside[c] >> 8);
        low[i] = (guint8) pixels->fixed_outside[c];
      }
    }
  }
}
