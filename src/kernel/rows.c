/* SPDX-License-Identifier: MIT
 *
 * Which of the kernels of rows.h a machine uses.
 */
#include "kernel/rows.h"

static const VitKernelRows *const kernels[] = {
#ifdef VIT_HAVE_AVX512
  &vit_kernel_rows_avx512,
#endif
#ifdef VIT_HAVE_AVX2
  &vit_kernel_rows_avx2,
#endif
#ifdef VIT_HAVE_NEON
  &vit_kernel_rows_neon,
#endif
  &vit_kernel_rows_c,
  NULL,
};

const VitKernelRows *const *
vit_kernel_list_rows (void)
{
  return kernels;
}

const VitKernelRows *
vit_kernel_choose_rows (unsigned cpu_mask)
{
  const VitKernelRows *const *kernel = kernels;

  while ((*kernel)->cpu & ~cpu_mask)
    kernel++;
  return *kernel;
}
