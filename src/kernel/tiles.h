/* SPDX-License-Identifier: MIT
 *
 * What the x86 kernels share: their inner loops are assembly over fixed
 * registers, one for each sum of a tile.  Here are the words for doing
 * something to each of these registers, and the fetching of what comes next.
 */
#pragma once

#include "kernel/patch.h"

/* What a loop over a tile leaves no value in. */
#define VIT_TILES_CLOBBER_16                                                   \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",      \
      "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define VIT_TILES_CLOBBER_32                                                   \
  VIT_TILES_CLOBBER_16, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",  \
      "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",  \
      "xmm30", "xmm31"

/* DO (i) for each i < n. */
#define VIT_TILES_12(DO)                                                       \
  DO (0) DO (1) DO (2) DO (3) DO (4) DO (5)                                    \
  DO (6) DO (7) DO (8) DO (9) DO (10) DO (11)
#define VIT_TILES_24(DO)                                                       \
  VIT_TILES_12 (DO)                                                            \
  DO (12) DO (13) DO (14) DO (15) DO (16) DO (17)                              \
  DO (18) DO (19) DO (20) DO (21) DO (22) DO (23)
#define VIT_TILES_28(DO)                                                       \
  VIT_TILES_24 (DO) DO (24) DO (25) DO (26) DO (27)

/* Tiles from patch `first` on, at most `max`. */
static inline unsigned
vit_tiles_count (const VitProduct *product, unsigned first, unsigned tile,
    unsigned max)
{
  unsigned n = (product->n_patches - first + tile - 1) / tile;

  return n < max ? n : max;
}

/* Starts to bring share i of n of some memory, aligned to 64 bytes, into the
 * cache; past its end, of which a little is fetched too, may lie anything or
 * nothing. */
static inline void
vit_tiles_fetch (const void *memory, size_t n_bytes, unsigned i, unsigned n)
{
  unsigned share = ((unsigned) (n_bytes / 64) + n - 1) / n;
  const char *line = (const char *) memory + (size_t) share * i * 64;

  for (unsigned k = 0; k < share; k++)
    __builtin_prefetch (line + k * 64);
}

/* Likewise some channels of the rows of a tile. */
static inline void
vit_tiles_fetch_rows (const VitProduct *product, unsigned first, unsigned tile,
    unsigned channel, unsigned n_channels)
{
  for (unsigned i = first; i < first + tile && i < product->n_patches; i++) {
    for (unsigned d = channel; d < channel + n_channels; d += 16) {
      __builtin_prefetch (product->add[i] + d);
      __builtin_prefetch (product->out[i] + d, 1);
    }
  }
}
