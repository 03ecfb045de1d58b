/* SPDX-License-Identifier: MIT */
#include "base/aligned.h"

#include <stdlib.h>

void *
vit_try_aligned (gsize n, gsize size, GError **error)
{
  void *memory = NULL;
  gsize n_bytes;

  if (!g_size_checked_mul (&n_bytes, n, size) || n_bytes > G_MAXSSIZE
      || posix_memalign (&memory, VIT_ALIGNMENT, MAX (n_bytes, 1)) != 0) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "no memory for %" G_GSIZE_FORMAT " numbers of %" G_GSIZE_FORMAT
        " bytes",
        n, size);
    return NULL;
  }
  return memory;
}
