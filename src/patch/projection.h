/* SPDX-License-Identifier: MIT
 *
 * The weights of one kind of terms (stored samples, or pixels), ready for the
 * kernel of a precision: folded weights go in, products come out.
 *
 * Thread-safety: immutable once made.
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

/* `unit`: what a term's whole number is worth, 1 or 1/256; `component`: of each
 * term, see vit_quantise() (both INT16 only).  `precision` is F32 or INT16.
 * Errors: NO_MEMORY; SETTING for weights that the precision cannot hold.  Clear
 * with vit_projection_clear(), also after an error. */
gboolean vit_projection_init (VitProjection *projection,
    VitPrecision precision, const double *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms,
    const guint8 *component /* [n_terms]; (nullable) */, double unit,
    GError **error);
void vit_projection_clear (VitProjection *projection);

G_END_DECLS
