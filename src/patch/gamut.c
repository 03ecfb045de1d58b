/* SPDX-License-Identifier: MIT */
#include "patch/gamut.h"

#include <math.h>
#include <string.h>

#include "patch/lanes.h"

/* Bits after the point of the factors, and of the sums in 8-bit formats. */
#define FACTOR_BITS 14
#define SUM_BITS 5

/* What rounding can take from a sum, in its last bits, wherever chroma is not
 * neutral: two products rounded down, and the factors' own rounding. */
#define MARGIN 3

/* Half of the range of chroma, times 2^chroma_bits. */
#define CENTRE (1 << 14)

/* A layout must be met as a constant. */
#define INLINE static inline __attribute__ ((always_inline))

static void
init_layout (VitGamut *gamut, const VitPixelFormat *pixel)
{
  const VitComponent *luma = &pixel->component[0];
  const VitComponent *cb = &pixel->component[1], *cr = &pixel->component[2];
  gboolean is_shared = cb->plane == cr->plane;

  gamut->chroma[0] = is_shared && cr->offset < cb->offset ? 2 : 1;
  gamut->chroma[1] = 3 - gamut->chroma[0];
  if (pixel->sample_bytes == 2) {
    gamut->layout = is_shared ? VIT_GAMUT_WORD_PAIRS : VIT_GAMUT_WORDS;
    gamut->luma_shift = gamut->chroma_shift = pixel->sample_shift;
  } else if (is_shared && luma->plane == cb->plane) {
    /* A byte of luma and one of chroma make a word. */
    gamut->layout = VIT_GAMUT_WORD_PAIRS;
    gamut->luma_shift = 8 * luma->offset;
    gamut->chroma_shift = 8 - gamut->luma_shift;
  } else if (is_shared) {
    gamut->layout = VIT_GAMUT_SEMIPLANAR;
  } else {
    gamut->layout = cb->shift_x ? VIT_GAMUT_PLANAR : VIT_GAMUT_BYTES;
  }
  gamut->mask = (guint16) ((1u << pixel->depth) - 1);
}

void
vit_gamut_init (VitGamut *gamut, const VitImageFormat *format)
{
  guint depth_bits = format->pixel->depth - 8u;
  double matrix[3][4], peak = (256 << depth_bits) - 1;
  double low = format->full_range ? 0.0 : 16 << depth_bits;
  double high = format->full_range ? peak : 235 << depth_bits;

  memset (gamut, 0, sizeof *gamut);
  init_layout (gamut, format->pixel);
  gamut->luma_bits = (guint8) (SUM_BITS - depth_bits);
  /* Two more, and centred: products keep their high half. */
  gamut->chroma_bits = gamut->luma_bits + 16 - FACTOR_BITS;
  gamut->low = (gint16) (low * (1 << gamut->luma_bits));
  gamut->high = (gint16) (high * (1 << gamut->luma_bits));
  vit_image_sample_to_pixel (format, matrix);
  for (guint k = 0; k < 2; k++) {
    guint component = gamut->chroma[k], own = component == 1 ? 2 : 0;

    gamut->alone[k] = (gint16) lrint (
        matrix[own][component] / matrix[own][0] * (1 << FACTOR_BITS));
    gamut->green[k] = (gint16) lrint (
        matrix[1][component] / matrix[1][0] * (1 << FACTOR_BITS));
  }
}

/* Eight chroma samples of each component, less their centre, and the extremes of
 * the luma that shares each. */
typedef struct {
  VitLanes darkest;
  VitLanes brightest;
  VitLanes chroma[2];
} Block;

/* Where a block is read. */
typedef struct {
  const guint8 *luma[2]; /* rows; one twice where each has chroma of its own */
  const guint8 *chroma[2];
} Place;

typedef struct {
  VitLanes even;
  VitLanes odd;
} Pairs;

