/* SPDX-License-Identifier: MIT */
#include "gamut.h"

#include <math.h>
#include <string.h>

/* Bits after the point of cb and cr, and of the sums in 8-bit formats. */
#define FACTOR_BITS 14
#define SUM_BITS 5

/* What rounding can take from a sum, in its last bits, wherever chroma is not
 * neutral: two products rounded down, and the factors' own rounding. */
#define MARGIN 3

/* Chroma samples that are tested at once. */
#define CHUNK 64

void
vit_gamut_init (VitGamut *gamut, const VitImageFormat *format)
{
  guint depth_bits = format->pixel->depth - 8u;
  double matrix[3][4], peak = (256 << depth_bits) - 1;
  double low = format->full_range ? 0.0 : 16 << depth_bits;
  double high = format->full_range ? peak : 235 << depth_bits;

  memset (gamut, 0, sizeof *gamut);
  gamut->luma_bits = (guint8) (SUM_BITS - depth_bits);
  gamut->low = (gint16) (low * (1 << gamut->luma_bits));
  gamut->high = (gint16) (high * (1 << gamut->luma_bits));
  vit_image_sample_to_pixel (format, matrix);
  for (guint c = 0; c < 3; c++) {
    gamut->cb[c]
        = (gint16) lrint (matrix[c][1] / matrix[c][0] * (1 << FACTOR_BITS));
    gamut->cr[c]
        = (gint16) lrint (matrix[c][2] / matrix[c][0] * (1 << FACTOR_BITS));
  }
}

static inline gint16
read_sample (const VitPixelFormat *pixel, const guint8 *at)
{
  guint16 word;

  if (pixel->sample_bytes == 1)
    return *at;
  memcpy (&word, at, sizeof word);
  return (gint16) vit_pixel_format_sample (pixel, word);
}

/* Chroma and the extremes of the luma that shares it, of up to CHUNK chroma
 * samples; centred chroma is shifted so that products keep their high half. */
typedef struct {
  gint16 cb[CHUNK];
  gint16 cr[CHUNK];
  gint16 darkest[CHUNK];
  gint16 brightest[CHUNK];
} Chunk;

/* All samples of a row of chroma.  Inlined with a constant block of luma. */
static inline void
read_row (const VitSamples *samples, const guint8 *terms, guint row,
    guint first, guint n, guint block_width, guint block_height, Chunk *chunk)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  gint16 centre = (gint16) vit_image_sample_centre (&samples->format);
  gint16 scale = (gint16) (1 << (SUM_BITS + 2 - (pixel->depth - 8)));
  const guint8 *base[3];
  gsize stride[3];

  for (guint c = 0; c < 3; c++) {
    const VitComponent *component = &pixel->component[c];
    const VitSampleRows *rows = &samples->rows[component->plane];

    stride[c] = (gsize) rows->row_terms * pixel->sample_bytes;
    base[c] = terms + rows->first_term * pixel->sample_bytes
        + row * (c == 0 ? block_height : 1) * stride[c] + component->offset;
  }
  for (guint i = 0; i < n; i++) {
    guint x = first + i;
    gint16 darkest = G_MAXINT16, brightest = 0;

    for (guint v = 0; v < block_height; v++) {
      for (guint u = 0; u < block_width; u++) {
        gint16 luma = read_sample (pixel,
            base[0] + v * stride[0]
                + (x * block_width + u) * pixel->component[0].step);

        darkest = MIN (darkest, luma);
        brightest = MAX (brightest, luma);
      }
    }
    chunk->darkest[i] = darkest;
    chunk->brightest[i] = brightest;
    chunk->cb[i] = (gint16) ((read_sample (pixel,
                                  base[1] + x * pixel->component[1].step)
                                 - centre)
        * scale);
    chunk->cr[i] = (gint16) ((read_sample (pixel,
                                  base[2] + x * pixel->component[2].step)
                                 - centre)
        * scale);
  }
}

/* The high half of a product of 16-bit numbers. */
static inline gint16
high_half (gint16 a, gint16 b)
{
  return (gint16) ((a * b) >> 16);
}

static gboolean
chunk_holds (const VitGamut *gamut, const Chunk *restrict chunk, guint n)
{
  gint16 outside = 0;

  for (guint i = 0; i < n; i++) {
    gint16 least = 0, most = 0, margin;

    for (guint c = 0; c < 3; c++) {
      gint16 sum = (gint16) (high_half (chunk->cb[i], gamut->cb[c])
          + high_half (chunk->cr[i], gamut->cr[c]));

      least = c == 0 ? sum : MIN (least, sum);
      most = c == 0 ? sum : MAX (most, sum);
    }
    margin = (chunk->cb[i] | chunk->cr[i]) ? MARGIN : 0;
    least = (gint16) ((chunk->darkest[i] << gamut->luma_bits) + least - margin);
    most = (gint16) ((chunk->brightest[i] << gamut->luma_bits) + most + margin);
    outside |= (gint16) ((least < gamut->low) | (most > gamut->high));
  }
  return !outside;
}

gboolean
vit_gamut_holds (
    const VitGamut *gamut, const VitSamples *samples, const guint8 *terms)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  const VitComponent *chroma = &pixel->component[1];
  guint width = samples->patch_size >> chroma->shift_x;
  guint height = samples->patch_size >> chroma->shift_y;
  Chunk chunk;

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x += CHUNK) {
      guint n = MIN (CHUNK, width - x);

      if (chroma->shift_x && chroma->shift_y)
        read_row (samples, terms, y, x, n, 2, 2, &chunk);
      else if (chroma->shift_x)
        read_row (samples, terms, y, x, n, 2, 1, &chunk);
      else
        read_row (samples, terms, y, x, n, 1, 1, &chunk);
      if (!chunk_holds (gamut, &chunk, n))
        return FALSE;
    }
  }
  return TRUE;
}
