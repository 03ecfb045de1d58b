/* SPDX-License-Identifier: MIT */
#include "encoder/rope.h"

#include <math.h>

/* Whatever the grid a model was trained on. */
#define EVA_REFERENCE 16.0

const char *
vit_rope_rule_name (VitRopeRule rule)
{
  static const char *const names[]
      = { "auto", "none", "dinov3", "eva", "pe", "pe-grid", "rope-vit" };

  return names[rule];
}

gboolean
vit_rope_is_interleaved (VitRopeRule rule)
{
  return rule != VIT_ROPE_NONE && rule != VIT_ROPE_DINOV3;
}

static double
coordinate (const VitRope *rope, guint i, guint n)
{
  switch (rope->rule) {
    case VIT_ROPE_DINOV3:
      return 2.0 * G_PI * ((i + 0.5) / n * 2.0 - 1.0);
    case VIT_ROPE_EVA:
      return (double) i / n * EVA_REFERENCE;
    case VIT_ROPE_PE:
      return (i + (rope->offset ? 1.0 : 0.0)) / n * rope->reference;
    case VIT_ROPE_PE_GRID:
      return i + (rope->offset ? 1.0 : 0.0);
    default:
      return i;
  }
}

void
vit_rope_angles (const VitRope *rope, guint head_dim, guint rows, guint cols,
    guint row, guint col, float *cosine, float *sine)
{
  gboolean x_first
      = rope->rule != VIT_ROPE_DINOV3 && rope->rule != VIT_ROPE_EVA;
  double y = coordinate (rope, row, rows), x = coordinate (rope, col, cols);
  guint k = head_dim / 4;

  for (guint axis = 0; axis < 2; axis++) {
    double c = (axis == 0) == x_first ? x : y;

    for (guint j = 0; j < k; j++) {
      double angle = c * pow (rope->base, -(double) j / k);

      cosine[axis * k + j] = (float) cos (angle);
      sine[axis * k + j] = (float) sin (angle);
    }
  }
}