INLINE Pairs
pairs_of_bytes (const guint8 *at)
{
  VitLanes both = vit_lanes_load (at);

  return (Pairs){ both & 255, vit_lanes_shift_right (both, 8) };
}

INLINE VitLanes
words (const guint8 *at, guint shift, gint16 mask)
{
  return vit_lanes_shift_right (vit_lanes_load (at), shift) & mask;
}

INLINE Pairs
pairs_of_words (const guint8 *at, guint shift, gint16 mask)
{
  VitLanes first = words (at, shift, mask);
  VitLanes second = words (at + sizeof first, shift, mask);

  return (
      Pairs){ vit_lanes_even (first, second), vit_lanes_odd (first, second) };
}

INLINE void
read_luma (const VitGamut *gamut, VitGamutLayout layout, const Place *place,
    Block *block)
{
  Pairs row[2];

  if (layout == VIT_GAMUT_BYTES) {
    block->darkest = block->brightest = vit_lanes_widen (place->luma[0]);
    return;
  }
  for (guint v = 0; v < 2; v++) {
    row[v]
        = layout == VIT_GAMUT_PLANAR || layout == VIT_GAMUT_SEMIPLANAR
              ? pairs_of_bytes (place->luma[v])
              : pairs_of_words (place->luma[v], gamut->luma_shift, gamut->mask);
  }
  block->darkest = vit_lanes_min (vit_lanes_min (row[0].even, row[0].odd),
      vit_lanes_min (row[1].even, row[1].odd));
  block->brightest = vit_lanes_max (vit_lanes_max (row[0].even, row[0].odd),
      vit_lanes_max (row[1].even, row[1].odd));
}

INLINE void
read_chroma (const VitGamut *gamut, VitGamutLayout layout, const Place *place,
    Block *block)
{
  guint shift = gamut->chroma_shift;
  gint16 mask = gamut->mask;
  Pairs pairs;

  switch (layout) {
    case VIT_GAMUT_BYTES:
    case VIT_GAMUT_PLANAR:
      pairs.even = vit_lanes_widen (place->chroma[0]);
      pairs.odd = vit_lanes_widen (place->chroma[1]);
      break;
    case VIT_GAMUT_SEMIPLANAR:
      pairs = pairs_of_bytes (place->chroma[0]);
      break;
    case VIT_GAMUT_WORDS:
      pairs.even = words (place->chroma[0], shift, mask);
      pairs.odd = words (place->chroma[1], shift, mask);
      break;
    case VIT_GAMUT_WORD_PAIRS:
    default:
      pairs = pairs_of_words (place->chroma[0], shift, mask);
  }
  block->chroma[0] = (pairs.even << gamut->chroma_bits) - CENTRE;
  block->chroma[1] = (pairs.odd << gamut->chroma_bits) - CENTRE;
}

/* The least and the largest sum of each lane so far. */
typedef struct {
  VitLanes least;
  VitLanes most;
} Extremes;

INLINE void
extend (const VitGamut *gamut, const Block *block, Extremes *extremes)
{
  const VitLanes *chroma = block->chroma;
  VitLanes zero = { 0 };
  VitLanes first
      = vit_lanes_high_half (chroma[0], vit_lanes_all (gamut->alone[0]));
  VitLanes second
      = vit_lanes_high_half (chroma[1], vit_lanes_all (gamut->alone[1]));
  VitLanes green
      = vit_lanes_high_half (chroma[0], vit_lanes_all (gamut->green[0]))
        + vit_lanes_high_half (chroma[1], vit_lanes_all (gamut->green[1]));
  VitLanes margin = ~((chroma[0] | chroma[1]) == zero) & MARGIN;
  VitLanes least = vit_lanes_min (vit_lanes_min (first, second), green);
  VitLanes most = vit_lanes_max (vit_lanes_max (first, second), green);

  least += (block->darkest << gamut->luma_bits) - margin;
  most += (block->brightest << gamut->luma_bits) + margin;
  extremes->least = vit_lanes_min (extremes->least, least);
  extremes->most = vit_lanes_max (extremes->most, most);
}

