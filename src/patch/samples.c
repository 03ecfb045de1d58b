/* SPDX-License-Identifier: MIT */
#include "patch/samples.h"

#include <stdlib.h>
#include <string.h>

/* Four bytes a pixel of which three are wanted. */
static gboolean
skips_a_byte (const VitPixelFormat *pixel)
{
  return pixel->family == VIT_COLOUR_RGB && pixel->component[0].step == 4;
}

gboolean
vit_samples_init (
    VitSamples *samples, const VitImageFormat *format, guint patch_size)
{
  const VitPixelFormat *pixel = format->pixel;

  memset (samples, 0, sizeof *samples);
  samples->format = *format;
  samples->patch_size = patch_size;
  if (format->phase_x != 0 || format->phase_y != 0)
    return FALSE;
  for (guint c = 0; c < 3; c++) {
    const VitComponent *component = &pixel->component[c];
    VitSampleRows *rows = &samples->rows[component->plane];

    if (((patch_size >> component->shift_x) << component->shift_x) != patch_size
        || ((patch_size >> component->shift_y) << component->shift_y)
            != patch_size)
      return FALSE;
    rows->n_rows = patch_size >> component->shift_y;
    rows->row_bytes = (patch_size >> component->shift_x) * component->step;
    rows->row_terms = rows->row_bytes / pixel->sample_bytes;
  }
  for (guint p = 0; p < pixel->n_planes; p++) {
    VitSampleRows *rows = &samples->rows[p];

    if (skips_a_byte (pixel))
      rows->row_terms = 3 * patch_size;
    rows->first_term = samples->n_terms;
    samples->n_terms += (gsize) rows->row_terms * rows->n_rows;
  }
  return TRUE;
}

gsize
vit_samples_term (const VitSamples *samples, guint c, guint x, guint y)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const VitSampleRows *rows = &samples->rows[component->plane];
  gsize row = rows->first_term + (gsize) y * rows->row_terms;

  if (skips_a_byte (pixel))
    return row + c * samples->patch_size + x;
  return row + (x * component->step + component->offset) / pixel->sample_bytes;
}

void
vit_samples_terms (const VitSamples *samples, guint c, guint y, gsize *first,
    gsize *step)
{
  *first = vit_samples_term (samples, c, 0, y);
  *step = vit_samples_term (samples, c, 1, y) - *first;
}

void
vit_samples_components (const VitSamples *samples, guint8 *component)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  guint n_components = pixel->family == VIT_COLOUR_GRAY ? 1 : 3;

  for (guint c = 0; c < n_components; c++) {
    guint width = samples->patch_size >> pixel->component[c].shift_x;
    guint height = samples->patch_size >> pixel->component[c].shift_y;

    for (guint y = 0; y < height; y++) {
      gsize first, step;

      vit_samples_terms (samples, c, y, &first, &step);
      for (guint x = 0; x < width; x++)
        component[first + x * step] = (guint8) c;
    }
  }
}

static void
copy_three_of_four (const VitPixelFormat *pixel, const guint8 *from,
    guint n_pixels, guint8 *terms)
{
  for (guint c = 0; c < 3; c++) {
    const guint8 *channel = from + pixel->component[c].offset;

    for (guint x = 0; x < n_pixels; x++)
      terms[c * n_pixels + x] = channel[4 * x];
  }
}

/* The rows that most patches have, with a length the compiler knows. */
static inline void
copy_row (guint8 *to, const guint8 *from, gsize n_bytes)
{
  switch (n_bytes) {
    case 8:
      memcpy (to, from, 8);
      return;
    case 16:
      memcpy (to, from, 16);
      return;
    case 48:
      memcpy (to, from, 48);
      return;
    default:
      memcpy (to, from, n_bytes);
  }
}

