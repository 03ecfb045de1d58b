/* SPDX-License-Identifier: MIT
 *
 * Whether a patch of Y'CbCr samples stays inside the RGB cube, so that colour
 * conversion is linear there: no R, G or B of it is below 0 or above 255.
 *
 * Counted in whole numbers, in steps of luma: R lies in [0,255] exactly where
 * Y + e(Cb, Cr) lies in the range of Y, with e = (what chroma adds) / (gain of
 * Y).  Gray is exact; elsewhere the test errs by less than a fifth of a step of
 * 8-bit luma, and then always to the safe side, that of outside.
 *
 * Thread-safety: pure functions on plain data.
 */
#pragma once

#include "patch/samples.h"

G_BEGIN_DECLS

/* How samples lie in a row of terms. */
typedef enum {
  VIT_GAMUT_BYTES,      /* 4:4:4, a byte each */
  VIT_GAMUT_PLANAR,     /* two bytes of luma to a byte of each chroma */
  VIT_GAMUT_SEMIPLANAR, /* two bytes of luma to two bytes of chroma */
  VIT_GAMUT_WORDS,      /* two words of luma to a word of each chroma */
  VIT_GAMUT_WORD_PAIRS, /* two words of luma to two words of chroma */
} VitGamutLayout;

/* Of the two chroma components, [0] is the one that lies first in memory. */
typedef struct {
  VitGamutLayout layout;
  guint8 chroma[2]; /* which component that is */
  gint16 alone[2];  /* what R takes of Cr, or B of Cb, which take no other:
                      * in steps of luma, times 2^14 */
  gint16 green[2];  /* what G takes of both, likewise */
  gint16 low;       /* the range of luma, times 2^luma_bits */
  gint16 high;
  guint8 luma_bits;
  guint8 chroma_bits; /* chroma is multiplied by two to this */
  /* Where a word holds a sample: (word >> shift) & mask. */
  guint8 luma_shift;
  guint8 chroma_shift;
  guint16 mask;
} VitGamut;

void vit_gamut_init (VitGamut *gamut, const VitImageFormat *format);

/* Bytes behind a patch's terms that vit_gamut_holds() may read: 0, or
 * VIT_SAMPLES_SLACK of patches with rows shorter than a vector. */
gsize vit_gamut_slack (const VitSamples *samples);

/* Of a patch as vit_samples_copy() took it out, with its slack behind it; Y'CbCr
 * formats only. */
gboolean vit_gamut_holds (
    const VitGamut *gamut, const VitSamples *samples, const guint8 *terms);

G_END_DECLS
