/* SPDX-License-Identifier: MIT
 *
 * Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's cyclic
 * rotations (Golub and Van Loan, Matrix Computations, section 8.5), in double.
 *
 * Thread-safety: a pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `matrix` [n][n], symmetric, finite, is overwritten.  values[0] is the
 * largest; column j of `vectors` [n][n], vectors[i * n + j], belongs to
 * values[j], has length 1 and is orthogonal to the others. */
void vit_symmetric_eigen (
    guint n, double *matrix, double *values /* [n] */, double *vectors);

G_END_DECLS
