/* SPDX-License-Identifier: MIT
 *
 * The layout in which float32 kernels read weights:
 *
 *     panels [ceil (n_channels / channel_tile)][n_terms][channel_tile]
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Floats that vit_pack_panels() writes. */
gsize vit_pack_panels_size (guint n_channels, gsize n_terms,
    guint channel_tile);

/* Rounded to float32.  Channels past the last are zero. */
void vit_pack_panels (const double *weight /* [n_channels][n_terms] */,
    guint n_channels, gsize n_terms, guint channel_tile, float *panels);

G_END_DECLS
