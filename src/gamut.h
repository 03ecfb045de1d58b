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

#include "samples.h"

G_BEGIN_DECLS

typedef struct {
  gint16 cb[3]; /* what R, G, B take of Cb, in steps of luma, times 2^14 */
  gint16 cr[3];
  gint16 low;   /* the range of luma, times 2^luma_bits */
  gint16 high;
  guint8 luma_bits;
} VitGamut;

void vit_gamut_init (VitGamut *gamut, const VitImageFormat *format);

/* Of a patch as vit_samples_copy() took it out; Y'CbCr formats only. */
gboolean vit_gamut_holds (const VitGamut *gamut, const VitSamples *samples,
    const guint8 *terms);

G_END_DECLS
