/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <stdlib.h>

static const VitKernel *const kernels[] = {
#ifdef VIT_HAVE_AVX512
  &vit_kernel_avx512,
#endif
#ifdef VIT_HAVE_AVX2
  &vit_kernel_avx2,
#endif
  &vit_kernel_c,
  NULL,
};

/* The compiler's builtins ask the operating system too: an instruction set
 * whose registers it does not save counts as missing. */
static unsigned
detect_cpu (void)
{
  unsigned mask = 0;

#if defined(__x86_64__)
  __builtin_cpu_init ();
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    mask |= VIT_CPU_AVX2;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    mask |= VIT_CPU_AVX512;
#endif
  return mask;
}

unsigned
vit_cpu_mask (void)
{
  const char *limit = getenv ("VIT_CPU_MASK");
  unsigned mask = detect_cpu ();

  return limit ? mask & (unsigned) strtoul (limit, NULL, 0) : mask;
}

const VitKernel *const *
vit_kernel_list (void)
{
  return kernels;
}

const VitKernel *
vit_kernel_choose (unsigned cpu_mask)
{
  const VitKernel *const *kernel = kernels;

  while ((*kernel)->cpu & ~cpu_mask)
    kernel++;
  return *kernel;
}