void
vit_samples_copy (const VitSamples *samples, const VitImage *image,
    guint column, guint row, guint8 *terms)
{
  const VitPixelFormat *pixel = samples->format.pixel;

  for (guint p = 0; p < pixel->n_planes; p++) {
    const VitSampleRows *rows = &samples->rows[p];
    const guint8 *from = image->plane[p]
        + (gssize) row * rows->n_rows * image->stride[p]
        + (gsize) column * rows->row_bytes;
    guint8 *to = terms + rows->first_term * pixel->sample_bytes;

    for (guint y = 0; y < rows->n_rows; y++) {
      if (skips_a_byte (pixel))
        copy_three_of_four (pixel, from, samples->patch_size, to);
      else
        copy_row (to, from, rows->row_bytes);
      from += image->stride[p];
      to += rows->row_terms * pixel->sample_bytes;
    }
  }
}

void
vit_samples_widen (const VitSamples *samples, const guint8 *terms, float *out)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  float centre = (float) vit_image_sample_centre (&samples->format);

  for (gsize k = 0; k < samples->n_terms; k++) {
    guint16 word;

    memcpy (&word, terms + 2 * k, sizeof word);
    out[k] = (float) vit_pixel_format_sample (pixel, word) - centre;
  }
}

void
vit_samples_split (const VitSamples *samples, const guint8 *terms,
    guint8 *high, guint8 *low)
{
  const VitPixelFormat *pixel = samples->format.pixel;

  for (gsize k = 0; k < samples->n_terms; k++) {
    guint16 word;
    guint sample;

    memcpy (&word, terms + 2 * k, sizeof word);
    sample = vit_pixel_format_sample (pixel, word);
    high[k] = (guint8) (sample >> 8);
    low[k] = (guint8) sample;
  }
}

static gboolean
bytes_differ (const guint8 *a, const guint8 *b, guint n, guint tolerance)
{
  guint worst = 0;

  if (tolerance == 0)
    return memcmp (a, b, n) != 0;
  for (guint i = 0; i < n; i++) {
    guint difference = (guint) abs (a[i] - b[i]);

    worst = MAX (worst, difference);
  }
  return worst > tolerance;
}

static gboolean
words_differ (
    const VitPixelFormat *pixel, const guint8 *a, const guint8 *b, guint n,
    guint tolerance)
{
  if (tolerance == 0)
    return memcmp (a, b, 2 * n) != 0;
  for (guint i = 0; i < n; i++) {
    guint16 x, y;

    memcpy (&x, a + 2 * i, sizeof x);
    memcpy (&y, b + 2 * i, sizeof y);
    if ((guint) abs ((gint) vit_pixel_format_sample (pixel, x)
            - (gint) vit_pixel_format_sample (pixel, y))
        > tolerance)
      return TRUE;
  }
  return FALSE;
}

static gboolean
three_of_four_differ (const VitPixelFormat *pixel, const guint8 *from,
    guint n_pixels, const guint8 *terms, guint tolerance)
{
  guint worst = 0;

  for (guint c = 0; c < 3; c++) {
    const guint8 *channel = from + pixel->component[c].offset;

    for (guint x = 0; x < n_pixels; x++) {
      guint difference = (guint) abs (terms[c * n_pixels + x] - channel[4 * x]);

      worst = MAX (worst, difference);
    }
  }
  return worst > tolerance;
}

gboolean
vit_samples_differ (const VitSamples *samples, const VitImage *image,
    guint column, guint row, const guint8 *terms, guint tolerance)
{
  const VitPixelFormat *pixel = samples->format.pixel;

  for (guint p = 0; p < pixel->n_planes; p++) {
    const VitSampleRows *rows = &samples->rows[p];
    const guint8 *from = image->plane[p]
        + (gssize) row * rows->n_rows * image->stride[p]
        + (gsize) column * rows->row_bytes;
    const guint8 *then = terms + rows->first_term * pixel->sample_bytes;

    for (guint y = 0; y < rows->n_rows; y++) {
      gboolean differ;

      if (skips_a_byte (pixel))
        differ = three_of_four_differ (
            pixel, from, samples->patch_size, then, tolerance);
      else if (pixel->sample_bytes == 2)
        differ
            = words_differ (pixel, from, then, rows->row_terms, tolerance);
      else
        differ = bytes_differ (from, then, rows->row_bytes, tolerance);
      if (differ)
        return TRUE;
      from += image->stride[p];
      then += rows->row_terms * pixel->sample_bytes;
    }
  }
  return FALSE;
}

