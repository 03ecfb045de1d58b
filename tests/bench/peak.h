/* SPDX-License-Identifier: MIT
 *
 * The machine's own rate of float32 multiply-adds: what a kernel's speed is a
 * share of.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Multiply-adds a second that `n_threads` threads reach together in registers,
 * measured now, with the widest vectors in `cpu_mask` (kernel.h). */
double peak_f32 (unsigned cpu_mask, unsigned n_threads);

#ifdef __cplusplus
}
#endif
