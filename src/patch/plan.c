/* SPDX-License-Identifier: MIT */
#include "patch/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "patch/projection.h"

/* Sets samples, has_samples, may_clamp and stride. */
static void
choose_terms (VitPlan *plan, const VitImageFormat *format, guint patch_size)
{
  gsize n_bytes;

  plan->has_samples = vit_samples_init (&plan->samples, format, patch_size);
  plan->may_clamp = format->pixel->family == VIT_COLOUR_YCBCR;
  n_bytes = plan->has_samples
      ? plan->samples.n_terms * format->pixel->sample_bytes
      : vit_samples_trace_size (&plan->samples);
  /* Of its own, for another worker may be writing the next patch. */
  if (plan->has_samples && plan->may_clamp)
    n_bytes += vit_gamut_slack (&plan->samples);
  plan->stride = (n_bytes + VIT_KERNEL_TERM_ALIGN - 1) / VIT_KERNEL_TERM_ALIGN
      * VIT_KERNEL_TERM_ALIGN;
}

guint64
vit_plan_memory (
    const VitImageFormat *format, guint patch_size, guint64 n_patches)
{
  VitPlan plan;

  choose_terms (&plan, format, patch_size);
  return n_patches * (sizeof *plan.kind + sizeof *plan.list)
      + (n_patches + VIT_KERNEL_PATCH_TILE) * plan.stride;
}

gboolean
vit_plan_init (VitPlan *plan, const VitImageFormat *format, guint patch_size,
    guint grid_width, guint grid_height, GError **error)
{
  gsize n_patches = (gsize) grid_width * grid_height;

  memset (plan, 0, sizeof *plan);
  choose_terms (plan, format, patch_size);
  if (plan->may_clamp)
    vit_gamut_init (&plan->gamut, format);
  plan->grid_width = grid_width;
  plan->grid_height = grid_height;
  plan->whole_columns = MIN (format->width / patch_size, grid_width);
  plan->whole_rows = MIN (format->height / patch_size, grid_height);

  plan->kind = vit_try_aligned (n_patches, 1, error);
  if (plan->kind != NULL)
    plan->list = vit_try_aligned (n_patches, sizeof (guint32), error);
  if (plan->list == NULL)
    return FALSE;
  /* A kernel reads whole tiles, whatever lies past the last patch. */
  plan->terms = vit_try_aligned (
      n_patches + VIT_KERNEL_PATCH_TILE, plan->stride, error);
  if (plan->terms == NULL)
    return FALSE;
  memset (plan->terms, 0, (n_patches + VIT_KERNEL_PATCH_TILE) * plan->stride);
  return TRUE;
}

void
vit_plan_clear (VitPlan *plan)
{
  free (plan->terms);
  free (plan->kind);
  free (plan->list);
  memset (plan, 0, sizeof *plan);
}

static gboolean
is_copied (const VitPlan *plan, guint column, guint row)
{
  return plan->has_samples && column < plan->whole_columns
      && row < plan->whole_rows;
}

/* Of patches that are read pixel by pixel from the frame. */
static VitPatchKind
decide_by_trace (const VitPlan *plan, const VitImage *image, guint column,
    guint row, gboolean keep, guint tolerance, guint8 *trace)
{
  if (keep
      && !vit_samples_trace_differs (
          &plan->samples, image, column, row, trace, tolerance))
    return VIT_PATCH_KEPT;
  vit_samples_trace (&plan->samples, image, column, row, trace);
  return VIT_PATCH_PIXELS;
}

static VitPatchKind
decide (VitPlan *plan, const VitImage *image, guint column, guint row,
    gboolean keep, guint tolerance)
{
  gsize patch = (gsize) row * plan->grid_width + column;
  guint8 *terms = plan->terms + patch * plan->stride;

  if (!is_copied (plan, column, row))
    return decide_by_trace (plan, image, column, row, keep, tolerance, terms);
  if (keep
      && !vit_samples_differ (
          &plan->samples, image, column, row, terms, tolerance))
    return VIT_PATCH_KEPT;
  vit_samples_copy (&plan->samples, image, column, row, terms);
  if (plan->may_clamp
      && !vit_gamut_holds (&plan->gamut, &plan->samples, terms))
    return VIT_PATCH_PIXELS;
  return VIT_PATCH_SAMPLES;
}

void
vit_plan_row (VitPlan *plan, const VitImage *image, guint row, gboolean keep,
    guint tolerance)
{
  guint8 *kind = plan->kind + (gsize) row * plan->grid_width;

  for (guint column = 0; column < plan->grid_width; column++)
    kind[column] = (guint8) decide (plan, image, column, row, keep, tolerance);
}

void
vit_plan_finish (VitPlan *plan)
{
  guint n_patches = plan->grid_width * plan->grid_height;
  guint next[VIT_N_PATCH_KINDS] = { 0 };

  for (guint i = 0; i < n_patches; i++)
    next[plan->kind[i]]++;
  plan->first[0] = 0;
  for (guint k = 0; k < VIT_N_PATCH_KINDS; k++) {
    plan->first[k + 1] = plan->first[k] + next[k];
    next[k] = plan->first[k];
  }
  for (guint i = 0; i < n_patches; i++)
    plan->list[next[plan->kind[i]]++] = i;
}

const guint32 *
vit_plan_patches (const VitPlan *plan, VitPatchKind kind, guint *n)
{
  *n = plan->first[kind + 1] - plan->first[kind];
  return plan->list + plan->first[kind];
}

VitPixelsSource
vit_plan_pixels_source (const VitPlan *plan, const VitPixels *pixels,
    const VitImage *image, guint patch)
{
  guint column = patch % plan->grid_width, row = patch / plan->grid_width;

  if (is_copied (plan, column, row))
    return vit_pixels_source_terms (
        &plan->samples, plan->terms + patch * plan->stride);
  return vit_pixels_source_image (pixels, image, column, row);
}
