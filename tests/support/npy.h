/* SPDX-License-Identifier: MIT
 *
 * Reads the .npy files that hold the tests' tables and expected tokens.  Only
 * what these use: little-endian float32 ('<f4') in C or Fortran order, of any
 * rank up to NPY_MAX_DIMS.  Anything else ends the test program with a message,
 * so no caller has an error to handle.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define NPY_MAX_DIMS 8

typedef struct {
  guint n_dims;
  gsize shape[NPY_MAX_DIMS];
  gsize n_values; /* the product of shape; 1 when n_dims is 0 */
  float *values;  /* [n_values], row-major whatever the order in the file */
} Npy;

Npy *npy_read (const char *path);
void npy_free (Npy *npy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Npy, npy_free)

G_END_DECLS
