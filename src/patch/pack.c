/* SPDX-License-Identifier: MIT */
#include "patch/pack.h"

gsize
vit_pack_panels_size (guint n_channels, gsize n_terms, guint channel_tile)
{
  gsize n_panels = (n_channels + channel_tile - 1) / channel_tile;

  return n_panels * n_terms * channel_tile;
}

void
vit_pack_panels (const double *weight, guint first, guint n_channels,
    gsize n_terms, guint channel_tile, float *panels)
{
  for (guint d = first; d < first + n_channels; d++, weight += n_terms) {
    float *panel = panels + d / channel_tile * n_terms * channel_tile;

    for (gsize k = 0; k < n_terms; k++)
      panel[k * channel_tile + d % channel_tile] = (float) weight[k];
  }
}