static guint
count_components (const VitSamples *samples)
{
  return samples->format.pixel->family == VIT_COLOUR_GRAY ? 1 : 3;
}

/* The samples that n pixels in a row take at most: those of a patch that starts
 * with the last pixel of a chroma block. */
static gsize
longest_range (guint n, guint shift)
{
  return (((gsize) n + (1u << shift) - 2) >> shift) + 1;
}

gsize
vit_samples_trace_size (const VitSamples *samples)
{
  gsize n_samples = 0;

  for (guint c = 0; c < count_components (samples); c++) {
    const VitComponent *component = &samples->format.pixel->component[c];

    n_samples += longest_range (samples->patch_size, component->shift_x)
        * longest_range (samples->patch_size, component->shift_y);
  }
  return n_samples * samples->format.pixel->sample_bytes;
}

/* The samples first .. end - 1 that patch i's pixels are read from, along one
 * axis of a picture of `length` pixels, the first of which is pixel `phase` of
 * its chroma block; none where the patch lies outside. */
static void
trace_range (guint i, guint patch_size, guint length, guint phase, guint shift,
    guint *first, guint *end)
{
  guint64 start = (guint64) i * patch_size;
  guint64 last = MIN (start + patch_size, length) - 1;

  *first = *end = 0;
  if (start >= length)
    return;
  *first = (guint) ((phase + start) >> shift);
  *end = (guint) ((phase + last) >> shift) + 1;
}

/* One component's rectangle of samples in the frame. */
typedef struct {
  const guint8 *base; /* of row 0 */
  gssize stride;
  guint step;
  guint first_x;
  guint end_x;
  guint first_y;
  guint end_y;
} Rectangle;

static Rectangle
find_rectangle (const VitSamples *samples, const VitImage *image,
    guint column, guint row, guint c)
{
  const VitImageFormat *format = &samples->format;
  const VitComponent *component = &format->pixel->component[c];
  Rectangle found = {
    .base = image->plane[component->plane] + component->offset,
    .stride = image->stride[component->plane], .step = component->step,
  };

  trace_range (column, samples->patch_size, format->width, format->phase_x,
      component->shift_x, &found.first_x, &found.end_x);
  trace_range (row, samples->patch_size, format->height, format->phase_y,
      component->shift_y, &found.first_y, &found.end_y);
  return found;
}

void
vit_samples_trace (const VitSamples *samples, const VitImage *image,
    guint column, guint row, guint8 *trace)
{
  guint n_bytes = samples->format.pixel->sample_bytes;

  for (guint c = 0; c < count_components (samples); c++) {
    Rectangle from = find_rectangle (samples, image, column, row, c);

    for (guint y = from.first_y; y < from.end_y; y++) {
      const guint8 *line = from.base + (gssize) y * from.stride;

      for (guint x = from.first_x; x < from.end_x; x++, trace += n_bytes)
        memcpy (trace, line + (gsize) x * from.step, n_bytes);
    }
  }
}

gboolean
vit_samples_trace_differs (const VitSamples *samples, const VitImage *image,
    guint column, guint row, const guint8 *trace, guint tolerance)
{
  const VitPixelFormat *pixel = samples->format.pixel;

  for (guint c = 0; c < count_components (samples); c++) {
    Rectangle now = find_rectangle (samples, image, column, row, c);

    for (guint y = now.first_y; y < now.end_y; y++) {
      const guint8 *line = now.base + (gssize) y * now.stride;

      for (guint x = now.first_x; x < now.end_x; x++) {
        const guint8 *sample = line + (gsize) x * now.step;

        if (pixel->sample_bytes == 2
                ? words_differ (pixel, sample, trace, 1, tolerance)
                : (guint) abs (*sample - *trace) > tolerance)
          return TRUE;
        trace += pixel->sample_bytes;
      }
    }
  }
  return FALSE;
}
