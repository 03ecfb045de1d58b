/* SPDX-License-Identifier: MIT
 *
 * Which instruction sets the machine has, of those that kernels are written
 * for: a mask, by which each operation chooses its kernel.  Pure C, as kernels
 * are.
 *
 * Thread-safety: any.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of the CPU mask: instruction sets a kernel may need. */
enum {
  VIT_CPU_AVX2 = 1 << 0,        /* AVX2 and FMA */
  VIT_CPU_AVX512 = 1 << 1,      /* AVX-512 F, BW, DQ, VL */
  VIT_CPU_AVX512_VNNI = 1 << 2, /* 8-bit dot products in AVX-512 */
  VIT_CPU_AMX = 1 << 3,         /* AMX tiles of 8-bit integers */
  VIT_CPU_NEON = 1 << 4,        /* Advanced SIMD of aarch64 */
};

/* What this machine, its operating system included, can run, less what the
 * environment variable VIT_CPU_MASK (a number; 0 leaves plain C) takes away.  A
 * program that was given more rights than its user has does not read it. */
unsigned vit_cpu_mask (void);

#ifdef __cplusplus
}
#endif
