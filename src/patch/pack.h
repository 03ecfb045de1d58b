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

/* Floats of all panels. */
gsize vit_pack_panels_size (guint n_channels, gsize n_terms,
    guint channel_tile);

/* The channels [first, first + n_channels), rounded to float32; the others are
 * left as they are.  Zeros belong where a panel has more than there are. */
void vit_pack_panels (const double *weight /* [n_channels][n_terms] */,
    guint first, guint n_channels, gsize n_terms, guint channel_tile,
    float *panels);

G_END_DECLS
