/* SPDX-License-Identifier: MIT
 *
 * The weights of one kind of terms (stored samples, or pixels), ready for the
 * kernel of a precision: folded weights go in, products come out.
 *
 * Thread-safety: immutable once filled.
 */
#pragma once

#include "base/error.h"
#include "base/precision.h"
#include "kernel/patch.h"

G_BEGIN_DECLS

typedef struct {
  VitPrecision precision;  /* F32 or INT16 */
  gsize n_terms;
  gsize stride;            /* of a patch: floats, or bytes of one plane */

  const VitKernelF32 *f32; /* F32 only */
  float *f32_panels;

  const VitKernelFixed *fixed; /* INT16 only */
  VitFixedWeights weights;
  void *fixed_panels;
  float *scale;
  gint32 *sum;
} VitProjection;

/* Some channels of the weights: a matrix in double is never there as a whole, as
 * it would be several times as large as what is made of it. */
typedef struct {
  guint first;       /* a multiple of VIT_KERNEL_CHANNEL_ALIGN */
  guint n_channels;  /* likewise, but for the last */
  const double *weight; /* [n_channels][n_terms] */

  /* INT16 only */
  double largest;    /* of all channels, see vit_quantise() */
  const guint8 *component; /* [n_terms], (nullable), see there */
  double unit;       /* what a term's whole number is worth, 1 or 1/256 */
} VitProjectionPart;

/* Makes room for the weights, which vit_projection_fill() brings part by part.
 * `precision` is F32 or INT16.  Errors: NO_MEMORY.  Clear with
 * vit_projection_clear(), also after an error. */
gboolean vit_projection_init (VitProjection *projection,
    VitPrecision precision, guint n_channels, gsize n_terms, GError **error);

/* Errors: NO_MEMORY; SETTING for weights that the precision cannot hold. */
gboolean vit_projection_fill (VitProjection *projection,
    const VitProjectionPart *part, GError **error);
/* VitProjection's. */
gsize vit_projection_stride (VitPrecision precision, gsize n_terms);
void vit_projection_clear (VitProjection *projection);

G_END_DECLS
