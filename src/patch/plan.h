/* SPDX-License-Identifier: MIT
 *
 * How each patch of a frame gets its token, so that no more is multiplied than
 * must be:
 *
 *     unchanged since its token was computed  ->  the token is kept
 *     no pixel leaves the RGB cube            ->  product over stored samples
 *     otherwise                               ->  product over clamped pixels
 *
 * On the way the samples of all patches are copied out of the frame: they are
 * what is multiplied, and what the next frame is compared with (the frame's
 * own memory goes back to its pool).
 *
 * Thread-safety: vit_plan_row() may run for several rows at once.
 */
#pragma once

#include "base/error.h"
#include "patch/gamut.h"
#include "patch/pixels.h"
#include "patch/samples.h"

G_BEGIN_DECLS

typedef enum {
  VIT_PATCH_SAMPLES,
  VIT_PATCH_PIXELS,
  VIT_PATCH_KEPT,
  VIT_N_PATCH_KINDS
} VitPatchKind;

typedef struct {
  VitSamples samples;
  gboolean has_samples; /* FALSE: no patch is VIT_PATCH_SAMPLES */
  gboolean may_clamp;   /* FALSE: no pixel can leave the cube */
  VitGamut gamut;
  guint grid_width;
  guint grid_height;
  guint whole_columns;  /* patches that the frame covers wholly */
  guint whole_rows;
  gsize stride;         /* bytes from one patch's terms to the next; a multiple
                           of VIT_KERNEL_TERM_ALIGN */
  guint8 *terms;        /* [n_patches + 32][stride], of the tokens' samples; a
                           trace of those that are not multiplied as stored */
  guint8 *kind;         /* [n_patches], a VitPatchKind */
  guint32 *list;        /* [n_patches]: patches by kind, each in raster order */
  guint first[VIT_N_PATCH_KINDS + 1]; /* where each kind starts in `list` */
} VitPlan;

/* A grid of any size over frames of one format.  Errors: NO_MEMORY.  Clear
 * with vit_plan_clear(), also after an error. */
gboolean vit_plan_init (VitPlan *plan, const VitImageFormat *format,
    guint patch_size, guint grid_width, guint grid_height, GError **error);
void vit_plan_clear (VitPlan *plan);

/* Bytes that vit_plan_init() takes for a grid of so many patches. */
guint64 vit_plan_memory (
    const VitImageFormat *format, guint patch_size, guint64 n_patches);

/* Decides on one row of the grid.  `keep`: there are tokens of the samples in
 * `terms`, and those whose samples differ by at most `tolerance` stay. */
void vit_plan_row (VitPlan *plan, const VitImage *image, guint row,
    gboolean keep, guint tolerance);

/* Once all rows are decided: fills `list` and `first`. */
void vit_plan_finish (VitPlan *plan);

/* Patches of this kind, and their number. */
const guint32 *vit_plan_patches (
    const VitPlan *plan, VitPatchKind kind, guint *n);

/* Where the pixels of a patch are read from: its copied samples, or the frame
 * where there are none. */
VitPixelsSource vit_plan_pixels_source (const VitPlan *plan,
    const VitPixels *pixels, const VitImage *image, guint patch);

G_END_DECLS
