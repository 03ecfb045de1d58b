/* SPDX-License-Identifier: MIT
 *
 * The kernels of rows.h with AVX2.
 */
#ifndef __AVX2__
#error "rows_avx2.c must be compiled with AVX2"
#endif

#define LANES 8
#include "kernel/rows_body.inc"

ROWS_KERNEL (vit_kernel_rows_avx2, "avx2", VIT_CPU_AVX2);
