/* SPDX-License-Identifier: MIT
 *
 * The stored samples of a patch as one vector, in the order in which they lie
 * in memory, so that taking a patch out of a frame is a copy of short rows and
 * nothing else:
 *
 *     RGB   P rows of 3 P bytes                       3 P P terms
 *     RGBx  P rows of P red, P green, P blue bytes    3 P P terms
 *     NV12  P rows of P luma bytes, then
 *           P/2 rows of P/2 Cb and Cr in turn       1.5 P P terms
 *     I420_10LE as I420, each term a 16-bit word
 *
 * What a term means for the projection (its component, and which pixels it
 * stands for) is folded into the weights: see fold.h.
 *
 * Thread-safety: pure functions on plain data.
 */
#pragma once

#include "patch/image.h"

G_BEGIN_DECLS

/* One plane's share of a patch. */
typedef struct {
  guint row_bytes;  /* in the frame, from one patch to its right neighbour */
  guint n_rows;
  gsize first_term;
  guint row_terms;  /* terms of one row */
} VitSampleRows;

typedef struct {
  VitImageFormat format;
  guint patch_size;
  gsize n_terms;
  VitSampleRows rows[VIT_IMAGE_MAX_PLANES]; /* [format.pixel->n_planes] */
} VitSamples;

/* Bytes past the terms of a patch that others may read and ignore: they take
 * rows shorter than a vector as a whole one. */
#define VIT_SAMPLES_SLACK 32

/* FALSE where a patch is not made of whole chroma blocks: an odd patch size
 * with subsampled chroma, or a picture that starts in the middle of a block.
 * Then there are no terms, and only the functions of traces below may be used. */
gboolean vit_samples_init (
    VitSamples *samples, const VitImageFormat *format, guint patch_size);

/* The term of component c at (x, y), counted in that component's samples from
 * the corner of the patch. */
gsize vit_samples_term (const VitSamples *samples, guint c, guint x, guint y);

/* The terms of a whole row: that of (x, y) is *first + x * *step. */
void vit_samples_terms (const VitSamples *samples, guint c, guint y,
    gsize *first, gsize *step);

/* Of which component each term is: 0, 1 or 2. */
void vit_samples_components (
    const VitSamples *samples, guint8 *component /* [n_terms] */);

/* Copies the terms of the patch at this place of the grid, which must lie
 * wholly inside the frame: n_terms bytes, or 16-bit words as they are stored. */
void vit_samples_copy (const VitSamples *samples, const VitImage *image,
    guint column, guint row, guint8 *terms);

/* Of formats with 16-bit words: terms less their centre, as floats; or their
 * high and low bytes, apart. */
void vit_samples_widen (const VitSamples *samples, const guint8 *terms,
    float *out /* [n_terms] */);
void vit_samples_split (const VitSamples *samples, const guint8 *terms,
    guint8 *high /* [n_terms] */, guint8 *low /* [n_terms] */);

/* Whether vit_samples_copy() would copy other terms now than `terms` holds:
 * the largest difference of one sample is over `tolerance`. */
gboolean vit_samples_differ (const VitSamples *samples, const VitImage *image,
    guint column, guint row, const guint8 *terms, guint tolerance);

/* A trace is a copy of every sample that the pixels of a patch are read from,
 * one component after the other: of patches that the frame covers only in part,
 * and of those that share chroma with their neighbours.  It is no operand; it
 * tells whether the patch changed.  Never longer than the terms, where there
 * are terms. */
gsize vit_samples_trace_size (const VitSamples *samples); /* bytes, at most */
void vit_samples_trace (const VitSamples *samples, const VitImage *image,
    guint column, guint row, guint8 *trace);

/* As vit_samples_differ(), of a trace. */
gboolean vit_samples_trace_differs (const VitSamples *samples,
    const VitImage *image, guint column, guint row, const guint8 *trace,
    guint tolerance);

G_END_DECLS
