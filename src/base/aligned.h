/* SPDX-License-Identifier: MIT
 *
 * Memory whose size a file or a frame decides, at addresses that kernels may
 * load whole vectors from.
 *
 * Thread-safety: any.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* Bytes: a cache line, and the longest vector. */
#define VIT_ALIGNMENT 64

/* (transfer full): n * size bytes, not cleared, at a multiple of VIT_ALIGNMENT;
 * free() them.  Errors: NO_MEMORY, then NULL. */
void *vit_try_aligned (gsize n, gsize size, GError **error);

G_END_DECLS
