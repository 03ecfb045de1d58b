/* SPDX-License-Identifier: MIT
 *
 * The kernels of rows.h for any machine: four lanes of the compilers' own vectors.
 */
#define LANES 4
#include "kernel/rows_body.inc"

ROWS_KERNEL (vit_kernel_rows_c, "c", 0);
