/* SPDX-License-Identifier: MIT
 *
 * The kernels of rows.h with AVX-512.
 */
#ifndef __AVX512F__
#error "rows_avx512.c must be compiled with AVX-512"
#endif

#define LANES 16
#include "kernel/rows_body.inc"

ROWS_KERNEL (vit_kernel_rows_avx512, "avx512", VIT_CPU_AVX512);
