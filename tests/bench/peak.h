/* SPDX-License-Identifier: MIT
 *
 * The machine's own rate of multiply-adds: what a kernel's speed is a share
 * of.  Measured in registers, in a slice so short that it can stand right
 * before and right after what it is compared with, on the same threads.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  PEAK_F32,   /* fused multiply-add of float32 */
  PEAK_INT16, /* 16 x 16 into 32 bits: vpdpwssd, or vpmaddwd and an addition */
  PEAK_INT8,  /* 8 x 8 into 32 bits in AMX tiles */
  PEAK_N_KINDS
} PeakKind;

/* "f32", "int16", "int8"; PEAK_N_KINDS for another name. */
PeakKind peak_find (const char *name);

/* The instruction that is timed with `cpu_mask` (kernel.h); NULL where there
 * is none. */
const char *peak_instruction (PeakKind kind, unsigned cpu_mask);

/* Multiply-adds a second of `n_threads` threads together (together.h),
 * measured now for about 4 ms; 0 where there is no such instruction. */
double peak_measure (PeakKind kind, unsigned cpu_mask, unsigned n_threads);

#ifdef __cplusplus
}
#endif
