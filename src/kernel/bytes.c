/* SPDX-License-Identifier: MIT */
#include "kernel/bytes.h"

#include <string.h>

size_t
vit_bytes_panels_size (unsigned n_channels, size_t n_terms)
{
  return (n_channels + 15) / 16 * 16 * n_terms * 2;
}

void
vit_bytes_pack (
    const int16_t *q, unsigned n_channels, size_t n_terms, void *panels)
{
  int8_t *to = panels;

  memset (panels, 0, vit_bytes_panels_size (n_channels, n_terms));
  for (unsigned d = 0; d < n_channels; d++) {
    for (size_t k = 0; k < n_terms; k++) {
      int value = q[d * n_terms + k];
      int low = (int8_t) (value & 0xff);
      size_t tile = d / 16 * (n_terms / VIT_BYTES_TERMS) + k / VIT_BYTES_TERMS;
      size_t at = tile * 2 * VIT_BYTES_PLANE + k % VIT_BYTES_TERMS / 4 * 64
          + d % 16 * 4 + k % 4;

      to[at] = (int8_t) ((value - low) / 256);
      to[at + VIT_BYTES_PLANE] = (int8_t) low;
    }
  }
}
