/* SPDX-License-Identifier: MIT
 *
 * The product of patches and weights: the contract of every kernel, and the
 * choice of one.  kernel_c.c is the definition; each other file computes the
 * same with one instruction set.  Pure C, so that a kernel can be read, tested
 * and timed by itself.
 *
 * Thread-safety: all functions may be called from any thread.
 */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of the CPU mask: instruction sets a kernel may need. */
enum {
  VIT_CPU_AVX2 = 1 << 0,   /* AVX2 and FMA */
  VIT_CPU_AVX512 = 1 << 1, /* AVX-512 F, BW, DQ, VL */
};

/* out[i][d] = add[i][d] + sum over k < n_terms of patches[i][k] * panel[k][d]
 *
 * for i < n_patches, d < n_channels <= channel_tile, summed in ascending k.
 * Float32; strides in floats.
 *
 *   patches  [n_patches][patch_stride]; 64-byte aligned; readable for
 *            n_patches rounded up to patch_tile (what lies there is ignored)
 *   panel    [n_terms][channel_tile]; 64-byte aligned, zero past n_channels
 *   add      [n_patches][add_stride]; a stride of 0 repeats one row
 *   out      [n_patches][out_stride]; nothing past n_channels is written */
typedef void (*VitProductF32) (unsigned n_patches, unsigned n_channels,
    size_t n_terms, const float *patches, size_t patch_stride,
    const float *panel, const float *add, size_t add_stride, float *out,
    size_t out_stride);

typedef struct {
  const char *name;      /* "c", "avx2", "avx512" */
  unsigned cpu;          /* bits that the machine must have; 0 for C */
  unsigned patch_tile;   /* patches computed at once */
  unsigned channel_tile; /* channels of one panel; a multiple of 16 */
  VitProductF32 product_f32;
} VitKernel;

/* What this machine, its operating system included, can run, less what the
 * environment variable VIT_CPU_MASK (a number; 0 leaves plain C) takes away. */
unsigned vit_cpu_mask (void);

/* The kernels that were compiled in, best first, C last; ends with NULL. */
const VitKernel *const *vit_kernel_list (void);

/* The best kernel that needs only bits of `cpu_mask`.  Never NULL. */
const VitKernel *vit_kernel_choose (unsigned cpu_mask);

extern const VitKernel vit_kernel_c;
extern const VitKernel vit_kernel_avx2;
extern const VitKernel vit_kernel_avx512;

#ifdef __cplusplus
}
#endif