/* Where a component's rows of a patch start and how far apart they lie. */
typedef struct {
  const guint8 *row;
  gsize stride;
} Rows;

static Rows
rows_of (const VitSamples *samples, const guint8 *terms, guint component)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  const VitSampleRows *rows = &samples->rows[pixel->component[component].plane];

  return (Rows){ terms + rows->first_term * pixel->sample_bytes,
    (gsize) rows->row_terms * pixel->sample_bytes };
}

INLINE gboolean
holds (const VitGamut *gamut, VitGamutLayout layout, const VitSamples *samples,
    const guint8 *terms)
{
  const VitComponent *component = &samples->format.pixel->component[1];
  guint width = samples->patch_size >> component->shift_x;
  guint height = samples->patch_size >> component->shift_y;
  guint n_lanes = MIN (width, VIT_LANES);
  /* Bytes from one chroma sample to the next, and of the luma that shares it. */
  guint step = layout == VIT_GAMUT_WORD_PAIRS ? 4
               : layout == VIT_GAMUT_WORDS || layout == VIT_GAMUT_SEMIPLANAR
                   ? 2
                   : 1;
  guint luma_step
      = layout == VIT_GAMUT_BYTES                                      ? 1
        : layout == VIT_GAMUT_PLANAR || layout == VIT_GAMUT_SEMIPLANAR ? 2
                                                                       : 4;
  Rows luma = rows_of (samples, terms, 0);
  Rows first = rows_of (samples, terms, gamut->chroma[0]);
  Rows second = rows_of (samples, terms, gamut->chroma[1]);
  gsize below = component->shift_y ? luma.stride : 0;
  Extremes extremes
      = { vit_lanes_all (G_MAXINT16), vit_lanes_all (G_MININT16) };
  VitLanes outside;
  guint64 any = 0;

  for (guint y = 0; y < height; y++) {
    for (guint next = 0; next < width; next += VIT_LANES) {
      /* The last block overlaps the one before it. */
      guint x = MIN (next, width - n_lanes);
      const guint8 *row = luma.row + x * luma_step;
      Place place = { { row, row + below },
        { first.row + x * step, second.row + x * step } };
      Block block;

      read_luma (gamut, layout, &place, &block);
      read_chroma (gamut, layout, &place, &block);
      extend (gamut, &block, &extremes);
    }
    luma.row += luma.stride + below;
    first.row += first.stride;
    second.row += second.stride;
  }
  outside = (extremes.least < gamut->low) | (extremes.most > gamut->high);
  for (guint i = 0; i < n_lanes; i++)
    any |= (guint64) outside[i];
  return any == 0;
}

gsize
vit_gamut_slack (const VitSamples *samples)
{
  const VitComponent *chroma = &samples->format.pixel->component[1];

  return samples->patch_size >> chroma->shift_x < VIT_LANES ? VIT_SAMPLES_SLACK
                                                            : 0;
}

gboolean
vit_gamut_holds (
    const VitGamut *gamut, const VitSamples *samples, const guint8 *terms)
{
  switch (gamut->layout) {
    case VIT_GAMUT_BYTES:
      return holds (gamut, VIT_GAMUT_BYTES, samples, terms);
    case VIT_GAMUT_PLANAR:
      return holds (gamut, VIT_GAMUT_PLANAR, samples, terms);
    case VIT_GAMUT_SEMIPLANAR:
      return holds (gamut, VIT_GAMUT_SEMIPLANAR, samples, terms);
    case VIT_GAMUT_WORDS:
      return holds (gamut, VIT_GAMUT_WORDS, samples, terms);
    case VIT_GAMUT_WORD_PAIRS:
    default:
      return holds (gamut, VIT_GAMUT_WORD_PAIRS, samples, terms);
  }
}
