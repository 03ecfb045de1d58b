/* SPDX-License-Identifier: MIT
 *
 * The kernels of rows.h with the Advanced SIMD that every aarch64 has.
 */
#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "rows_neon.c must be compiled for aarch64 with Advanced SIMD"
#endif

#define LANES 4
#include "kernel/rows_body.inc"

ROWS_KERNEL (vit_kernel_rows_neon, "neon", VIT_CPU_NEON);
