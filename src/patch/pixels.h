/* SPDX-License-Identifier: MIT
 *
 * The pixels of a patch, for patches that need them one by one: those of
 * Y'CbCr frames in which some pixel leaves the RGB cube, and those that the
 * frame covers only in part.
 *
 *     term = clamp (M (sample - centre), -m, 255 - m) = pixel - m,
 *
 * M of vit_image_sample_to_pixel(), m of vit_image_pixel_centre(), each chroma
 * sample standing for its whole block; terms in the order [c][y][x].  In real
 * arithmetic, or rounded to 1/256 and stored as high and low byte, relative to
 * vit_pixels_fixed_centre().  The rounding is done in whole numbers, so that
 * every machine gives the same.
 *
 * Thread-safety: the functions write only to what they are given.
 */
#pragma once

#include "kernel/patch.h"
#include "patch/samples.h"

G_BEGIN_DECLS

typedef struct {
  VitImageFormat format;
  guint patch_size;
  /* Y'CbCr only: pixels of other formats are their samples. */
  VitConvertF32 f32;
  VitConvertFixed fixed;
  gint32 fixed_centre;      /* round (256 m) */
  float outside[3];         /* the term of a pixel that the frame has not */
  gint32 fixed_outside[3];
} VitPixels;

/* `outside`: R, G, B in [0,255] of pixels right of and below the frame. */
void vit_pixels_init (VitPixels *pixels, const VitImageFormat *format,
    guint patch_size, const double outside[3]);

/* Where a patch is read from. */
typedef struct {
  const guint8 *base[3]; /* row 0 of each component */
  gssize stride[3];      /* bytes */
  guint x;               /* of the patch's first pixel, from those rows on */
  guint y;
  guint width;           /* pixels of the patch that are there, 0 .. P */
  guint height;
  gboolean has_slack;    /* the patch is whole, and more may be read */
} VitPixelsSource;

/* A patch of a Y'CbCr format as vit_samples_copy() took it out, with
 * VIT_SAMPLES_SLACK bytes behind it. */
VitPixelsSource vit_pixels_source_terms (
    const VitSamples *samples, const guint8 *terms);

/* A patch of the frame, inside it or in part. */
VitPixelsSource vit_pixels_source_image (
    const VitPixels *pixels, const VitImage *image, guint column, guint row);

/* 16-bit numbers of scratch that the two functions below need. */
gsize vit_pixels_scratch_size (const VitPixels *pixels);

void vit_pixels_f32 (const VitPixels *pixels, const VitKernelF32 *kernel,
    const VitPixelsSource *source, float *terms /* [3][P][P] */,
    gint16 *scratch);

/* term * 256 + fixed_centre = high * 256 + low, rounded to nearest. */
void vit_pixels_fixed (const VitPixels *pixels, const VitKernelFixed *kernel,
    const VitPixelsSource *source, guint8 *high /* [3][P][P] */,
    guint8 *low /* [3][P][P] */, gint16 *scratch);

G_END_DECLS
