/* SPDX-License-Identifier: MIT
 *
 * Reader of a .npy file that holds one vector, [dim], or several,
 * [n_vectors][dim], as numpy.save() writes them: float32 or float64 in, float32
 * out.  The file is taken to be hostile.
 *
 *     0         6         8        10                 10 + n     file size
 *     +---------+---------+---------+------------------+------------------+
 *     | "\x93NUMPY" | 1, 0    | n: u16  | n bytes of text  | values           |
 *     +---------+---------+---------+------------------+------------------+
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 384), }
 *
 * Versions 2 and 3 have n as u32.  Little-endian, row-major.  The format:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * Thread-safety: pure, but for the file that is read.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* NumPy's own readers refuse longer headers too, as they may be slow to parse. */
#define VIT_NPY_MAX_HEADER_BYTES 10000

/* Not written to once it was read. */
typedef struct {
  guint n_vectors; /* at least 1 */
  guint dim;       /* at least 1 */
  float *values;   /* [n_vectors][dim], finite */
} VitNpy;

/* Reads a file of at most `max_values` numbers; no more memory is taken than
 * they need as float32, and some KiB.  Errors: those of vit_file_open() and
 * vit_file_check_unchanged(); UNSUPPORTED for what is no .npy file, or one of
 * another type, order or rank, or with more values; CONTAINER for one that is
 * damaged; VALUE for NaN, infinity and what is too large for float32;
 * NO_MEMORY.  NULL on error; free with vit_npy_free(). */
VitNpy *vit_npy_load (const char *path, gsize max_values, GError **error);
void vit_npy_free (VitNpy *npy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitNpy, vit_npy_free)

G_END_DECLS
